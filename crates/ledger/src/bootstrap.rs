//! How a device without earlier state comes to trust a vault: the membership
//! chain from the genesis, one checkpoint entry whose digest the list of
//! leaves must give, and every later entry replayed (spec: `log.md` §6).

use std::collections::{BTreeMap, BTreeSet};

use crate::apply::{Reject, Touched, Transition, apply};
use crate::digest::Accumulator;
use crate::entry::Entry;
use crate::genesis::{Genesis, KemPublicKey};
use crate::id::{Hash, NodeId, VaultId};
use crate::membership_op::MembershipOp;
use crate::principals::Principals;
use crate::state::{Head, Leaf, Member, Membership, Role, VaultState};

/// What a server shows of a vault's membership: not verified yet.
#[derive(Debug, Clone)]
pub struct ShownMembership {
    /// The vault that was asked for.
    pub vault_id: VaultId,
    /// Its birth.
    pub genesis: Genesis,
    /// Its membership entries, ascending.
    pub entries: Vec<Entry>,
}

/// Every membership a vault has had, verified from its genesis.
#[derive(Debug, Clone)]
pub struct MembershipChain {
    begin: Membership,
    entries: Vec<Entry>,
    latest: Membership,
}

/// A key envelope that the log names, and everything that its header must say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedEnvelope {
    /// Hash of its bytes.
    pub hash: Hash,
    /// Epoch of the key inside.
    pub epoch: u32,
    /// The log's commitment to that key.
    pub commitment: Hash,
    /// Who sealed it.
    pub granter: VaultId,
    /// Generation of the granter's keys.
    pub granter_generation: u32,
    /// For whom.
    pub principal: VaultId,
    /// The receiver's role and keys when it was sealed.
    pub member: Member,
    /// Hash of the membership entry before the one that carries it.
    pub member_hash: Hash,
}

/// A chain on its way to being verified.
struct Walk {
    begin: Membership,
    now: Membership,
    /// `seq` of the last membership entry, and the digest it repeats.
    last_seq: u64,
    last_digest: Hash,
}

impl Walk {
    fn begin(vault_id: &VaultId, genesis: &Genesis) -> Result<Self, Reject> {
        if genesis.vault_id() != *vault_id {
            return Err(Reject::WrongVault);
        }
        let begin = Membership::begin(genesis)?;
        Ok(Self {
            now: begin.clone(),
            begin,
            last_seq: 0,
            last_digest: Accumulator::default().digest(vault_id),
        })
    }

    fn step(&mut self, entry: &Entry, principals: &Principals) -> Result<(), Reject> {
        let body = entry.body();
        let is_first = self.now.head.seq == 0;
        let is_adjacent = self.last_seq.checked_add(1) == Some(body.seq);
        if body.seq <= self.last_seq
            || (is_first && !is_adjacent)
            || (is_adjacent && body.prev_hash != self.now.head.hash)
        {
            return Err(Reject::NotNext);
        }
        self.now.advance(entry, principals)?;
        if is_adjacent && body.state_digest != self.last_digest {
            return Err(Reject::Digest);
        }
        self.last_seq = body.seq;
        self.last_digest = body.state_digest;
        Ok(())
    }

    fn finish(self, entries: Vec<Entry>) -> MembershipChain {
        MembershipChain {
            begin: self.begin,
            entries,
            latest: self.now,
        }
    }
}

/// The envelope that an entry has for a member, `now` being what it leads to.
fn named_envelope(entry: &Entry, now: &Membership, principal: &VaultId) -> Option<NamedEnvelope> {
    let member = now.members.get(principal).filter(|m| m.is_sealed)?;
    let hash = entry.membership_ops().iter().find_map(|op| match op {
        MembershipOp::Epoch(op) => {
            let order = now.members.keys().position(|id| id == principal)?;
            op.envelopes.get(order).copied()
        }
        MembershipOp::Grant(op) if op.principal == *principal => Some(op.envelope),
        _ => None,
    })?;
    Some(NamedEnvelope {
        hash,
        epoch: now.epoch,
        commitment: now.commitment,
        granter: entry.body().author,
        granter_generation: entry.body().author_generation,
        principal: *principal,
        member: *member,
        member_hash: entry.body().member_hash,
    })
}

impl MembershipChain {
    /// Verifies a chain for the vault that was asked for. `principals` has
    /// the memberships of other vaults that its entries name.
    ///
    /// # Errors
    /// [`Reject::WrongVault`] if the genesis does not hash to `vault_id`, or
    /// the [`Reject`] of the first entry that is not valid.
    pub fn verify(
        vault_id: &VaultId,
        genesis: &Genesis,
        entries: &[Entry],
        principals: &Principals,
    ) -> Result<Self, Reject> {
        let mut walk = Walk::begin(vault_id, genesis)?;
        for entry in entries {
            walk.step(entry, principals)?;
        }
        Ok(walk.finish(entries.to_vec()))
    }

    /// A chain that was verified before, from a place that only its reader
    /// writes.
    ///
    /// # Errors
    /// [`Reject`] if the entries do not even fit together.
    pub fn resume(genesis: &Genesis, entries: Vec<Entry>) -> Result<Self, Reject> {
        let begin = Membership::begin(genesis)?;
        let mut latest = begin.clone();
        for entry in &entries {
            latest.enact(entry)?;
        }
        Ok(Self {
            begin,
            entries,
            latest,
        })
    }

    /// The latest membership.
    ///
    /// # Errors
    /// [`Reject::Membership`] for a chain without entry 1, under which
    /// nothing can be written.
    pub fn latest(&self) -> Result<&Membership, Reject> {
        Some(&self.latest)
            .filter(|m| m.epoch > 0)
            .ok_or(Reject::Membership)
    }

    /// The vault.
    pub const fn vault_id(&self) -> VaultId {
        self.latest.vault_id
    }

    /// Its entries.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The newest key that vault keys are sealed to when this vault, or this
    /// person if it is an account, is a member of another.
    pub fn kem_key(&self) -> Option<&KemPublicKey> {
        let newest = self.entries.iter().rev().find_map(Entry::epoch_op);
        newest.map(|op| &op.kem_pk)
    }

    /// The membership after its first `count` entries.
    pub fn after(&self, count: usize) -> Option<Membership> {
        if count == self.entries.len() {
            return Some(self.latest.clone());
        }
        let mut now = self.begin.clone();
        for entry in self.entries.get(..count)? {
            now.enact(entry).ok()?;
        }
        Some(now)
    }

    /// The newest envelope to a member, if it has one: that of its grant, or
    /// of the last new key.
    pub fn envelope(&self, principal: &VaultId) -> Option<NamedEnvelope> {
        let latest = self.latest.members.get(principal)?;
        let newest = self.envelopes(principal).into_iter().next();
        newest.filter(|named| latest.is_sealed && named.epoch == self.latest.epoch)
    }

    /// Every envelope to somebody who is or was a member, newest first.
    pub fn envelopes(&self, principal: &VaultId) -> Vec<NamedEnvelope> {
        let mut now = self.begin.clone();
        let mut found = Vec::new();
        for entry in &self.entries {
            if now.enact(entry).is_err() {
                // Every entry was enacted once before.
                break;
            }
            found.extend(named_envelope(entry, &now, principal));
        }
        found.reverse();
        found
    }

    /// The state at a checkpoint: an entry by an editor or higher together
    /// with all leaves after it.
    ///
    /// # Errors
    /// [`Reject`] if the entry, its place among the membership entries or the
    /// leaves do not fit.
    pub fn checkpoint(
        &self,
        entry: &Entry,
        leaves: &[(NodeId, Leaf)],
        principals: &Principals,
    ) -> Result<VaultState, Reject> {
        let body = entry.body();
        let below = self.entries.partition_point(|e| e.body().seq < body.seq);
        let before = self.after(below).ok_or(Reject::Membership)?;
        let author = before.authority(entry, principals)?;
        if author.role < Role::Editor {
            return Err(Reject::Role);
        }
        let last = below.checked_sub(1).and_then(|k| self.entries.get(k));
        let is_adjacent = last.is_some_and(|e| e.body().seq.checked_add(1) == Some(body.seq));
        if is_adjacent && body.prev_hash != before.head.hash {
            return Err(Reject::NotNext);
        }
        let standing = self.entries.get(below).filter(|e| e.body().seq == body.seq);
        let membership = match (entry.is_membership(), standing) {
            (false, None) if before.is_due || !author.is_current => return Err(Reject::Due),
            (false, None) if body.epoch == before.epoch && body.epoch > 0 => before,
            (true, Some(own)) if own.hash() == entry.hash() => {
                self.after(below + 1).ok_or(Reject::Membership)?
            }
            _ => return Err(Reject::Membership),
        };
        if !leaves.is_sorted_by(|(a, _), (b, _)| a < b) {
            return Err(Reject::LeafOrder);
        }
        let mut accumulator = Accumulator::default();
        for (node, leaf) in leaves {
            accumulator.insert(&body.vault_id, node, leaf);
        }
        let head = Head {
            seq: body.seq,
            hash: entry.hash(),
        };
        let state = VaultState {
            membership,
            head,
            accumulator,
        };
        if state.digest() != body.state_digest {
            Err(Reject::Digest)
        } else {
            Ok(state)
        }
    }

    /// Whether a state that was replayed to the head has seen exactly this
    /// chain's membership entries.
    ///
    /// # Errors
    /// [`Reject::Membership`] if not.
    pub fn confirm(&self, state: &VaultState) -> Result<(), Reject> {
        if *self.latest()? == state.membership {
            Ok(())
        } else {
            Err(Reject::Membership)
        }
    }
}

/// The chains of several vaults that name one another, verified together.
#[derive(Debug, Clone, Default)]
pub struct Chains {
    chains: BTreeMap<VaultId, MembershipChain>,
    principals: Principals,
}

impl Chains {
    /// Verifies chains in whatever order their entries need: each is stepped
    /// as far as the heads it names have been reached in the others. So two
    /// vaults may have been members of one another at different times, and
    /// chains that could only vouch for each other are refused.
    ///
    /// `also` are heads that other entries name, beside those of the chains.
    ///
    /// # Errors
    /// [`Reject::Principal`] if an entry, or `also`, names a head that is in
    /// none of them, or the [`Reject`] of an entry that is not valid.
    pub fn verify(
        shown: Vec<ShownMembership>,
        also: impl IntoIterator<Item = crate::entry::Via>,
    ) -> Result<Self, Reject> {
        let also: Vec<crate::entry::Via> = also.into_iter().collect();
        let named = shown.iter().flat_map(|s| &s.entries);
        let named = named.flat_map(Entry::named_heads).chain(also.clone());
        let wanted: BTreeSet<(VaultId, u64)> =
            named.map(|via| (via.vault_id, via.head.seq)).collect();
        let mut done = Self::default();
        let mut walks = Vec::new();
        for one in shown {
            walks.push((Walk::begin(&one.vault_id, &one.genesis)?, one.entries, 0));
        }
        loop {
            let mut has_moved = false;
            for (walk, entries, next) in &mut walks {
                while let Some(entry) = entries.get(*next) {
                    let is_known =
                        |via: crate::entry::Via| done.principals.at(&via.vault_id, &via.head);
                    if !entry.named_heads().all(|via| is_known(via).is_some()) {
                        break;
                    }
                    walk.step(entry, &done.principals)?;
                    (*next, has_moved) = (*next + 1, true);
                    let is_last = *next == entries.len();
                    if is_last || wanted.contains(&(walk.now.vault_id, walk.now.head.seq)) {
                        done.principals.insert(walk.now.clone());
                    }
                }
            }
            if !has_moved {
                break;
            }
        }
        for (walk, entries, next) in walks {
            if next < entries.len() {
                return Err(Reject::Principal);
            }
            let chain = walk.finish(entries);
            done.chains.insert(chain.latest.vault_id, chain);
        }
        let is_found = |via: &crate::entry::Via| done.principals.at(&via.vault_id, &via.head);
        if also.iter().all(|via| is_found(via).is_some()) {
            Ok(done)
        } else {
            Err(Reject::Principal)
        }
    }

    /// Every verified chain.
    pub fn all(&self) -> impl Iterator<Item = &MembershipChain> {
        self.chains.values()
    }

    /// The verified chain of a vault that was shown.
    pub fn of(&self, vault_id: &VaultId) -> Option<&MembershipChain> {
        self.chains.get(vault_id)
    }

    /// The memberships that entries name, and the newest of each vault.
    pub const fn principals(&self) -> &Principals {
        &self.principals
    }
}

/// Steps a state by one entry with the leaves in `known`, and updates them.
///
/// # Errors
/// [`Reject`] if the entry is not valid; nothing has changed then.
pub fn replay(
    state: &VaultState,
    known: impl Fn(&NodeId) -> Option<Leaf>,
    principals: &Principals,
    entry: &Entry,
) -> Result<Transition, Reject> {
    let touched: Touched = entry
        .state_ops()
        .iter()
        .filter_map(|op| known(op.node_id()).map(|leaf| (*op.node_id(), leaf)))
        .collect();
    apply(state, &touched, principals, entry)
}
