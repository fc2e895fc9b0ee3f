//! What the operator sets. Each setting is a flag and a `SECUREVAULT_*`
//! variable; the defaults are the safe ones.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use sv_api::account::SignupPolicy;
use zeroize::Zeroizing;

use crate::blocks::{BlocksUrl, BlocksUrlError};
use crate::cli::{parse_duration_ms, parse_size};
use crate::db;
use crate::ephemeral::Ephemeral;
use crate::http::AddressRange;
use crate::secrets::KeySource;
use crate::tls::{SettingsError, TlsArgs, TlsSettings};

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
    /// Where large blocks rest: file://FOLDER, db:// or
    /// s3://BUCKET/PREFIX?endpoint=URL&region=NAME [default: file://DATA/blocks]
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
    /// localhost:8080, or with PORT set that port on every address; with
    /// --tls self 0.0.0.0:8443, with other TLS [::]:443]
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
    /// The largest file that is taken, as 500MB or 10GiB, or none for no limit;
    /// in a vault of Fernet tokens, which are a third larger than what is in
    /// them, one of three quarters of that
    /// [default: 64MiB with blocks at db://, else none]
    #[arg(long, env = "SECUREVAULT_MAX_FILE", value_name = "SIZE", value_parser = parse_limit)]
    max_file: Option<Limit>,
    /// Bring the database up to date first, where no command can be run
    /// before the server starts
    #[arg(long, env = "SECUREVAULT_MIGRATE")]
    migrate: bool,
    /// Show metrics for Prometheus at /metrics on an address of their own,
    /// as localhost:9090: whoever reaches it can read them
    #[arg(long, env = "SECUREVAULT_METRICS", value_name = "HOST:PORT")]
    metrics: Option<String>,
    /// How long rows of the audit log are kept, as 400d, or none for ever
    #[arg(
        long,
        env = "SECUREVAULT_AUDIT_KEEP",
        value_name = "TIME",
        default_value = "400d"
    )]
    #[arg(value_parser = parse_keep)]
    audit_keep: Keep,
    #[command(flatten)]
    tls: TlsArgs,
    /// What to do where files do not outlive a restart
    #[arg(
        long,
        env = "SECUREVAULT_EPHEMERAL",
        value_enum,
        default_value = "auto"
    )]
    ephemeral: Ephemeral,
}

/// A size, or expressly none.
#[derive(Debug, Clone, Copy)]
struct Limit(Option<u64>);

fn parse_limit(text: &str) -> Result<Limit, String> {
    parse_size(text).map(Limit)
}

/// A time that something is kept, or expressly for ever.
#[derive(Debug, Clone, Copy)]
struct Keep(Option<u64>);

fn parse_keep(text: &str) -> Result<Keep, String> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(Keep(None));
    }
    parse_duration_ms(text).map(|ms| Keep(Some(ms)))
}

/// The largest file where blocks rest in the database: rows are the dearest
/// place for them.
const MAX_FILE_IN_DATABASE: u64 = 64 << 20;

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
    /// Where blocks rest.
    pub blocks: BlocksUrl,
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
    /// Bytes of the largest file that is taken.
    pub max_file: Option<u64>,
    /// Whether to bring the database up to date first.
    pub migrate: bool,
    /// Address of the metrics, where they are shown.
    pub metrics: Option<String>,
    /// Milliseconds that rows of the audit log are kept; none for ever.
    pub audit_keep_ms: Option<u64>,
    /// How connections are encrypted.
    pub tls: TlsSettings,
    /// What to do where files do not outlive a restart.
    pub ephemeral: Ephemeral,
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
    /// TLS half set up.
    #[error(transparent)]
    Tls(#[from] SettingsError),
    /// No block store.
    #[error("--blocks: {0}")]
    Blocks(#[from] BlocksUrlError),
}

impl Storage {
    /// Everything in one folder, but for the key, which is the file `key`.
    pub fn in_folder(data: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        let data = data.into();
        Self {
            database: format!("sqlite://{}", data.join("vault.db").display()),
            blocks: BlocksUrl::Files(data.join("blocks")),
            key: KeySource::File(key.into()),
            data,
        }
    }

    /// The folders of this machine that must outlive a restart, and what is
    /// in them.
    pub fn folders(&self) -> Vec<(&'static str, PathBuf)> {
        let parent = |file: &Path| file.parent().unwrap_or(Path::new(".")).to_owned();
        let database = self.database.strip_prefix("sqlite://").map(Path::new);
        let of_files = [("the database", database), ("the key", self.key.path())];
        let mut folders: Vec<_> = of_files
            .into_iter()
            .filter_map(|(what, file)| Some((what, parent(file?))))
            .collect();
        if let BlocksUrl::Files(folder) = &self.blocks {
            folders.push(("the blocks", folder.clone()));
        }
        folders
    }

    /// Whether whoever copies the data folder has the key with it.
    pub fn key_is_in_data(&self) -> bool {
        let key = self.key.path().map(Path::canonicalize);
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
            max_file: default_max_file(&storage),
            storage,
            listen: "localhost:0".to_owned(),
            signup,
            trust_proxy: Vec::new(),
            migrate: false,
            metrics: None,
            audit_keep_ms: None,
            tls: TlsSettings::Off,
            ephemeral: Ephemeral::Auto,
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
            Some(url) => url.parse()?,
            None => BlocksUrl::Files(data.join("blocks")),
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
    ///
    /// # Errors
    /// [`ConfigError`] for settings that do not go together.
    pub fn resolve(self, storage: Storage) -> Result<Config, ConfigError> {
        let tls = self.tls.resolve()?;
        let listen = self.listen.unwrap_or_else(|| match std::env::var("PORT") {
            Ok(port) => format!("0.0.0.0:{port}"),
            Err(_) => tls.default_listen().to_owned(),
        });
        let max_file = match self.max_file {
            Some(Limit(limit)) => limit,
            None => default_max_file(&storage),
        };
        Ok(Config {
            storage,
            max_file,
            listen,
            signup: match self.signup {
                Signup::Invite => SignupPolicy::Invite,
                Signup::Open => SignupPolicy::Open,
                Signup::Closed => SignupPolicy::Closed,
            },
            trust_proxy: self.trust_proxy,
            migrate: self.migrate,
            metrics: self.metrics,
            audit_keep_ms: self.audit_keep.0,
            tls,
            ephemeral: self.ephemeral,
        })
    }
}

fn default_max_file(storage: &Storage) -> Option<u64> {
    (storage.blocks == BlocksUrl::Database).then_some(MAX_FILE_IN_DATABASE)
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
