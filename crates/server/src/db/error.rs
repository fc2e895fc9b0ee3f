//! What can go wrong in a database, as far as callers tell it apart.

use sqlx::error::DatabaseError;

/// What the database layer answers with.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong in the database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL names no engine that this server knows.
    #[error("the database URL must begin with sqlite:// or mysql://")]
    Url,
    /// A server's address that does not do.
    #[error("the database URL does not do: {0}")]
    Address(&'static str),
    /// TiDB Cloud wants more of the user's name.
    #[error(
        "the database wants a prefix before the user's name, as in \
         mysql://PREFIX.USER:PASSWORD@HOST:4000/DATABASE; write special characters in the \
         password as %XX, @ as %40"
    )]
    UserPrefix,
    /// The database is empty, or of an older server.
    #[error(
        "the database has schema {found}, this server needs {known}: run `securevaultd migrate`, \
         or start with --migrate"
    )]
    OlderSchema {
        /// Its version.
        found: i64,
        /// The version that this server knows.
        known: i64,
    },
    /// A migration was broken off.
    #[error(
        "the migration of the database to schema {found} was broken off: run \
         `securevaultd migrate` to finish it"
    )]
    DirtySchema {
        /// The version that it was to have.
        found: i64,
    },
    /// Another server migrates the database.
    #[error("another migration of the database has been running for a minute: try again later")]
    MigrationLock,
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
    /// A row, a transaction or a packet is larger than the database allows.
    #[error("larger than the database allows")]
    TooLarge,
    /// The database is over its quota and slows everybody down.
    #[error("the database is over its quota")]
    Throttled,
    /// The connection broke: what was not committed is undone.
    #[error("the connection broke: {0}")]
    Lost(#[source] sqlx::Error),
    /// The answer to a commit was lost, and the database stays away.
    #[error("whether a commit was kept is not known: the database is gone")]
    CommitUnknown,
    /// The system has no randomness.
    #[error("the system gives no randomness")]
    Random,
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

/// For SQLite, and for what cannot depend on the engine.
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
