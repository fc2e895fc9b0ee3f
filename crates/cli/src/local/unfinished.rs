//! A mark in a folder that a download has made and not finished, so that the
//! same command goes on in it instead of going into it.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

const MARK: &str = ".securevault-get.svpart";

/// A folder that is being downloaded into.
#[derive(Debug)]
pub struct Unfinished(PathBuf);

impl Unfinished {
    /// Makes the folder and marks it.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn create(folder: &Path, remote: &str) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mark = folder.join(MARK);
        fs::write(&mark, remote)?;
        Ok(Self(mark))
    }

    /// The mark that an interrupted download of the same left.
    pub fn find(folder: &Path, remote: &str) -> Option<Self> {
        let mark = folder.join(MARK);
        let is_ours = fs::read(&mark).is_ok_and(|marked| marked == remote.as_bytes());
        is_ours.then_some(Self(mark))
    }

    /// Takes the mark away: what could be done is done.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn done(self) -> io::Result<()> {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_unfinished_for_the_same_download_only() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("copy");
        assert!(Unfinished::find(&folder, "/a").is_none());
        Unfinished::create(&folder, "/a").unwrap();
        assert!(Unfinished::find(&folder, "/b").is_none());
        Unfinished::find(&folder, "/a").unwrap().done().unwrap();
        assert!(Unfinished::find(&folder, "/a").is_none());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }
}
