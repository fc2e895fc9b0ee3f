//! Brings the schema up to date, when told to: servers that overlap during an
//! update must not change it under one another, so a server only looks.
//!
//! Every statement that changes a schema commits, so nothing here can be
//! undone. Each migration is one such statement that does no harm a second
//! time, and what is under way is noted before it begins.

use sqlx::{AssertSqlSafe, Executor, MySqlConnection, Row as _};

use super::error;
use crate::db::error::{Error, Result};

/// Every migration, in order. Never change one that has shipped.
const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/mysql/0001_vaults.sql"),
    include_str!("../../../migrations/mysql/0002_members.sql"),
    include_str!("../../../migrations/mysql/0003_entries.sql"),
    include_str!("../../../migrations/mysql/0004_leaves.sql"),
    include_str!("../../../migrations/mysql/0005_bodies.sql"),
    include_str!("../../../migrations/mysql/0006_contents.sql"),
    include_str!("../../../migrations/mysql/0007_blocks.sql"),
    include_str!("../../../migrations/mysql/0008_content_refs.sql"),
    include_str!("../../../migrations/mysql/0009_quotas.sql"),
    include_str!("../../../migrations/mysql/0010_unreferenced_contents.sql"),
    include_str!("../../../migrations/mysql/0011_discarded_files.sql"),
    include_str!("../../../migrations/mysql/0012_leases.sql"),
    include_str!("../../../migrations/mysql/0013_instance.sql"),
    include_str!("../../../migrations/mysql/0014_accounts.sql"),
    include_str!("../../../migrations/mysql/0015_wraps.sql"),
    include_str!("../../../migrations/mysql/0016_backup_codes.sql"),
    include_str!("../../../migrations/mysql/0017_signups.sql"),
    include_str!("../../../migrations/mysql/0018_invitations.sql"),
    include_str!("../../../migrations/mysql/0019_sessions.sql"),
    include_str!("../../../migrations/mysql/0020_devices.sql"),
    include_str!("../../../migrations/mysql/0021_logins.sql"),
    include_str!("../../../migrations/mysql/0022_recovery_nonces.sql"),
    include_str!("../../../migrations/mysql/0023_rate_limits.sql"),
    include_str!("../../../migrations/mysql/0024_receipts.sql"),
    include_str!("../../../migrations/mysql/0025_block_parts.sql"),
    include_str!("../../../migrations/mysql/0026_reserved_files.sql"),
    include_str!("../../../migrations/mysql/0027_restored.sql"),
    include_str!("../../../migrations/mysql/0028_audit_events.sql"),
    include_str!("../../../migrations/mysql/0029_audit_rows.sql"),
    include_str!("../../../migrations/mysql/0030_audit_checkpoints.sql"),
    include_str!("../../../migrations/mysql/0031_audit_chain.sql"),
    include_str!("../../../migrations/mysql/0032_accesses.sql"),
    include_str!("../../../migrations/mysql/0033_removed_vaults.sql"),
    include_str!("../../../migrations/mysql/0034_named_vaults.sql"),
    include_str!("../../../migrations/mysql/0035_remains.sql"),
    include_str!("../../../migrations/mysql/0036_envelopes_ahead.sql"),
];

const MAKE_NOTE: &str = "CREATE TABLE IF NOT EXISTS schema_version (\
    id INT NOT NULL PRIMARY KEY, version INT NOT NULL, is_dirty TINYINT NOT NULL)";
const READ_NOTE: &str = "SELECT version, is_dirty FROM schema_version WHERE id = 1";
/// The servers' only error for a table that is not there.
const NO_SUCH_TABLE: u16 = 1146;
/// Seconds in which another migration may end.
const LOCK: &str = "SELECT GET_LOCK(CONCAT('securevault:', LEFT(SHA2(DATABASE(), 256), 32)), 60)";
const UNLOCK: &str = "SELECT RELEASE_LOCK(CONCAT('securevault:', LEFT(SHA2(DATABASE(), 256), 32)))";

/// What a database notes of its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Note {
    version: i64,
    /// The migration to this version has begun and not ended.
    is_dirty: bool,
}

/// Refuses any schema but this server's own.
pub(super) async fn require_current(connection: &mut MySqlConnection) -> Result<()> {
    let known = MIGRATIONS.len() as i64;
    let Note {
        version: found,
        is_dirty,
    } = read(connection).await?;
    match found {
        _ if found > known => Err(Error::NewerSchema { found, known }),
        _ if is_dirty => Err(Error::DirtySchema { found }),
        _ if found < known => Err(Error::OlderSchema { found, known }),
        _ => Ok(()),
    }
}

/// Runs what is missing, alone. The lock belongs to the connection, so it
/// ends with it at the latest.
pub(super) async fn migrate(connection: &mut MySqlConnection) -> Result<()> {
    let locked = sqlx::query(LOCK).fetch_one(&mut *connection).await;
    let locked: Option<i64> = locked.map_err(error)?.try_get_unchecked(0)?;
    if locked != Some(1) {
        return Err(Error::MigrationLock);
    }
    let done = run_missing(connection).await;
    sqlx::query(UNLOCK)
        .execute(connection)
        .await
        .map_err(error)?;
    done
}

async fn run_missing(connection: &mut MySqlConnection) -> Result<()> {
    let known = MIGRATIONS.len() as i64;
    connection
        .execute(sqlx::raw_sql(MAKE_NOTE))
        .await
        .map_err(error)?;
    let note = read(connection).await?;
    if note.version > known {
        let found = note.version;
        return Err(Error::NewerSchema { found, known });
    }
    // One that was broken off is run again.
    let done = note.version - i64::from(note.is_dirty);
    for (version, migration) in (1..).zip(MIGRATIONS) {
        if version <= done {
            continue;
        }
        write(connection, version, true).await?;
        let ran = connection.execute(sqlx::raw_sql(*migration)).await;
        ran.map_err(error)?;
        write(connection, version, false).await?;
        tracing::info!(version, "migrated");
    }
    Ok(())
}

async fn read(connection: &mut MySqlConnection) -> Result<Note> {
    let row = sqlx::query(READ_NOTE).fetch_optional(connection).await;
    let row = match row {
        Err(sqlx::Error::Database(cause)) if number_of(cause.as_ref()) == NO_SUCH_TABLE => None,
        other => other.map_err(error)?,
    };
    let Some(row) = row else {
        return Ok(Note {
            version: 0,
            is_dirty: false,
        });
    };
    Ok(Note {
        version: row.try_get_unchecked(0)?,
        is_dirty: row.try_get_unchecked::<i64, _>(1)? != 0,
    })
}

async fn write(connection: &mut MySqlConnection, version: i64, is_dirty: bool) -> Result<()> {
    let is_dirty = u8::from(is_dirty);
    let sql = format!(
        "INSERT INTO schema_version (id, version, is_dirty) VALUES (1, {version}, {is_dirty}) \
         ON DUPLICATE KEY UPDATE version = VALUES(version), is_dirty = VALUES(is_dirty)"
    );
    let written = connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await;
    written.map_err(error)?;
    Ok(())
}

fn number_of(error: &dyn sqlx::error::DatabaseError) -> u16 {
    let error = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>();
    error.map_or(0, sqlx::mysql::MySqlDatabaseError::number)
}
