//! Taking a backup from a running server, in the one order that leaves no
//! row without its file: removal of files paused, database copied, then the
//! files that *the copy* names (engines.md §6).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::manifest::{FORMAT, MANIFEST};
use super::{BLOCKS, DATABASE, Error, KEYS, Manifest, PAGE, Result, files};
use crate::blocks::{BlockName, BlockStore};
use crate::clock::Clock;
use crate::db::{self, Database};
use crate::random::Random;
use crate::store::{blocks, leases};

/// How long the server may be without a sign of life from a backup before it
/// removes files again.
const LEASE_MS: u64 = 60 * 60 * 1000;

/// What a backup is taken of.
#[derive(Debug, Clone)]
pub struct Backup {
    /// The database.
    pub db: Database,
    /// The blocks.
    pub blocks: Arc<dyn BlockStore>,
    /// Key files by the name they get in the backup.
    pub keys: BTreeMap<String, PathBuf>,
    /// Time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
}

/// Takes a backup into a folder that must not exist.
///
/// # Errors
/// [`Error`]; what is there of the folder is then no backup.
pub async fn backup(source: &Backup, target: &Path) -> Result<Manifest> {
    if source.db.file().is_none() {
        return Err(Error::NoFile);
    }
    let lease = Lease {
        source,
        holder: source.random.bytes()?,
    };
    if !lease.renew().await? {
        return Err(Error::Busy);
    }
    let done = take(source, &lease, target).await;
    source.db.retry(|| lease.end()).await?;
    done
}

async fn take(source: &Backup, lease: &Lease<'_>, target: &Path) -> Result<Manifest> {
    files::make_folder(target)?;
    let taken_ms = source.clock.now_ms();
    let database = target.join(DATABASE);
    let file = source.db.file().ok_or(Error::NoFile)?;
    file.copy_to(&database).await?;
    let copy = Database::open_copy(&database).await?;
    let (block_files, block_bytes) = export_blocks(source, lease, &copy, target).await?;
    copy.close().await;
    if !lease.renew().await? {
        return Err(Error::LeaseLost);
    }
    let (keys, target) = (source.keys.clone(), target.to_owned());
    spawn_blocking(move || {
        let manifest = Manifest {
            format: FORMAT,
            taken_ms,
            server: env!("CARGO_PKG_VERSION").to_owned(),
            database: files::seal(&target.join(DATABASE))?,
            keys: copy_keys(&keys, &target.join(KEYS))?,
            block_files,
            block_bytes,
        };
        let text = serde_json::to_vec_pretty(&manifest)
            .map_err(|error| files::at(&target, error.into()))?;
        let draft = target.join("manifest.draft");
        files::write(&draft, &text)?;
        files::sync_folder(&target)?;
        files::publish(&draft, &target.join(MANIFEST))?;
        target.parent().map_or(Ok(()), |above| {
            let above = if above.as_os_str().is_empty() {
                Path::new(".")
            } else {
                above
            };
            files::sync_folder(above)
        })?;
        Ok(manifest)
    })
    .await
    .map_err(|_| Error::Task)?
}

/// Copies every file that the copy names; how many, and their bytes.
async fn export_blocks(
    source: &Backup,
    lease: &Lease<'_>,
    copy: &Database,
    target: &Path,
) -> Result<(u64, u64)> {
    let folder = target.join(BLOCKS);
    files::make_folder(&folder)?;
    let (mut count, mut bytes) = (0, 0);
    let mut after = BlockName::new([0; 16]);
    let mut shard = None;
    loop {
        let mut snapshot = copy.read().await?;
        let page = blocks::files_page(&mut snapshot, after, PAGE).await?;
        drop(snapshot);
        for (name, len, _) in &page {
            // In ascending order, so each shard is begun once and ended once.
            if shard != Some(name.shard()) {
                sync_shard(&folder, shard)?;
                shard = Some(name.shard());
                files::make_folder(&shard_folder(&folder, name.shard()))?;
            }
            let file = shard_folder(&folder, name.shard()).join(name.to_string());
            source.blocks.export(*name, &file).await?;
            (count, bytes, after) = (count + 1, bytes + len, *name);
        }
        if page.len() < PAGE as usize {
            sync_shard(&folder, shard)?;
            files::sync_folder(&folder)?;
            return Ok((count, bytes));
        }
        if !lease.renew().await? {
            return Err(Error::LeaseLost);
        }
    }
}

fn sync_shard(folder: &Path, shard: Option<u8>) -> Result<()> {
    shard.map_or(Ok(()), |shard| {
        files::sync_folder(&shard_folder(folder, shard))
    })
}

pub(super) fn shard_folder(folder: &Path, shard: u8) -> PathBuf {
    folder.join(format!("{shard:02x}"))
}

fn copy_keys(
    keys: &BTreeMap<String, PathBuf>,
    folder: &Path,
) -> Result<BTreeMap<String, super::FileDigest>> {
    files::make_folder(folder)?;
    let copied = keys
        .iter()
        .map(|(name, path)| Ok((name.clone(), files::copy(path, &folder.join(name))?)))
        .collect::<Result<_>>()?;
    files::sync_folder(folder)?;
    Ok(copied)
}

/// The lease under which no file is removed.
struct Lease<'a> {
    source: &'a Backup,
    holder: [u8; 16],
}

impl Lease<'_> {
    async fn renew(&self) -> Result<bool> {
        Ok(self.source.db.retry(|| self.claim()).await?)
    }

    async fn end(&self) -> db::Result<()> {
        let mut write = self.source.db.write().await?;
        leases::release(&mut write, leases::BLOCK_REMOVAL, self.holder).await?;
        write.commit().await
    }

    async fn claim(&self) -> db::Result<bool> {
        let now_ms = self.source.clock.now_ms();
        let until_ms = now_ms.saturating_add(LEASE_MS);
        let mut write = self.source.db.write().await?;
        let name = leases::BLOCK_REMOVAL;
        let held = leases::claim(&mut write, name, self.holder, now_ms, until_ms).await?;
        write.commit().await?;
        Ok(held)
    }
}
