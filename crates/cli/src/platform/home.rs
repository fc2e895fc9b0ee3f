//! The folder in which a client lives: which server, the device key, and the
//! profile with its caches.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use sv_client::port::StorageError;

use super::Server;
use super::storage::{explain, make_private_dirs, replace};

const APPLICATION: &str = "securevault";

/// Where a client keeps its state.
#[derive(Debug, Clone)]
pub struct Home(PathBuf);

/// While it lives, no other command works in the same home.
#[derive(Debug)]
pub struct HomeLock(#[expect(dead_code, reason = "closing the file releases it")] File);

impl Home {
    /// A given folder.
    pub const fn at(dir: PathBuf) -> Self {
        Self(dir)
    }

    /// The platform's folder for settings.
    ///
    /// # Errors
    /// [`StorageError`] if the system does not say where that is.
    pub fn of_platform() -> Result<Self, StorageError> {
        settings_dir()
            .map(|dir| Self(dir.join(APPLICATION)))
            .ok_or_else(|| StorageError("set SECUREVAULT_HOME to a folder of your own".to_owned()))
    }

    /// The folder itself.
    pub fn dir(&self) -> &Path {
        &self.0
    }

    /// Where the profile's files are.
    pub fn profile_dir(&self) -> PathBuf {
        self.0.join("profile")
    }

    /// Where the device key is.
    pub fn device_key_file(&self) -> PathBuf {
        self.0.join("device.key")
    }

    /// The server that this home belongs to, if it belongs to one.
    ///
    /// # Errors
    /// [`StorageError`] if that cannot be read.
    pub fn server(&self) -> Result<Option<Server>, StorageError> {
        let file = self.config_file();
        let bytes = match fs::read(&file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(explain(&file, &error)),
        };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| StorageError(format!("{}: {error}", file.display())))
    }

    /// Remembers the server, and the certificate that it is pinned to.
    ///
    /// # Errors
    /// [`StorageError`] if that cannot be written.
    pub fn remember_server(&self, server: &Server) -> Result<(), StorageError> {
        let file = self.config_file();
        let bytes =
            serde_json::to_vec_pretty(server).map_err(|error| StorageError(error.to_string()))?;
        replace(&file, &bytes).map_err(|error| explain(&file, &error))
    }

    /// Makes the folder if needed, and waits until no other command uses it.
    /// `on_wait` is called once if that takes time.
    ///
    /// # Errors
    /// [`StorageError`] if the folder cannot be made or locked.
    pub fn lock(&self, on_wait: impl FnOnce()) -> Result<HomeLock, StorageError> {
        let lock = || -> io::Result<HomeLock> {
            make_private_dirs(&self.0)?;
            let file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .open(self.0.join("lock"))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    on_wait();
                    file.lock()?;
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
            Ok(HomeLock(file))
        };
        lock().map_err(|error| explain(&self.0, &error))
    }

    fn config_file(&self) -> PathBuf {
        self.0.join("config.json")
    }
}

fn settings_dir() -> Option<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    if cfg!(windows) {
        absolute("APPDATA")
    } else if cfg!(target_os = "macos") {
        std::env::home_dir().map(|home| home.join("Library").join("Application Support"))
    } else {
        absolute("XDG_CONFIG_HOME")
            .or_else(|| std::env::home_dir().map(|home| home.join(".config")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path().join("h"));
        assert_eq!(home.server().unwrap(), None);
        for fingerprint in [None, Some("0".repeat(64).parse().unwrap())] {
            let server = Server {
                url: "https://vault.example.org".parse().unwrap(),
                fingerprint,
            };
            home.remember_server(&server).unwrap();
            assert_eq!(home.server().unwrap(), Some(server));
        }
        fs::write(
            dir.path().join("h/config.json"),
            r#"{"server":"http://example.org"}"#,
        )
        .unwrap();
        assert!(home.server().is_err(), "unencrypted, whoever wrote it");
    }

    #[test]
    fn two_commands_in_one_home_wait_for_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path().to_owned());
        let first = home.lock(|| panic!("nobody else is here")).unwrap();
        let (said, hear) = std::sync::mpsc::channel();
        let second = std::thread::spawn({
            let home = home.clone();
            move || home.lock(|| said.send(()).unwrap()).map(drop)
        });
        hear.recv().unwrap();
        drop(first);
        second.join().unwrap().unwrap();
    }
}
