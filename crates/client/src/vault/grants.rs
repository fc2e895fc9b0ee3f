//! Giving access: to whom, with which keys, and what comes before it. A
//! vault's key is sealed to the keys that somebody has when the entry lands,
//! and to none that anybody has who has left.

use std::collections::BTreeSet;

use sv_core::KemPublicKey;
use sv_core::safety::Identity;
use sv_core::vault_key::seal_envelope;
use sv_ledger::enc::Statement;
use sv_ledger::entry::Via;
use sv_ledger::id::VaultId;
use sv_ledger::limits::NESTING;
use sv_ledger::membership_op::{GrantOp, MembershipOp, PrincipalKeys, RoleOp};
use sv_ledger::state::{Head, Member, Role};

use super::members::{DEPTH, Proposal, Wish, addressed};
use super::others::{self, keep_kem_key};
use super::{Vault, taken_away};
use crate::error::{ClientError, Result, Tamper};
use crate::people::require_own_keys;
use crate::port::Platform;

/// Members that are granted access in one entry.
const GRANTS: usize = 1000;

/// Somebody who is to have access.
#[derive(Debug, Clone)]
pub struct Grantee {
    who: Who,
    /// What they may do.
    pub role: Role,
    /// Unix milliseconds from which on it is over; 0 for never.
    pub expires_ms: u64,
}

#[derive(Debug, Clone)]
enum Who {
    /// With the keys that were shown to whoever gives them access.
    Person(Principal),
    /// A vault has new keys whenever somebody leaves it, so they are looked at
    /// when it is given access.
    Vault(VaultId),
}

/// Somebody, with verified keys.
#[derive(Debug, Clone)]
struct Principal {
    id: VaultId,
    /// Their keys as their own log has them.
    keys: PrincipalKeys,
    /// What the vault's key is sealed to.
    kem_pk: KemPublicKey,
}

/// A grantee with the keys of now.
pub(super) struct Grant {
    to: Principal,
    role: Role,
    expires_ms: u64,
}

impl Grantee {
    /// A person, as their verified account shows them.
    pub fn person(identity: &Identity, head: Head, kem_pk: KemPublicKey, role: Role) -> Self {
        let keys = PrincipalKeys {
            generation: identity.generation,
            sign_pk: identity.sign_pk,
            kem_hash: identity.kem_hash,
            head,
        };
        let id = identity.uid;
        Self {
            who: Who::Person(Principal { id, keys, kem_pk }),
            role,
            expires_ms: 0,
        }
    }

    /// A group, or another vault.
    pub const fn vault(vault_id: VaultId, role: Role) -> Self {
        Self {
            who: Who::Vault(vault_id),
            role,
            expires_ms: 0,
        }
    }

    const fn id(&self) -> &VaultId {
        match &self.who {
            Who::Person(person) => &person.id,
            Who::Vault(id) => id,
        }
    }
}

impl<P: Platform> Vault<'_, P> {
    /// Grants access, or gives those who have it already that role.
    ///
    /// # Errors
    /// [`ClientError::Misuse`] without the right to, or if a group that is to
    /// have access needs a new key that this account cannot make;
    /// [`crate::Tamper::MemberKeys`] if somebody else has access under the name
    /// of a grantee; those of a call.
    pub async fn grant(&mut self, grantees: &[Grantee]) -> Result<()> {
        // A key that is no good is not given to anybody.
        let epoch = self.replica.state().membership.epoch;
        if !self.replica.keyring.is_sound(epoch) {
            self.settle().await?;
        }
        self.require_newest_key()?;
        self.require_themselves(grantees).await?;
        for some in grantees.chunks(GRANTS) {
            self.change(&Wish::Grant(some.to_vec())).await?;
        }
        // Somebody may have been faster with other keys.
        self.require_themselves(grantees).await?;
        let members = &self.replica.state().membership.members;
        let changed: Vec<RoleOp> = grantees
            .iter()
            .filter(|grantee| {
                let member = members.get(grantee.id());
                member.is_some_and(|m| (m.role, m.expires_ms) != (grantee.role, grantee.expires_ms))
            })
            .map(|grantee| RoleOp {
                principal: *grantee.id(),
                role: grantee.role,
                expires_ms: grantee.expires_ms,
            })
            .collect();
        for op in changed {
            self.change(&Wish::Role(op)).await?;
        }
        Ok(())
    }

    /// Whoever has access already under the name of a grantee is that grantee.
    async fn require_themselves(&self, grantees: &[Grantee]) -> Result<()> {
        let members = &self.replica.state().membership.members;
        for grantee in grantees {
            // The log proves the keys of a vault.
            let Who::Person(person) = &grantee.who else {
                continue;
            };
            let there = members.get(&person.id);
            let (head, keys) = (person.keys.head, person.keys);
            let is_other = |there: &Member| PrincipalKeys { head, ..there.keys } != keys;
            if there.is_some_and(is_other) {
                self.require_themself(&person.id).await?;
            }
        }
        Ok(())
    }

    /// The keys on record for a person are their own. The log alone goes by
    /// uid, and a manager can enter any keys under it.
    pub(super) async fn require_themself(&self, principal: &VaultId) -> Result<()> {
        let members = &self.replica.state().membership.members;
        match members.get(principal).filter(|m| !m.keys.is_vault()) {
            Some(member) => {
                require_own_keys(self.session, self.id(), *principal, &member.keys).await
            }
            None => Ok(()),
        }
    }

    /// Those of the grantees who have no access yet, with the keys that they
    /// have now: before every attempt, since others may be faster there, too.
    pub(super) async fn prepare_grants(&mut self, grantees: &[Grantee]) -> Result<Vec<Grant>> {
        let members = &self.replica.state().membership.members;
        let new = grantees
            .iter()
            .filter(|one| !members.contains_key(one.id()));
        let new: Vec<&Grantee> = new.collect();
        let vaults = new.iter().filter_map(|one| match one.who {
            Who::Vault(id) => Some(id),
            Who::Person(_) => None,
        });
        let vaults: BTreeSet<VaultId> = vaults.collect();
        if !vaults.is_empty() {
            self.learn_renewed(&vaults).await?;
        }
        let mut grants = Vec::new();
        for grantee in new {
            let to = match &grantee.who {
                Who::Person(person) => person.clone(),
                Who::Vault(id) => {
                    let chain = self.others.of(id).ok_or(Tamper::Missing("a vault"))?;
                    Principal {
                        id: *id,
                        keys: chain.latest()?.principal(),
                        kem_pk: chain.kem_key().ok_or(Tamper::VaultKey)?.clone(),
                    }
                }
            };
            grants.push(Grant {
                to,
                role: grantee.role,
                expires_ms: grantee.expires_ms,
            });
        }
        grants.sort_by_key(|grant| grant.to.id);
        grants.dedup_by_key(|grant| grant.to.id);
        Ok(grants)
    }

    /// Learns of vaults that are to have access, each with a new key where one
    /// is due. Whoever left still has the old one, and with it all that is
    /// sealed to it from now on: what is due in a vault that is a member
    /// already keeps others from writing, but what is there is there.
    async fn learn_renewed(&mut self, vaults: &BTreeSet<VaultId>) -> Result<()> {
        let mut due: Vec<VaultId> = vaults.iter().copied().collect();
        // Whatever is inside one that gets a key makes one due in it.
        for _ in 0..=NESTING + 1 {
            for vault_id in &due {
                Box::pin(self.settle_other(*vault_id, DEPTH)).await?;
            }
            self.learn_vaults(vaults).await?;
            let left = self.due_within(vaults);
            if left.is_empty() {
                return Ok(());
            }
            if left == due {
                break;
            }
            due = left;
        }
        Err(ClientError::misuse(
            "somebody has left a group that you give access to, or their time there is over, and \
             it needs a new key first: accept the group (`securevault group ls`), or try again \
             once one of its members who may write there has used it",
        ))
    }

    /// Learns how others' own logs show them, for giving them access to this
    /// one.
    async fn learn_vaults(&mut self, vaults: &BTreeSet<VaultId>) -> Result<()> {
        let is_kept = self.pin.is_kept();
        let mut looks = Vec::new();
        for id in vaults {
            let look = others::look(self.session, *id, *id, is_kept).await;
            looks.push(look.map_err(taken_away)?);
        }
        let members = self.replica.state().membership.vault_members();
        let named = members.map(|(id, member)| Via {
            vault_id: *id,
            head: member.keys.head,
        });
        let named = named.collect();
        self.others = others::verify(self.session, self.id(), looks, named, is_kept).await?;
        Ok(())
    }

    /// Those of some vaults, and of those that have their keys, which need a
    /// new one: what is inside before what it is in.
    fn due_within(&self, vaults: &BTreeSet<VaultId>) -> Vec<VaultId> {
        let (me, now_ms) = (self.session.uid(), self.session.platform().now_ms());
        let principals = self.others.principals();
        let mut all: Vec<VaultId> = vaults.iter().copied().collect();
        let mut due = Vec::new();
        let mut at = 0;
        while let Some(id) = all.get(at).copied() {
            at += 1;
            let Some(membership) = principals.newest(&id) else {
                continue;
            };
            let has_key = membership.vault_members().filter(|(_, m)| m.is_sealed);
            for (inner, _) in has_key {
                if !all.contains(inner) {
                    all.push(*inner);
                }
            }
            let mut members = membership.members.iter();
            let is_over = members.any(|(id, m)| m.is_expired(now_ms) && *id != me);
            if is_over || membership.needs_key(principals) {
                due.push(id);
            }
        }
        due.reverse();
        due
    }

    pub(super) async fn propose_grants(&self, grants: &[Grant]) -> Result<Option<Proposal>> {
        if grants.is_empty() {
            return Ok(None);
        }
        let membership = &self.replica.state().membership;
        let key = self.replica.newest_key()?;
        let mut proposal = Proposal::default();
        for Grant {
            to,
            role,
            expires_ms,
        } in grants
        {
            let member = Member {
                role: *role,
                expires_ms: *expires_ms,
                keys: to.keys,
                is_sealed: true,
            };
            let header = self.header(membership, membership.epoch, membership.commitment);
            let header = addressed(header, &to.id, &member);
            let mut random = self.session.platform().random();
            let envelope = seal_envelope(&header, &to.kem_pk, key, &mut random)?;
            proposal.ops.push(MembershipOp::Grant(GrantOp {
                principal: to.id,
                role: *role,
                expires_ms: *expires_ms,
                keys: to.keys,
                envelope: Statement::Body.hash(&envelope),
            }));
            proposal.bodies.push(envelope);
            keep_kem_key(self.session, &to.kem_pk).await?;
        }
        Ok(Some(proposal))
    }
}
