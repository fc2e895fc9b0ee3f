//! A server's inside on a fresh database and folder, with a clock to turn.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use futures::{StreamExt, stream};
use sv_backends::sql::FreshDatabase;
use sv_ledger::id::{ContentId, VaultId};
use sv_server::args;
use sv_server::blocks::{BlockStore, BlockStream, FileBlocks, Fs, SystemFs};
use sv_server::check::{Report, check};
use sv_server::clock::Clock;
use sv_server::db::{Database, Query};
use sv_server::jobs::Jobs;
use sv_server::random::Random;
use sv_server::service::vault::{Access, PreparedVault, Vault, Vaults, Write, create_vault};
use sv_server::service::{Error, Result, quota};
use tempfile::TempDir;

use crate::author::{INSTANCE, Log, Person};
use crate::stage;

/// What everybody may store.
pub(crate) const QUOTA: u64 = 64 * 1024 * 1024;

/// A migrated database, made once and copied for each test.
static TEMPLATE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let build = || {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("vault.db");
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let db = Database::open(&url(&path)).await.unwrap();
            db.close().await;
        });
        std::fs::read(path).unwrap()
    };
    std::thread::spawn(build).join().unwrap()
});

pub(crate) fn url(path: &Path) -> String {
    format!("sqlite://{}", path.display())
}

pub(crate) async fn database(folder: &Path) -> Database {
    let path = folder.join("vault.db");
    std::fs::write(&path, TEMPLATE.as_slice()).unwrap();
    Database::open(&url(&path)).await.unwrap()
}

pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) db: Database,
    pub(crate) blocks: Arc<dyn BlockStore>,
    pub(crate) vaults: Vaults,
    pub(crate) jobs: Jobs,
    pub(crate) clock: Clock,
    time: Arc<AtomicU64>,
    pub(crate) server: Option<FreshDatabase>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with_fs(Arc::new(SystemFs)).await
    }

    pub(crate) async fn with_fs(fs: Arc<dyn Fs>) -> Self {
        Self::with_blocks(|root| Arc::new(FileBlocks::with_fs(root, fs).unwrap())).await
    }

    pub(crate) async fn with_blocks(make: impl FnOnce(&Path) -> Arc<dyn BlockStore>) -> Self {
        let folder = TempDir::new().unwrap();
        let server = stage::server_database().await;
        let db = match &server {
            Some(fresh) => Database::open(fresh.url()).await.unwrap(),
            None => database(folder.path()).await,
        };
        install(&db).await;
        let db = stage::staged(db);
        let blocks = make(&folder.path().join("store"));
        let start = Clock::system().now_ms();
        let time = Arc::new(AtomicU64::new(start));
        let reading = time.clone();
        let clock = Clock::from_fn(move || reading.load(Ordering::Relaxed));
        let random = Random::system();
        Self {
            vaults: Vaults::new(db.clone(), blocks.clone(), clock.clone(), random.clone()),
            jobs: Jobs::new(db.clone(), blocks.clone(), clock.clone(), random),
            folder,
            db,
            blocks,
            clock,
            time,
            server,
        }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    pub(crate) fn pass(&self, ms: u64) {
        self.time.fetch_add(ms, Ordering::Relaxed);
    }

    /// A person who has signed up: account vault, quota and a drive.
    pub(crate) async fn person(&self, seed: u8) -> (Person, Log) {
        let person = Person::new(seed, self.now_ms());
        let (drive, drive_log) = person.drive(seed, self.now_ms());
        let create = || async {
            let mut write = self.db.write().await?;
            quota::set_limit(&mut write, person.uid, QUOTA).await?;
            for new in [&person.account, &drive] {
                let prepared = PreparedVault::prepare(new, &INSTANCE, self.now_ms())?;
                create_vault(&mut write, &prepared, person.uid, self.now_ms()).await?;
            }
            Ok::<_, Error>(write.commit().await?)
        };
        self.db.retry(create).await.unwrap();
        (person, drive_log)
    }

    pub(crate) async fn writer(&self, log: &Log) -> Access<Write, Vault> {
        let uid = log.person.uid;
        self.vaults.authorise(uid, log.vault_id()).await.unwrap()
    }

    /// Bytes of contents and uploads that somebody is charged for.
    pub(crate) async fn used(&self, uid: VaultId) -> u64 {
        self.charged(uid).await - self.logged(uid).await
    }

    /// Bytes that somebody is charged for.
    pub(crate) async fn charged(&self, uid: VaultId) -> u64 {
        let mut snapshot = self.db.read().await.unwrap();
        quota::of_account(&mut snapshot, uid).await.unwrap().used
    }

    /// Bytes of the entries, records and envelopes in somebody's vaults.
    pub(crate) async fn logged(&self, uid: VaultId) -> u64 {
        let mut snapshot = self.db.read().await.unwrap();
        let mut bytes = 0;
        for sql in [
            "SELECT e.bytes FROM entries e JOIN vaults v ON v.vault_id = e.vault_id \
             WHERE v.owner = ?",
            "SELECT b.bytes FROM bodies b JOIN vaults v ON v.vault_id = b.vault_id \
             WHERE v.owner = ?",
        ] {
            for mut row in snapshot.query(sql, args![uid]).await.unwrap() {
                bytes += row.take::<Vec<u8>>(0).unwrap().len() as u64;
            }
        }
        bytes
    }

    /// Sets how much somebody may store.
    pub(crate) async fn allow(&self, uid: VaultId, limit: u64) {
        let set = || async {
            let mut write = self.db.write().await?;
            quota::set_limit(&mut write, uid, limit).await?;
            Ok::<_, Error>(write.commit().await?)
        };
        self.db.retry(set).await.unwrap();
    }

    pub(crate) async fn put(
        &self,
        uid: VaultId,
        id: ContentId,
        index: u32,
        block: &[u8],
    ) -> Result<()> {
        self.vaults.put_block(uid, id, index, pieces(block)).await
    }

    pub(crate) async fn report(&self) -> Report {
        check(&self.db, &self.blocks).await.unwrap()
    }

    /// Nothing is wrong with what is stored.
    pub(crate) async fn assert_whole(&self) {
        assert_eq!(self.report().await.findings, []);
    }

    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let store = self.folder.path().join("store");
        let mut folders = vec![store.join("blocks"), store.join("tmp")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path);
                }
            }
        }
        files
    }
}

/// What stands in the row of an installation does not matter here, but that it
/// is there.
async fn install(db: &Database) {
    let install = || async {
        let mut write = db.write().await?;
        let sql = "INSERT INTO instance (id, opaque_setup, credential_key, opaque_public_key, \
                   nonce, nestings) VALUES (1, ?, ?, ?, ?, 0)";
        let (sealed, plain) = (vec![0_u8], [0_u8; 32]);
        let row = args![sealed.clone(), sealed, plain, plain];
        write.execute(sql, row).await?;
        write.commit().await
    };
    db.retry(install).await.unwrap();
}

/// Bytes as they come from a network: in pieces.
pub(crate) fn pieces(bytes: &[u8]) -> BlockStream<'static> {
    let pieces: Vec<_> = bytes
        .chunks(48 * 1024)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    stream::iter(pieces).boxed()
}
