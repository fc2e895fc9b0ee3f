//! Leaving a vault to somebody: they own it, and whoever had it is out, or
//! stays with less.

use sv_ledger::id::VaultId;
use sv_ledger::state::Role;

use crate::error::{ClientError, Result};
use crate::people::Person;
use crate::port::Platform;
use crate::vault::Vault;

/// What becomes of this account when a vault is somebody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// It has no access any more, and knows nothing more of the vault. Whoever
    /// writes there next makes a new key first: what comes then, this account
    /// cannot read.
    Leave,
    /// It has this role.
    Stay(Role),
}

/// Makes somebody the owner of a vault that this account owns. Every step can
/// be done twice, so what was interrupted is done by the same call. `account`
/// is the account vault.
///
/// # Errors
/// [`ClientError::NoAccess`] if the vault was left before; those of a
/// call, as where the new owner has no room; any [`crate::Tamper`].
pub async fn hand_over<P: Platform>(
    account: &mut Vault<'_, P>,
    vault_id: VaultId,
    person: &Person,
    after: After,
) -> Result<()> {
    let mut vault = match account.open_beside(vault_id).await {
        Err(ClientError::NoAccess) => {
            forget(account, vault_id).await?;
            return Err(ClientError::NoAccess);
        }
        opened => opened?,
    };
    let owner = vault.replica().state().membership.owner().copied();
    if owner != Some(person.identity.uid) {
        vault.grant(&[person.grantee(Role::Manager)]).await?;
        vault.transfer(person.identity.uid).await?;
    }
    // Who left may still get here through a vault around it.
    let members = &vault.replica().state().membership.members;
    let is_member = members.contains_key(&account.id());
    match after {
        After::Stay(role) if is_member => vault.set_role(account.id(), role, 0).await,
        After::Leave if is_member => {
            vault.leave().await?;
            forget(account, vault_id).await
        }
        After::Stay(_) | After::Leave => forget(account, vault_id).await,
    }
}

/// Nobody is waited for there, and nothing more is known of it.
async fn forget<P: Platform>(account: &mut Vault<'_, P>, vault_id: VaultId) -> Result<()> {
    for invitation in account.pending(&vault_id) {
        account
            .withdraw_invitation(&invitation.handle, vault_id)
            .await?;
    }
    account.reconsider_share(vault_id).await
}
