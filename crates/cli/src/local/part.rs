//! A file on its way down: written beside its target under a name that nothing
//! else has, and renamed after the last check.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::HEXLOWER;
use getrandom::SysRng;
use rand_core::{Rng, UnwrapErr};
use sha2::{Digest, Sha256};
use sv_client::port::StorageError;
use sv_client::transfer::{Part, Sink};
use sv_ledger::limits::BLOCK_LEN;

use super::run::{Run, has_one_name, same_name};
use super::{blocking, explain, part_name, system_time};

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
    /// The download it is one of, and what it is called there.
    pub(super) run: Option<(Run, String)>,
}

/// One unfinished file.
pub struct FileSink(Option<PartFile>);

struct PartFile {
    path: PathBuf,
    /// Made, or opened, when it is first used.
    file: Option<File>,
    finish: Finish,
    /// Whether an earlier run may have made it.
    is_begun: bool,
    /// Whether it stays when this run ends before it is finished, so that each
    /// block must be on the disk before it counts.
    is_resumable: bool,
}

impl FileSink {
    /// An unfinished file: one that other runs find as well, or one which only
    /// this run knows.
    pub(super) fn new(finish: Finish, part: Option<&Part>) -> Self {
        let mark = part.map_or_else(fresh_mark, |part| part.mark.clone());
        let name = finish.target.file_name().unwrap_or_default();
        let name = part_name(&name.to_string_lossy(), &mark);
        Self(Some(PartFile {
            path: finish.target.with_file_name(name),
            file: None,
            finish,
            is_begun: part.is_some_and(|part| part.is_begun),
            is_resumable: part.is_some_and(|part| part.is_resumable),
        }))
    }

    async fn with<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut PartFile) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StorageError> {
        let mut part = self.take()?;
        let (part, outcome) = blocking(move || {
            let outcome = work(&mut part).map_err(|error| explain(&part.path, &error));
            Ok((part, outcome))
        })
        .await?;
        self.0 = Some(part);
        outcome
    }

    fn take(&mut self) -> Result<PartFile, StorageError> {
        self.0
            .take()
            .ok_or_else(|| StorageError("interrupted".to_owned()))
    }
}

impl Sink for FileSink {
    async fn written(&mut self, index: u64) -> Result<Vec<u8>, StorageError> {
        self.with(move |part| {
            let file = part.file()?;
            file.seek(SeekFrom::Start(index.saturating_mul(BLOCK_LEN as u64)))?;
            let mut block = Vec::new();
            file.take(BLOCK_LEN as u64).read_to_end(&mut block)?;
            Ok(block)
        })
        .await
    }

    async fn keep(&mut self, len: u64) -> Result<(), StorageError> {
        self.with(move |part| {
            let file = part.file()?;
            file.set_len(len)?;
            file.seek(SeekFrom::Start(len)).map(drop)
        })
        .await
    }

    async fn write(&mut self, bytes: Vec<u8>) -> Result<(), StorageError> {
        self.with(move |part| part.file()?.write_all(&bytes)).await
    }

    async fn sync(&mut self) -> Result<(), StorageError> {
        self.with(|part| part.file()?.sync_data()).await
    }

    async fn finish(mut self) -> Result<(), StorageError> {
        let part = self.take()?;
        blocking(move || {
            let target = part.finish.target.clone();
            part.finish().map_err(|error| explain(&target, &error))
        })
        .await
    }

    async fn abandon(mut self) -> Result<(), StorageError> {
        let mut part = self.take()?;
        blocking(move || part.remove().map_err(|error| explain(&part.path, &error))).await
    }
}

impl PartFile {
    fn file(&mut self) -> io::Result<&mut File> {
        let file = match self.file.take() {
            Some(file) => file,
            None => {
                let file = open(&self.path, self.is_begun)?;
                if !self.is_resumable {
                    file.set_len(0)?;
                }
                file
            }
        };
        Ok(self.file.insert(file))
    }

    fn remove(&mut self) -> io::Result<()> {
        match self.file.take() {
            Some(_) => fs::remove_file(&self.path),
            None => Ok(()),
        }
    }

    fn finish(mut self) -> io::Result<()> {
        self.file()?;
        let finish = self.finish.clone();
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let hash = match &finish.hashes {
            None => None,
            Some(_) => {
                file.seek(SeekFrom::Start(0))?;
                Some(hash_of(file)?)
            }
        };
        set_executable(file, finish.executable)?;
        if let Some(modified) = system_time(finish.modified_ms) {
            file.set_modified(modified)?;
        }
        if self.is_resumable {
            file.sync_all()?;
        }
        if !is_at(file, &self.path)? {
            // Whatever is there now is not what was checked.
            self.file = None;
            return Err(io::Error::other(format!(
                "{} was exchanged while it was being written",
                self.path.display()
            )));
        }
        if self.take_name(&finish)?
            && let (Some(hashes), Some(hash)) = (&finish.hashes, hash)
        {
            let mut hashes = hashes.lock().unwrap_or_else(PoisonError::into_inner);
            hashes.push((finish.target, hash));
        }
        Ok(())
    }

    /// Gives it its final name, unless another file of the same download has
    /// that.
    fn take_name(&mut self, finish: &Finish) -> io::Result<bool> {
        let target = &finish.target;
        // Nobody else of this run renames between the look and the rename.
        let mut state = finish.run.as_ref().map(|(run, _)| run.state());
        if let Ok(there) = fs::symlink_metadata(target) {
            if state.as_ref().is_some_and(|s| s.is_own(target, &there)) {
                drop(state);
                if let Some((run, what)) = &finish.run {
                    run.refuse(what, &same_name(target));
                }
                self.remove()?;
                return Ok(false);
            }
            if !finish.replace {
                return Err(io::Error::new(
                    ErrorKind::AlreadyExists,
                    "something of that name came meanwhile; use --force to replace it",
                ));
            }
        }
        fs::rename(&self.path, target)?;
        if let (Some(state), Some(file)) = (&mut state, &self.file) {
            state.own(target, &file.metadata()?);
        }
        self.file = None;
        Ok(true)
    }
}

impl Drop for PartFile {
    /// What nobody would find again does not stay.
    fn drop(&mut self) {
        if !self.is_resumable {
            let _ = self.remove();
        }
    }
}

/// A sink for a file that has no times of its own.
pub fn raw_sink(target: PathBuf, replace: bool) -> FileSink {
    let finish = Finish {
        target,
        modified_ms: crate::platform::now_ms(),
        executable: false,
        replace,
        hashes: None,
        run: None,
    };
    FileSink::new(finish, None)
}

/// Opens what an earlier run left, or makes the file. Whatever else has the
/// name is nobody's unfinished file, and is not written to.
fn open(path: &Path, is_begun: bool) -> io::Result<File> {
    if is_begun && let Some(file) = open_begun(path)? {
        return Ok(file);
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).open(path)
}

/// What an earlier run left. A link, by which writing would reach another
/// file, goes; what it leads to stays as it is.
fn open_begun(path: &Path) -> io::Result<Option<File>> {
    let is_link = match fs::symlink_metadata(path) {
        Ok(found) => !found.is_file() || !has_one_name(&found),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if is_link {
        fs::remove_file(path)?;
        return Ok(None);
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        rustix::fs::OFlags::NOFOLLOW.bits().cast_signed(),
    );
    let file = options.open(path)?;
    let opened = file.metadata()?;
    if opened.is_file() && has_one_name(&opened) {
        Ok(Some(file))
    } else {
        Err(io::Error::other("was exchanged while it was being opened"))
    }
}

/// Whether an open file is still the one of that name.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let (open, there) = (file.metadata()?, fs::symlink_metadata(path)?);
    Ok((open.dev(), open.ino()) == (there.dev(), there.ino()))
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

fn fresh_mark() -> String {
    let mut mark = [0; 8];
    UnwrapErr(SysRng).fill_bytes(&mut mark);
    HEXLOWER.encode(&mark)
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

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: &str = "0123456789abcdef";

    fn finish(target: PathBuf) -> Finish {
        Finish {
            target,
            modified_ms: 1_234_567_890_123,
            executable: true,
            replace: false,
            hashes: Some(HashList::default()),
            run: None,
        }
    }

    fn part(is_begun: bool) -> Part {
        Part {
            mark: MARK.to_owned(),
            is_begun,
            is_resumable: true,
        }
    }

    /// The names in a folder.
    fn names(folder: &Path) -> Vec<String> {
        let rows = fs::read_dir(folder).unwrap();
        let name = |row: io::Result<fs::DirEntry>| row.unwrap().file_name().into_string().unwrap();
        rows.map(name).collect()
    }

    #[tokio::test]
    async fn the_final_name_comes_last() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("a");
        let wanted = finish(target.clone());
        let mut sink = FileSink::new(wanted.clone(), None);
        assert!(names(dir.path()).is_empty());
        sink.write(b"hello".to_vec()).await.unwrap();
        let unfinished = names(dir.path()).pop().unwrap();
        assert!(unfinished.starts_with(".a.") && unfinished.ends_with(".svpart"));
        sink.finish().await.unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"hello");
        assert_eq!(names(dir.path()), ["a"]);
        let metadata = fs::metadata(&target).unwrap();
        assert_eq!(super::super::modified_ms(&metadata), 1_234_567_890_123);
        #[cfg(unix)]
        assert!(super::super::is_executable(&metadata));
        let hashes = wanted.hashes.unwrap();
        let (_, hash) = hashes.lock().unwrap().pop().unwrap();
        assert!(hash.starts_with("2cf24dba5fb0a30e"), "{hash}");
    }

    #[tokio::test]
    async fn what_an_earlier_run_left_can_be_looked_at_and_cut() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("a");
        let mut sink = FileSink::new(finish(target.clone()), Some(&part(false)));
        sink.keep(0).await.unwrap();
        sink.write(vec![7; BLOCK_LEN + 10]).await.unwrap();
        drop(sink);
        let mut sink = FileSink::new(finish(target.clone()), Some(&part(true)));
        assert_eq!(sink.written(0).await.unwrap(), vec![7; BLOCK_LEN]);
        assert_eq!(sink.written(1).await.unwrap(), vec![7; 10]);
        assert!(sink.written(2).await.unwrap().is_empty());
        sink.keep(3).await.unwrap();
        sink.write(b"end".to_vec()).await.unwrap();
        sink.finish().await.unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"\x07\x07\x07end");
        assert_eq!(names(dir.path()), ["a"]);
    }

    #[tokio::test]
    async fn what_a_killed_run_left_of_a_short_file_is_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let left = dir.path().join(part_name("a", MARK));
        fs::write(left, "left by a killed run").unwrap();
        let part = Part {
            is_resumable: false,
            ..part(true)
        };
        let mut sink = FileSink::new(finish(dir.path().join("a")), Some(&part));
        sink.write(b"new".to_vec()).await.unwrap();
        sink.finish().await.unwrap();
        assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"new");
        assert_eq!(names(dir.path()), ["a"]);
    }

    #[tokio::test]
    async fn nothing_of_altered_or_unfinished_bytes_stays() {
        let dir = tempfile::tempdir().unwrap();
        let mut sink = FileSink::new(finish(dir.path().join("a")), Some(&part(false)));
        sink.write(b"bad".to_vec()).await.unwrap();
        sink.abandon().await.unwrap();
        let mut sink = FileSink::new(finish(dir.path().join("a")), None);
        sink.write(b"half".to_vec()).await.unwrap();
        drop(sink);
        assert!(names(dir.path()).is_empty());
    }

    /// A file that has the name by chance or by intent is not ours.
    #[tokio::test]
    async fn what_no_earlier_run_made_is_not_written_to() {
        let dir = tempfile::tempdir().unwrap();
        let taken = dir.path().join(part_name("a", MARK));
        fs::write(&taken, "precious").unwrap();
        let mut sink = FileSink::new(finish(dir.path().join("a")), Some(&part(false)));
        sink.keep(0).await.unwrap_err();
        assert_eq!(fs::read(&taken).unwrap(), b"precious");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_planted_link_is_not_written_through() {
        let dir = tempfile::tempdir().unwrap();
        let victim = dir.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        let planted = dir.path().join(part_name("a", MARK));
        type Plant = fn(&Path, &Path) -> io::Result<()>;
        let plants: [Plant; 2] = [
            |v, at| std::os::unix::fs::symlink(v, at),
            |v, at| fs::hard_link(v, at),
        ];
        for plant in plants {
            plant(&victim, &planted).unwrap();
            let mut sink = FileSink::new(finish(dir.path().join("a")), Some(&part(true)));
            assert!(sink.written(0).await.unwrap().is_empty());
            sink.keep(0).await.unwrap();
            sink.write(b"new".to_vec()).await.unwrap();
            sink.finish().await.unwrap();
            assert_eq!(fs::read(&victim).unwrap(), b"precious");
            assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"new");
            fs::remove_file(dir.path().join("a")).unwrap();
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn an_exchanged_file_does_not_get_the_name() {
        let dir = tempfile::tempdir().unwrap();
        let mut sink = FileSink::new(finish(dir.path().join("a")), Some(&part(false)));
        sink.write(b"checked".to_vec()).await.unwrap();
        let path = dir.path().join(part_name("a", MARK));
        let other = dir.path().join("other");
        fs::write(&other, "not checked").unwrap();
        fs::rename(&other, &path).unwrap();
        sink.finish().await.unwrap_err();
        assert!(!dir.path().join("a").exists());
    }
}
