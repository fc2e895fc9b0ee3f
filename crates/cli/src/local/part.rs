//! A file on its way down: written beside its target as `….svpart`, and
//! renamed after the last check.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use sv_client::port::StorageError;
use sv_client::transfer::Sink;
use sv_ledger::limits::BLOCK_LEN;

use super::{blocking, part_name, system_time};

/// Bytes hashed at a time.
const HASH_CHUNK: usize = 1 << 20;

/// Where the hash of a finished file goes.
pub type HashList = Arc<Mutex<Vec<(PathBuf, String)>>>;

/// What a file gets besides its bytes.
#[derive(Debug, Clone)]
pub(super) struct Finish {
    /// Its final name.
    pub(super) target: PathBuf,
    /// When it was last changed, Unix milliseconds.
    pub(super) modified_ms: u64,
    /// Whether it may be executed.
    pub(super) executable: bool,
    /// Whether it may take another file's place.
    pub(super) replace: bool,
    /// Where its SHA-256 goes, if it is wanted.
    pub(super) hashes: Option<HashList>,
}

/// One unfinished file.
pub struct FileSink(Option<Open>);

struct Open {
    part: PathBuf,
    file: File,
    finish: Finish,
    /// Whether what an earlier run wrote has been cut off or kept.
    started: bool,
    /// Whether an interrupted download may go on here, so that each block
    /// must be on the disk before it counts.
    resumable: bool,
}

impl FileSink {
    /// Opens the unfinished file, or the one that an earlier run left.
    ///
    /// # Errors
    /// [`StorageError`] if it cannot be, or is not a file.
    pub(super) async fn open(finish: Finish) -> Result<Self, StorageError> {
        blocking(move || {
            let part = part_path(&finish.target);
            let open = || -> io::Result<File> {
                match fs::symlink_metadata(&part) {
                    Ok(found) if !found.is_file() => fs::remove_file(&part)?,
                    _ => {}
                }
                OpenOptions::new()
                    .read(true)
                    .write(true)
                    .create(true)
                    .truncate(false)
                    .open(&part)
            };
            let file = open().map_err(|error| explain(&part, &error))?;
            Ok(Self(Some(Open {
                part,
                file,
                finish,
                started: false,
                resumable: false,
            })))
        })
        .await
    }

    async fn with<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Open) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StorageError> {
        let mut open = self.take()?;
        let (open, outcome) = blocking(move || {
            let outcome = work(&mut open).map_err(|error| explain(&open.part, &error));
            Ok((open, outcome))
        })
        .await?;
        self.0 = Some(open);
        outcome
    }

    fn take(&mut self) -> Result<Open, StorageError> {
        self.0
            .take()
            .ok_or_else(|| StorageError("interrupted".to_owned()))
    }
}

impl Sink for FileSink {
    async fn resume(&mut self, blocks: u64) -> Result<u64, StorageError> {
        self.with(move |open| {
            let kept = blocks.min(open.file.metadata()?.len() / BLOCK_LEN as u64);
            open.start_after(kept * BLOCK_LEN as u64)?;
            open.resumable = true;
            Ok(kept)
        })
        .await
    }

    async fn write(&mut self, bytes: Vec<u8>) -> Result<(), StorageError> {
        self.with(move |open| {
            if !open.started {
                open.start_after(0)?;
            }
            open.file.write_all(&bytes)
        })
        .await
    }

    async fn sync(&mut self) -> Result<(), StorageError> {
        self.with(|open| open.file.sync_data()).await
    }

    async fn finish(mut self) -> Result<(), StorageError> {
        let open = self.take()?;
        blocking(move || {
            let target = open.finish.target.clone();
            open.finish().map_err(|error| explain(&target, &error))
        })
        .await
    }

    async fn abandon(mut self) -> Result<(), StorageError> {
        let open = self.take()?;
        blocking(move || fs::remove_file(&open.part).map_err(|e| explain(&open.part, &e))).await
    }
}

impl Open {
    fn start_after(&mut self, kept: u64) -> io::Result<()> {
        self.file.set_len(kept)?;
        self.file.seek(SeekFrom::Start(kept))?;
        self.started = true;
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        if !self.started {
            self.start_after(0)?;
        }
        let Finish {
            target,
            modified_ms,
            executable,
            replace,
            hashes,
        } = &self.finish;
        if let Some(hashes) = hashes {
            self.file.seek(SeekFrom::Start(0))?;
            let hash = hash_of(&mut self.file)?;
            let mut hashes = hashes.lock().unwrap_or_else(PoisonError::into_inner);
            hashes.push((target.clone(), hash));
        }
        set_executable(&self.file, *executable)?;
        if let Some(modified) = system_time(*modified_ms) {
            self.file.set_modified(modified)?;
        }
        if self.resumable {
            self.file.sync_all()?;
        }
        if !replace && fs::symlink_metadata(target).is_ok() {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "something of that name came meanwhile; use --force to replace it",
            ));
        }
        fs::rename(&self.part, target)
    }
}

/// A sink for a file that has no times of its own.
///
/// # Errors
/// As [`FileSink::open`].
pub async fn raw_sink(target: PathBuf, replace: bool) -> Result<FileSink, StorageError> {
    FileSink::open(Finish {
        target,
        modified_ms: crate::platform::now_ms(),
        executable: false,
        replace,
        hashes: None,
    })
    .await
}

/// The SHA-256 of what is left of a file, in hex.
pub(super) fn hash_of(file: &mut impl io::Read) -> io::Result<String> {
    let mut digest = Sha256::new();
    let mut chunk = vec![0; HASH_CHUNK];
    loop {
        let read = file.read(&mut chunk)?;
        match chunk.get(..read) {
            None | Some([]) => return Ok(HEXLOWER.encode(&digest.finalize())),
            Some(bytes) => digest.update(bytes),
        }
    }
}

fn part_path(target: &Path) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(part_name(&name))
}

/// Whoever may read the file may then execute it, or nobody.
#[cfg(unix)]
fn set_executable(file: &File, executable: bool) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = file.metadata()?;
    let mode = metadata.permissions().mode();
    let wanted = if executable {
        mode | (mode & 0o444) >> 2
    } else {
        mode & !0o111
    };
    if wanted == mode {
        return Ok(());
    }
    file.set_permissions(fs::Permissions::from_mode(wanted))
}

#[cfg(not(unix))]
fn set_executable(_: &File, _: bool) -> io::Result<()> {
    Ok(())
}

pub(super) fn explain(path: &Path, error: &io::Error) -> StorageError {
    StorageError(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finish(target: PathBuf) -> Finish {
        Finish {
            target,
            modified_ms: 1_234_567_890_123,
            executable: true,
            replace: false,
            hashes: Some(HashList::default()),
        }
    }

    #[tokio::test]
    async fn the_final_name_comes_last() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("a");
        let wanted = finish(target.clone());
        let mut sink = FileSink::open(wanted.clone()).await.unwrap();
        sink.write(b"hello".to_vec()).await.unwrap();
        assert!(!target.exists() && dir.path().join("a.svpart").exists());
        sink.finish().await.unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"hello");
        assert!(!dir.path().join("a.svpart").exists());
        let metadata = fs::metadata(&target).unwrap();
        assert_eq!(super::super::modified_ms(&metadata), 1_234_567_890_123);
        #[cfg(unix)]
        assert!(super::super::is_executable(&metadata));
        let hashes = wanted.hashes.unwrap();
        let (_, hash) = hashes.lock().unwrap().pop().unwrap();
        assert!(hash.starts_with("2cf24dba5fb0a30e"), "{hash}");
    }

    #[tokio::test]
    async fn what_an_earlier_run_left_is_taken_up_or_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let part = dir.path().join("a.svpart");
        let left = vec![7; BLOCK_LEN * 2 + 10];
        fs::write(&part, &left).unwrap();
        let mut sink = FileSink::open(finish(dir.path().join("a"))).await.unwrap();
        assert_eq!(sink.resume(5).await.unwrap(), 2);
        sink.write(b"end".to_vec()).await.unwrap();
        assert_eq!(
            fs::metadata(&part).unwrap().len(),
            (BLOCK_LEN * 2 + 3) as u64
        );
        drop(sink);
        let mut sink = FileSink::open(finish(dir.path().join("a"))).await.unwrap();
        sink.write(b"all new".to_vec()).await.unwrap();
        sink.finish().await.unwrap();
        assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"all new");
    }

    #[tokio::test]
    async fn nothing_of_altered_bytes_stays() {
        let dir = tempfile::tempdir().unwrap();
        let mut sink = FileSink::open(finish(dir.path().join("a"))).await.unwrap();
        sink.write(b"bad".to_vec()).await.unwrap();
        sink.abandon().await.unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_planted_link_is_not_written_through() {
        let dir = tempfile::tempdir().unwrap();
        let victim = dir.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        std::os::unix::fs::symlink(&victim, dir.path().join("a.svpart")).unwrap();
        let mut sink = FileSink::open(finish(dir.path().join("a"))).await.unwrap();
        sink.write(b"new".to_vec()).await.unwrap();
        sink.finish().await.unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
        assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"new");
    }
}
