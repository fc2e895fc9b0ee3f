//! What can go wrong in a database, as far as callers tell it apart.

use sqlx::error::DatabaseError;

/// What the database layer answers with.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong in the database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL names no engine that this server knows.
    #[error("the database URL must begin with sqlite://")]
    Url,
    /// The database is of a newer server.
    #[error("the database has schema {found}, this server knows {known}: start the newer server")]
    NewerSchema {
        /// Its version.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// The folder is on a network file system, where SQLite loses data.
    #[error("{0} is a network file system: SQLite needs a local disk")]
    NetworkFileSystem(String),
    /// Another unit of work came first: run this one again.
    #[error("conflict with another unit of work")]
    Conflict,
    /// A key exists already.
    #[error("a row with this key exists")]
    Exists,
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// No connection, or none in time.
    #[error("not available: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// A row is not what the schema promises.
    #[error("unexpected value in column {column}: not {expected}")]
    Column {
        /// Place in the statement's list of columns.
        column: usize,
        /// What it should have been.
        expected: &'static str,
    },
    /// A stored value that no longer parses.
    #[error("stored {0} cannot be read")]
    Corrupt(&'static str),
    /// A file or folder of the database.
    #[error("database file: {0}")]
    File(#[from] std::io::Error),
    /// Anything else.
    #[error("{0}")]
    Engine(#[source] sqlx::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(cause) => match sqlite_kind(cause.as_ref()) {
                Some(kind) => kind,
                None => Self::Engine(error),
            },
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Io(_) => Self::Unavailable(error),
            _ => Self::Engine(error),
        }
    }
}

/// By SQLite's extended result codes.
fn sqlite_kind(error: &dyn DatabaseError) -> Option<Error> {
    if error.is_unique_violation() {
        return Some(Error::Exists);
    }
    match error.code()?.as_ref() {
        // SQLITE_BUSY, _BUSY_RECOVERY, _BUSY_SNAPSHOT
        "5" | "261" | "517" => Some(Error::Conflict),
        // SQLITE_FULL, _IOERR_SHMSIZE
        "13" | "4874" => Some(Error::Full),
        // SQLITE_CORRUPT, _NOTADB
        "11" | "26" => Some(Error::Corrupt("database file")),
        _ => None,
    }
}
