//! The device key, in a file that only its owner can read.
//!
//! Not in the system's keyring: on the machines this client is for, a keyring
//! is often absent (no Secret Service on a server) or unlocked for every
//! program of the same person anyway.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use sv_client::port::{Keychain, StorageError};
use sv_core::DeviceKey;
use zeroize::Zeroizing;

use super::storage::{explain, remove, replace};

/// A device key in a file.
#[derive(Clone)]
pub struct FileKeychain(PathBuf);

impl FileKeychain {
    /// Keeps the key in `file`.
    pub const fn new(file: PathBuf) -> Self {
        Self(file)
    }

    fn wrong(&self, why: &str) -> StorageError {
        StorageError(format!("{}: {why}", self.0.display()))
    }
}

impl Keychain for FileKeychain {
    async fn load(&self) -> Result<Option<DeviceKey>, StorageError> {
        let bytes = match fs::read(&self.0) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(explain(&self.0, &error)),
        };
        if is_open_to_others(&self.0).map_err(|e| explain(&self.0, &e))? {
            return Err(self.wrong(
                "others on this computer can read the key of this device; if nobody did, run \
                 `chmod 600` on it, else `securevault logout` and change the password",
            ));
        }
        DeviceKey::from_store(&bytes)
            .map(Some)
            .map_err(|_| self.wrong("is damaged; run `securevault logout`, then log in again"))
    }

    async fn store(&self, key: &DeviceKey) -> Result<(), StorageError> {
        let bytes = key.to_store();
        replace(&self.0, bytes.as_slice()).map_err(|e| explain(&self.0, &e))
    }

    async fn wipe(&self) -> Result<(), StorageError> {
        // Best effort against later reading of the disk; flash may keep a copy.
        if self.0.exists() {
            let _ = replace_in_place(&self.0);
        }
        remove(&self.0).map_err(|e| explain(&self.0, &e))
    }
}

fn replace_in_place(path: &Path) -> io::Result<()> {
    use std::io::Write;
    let mut file = fs::OpenOptions::new().write(true).open(path)?;
    file.write_all(&[0; 32])?;
    file.sync_all()
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::metadata(path)?.permissions().mode() & 0o077 != 0)
}

/// Folders of a Windows profile are private by inheritance.
#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use getrandom::SysRng;
    use rand_core::UnwrapErr;

    use super::*;

    #[tokio::test]
    async fn a_key_is_kept_privately_and_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("home").join("device.key");
        let keychain = FileKeychain::new(file.clone());
        assert!(keychain.load().await.unwrap().is_none());
        let key = DeviceKey::generate(&mut UnwrapErr(SysRng)).unwrap();
        keychain.store(&key).await.unwrap();
        let loaded = keychain.load().await.unwrap().unwrap();
        assert_eq!(*loaded.to_store(), *key.to_store());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
            assert!(keychain.load().await.is_err());
        }
        keychain.wipe().await.unwrap();
        keychain.wipe().await.unwrap();
        assert!(keychain.load().await.unwrap().is_none());
    }
}
