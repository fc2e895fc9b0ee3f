//! A fresh proof within a session: whoever found an unlocked device must not
//! be able to take the account over.

use sv_api::ErrorCode;
use sv_api::account::{LoginStartRequest, LoginStartResponse, ProofFinishRequest};

use super::second_factor::fetch;
use super::session::{Full, Session};
use super::{Accounts, MINUTE_MS};
use crate::service::Result;
use crate::store::accounts::account;
use crate::store::accounts::session::{self as store, StoredSession};

/// Milliseconds that a proof is good for.
const PROOF_TTL_MS: u64 = 5 * MINUTE_MS;

impl Accounts {
    /// Answers KE1.
    ///
    /// # Errors
    /// [`ErrorCode::WrongCredentials`] for another's handle,
    /// [`ErrorCode::RateLimited`].
    pub async fn start_proof(
        &self,
        session: &Session<Full>,
        request: &LoginStartRequest,
    ) -> Result<LoginStartResponse> {
        let account = account::lookup(&mut self.db.read().await?, session.uid()).await?;
        let account = account.ok_or(ErrorCode::NotLoggedIn)?;
        self.start_proof_login(&account, session.id(), request)
            .await
    }

    /// Checks KE3 and the code; the session is proved for a while.
    ///
    /// # Errors
    /// [`ErrorCode::WrongCredentials`], [`ErrorCode::WrongCode`],
    /// [`ErrorCode::CodeUsed`], [`ErrorCode::RateLimited`].
    pub async fn finish_proof(
        &self,
        session: &Session<Full>,
        request: &ProofFinishRequest,
    ) -> Result<()> {
        let proved = self.check_ke3(&request.login_id, &request.ke3).await?;
        if proved.session_id != Some(session.id()) {
            return Err(ErrorCode::WrongCredentials.into());
        }
        let charge = self.charge_code(session.uid(), session.row.device).await?;
        let done = self
            .db
            .retry(|| async {
                let mut w = self.db.write().await?;
                let account = fetch(&mut w, session.uid()).await?;
                proved.use_up(&mut w).await?;
                self.check_code(&mut w, &account, &request.code, &charge)
                    .await?;
                let until_ms = self.clock.now_ms().saturating_add(PROOF_TTL_MS);
                store::set_proved(&mut w, session.row.token_hash, until_ms).await?;
                Ok(w.commit().await?)
            })
            .await;
        self.note_wrong_code(session.uid(), &done).await?;
        done
    }

    /// Lets only a proved session on.
    pub(super) fn require_proof(&self, session: &StoredSession) -> Result<()> {
        if session.proved_until_ms > self.clock.now_ms() {
            Ok(())
        } else {
            Err(ErrorCode::ProofRequired.into())
        }
    }
}
