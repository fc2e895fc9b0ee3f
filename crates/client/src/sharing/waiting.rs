//! People who are to have access once they have an account: whoever invited
//! them gives it, for the server has no key to give.

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

    /// How many people are waited for.
    pub fn waiting_count(&self) -> usize {
        self.invitations().len()
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

    /// Waits no longer for somebody who has no account yet. `self` is the
    /// account vault.
    ///
    /// # Errors
    /// Any [`crate::Tamper`], or those of a call.
    pub async fn withdraw_invitation(&mut self, handle: &Handle, vault_id: VaultId) -> Result<()> {
        let waiting = self.invitations().into_iter();
        let theirs = waiting.filter(|(_, i)| i.handle == *handle && i.vault_id == vault_id);
        for (node, _) in theirs {
            self.forget(node).await?;
        }
        Ok(())
    }

    /// The vault that somebody was invited to, if this account may still let
    /// them in and their time is not over.
    async fn still_given(&self, invitation: &Invitation) -> Result<Option<Self>> {
        let now_ms = self.session().platform().now_ms();
        if (1..=now_ms).contains(&invitation.expires_ms) {
            return Ok(None);
        }
        let vault = match self.open_beside(invitation.vault_id).await {
            Err(ClientError::NoAccess) => return Ok(None),
            opened => opened?,
        };
        let role = vault.access().map(|path| path.role);
        Ok((role >= Some(Role::Manager)).then_some(vault))
    }

    pub(super) async fn forget(&mut self, node: NodeId) -> Result<()> {
        self.commit(&[], move |replica| {
            Ok(match replica.nodes().contains_key(&node) {
                true => vec![Change::Delete(node)],
                false => Vec::new(),
            })
        })
        .await
    }

    /// Gives access to people who were waited for and have an account now;
    /// who they are. What this account cannot give any more is forgotten.
    /// `self` is the account vault.
    ///
    /// # Errors
    /// Any [`crate::Tamper`], or those of a call.
    pub async fn complete_invitations(&mut self) -> Result<Vec<String>> {
        let waiting = self.invitations();
        let handles: Vec<Handle> = waiting.iter().map(|(_, i)| i.handle.clone()).collect();
        let people = self.find_people(&handles).await?;
        let mut done = Vec::new();
        for ((node, invitation), person) in waiting.into_iter().zip(people) {
            let Some(person) = person else { continue };
            let Some(mut vault) = self.still_given(&invitation).await? else {
                self.forget(node).await?;
                continue;
            };
            let mut grantee = Grantee::person(
                &person.identity,
                person.head,
                person.kem_pk.clone(),
                invitation.role,
            );
            grantee.expires_ms = invitation.expires_ms;
            vault.grant(&[grantee]).await?;
            self.forget(node).await?;
            done.push(person.handle.to_string());
        }
        Ok(done)
    }
}
