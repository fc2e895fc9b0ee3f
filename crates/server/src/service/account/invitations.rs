//! Invitations: each lets one person sign up.

use sv_api::ErrorCode;
use sv_api::admin::{Invitations, Invited};
use sv_ledger::id::InvitationId;
use sv_ledger::limits::INVITATION_TTL_MS;

use super::admin::Administers;
use super::code::Code;
use super::{Accounts, MINUTE_MS};
use crate::secrets::random;
use crate::service::audit::{self, Kind};
use crate::service::{Error, Result};
use crate::store::accounts::invitation::{self as store, NewInvitation};
use crate::store::accounts::{account, instance};

/// Milliseconds that the invitation printed at start is good for.
const FIRST_INVITATION_MS: u64 = 24 * 60 * MINUTE_MS;

impl Accounts {
    /// A new invitation, good for `lives_ms`.
    ///
    /// # Errors
    /// [`ErrorCode::BadRequest`] for less than a minute or more than 90 days,
    /// [`ErrorCode::ProofRequired`] for an administrator's.
    pub async fn invite(
        &self,
        by: &Administers,
        administrator: bool,
        lives_ms: u64,
    ) -> Result<Invited> {
        if administrator {
            by.require_proof()?;
        }
        if !(MINUTE_MS..=INVITATION_TTL_MS).contains(&lives_ms) {
            let why = "An invitation is good for a minute at least and for 90 days at most.";
            return Err(Error::refused_because(ErrorCode::BadRequest, why));
        }
        let code = Code::generate();
        let new = self.new_invitation(&code, administrator, lives_ms);
        let kind = match administrator {
            true => Kind::AdministratorInvited,
            false => Kind::Invited,
        };
        let add = || async {
            let mut w = self.db.write().await?;
            store::insert(&mut w, &new).await?;
            audit::note(&mut w, new.created_ms, by.event(kind)).await?;
            w.commit().await
        };
        self.db.retry(add).await?;
        Ok(Invited {
            invitation_id: new.invitation_id,
            code: code.to_string(),
            expires_ms: new.expires_ms,
        })
    }

    /// Those that are still good. Their codes are not known here.
    ///
    /// # Errors
    /// [`Error`] if the database fails.
    pub async fn list_invitations(&self, _: &Administers) -> Result<Invitations> {
        let mut read = self.db.read().await?;
        let invitations = store::list(&mut read, self.clock.now_ms()).await?;
        Ok(Invitations { invitations })
    }

    /// Revokes one that nobody has used.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn revoke_invitation(&self, by: &Administers, id: InvitationId) -> Result<()> {
        self.db
            .retry(|| async {
                let mut w = self.db.write().await?;
                if !store::revoke(&mut w, id).await? {
                    let why = "There is no such invitation, or somebody has used it.";
                    return Err(Error::refused_because(ErrorCode::NotFound, why));
                }
                let event = by.event(Kind::InvitationRevoked);
                audit::note(&mut w, self.clock.now_ms(), event).await?;
                Ok(w.commit().await?)
            })
            .await
    }

    /// While there is no administrator: an invitation for the first. It
    /// replaces those of earlier starts.
    ///
    /// # Errors
    /// [`Error`] if the database fails.
    pub async fn invite_first_administrator(&self) -> Result<Option<String>> {
        let code = Code::generate();
        let new = NewInvitation {
            is_first: true,
            ..self.new_invitation(&code, true, FIRST_INVITATION_MS)
        };
        let invited = self.db.retry(|| async {
            let mut w = self.db.write().await?;
            instance::lock(&mut w).await?;
            if account::has_administrator(&mut w).await? {
                return Ok(false);
            }
            store::forget_first(&mut w).await?;
            store::insert(&mut w, &new).await?;
            w.commit().await?;
            Ok::<_, Error>(true)
        });
        Ok(invited.await?.then(|| code.to_string()))
    }

    fn new_invitation(&self, code: &Code, administrator: bool, lives_ms: u64) -> NewInvitation {
        let created_ms = self.clock.now_ms();
        NewInvitation {
            code_hash: self.invitation_hash(code),
            invitation_id: InvitationId::new(random()),
            administrator,
            is_first: false,
            created_ms,
            expires_ms: created_ms.saturating_add(lives_ms),
        }
    }
}
