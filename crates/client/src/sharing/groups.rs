//! Making vaults beside the drive.

use sv_api::account::NewVault;
use sv_api::endpoint::CreateVault;
use sv_core::Name;
use sv_ledger::genesis::VaultKind;
use sv_ledger::sealed::ContentSuite;

use crate::account::Session;
use crate::call::Repeat;
use crate::error::Result;
use crate::port::Platform;
use crate::vault::{NewVaultBuilder, Vault, VaultBirth};

/// An empty vault that this account owns, which no server has yet: its id can
/// be written down before it is made.
///
/// # Errors
/// [`crate::ClientError::Misuse`], never for reasons of the values.
pub fn draft_vault<P: Platform>(
    session: &Session<P>,
    kind: VaultKind,
    suite: ContentSuite,
) -> Result<VaultBirth> {
    let builder = NewVaultBuilder {
        instance: session.profile().instance.id,
        keys: session.keys(),
        now_ms: session.platform().now_ms(),
    };
    let mut random = session.platform().random();
    builder.owned(kind, suite, session.uid(), &mut random)
}

/// Makes a vault that was drafted.
///
/// # Errors
/// Those of a call.
pub async fn create_vault<P: Platform>(session: &Session<P>, draft: VaultBirth) -> Result<()> {
    let server = session.server();
    let new = NewVault::from(draft);
    server.call(&CreateVault, new, Repeat::Safe).await?;
    Ok(())
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
    let draft = draft_vault(session, kind, suite)?;
    let vault_id = draft.vault_id();
    create_vault(session, draft).await?;
    let name = account.record_share(vault_id, name).await?;
    let mut vault = account.open_beside(vault_id).await?;
    vault.set_title(&name).await?;
    Ok(name)
}
