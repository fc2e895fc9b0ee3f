//! Receipts: how a unit of work knows that it was kept.
//!
//! If the connection breaks during a commit, its answer is lost, and the work
//! may or may not have been kept; doing it again could do it twice. So each
//! unit of work leaves a row under a random id. Whoever wants to know writes
//! the same id: the server makes that wait for a commit that is still under
//! way, and refuses it if the work was kept. If it is not refused, the work
//! is undone, and can never be kept any more.

use std::time::{Duration, SystemTime};

use super::{MySql, error, run};
use crate::args;
use crate::db::error::{Error, Result};
use crate::db::session::Session;

/// How long receipts are kept, far longer than anybody asks for one.
const KEPT: Duration = Duration::from_secs(60 * 60);
/// How often, and how long apart, the database is asked.
const QUESTIONS: u32 = 20;
const BETWEEN: Duration = Duration::from_millis(500);

const INSERT: &str = "INSERT INTO receipts (id, is_kept, made_ms) VALUES (?, ?, ?)";
const LOOKUP: &str = "SELECT is_kept FROM receipts WHERE id = ?";
const EXPIRE: &str = "DELETE FROM receipts WHERE made_ms < ? LIMIT 5000";

/// The id under which a unit of work can be asked for.
#[derive(Debug, Clone, Copy)]
pub(in crate::db) struct Receipt([u8; 16]);

impl Receipt {
    /// Makes one part of a unit of work, as its last statement.
    pub(in crate::db) async fn leave(session: &mut Session) -> Result<Self> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|_| Error::Random)?;
        session
            .run(INSERT.into(), args![id, true, now_ms()])
            .await?;
        Ok(Self(id))
    }

    /// Finds out what became of the unit of work, after its commit failed
    /// with `lost`.
    pub(in crate::db) async fn settle(self, server: &MySql, lost: Error) -> Result<()> {
        for question in 1..=QUESTIONS {
            match self.was_kept(server).await {
                Ok(true) => return Ok(()),
                Ok(false) if matches!(lost, Error::Lost(_)) => return Err(Error::Conflict),
                Ok(false) => return Err(lost),
                Err(error) => tracing::warn!(%error, question, "the outcome of a commit is open"),
            }
            tokio::time::sleep(BETWEEN).await;
        }
        Err(Error::CommitUnknown)
    }

    /// Whether it was kept; if not, it never will be.
    async fn was_kept(self, server: &MySql) -> Result<bool> {
        let mut transaction = server.writers.begin().await.map_err(error)?;
        let sql = INSERT.into();
        match run(&mut transaction, sql, args![self.0, false, now_ms()]).await {
            Ok(_) => {
                transaction.commit().await.map_err(error)?;
                return Ok(false);
            }
            Err(Error::Exists) => {}
            Err(error) => return Err(error),
        }
        let rows = super::fetch(&mut transaction, LOOKUP.into(), args![self.0]).await?;
        // Gone again: it waited for a commit that came to nothing.
        let mut row = rows.into_iter().next().ok_or(Error::Conflict)?;
        row.take(0)
    }
}

impl MySql {
    /// Forgets old receipts.
    pub(in crate::db) async fn expire_receipts(&self) -> Result<()> {
        let before = now_ms().saturating_sub(KEPT.as_millis() as u64);
        let mut connection = self.writers.acquire().await.map_err(error)?;
        while run(&mut connection, EXPIRE.into(), args![before]).await? > 0 {}
        Ok(())
    }
}

/// Real time: the age of a receipt matters to the machine, not to a rule.
fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |age| age.as_millis() as u64)
}
