//! The embedded engine: one writer connection, several readers, and the
//! settings that keep what was acknowledged (engines: `docs/decisions`).

mod location;
mod migrate;
mod statement;

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::Connection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};

use super::error::Result;
use super::session::Session;
use location::require_local;
pub(super) use statement::{fetch, run};

/// Readers beside the writer.
const READERS: u32 = 8;
/// How long a request waits for a connection.
const PATIENCE: Duration = Duration::from_secs(15);

/// An open SQLite database.
#[derive(Debug, Clone)]
pub(super) struct Sqlite {
    path: PathBuf,
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Sqlite {
    pub(super) async fn open(path: &Path) -> Result<Self> {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        require_local(folder)?;
        // SQLite gives its -wal and -shm files the mode of the database file.
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)?;
        let writer = pool(1)
            .connect_with(options(path).optimize_on_close(true, 400))
            .await?;
        let readers = pool(READERS).connect_lazy_with(options(path).pragma("query_only", "ON"));
        Ok(Self {
            path: path.to_owned(),
            writer,
            readers,
        })
    }

    /// Opens a copy for reading alone.
    pub(super) async fn open_copy(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .immutable(true);
        let readers = pool(READERS).connect_with(options).await?;
        Ok(Self {
            path: path.to_owned(),
            writer: readers.clone(),
            readers,
        })
    }

    pub(super) async fn begin_read(&self) -> Result<Session> {
        Ok(Session::sqlite(self.readers.begin().await?))
    }

    /// `BEGIN IMMEDIATE`: a deferred transaction that turns to writing after
    /// a read fails at once, without waiting, if another wrote in between.
    pub(super) async fn begin_write(&self) -> Result<Session> {
        let begun = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        Ok(Session::sqlite(begun))
    }

    /// On a connection of its own, so that neither writer nor readers wait.
    pub(super) async fn copy_to(&self, target: &Path) -> Result<()> {
        let source = pool(1).connect_with(options(&self.path)).await?;
        let copied = sqlx::query("VACUUM INTO ?")
            .bind(target.to_string_lossy().into_owned())
            .execute(&source)
            .await;
        source.close().await;
        copied?;
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .before_acquire(|connection, _| Box::pin(is_idle(connection)))
        .idle_timeout(None)
        .max_lifetime(None)
}

/// Whether a connection has ended its last transaction; if not, another one
/// takes its place. A full disk makes SQLite roll back by itself, at which
/// sqlx's own rollback fails: it would count that transaction for ever, and
/// refuse to begin another.
async fn is_idle(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    // A rollback may still wait for its turn; this waits behind it.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .busy_timeout(Duration::from_secs(5))
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .statement_cache_capacity(256)
        .pragma("trusted_schema", "OFF")
        .pragma("cell_size_check", "ON")
        .pragma("temp_store", "MEMORY")
        .pragma("mmap_size", "0")
        .pragma("cache_size", "-16000")
        .pragma("journal_size_limit", "67108864")
        .pragma("secure_delete", "FAST")
}
