//! Several nodes at a time, by their ids: as few entries as possible, so that
//! what was chosen together happens together.

use std::collections::{BTreeMap, BTreeSet};

use sv_core::Name;
use sv_core::record::{Kind, Mount, Payload, Record};
use sv_ledger::id::{ContentId, NodeId, VaultId};

use super::arrange::{put_with_contents, require_folder};
use super::{Drive, record_in};
use crate::error::{ClientError, Result};
use crate::port::Platform;
use crate::tree::{Place, Tree, with_suffix};
use crate::vault::{Change, Replica};

impl<P: Platform> Drive<'_, P> {
    /// Makes a folder in a folder (`None` for the drive itself).
    ///
    /// # Errors
    /// [`ClientError::Misuse`] if the folder to put it in is gone.
    pub async fn make_folder_in(&mut self, parent: Option<NodeId>, name: Name) -> Result<NodeId> {
        let id = self.new_node_id();
        let record = Record::new(Kind::Folder, name, parent, self.now_ms());
        let plan = |replica: &Replica| {
            require_folder(replica, parent)?;
            Ok(vec![Change::put(id, Payload::Node(record.clone()))])
        };
        self.commit(async |vault| vault.commit(&[], plan).await)
            .await?;
        Ok(id)
    }

    /// Mounts a vault in a folder (`None` for the drive itself): shows all of
    /// it there as a folder. A name that is taken gets a number.
    ///
    /// # Errors
    /// [`ClientError::Misuse`] if the folder to put it in is gone.
    pub async fn mount_in(
        &mut self,
        parent: Option<NodeId>,
        name: &Name,
        vault_id: VaultId,
    ) -> Result<NodeId> {
        let id = self.new_node_id();
        let name = free_name(name, &mut self.names_in(parent, &[]))?;
        let mut record = Record::new(Kind::Mount, name, parent, self.now_ms());
        let node = None;
        record.mount = Some(Mount { vault_id, node });
        let plan = |replica: &Replica| {
            require_folder(replica, parent)?;
            Ok(vec![Change::put(id, Payload::Node(record.clone()))])
        };
        self.commit(async |vault| vault.commit(&[], plan).await)
            .await?;
        Ok(id)
    }

    /// Gives a node another name in its folder.
    ///
    /// # Errors
    /// Those of a commit.
    pub async fn rename_node(&mut self, id: NodeId, name: &Name) -> Result<()> {
        self.edit(&[id], |record| record.name = name.clone()).await
    }

    /// Moves nodes into a folder (`None` for the drive itself). A name that is
    /// taken there gets a number.
    ///
    /// # Errors
    /// [`ClientError::Misuse`] if a folder would come to lie inside itself, or
    /// something is gone.
    pub async fn move_nodes(&mut self, ids: &[NodeId], folder: Option<NodeId>) -> Result<()> {
        let mut names = self.names_in(folder, ids);
        let mut moves = Vec::new();
        for id in ids {
            let record = self.record(id)?;
            if record.parent != folder {
                moves.push((*id, free_name(&record.name, &mut names)?));
            }
        }
        let plan = |replica: &Replica, (id, name): &(NodeId, Name)| {
            let mut record = record_in(replica, id)?.clone();
            require_folder(replica, folder)?;
            if folder.is_some_and(|into| into == *id || Tree::inside(*id, replica).contains(&into))
            {
                return Err(ClientError::misuse("a folder cannot be moved into itself"));
            }
            record.parent = folder;
            record.name = name.clone();
            Ok(Some(Change::put(*id, Payload::Node(record))))
        };
        self.commit(async |vault| vault.commit_each(&moves, plan).await)
            .await
    }

    /// Copies nodes into a folder (`None` for the drive itself), folders with
    /// all that is in them. No bytes move: the copies refer to the same
    /// contents, newest versions only. Gives the copies, in the same order.
    ///
    /// # Errors
    /// [`ClientError::Misuse`] if something is gone.
    pub async fn copy_nodes(
        &mut self,
        ids: &[NodeId],
        folder: Option<NodeId>,
    ) -> Result<Vec<NodeId>> {
        let mut names = self.names_in(folder, &[]);
        let (mut copies, mut made) = (Vec::new(), Vec::new());
        for id in ids {
            let name = free_name(&self.record(id)?.name.clone(), &mut names)?;
            let copied = self.copies_of(*id, folder, name)?;
            made.extend(copied.first().map(|(copy, _)| *copy));
            copies.extend(copied);
        }
        self.land_copies(&copies, folder).await?;
        Ok(made)
    }

    /// A copy of a node and of everything in it; its own first.
    pub(super) fn copies_of(
        &self,
        id: NodeId,
        folder: Option<NodeId>,
        name: Name,
    ) -> Result<Vec<(NodeId, Record)>> {
        let now_ms = self.now_ms();
        let mut ids: BTreeMap<NodeId, NodeId> = BTreeMap::new();
        let mut copies = Vec::new();
        for (_, source) in self.tree.walk(Place::Node(id)) {
            let copy_id = self.new_node_id();
            ids.insert(source, copy_id);
            let original = self.record(&source)?;
            let mut copy = Record::new(original.kind, original.name.clone(), folder, now_ms);
            copy.modified_ms = original.modified_ms;
            copy.mime = original.mime.clone();
            copy.executable = original.executable;
            copy.tags = original.tags.clone();
            copy.mount = original.mount;
            copy.versions = original.current().cloned().into_iter().collect();
            if source == id {
                copy.name = name.clone();
            } else {
                copy.parent = original.parent.and_then(|parent| ids.get(&parent).copied());
            }
            copies.push((copy_id, copy));
        }
        Ok(copies)
    }

    /// Copies nodes of another vault into a folder of this one (`None` for its
    /// root), as [`Self::copy_nodes`] does within one.
    ///
    /// # Errors
    /// [`ClientError::Misuse`] if something is gone.
    pub async fn copy_nodes_from(
        &mut self,
        other: &Drive<'_, P>,
        ids: &[NodeId],
        folder: Option<NodeId>,
    ) -> Result<Vec<NodeId>> {
        let mut names = self.names_in(folder, &[]);
        let (mut copies, mut made) = (Vec::new(), Vec::new());
        for id in ids {
            let name = free_name(&other.record(id)?.name.clone(), &mut names)?;
            let copied = other.copies_of(*id, folder, name)?;
            made.extend(copied.first().map(|(copy, _)| *copy));
            copies.extend(copied);
        }
        self.land_copies(&copies, folder).await?;
        Ok(made)
    }

    /// Puts copies, as few entries as possible.
    pub(super) async fn land_copies(
        &mut self,
        copies: &[(NodeId, Record)],
        folder: Option<NodeId>,
    ) -> Result<()> {
        let plan = |replica: &Replica, (id, copy): &(NodeId, Record)| {
            require_folder(replica, folder)?;
            put_with_contents(*id, copy).map(Some)
        };
        self.commit(async |vault| vault.commit_each(copies, plan).await)
            .await
    }

    /// Makes an old version of a file the newest again.
    ///
    /// # Errors
    /// [`ClientError::Misuse`] if it was thinned out meanwhile.
    pub async fn restore_content(&mut self, id: NodeId, content: ContentId) -> Result<()> {
        self.bring_back(&[(id, content)]).await
    }

    /// Names in use in a folder, but for those of `leaving`.
    fn names_in(&self, folder: Option<NodeId>, leaving: &[NodeId]) -> BTreeSet<String> {
        let rows = self.tree.rows(folder.map_or(Place::Root, Place::Node));
        rows.into_iter()
            .filter(|row| row.node.is_none_or(|id| !leaving.contains(&id)))
            .map(|row| row.name)
            .collect()
    }
}

/// The name, or the first with a number that is free; taken from then on.
fn free_name(name: &Name, taken: &mut BTreeSet<String>) -> Result<Name> {
    let mut free = name.clone();
    let mut number = 2;
    while !taken.insert(free.to_string()) {
        free = Name::parse(&with_suffix(name.as_str(), number))?;
        number += 1;
    }
    Ok(free)
}
