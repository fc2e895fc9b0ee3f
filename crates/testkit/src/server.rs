//! A real server in process, on files in a temporary folder, that can be
//! stopped, rolled back and tampered with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sv_api::account::SignupPolicy;
use sv_backends::sql::{Engine, FreshDatabase};
use sv_server::backup::{Backup, Restore, backup, restore};
use sv_server::blocks::FileBlocks;
use sv_server::clock::Clock;
use sv_server::config::{Config, Storage};
use sv_server::jobs::Jobs;
use sv_server::random::Random;
use sv_server::secrets::{KeyEncryptionKey, KeySource};
use sv_server::server::Server;
use tempfile::TempDir;

use crate::actor::{Host, STEP_MS};
use crate::clock::TestClock;
use crate::database::Database;
use crate::platform::TestPlatform;
use crate::process::files_below;

/// A server under test.
pub struct TestServer {
    folder: TempDir,
    config: Config,
    clock: TestClock,
    server: Option<Server>,
    /// Where it keeps its rows, if not in a file.
    #[expect(dead_code, reason = "kept for its end")]
    database: Option<FreshDatabase>,
}

/// A backup, as `securevaultd backup` takes it, without the key.
pub struct TakenBackup(TempDir);

/// A copy of everything a server keeps.
pub struct Snapshot(TempDir);

impl Snapshot {
    /// Starts a second server on this state, with the first one's secrets: a
    /// server that tells two stories.
    pub async fn fork(&self, first: &TestServer) -> TestServer {
        let folder = TempDir::new().expect("a folder");
        copy_folder(self.0.path(), &folder.path().join("data"));
        std::fs::copy(first.folder.path().join("key"), folder.path().join("key")).expect("the key");
        TestServer::start_in(folder, first.config.signup, first.clock.clone()).await
    }
}

impl TestServer {
    /// Starts a server that anybody may sign up at.
    pub async fn start() -> Self {
        Self::start_with(SignupPolicy::Open).await
    }

    /// Starts a server with a policy.
    pub async fn start_with(signup: SignupPolicy) -> Self {
        let folder = TempDir::new().expect("a folder");
        Self::start_in(folder, signup, TestClock::default()).await
    }

    /// Starts a server whose rows are in a database of that kind, which must
    /// be here.
    pub async fn start_on(engine: Engine) -> Self {
        let folder = TempDir::new().expect("a folder");
        let database = engine.fresh().await.expect("the database");
        let (signup, clock) = (SignupPolicy::Open, TestClock::default());
        Self::begin(folder, Some(database), signup, clock).await
    }

    async fn start_in(folder: TempDir, signup: SignupPolicy, clock: TestClock) -> Self {
        Self::begin(folder, None, signup, clock).await
    }

    async fn begin(
        folder: TempDir,
        database: Option<FreshDatabase>,
        signup: SignupPolicy,
        clock: TestClock,
    ) -> Self {
        let mut storage = Storage::in_folder(folder.path().join("data"), folder.path().join("key"));
        if let Some(database) = &database {
            database.url().clone_into(&mut storage.database);
        }
        let config = Config {
            migrate: database.is_some(),
            ..Config::on_free_port(storage, signup)
        };
        let mut server = Self {
            folder,
            config,
            clock,
            server: None,
            database,
        };
        server.resume().await;
        server
    }

    /// Starts the server again after [`Self::stop`], at the same address.
    pub async fn resume(&mut self) {
        let clock = self.server_clock();
        let server = Server::start_at(self.config.clone(), clock)
            .await
            .expect("the server starts");
        self.config.listen = format!("localhost:{}", server.address().port());
        self.server = Some(server);
    }

    /// Stops the server in order.
    pub async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }

    /// The running server.
    pub fn server(&self) -> &Server {
        self.server.as_ref().expect("the server runs")
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.server().url().to_owned()
    }

    /// Whether the web application was built into it.
    pub async fn has_web(&self) -> bool {
        let worker = format!("{}/sw.js", self.url());
        let answer = reqwest::get(worker).await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// The clock of the server and of every device made by [`Self::device`].
    pub const fn clock(&self) -> &TestClock {
        &self.clock
    }

    /// A new device, with an honest network.
    pub fn device(&self) -> TestPlatform {
        TestPlatform::new(&self.url(), self.clock.clone())
    }

    /// The folder of database and blocks.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The key-encryption key.
    pub fn key(&self) -> KeyEncryptionKey {
        let file = KeySource::File(self.folder.path().join("key"));
        file.read().expect("the key")
    }

    /// The database, past the server.
    pub async fn database(&self) -> Database {
        Database::open(&self.data().join("vault.db")).await
    }

    /// Every block file.
    pub fn block_files(&self) -> Vec<PathBuf> {
        files_below(&self.data().join("blocks").join("blocks"))
    }

    /// Copies everything the server keeps, while it is stopped.
    pub async fn snapshot(&mut self) -> Snapshot {
        self.stop().await;
        let copy = TempDir::new().expect("a folder");
        copy_folder(&self.data(), copy.path());
        self.resume().await;
        Snapshot(copy)
    }

    /// Takes a backup while the server runs.
    pub async fn back_up(&self) -> TakenBackup {
        let folder = TempDir::new().expect("a folder");
        let source = Backup {
            db: sv_server::db::Database::open(&self.config.storage.database)
                .await
                .expect("the database"),
            blocks: Some(Arc::new(self.blocks())),
            keys: BTreeMap::new(),
            clock: self.server_clock(),
            random: Random::system(),
        };
        let target = folder.path().join("backup");
        backup(&source, &target).await.expect("a backup");
        source.db.close().await;
        TakenBackup(folder)
    }

    /// Runs every job of the server once, beside it.
    pub async fn run_jobs(&self) {
        let db = sv_server::db::Database::open(&self.config.storage.database)
            .await
            .expect("the database");
        let blocks = Arc::new(self.blocks());
        let jobs = Jobs::new(db.clone(), blocks, self.server_clock(), Random::system());
        jobs.run().await.expect("the jobs run");
        db.close().await;
    }

    /// Brings a backup back in the place of everything the server keeps: it
    /// says of itself that it was restored.
    pub async fn bring_back(&mut self, taken: &TakenBackup) {
        self.stop().await;
        std::fs::remove_dir_all(self.data()).expect("the old data goes");
        let place = Restore {
            database: self.data().join("vault.db"),
            blocks: Some(Arc::new(self.blocks())),
            keys: self.folder.path().join("no-keys"),
            clock: self.server_clock(),
            random: Random::system(),
        };
        let done = restore(&taken.0.path().join("backup"), &place).await;
        done.expect("the backup comes back");
        self.resume().await;
    }

    /// Removes what is over, as the server does from time to time.
    pub async fn clean_up(&self) {
        let db = sv_server::db::Database::open(&self.config.storage.database)
            .await
            .expect("the database");
        let (blocks, clock) = (Arc::new(self.blocks()), self.server_clock());
        let jobs = Jobs::new(db.clone(), blocks, clock, Random::system());
        jobs.run().await.expect("the jobs run");
        db.close().await;
    }

    fn blocks(&self) -> FileBlocks {
        FileBlocks::open(&self.data().join("blocks")).expect("the block store")
    }

    fn server_clock(&self) -> Clock {
        let clock = self.clock.clone();
        Clock::from_fn(move || clock.now_ms())
    }

    /// Puts a copy in the place of everything the server keeps.
    pub async fn restore(&mut self, snapshot: &Snapshot) {
        self.stop().await;
        std::fs::remove_dir_all(self.data()).expect("the old data goes");
        copy_folder(snapshot.0.path(), &self.data());
        self.resume().await;
    }
}

impl Host for TestServer {
    fn device(&self) -> TestPlatform {
        Self::device(self)
    }

    /// The clock moves on for it.
    fn next_code_ms(&self) -> u64 {
        self.clock.advance(STEP_MS);
        self.clock.now_ms()
    }
}

/// Copies a folder with all that is in it.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}
