//! A thin port over the database engine, so that every statement is written
//! once. Statements stay in the SQL that all engines share; where they differ
//! (`UPSERT`, `FOR UPDATE`, lists), [`dialect`] rewrites a marker.
//!
//! [`Database::read`] gives a snapshot, [`Database::write`] a unit of work:
//! `commit(self)` keeps it, dropping it rolls back. What a unit of work reads
//! may be another's work from after it began, and may change again at once:
//! whoever writes on the strength of it reads it `FOR UPDATE`, or says in the
//! UPDATE itself what must still be so.

mod dialect;
mod error;
pub mod faults;
mod mysql;
mod session;
mod sqlite;
mod transaction;
mod value;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::metrics::{Access, Waits};

pub use error::{Error, Result};
use faults::{Faults, Point};
pub use transaction::{Query, Read, Write};
pub use value::{FromValue, Row, Value};

/// Values for a statement's placeholders, in order.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => {
        vec![$($crate::db::Value::from($value)),*]
    };
}

/// How many times [`Database::retry`] attempts a unit of work.
const ATTEMPTS: u32 = 8;

/// An open database. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Database {
    engine: Engine,
    faults: Option<Arc<dyn Faults>>,
    waits: Waits,
}

#[derive(Debug, Clone)]
enum Engine {
    Sqlite(sqlite::Sqlite),
    MySql(mysql::MySql),
}

/// The one file that an embedded database is.
#[derive(Debug)]
pub struct DatabaseFile<'a>(&'a sqlite::Sqlite);

impl Database {
    /// Opens a database. `sqlite:///absolute/path` or `sqlite://relative/path`
    /// is made if it is not there, and brought up to date; one on a server,
    /// `mysql://USER:PASSWORD@HOST:PORT/DATABASE`, must be there, and have
    /// this server's schema.
    ///
    /// # Errors
    /// [`Error::Url`] for a URL of another kind, [`Error::NewerSchema`],
    /// [`Error::OlderSchema`] or [`Error::DirtySchema`].
    pub async fn open(url: &str) -> Result<Self> {
        if is_server(url) {
            let engine = mysql::MySql::open(url).await?;
            return Ok(Self::new(Engine::MySql(engine)));
        }
        let path = url
            .strip_prefix("sqlite://")
            .filter(|path| !path.is_empty())
            .ok_or(Error::Url)?;
        let engine = sqlite::Sqlite::open(Path::new(path)).await?;
        engine.migrate().await?;
        Ok(Self::new(Engine::Sqlite(engine)))
    }

    /// Brings a database up to date. Several may try at once: one does it.
    ///
    /// # Errors
    /// [`Error::NewerSchema`] for one that a newer server has written;
    /// [`Error::MigrationLock`] if another has been at it for a minute.
    pub async fn migrate(url: &str) -> Result<()> {
        if is_server(url) {
            return mysql::MySql::migrate(url).await;
        }
        Self::open(url).await?.close().await;
        Ok(())
    }

    /// Opens a copy that [`DatabaseFile::copy_to`] made and nothing changes,
    /// without leaving a trace beside it.
    ///
    /// # Errors
    /// [`Error`] if it is not a database.
    pub async fn open_copy(path: &Path) -> Result<Self> {
        let engine = sqlite::Sqlite::open_copy(path).await?;
        Ok(Self::new(Engine::Sqlite(engine)))
    }

    /// The same database, in which things go wrong: for tests.
    #[doc(hidden)]
    #[must_use]
    pub fn failing(self, faults: Arc<dyn Faults>) -> Self {
        Self {
            faults: Some(faults),
            ..self
        }
    }

    /// A snapshot of the database.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if no connection came free in time.
    pub async fn read(&self) -> Result<Read> {
        let begin = async {
            Ok::<_, Error>(match &self.engine {
                Engine::Sqlite(file) => (file.begin_read().await?, None),
                Engine::MySql(server) => (server.begin_read().await?, Some(server.clone())),
            })
        };
        let (session, fresh) = self.waits.measure(Access::Read, begin).await?;
        Ok(Read::new(session, fresh))
    }

    /// A unit of work. On SQLite there is one at a time: never hold it across
    /// a wait for the network, a file or a long computation. Always within
    /// [`Self::retry`].
    ///
    /// # Errors
    /// [`Error::Unavailable`] if no connection came free in time.
    pub async fn write(&self) -> Result<Write> {
        session::strike(self.faults.as_deref(), Point::Begin)?;
        let begin = async {
            Ok::<_, Error>(match &self.engine {
                Engine::Sqlite(file) => (file.begin_write().await?, None),
                Engine::MySql(server) => (server.begin_write().await?, Some(server.clone())),
            })
        };
        let (session, server) = self.waits.measure(Access::Write, begin).await?;
        Ok(Write::new(session.failing(self.faults.clone()), server))
    }

    /// Runs a unit of work again while it fails on a conflict with another,
    /// or on a connection that broke. A commit whose answer is lost is no
    /// reason: [`Write::commit`] settles that.
    ///
    /// # Errors
    /// The last attempt's.
    pub async fn retry<T, E, F>(&self, work: impl Fn() -> F) -> std::result::Result<T, E>
    where
        E: RetriableError,
        F: Future<Output = std::result::Result<T, E>>,
    {
        let mut attempt = 1;
        loop {
            match work().await {
                Err(error) if error.is_conflict() && attempt < ATTEMPTS => {
                    tokio::time::sleep(pause(attempt)).await;
                    attempt += 1;
                }
                done => return done,
            }
        }
    }

    /// The database's file, if it is one: only that can be copied from here.
    pub const fn file(&self) -> Option<DatabaseFile<'_>> {
        match &self.engine {
            Engine::Sqlite(file) => Some(DatabaseFile(file)),
            Engine::MySql(_) => None,
        }
    }

    /// Forgets what the engine itself keeps for a while.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn tidy(&self) -> Result<()> {
        match &self.engine {
            Engine::Sqlite(_) => Ok(()),
            Engine::MySql(server) => server.expire_receipts().await,
        }
    }

    /// Ends all connections after the statements under way.
    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite(file) => file.close().await,
            Engine::MySql(server) => server.close().await,
        }
    }

    fn new(engine: Engine) -> Self {
        Self {
            engine,
            faults: None,
            waits: Waits::default(),
        }
    }

    /// How long its units of work waited to begin.
    pub(crate) const fn waits(&self) -> &Waits {
        &self.waits
    }
}

impl DatabaseFile<'_> {
    /// Writes a consistent copy of the whole database to a file that must not
    /// exist yet.
    ///
    /// # Errors
    /// [`Error`] if it exists or cannot be written.
    pub async fn copy_to(&self, target: &Path) -> Result<()> {
        self.0.copy_to(target).await
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }
}

/// Whether a URL names a database on a server, and not a file.
pub fn is_server(url: &str) -> bool {
    url.starts_with("mysql://")
}

/// Longer each time, and not the same for two that met.
fn pause(attempt: u32) -> Duration {
    let mut random = [0];
    // Without randomness they meet again, which only takes longer.
    let _ = getrandom::fill(&mut random);
    let millis = 4_u64 << attempt.min(6);
    Duration::from_millis(millis + millis * u64::from(random[0]) / 255)
}

/// An error that may say: the same unit of work would succeed if run again.
pub trait RetriableError {
    /// Whether it does.
    fn is_conflict(&self) -> bool;
}

impl RetriableError for Error {
    fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict | Self::Lost(_))
    }
}
