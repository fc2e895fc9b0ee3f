//! The few file operations on which durability rests, as a port: a test sees
//! their order, and makes them fail.

use std::fs::{File, OpenOptions};
use std::io::{Result, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// File operations. All of them block.
pub trait Fs: Send + Sync + std::fmt::Debug + 'static {
    /// Makes a file that must not exist, for its owner alone.
    ///
    /// # Errors
    /// The system's, as for all others.
    fn create(&self, path: &Path) -> Result<File>;

    /// Appends.
    ///
    /// # Errors
    /// The system's.
    fn write(&self, file: &mut File, bytes: &[u8]) -> Result<()>;

    /// Makes a file's bytes durable. A failure is final for this file: the
    /// system may have dropped what it could not write (engines.md §6).
    ///
    /// # Errors
    /// The system's.
    fn sync_file(&self, file: &File) -> Result<()>;

    /// Moves within one file system.
    ///
    /// # Errors
    /// The system's.
    fn rename(&self, from: &Path, to: &Path) -> Result<()>;

    /// Makes a folder's entries durable.
    ///
    /// # Errors
    /// The system's.
    fn sync_folder(&self, folder: &Path) -> Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// The system's.
    fn remove(&self, path: &Path) -> Result<()>;
}

/// The operating system's.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemFs;

impl Fs for SystemFs {
    fn create(&self, path: &Path) -> Result<File> {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> Result<()> {
        file.write_all(bytes)
    }

    fn sync_file(&self, file: &File) -> Result<()> {
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        std::fs::rename(from, to)
    }

    fn sync_folder(&self, folder: &Path) -> Result<()> {
        File::open(folder)?.sync_all()
    }

    fn remove(&self, path: &Path) -> Result<()> {
        std::fs::remove_file(path)
    }
}
