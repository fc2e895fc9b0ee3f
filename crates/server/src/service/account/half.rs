//! The half of a root key's box that a session keeps: the client draws it,
//! the server hands it back to that session alone and loses it with the
//! session (spec: `account-keys.md` §5).

use sv_api::ErrorCode;
use sv_api::account::{KeptHalf, SessionHalf};
use zeroize::Zeroizing;

use super::session::{Full, Session};
use super::{Accounts, malformed};
use crate::secrets::Sealed;
use crate::service::{Error, Result};
use crate::store::accounts::session as store;

impl Accounts {
    /// Keeps the session's half, in place of one it may have.
    ///
    /// # Errors
    /// [`ErrorCode::BadRequest`] for another length than 32 bytes.
    pub async fn keep_half(
        &self,
        session: &Session<Full>,
        request: &SessionHalf,
    ) -> Result<KeptHalf> {
        let half: Zeroizing<[u8; 32]> = Zeroizing::new(request.half.array().map_err(malformed)?);
        let owner = session.id();
        let sealed = self
            .kek
            .seal(Sealed::SessionHalf, owner.as_bytes(), half.as_slice());
        self.db
            .retry(|| async {
                let mut w = self.db.write().await?;
                if !store::set_half(&mut w, session.row.token_hash, sealed.clone()).await? {
                    return Err(ErrorCode::NotLoggedIn.into());
                }
                Ok::<_, Error>(w.commit().await?)
            })
            .await?;
        Ok(KeptHalf { session_id: owner })
    }

    /// The session's half.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] if it has none.
    pub async fn half(&self, session: &Session<Full>) -> Result<SessionHalf> {
        let sealed = store::half(&mut self.db.read().await?, session.row.token_hash).await?;
        let sealed = sealed.ok_or(ErrorCode::NotFound)?;
        let half = self
            .kek
            .open(Sealed::SessionHalf, session.id().as_bytes(), &sealed)
            .map_err(|_| Error::Internal("a session's half does not open"))?;
        Ok(SessionHalf {
            half: half.to_vec().into(),
        })
    }
}
