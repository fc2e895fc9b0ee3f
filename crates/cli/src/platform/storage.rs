//! A profile's files on disk. What [`Storage`] promises holds across a crash:
//! a write is a temporary file, fsync, rename, fsync of the folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sv_client::port::{Storage, StorageError};

/// Ends the name of a file that is being written; no storage name has it.
const UNFINISHED: &str = "~";

/// Files below one folder that only its owner can read.
#[derive(Clone)]
pub struct FileStorage(Arc<PathBuf>);

impl FileStorage {
    /// Keeps everything below `root`, which is made when it is needed.
    pub fn new(root: PathBuf) -> Self {
        Self(Arc::new(root))
    }

    async fn run<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StorageError> {
        let path = self.path(name)?;
        tokio::task::spawn_blocking(move || work(&path).map_err(|e| explain(&path, &e)))
            .await
            .map_err(|_| StorageError("interrupted".to_owned()))?
    }

    /// Where `name` is; names that could lead elsewhere are refused.
    fn path(&self, name: &str) -> Result<PathBuf, StorageError> {
        let is_plain =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
        let is_good = |part: &str| {
            !part.is_empty() && part != "." && part != ".." && part.chars().all(is_plain)
        };
        if name.split('/').all(is_good) {
            Ok(name
                .split('/')
                .fold((*self.0).clone(), |at, part| at.join(part)))
        } else {
            Err(StorageError(format!("{name:?} is not a storage name")))
        }
    }
}

impl Storage for FileStorage {
    async fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        let read = |path: &Path| match fs::read(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        self.run(name, read).await
    }

    async fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError> {
        let bytes = bytes.to_vec();
        self.run(name, move |path| replace(path, &bytes)).await
    }

    async fn append(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError> {
        let bytes = bytes.to_vec();
        self.run(name, move |path| append(path, &bytes)).await
    }

    async fn remove(&self, name: &str) -> Result<(), StorageError> {
        self.run(name, remove).await
    }

    async fn clear(&self) -> Result<(), StorageError> {
        let root = Arc::clone(&self.0);
        let clear = move || match fs::remove_dir_all(root.as_path()) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(explain(&root, &error)),
            _ => Ok(()),
        };
        tokio::task::spawn_blocking(clear)
            .await
            .map_err(|_| StorageError("interrupted".to_owned()))?
    }
}

/// Replaces a file as a whole: after a crash it is the old or the new one.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path)?;
    make_private_dirs(folder)?;
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(UNFINISHED);
    let unfinished = PathBuf::from(unfinished);
    remove(&unfinished)?;
    let mut file = private().create_new(true).open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    sync_dir(folder)
}

fn append(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path)?;
    let is_new = !path.try_exists()?;
    if is_new {
        make_private_dirs(folder)?;
    }
    let mut options = private();
    let mut file = options.append(true).create(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    if is_new { sync_dir(folder) } else { Ok(()) }
}

pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => sync_dir(folder_of(path)?),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Makes a folder that only its owner can enter, and those above it.
pub(super) fn make_private_dirs(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    // The name of a new folder must survive a crash as much as what is in it.
    folder.parent().map_or(Ok(()), sync_dir)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn folder_of(path: &Path) -> io::Result<&Path> {
    path.parent()
        .ok_or_else(|| io::Error::from(ErrorKind::InvalidInput))
}

/// Makes a rename or a new name durable. Windows has no such call.
pub(crate) fn sync_dir(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

pub(super) fn explain(path: &Path, error: &io::Error) -> StorageError {
    StorageError(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storage() -> (tempfile::TempDir, FileStorage) {
        let dir = tempfile::tempdir().unwrap();
        let storage = FileStorage::new(dir.path().join("profile"));
        (dir, storage)
    }

    #[tokio::test]
    async fn what_is_written_is_read_back() {
        let (_dir, storage) = storage();
        assert_eq!(storage.read("pins/a").await.unwrap(), None);
        storage.write("pins/a", b"one").await.unwrap();
        storage.write("pins/a", b"two").await.unwrap();
        storage.append("pins/a", b"+").await.unwrap();
        storage.append("log", b"new").await.unwrap();
        assert_eq!(storage.read("pins/a").await.unwrap().unwrap(), b"two+");
        assert_eq!(storage.read("log").await.unwrap().unwrap(), b"new");
        storage.remove("pins/a").await.unwrap();
        storage.remove("pins/a").await.unwrap();
        assert_eq!(storage.read("pins/a").await.unwrap(), None);
        storage.clear().await.unwrap();
        storage.clear().await.unwrap();
        assert_eq!(storage.read("log").await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_write_that_was_cut_short_leaves_the_old_file() {
        let (dir, storage) = storage();
        storage.write("profile", b"old").await.unwrap();
        let torn = dir.path().join("profile").join("profile~");
        fs::write(&torn, b"ne").unwrap();
        assert_eq!(storage.read("profile").await.unwrap().unwrap(), b"old");
        storage.write("profile", b"new").await.unwrap();
        assert_eq!(storage.read("profile").await.unwrap().unwrap(), b"new");
        assert!(!torn.exists());
    }

    #[tokio::test]
    async fn a_reader_sees_the_old_or_the_new_file_whole() {
        let (_dir, storage) = storage();
        storage.write("f", &[0; 4096]).await.unwrap();
        let writer = tokio::spawn({
            let storage = storage.clone();
            async move {
                for round in 0..50 {
                    storage.write("f", &[round; 4096]).await.unwrap();
                }
            }
        });
        while !writer.is_finished() {
            let bytes = storage.read("f").await.unwrap().unwrap();
            assert_eq!(bytes.len(), 4096);
            assert!(bytes.iter().all(|byte| *byte == bytes[0]));
        }
        writer.await.unwrap();
    }

    #[tokio::test]
    async fn names_that_lead_elsewhere_are_refused() {
        let (_dir, storage) = storage();
        for name in [
            "",
            "..",
            "a/../../b",
            "/etc/passwd",
            "a//b",
            "A",
            "a\0",
            "a~",
            "a\\b",
        ] {
            assert!(storage.write(name, b"x").await.is_err(), "{name:?}");
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn only_the_owner_can_read() {
        use std::os::unix::fs::PermissionsExt;
        let (dir, storage) = storage();
        storage.write("pins/a", b"x").await.unwrap();
        storage.append("log", b"x").await.unwrap();
        let mode = |path: &str| {
            let metadata = fs::metadata(dir.path().join("profile").join(path)).unwrap();
            metadata.permissions().mode() & 0o777
        };
        assert_eq!((mode(""), mode("pins")), (0o700, 0o700));
        assert_eq!((mode("pins/a"), mode("log")), (0o600, 0o600));
    }
}
