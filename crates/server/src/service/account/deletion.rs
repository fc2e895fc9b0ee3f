//! The end of an account: its owner asks for it, a grace period passes in
//! which logging in calls it off, then a job removes it (`jobs/accounts.rs`).

use sv_api::ErrorCode;
use sv_api::account::Deletion;
use sv_ledger::limits::DELETION_GRACE_MS;

use super::Accounts;
use super::second_factor::fetch;
use super::session::{Full, Session};
use crate::service::Result;
use crate::service::audit::{self, Event, Kind};
use crate::store::accounts::{account, login, session as sessions};

impl Accounts {
    /// Has the account deleted after the grace period. Every session ends.
    ///
    /// # Errors
    /// [`ErrorCode::ProofRequired`].
    pub async fn delete_account(&self, session: &Session<Full>) -> Result<Deletion> {
        self.require_proof(&session.row)?;
        let uid = session.uid();
        let deleted_from_ms = self.clock.now_ms().saturating_add(DELETION_GRACE_MS);
        self.db
            .retry(|| async {
                let mut w = self.db.write().await?;
                // Locked, or a log-in under way might outlive this.
                fetch(&mut w, uid).await?;
                if !sessions::delete(&mut w, session.token_hash()).await? {
                    return Err(ErrorCode::NotLoggedIn.into());
                }
                account::set_deleted_from(&mut w, uid, Some(deleted_from_ms)).await?;
                sessions::delete_all(&mut w, uid).await?;
                login::delete_all(&mut w, uid).await?;
                let event = Event::by(uid, Kind::DeletionAsked);
                audit::note(&mut w, self.clock.now_ms(), event).await?;
                w.commit().await?;
                Ok(Deletion { deleted_from_ms })
            })
            .await
    }
}
