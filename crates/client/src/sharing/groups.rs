//! Making vaults beside the drive, and vaults as members of others.

use sv_api::account::NewVault;
use sv_api::endpoint::CreateVault;
use sv_core::Name;
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::VaultId;
use sv_ledger::sealed::ContentSuite;
use sv_ledger::state::Role;

use crate::account::Session;
use crate::call::Repeat;
use crate::error::Result;
use crate::port::Platform;
use crate::vault::{Grantee, NewVaultBuilder, Vault};

/// Makes an empty vault that this account owns.
///
/// # Errors
/// Those of a call.
pub async fn create_vault<P: Platform>(
    session: &Session<P>,
    kind: VaultKind,
    suite: ContentSuite,
) -> Result<VaultId> {
    let builder = NewVaultBuilder {
        instance: session.profile().instance.id,
        keys: session.keys(),
        now_ms: session.platform().now_ms(),
    };
    let mut random = session.platform().random();
    let birth = builder.owned(kind, suite, session.uid(), &mut random)?;
    let vault_id = birth.vault_id();
    let server = session.server();
    server
        .call(&CreateVault, NewVault::from(birth), Repeat::Safe)
        .await?;
    Ok(vault_id)
}

/// Makes an empty vault or group with a name, and gives it the name here that
/// is free. `account` is the account vault.
///
/// # Errors
/// Those of a call.
pub async fn make_vault<'s, P: Platform>(
    session: &'s Session<P>,
    account: &mut Vault<'s, P>,
    name: &Name,
    kind: VaultKind,
    suite: ContentSuite,
) -> Result<Name> {
    let vault_id = create_vault(session, kind, suite).await?;
    let name = account.record_share(vault_id, name).await?;
    let mut vault = account.open_beside(vault_id).await?;
    vault.set_title(&name).await?;
    Ok(name)
}

impl<P: Platform> Vault<'_, P> {
    /// Another vault as it can be given access to this one.
    ///
    /// # Errors
    /// Any [`crate::Tamper`], or those of a call.
    pub(crate) async fn grantee_vault(&mut self, vault_id: VaultId, role: Role) -> Result<Grantee> {
        let (membership, kem_pk) = self.learn_vault(vault_id).await?;
        Ok(Grantee {
            principal: vault_id,
            keys: membership.principal(),
            kem_pk,
            role,
            expires_ms: 0,
        })
    }
}
