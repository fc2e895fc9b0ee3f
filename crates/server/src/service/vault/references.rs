//! Which references an entry adds and removes, and what that means for
//! quotas and for contents that nobody refers to any more. Pure.

use std::collections::{BTreeMap, BTreeSet};

use sv_ledger::entry::{Entry, StateOp};
use sv_ledger::id::{ContentId, NodeId, VaultId};

use super::prepare::rejected;
use crate::service::Result;
use crate::store::references::Counts;

/// One reference: a node to a content.
pub(super) type Reference = (NodeId, ContentId);

/// How an entry changes a vault's references.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ReferenceChanges {
    /// New ones.
    pub(super) added: BTreeSet<Reference>,
    /// Those dropped by a put.
    pub(super) dropped: BTreeSet<Reference>,
    /// Nodes that are deleted with all theirs.
    pub(super) deleted: BTreeSet<NodeId>,
    /// What those had.
    deleted_references: BTreeSet<Reference>,
}

impl ReferenceChanges {
    /// By an entry, where its nodes have the references `existing`.
    ///
    /// # Errors
    /// A refusal if it adds what is there or drops what is not.
    pub(super) fn new(entry: &Entry, existing: &BTreeSet<Reference>) -> Result<Self> {
        let mut changes = Self::default();
        for op in entry.state_ops() {
            let node = *op.node_id();
            let StateOp::Put(put) = op else {
                changes.deleted.insert(node);
                continue;
            };
            for content in &put.added {
                let reference = (node, content.content_id);
                if existing.contains(&reference) || !changes.added.insert(reference) {
                    return Err(rejected(
                        "a record adds a content that it refers to already",
                    ));
                }
            }
            for content in &put.dropped {
                let reference = (node, *content);
                if !existing.contains(&reference) || !changes.dropped.insert(reference) {
                    return Err(rejected(
                        "a record drops a content that it does not refer to",
                    ));
                }
            }
        }
        changes.deleted_references = existing
            .iter()
            .filter(|(node, _)| changes.deleted.contains(node))
            .copied()
            .collect();
        Ok(changes)
    }

    /// Every content whose references change.
    pub(super) fn contents(&self) -> BTreeSet<ContentId> {
        self.added
            .iter()
            .chain(self.removed())
            .map(|(_, content)| *content)
            .collect()
    }

    /// What it means for each content, given how many references each owner
    /// had before and who owns this vault.
    pub(super) fn effects(&self, before: &Counts, owner: VaultId) -> Effects {
        let mut change: BTreeMap<ContentId, i64> = BTreeMap::new();
        for (_, content) in &self.added {
            *change.entry(*content).or_default() += 1;
        }
        for (_, content) in self.removed() {
            *change.entry(*content).or_default() -= 1;
        }
        let mut all_before: BTreeMap<ContentId, i64> = BTreeMap::new();
        for ((content, _), count) in before {
            *all_before.entry(*content).or_default() += count;
        }
        let mut effects = Effects::default();
        for (content, change) in change {
            let owned = before.get(&(content, owner)).copied().unwrap_or(0);
            let all = all_before.get(&content).copied().unwrap_or(0);
            if owned == 0 && owned + change > 0 {
                effects.charged.insert(content);
            }
            if owned > 0 && owned + change <= 0 {
                effects.released.insert(content);
            }
            if all == 0 && all + change > 0 {
                effects.revived.insert(content);
            }
            if all > 0 && all + change <= 0 {
                effects.unreferenced.insert(content);
            }
        }
        effects
    }

    fn removed(&self) -> impl Iterator<Item = &Reference> {
        self.dropped.iter().chain(&self.deleted_references)
    }
}

/// What changed references mean.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Effects {
    /// Contents the owner is charged for from now on.
    pub(super) charged: BTreeSet<ContentId>,
    /// Contents the owner is no longer charged for.
    pub(super) released: BTreeSet<ContentId>,
    /// Contents that had no reference and have one.
    pub(super) revived: BTreeSet<ContentId>,
    /// Contents whose last reference goes.
    pub(super) unreferenced: BTreeSet<ContentId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: VaultId = VaultId::new([1; 32]);
    const OTHER: VaultId = VaultId::new([2; 32]);

    fn reference(node: u8, content: u8) -> Reference {
        (NodeId::new([node; 16]), ContentId::new([content; 16]))
    }

    #[test]
    fn a_move_between_nodes_changes_nothing_for_the_content() {
        let changes = ReferenceChanges {
            added: [reference(2, 9)].into(),
            dropped: [reference(1, 9)].into(),
            ..ReferenceChanges::default()
        };
        let before = Counts::from([((ContentId::new([9; 16]), OWNER), 1)]);
        assert_eq!(changes.effects(&before, OWNER), Effects::default());
    }

    #[test]
    fn the_last_reference_of_an_owner_is_not_the_last_of_all() {
        let content = ContentId::new([9; 16]);
        let changes = ReferenceChanges {
            dropped: [reference(1, 9)].into(),
            ..ReferenceChanges::default()
        };
        let before = Counts::from([((content, OWNER), 1), ((content, OTHER), 1)]);
        let effects = changes.effects(&before, OWNER);
        assert_eq!(effects.released, [content].into());
        assert!(effects.unreferenced.is_empty());
    }

    #[test]
    fn the_first_reference_charges_once() {
        let content = ContentId::new([9; 16]);
        let changes = ReferenceChanges {
            added: [reference(1, 9), reference(2, 9)].into(),
            ..ReferenceChanges::default()
        };
        let effects = changes.effects(&Counts::new(), OWNER);
        assert_eq!(effects.charged, [content].into());
        assert_eq!(effects.revived, [content].into());
    }
}
