//! The device key: in the system's keyring, or in a file that only its owner
//! can read ([decision 18](../../../../docs/decisions/0018-device-key-in-the-keyring.md)).
//!
//! The file `device.key` is the one place that says which: it holds the key,
//! or the id of the keyring's item. A key stays where it was put.

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use getrandom::SysRng;
use rand_core::{Rng, UnwrapErr};
use sv_client::port::{Keychain, StorageError};
use sv_core::DeviceKey;
use zeroize::Zeroizing;

use super::keyring::{self, ItemId, KeyringError};
use super::storage::{explain, remove, replace};
use crate::output::Output;

/// Begins a file that names an item of the keyring.
const IN_KEYRING: &str = "keyring ";

/// Says where the key of this device is to be kept.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct KeyringArgs {
    /// Where the key of this device is kept: in the system's keyring, in a
    /// file that only you can read, or in the keyring where there is one
    #[arg(
        long = "keyring",
        value_enum,
        value_name = "WHERE",
        env = "SECUREVAULT_KEYRING",
        default_value_t
    )]
    choice: KeyringChoice,
}

/// Where a new device key goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum KeyringChoice {
    /// To the keyring if it takes it, else to the file.
    #[default]
    Auto,
    /// To the keyring or nowhere.
    System,
    /// To the file.
    File,
}

/// Where a device key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPlace {
    /// In the system's keyring.
    Keyring,
    /// In the file.
    File,
}

/// Keeps the device key.
#[derive(Clone)]
pub struct DeviceKeychain {
    file: PathBuf,
    choice: KeyringChoice,
    out: Output,
}

/// What the file says.
enum Kept {
    Key(DeviceKey),
    InKeyring(ItemId),
}

impl KeyPlace {
    /// In a word, for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::File => "file",
        }
    }
}

impl fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keyring => "in the system's keyring",
            Self::File => "in a file that only you can read",
        })
    }
}

impl DeviceKeychain {
    /// Keeps the key, or what leads to it, in `file`.
    pub const fn new(file: PathBuf, wanted: KeyringArgs, out: Output) -> Self {
        Self {
            file,
            choice: wanted.choice,
            out,
        }
    }

    /// Where the key is, if there is one; asks no keyring.
    ///
    /// # Errors
    /// [`StorageError`] if the file cannot be read, or makes no sense.
    pub fn place(&self) -> Result<Option<KeyPlace>, StorageError> {
        Ok(self.kept()?.map(|kept| match kept {
            Kept::Key(_) => KeyPlace::File,
            Kept::InKeyring(_) => KeyPlace::Keyring,
        }))
    }

    /// The place of a key that is elsewhere than it was asked for: keys do not
    /// move.
    pub fn elsewhere(&self) -> Option<KeyPlace> {
        let place = self.place().ok()??;
        let wanted = match self.choice {
            KeyringChoice::Auto => return None,
            KeyringChoice::System => KeyPlace::Keyring,
            KeyringChoice::File => KeyPlace::File,
        };
        (place != wanted).then_some(place)
    }

    fn kept(&self) -> Result<Option<Kept>, StorageError> {
        let bytes = match fs::read(&self.file) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(explain(&self.file, &error)),
        };
        if let Some(id) = item_id(&bytes) {
            return Ok(Some(Kept::InKeyring(id)));
        }
        if is_open_to_others(&self.file).map_err(|e| explain(&self.file, &e))? {
            return Err(self.wrong(
                "others on this computer can read the key of this device; if nobody did, run \
                 `chmod 600` on it, else `securevault logout` and change the password",
            ));
        }
        let key = DeviceKey::from_store(&bytes)
            .map_err(|_| self.wrong("is damaged; run `securevault logout`, then log in again"))?;
        Ok(Some(Kept::Key(key)))
    }

    async fn fetch(&self, item: ItemId) -> Result<DeviceKey, StorageError> {
        let found = keyring::find(item, |text| self.out.remark(text)).await;
        let secret = found.map_err(|error| unusable(&error))?.ok_or_else(|| {
            StorageError(
                "the key of this device is no longer in the system's keyring: somebody removed \
                 it, or this is another keyring. Run `securevault logout`, then log in again"
                    .to_owned(),
            )
        })?;
        DeviceKey::from_store(&secret).map_err(|_| {
            StorageError(
                "the key of this device was altered in the system's keyring; run `securevault \
                 logout`, then log in again"
                    .to_owned(),
            )
        })
    }

    /// The item first, then the note of it: a crash between them leaves an
    /// item that nothing was ever sealed under.
    async fn store_in_keyring(&self, secret: &[u8]) -> Result<(), KeyringError> {
        let mut id = [0; 16];
        UnwrapErr(SysRng).fill_bytes(&mut id);
        let id = ItemId::new(id);
        let home = self.file.parent().unwrap_or(&self.file);
        let label = format!("SecureVault: key of this device ({})", home.display());
        let say = |text: &str| self.out.remark(text);
        keyring::keep(id, secret, &label, say).await?;
        let kept = match keyring::find(id, say).await?.as_deref() {
            Some(found) if found == secret => self.write(format!("{IN_KEYRING}{id}\n").as_bytes()),
            _ => Err(StorageError(
                "it does not give back what it took".to_owned(),
            )),
        };
        if let Err(error) = kept {
            // What fails here was of no use anyway.
            let _ = keyring::forget(id, say).await;
            return Err(KeyringError::Failed(error.0));
        }
        Ok(())
    }

    fn write(&self, bytes: &[u8]) -> Result<(), StorageError> {
        replace(&self.file, bytes).map_err(|e| explain(&self.file, &e))
    }

    fn wrong(&self, why: &str) -> StorageError {
        StorageError(format!("{}: {why}", self.file.display()))
    }
}

impl Keychain for DeviceKeychain {
    async fn load(&self) -> Result<Option<DeviceKey>, StorageError> {
        match self.kept()? {
            None => Ok(None),
            Some(Kept::Key(key)) => Ok(Some(key)),
            Some(Kept::InKeyring(item)) => self.fetch(item).await.map(Some),
        }
    }

    async fn store(&self, key: &DeviceKey) -> Result<(), StorageError> {
        let secret = key.to_store();
        if self.choice == KeyringChoice::File {
            return self.write(secret.as_slice());
        }
        match self.store_in_keyring(secret.as_slice()).await {
            Ok(()) => Ok(()),
            Err(error) if self.choice == KeyringChoice::System => Err(StorageError(format!(
                "the system's keyring {error}; to keep the key of this device in a file that only \
                 you can read, give `--keyring file`"
            ))),
            Err(error) => {
                if !error.is_absence() {
                    self.out.warn(&format!(
                        "The system's keyring {error}: the key of this device is kept in a file \
                         that only you can read, {}.",
                        self.file.display()
                    ));
                }
                self.write(secret.as_slice())
            }
        }
    }

    async fn wipe(&self) -> Result<(), StorageError> {
        // A file that makes no sense leads nowhere, and goes like any other.
        if let Ok(Some(Kept::InKeyring(item))) = self.kept()
            && let Err(error) = keyring::forget(item, |text| self.out.remark(text)).await
        {
            self.out.warn(&format!(
                "The system's keyring {error}: the key of this device stays in it, as item {item}. \
                 What it opened is wiped."
            ));
        }
        // Best effort against later reading of the disk; flash may keep a copy.
        if self.file.exists() {
            let _ = replace_in_place(&self.file);
        }
        remove(&self.file).map_err(|e| explain(&self.file, &e))
    }
}

fn unusable(error: &KeyringError) -> StorageError {
    let help = match error {
        KeyringError::Locked => "unlock it, and try again",
        _ => "log in to the desktop that has it, and try again",
    };
    StorageError(format!(
        "the key of this device is in the system's keyring, which {error}: {help}. Or run \
         `securevault logout`, then log in with `--keyring file`"
    ))
}

fn item_id(bytes: &[u8]) -> Option<ItemId> {
    let text = std::str::from_utf8(bytes).ok()?;
    let id = text.strip_prefix(IN_KEYRING)?.strip_suffix('\n')?;
    id.parse().ok()
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
    use super::*;

    const OUT: Output = Output {
        json: false,
        quiet: true,
    };
    const FILE: KeyringArgs = KeyringArgs {
        choice: KeyringChoice::File,
    };

    #[tokio::test]
    async fn a_key_is_kept_privately_and_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("home").join("device.key");
        let keychain = DeviceKeychain::new(file.clone(), FILE, OUT);
        assert!(keychain.load().await.unwrap().is_none());
        let key = DeviceKey::generate(&mut UnwrapErr(SysRng)).unwrap();
        keychain.store(&key).await.unwrap();
        assert_eq!(keychain.place().unwrap(), Some(KeyPlace::File));
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

    #[test]
    fn the_file_says_where_the_key_is() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("device.key");
        let place = |bytes: &[u8]| {
            replace(&file, bytes).unwrap();
            DeviceKeychain::new(file.clone(), FILE, OUT).place()
        };
        let note = format!("{IN_KEYRING}{}\n", ItemId::new([7; 16]));
        assert_eq!(place(note.as_bytes()), Ok(Some(KeyPlace::Keyring)));
        assert_eq!(place(&[7; 32]), Ok(Some(KeyPlace::File)));
        for odd in [
            &note.as_bytes()[..note.len() - 1],
            b"keyring \n",
            b"",
            &[0; 32],
        ] {
            assert!(place(odd).is_err(), "{odd:?}");
        }
        let wanted = |choice| DeviceKeychain::new(file.clone(), KeyringArgs { choice }, OUT);
        replace(&file, note.as_bytes()).unwrap();
        assert_eq!(wanted(KeyringChoice::Auto).elsewhere(), None);
        assert_eq!(wanted(KeyringChoice::System).elsewhere(), None);
        let place = wanted(KeyringChoice::File).elsewhere();
        assert_eq!(place, Some(KeyPlace::Keyring));
    }
}
