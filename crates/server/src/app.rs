//! Everything that requests share: the services, on one database.

use std::sync::Arc;

use sv_api::account::SignupPolicy;
use tokio_util::sync::CancellationToken;

use crate::blocks;
use crate::clock::Clock;
use crate::config::{Config, Storage};
use crate::db::{self, Database, Query};
use crate::http::AddressRange;
use crate::jobs::Jobs;
use crate::metrics::Metrics;
use crate::moving::Serving;
use crate::random::Random;
use crate::secrets::{KeyEncryptionKey, KeyFileError};
use crate::service;
use crate::service::account::{Accounts, Instance, InstanceError};
use crate::service::audit::Audit;
use crate::service::events::Events;
use crate::service::vault::Vaults;
use crate::store::leases::{self, Mark};

/// The services of a server. Clones are the same server.
#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    db: Database,
    clock: Clock,
    accounts: Accounts,
    audit: Audit,
    vaults: Vaults,
    events: Events,
    jobs: Jobs,
    metrics: Metrics,
    trusted_proxies: Vec<AddressRange>,
    audit_keep_ms: Option<u64>,
    draining: CancellationToken,
    /// Keeps a move away, where the database is a file.
    _serving: Option<Serving>,
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
    /// The audit log does not open.
    #[error("cannot open the audit log: {0}")]
    Audit(#[from] service::Error),
    /// The database does not open.
    #[error("cannot open the database: {0}")]
    Database(#[from] db::Error),
    /// A move is under way or has stopped.
    #[error(
        "this installation is being moved to another database: end that with securevaultd \
         migrate-to, or serve from here again with migrate-to --give-up"
    )]
    Moving,
    /// It was moved.
    #[error("this installation was moved to another database and is served from there")]
    MovedAway,
    /// What is here has not all arrived.
    #[error("a move into this database has not ended: run securevaultd migrate-to again")]
    Arriving,
    /// The lock file beside the database.
    #[error("cannot lock the database: {0}")]
    Lock(std::io::Error),
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
        let serving = serve_alone(&db).await?;
        let kek = open_key(&db, &config.storage).await?;
        let instance = Instance::open(&db, &kek).await?;
        let kek = Arc::new(kek);
        let audit = Audit::open(db.clone(), clock.clone(), kek.clone(), instance.id()).await?;
        let accounts = Accounts::new(
            db.clone(),
            clock.clone(),
            kek,
            Arc::new(instance),
            config.signup,
        );
        let blocks = blocks::open(&config.storage.blocks, &db, &clock)?;
        let vaults = Vaults::new(db.clone(), blocks.clone(), clock.clone(), Random::system())
            .with_max_file(config.max_file);
        let events = Events::new(db.clone(), clock.clone(), vaults.listeners().clone());
        let metrics = Metrics::new(db.waits());
        let jobs = Jobs::new(db.clone(), blocks, clock.clone(), Random::system());
        Ok(Self(Arc::new(Parts {
            db,
            clock,
            accounts,
            audit,
            vaults,
            events,
            jobs,
            metrics,
            trusted_proxies: config.trust_proxy.clone(),
            audit_keep_ms: config.audit_keep_ms,
            draining: CancellationToken::new(),
            _serving: serving,
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

    /// What happened.
    pub fn audit(&self) -> &Audit {
        &self.0.audit
    }

    /// How long rows of the audit log are kept; none for ever.
    pub(crate) fn audit_keep_ms(&self) -> Option<u64> {
        self.0.audit_keep_ms
    }

    /// Vaults: logs, records, blocks.
    pub fn vaults(&self) -> &Vaults {
        &self.0.vaults
    }

    /// Changes, for whoever listens.
    pub fn events(&self) -> &Events {
        &self.0.events
    }

    /// What the server does on its own.
    pub fn jobs(&self) -> &Jobs {
        &self.0.jobs
    }

    /// What the server counts.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
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

/// Keeps a move to another database away, where the database is a file, and
/// refuses one that has moved.
async fn serve_alone(db: &Database) -> Result<Option<Serving>, OpenError> {
    let serving = match db.file() {
        Some(file) => match Serving::shared(&file.path()).map_err(OpenError::Lock)? {
            None => return Err(OpenError::Moving),
            serving => serving,
        },
        None => None,
    };
    require_not_moved(db).await?;
    Ok(serving)
}

async fn require_not_moved(db: &Database) -> Result<(), OpenError> {
    let mut snapshot = db.read().await?;
    for (mark, error) in [
        (Mark::MovedAway, OpenError::MovedAway),
        (Mark::MovingAway, OpenError::Moving),
        (Mark::Arriving, OpenError::Arriving),
    ] {
        if leases::marked(&mut snapshot, mark).await?.is_some() {
            return Err(error);
        }
    }
    Ok(())
}
