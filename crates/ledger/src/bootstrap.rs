//! How a device without earlier state comes to trust a vault: the membership
//! chain from the genesis, one checkpoint entry whose digest the list of
//! leaves must give, and every later entry replayed (spec: `log.md` §6).

use crate::apply::{Reject, Touched, Transition, apply};
use crate::digest::Accumulator;
use crate::entry::Entry;
use crate::genesis::Genesis;
use crate::id::{NodeId, VaultId};
use crate::state::{Head, Leaf, Membership, Role, VaultState};

/// Every membership a vault has had, verified from its genesis.
#[derive(Debug, Clone)]
pub struct MembershipChain {
    /// `steps[k]` is the membership after `k` membership entries.
    steps: Vec<Membership>,
    /// Sequence numbers of the membership entries.
    seqs: Vec<u64>,
}

impl MembershipChain {
    /// Verifies a chain for the vault that was asked for.
    ///
    /// # Errors
    /// [`Reject::WrongVault`] if the genesis does not hash to `vault_id`, or
    /// the [`Reject`] of the first entry that is not valid.
    pub fn verify(
        vault_id: &VaultId,
        genesis: &Genesis,
        entries: &[Entry],
    ) -> Result<Self, Reject> {
        if genesis.vault_id() != *vault_id {
            return Err(Reject::WrongVault);
        }
        let mut chain = Self {
            steps: vec![Membership::begin(genesis)?],
            seqs: Vec::new(),
        };
        let mut last_digest = Accumulator::default().digest(vault_id);
        for entry in entries {
            let body = entry.body();
            let last = chain.steps.last().ok_or(Reject::Membership)?;
            let last_seq = chain.seqs.last().copied().unwrap_or(0);
            let is_adjacent = last_seq.checked_add(1) == Some(body.seq);
            if body.seq <= last_seq
                || (chain.seqs.is_empty() && !is_adjacent)
                || (is_adjacent && body.prev_hash != last.head.hash)
            {
                return Err(Reject::NotNext);
            }
            let next = last.step(entry)?;
            if is_adjacent && body.state_digest != last_digest {
                return Err(Reject::Digest);
            }
            last_digest = body.state_digest;
            chain.steps.push(next);
            chain.seqs.push(body.seq);
        }
        Ok(chain)
    }

    /// The latest membership.
    ///
    /// # Errors
    /// [`Reject::Membership`] for a chain without entry 1, under which
    /// nothing can be written.
    pub fn latest(&self) -> Result<&Membership, Reject> {
        self.steps
            .last()
            .filter(|m| m.epoch > 0)
            .ok_or(Reject::Membership)
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
    ) -> Result<VaultState, Reject> {
        let body = entry.body();
        let below = self.seqs.partition_point(|seq| *seq < body.seq);
        let before = self.steps.get(below).ok_or(Reject::Membership)?;
        let author = before.author(entry)?;
        if author.role < Role::Editor {
            return Err(Reject::Role);
        }
        let last_seq = below.checked_sub(1).and_then(|k| self.seqs.get(k));
        let is_adjacent = last_seq.is_some_and(|seq| seq.checked_add(1) == Some(body.seq));
        if is_adjacent && body.prev_hash != before.head.hash {
            return Err(Reject::NotNext);
        }
        let stands_in_chain = self.seqs.get(below) == Some(&body.seq);
        let membership = match (entry.is_membership(), stands_in_chain) {
            (false, false) if body.epoch == before.epoch && body.epoch > 0 => before.clone(),
            (true, true) => {
                let after = self.steps.get(below + 1).ok_or(Reject::Membership)?;
                if after.head.hash != entry.hash() {
                    return Err(Reject::Membership);
                }
                after.clone()
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

/// Steps a state by one entry with the leaves in `known`, and updates them.
///
/// # Errors
/// [`Reject`] if the entry is not valid; nothing has changed then.
pub fn replay(
    state: &VaultState,
    known: impl Fn(&NodeId) -> Option<Leaf>,
    entry: &Entry,
) -> Result<Transition, Reject> {
    let touched: Touched = entry
        .state_ops()
        .iter()
        .filter_map(|op| known(op.node_id()).map(|leaf| (*op.node_id(), leaf)))
        .collect();
    apply(state, &touched, entry)
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};

    use super::*;
    use crate::enc::Statement;
    use crate::entry::{EntryBody, Ops, StateOp};
    use crate::genesis::VaultKind;
    use crate::id::{Hash, SignPublicKey};
    use crate::state::Member;

    /// Grants come with the sharing release, so that only here a chain can
    /// have a member below owner. Fails without the role in `checkpoint`.
    #[test]
    fn a_checkpoint_is_by_an_editor_or_higher() {
        let vault_id = VaultId::new([1; 32]);
        let head = |n: u8| Head {
            seq: n.into(),
            hash: Hash::new([n; 32]),
        };
        let key = SigningKey::from_bytes(&[7; 32]);
        let author = VaultId::new([7; 32]);
        for (role, expected) in [
            (Role::Viewer, Err(Reject::Role)),
            (Role::Contributor, Err(Reject::Role)),
            (Role::Editor, Ok(())),
            (Role::Manager, Ok(())),
            (Role::Owner, Ok(())),
        ] {
            let member = Member {
                role,
                generation: 1,
                sign_pk: SignPublicKey::new(key.verifying_key().to_bytes()),
                kem_hash: Hash::new([8; 32]),
            };
            let membership = |n: u8| Membership {
                vault_id,
                kind: VaultKind::Drive,
                head: head(n),
                epoch: n.into(),
                members: [(author, member)].into(),
            };
            let chain = MembershipChain {
                steps: vec![membership(0), membership(1)],
                seqs: vec![1],
            };
            let body = EntryBody {
                vault_id,
                seq: 5,
                prev_hash: Hash::new([4; 32]),
                member_seq: 1,
                member_hash: head(1).hash,
                epoch: 1,
                author,
                author_generation: 1,
                timestamp_ms: 0,
                ops: Ops::state(vec![StateOp::Delete(NodeId::new([9; 16]))]),
                state_digest: Accumulator::default().digest(&vault_id),
            };
            let input = Statement::Entry.signing_input(&body.hash());
            let entry = body.with_signature(key.sign(&input).to_bytes());
            assert_eq!(chain.checkpoint(&entry, &[]).map(drop), expected);
        }
    }
}
