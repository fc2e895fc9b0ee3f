//! Servers of the MySQL protocol: TiDB, MySQL and MariaDB. What they have in
//! common, and where each fails silently: `docs/develop/add-a-store.md`.
//!
//! A snapshot is a transaction of level REPEATABLE READ that begins with its
//! view; a unit of work is one of level READ COMMITTED, so that whatever it
//! reads after a lock is what the lock protects (decision 11).

mod address;
mod migrate;
mod number;
mod receipt;
mod statement;

use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlPool, MySqlPoolOptions};
use sqlx::{ConnectOptions, Executor};

use super::error::{Error, Result};
use super::session::Session;
pub(super) use number::{by_number, error};
pub(super) use receipt::Receipt;
pub(super) use statement::{fetch, run};

/// Connections for snapshots, and as many for units of work: apart, so that
/// none waits for the other. Hosted databases allow few.
const CONNECTIONS: u32 = 5;
/// How long a request waits for a connection.
const PATIENCE: Duration = Duration::from_secs(15);
/// Hosted databases cut connections after half an hour.
const LIFETIME: Duration = Duration::from_secs(5 * 60);
const IDLE: Duration = Duration::from_secs(60);

/// What every statement relies on, whatever the server's own settings are:
/// nothing is cut short or rounded silently. A lock is waited for no longer
/// than somebody waits for an answer.
const SETTINGS: &str = "SET SESSION sql_mode = 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,\
    NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', \
    SESSION innodb_lock_wait_timeout = 10";
const SNAPSHOTS: &str = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ";
const UNITS_OF_WORK: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

const BEGIN_READ: &str = "START TRANSACTION WITH CONSISTENT SNAPSHOT";
/// To TiDB, the comment is no comment.
const BEGIN_WRITE: &str = "BEGIN /*T! PESSIMISTIC */";

/// An open database on a server.
#[derive(Debug, Clone)]
pub(super) struct MySql {
    readers: MySqlPool,
    writers: MySqlPool,
}

impl MySql {
    /// Opens a database whose schema is this server's.
    pub(super) async fn open(url: &str) -> Result<Self> {
        let options = address::options(url)?;
        let mut first = connect(&options).await?;
        let (version,): (String,) = sqlx::query_as("SELECT VERSION()")
            .fetch_one(&mut first)
            .await
            .map_err(error)?;
        tracing::info!(version, "database");
        migrate::require_current(&mut first).await?;
        drop(first);
        Ok(Self {
            readers: pool(SNAPSHOTS).connect_lazy_with(options.clone()),
            writers: pool(UNITS_OF_WORK).connect_lazy_with(options),
        })
    }

    /// Brings a database's schema up to date.
    pub(super) async fn migrate(url: &str) -> Result<()> {
        let options = address::options(url)?;
        let mut alone = connect(&options).await?;
        migrate::migrate(&mut alone).await
    }

    pub(super) async fn begin_read(&self) -> Result<Session> {
        let begun = self.readers.begin_with(BEGIN_READ).await.map_err(error)?;
        Ok(Session::mysql(begun))
    }

    pub(super) async fn begin_write(&self) -> Result<Session> {
        let begun = self.writers.begin_with(BEGIN_WRITE).await.map_err(error)?;
        Ok(Session::mysql(begun))
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
    }
}

async fn connect(options: &MySqlConnectOptions) -> Result<MySqlConnection> {
    let mut connection = options
        .connect()
        .await
        .map_err(|cause| match error(cause) {
            Error::Lost(cause) => Error::Unavailable(cause),
            other => other,
        })?;
    connection.execute(SETTINGS).await.map_err(error)?;
    Ok(connection)
}

fn pool(level: &'static str) -> MySqlPoolOptions {
    MySqlPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(PATIENCE)
        .max_lifetime(LIFETIME)
        .idle_timeout(IDLE)
        .test_before_acquire(true)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                connection.execute(SETTINGS).await?;
                connection.execute(level).await?;
                Ok(())
            })
        })
}
