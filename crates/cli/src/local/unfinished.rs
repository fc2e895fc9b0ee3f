//! That a download has made a folder and not finished it, so that the same
//! command goes on in it instead of going into it. Noted in this device's
//! state and not in the folder, where every name may be one of the vault's.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use sv_client::port::{Storage, StorageError};

use super::explain;

/// Noted before the folder is made: if it is there then, it is empty.
const ABOUT_TO_BE: &[u8] = b"";

/// A folder that is being downloaded into.
#[derive(Debug)]
pub struct Unfinished(String);

impl Unfinished {
    /// Makes the folder and notes it.
    ///
    /// # Errors
    /// Those of the file system.
    pub async fn create(
        storage: &impl Storage,
        folder: &Path,
        remote: &str,
    ) -> Result<Self, StorageError> {
        let failed = |error: io::Error| explain(folder, &error);
        let name = note_name(folder, remote).map_err(failed)?;
        storage.write(&name, ABOUT_TO_BE).await?;
        fs::create_dir_all(folder).map_err(failed)?;
        let found = fs::metadata(folder).map_err(failed)?;
        storage.write(&name, identity(&found).as_bytes()).await?;
        Ok(Self(name))
    }

    /// What an interrupted download of the same to there noted, if that is the
    /// folder it made.
    ///
    /// # Errors
    /// [`StorageError`] if this device's state cannot be read.
    pub async fn find(
        storage: &impl Storage,
        folder: &Path,
        remote: &str,
    ) -> Result<Option<Self>, StorageError> {
        let (Ok(found), Ok(name)) = (fs::metadata(folder), note_name(folder, remote)) else {
            return Ok(None);
        };
        let is_ours = match storage.read(&name).await?.as_deref() {
            None => false,
            Some(ABOUT_TO_BE) => fs::read_dir(folder).is_ok_and(|mut rows| rows.next().is_none()),
            Some(noted) => noted == identity(&found).as_bytes(),
        };
        Ok((is_ours && found.is_dir()).then_some(Self(name)))
    }

    /// Takes the note away: what could be done is done.
    ///
    /// # Errors
    /// Those of the file system.
    pub async fn done(self, storage: &impl Storage) -> Result<(), StorageError> {
        storage.remove(&self.0).await
    }
}

fn note_name(folder: &Path, remote: &str) -> io::Result<String> {
    let folder = std::path::absolute(folder)?;
    let folder = folder.to_string_lossy();
    let place = Sha256::new()
        .chain_update((folder.len() as u64).to_be_bytes())
        .chain_update(folder.as_bytes())
        .chain_update(remote.as_bytes())
        .finalize();
    Ok(format!("unfinished/{}", HEXLOWER.encode(&place)))
}

/// Tells the folder from another that somebody puts in its place.
#[cfg(unix)]
fn identity(folder: &Metadata) -> String {
    use std::os::unix::fs::MetadataExt;
    format!("{} {}", folder.dev(), folder.ino())
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> String {
    "made".to_owned()
}
