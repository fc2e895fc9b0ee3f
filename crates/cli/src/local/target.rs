//! Downloads that go to the disk: one file, or a folder with all below it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use sv_client::port::StorageError;
use sv_client::transfer::{DownloadItem, LocalTarget, Part};

use super::part::{FileSink, Finish, HashList, hash_of};
use super::run::{Kept, Run, same_name};
use super::{blocking, check_name, explain, modified_ms, system_time};
use crate::output::Output;

/// Where a download goes.
#[derive(Debug, Clone)]
pub enum Place {
    /// One file, under exactly this name.
    File(PathBuf),
    /// Below this folder.
    Below(PathBuf),
}

/// Writes to the disk, and never where it should not: not over a file that
/// differs unless told to, not through a symlink below the target, not under
/// a name that means something else here.
pub struct FileTarget {
    place: Place,
    force: bool,
    hashes: Option<HashList>,
    run: Run,
}

/// What the disk has to know of an item.
struct Wanted<'i> {
    names: &'i [String],
    /// For a person.
    path: &'i str,
    size: u64,
    modified_ms: u64,
    executable: bool,
}

impl<'i> From<&'i DownloadItem> for Wanted<'i> {
    fn from(item: &'i DownloadItem) -> Self {
        Self {
            names: &item.names,
            path: &item.path,
            size: item.size,
            modified_ms: item.modified_ms,
            executable: item.executable,
        }
    }
}

impl FileTarget {
    /// Writes to `place`; with `force` also over files that differ.
    pub fn new(out: &Output, place: Place, force: bool) -> Self {
        Self {
            place,
            force,
            hashes: None,
            run: Run::new(out),
        }
    }

    /// Adds the SHA-256 of every file to a list.
    #[must_use]
    pub fn with_hashes(self, hashes: HashList) -> Self {
        Self {
            hashes: Some(hashes),
            ..self
        }
    }

    /// Sets the folders' times, and says what was not written.
    pub fn finish(self) -> Kept {
        let state = std::mem::take(&mut *self.run.state());
        for (folder, modified_ms) in state.folders.iter().rev() {
            // The times of folders are a nicety.
            if let (Some(at), Ok(folder)) = (system_time(*modified_ms), fs::File::open(folder)) {
                let _ = folder.set_modified(at);
            }
        }
        state.kept
    }

    /// The local path of an item, or why it has none.
    fn path(&self, item: &Wanted<'_>) -> Result<PathBuf, String> {
        let root = match &self.place {
            Place::File(path) => return Ok(path.clone()),
            Place::Below(root) => root,
        };
        let mut path = root.clone();
        let mut names = item.names.iter().peekable();
        while let Some(name) = names.next() {
            check_name(name).map_err(|error| error.to_string())?;
            path.push(name);
            let is_above = names.peek().is_some();
            if is_above && fs::symlink_metadata(&path).is_ok_and(|found| !found.is_dir()) {
                return Err(format!("{} is not a folder", path.display()));
            }
        }
        Ok(path)
    }

    fn refuse(&self, item: &Wanted<'_>, why: &str) {
        self.run.refuse(item.path, why);
    }

    fn is_closed(&self, path: &Path) -> bool {
        let state = self.run.state();
        state.closed.iter().any(|folder| path.starts_with(folder))
    }

    /// Whether the file there is the one that would be written.
    fn is_same(found: &fs::Metadata, item: &Wanted<'_>) -> bool {
        found.is_file() && found.len() == item.size && modified_ms(found) == item.modified_ms
    }
}

impl FileTarget {
    fn make_folder(&self, item: &Wanted<'_>) -> Result<(), StorageError> {
        let path = match self.path(item) {
            Ok(path) => path,
            Err(why) => {
                self.refuse(item, &why);
                return Ok(());
            }
        };
        if self.is_closed(&path) {
            return Ok(());
        }
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => {
                self.refuse(item, &format!("{} is not a folder", path.display()));
                self.run.state().closed.push(path);
                return Ok(());
            }
            Err(_) => fs::create_dir(&path).map_err(|error| explain(&path, &error))?,
        }
        self.run.state().folders.push((path, item.modified_ms));
        Ok(())
    }

    async fn start_file(
        &self,
        item: &Wanted<'_>,
        part: Option<&Part>,
    ) -> Result<Option<FileSink>, StorageError> {
        let path = match self.path(item) {
            Ok(path) => path,
            Err(why) => {
                self.refuse(item, &why);
                return Ok(None);
            }
        };
        if self.is_closed(&path) {
            self.refuse(item, "its folder could not be made");
            return Ok(None);
        }
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => {
                self.refuse(item, &format!("{} is a folder", path.display()));
                return Ok(None);
            }
            Ok(found) if self.run.state().is_own(&path, &found) => {
                self.refuse(item, &same_name(&path));
                return Ok(None);
            }
            Ok(found) if Self::is_same(&found, item) => {
                self.run.state().same(&path, &found);
                if let Some(hashes) = self.hashes.clone() {
                    keep_hash(path, hashes).await?;
                }
                return Ok(None);
            }
            Ok(_) if !self.force => {
                let there = path.display();
                let why = format!("{there} is there and differs; use --force to replace it");
                self.refuse(item, &why);
                return Ok(None);
            }
            _ => {}
        }
        let finish = Finish {
            target: path,
            modified_ms: item.modified_ms,
            executable: item.executable,
            replace: self.force,
            hashes: self.hashes.clone(),
            run: Some((self.run.clone(), item.path.to_owned())),
        };
        Ok(Some(FileSink::new(finish, part)))
    }
}

impl LocalTarget for FileTarget {
    type Sink = FileSink;

    async fn folder(&self, item: &DownloadItem) -> Result<(), StorageError> {
        self.make_folder(&item.into())
    }

    async fn file(
        &self,
        item: &DownloadItem,
        part: Option<&Part>,
    ) -> Result<Option<FileSink>, StorageError> {
        self.start_file(&item.into(), part).await
    }

    fn resume_key(&self, item: &DownloadItem) -> Option<String> {
        let path = std::path::absolute(self.path(&item.into()).ok()?).ok()?;
        Some(path.to_string_lossy().into_owned())
    }
}

async fn keep_hash(path: PathBuf, hashes: HashList) -> Result<(), StorageError> {
    blocking(move || {
        let hash = fs::File::open(&path)
            .and_then(|mut file| hash_of(&mut file))
            .map_err(|error| explain(&path, &error))?;
        let mut hashes = hashes.lock().unwrap_or_else(PoisonError::into_inner);
        hashes.push((path, hash));
        Ok(())
    })
    .await
}

#[cfg(test)]
mod tests {
    use sv_client::transfer::Sink;

    use super::*;

    const OUT: Output = Output {
        json: false,
        quiet: true,
    };

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn wanted(names: &[String]) -> Wanted<'_> {
        Wanted {
            names,
            path: "/somewhere",
            size: 3,
            modified_ms: 1_000,
            executable: false,
        }
    }

    fn make(target: &FileTarget, names: &[&str]) {
        target.make_folder(&wanted(&owned(names))).unwrap();
    }

    async fn write(target: &FileTarget, names: &[&str]) -> bool {
        let Some(mut sink) = target
            .start_file(&wanted(&owned(names)), None)
            .await
            .unwrap()
        else {
            return false;
        };
        sink.write(b"new".to_vec()).await.unwrap();
        sink.finish().await.unwrap();
        true
    }

    #[tokio::test]
    async fn names_that_lead_elsewhere_are_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        fs::create_dir(&root).unwrap();
        let target = FileTarget::new(&OUT, Place::Below(root.clone()), true);
        for names in [&["..", "x"][..], &["a/../../x"], &["/etc/x"], &["a\0"]] {
            assert!(!write(&target, names).await, "{names:?}");
        }
        assert!(write(&target, &["fine"]).await);
        assert_eq!(target.finish().refused, 4);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn nothing_is_written_through_a_symlink() {
        let dir = tempfile::tempdir().unwrap();
        let (root, outside) = (dir.path().join("root"), dir.path().join("outside"));
        fs::create_dir(&root).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("file"), "old").unwrap();
        std::os::unix::fs::symlink(&outside, root.join("folder")).unwrap();
        std::os::unix::fs::symlink(outside.join("file"), root.join("file")).unwrap();
        let target = FileTarget::new(&OUT, Place::Below(root.clone()), true);
        make(&target, &["folder"]);
        make(&target, &["folder", "deep"]);
        assert!(!write(&target, &["folder", "new"]).await);
        assert!(!write(&target, &["folder", "deep", "new"]).await);
        assert!(
            write(&target, &["file"]).await,
            "the link itself is replaced"
        );
        assert_eq!(fs::read(outside.join("file")).unwrap(), b"old");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn files_that_differ_stay_unless_forced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        fs::write(&path, "different").unwrap();
        let place = Place::File(path.clone());
        let target = FileTarget::new(&OUT, place.clone(), false);
        assert!(!write(&target, &["f"]).await);
        assert_eq!(target.finish().refused, 1);
        assert!(write(&FileTarget::new(&OUT, place.clone(), true), &["f"]).await);
        let again = FileTarget::new(&OUT, place, false);
        assert!(!write(&again, &["f"]).await);
        assert_eq!(again.finish().same, 1);
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    /// A disk on which `A` and `a` are one file, which a target with one place
    /// for everything is too.
    #[tokio::test]
    async fn two_names_that_are_one_file_here_do_not_replace_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        for force in [false, true] {
            let target = FileTarget::new(&OUT, Place::File(path.clone()), force);
            assert!(write(&target, &["A"]).await);
            assert!(!write(&target, &["a"]).await);
            assert_eq!(target.finish().refused, 1);
            fs::remove_file(&path).unwrap();

            // Both are begun before either is there.
            let target = FileTarget::new(&OUT, Place::File(path.clone()), force);
            let (upper, lower) = (owned(&["A"]), owned(&["a"]));
            let first = target.start_file(&wanted(&upper), None).await.unwrap();
            let second = target.start_file(&wanted(&lower), None).await.unwrap();
            for (sink, bytes) in [(first, "one"), (second, "two")] {
                let mut sink = sink.unwrap();
                sink.write(bytes.into()).await.unwrap();
                sink.finish().await.unwrap();
            }
            assert_eq!(target.finish().refused, 1);
            assert_eq!(fs::read(&path).unwrap(), b"one");
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);

            // What was there already counts as well.
            let again = FileTarget::new(&OUT, Place::File(path.clone()), force);
            assert!(!write(&again, &["A"]).await);
            assert!(!write(&again, &["a"]).await);
            let kept = again.finish();
            assert_eq!((kept.same, kept.refused), (1, 1));
            fs::remove_file(&path).unwrap();
        }
    }
}
