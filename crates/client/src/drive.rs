//! A person's drive: files, folders and notes by path, on top of a verified
//! vault.

mod arrange;
mod item;
mod select;
mod trash;
mod versions;

pub(crate) use arrange::{put_instead, put_with_contents};
pub use item::{Item, Usage};
pub use trash::Trashed;
pub(crate) use versions::add_version;
pub use versions::{Restored, VersionInfo};

use sv_core::record::{Kind, Payload, Record};
use sv_ledger::id::{ContentId, NodeId};
use sv_ledger::state::Role;

use crate::account::Session;
use crate::error::{ClientError, Result};
use crate::path::RemotePath;
use crate::port::Platform;
use crate::progress::Reporter;
use crate::transfer::replace_exposed;
use crate::tree::{Nodes, Place, Tree};
use crate::vault::{Change, Replica, Vault};

/// An open drive.
pub struct Drive<'s, P> {
    pub(crate) vault: Vault<'s, P>,
    pub(crate) tree: Tree,
    /// The path under which its root is shown, without a slash at the end.
    pub(crate) base: String,
}

impl Nodes for Replica {
    fn each(&self) -> impl Iterator<Item = (NodeId, &Record, Role)> {
        self.nodes()
            .iter()
            .filter_map(|(id, node)| Some((*id, node.record()?, node.leaf().creator_role)))
    }
}

impl<'s, P: Platform> Drive<'s, P> {
    /// Opens the drive and follows it to its newest state.
    ///
    /// # Errors
    /// Any [`crate::Tamper`], or those of a call.
    pub async fn open(session: &'s Session<P>) -> Result<Self> {
        Ok(Self::of(Vault::drive(session).await?, String::new()))
    }

    /// The files of a vault, shown under that path.
    pub fn of(vault: Vault<'s, P>, base: String) -> Self {
        let tree = Tree::build(vault.replica());
        Self { vault, tree, base }
    }

    /// The vault underneath, without its tree.
    pub(crate) fn into_vault(self) -> Vault<'s, P> {
        self.vault
    }

    /// Follows the drive to its newest state.
    ///
    /// # Errors
    /// Any [`crate::Tamper`], or those of a call.
    pub async fn refresh(&mut self) -> Result<()> {
        let done = self.vault.sync().await;
        self.rebuild();
        done.map(drop)
    }

    /// Carries out commits, and puts anew what others may have a key of that
    /// they are not to have any more.
    pub(crate) async fn commit(
        &mut self,
        commits: impl AsyncFnOnce(&mut Vault<'s, P>) -> Result<()>,
    ) -> Result<()> {
        self.commit_only(commits).await?;
        // Boxed, and the same code for every commit: a browser loads it.
        Box::pin(replace_exposed(self, &Reporter::silent())).await
    }

    /// Carries out commits. Whatever comes of them, the tree is that of the
    /// replica afterwards: a plan that is refused may have been tried on a
    /// newer state first.
    pub(crate) async fn commit_only(
        &mut self,
        commits: impl AsyncFnOnce(&mut Vault<'s, P>) -> Result<()>,
    ) -> Result<()> {
        let done = commits(&mut self.vault).await;
        self.rebuild();
        done
    }

    /// Builds the tree anew: an upload that runs beside other work does not do
    /// so for everything that lands.
    pub fn rebuild(&mut self) {
        self.tree = Tree::build(self.vault.replica());
    }

    /// The vault underneath.
    pub const fn vault(&self) -> &Vault<'s, P> {
        &self.vault
    }

    /// The same, to change who has access to it. What it holds is not changed
    /// so: the tree would not be that of the vault.
    pub const fn vault_mut(&mut self) -> &mut Vault<'s, P> {
        &mut self.vault
    }

    /// The folder tree.
    pub const fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Nodes that are there but cannot be read, for whoever made them sealed
    /// something impossible; with the account that did.
    pub fn quarantined(&self) -> Vec<(NodeId, sv_ledger::id::VaultId)> {
        let nodes = self.vault.replica().nodes().iter();
        nodes
            .filter(|(_, node)| node.payload().is_none())
            .map(|(id, node)| (*id, node.leaf().creator))
            .collect()
    }

    /// What a path leads to.
    ///
    /// # Errors
    /// [`ClientError::NotFound`].
    pub fn find_place(&self, path: &RemotePath) -> Result<Place> {
        self.tree
            .find(path)
            .ok_or_else(|| ClientError::NotFound(path.to_string()))
    }

    /// The node a path leads to.
    ///
    /// # Errors
    /// [`ClientError::NotFound`], or [`ClientError::Misuse`] for the drive
    /// itself.
    pub fn find_node(&self, path: &RemotePath) -> Result<(NodeId, &Record)> {
        match self.find_place(path)? {
            Place::Node(id) => Ok((id, self.record(&id)?)),
            Place::Root | Place::LostAndFound => Err(ClientError::misuse(format!(
                "{path}: not something this can be done to"
            ))),
        }
    }

    pub(crate) fn record(&self, id: &NodeId) -> Result<&Record> {
        record_in(self.vault.replica(), id)
    }

    /// The folder to put something in: `None` for the drive itself.
    pub(crate) fn find_folder(&self, path: &RemotePath) -> Result<Option<NodeId>> {
        match self.find_place(path)? {
            Place::Root => Ok(None),
            Place::Node(id) if self.record(&id)?.kind == Kind::Folder => Ok(Some(id)),
            Place::Node(_) => Err(ClientError::misuse(format!("{path}: not a folder"))),
            Place::LostAndFound => Err(ClientError::misuse(format!(
                "{path}: nothing can be put here; move what is in it somewhere else"
            ))),
        }
    }

    pub(crate) fn new_node_id(&self) -> NodeId {
        NodeId::new(self.vault.session().platform().random_bytes())
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.vault.session().platform().now_ms()
    }

    /// Applies `change` to the newest record of each node, in as few entries
    /// as possible. A node that is gone by then is left out.
    pub(crate) async fn edit(
        &mut self,
        nodes: &[NodeId],
        change: impl Fn(&mut Record),
    ) -> Result<()> {
        let plan = |replica: &Replica, id: &NodeId| {
            let Some(record) = replica.record(id) else {
                return Ok(None);
            };
            let mut record = record.clone();
            change(&mut record);
            Ok(Some(Change::put(*id, Payload::Node(record))))
        };
        self.commit(async |vault| vault.commit_each(nodes, plan).await)
            .await
    }
}

pub(crate) fn record_in<'r>(replica: &'r Replica, id: &NodeId) -> Result<&'r Record> {
    replica.record(id).ok_or_else(|| {
        ClientError::misuse("somebody else removed this meanwhile; look again and decide")
    })
}

/// Contents that `old` refers to and `new` does not.
pub(crate) fn dropped(old: &Record, new: &Record) -> Vec<ContentId> {
    let kept: std::collections::BTreeSet<ContentId> = new
        .versions
        .iter()
        .map(|version| version.content_id)
        .collect();
    let mut gone: Vec<ContentId> = old
        .versions
        .iter()
        .map(|version| version.content_id)
        .collect();
    gone.sort_unstable();
    gone.dedup();
    gone.retain(|id| !kept.contains(id));
    gone
}
