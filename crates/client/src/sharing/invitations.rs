//! People who are waited for: somebody without an account gets access once
//! they have one, from whoever invited them (spec: `records.md` §7). The
//! server cannot give it.

use sv_core::record::{Invitation, Payload};
use sv_ledger::handle::Handle;
use sv_ledger::id::{NodeId, VaultId};
use sv_ledger::state::Role;

use crate::error::{ClientError, Result};
use crate::port::Platform;
use crate::vault::{Change, Grantee, Vault};

impl<P: Platform> Vault<'_, P> {
    fn invitations(&self) -> Vec<(NodeId, Invitation)> {
        let nodes = self.replica().nodes().iter();
        nodes
            .filter_map(|(id, node)| match node.payload() {
                Some(Payload::Invitation(invitation)) => Some((*id, invitation.clone())),
                _ => None,
            })
            .collect()
    }

    /// People who are waited for, of one vault.
    pub fn pending(&self, vault_id: &VaultId) -> Vec<Invitation> {
        let all = self.invitations().into_iter().map(|(_, i)| i);
        all.filter(|i| i.vault_id == *vault_id).collect()
    }

    pub(super) async fn invite(
        &mut self,
        handle: Handle,
        vault_id: VaultId,
        role: Role,
        expires_ms: u64,
    ) -> Result<()> {
        let known = self.invitations().into_iter();
        let mut known = known.filter(|(_, i)| i.handle == handle && i.vault_id == vault_id);
        let node = known.next().map(|(id, _)| id);
        let node = node.unwrap_or_else(|| NodeId::new(self.session().platform().random_bytes()));
        let payload = Payload::Invitation(Invitation {
            handle,
            vault_id,
            role,
            expires_ms,
            unknown: Default::default(),
        });
        self.commit(&[], move |_| Ok(vec![Change::put(node, payload.clone())]))
            .await
    }

    /// Waits no longer for people who were invited to a vault: for those
    /// alone, or for everybody. `self` is the account vault.
    ///
    /// # Errors
    /// Any [`crate::Tamper`], or those of a call.
    pub async fn withdraw_invitations(
        &mut self,
        vault_id: VaultId,
        handle: Option<&Handle>,
    ) -> Result<()> {
        self.commit(&[], |replica| {
            let nodes = replica.nodes().iter();
            let gone = nodes.filter(|(_, node)| match node.payload() {
                Some(Payload::Invitation(i)) => {
                    i.vault_id == vault_id && handle.is_none_or(|handle| i.handle == *handle)
                }
                _ => false,
            });
            Ok(gone.map(|(id, _)| Change::Delete(*id)).collect())
        })
        .await
    }

    /// Gives access to people who were waited for and have an account now;
    /// who they are. What this account has lost the right to waits on, for it
    /// may be given back. `self` is the account vault.
    ///
    /// # Errors
    /// Any [`crate::Tamper`], or those of a call.
    pub async fn complete_invitations(&mut self) -> Result<Vec<String>> {
        let waiting = self.invitations();
        let handles: Vec<Handle> = waiting.iter().map(|(_, i)| i.handle.clone()).collect();
        let people = self.find_people(&handles).await?;
        let mut done = Vec::new();
        for ((_, invitation), person) in waiting.into_iter().zip(people) {
            let Some(person) = person else { continue };
            let mut vault = match self.open_beside(invitation.vault_id).await {
                Ok(vault) => vault,
                Err(ClientError::NoAccess) => continue,
                Err(error) => return Err(error),
            };
            if vault.access().is_none_or(|path| path.role < Role::Manager) {
                continue;
            }
            let mut grantee = Grantee::of(&person, invitation.role);
            grantee.expires_ms = invitation.expires_ms;
            vault.grant(&[grantee]).await?;
            self.withdraw_invitations(invitation.vault_id, Some(&invitation.handle))
                .await?;
            done.push(person.handle.to_string());
        }
        Ok(done)
    }
}
