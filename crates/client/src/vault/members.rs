//! Changing who has access to a vault, and with which key (spec: `log.md`
//! §4). Every envelope here goes to whom the verified log lists, never to
//! whom a server lists.

use std::collections::{BTreeMap, BTreeSet};

use sv_api::ErrorCode;
use sv_api::endpoint::AppendEntry;
use sv_api::vault::AppendRequest;
use sv_core::vault_key::{EnvelopeHeader, seal_envelope};
use sv_core::{KemPublicKey, VaultKey};
use sv_ledger::apply::{Touched, apply};
use sv_ledger::enc::Statement;
use sv_ledger::entry::{Entry, Ops};
use sv_ledger::id::{Hash, VaultId};
use sv_ledger::membership_op::{EpochOp, MembershipOp, RekeyOp, RoleOp};
use sv_ledger::principals::Path;
use sv_ledger::state::{Head, Member, Membership, Role};

use super::birth::{Author, compose, impossible};
use super::grants::{Grant, Grantee};
use super::keyring::Keyring;
use super::others::kem_keys;
use super::{Vault, withheld};
use crate::call::Repeat;
use crate::error::{ClientError, Result, Tamper};
use crate::port::Platform;

/// How often a change of members is asked again when others were faster.
const ATTEMPTS: u32 = 32;
/// How many vaults deep keys are renewed on the way.
pub(super) const DEPTH: u32 = 8;

/// What somebody wants done about the members of a vault.
#[derive(Debug, Clone)]
pub(super) enum Wish {
    Grant(Vec<Grantee>),
    Role(RoleOp),
    Revoke(Vec<VaultId>),
    Leave,
    Transfer(VaultId),
    /// A new key, if one is due.
    Settle(BTreeSet<VaultId>),
    /// A new key.
    Renew,
}

/// A membership entry before it is signed.
#[derive(Default)]
pub(super) struct Proposal {
    pub(super) ops: Vec<MembershipOp>,
    pub(super) bodies: Vec<Vec<u8>>,
    key: Option<VaultKey>,
}

impl<P: Platform> Vault<'_, P> {
    /// Gives a member another role or expiry.
    ///
    /// # Errors
    /// As [`Self::grant`]; [`crate::Tamper::MemberKeys`] if the keys on record
    /// are not that person's.
    pub async fn set_role(
        &mut self,
        principal: VaultId,
        role: Role,
        expires_ms: u64,
    ) -> Result<()> {
        let op = RoleOp {
            principal,
            role,
            expires_ms,
        };
        self.change(&Wish::Role(op)).await
    }

    /// Takes access away: what is written from now on is under a new key.
    ///
    /// # Errors
    /// As [`Self::grant`].
    pub async fn revoke(&mut self, principal: VaultId) -> Result<()> {
        self.revoke_all(&[principal]).await
    }

    /// The same for several, with one new key for them all.
    ///
    /// # Errors
    /// As [`Self::grant`].
    pub async fn revoke_all(&mut self, principals: &[VaultId]) -> Result<()> {
        self.change(&Wish::Revoke(principals.to_vec())).await
    }

    /// Gives up one's own access.
    ///
    /// # Errors
    /// [`ClientError::Misuse`] for the owner, or who has it through a group.
    pub async fn leave(&mut self) -> Result<()> {
        self.change(&Wish::Leave).await
    }

    /// Makes a member the owner; the owner becomes manager.
    ///
    /// # Errors
    /// As [`Self::set_role`].
    pub async fn transfer(&mut self, principal: VaultId) -> Result<()> {
        self.change(&Wish::Transfer(principal)).await
    }

    /// Makes a new key for what is written from now on.
    ///
    /// # Errors
    /// As [`Self::grant`].
    pub async fn renew_key(&mut self) -> Result<()> {
        self.change(&Wish::Renew).await
    }

    /// This account's best way to act on the vault.
    pub fn access(&self) -> Option<Path> {
        let membership = &self.replica.state().membership;
        self.others.best_path(self.session, membership)
    }

    /// Makes a new key if one is due and this account may: for members whose
    /// time is up, and for members that are vaults and have changed; those
    /// that need a key themselves get it first where this account has accepted
    /// them, or are left out until they have it. What leads here through one
    /// that would be left out waits for somebody else.
    ///
    /// # Errors
    /// Any [`crate::Tamper`], or those of a call.
    pub async fn settle(&mut self) -> Result<()> {
        self.settle_within(DEPTH).await
    }

    async fn settle_within(&mut self, depth: u32) -> Result<()> {
        if !self.may_write() {
            return Ok(());
        }
        if !self.is_due() {
            // Whoever gives out the newest key waits for these to have theirs.
            if self.replica.newest_key().is_err() {
                for vault_id in self.vaults_in_need() {
                    Box::pin(self.settle_inner(vault_id, depth)).await?;
                }
            }
            return Ok(());
        }
        let mut left_out = BTreeSet::new();
        let open: Vec<VaultId> = self.vaults_in_need();
        for vault_id in open {
            if !Box::pin(self.settle_inner(vault_id, depth)).await? {
                left_out.insert(vault_id);
            }
        }
        let path = self.access();
        let mut through = path.iter().flat_map(|path| &path.via);
        if through.any(|via| left_out.contains(&via.vault_id)) {
            return Ok(());
        }
        self.refresh_others().await?;
        self.change(&Wish::Settle(left_out)).await
    }

    /// Whether a vault that is a member has its new key now.
    async fn settle_inner(&self, vault_id: VaultId, depth: u32) -> Result<bool> {
        let Some(depth) = depth.checked_sub(1) else {
            return Ok(false);
        };
        let reaches = self.others.of(&vault_id).is_some_and(|chain| {
            chain.latest().is_ok_and(|membership| {
                let path = self.others.best_path(self.session, membership);
                path.is_some_and(|path| path.role >= Role::Contributor)
            })
        });
        match reaches {
            true => self.settle_other(vault_id, depth).await,
            false => Ok(false),
        }
    }

    /// Gives another vault its new key if one is due and this account may.
    /// Whether none is due any more.
    pub(super) async fn settle_other(&self, vault_id: VaultId, depth: u32) -> Result<bool> {
        // In what nobody accepted nothing is done, not even that.
        if !Vault::account(self.session).await?.knows(&vault_id) {
            return Ok(false);
        }
        let mut inner = match Vault::open(self.session, vault_id).await {
            Ok(inner) => inner,
            // What is gone, or opens for nobody here, keeps nobody from writing.
            Err(
                ClientError::NoAccess
                | ClientError::Tampered(Tamper::Missing(_) | Tamper::VaultKey),
            ) => return Ok(false),
            Err(error) => return Err(error),
        };
        inner.settle_within(depth).await?;
        Ok(!inner.is_due())
    }

    /// Whether a key is due that this account does not make, because it leads
    /// through a group that was not accepted.
    pub(super) fn waits_for_others(&self) -> bool {
        let principals = self.others.principals();
        self.may_write() && self.replica.state().membership.needs_key(principals)
    }

    fn may_write(&self) -> bool {
        self.access()
            .is_some_and(|path| path.role >= Role::Contributor)
    }

    /// Checks that this account has the newest key.
    ///
    /// # Errors
    /// [`ClientError::Misuse`] if it was left out of that.
    pub(super) fn require_newest_key(&self) -> Result<()> {
        match self.replica.newest_key() {
            Ok(_) => Ok(()),
            Err(_) => Err(left_out_of_key()),
        }
    }

    /// Whether nothing can be written before there is a new key, since somebody
    /// lost access or because the newest is no good; or somebody whose time is
    /// up is still a member.
    pub(super) fn is_due(&self) -> bool {
        let membership = &self.replica.state().membership;
        membership.needs_key(self.others.principals())
            || !self.expired().is_empty()
            || !self.replica.keyring.is_sound(membership.epoch)
    }

    fn expired(&self) -> Vec<VaultId> {
        let now_ms = self.session.platform().now_ms();
        let me = self.access().map(|path| self.acting_as(&path));
        let members = self.replica.state().membership.members.iter();
        members
            .filter(|(id, member)| member.is_expired(now_ms) && Some(**id) != me)
            .map(|(id, _)| *id)
            .collect()
    }

    fn acting_as(&self, path: &Path) -> VaultId {
        let through = path.via.first().map(|via| via.vault_id);
        through.unwrap_or(self.session.uid())
    }

    /// Members that are vaults and need a key themselves.
    fn vaults_in_need(&self) -> Vec<VaultId> {
        let principals = self.others.principals();
        let membership = &self.replica.state().membership;
        membership
            .vault_members()
            .filter(|(id, _)| {
                principals
                    .newest(id)
                    .is_none_or(|inner| inner.needs_key(principals))
            })
            .map(|(id, _)| *id)
            .collect()
    }

    pub(super) async fn change(&mut self, wish: &Wish) -> Result<()> {
        let is_leave = matches!(wish, Wish::Leave);
        for _ in 0..ATTEMPTS {
            let grants = match wish {
                Wish::Grant(grantees) => self.prepare_grants(grantees).await?,
                _ => Vec::new(),
            };
            let Some(path) = self.access() else {
                return Err(ClientError::misuse("you have no access to this any more"));
            };
            let Some(proposal) = self.propose(wish, &grants).await? else {
                return Ok(());
            };
            let Proposal { ops, bodies, key } = proposal;
            let has_epoch = key.is_some();
            let state = self.replica.state();
            let epoch = state.membership.epoch + u32::from(has_epoch);
            let author = Author {
                uid: self.session.uid(),
                path,
                keys: self.session.keys(),
                now_ms: self.session.platform().now_ms(),
            };
            let entry = compose(state, &author, epoch, Ops::Membership(ops), &Touched::new())?;
            // Our own check speaks first: it says why in words.
            self.judge(&entry)?;
            let request = AppendRequest {
                entry: entry.clone(),
                bodies,
                inline: Vec::new(),
            };
            let endpoint = AppendEntry { vault: self.id() };
            let server = self.session.server();
            match server.call(&endpoint, request, Repeat::Safe).await {
                Ok(_) => return self.adopt_members(entry, key).await,
                Err(error) if error.is_refusal(ErrorCode::Conflict) => {
                    self.pause().await;
                    if self.sync().await?.contains(&entry.hash()) {
                        return Ok(());
                    }
                }
                // It landed, and whoever has left is told nothing any more.
                Err(error) if is_leave && error.is_refusal(ErrorCode::NotFound) => return Ok(()),
                Err(error) => return Err(self.perhaps_taken_away(withheld(error))),
            }
        }
        Err(ClientError::misuse(
            "others change who has access too fast; try again later",
        ))
    }

    fn judge(&self, entry: &Entry) -> Result<()> {
        let principals = self.others.principals();
        apply(self.replica.state(), &Touched::new(), principals, entry)
            .map(drop)
            .map_err(impossible)
    }

    async fn adopt_members(&mut self, entry: Entry, key: Option<VaultKey>) -> Result<()> {
        let principals = self.others.principals();
        let step =
            apply(self.replica.state(), &Touched::new(), principals, &entry).map_err(impossible)?;
        self.replica.state = step.state;
        self.replica.chain.push(entry.clone());
        let has_key = key.is_some();
        if let Some(key) = key {
            let chain = self.replica.membership_chain()?;
            let older = std::mem::take(&mut self.replica.keyring);
            let mut keyring = Keyring::default();
            keyring.add(&chain, self.replica.state.membership.epoch, key);
            let session = self.session;
            self.replica
                .keep_keys(session, &chain, keyring.with(older))?;
        }
        let kept = self.replica.kept_key.clone().filter(|_| has_key);
        self.persist(kept, vec![entry], Vec::new(), &BTreeMap::new())
            .await
    }

    /// The operations that a wish comes to now; `None` if it is fulfilled.
    async fn propose(&self, wish: &Wish, grants: &[Grant]) -> Result<Option<Proposal>> {
        let membership = &self.replica.state().membership;
        let member = |id: &VaultId| {
            membership
                .members
                .get(id)
                .ok_or_else(|| ClientError::misuse("this is not a member"))
        };
        match wish {
            Wish::Grant(_) => self.propose_grants(grants).await,
            Wish::Role(op) => {
                let now = member(&op.principal)?;
                let is_done = (now.role, now.expires_ms) == (op.role, op.expires_ms);
                self.require_themself(&op.principal).await?;
                Ok((!is_done).then(|| Proposal {
                    ops: vec![MembershipOp::Role(*op)],
                    ..Proposal::default()
                }))
            }
            Wish::Revoke(ids) => {
                let there: BTreeSet<_> = ids.iter().copied().collect();
                let there = there.into_iter();
                let ops: Vec<_> = there
                    .filter(|id| membership.members.contains_key(id))
                    .map(MembershipOp::Revoke)
                    .collect();
                match ops.is_empty() {
                    true => Ok(None),
                    false => self.propose_key(ops, &BTreeSet::new()).await.map(Some),
                }
            }
            Wish::Leave => Ok(Some(Proposal {
                ops: vec![MembershipOp::Leave],
                ..Proposal::default()
            })),
            Wish::Transfer(id) => {
                let is_done = member(id)?.role == Role::Owner;
                self.require_themself(id).await?;
                Ok((!is_done).then(|| Proposal {
                    ops: vec![MembershipOp::Transfer(*id)],
                    ..Proposal::default()
                }))
            }
            Wish::Settle(left_out) => match self.is_due() {
                true => self.propose_key(Vec::new(), left_out).await.map(Some),
                false => Ok(None),
            },
            Wish::Renew => {
                let nobody = BTreeSet::new();
                self.propose_key(Vec::new(), &nobody).await.map(Some)
            }
        }
    }

    /// A new key, sealed to whoever is a member after `ops`, beside the end of
    /// what is over and the newest keys of vaults.
    async fn propose_key(
        &self,
        mut ops: Vec<MembershipOp>,
        left_out: &BTreeSet<VaultId>,
    ) -> Result<Proposal> {
        let membership = &self.replica.state().membership;
        // Some may have got their key since.
        let needy: BTreeSet<VaultId> = self.vaults_in_need().into_iter().collect();
        let left_out: BTreeSet<VaultId> = left_out.intersection(&needy).copied().collect();
        let is_named =
            |ops: &[MembershipOp], id: &VaultId| ops.iter().any(|op| op.principal() == Some(id));
        for id in self.expired() {
            if !is_named(&ops, &id) {
                ops.push(MembershipOp::Expire(id));
            }
        }
        let mut members = membership.members.clone();
        for op in &ops {
            if let Some(id) = op.principal() {
                members.remove(id);
            }
        }
        for (id, member) in membership.vault_members() {
            let newest = self.others.principals().newest(id);
            let Some(newest) = newest.filter(|_| members.contains_key(id)) else {
                continue;
            };
            let keys = newest.principal();
            if keys.generation > member.keys.generation {
                ops.push(MembershipOp::Rekey(RekeyOp {
                    principal: *id,
                    keys,
                    proof: [0; 64],
                }));
                members.insert(*id, Member { keys, ..*member });
            }
        }
        let wanted: Vec<(VaultId, Hash)> = members
            .iter()
            .filter(|(id, _)| !left_out.contains(*id))
            .map(|(id, member)| (*id, member.keys.kem_hash))
            .collect();
        let kems = kem_keys(self.session, self.id(), &wanted, &self.others).await?;
        // Somebody who has no account any more is removed with it by whoever
        // may; their key is shown all the same, so others need not wait.
        if self.access().is_some_and(|path| path.role >= Role::Manager) {
            let is_owner = |id: &&VaultId| members.get(*id).is_some_and(|m| m.role == Role::Owner);
            let gone: Vec<VaultId> = kems
                .gone
                .iter()
                .filter(|id| !is_owner(id))
                .copied()
                .collect();
            for id in &gone {
                ops.push(MembershipOp::Revoke(*id));
                members.remove(id);
            }
        }
        ops.sort_by_key(|op| op.principal().copied());
        self.seal_key(ops, &members, &left_out, &kems.found)
    }

    fn seal_key(
        &self,
        mut ops: Vec<MembershipOp>,
        members: &BTreeMap<VaultId, Member>,
        left_out: &BTreeSet<VaultId>,
        kems: &BTreeMap<Hash, KemPublicKey>,
    ) -> Result<Proposal> {
        let membership = &self.replica.state().membership;
        let mut random = self.session.platform().random();
        let (vault_id, epoch) = (self.id(), membership.epoch + 1);
        let key = VaultKey::generate(&mut random)?;
        let commitment = key.commitment(&vault_id, epoch);
        let header = self.header(membership, epoch, commitment);
        let (mut envelopes, mut bodies) = (Vec::new(), Vec::new());
        for (id, member) in members {
            if left_out.contains(id) && member.keys.is_vault() {
                envelopes.push(Hash::ZERO);
                continue;
            }
            let header = addressed(header, id, member);
            let recipient = kems
                .get(&member.keys.kem_hash)
                .ok_or(Tamper::Missing("the public key of a member"))?;
            let envelope = seal_envelope(&header, recipient, &key, &mut random)?;
            envelopes.push(Statement::Body.hash(&envelope));
            bodies.push(envelope);
        }
        let previous = self.replica.keyring.previous(membership.epoch);
        let previous = previous.ok_or_else(left_out_of_key)?;
        ops.push(MembershipOp::Epoch(EpochOp {
            commitment,
            kem_pk: key.kem_public(),
            previous_key: Some(key.seal_previous(previous, &vault_id, epoch, &mut random)?),
            envelopes,
        }));
        Ok(Proposal {
            ops,
            bodies,
            key: Some(key),
        })
    }

    /// A header by this account, not addressed to anybody yet.
    pub(super) fn header(
        &self,
        membership: &Membership,
        epoch: u32,
        vk_commit: Hash,
    ) -> EnvelopeHeader {
        EnvelopeHeader {
            vault_id: self.id(),
            epoch,
            granter: self.session.uid(),
            granter_generation: self.session.keys().generation(),
            principal: VaultId::ZERO,
            principal_generation: 0,
            principal_head: Head::NONE,
            kem_hash: Hash::ZERO,
            role: Role::Viewer,
            vk_commit,
            member_hash: membership.head.hash,
        }
    }
}

pub(super) const fn addressed(
    header: EnvelopeHeader,
    principal: &VaultId,
    member: &Member,
) -> EnvelopeHeader {
    EnvelopeHeader {
        principal: *principal,
        principal_generation: member.keys.generation,
        principal_head: member.keys.head,
        kem_hash: member.keys.kem_hash,
        role: member.role,
        ..header
    }
}

/// A group was left out of the newest key, since it needed one itself: whoever
/// has that key gives it to them.
fn left_out_of_key() -> ClientError {
    ClientError::misuse(
        "the newest key of this is not yours yet: it comes when somebody who has it, such as the \
         owner, opens this or writes here",
    )
}
