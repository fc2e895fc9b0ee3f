//! Blocks as files: `blocks/ab/<name>` under a root, written under `tmp/`
//! first. File, fsync, rename, fsync of the folder; only then does the caller
//! commit the row that names the block (engines.md §6).

use std::fs::{DirBuilder, File, Metadata};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt};
use sv_ledger::id::Hash;
use sv_ledger::sealed::SEALED_BLOCK_LEN;
use tokio::task::spawn_blocking;
use tokio_util::io::ReaderStream;

use super::fs::{Fs, SystemFs};
use super::{
    BlockBody, BlockName, BlockStore, BlockStream, Error, Listed, Owner, OwnerMark, Result, Stored,
    export, owner_by,
};

/// Bytes collected before they are written and hashed together.
const WRITE_LEN: usize = 512 * 1024;
/// Bytes read at a time.
const READ_LEN: usize = 256 * 1024;

/// Blocks as files under one folder.
#[derive(Debug, Clone)]
pub struct FileBlocks {
    root: PathBuf,
    fs: Arc<dyn Fs>,
}

impl FileBlocks {
    /// Opens a folder, and makes it and all its shards if they are not there.
    ///
    /// # Errors
    /// [`Error`] if it cannot be made.
    pub fn open(root: &Path) -> Result<Self> {
        Self::with_fs(root, Arc::new(SystemFs))
    }

    /// The same on other file operations.
    ///
    /// # Errors
    /// [`Error`] if it cannot be made.
    pub fn with_fs(root: &Path, fs: Arc<dyn Fs>) -> Result<Self> {
        let store = Self {
            root: root.to_owned(),
            fs,
        };
        make_folder(&store.root.join("tmp"))?;
        for shard in 0..=u8::MAX {
            make_folder(&store.shard(shard))?;
        }
        store.fs.sync_folder(&store.root.join("blocks"))?;
        store.fs.sync_folder(&store.root)?;
        Ok(store)
    }

    fn shard(&self, shard: u8) -> PathBuf {
        self.root.join("blocks").join(format!("{shard:02x}"))
    }

    fn path(&self, name: BlockName) -> PathBuf {
        self.shard(name.shard()).join(name.to_string())
    }

    fn draft(&self, name: BlockName) -> PathBuf {
        self.root.join("tmp").join(name.to_string())
    }

    async fn store(&self, name: BlockName, mut bytes: BlockStream<'_>) -> Result<Stored> {
        let (fs, path) = (self.fs.clone(), self.draft(name));
        let mut draft = blocking(move || Draft::create(fs, path)).await?;
        let mut pieces = Vec::new();
        let (mut waiting, mut total) = (0, 0);
        while let Some(piece) = bytes.try_next().await? {
            total += piece.len();
            if total > SEALED_BLOCK_LEN {
                return Err(Error::TooLarge);
            }
            waiting += piece.len();
            pieces.push(piece);
            if waiting >= WRITE_LEN {
                draft = draft.write(std::mem::take(&mut pieces)).await?;
                waiting = 0;
            }
        }
        draft = draft.write(pieces).await?;
        let (target, shard) = (self.path(name), self.shard(name.shard()));
        blocking(move || draft.publish(&target, &shard)).await
    }
}

impl BlockStore for FileBlocks {
    fn put<'a>(&'a self, name: BlockName, bytes: BlockStream<'a>) -> BoxFuture<'a, Result<Stored>> {
        self.store(name, bytes).boxed()
    }

    fn read(&self, name: BlockName) -> BoxFuture<'_, Result<BlockBody>> {
        async move {
            let file = tokio::fs::File::open(self.path(name)).await?;
            let len = file.metadata().await?.len();
            let bytes = ReaderStream::with_capacity(file, READ_LEN);
            let bytes = bytes.map_err(Error::from).fuse().boxed();
            Ok(BlockBody { len, bytes })
        }
        .boxed()
    }

    fn delete(&self, name: BlockName) -> BoxFuture<'_, Result<()>> {
        let (fs, path, draft) = (self.fs.clone(), self.path(name), self.draft(name));
        blocking(move || {
            for path in [path, draft] {
                match fs.remove(&path).map_err(Error::from) {
                    Ok(()) | Err(Error::NotFound) => {}
                    failed => return failed,
                }
            }
            Ok(())
        })
        .boxed()
    }

    fn list(&self, shard: u8) -> BoxFuture<'_, Result<Vec<Listed>>> {
        let folder = self.shard(shard);
        blocking(move || {
            let mut listed = Vec::new();
            for entry in std::fs::read_dir(folder)? {
                let entry = entry?;
                let name = entry.file_name().to_str().and_then(BlockName::parse);
                // A file may go between being listed and being looked at.
                if let (Some(name), Ok(metadata)) = (name, entry.metadata()) {
                    let stored_ms = modified_ms(&metadata);
                    listed.push(Listed { name, stored_ms });
                }
            }
            Ok(listed)
        })
        .boxed()
    }

    fn unfinished(&self, before_ms: u64) -> BoxFuture<'_, Result<Vec<BlockName>>> {
        let folder = self.root.join("tmp");
        blocking(move || {
            let mut unfinished = Vec::new();
            for entry in std::fs::read_dir(folder)? {
                let entry = entry?;
                let is_old = entry.metadata().is_ok_and(|m| modified_ms(&m) < before_ms);
                let name = entry.file_name().to_str().and_then(BlockName::parse);
                unfinished.extend(name.filter(|_| is_old));
            }
            Ok(unfinished)
        })
        .boxed()
    }

    fn owner(&self, us: OwnerMark) -> BoxFuture<'_, Result<Owner>> {
        let (fs, path, draft) = (
            self.fs.clone(),
            self.root.join("owner"),
            self.root.join("tmp").join("owner"),
        );
        let root = self.root.clone();
        blocking(move || match std::fs::read(&path) {
            Ok(mark) => Ok(owner_by(&mark, &us)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if draft.exists() {
                    fs.remove(&draft)?;
                }
                let mut file = fs.create(&draft)?;
                fs.write(&mut file, &us)?;
                fs.sync_file(&file)?;
                fs.rename(&draft, &path)?;
                fs.sync_folder(&root)?;
                Ok(Owner::New)
            }
            Err(error) => Err(error.into()),
        })
        .boxed()
    }

    fn export<'a>(&'a self, name: BlockName, target: &'a Path) -> BoxFuture<'a, Result<()>> {
        async move {
            let (source, link) = (self.path(name), target.to_owned());
            let linked = blocking(move || Ok(std::fs::hard_link(source, link)?)).await;
            match linked {
                Ok(()) => Ok(()),
                // Another file system, or one without links.
                Err(_) => export::copy(self.read(name), target).await,
            }
        }
        .boxed()
    }
}

/// A block that is being written. Dropped unpublished, it goes.
#[derive(Debug)]
struct Draft {
    fs: Arc<dyn Fs>,
    path: PathBuf,
    file: File,
    hasher: blake3::Hasher,
    len: u64,
    published: bool,
}

impl Draft {
    fn create(fs: Arc<dyn Fs>, path: PathBuf) -> Result<Self> {
        let file = fs.create(&path)?;
        Ok(Self {
            fs,
            path,
            file,
            hasher: blake3::Hasher::new(),
            len: 0,
            published: false,
        })
    }

    async fn write(mut self, pieces: Vec<Bytes>) -> Result<Self> {
        blocking(move || {
            for piece in pieces {
                self.fs.write(&mut self.file, &piece)?;
                self.hasher.update(&piece);
                self.len += piece.len() as u64;
            }
            Ok(self)
        })
        .await
    }

    fn publish(mut self, target: &Path, folder: &Path) -> Result<Stored> {
        self.fs.sync_file(&self.file)?;
        match self.fs.rename(&self.path, target) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let message = "it took so long that it was given up";
                return Err(Error::Unavailable(message.to_owned()));
            }
            renamed => renamed?,
        }
        self.published = true;
        if let Err(error) = self.fs.sync_folder(folder) {
            // Not durable, so not there. What remains is an orphan.
            let _ = self.fs.remove(target);
            return Err(error.into());
        }
        Ok(Stored {
            len: self.len,
            hash: Hash::new(*self.hasher.finalize().as_bytes()),
        })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.published {
            // What cannot be removed now, a job finds as unfinished.
            let _ = self.fs.remove(&self.path);
        }
    }
}

fn make_folder(path: &Path) -> Result<()> {
    Ok(DirBuilder::new().recursive(true).mode(0o700).create(path)?)
}

fn modified_ms(metadata: &Metadata) -> u64 {
    let since = metadata
        .modified()
        .ok()
        .and_then(|t| t.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

/// Runs file operations where they may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = spawn_blocking(work).await;
    done.map_err(|lost| Error::Io(std::io::Error::other(lost)))?
}
