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
        for entry in entries {
            let last = chain.steps.last().ok_or(Reject::Membership)?;
            let after = chain.seqs.last().copied().unwrap_or(0);
            let is_first = chain.seqs.is_empty();
            if entry.body().seq <= after || (is_first && entry.body().seq != 1) {
                return Err(Reject::NotNext);
            }
            chain.steps.push(last.step(entry)?);
            chain.seqs.push(entry.body().seq);
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
