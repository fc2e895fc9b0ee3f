//! The trash: a flag inside records, so only clients see and empty it.

use std::collections::BTreeSet;

use sv_core::record::Trashed as TrashedFlag;
use sv_ledger::id::NodeId;
use sv_ledger::limits::TRASH_MS;
use sv_ledger::state::Leaf;

use super::{Drive, Item};
use crate::error::{ClientError, Result};
use crate::path::RemotePath;
use crate::port::Platform;
use crate::tree::Tree;
use crate::vault::{Change, Replica};

/// Something in the trash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trashed {
    /// What it is; its path is only its name.
    pub item: Item,
    /// When it was put there, Unix milliseconds.
    pub at_ms: u64,
    /// The folder it was in, if that is still there.
    pub from: Option<String>,
}

impl<P: Platform> Drive<'_, P> {
    /// Puts something into the trash, with all that is in it.
    ///
    /// # Errors
    /// [`ClientError::NotFound`].
    pub async fn trash(&mut self, path: &RemotePath) -> Result<()> {
        let (id, _) = self.find_node(path)?;
        self.trash_nodes(&[id]).await
    }

    /// Puts nodes into the trash, with all that is in them.
    ///
    /// # Errors
    /// Those of a commit.
    pub async fn trash_nodes(&mut self, ids: &[NodeId]) -> Result<()> {
        let at_ms = self.now_ms();
        self.edit(ids, |record| record.trashed = Some(TrashedFlag { at_ms }))
            .await
    }

    /// Takes nodes out of the trash: back to their folder, or to the top of
    /// the drive where that is gone or in the trash itself.
    ///
    /// # Errors
    /// Those of a commit.
    pub async fn untrash_nodes(&mut self, ids: &[NodeId]) -> Result<()> {
        let (at_home, homeless): (Vec<NodeId>, Vec<NodeId>) =
            ids.iter().partition(|id| self.has_home(id));
        self.edit(&at_home, |record| record.trashed = None).await?;
        self.edit(&homeless, |record| {
            record.trashed = None;
            record.parent = None;
        })
        .await
    }

    fn has_home(&self, id: &NodeId) -> bool {
        let parent = self.record(id).ok().and_then(|record| record.parent);
        parent.is_none_or(|parent| self.tree.path(&parent).is_some())
    }

    /// Removes something for good, with all that is in it. What somebody
    /// edited meanwhile stays.
    ///
    /// # Errors
    /// [`ClientError::NotFound`].
    pub async fn remove(&mut self, path: &RemotePath) -> Result<()> {
        let (id, _) = self.find_node(path)?;
        self.remove_nodes(&[id]).await
    }

    /// What is in the trash, newest first.
    pub fn trashed(&self) -> Vec<Trashed> {
        let mut found: Vec<Trashed> = self
            .tree
            .trashed()
            .iter()
            .filter_map(|id| {
                let record = self.record(id).ok()?;
                let from = match record.parent {
                    None => Some("/".to_owned()),
                    Some(parent) => self.tree.path(&parent),
                };
                Some(Trashed {
                    item: self.item(*id).ok()?,
                    at_ms: record.trashed?.at_ms,
                    from,
                })
            })
            .collect();
        found.sort_by_key(|trashed| std::cmp::Reverse(trashed.at_ms));
        found
    }

    /// Takes something out of the trash: the newest of that name. Where its
    /// folder is gone, it goes to the top of the drive. Gives its path.
    ///
    /// # Errors
    /// [`ClientError::NotFound`].
    pub async fn untrash(&mut self, name: &str) -> Result<String> {
        let wanted = name.trim_start_matches('/');
        let found = self.trashed().into_iter().find(|trashed| {
            let full = trashed
                .from
                .as_ref()
                .map(|from| format!("{from}/{}", trashed.item.name));
            trashed.item.name == wanted
                || full.is_some_and(|full| full.trim_start_matches('/') == wanted)
        });
        let trashed =
            found.ok_or_else(|| ClientError::NotFound(format!("{name} (in the trash)")))?;
        let id = trashed
            .item
            .node_id
            .ok_or_else(|| ClientError::NotFound(name.to_owned()))?;
        self.untrash_nodes(&[id]).await?;
        Ok(self.item(id)?.path)
    }

    /// Removes for good what has been in the trash for at least `older_ms`.
    /// Gives how many things that were.
    ///
    /// # Errors
    /// Those of a commit.
    pub async fn empty_trash(&mut self, older_ms: u64) -> Result<usize> {
        let before = self.now_ms().saturating_sub(older_ms);
        let due: Vec<NodeId> = self
            .trashed()
            .into_iter()
            .filter(|trashed| trashed.at_ms <= before)
            .filter_map(|trashed| trashed.item.node_id)
            .collect();
        if due.is_empty() {
            return Ok(0);
        }
        self.remove_nodes(&due).await?;
        Ok(due.len())
    }

    /// Removes what has been in the trash for 30 days.
    ///
    /// # Errors
    /// Those of a commit.
    pub async fn expire_trash(&mut self) -> Result<usize> {
        self.empty_trash(TRASH_MS).await
    }

    /// Removes nodes for good, with all that is in them. What somebody edited
    /// meanwhile stays.
    ///
    /// # Errors
    /// Those of a commit.
    pub async fn remove_nodes(&mut self, roots: &[NodeId]) -> Result<()> {
        let mut all: BTreeSet<NodeId> = roots.iter().copied().collect();
        for root in roots {
            all.extend(Tree::inside(*root, self.vault.replica()));
        }
        // Leaves of the tree first would be no better: until the last entry
        // lands, what remains is shown, at worst under Lost and found.
        // The whole leaf, not its revision alone: a node that somebody else
        // removed and an edit brought back counts from 1 again.
        let planned: Vec<(NodeId, Leaf)> = all
            .iter()
            .filter_map(|id| Some((*id, *self.vault.replica().nodes().get(id)?.leaf())))
            .collect();
        let plan = |replica: &Replica, (id, leaf): &(NodeId, Leaf)| {
            let now = replica.nodes().get(id);
            let is_unchanged = now.is_some_and(|node| node.leaf() == leaf);
            Ok(is_unchanged.then_some(Change::Delete(*id)))
        };
        self.commit(async |vault| vault.commit_each(&planned, plan).await)
            .await
    }
}
