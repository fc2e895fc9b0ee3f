//! Bringing a backup back, to where there is nothing yet. The database gets
//! its name last: a restore that breaks off has restored nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use tokio_util::io::ReaderStream;

use super::manifest::{FORMAT, MANIFEST};
use super::take::shard_folder;
use super::{BLOCKS, BlocksAt, DATABASE, Error, KEYS, Manifest, PAGE, Result, files};
use crate::blocks::{BlockName, BlockStore, Error as BlockError, Stored};
use crate::clock::Clock;
use crate::db::Database;
use crate::random::Random;
use crate::store::accounts::restored::{self, Restored};
use crate::store::{blocks, leases};

/// Where a backup comes back to.
#[derive(Debug, Clone)]
pub struct Restore {
    /// The database's file, which must not exist.
    pub database: PathBuf,
    /// An empty block store; none if the server will look for blocks in the
    /// database.
    pub blocks: Option<Arc<dyn BlockStore>>,
    /// The folder of keys, in which none of the backup's may exist.
    pub keys: PathBuf,
    /// Time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
}

/// Brings a backup back. Run `check` afterwards. Until the administrator ends
/// it, the server says of itself that it was restored: people's devices may
/// have seen more than it has.
///
/// # Errors
/// [`Error`]; then the database is not there.
pub async fn restore(from: &Path, target: &Restore) -> Result<Manifest> {
    let manifest = verified_manifest(from)?;
    require_nothing(target, &manifest).await?;
    match (&target.blocks, manifest.blocks) {
        (Some(blocks), BlocksAt::Files) => restore_blocks(from, blocks).await?,
        (None, BlocksAt::Database) => {}
        (None, BlocksAt::Files) => {
            return Err(Error::BlocksElsewhere(
                "files, as for --blocks file://FOLDER",
            ));
        }
        (Some(_), BlocksAt::Database) => {
            return Err(Error::BlocksElsewhere(
                "in its database, as for --blocks db://",
            ));
        }
    }
    files::ensure_folder(&target.keys)?;
    for name in manifest.keys.keys() {
        files::copy(&from.join(KEYS).join(name), &target.keys.join(name))?;
    }
    files::sync_folder(&target.keys)?;
    if let Some(folder) = target.database.parent() {
        files::ensure_folder(folder)?;
    }
    let draft = target.database.with_extension("restoring");
    if files::copy(&from.join(DATABASE), &draft)? != manifest.database {
        return Err(Error::Damaged(DATABASE.to_owned()));
    }
    mark(&draft, target, manifest.taken_ms).await?;
    files::publish(&draft, &target.database)?;
    Ok(manifest)
}

/// Marks a database as restored, and frees it from the leases of the server
/// that it was copied from.
async fn mark(draft: &Path, target: &Restore, backup_ms: u64) -> Result<()> {
    let db = Database::open(&format!("sqlite://{}", draft.display())).await?;
    let state = Restored {
        restore_id: target.random.bytes()?,
        restored_ms: target.clock.now_ms(),
        backup_ms,
    };
    db.retry(|| async {
        let mut write = db.write().await?;
        restored::set(&mut write, &state).await?;
        leases::clear(&mut write).await?;
        write.commit().await
    })
    .await?;
    // The write-ahead log goes into the file, which is renamed alone.
    db.close().await;
    files::seal(draft).map(drop)
}

/// The manifest, if the database and the keys are those it names.
fn verified_manifest(from: &Path) -> Result<Manifest> {
    let path = from.join(MANIFEST);
    let not_a_backup = || Error::NotABackup(from.to_owned());
    let text = std::fs::read(&path).map_err(|_| not_a_backup())?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|_| not_a_backup())?;
    if manifest.format != FORMAT {
        return Err(not_a_backup());
    }
    if files::digest(&from.join(DATABASE))? != manifest.database {
        return Err(Error::Damaged(DATABASE.to_owned()));
    }
    for (name, saved) in &manifest.keys {
        let is_plain = Path::new(name).file_name() == Some(name.as_ref());
        if !is_plain || files::digest(&from.join(KEYS).join(name))? != *saved {
            return Err(Error::Damaged(name.clone()));
        }
    }
    Ok(manifest)
}

async fn require_nothing(target: &Restore, manifest: &Manifest) -> Result<()> {
    let keys = manifest.keys.keys().map(|name| target.keys.join(name));
    for path in keys.chain([target.database.clone()]) {
        if path.exists() {
            return Err(Error::Exists(path));
        }
    }
    let Some(blocks) = &target.blocks else {
        return Ok(());
    };
    for shard in 0..=u8::MAX {
        if let Some(block) = blocks.list(shard).await?.first() {
            return Err(Error::Exists(PathBuf::from(block.name.to_string())));
        }
    }
    Ok(())
}

/// Every block that the database names, each against its length and hash.
async fn restore_blocks(from: &Path, target: &Arc<dyn BlockStore>) -> Result<()> {
    let copy = Database::open_copy(&from.join(DATABASE)).await?;
    let mut after = BlockName::new([0; 16]);
    loop {
        let mut snapshot = copy.read().await?;
        let page = blocks::files_page(&mut snapshot, after, PAGE).await?;
        drop(snapshot);
        let Some((last, ..)) = page.last() else { break };
        after = *last;
        for (name, len, hash) in page {
            let folder = shard_folder(&from.join(BLOCKS), name.shard());
            let path = folder.join(name.to_string());
            let file = tokio::fs::File::open(&path).await;
            let file = file.map_err(|error| files::at(&path, error))?;
            let bytes = ReaderStream::new(file).map_err(BlockError::from).boxed();
            if target.put(name, bytes).await? != (Stored { len, hash }) {
                return Err(Error::Damaged(name.to_string()));
            }
        }
    }
    copy.close().await;
    Ok(())
}
