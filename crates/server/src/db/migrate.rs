//! Brings the schema up to date. Each migration runs once, in a transaction
//! together with the note that it ran.

use sqlx::{AssertSqlSafe, Executor};

use super::Database;
use super::error::{Error, Result};

/// Every migration, in order. Never change one that has shipped.
const SQLITE: &[&str] = &[
    include_str!("../../migrations/sqlite/0001_vaults.sql"),
    include_str!("../../migrations/sqlite/0002_accounts.sql"),
];

impl Database {
    pub(super) async fn migrate(&self) -> Result<()> {
        let known = SQLITE.len() as i64;
        let mut transaction = self.engine.writer().begin_with("BEGIN IMMEDIATE").await?;
        let found: i64 = sqlx::query_scalar("PRAGMA user_version")
            .fetch_one(&mut *transaction)
            .await?;
        if found > known {
            return Err(Error::NewerSchema { found, known });
        }
        for migration in SQLITE.iter().skip(usize::try_from(found).unwrap_or(0)) {
            transaction.execute(sqlx::raw_sql(*migration)).await?;
        }
        if found < known {
            let note = format!("PRAGMA user_version = {known}");
            transaction.execute(AssertSqlSafe(note)).await?;
        }
        Ok(transaction.commit().await?)
    }
}
