//! Where the key-encryption key comes from: a file of 32 bytes outside the
//! data folder, or an environment variable.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD};
use zeroize::Zeroizing;

use super::{KeyEncryptionKey, random};

/// Where to look for the key.
#[derive(Clone)]
pub enum KeySource {
    /// A file of 32 bytes.
    File(PathBuf),
    /// The key itself in base64, from the environment.
    Text(Zeroizing<String>),
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// A database without its key: a new one would open nothing.
    #[error(
        "the key file {0} is missing, and the database was made with one. Restore it from where \
         you keep its copy, or name it with --key-file; without it nobody can log in"
    )]
    Missing(PathBuf),
    /// A file that is no key.
    #[error("{0} is not a key file: it must hold exactly 32 bytes")]
    NotAKey(PathBuf),
    /// A variable that is no key.
    #[error("SECUREVAULT_KEY must be 32 bytes in base64")]
    NotAKeyText,
    /// The file system refused.
    #[error("cannot use the key file {0}: {1}")]
    Io(PathBuf, io::Error),
}

impl std::fmt::Debug for KeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "File({})", path.display()),
            Self::Text(_) => f.write_str("Text(..)"),
        }
    }
}

impl KeySource {
    /// Reads the key.
    ///
    /// # Errors
    /// [`KeyFileError`] if it is missing or no key.
    pub fn read(&self) -> Result<KeyEncryptionKey, KeyFileError> {
        match self {
            Self::Text(text) => parse_text(text).ok_or(KeyFileError::NotAKeyText),
            Self::File(path) => read_file(path),
        }
    }

    /// Reads the key, or makes one where there is none yet. Only for a
    /// server that has no database yet.
    ///
    /// # Errors
    /// [`KeyFileError`] if it is no key or cannot be written.
    pub fn read_or_create(&self) -> Result<KeyEncryptionKey, KeyFileError> {
        match self.read() {
            Err(KeyFileError::Missing(path)) => {
                create_file(&path).map_err(|e| KeyFileError::Io(path.clone(), e))?;
                read_file(&path)
            }
            other => other,
        }
    }

    /// The file, where it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Text(_) => None,
        }
    }
}

fn parse_text(text: &str) -> Option<KeyEncryptionKey> {
    let text = text.trim().as_bytes();
    [BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD]
        .iter()
        .find_map(|form| {
            let bytes = Zeroizing::new(form.decode(text).ok()?);
            bytes.as_slice().try_into().ok()
        })
        .map(KeyEncryptionKey::new)
}

fn read_file(path: &Path) -> Result<KeyEncryptionKey, KeyFileError> {
    match fs::read(path).map(Zeroizing::new) {
        Ok(bytes) => bytes
            .as_slice()
            .try_into()
            .map(KeyEncryptionKey::new)
            .map_err(|_| KeyFileError::NotAKey(path.to_owned())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            Err(KeyFileError::Missing(path.to_owned()))
        }
        Err(e) => Err(KeyFileError::Io(path.to_owned(), e)),
    }
}

/// Writes a fresh key that is either whole or not there. Of two servers that
/// start at once, one wins and both use its key.
fn create_file(path: &Path) -> io::Result<()> {
    let parent = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(parent)?;
    let suffix = BASE64URL_NOPAD.encode(&random::<8>());
    let temporary = parent.join(format!(".new-key-{suffix}"));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)?;
    let key = Zeroizing::new(random::<32>());
    let linked = file
        .write_all(key.as_slice())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(&temporary, path));
    fs::remove_file(&temporary)?;
    match linked {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
        _ => File::open(parent)?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_only_for_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/key");
        let source = KeySource::File(path.clone());
        assert!(matches!(source.read(), Err(KeyFileError::Missing(_))));
        source.read_or_create().unwrap();
        let first = fs::read(&path).unwrap();
        source.read_or_create().unwrap();
        assert_eq!(fs::read(&path).unwrap(), first);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        fs::write(&path, [1; 31]).unwrap();
        let source = KeySource::File(path);
        assert!(matches!(
            source.read_or_create(),
            Err(KeyFileError::NotAKey(_))
        ));
        let text = |t: &str| KeySource::Text(Zeroizing::new(t.to_owned())).read();
        assert!(text(&BASE64.encode(&[7; 32])).is_ok());
        assert!(text(&BASE64URL_NOPAD.encode(&[255; 32])).is_ok());
        assert!(text("short").is_err());
    }
}
