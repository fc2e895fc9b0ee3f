//! A vault's log played again from its genesis. Pure.

use std::collections::{BTreeMap, BTreeSet};

use sv_ledger::apply::Reject;
use sv_ledger::bootstrap::replay;
use sv_ledger::digest::Accumulator;
use sv_ledger::entry::Entry;
use sv_ledger::genesis::Genesis;
use sv_ledger::id::{Hash, NodeId};
use sv_ledger::principals::Principals;
use sv_ledger::state::{Leaf, VaultState};

/// What the entries so far add up to.
pub(super) struct Replay {
    pub(super) state: VaultState,
    pub(super) leaves: BTreeMap<NodeId, Leaf>,
    pub(super) envelopes: BTreeSet<Hash>,
}

impl Replay {
    pub(super) fn begin(genesis: &Genesis) -> Result<Self, Reject> {
        Ok(Self {
            state: VaultState::begin(genesis)?,
            leaves: BTreeMap::new(),
            envelopes: BTreeSet::new(),
        })
    }

    /// Plays consecutive entries, up to the first that is not valid.
    ///
    /// `principals` has the memberships of other vaults that they name.
    pub(super) fn play(
        &mut self,
        entries: &[Entry],
        principals: &Principals,
    ) -> Result<(), (u64, Reject)> {
        for entry in entries {
            let leaf = |node: &NodeId| self.leaves.get(node).copied();
            let next = replay(&self.state, leaf, principals, entry)
                .map_err(|reason| (entry.body().seq, reason))?;
            self.state = next.state;
            for (node, leaf) in next.leaves {
                match leaf {
                    Some(leaf) => self.leaves.insert(node, leaf),
                    None => self.leaves.remove(&node),
                };
            }
            if entry.is_membership() {
                self.envelopes.extend(entry.body_hashes());
            }
        }
        Ok(())
    }

    /// The sum over all leaves, added up anew.
    pub(super) fn accumulator(&self) -> Accumulator {
        let mut sum = Accumulator::default();
        for (node, leaf) in &self.leaves {
            sum.insert(&self.state.vault_id(), node, leaf);
        }
        sum
    }

    /// Every record and envelope that must be stored.
    pub(super) fn bodies(&self) -> Vec<Hash> {
        let records = self.leaves.values().map(|leaf| leaf.record_hash);
        let all: BTreeSet<_> = records.chain(self.envelopes.iter().copied()).collect();
        all.into_iter().collect()
    }
}
