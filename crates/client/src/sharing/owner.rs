//! From whom a share is. A genesis names its creator and brings the keys that
//! stand for them, so anybody can make a vault in another's name: it is theirs
//! only if the keys are those of their account.

use sv_core::Name;
use sv_core::record::SharedVault;
use sv_ledger::id::VaultId;
use sv_ledger::state::Membership;

use crate::error::{ClientError, Result, Tamper};
use crate::people::Person;
use crate::port::Platform;
use crate::vault::Vault;

/// The owner of a vault, as far as they can be told.
pub(super) enum Owner {
    /// Their keys are those of this account.
    Known(Box<Person>),
    /// The server does not show the account, as of somebody who has left.
    Gone,
    /// Somebody else's keys stand for this account.
    Forged(Box<Person>),
}

impl<P: Platform> Vault<'_, P> {
    /// `self` is the account vault.
    pub(super) async fn owner_of(&self, membership: &Membership) -> Result<Owner> {
        let (id, member) = membership
            .owner()
            .and_then(|id| Some((id, membership.members.get(id)?)))
            .ok_or(Tamper::Identity)?;
        match self.recognise(membership.vault_id, *id).await {
            Ok(person) if person.has_had(&member.keys) => Ok(Owner::Known(Box::new(person))),
            Ok(person) => Ok(Owner::Forged(Box::new(person))),
            Err(ClientError::Tampered(Tamper::Missing(_))) => Ok(Owner::Gone),
            Err(error) => Err(error),
        }
    }

    /// Takes a share that was offered, under a name of its own.
    ///
    /// # Errors
    /// [`Tamper::MemberKeys`] if it is not from whom it says; any other
    /// [`Tamper`]; those of a call.
    pub async fn accept_share(&mut self, vault_id: VaultId, name: &Name) -> Result<Name> {
        let vault = self.open_beside(vault_id).await?;
        let membership = &vault.replica().state().membership;
        match self.owner_of(membership).await? {
            Owner::Known(_) => self.record_share(vault_id, name).await,
            Owner::Gone => Err(Tamper::Missing("the account of whoever offers this").into()),
            Owner::Forged(person) => Err(Tamper::MemberKeys(person.handle.to_string()).into()),
        }
    }

    /// Records a vault that this account makes, under a name that is free.
    ///
    /// # Errors
    /// Any [`Tamper`], or those of a call.
    pub async fn record_share(&mut self, vault_id: VaultId, name: &Name) -> Result<Name> {
        let name = self.free_name(name, &vault_id)?;
        self.keep_shared(SharedVault::new(vault_id, name.clone()))
            .await?;
        Ok(name)
    }
}
