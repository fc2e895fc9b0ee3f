//! Administration, for accounts that may.

use sv_client::admin::Admin;
use sv_ledger::id::{InvitationId, VaultId};

use super::open::Open;
use super::platform::Browser;
use crate::worker::failure::Failure;
use sv_bridge::{
    CreateInvitation, FailureKind, InvitationRow, NewInvitation, PersonRow, ResetSecondFactor,
    RevokeInvitation, ServerState, SetDisabled, SetQuota,
};

/// Milliseconds that an invitation is good for unless somebody says otherwise.
const INVITATION_MS: u64 = 7 * 24 * 60 * 60 * 1000;

impl<'s> Open<'s> {
    const fn admin(&self) -> Admin<'s, Browser> {
        Admin::new(self.session)
    }

    pub(super) async fn people(&self) -> Result<Vec<PersonRow>, Failure> {
        let people = self.admin().people().await?.people.into_iter();
        let rows = people.map(|person| PersonRow {
            uid: person.uid.to_string(),
            handle: person.handle,
            used_bytes: person.used_bytes,
            quota_bytes: person.quota_bytes,
            created_ms: person.created_ms,
            last_used_ms: person.last_seen_ms,
            administrator: person.administrator,
            disabled: person.disabled,
            has_authenticator: person.has_authenticator,
            deletion_final_ms: person.deleted_from_ms,
        });
        Ok(rows.collect())
    }

    pub(super) async fn invitations(&self) -> Result<Vec<InvitationRow>, Failure> {
        let invitations = self.admin().invitations().await?.invitations.into_iter();
        let rows = invitations.map(|invitation| InvitationRow {
            id: invitation.invitation_id.to_string(),
            created_ms: invitation.created_ms,
            expires_ms: invitation.expires_ms,
            administrator: invitation.administrator,
        });
        Ok(rows.collect())
    }

    pub(super) async fn create_invitation(
        &self,
        call: CreateInvitation,
    ) -> Result<NewInvitation, Failure> {
        let lives_ms = call.valid_ms.unwrap_or(INVITATION_MS);
        let made = self.admin().invite(call.administrator, lives_ms).await?;
        // The code stands after the `#`: it reaches no server and no log.
        let link = format!("{}/signup#invite={}", self.browser().origin(), made.code);
        Ok(NewInvitation {
            code: made.code,
            link,
            expires_ms: made.expires_ms,
        })
    }

    pub(super) async fn revoke_invitation(&self, call: RevokeInvitation) -> Result<(), Failure> {
        let id: InvitationId = call.id.parse().map_err(|_| gone())?;
        Ok(self.admin().revoke_invitation(id).await?)
    }

    pub(super) async fn set_quota(&self, call: SetQuota) -> Result<(), Failure> {
        let person = person(&call.uid)?;
        Ok(self.admin().set_quota(person, call.quota_bytes).await?)
    }

    pub(super) async fn set_disabled(&self, call: SetDisabled) -> Result<(), Failure> {
        let person = person(&call.uid)?;
        Ok(self.admin().set_disabled(person, call.disabled).await?)
    }

    pub(super) async fn reset_second_factor(
        &self,
        call: ResetSecondFactor,
    ) -> Result<String, Failure> {
        let person = person(&call.uid)?;
        Ok(self.admin().reset_second_factor(person).await?.code)
    }

    pub(super) async fn server_state(&self) -> Result<ServerState, Failure> {
        let status = self.admin().server_status().await?;
        Ok(ServerState {
            version: status.version,
            signup: status.signup,
            accounts: status.people,
            disabled: status.disabled,
            used_bytes: status.used_bytes,
            contents_bytes: status.contents_bytes,
            contents: status.contents,
            vaults: status.vaults,
            file_limit_bytes: status.max_file_bytes,
        })
    }
}

fn person(uid: &str) -> Result<VaultId, Failure> {
    uid.parse().map_err(|_| gone())
}

fn gone() -> Failure {
    Failure::new(FailureKind::Gone)
}
