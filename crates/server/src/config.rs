//! What the operator sets. Each setting is a flag and a `SECUREVAULT_*`
//! variable; the defaults are the safe ones.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use sv_api::account::SignupPolicy;
use zeroize::Zeroizing;

use crate::db;
use crate::http::AddressRange;
use crate::secrets::KeySource;

/// The service's name, as authenticators show it.
pub const SERVICE: &str = "SecureVault";
/// Its folder in the platform's folders.
const FOLDER: &str = "securevault";

/// Where everything is kept.
#[derive(Debug, Clone, Args)]
pub struct StorageArgs {
    /// Folder of the database and the files [default: the platform's data folder]
    #[arg(long, env = "SECUREVAULT_DATA", global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Database: sqlite://FILE, or mysql://USER:PASSWORD@HOST:PORT/NAME on
    /// TiDB, MySQL or MariaDB [default: sqlite://DATA/vault.db]
    #[arg(long, env = "SECUREVAULT_DATABASE", global = true, value_name = "URL")]
    #[arg(hide_env_values = true)]
    database: Option<String>,
    /// Store of large blocks [default: file://DATA/blocks]
    #[arg(long, env = "SECUREVAULT_BLOCKS", global = true, value_name = "URL")]
    #[arg(hide_env_values = true)]
    blocks: Option<String>,
    /// The key that guards the server's secrets; keep a copy of it, apart
    /// from the backups [default: in the platform's config folder]. The key
    /// itself may be in SECUREVAULT_KEY instead, as base64
    #[arg(long, env = "SECUREVAULT_KEY_FILE", global = true, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

/// How the server serves.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Address to listen on; port 0 takes a free one [default:
    /// localhost:8080, or with PORT set that port on every address]
    #[arg(long, env = "SECUREVAULT_LISTEN", value_name = "HOST:PORT")]
    listen: Option<String>,
    /// Who may sign up
    #[arg(long, env = "SECUREVAULT_SIGNUP", value_enum, default_value = "invite")]
    signup: Signup,
    /// Proxies whose X-Forwarded-For is believed, as ranges of addresses
    #[arg(
        long,
        env = "SECUREVAULT_TRUST_PROXY",
        value_delimiter = ',',
        value_name = "RANGE"
    )]
    trust_proxy: Vec<AddressRange>,
    /// Bring the database up to date first, where no command can be run
    /// before the server starts
    #[arg(long, env = "SECUREVAULT_MIGRATE")]
    migrate: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Signup {
    Invite,
    Open,
    Closed,
}

/// Where everything is kept, with defaults filled in.
#[derive(Debug, Clone)]
pub struct Storage {
    /// Folder of the database and the files.
    pub data: PathBuf,
    /// `sqlite://` and a path, or `mysql://` and where the server is.
    pub database: String,
    /// The folder of block files.
    pub blocks: PathBuf,
    /// The key-encryption key.
    pub key: KeySource,
}

/// Everything a server needs to start.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where everything is kept.
    pub storage: Storage,
    /// Address to listen on.
    pub listen: String,
    /// Who may sign up.
    pub signup: SignupPolicy,
    /// Proxies whose word is taken for a client's address.
    pub trust_proxy: Vec<AddressRange>,
    /// Whether to bring the database up to date first.
    pub migrate: bool,
}

/// A setting that makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No folder can be guessed.
    #[error("there is no home folder to keep things in: name one with {0}")]
    NoHome(&'static str),
    /// A URL of another kind.
    #[error("{0} must start with {1}")]
    Scheme(&'static str, &'static str),
}

impl Storage {
    /// Everything in one folder, but for the key, which is the file `key`.
    pub fn in_folder(data: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        let data = data.into();
        Self {
            database: format!("sqlite://{}", data.join("vault.db").display()),
            blocks: data.join("blocks"),
            key: KeySource::File(key.into()),
            data,
        }
    }

    /// Whether whoever copies the data folder has the key with it.
    pub fn key_is_in_data(&self) -> bool {
        let key = self.key.path().map(std::path::Path::canonicalize);
        match (key, self.data.canonicalize()) {
            (Some(Ok(key)), Ok(data)) => key.starts_with(data),
            _ => false,
        }
    }
}

impl Config {
    /// On a free port of `localhost`.
    pub fn on_free_port(storage: Storage, signup: SignupPolicy) -> Self {
        Self {
            storage,
            listen: "localhost:0".to_owned(),
            signup,
            trust_proxy: Vec::new(),
            migrate: false,
        }
    }
}

impl StorageArgs {
    /// Fills in the defaults.
    ///
    /// # Errors
    /// [`ConfigError`] where none fits.
    pub fn resolve(self) -> Result<Storage, ConfigError> {
        let data = match self.data {
            Some(data) => data,
            None => platform_folder("XDG_DATA_HOME", ".local/share")
                .ok_or(ConfigError::NoHome("--data"))?,
        };
        if let Some(url) = self.database.as_ref().filter(|url| !db::is_server(url)) {
            path_of(url, "sqlite://", "--database")
                .map_err(|_| ConfigError::Scheme("--database", "sqlite:// or mysql://"))?;
        }
        let blocks = match self.blocks {
            Some(url) => path_of(&url, "file://", "--blocks")?,
            None => data.join("blocks"),
        };
        // Not a flag: a command line is visible to every user of the machine.
        let text = std::env::var("SECUREVAULT_KEY").ok().map(Zeroizing::new);
        let key = match (self.key_file, text) {
            (Some(path), _) => KeySource::File(path),
            (None, Some(text)) => KeySource::Text(text),
            (None, None) => KeySource::File(
                platform_folder("XDG_CONFIG_HOME", ".config")
                    .ok_or(ConfigError::NoHome("--key-file"))?
                    .join("server.key"),
            ),
        };
        let default = || format!("sqlite://{}", data.join("vault.db").display());
        Ok(Storage {
            database: self.database.unwrap_or_else(default),
            blocks,
            key,
            data,
        })
    }
}

impl ServeArgs {
    /// Fills in the defaults.
    pub fn resolve(self, storage: Storage) -> Config {
        let listen = self.listen.unwrap_or_else(|| match std::env::var("PORT") {
            Ok(port) => format!("0.0.0.0:{port}"),
            Err(_) => "localhost:8080".to_owned(),
        });
        Config {
            storage,
            listen,
            signup: match self.signup {
                Signup::Invite => SignupPolicy::Invite,
                Signup::Open => SignupPolicy::Open,
                Signup::Closed => SignupPolicy::Closed,
            },
            trust_proxy: self.trust_proxy,
            migrate: self.migrate,
        }
    }
}

fn platform_folder(variable: &str, in_home: &str) -> Option<PathBuf> {
    let of_platform = std::env::var_os(variable).filter(|v| !v.is_empty());
    match of_platform {
        Some(folder) => Some(PathBuf::from(folder).join(FOLDER)),
        None => std::env::home_dir()
            .filter(|home| home.is_absolute() && home.parent().is_some())
            .map(|home| home.join(in_home).join(FOLDER)),
    }
}

fn path_of(url: &str, scheme: &'static str, flag: &'static str) -> Result<PathBuf, ConfigError> {
    url.strip_prefix(scheme)
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .ok_or(ConfigError::Scheme(flag, scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_back_ends_that_exist_are_taken() {
        assert!(path_of("sqlite:///srv/v.db", "sqlite://", "--database").is_ok());
        assert!(path_of("postgres://x", "sqlite://", "--database").is_err());
        assert!(path_of("sqlite://", "sqlite://", "--database").is_err());
    }
}
