//! Stepping who has access by one membership entry (spec: `log.md` §4).

use crate::apply::Reject;
use crate::entry::{Entry, Ops};
use crate::genesis::VaultKind;
use crate::id::{Hash, SignPublicKey, VaultId};
use crate::limits::{MEMBERS, NESTING};
use crate::membership_op::{
    EpochOp, GrantOp, MembershipOp, PrincipalKeys, RekeyOp, RoleOp, check_membership_ops,
};
use crate::principals::Principals;
use crate::state::{Head, Member, Membership, Role, is_past};

/// What the author of an entry may do, and as whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authority {
    /// The least role on the way from the vault to the author.
    pub role: Role,
    /// The member of this vault that the author is, or acts through.
    pub member: VaultId,
    /// Whether the author is that member.
    pub is_direct: bool,
    /// Whether every vault on the way has the key that the one above it
    /// sealed to, and none has to be re-keyed first.
    pub is_current: bool,
}

impl Membership {
    /// By what right the author of an entry that names this membership acts.
    ///
    /// # Errors
    /// [`Reject`] if the entry names another membership, its author has no
    /// access, or the signature is not the author's.
    pub fn authority(&self, entry: &Entry, principals: &Principals) -> Result<Authority, Reject> {
        let body = entry.body();
        if body.vault_id != self.vault_id {
            return Err(Reject::WrongVault);
        }
        let named = Head {
            seq: body.member_seq,
            hash: body.member_hash,
        };
        if named != self.head {
            return Err(Reject::Membership);
        }
        if body.via.len() > NESTING {
            return Err(Reject::NotAMember);
        }
        let mut authority = Authority {
            role: Role::Owner,
            member: body.via.first().map_or(body.author, |via| via.vault_id),
            is_direct: body.via.is_empty(),
            is_current: true,
        };
        let mut inside = self;
        for via in &body.via {
            let step = inside.members.get(&via.vault_id);
            let step = step.filter(|m| m.keys.is_vault());
            let step = step.ok_or(Reject::NotAMember)?;
            authority.pass(step, body.timestamp_ms)?;
            // Behind the head that is on record here lies what was revoked since.
            if via.head.seq < step.keys.head.seq {
                return Err(Reject::Principal);
            }
            let found = principals.at(&via.vault_id, &via.head);
            inside = found.ok_or(Reject::Principal)?;
            authority.is_current &= !inside.is_due && inside.epoch == step.keys.generation;
        }
        let author = inside.members.get(&body.author);
        let author = author.filter(|m| !m.keys.is_vault());
        let author = author.ok_or(Reject::NotAMember)?;
        if author.keys.generation != body.author_generation {
            return Err(Reject::Generation);
        }
        authority.pass(author, body.timestamp_ms)?;
        if !entry.is_signed_by(&author.keys.sign_pk) {
            return Err(Reject::Signature);
        }
        Ok(authority)
    }

    /// The membership after one more membership entry. `principals` has the
    /// vaults that the entry names, at the heads it names.
    ///
    /// # Errors
    /// [`Reject`] if the entry is not valid here.
    pub fn step(&self, entry: &Entry, principals: &Principals) -> Result<Self, Reject> {
        let mut next = self.clone();
        next.advance(entry, principals)?;
        Ok(next)
    }

    /// [`Self::step`] in place. After an error `self` is worth nothing.
    pub(crate) fn advance(&mut self, entry: &Entry, principals: &Principals) -> Result<(), Reject> {
        let Ops::Membership(ops) = &entry.body().ops else {
            return Err(Reject::Operation);
        };
        let authority = self.authority(entry, principals)?;
        check_membership_ops(ops).map_err(|_| Reject::Operation)?;
        self.check_combination(ops)?;
        for op in ops {
            Self::check_role(op, &authority)?;
            self.check_principal(op, principals)?;
        }
        self.enact(entry)
    }

    /// Does what a membership entry says, if it fits together. Who signed it
    /// and whether they may is not asked: for entries that passed
    /// [`Self::step`] once.
    pub(crate) fn enact(&mut self, entry: &Entry) -> Result<(), Reject> {
        let body = entry.body();
        for op in entry.membership_ops() {
            match op {
                MembershipOp::Grant(op) => self.grant(op, body.timestamp_ms)?,
                MembershipOp::Role(op) => self.change_role(op, body.timestamp_ms)?,
                MembershipOp::Revoke(id) => self.remove(id)?,
                MembershipOp::Expire(id) => {
                    let member = self.members.get(id).ok_or(Reject::Operation)?;
                    if !member.is_expired(body.timestamp_ms) {
                        return Err(Reject::Operation);
                    }
                    self.remove(id)?;
                }
                MembershipOp::Leave => self.remove(&body.author)?,
                MembershipOp::Rekey(op) => self.rekey(op)?,
                MembershipOp::Transfer(id) => self.transfer(id)?,
                MembershipOp::Epoch(op) => self.enter_epoch(op)?,
                MembershipOp::Handle(_) => {}
            }
        }
        if body.epoch != self.epoch {
            return Err(Reject::Epoch);
        }
        self.head = Head {
            seq: self.head.seq.checked_add(1).ok_or(Reject::Membership)?,
            hash: entry.hash(),
        };
        Ok(())
    }

    /// Which operations go together, in this kind of vault.
    fn check_combination(&self, ops: &[MembershipOp]) -> Result<(), Reject> {
        let has = |what: fn(&MembershipOp) -> bool| ops.iter().any(what);
        let has_epoch = has(|op| matches!(op, MembershipOp::Epoch(_)));
        let has_grant = has(|op| matches!(op, MembershipOp::Grant(_)));
        let has_handle = has(|op| matches!(op, MembershipOp::Handle(_)));
        let removes = has(|op| matches!(op, MembershipOp::Revoke(_) | MembershipOp::Expire(_)));
        let is_first_of_account = self.kind == VaultKind::Account && self.epoch == 0;
        let is_allowed = match self.kind {
            VaultKind::Account if self.epoch == 0 => ops.len() == 2,
            VaultKind::Account => matches!(ops, [MembershipOp::Rekey(_), MembershipOp::Epoch(_)]),
            _ if self.epoch == 0 => ops.len() == 1,
            VaultKind::Drive => {
                !has(|op| !matches!(op, MembershipOp::Rekey(_) | MembershipOp::Epoch(_)))
            }
            // A grant brings the key there is, so it is not for the entry of the next.
            VaultKind::Shared | VaultKind::Group => !(has_epoch && has_grant),
        };
        let is_complete = has_epoch || !(removes || self.epoch == 0);
        if is_allowed && is_complete && has_handle == is_first_of_account {
            Ok(())
        } else {
            Err(Reject::Operation)
        }
    }

    /// Whether the author's role allows an operation: the table of `log.md` §4.2.
    fn check_role(op: &MembershipOp, author: &Authority) -> Result<(), Reject> {
        let is_self = |id: &VaultId| *id == author.member;
        let is_allowed = match op {
            MembershipOp::Grant(_) | MembershipOp::Role(_) => author.role >= Role::Manager,
            MembershipOp::Revoke(id) => author.role >= Role::Manager && !is_self(id),
            MembershipOp::Expire(id) => author.role >= Role::Contributor && !is_self(id),
            MembershipOp::Leave => author.is_direct,
            MembershipOp::Transfer(_) => author.role == Role::Owner && author.is_direct,
            MembershipOp::Rekey(op) if op.keys.is_vault() => author.role >= Role::Contributor,
            MembershipOp::Rekey(op) => author.is_direct && is_self(&op.principal),
            MembershipOp::Epoch(_) => author.role >= Role::Contributor,
            MembershipOp::Handle(_) => author.role == Role::Owner,
        };
        if is_allowed {
            Ok(())
        } else {
            Err(Reject::Role)
        }
    }

    /// Whether the keys named for a vault are those of its own log. A
    /// person's keys are what a manager says they are, and stand for that
    /// person only where a client has compared them with the account.
    fn check_principal(&self, op: &MembershipOp, principals: &Principals) -> Result<(), Reject> {
        let (id, keys) = match op {
            MembershipOp::Grant(op) => (&op.principal, &op.keys),
            MembershipOp::Rekey(op) => (&op.principal, &op.keys),
            _ => return Ok(()),
        };
        if !keys.is_vault() {
            return Ok(());
        }
        let found = principals.at(id, &keys.head).ok_or(Reject::Principal)?;
        let is_its_own = found.kind.is_shareable() && found.epoch > 0 && found.principal() == *keys;
        if is_its_own && *id != self.vault_id {
            Ok(())
        } else {
            Err(Reject::Principal)
        }
    }

    fn grant(&mut self, op: &GrantOp, now_ms: u64) -> Result<(), Reject> {
        let is_possible = self.members.len() < MEMBERS
            && !self.members.contains_key(&op.principal)
            && op.principal != VaultId::ZERO
            && op.principal != self.vault_id
            && op.role < Role::Owner
            && !is_past(op.expires_ms, now_ms)
            && op.keys.generation > 0
            && op.envelope != Hash::ZERO;
        if !is_possible {
            return Err(Reject::Operation);
        }
        let member = Member {
            role: op.role,
            expires_ms: op.expires_ms,
            keys: op.keys,
            is_sealed: true,
        };
        self.members.insert(op.principal, member);
        Ok(())
    }

    fn change_role(&mut self, op: &RoleOp, now_ms: u64) -> Result<(), Reject> {
        if op.role >= Role::Owner || is_past(op.expires_ms, now_ms) {
            return Err(Reject::Operation);
        }
        let member = self.other_than_owner(&op.principal)?;
        member.role = op.role;
        member.expires_ms = op.expires_ms;
        Ok(())
    }

    fn remove(&mut self, id: &VaultId) -> Result<(), Reject> {
        self.other_than_owner(id)?;
        self.members.remove(id);
        self.is_due = true;
        Ok(())
    }

    fn rekey(&mut self, op: &RekeyOp) -> Result<(), Reject> {
        let (vault_id, kind) = (self.vault_id, self.kind);
        let member = self.members.get_mut(&op.principal);
        let member = member.ok_or(Reject::Operation)?;
        let PrincipalKeys {
            generation, head, ..
        } = op.keys;
        let is_next = match kind {
            VaultKind::Account => member.keys.generation.checked_add(1) == Some(generation),
            _ => generation > member.keys.generation,
        };
        let is_proved = if member.keys.sign_pk == SignPublicKey::ZERO {
            op.keys.is_vault() && op.proof == [0; 64]
        } else {
            op.is_proved(&vault_id)
        };
        if !is_next || !is_proved || head.seq < member.keys.head.seq {
            return Err(Reject::Operation);
        }
        member.keys = op.keys;
        self.is_due = true;
        Ok(())
    }

    fn transfer(&mut self, id: &VaultId) -> Result<(), Reject> {
        let next = self.other_than_owner(id)?;
        if next.keys.is_vault() {
            return Err(Reject::Operation);
        }
        for (member_id, member) in &mut self.members {
            if member_id == id {
                member.role = Role::Owner;
                member.expires_ms = 0;
            } else if member.role == Role::Owner {
                member.role = Role::Manager;
            }
        }
        Ok(())
    }

    fn other_than_owner(&mut self, id: &VaultId) -> Result<&mut Member, Reject> {
        let member = self.members.get_mut(id);
        let member = member.filter(|member| member.role != Role::Owner);
        member.ok_or(Reject::Operation)
    }

    fn enter_epoch(&mut self, op: &EpochOp) -> Result<(), Reject> {
        let recipients = match self.kind {
            // The account's key comes from the root key, one epoch a generation.
            VaultKind::Account => 0,
            VaultKind::Drive | VaultKind::Shared | VaultKind::Group => self.members.len(),
        };
        // What is sealed to a person is found in their own log as a vault's key is.
        let is_own_key = |member: &Member| member.keys.kem_hash == op.kem_pk.hash();
        if self.kind == VaultKind::Account && !self.members.values().all(is_own_key) {
            return Err(Reject::Operation);
        }
        if op.envelopes.len() != recipients || op.previous_key.is_some() != (self.epoch > 0) {
            return Err(Reject::Operation);
        }
        for (member, envelope) in self.members.values_mut().zip(&op.envelopes) {
            member.is_sealed = *envelope != Hash::ZERO;
            if !member.is_sealed && !member.keys.is_vault() {
                return Err(Reject::Operation);
            }
        }
        self.epoch = self.epoch.checked_add(1).ok_or(Reject::Epoch)?;
        self.commitment = op.commitment;
        self.kem_hash = op.kem_pk.hash();
        self.is_due = false;
        Ok(())
    }
}

impl Authority {
    /// Goes through one more member, which must not have expired.
    fn pass(&mut self, member: &Member, now_ms: u64) -> Result<(), Reject> {
        if member.is_expired(now_ms) {
            return Err(Reject::Expired);
        }
        self.role = self.role.min(member.role);
        Ok(())
    }
}
