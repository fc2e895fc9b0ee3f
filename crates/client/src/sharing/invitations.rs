//! People who are waited for: a share can be meant for a handle that nobody
//! has yet. Whoever signs up under it later gets nothing by that alone: the
//! server, or anybody, may have taken the name. A person decides.

use sv_core::record::{Invitation, Payload};
use sv_ledger::handle::Handle;
use sv_ledger::id::{NodeId, VaultId};
use sv_ledger::state::Role;

use crate::error::{ClientError, Result};
use crate::people::Person;
use crate::port::Platform;
use crate::vault::{Change, Grantee, Vault};

/// Somebody who was waited for and has an account now.
#[derive(Debug, Clone)]
pub struct ReadyInvitation {
    /// What they were invited to.
    pub invitation: Invitation,
    /// Who has the handle now, and how sure that is.
    pub person: Person,
    node: NodeId,
}

impl<P: Platform> Vault<'_, P> {
    fn invitations(&self) -> impl Iterator<Item = (NodeId, &Invitation)> {
        let nodes = self.replica().nodes().iter();
        nodes.filter_map(|(id, node)| match node.payload() {
            Some(Payload::Invitation(invitation)) => Some((*id, invitation)),
            _ => None,
        })
    }

    fn invitation(&self, handle: &Handle, vault_id: &VaultId) -> Option<NodeId> {
        let mut all = self.invitations();
        let found = all.find(|(_, i)| i.handle == *handle && i.vault_id == *vault_id);
        found.map(|(node, _)| node)
    }

    /// People who are waited for, of one vault. `self` is the account vault.
    pub fn pending(&self, vault_id: &VaultId) -> Vec<Invitation> {
        let all = self.invitations().map(|(_, invitation)| invitation);
        all.filter(|i| i.vault_id == *vault_id).cloned().collect()
    }

    /// Remembers whom to wait for.
    pub(super) async fn invite(
        &mut self,
        handle: Handle,
        vault_id: VaultId,
        role: Role,
        expires_ms: u64,
    ) -> Result<()> {
        let node = self.invitation(&handle, &vault_id);
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

    /// Who was waited for and has an account now. Nobody has access by that:
    /// [`Self::complete_invitation`] gives it, on a person's word. Somebody of
    /// whom the server shows something else than is known is left out. `self`
    /// is the account vault.
    ///
    /// # Errors
    /// Those of a call.
    pub async fn ready_invitations(&mut self) -> Result<Vec<ReadyInvitation>> {
        let waiting: Vec<(NodeId, Invitation)> = self
            .invitations()
            .map(|(node, invitation)| (node, invitation.clone()))
            .collect();
        let handles: Vec<Handle> = waiting.iter().map(|(_, i)| i.handle.clone()).collect();
        let people = match self.find_people(&handles).await {
            Err(ClientError::Tampered(_)) => self.find_each(&handles).await?,
            outcome => outcome?,
        };
        let ready = waiting.into_iter().zip(people);
        let ready = ready.filter_map(|((node, invitation), person)| {
            Some(ReadyInvitation {
                invitation,
                person: person?,
                node,
            })
        });
        Ok(ready.collect())
    }

    /// One by one, so that the bad one spoils no other.
    async fn find_each(&mut self, handles: &[Handle]) -> Result<Vec<Option<Person>>> {
        let mut people = Vec::new();
        for handle in handles {
            people.push(match self.find_person(handle).await {
                Ok(person) => Some(person),
                Err(ClientError::Tampered(_) | ClientError::NoSuchPerson(_)) => None,
                Err(error) => return Err(error),
            });
        }
        Ok(people)
    }

    /// Gives somebody who was waited for access, on the terms of the
    /// invitation. `self` is the account vault.
    ///
    /// # Errors
    /// [`ClientError::NoAccess`] if there is nothing to give any more, and
    /// then nobody is waited for; [`ClientError::Misuse`] without the right
    /// to; any [`crate::Tamper`]; those of a call.
    pub async fn complete_invitation(&mut self, ready: &ReadyInvitation) -> Result<()> {
        let ReadyInvitation {
            invitation,
            person,
            node,
        } = ready;
        match self.open_beside(invitation.vault_id).await {
            Ok(mut vault) => {
                let mut grantee = Grantee::person(
                    &person.identity,
                    person.head,
                    person.kem_pk.clone(),
                    invitation.role,
                );
                grantee.expires_ms = invitation.expires_ms;
                vault.grant(&[grantee]).await?;
                self.forget_invitation(*node).await
            }
            Err(ClientError::NoAccess) => {
                self.forget_invitation(*node).await?;
                Err(ClientError::NoAccess)
            }
            Err(error) => Err(error),
        }
    }

    /// Waits for somebody no longer; whether they were waited for. `self` is
    /// the account vault.
    ///
    /// # Errors
    /// Any [`crate::Tamper`], or those of a call.
    pub async fn withdraw_invitation(
        &mut self,
        handle: &Handle,
        vault_id: &VaultId,
    ) -> Result<bool> {
        let Some(node) = self.invitation(handle, vault_id) else {
            return Ok(false);
        };
        self.forget_invitation(node).await?;
        Ok(true)
    }

    async fn forget_invitation(&mut self, node: NodeId) -> Result<()> {
        self.commit(&[], move |replica| {
            Ok(match replica.nodes().contains_key(&node) {
                true => vec![Change::Delete(node)],
                false => Vec::new(),
            })
        })
        .await
    }
}
