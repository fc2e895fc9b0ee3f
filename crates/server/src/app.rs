//! Everything that requests share: the services, on one database.

use std::sync::Arc;

use sv_api::account::SignupPolicy;
use tokio_util::sync::CancellationToken;

use crate::blocks::{self, BlockStore, FileBlocks};
use crate::clock::Clock;
use crate::config::{Config, Storage};
use crate::db::{self, Database, Query};
use crate::http::AddressRange;
use crate::jobs::Jobs;
use crate::random::Random;
use crate::secrets::{KeyEncryptionKey, KeyFileError};
use crate::service::account::{Accounts, Instance, InstanceError};
use crate::service::vault::Vaults;

/// The services of a server. Clones are the same server.
#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    db: Database,
    clock: Clock,
    accounts: Accounts,
    vaults: Vaults,
    jobs: Jobs,
    trusted_proxies: Vec<AddressRange>,
    draining: CancellationToken,
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No key-encryption key.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The database, or a key that is not its own.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// The database does not open.
    #[error("cannot open the database: {0}")]
    Database(#[from] db::Error),
    /// The block store does not open.
    #[error("cannot open the block store: {0}")]
    Blocks(#[from] blocks::Error),
}

impl App {
    /// Opens database and key, and makes both at the first start. A database
    /// whose key is missing or wrong is left alone.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(config: &Config, clock: Clock) -> Result<Self, OpenError> {
        if config.migrate {
            Database::migrate(&config.storage.database).await?;
        }
        let db = Database::open(&config.storage.database).await?;
        Self::on(db, config, clock).await
    }

    /// The same on a database that is open already.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn on(db: Database, config: &Config, clock: Clock) -> Result<Self, OpenError> {
        let kek = open_key(&db, &config.storage).await?;
        let instance = Instance::open(&db, &kek).await?;
        let accounts = Accounts::new(
            db.clone(),
            clock.clone(),
            Arc::new(kek),
            Arc::new(instance),
            config.signup,
        );
        let blocks: Arc<dyn BlockStore> = Arc::new(FileBlocks::open(&config.storage.blocks)?);
        let vaults = Vaults::new(db.clone(), blocks.clone(), clock.clone(), Random::system());
        let jobs = Jobs::new(db.clone(), blocks, clock.clone(), Random::system());
        Ok(Self(Arc::new(Parts {
            db,
            clock,
            accounts,
            vaults,
            jobs,
            trusted_proxies: config.trust_proxy.clone(),
            draining: CancellationToken::new(),
        })))
    }

    /// For a command that serves nobody.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open_offline(storage: Storage) -> Result<Self, OpenError> {
        let config = Config::on_free_port(storage, SignupPolicy::Closed);
        Self::open(&config, Clock::system()).await
    }

    /// Sign-up, log-in and whatever else concerns accounts.
    pub fn accounts(&self) -> &Accounts {
        &self.0.accounts
    }

    /// Vaults: logs, records, blocks.
    pub fn vaults(&self) -> &Vaults {
        &self.0.vaults
    }

    /// What the server does on its own.
    pub fn jobs(&self) -> &Jobs {
        &self.0.jobs
    }

    /// The database.
    pub fn db(&self) -> &Database {
        &self.0.db
    }

    /// The time.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Whether the server takes no new work.
    pub fn is_draining(&self) -> bool {
        self.0.draining.is_cancelled()
    }

    /// Resolves when the server is to stop.
    pub(crate) fn draining(&self) -> &CancellationToken {
        &self.0.draining
    }

    pub(crate) fn trusted_proxies(&self) -> &[AddressRange] {
        &self.0.trusted_proxies
    }

    /// Asks the database for a sign of life.
    pub(crate) async fn ping(&self) -> db::Result<()> {
        self.db().read().await?.lookup("SELECT 1", vec![]).await?;
        Ok(())
    }
}

/// A database that already has secrets wants the key they were sealed under;
/// only a new one gets a new key.
async fn open_key(db: &Database, storage: &Storage) -> Result<KeyEncryptionKey, OpenError> {
    Ok(match Instance::exists(db).await? {
        true => storage.key.read()?,
        false => storage.key.read_or_create()?,
    })
}
