//! What an administrator of the server does. None of it is secret from the
//! server, and none of it gives an administrator anything of a vault.

use sv_api::admin::{
    Invitations, Invited, NewInvitation, People, ResetCode, ServerStatus, SetDisabled, SetQuota,
};
use sv_api::endpoint::{
    CreateInvitation, GetServerStatus, ListInvitations, ListPeople, ResetPersonSecondFactor,
    RevokeInvitation, SetPersonDisabled, SetPersonQuota,
};
use sv_api::wire::Empty;
use sv_ledger::id::{InvitationId, VaultId};

use crate::account::Session;
use crate::call::Repeat;
use crate::error::Result;
use crate::port::Platform;

/// Administers the server that a session is at. Every call is refused as
/// [`sv_api::ErrorCode::Forbidden`] to an account that does not.
pub struct Admin<'s, P>(&'s Session<P>);

impl<'s, P: Platform> Admin<'s, P> {
    /// By a session.
    pub const fn new(session: &'s Session<P>) -> Self {
        Self(session)
    }

    /// How the server stands.
    ///
    /// # Errors
    /// Those of a call.
    pub async fn server_status(&self) -> Result<ServerStatus> {
        let server = self.0.server();
        server.call(&GetServerStatus, Empty {}, Repeat::Safe).await
    }

    /// Everybody, and what they store.
    ///
    /// # Errors
    /// Those of a call.
    pub async fn people(&self) -> Result<People> {
        let server = self.0.server();
        server.call(&ListPeople, Empty {}, Repeat::Safe).await
    }

    /// Limits what somebody may store, in bytes as sealed; none for no limit.
    ///
    /// # Errors
    /// Those of a call.
    pub async fn set_quota(&self, person: VaultId, quota_bytes: Option<u64>) -> Result<()> {
        let (server, request) = (self.0.server(), SetQuota { quota_bytes });
        server
            .call(&SetPersonQuota { person }, request, Repeat::Safe)
            .await
            .map(drop)
    }

    /// Locks somebody out, or lets them in again.
    ///
    /// # Errors
    /// Those of a call.
    pub async fn set_disabled(&self, person: VaultId, disabled: bool) -> Result<()> {
        let (server, request) = (self.0.server(), SetDisabled { disabled });
        server
            .call(&SetPersonDisabled { person }, request, Repeat::Safe)
            .await
            .map(drop)
    }

    /// A code in place of somebody's second factor, for once. Wants a fresh
    /// [`crate::account::Reproof`].
    ///
    /// # Errors
    /// Those of a call.
    pub async fn reset_second_factor(&self, person: VaultId) -> Result<ResetCode> {
        let server = self.0.server();
        server
            .call(&ResetPersonSecondFactor { person }, Empty {}, Repeat::Never)
            .await
    }

    /// Invitations that are still good.
    ///
    /// # Errors
    /// Those of a call.
    pub async fn invitations(&self) -> Result<Invitations> {
        let server = self.0.server();
        server.call(&ListInvitations, Empty {}, Repeat::Safe).await
    }

    /// Invites somebody; to be an administrator only with a fresh
    /// [`crate::account::Reproof`].
    ///
    /// # Errors
    /// Those of a call.
    pub async fn invite(&self, administrator: bool, lives_ms: u64) -> Result<Invited> {
        let request = NewInvitation {
            administrator,
            lives_ms,
        };
        let server = self.0.server();
        server.call(&CreateInvitation, request, Repeat::Never).await
    }

    /// Revokes an invitation that nobody has used.
    ///
    /// # Errors
    /// Those of a call.
    pub async fn revoke_invitation(&self, invitation: InvitationId) -> Result<()> {
        let server = self.0.server();
        server
            .call(&RevokeInvitation { invitation }, Empty {}, Repeat::Never)
            .await
            .map(drop)
    }
}
