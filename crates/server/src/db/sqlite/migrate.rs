//! Brings the schema up to date, each time the database is opened. Each
//! migration runs once, in a transaction together with the note that it ran.

use sqlx::{AssertSqlSafe, Executor};

use super::Sqlite;
use crate::db::error::{Error, Result};

/// Every migration, in order. Never change one that has shipped.
const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/sqlite/0001_vaults.sql"),
    include_str!("../../../migrations/sqlite/0002_accounts.sql"),
    include_str!("../../../migrations/sqlite/0003_audit.sql"),
];

impl Sqlite {
    pub(in crate::db) async fn migrate(&self) -> Result<()> {
        let known = MIGRATIONS.len() as i64;
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        let found: i64 = sqlx::query_scalar("PRAGMA user_version")
            .fetch_one(&mut *transaction)
            .await?;
        if found > known {
            return Err(Error::NewerSchema { found, known });
        }
        for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
            transaction.execute(sqlx::raw_sql(*migration)).await?;
        }
        if found < known {
            let note = format!("PRAGMA user_version = {known}");
            transaction.execute(AssertSqlSafe(note)).await?;
        }
        Ok(transaction.commit().await?)
    }
}
