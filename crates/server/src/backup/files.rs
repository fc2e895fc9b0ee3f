//! File operations of backups: nothing is overwritten, everything is synced.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use data_encoding::HEXLOWER;

use super::{Error, FileDigest, Result};

/// Makes a folder that must not exist, for its owner alone.
pub(super) fn make_folder(path: &Path) -> Result<()> {
    let made = DirBuilder::new().mode(0o700).create(path);
    made.map_err(|error| at(path, error))
}

/// Makes a folder and all above it; it may exist.
pub(super) fn ensure_folder(path: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| at(path, error))
}

/// Copies a file to a place where there must be none; what was copied.
pub(super) fn copy(from: &Path, to: &Path) -> Result<FileDigest> {
    let mut target = create(to)?;
    let digest = pour(from, |piece| {
        target.write_all(piece).map_err(|error| at(to, error))
    })?;
    target.sync_all().map_err(|error| at(to, error))?;
    Ok(digest)
}

/// A file's digest, after making sure that its bytes are durable and its
/// owner's alone.
pub(super) fn seal(path: &Path) -> Result<FileDigest> {
    let file = File::open(path).map_err(|error| at(path, error))?;
    let private = std::fs::Permissions::from_mode(0o600);
    file.set_permissions(private)
        .and_then(|()| file.sync_all())
        .map_err(|error| at(path, error))?;
    digest(path)
}

/// A file's digest.
pub(super) fn digest(path: &Path) -> Result<FileDigest> {
    pour(path, |_| Ok(()))
}

/// Writes a file where there must be none.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = create(path)?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(|error| at(path, error))
}

/// Gives a file its final name, where there must be none.
pub(super) fn publish(from: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        return Err(Error::Exists(to.to_owned()));
    }
    std::fs::rename(from, to).map_err(|error| at(to, error))?;
    to.parent().map_or(Ok(()), sync_folder)
}

/// Makes a folder's entries durable.
pub(super) fn sync_folder(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| at(path, error))
}

pub(super) fn at(path: &Path, error: std::io::Error) -> Error {
    if error.kind() == std::io::ErrorKind::AlreadyExists {
        return Error::Exists(path.to_owned());
    }
    Error::File {
        path: path.to_owned(),
        error,
    }
}

fn create(path: &Path) -> Result<File> {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    made.map_err(|error| at(path, error))
}

/// Reads a file to its end, piece by piece.
fn pour(from: &Path, mut sink: impl FnMut(&[u8]) -> Result<()>) -> Result<FileDigest> {
    let mut source = File::open(from).map_err(|error| at(from, error))?;
    let mut buffer = vec![0; 1 << 20];
    let mut hasher = blake3::Hasher::new();
    loop {
        let read = source.read(&mut buffer).map_err(|error| at(from, error))?;
        let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else {
            return Ok(FileDigest {
                len: hasher.count(),
                blake3: HEXLOWER.encode(hasher.finalize().as_bytes()),
            });
        };
        hasher.update(piece);
        sink(piece)?;
    }
}
