//! A thin port over the database engine, so that every statement is written
//! once. Statements stay in the SQL that all engines share; where they differ
//! (`UPSERT`, `FOR UPDATE`, lists), [`dialect`] rewrites a marker.
//!
//! [`Database::read`] gives a snapshot, [`Database::write`] a unit of work:
//! `commit(self)` keeps it, dropping it rolls back.

mod dialect;
mod error;
mod location;
mod migrate;
mod sqlite;
mod transaction;
mod value;

use std::path::{Path, PathBuf};

pub use error::{Error, Result};
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
const ATTEMPTS: u32 = 5;

/// An open database. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Database {
    engine: sqlite::Sqlite,
}

impl Database {
    /// Opens `sqlite:///absolute/path` or `sqlite://relative/path`, makes it
    /// if it is not there, and brings its schema up to date.
    ///
    /// # Errors
    /// [`Error::Url`] for a URL of another kind, [`Error::NewerSchema`] for a
    /// database that a newer server has written.
    pub async fn open(url: &str) -> Result<Self> {
        let path = url
            .strip_prefix("sqlite://")
            .filter(|path| !path.is_empty())
            .ok_or(Error::Url)?;
        let engine = sqlite::Sqlite::open(Path::new(path)).await?;
        let database = Self { engine };
        database.migrate().await?;
        Ok(database)
    }

    /// Opens a copy that [`Self::copy_to`] made and nothing changes, without
    /// leaving a trace beside it.
    ///
    /// # Errors
    /// [`Error`] if it is not a database.
    pub async fn open_copy(path: &Path) -> Result<Self> {
        let engine = sqlite::Sqlite::open_copy(path).await?;
        Ok(Self { engine })
    }

    /// A snapshot of the database.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if no connection came free in time.
    pub async fn read(&self) -> Result<Read> {
        self.engine.read().await
    }

    /// A unit of work. On SQLite there is one at a time: never hold it across
    /// a wait for the network, a file or a long computation.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if no connection came free in time.
    pub async fn write(&self) -> Result<Write> {
        self.engine.write().await
    }

    /// Runs a unit of work again while it fails on a conflict with another.
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
                    tokio::time::sleep(std::time::Duration::from_millis(5 << attempt)).await;
                    attempt += 1;
                }
                done => return done,
            }
        }
    }

    /// Writes a consistent copy of the whole database to a file that must not
    /// exist yet.
    ///
    /// # Errors
    /// [`Error`] if it exists or cannot be written.
    pub async fn copy_to(&self, target: &Path) -> Result<()> {
        self.engine.copy_to(target).await
    }

    /// The database's file, where it is one.
    pub fn path(&self) -> Option<PathBuf> {
        Some(self.engine.path().to_owned())
    }

    /// Ends all connections after the statements under way.
    pub async fn close(&self) {
        self.engine.close().await;
    }
}

/// An error that may say: the same unit of work would succeed if run again.
pub trait RetriableError {
    /// Whether it does.
    fn is_conflict(&self) -> bool;
}

impl RetriableError for Error {
    fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict)
    }
}
