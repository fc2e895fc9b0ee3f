//! Making folders, moving and copying.

use sv_core::Name;
use sv_core::record::{Kind, Payload, Record, Version};
use sv_ledger::entry::ContentAdded;
use sv_ledger::id::NodeId;

use super::{Drive, dropped, record_in};
use crate::error::{ClientError, Result};
use crate::path::RemotePath;
use crate::port::Platform;
use crate::transfer::described;
use crate::tree::{Place, Tree};
use crate::vault::{Change, Replica};

/// Where something goes: a folder, and its name there.
struct Destination {
    folder: Option<NodeId>,
    name: Name,
}

impl<P: Platform> Drive<'_, P> {
    /// Makes a folder, and with `parents` those above it that are missing.
    /// With `parents`, a folder that is there already is fine.
    ///
    /// # Errors
    /// [`ClientError::Misuse`] if something of that name is there.
    pub async fn make_folder(&mut self, path: &RemotePath, parents: bool) -> Result<()> {
        let Some((parent, name)) = path.split_last() else {
            return if parents {
                Ok(())
            } else {
                Err(ClientError::misuse("/: is there already"))
            };
        };
        if self.tree.find(path).is_some() {
            return match (parents, self.find_folder(path)) {
                (true, Ok(_)) => Ok(()),
                _ => Err(ClientError::misuse(format!("{path}: is there already"))),
            };
        }
        let (mut above, mut missing) = (parent, vec![name.clone()]);
        while parents && self.tree.find(&above).is_none() {
            let Some((parent, name)) = above.split_last() else {
                break;
            };
            missing.push(name.clone());
            above = parent;
        }
        // Only the deepest that is there has to take something: folders in
        // "Lost and found" do, and it does not.
        let (now_ms, mut folder, mut made) = (self.now_ms(), self.find_folder(&above)?, Vec::new());
        for name in missing.into_iter().rev() {
            let id = self.new_node_id();
            made.push((id, Record::new(Kind::Folder, name, folder, now_ms)));
            folder = Some(id);
        }
        let plan = |replica: &Replica| {
            require_folder(replica, made.first().and_then(|(_, record)| record.parent))?;
            let puts = made
                .iter()
                .map(|(id, r)| Change::put(*id, Payload::Node(r.clone())));
            Ok(puts.collect())
        };
        self.commit(async |vault| vault.commit(&[], plan).await)
            .await
    }

    /// Moves or renames: into `to` if that is a folder, else to that name.
    /// Gives the new path.
    ///
    /// # Errors
    /// [`ClientError::Misuse`] if something is there, or a folder would come
    /// to lie inside itself.
    pub async fn rename(&mut self, from: &RemotePath, to: &RemotePath) -> Result<String> {
        let (id, record) = self.find_node(from)?;
        let Destination { folder, name } = self.destination(to, &record.name.clone())?;
        let plan = |replica: &Replica| {
            let mut record = record_in(replica, &id)?.clone();
            require_folder(replica, folder)?;
            if folder.is_some_and(|into| into == id || Tree::inside(id, replica).contains(&into)) {
                return Err(ClientError::misuse(format!(
                    "{from}: cannot be moved into itself"
                )));
            }
            record.parent = folder;
            record.name = name.clone();
            Ok(vec![Change::put(id, Payload::Node(record))])
        };
        self.commit(async |vault| vault.commit(&[], plan).await)
            .await?;
        Ok(self.item(id)?.path)
    }

    /// Copies a file, or a folder with all that is in it, without moving
    /// bytes: the copies refer to the same contents. Only newest versions are
    /// copied. Gives the new path.
    ///
    /// # Errors
    /// [`ClientError::Misuse`] if something is there already.
    pub async fn copy(&mut self, from: &RemotePath, to: &RemotePath) -> Result<String> {
        let (id, record) = self.find_node(from)?;
        let Destination { folder, name } = self.destination(to, &record.name.clone())?;
        let copies = self.copies_of(id, folder, name)?;
        self.land(folder, copies).await
    }

    /// The same out of another vault.
    ///
    /// # Errors
    /// As [`Self::copy`].
    pub(crate) async fn copy_from(
        &mut self,
        other: &Drive<'_, P>,
        from: &RemotePath,
        to: &RemotePath,
    ) -> Result<String> {
        let (id, record) = other.find_node(from)?;
        let Destination { folder, name } = self.destination(to, &record.name.clone())?;
        let copies = other.copies_of(id, folder, name)?;
        self.land(folder, copies).await
    }

    /// Puts copies, of which the first is what was copied; gives its path.
    async fn land(
        &mut self,
        folder: Option<NodeId>,
        copies: Vec<(NodeId, Record)>,
    ) -> Result<String> {
        self.land_copies(&copies, folder).await?;
        match copies.first() {
            Some((copy, _)) => Ok(self.item(*copy)?.path),
            None => Err(ClientError::Interrupted),
        }
    }

    fn destination(&self, to: &RemotePath, own_name: &Name) -> Result<Destination> {
        match self.tree.find(to) {
            Some(Place::Root) => self.free(
                Destination {
                    folder: None,
                    name: own_name.clone(),
                },
                to,
            ),
            Some(Place::Node(id)) if self.record(&id)?.kind == Kind::Folder => {
                let inside = to.join(own_name.clone());
                self.free(
                    Destination {
                        folder: Some(id),
                        name: own_name.clone(),
                    },
                    &inside,
                )
            }
            Some(_) => Err(ClientError::misuse(format!("{to}: is there already"))),
            None => {
                let (parent, name) = to
                    .split_last()
                    .ok_or_else(|| ClientError::NotFound(to.to_string()))?;
                Ok(Destination {
                    folder: self.find_folder(&parent)?,
                    name: name.clone(),
                })
            }
        }
    }

    fn free(&self, destination: Destination, path: &RemotePath) -> Result<Destination> {
        let taken = *path != RemotePath::ROOT && self.tree.find(path).is_some()
            || *path == RemotePath::ROOT
                && self
                    .tree
                    .find(&path.join(destination.name.clone()))
                    .is_some();
        if taken {
            return Err(ClientError::misuse(format!("{path}: is there already")));
        }
        Ok(destination)
    }
}

/// Fails if a folder to put something in has gone to the trash meanwhile.
pub(crate) fn require_folder(replica: &Replica, folder: Option<NodeId>) -> Result<()> {
    let Some(id) = folder else { return Ok(()) };
    match replica.record(&id) {
        Some(record) if record.kind == Kind::Folder && record.trashed.is_none() => Ok(()),
        _ => Err(ClientError::misuse(
            "somebody else removed the folder meanwhile",
        )),
    }
}

/// A new node that refers to contents which are on the server already.
pub(crate) fn put_with_contents(node_id: NodeId, record: &Record) -> Result<Change> {
    let added = record
        .versions
        .iter()
        .map(content_of)
        .collect::<Result<_>>()?;
    let payload = Box::new(Payload::Node(record.clone()));
    Ok(Change::Put {
        node_id,
        payload,
        added,
        dropped: Vec::new(),
    })
}

/// Puts a record in the place of another.
pub(crate) fn put_instead(node_id: NodeId, there: &Record, record: &Record) -> Result<Change> {
    let is_new = |version: &&Version| {
        let mut known = there.versions.iter();
        !known.any(|one| one.content_id == version.content_id)
    };
    let added = record.versions.iter().filter(is_new).map(content_of);
    Ok(Change::Put {
        node_id,
        added: added.collect::<Result<_>>()?,
        dropped: dropped(there, record),
        payload: Box::new(Payload::Node(record.clone())),
    })
}

fn content_of(version: &Version) -> Result<ContentAdded> {
    let (suite, content_id) = (version.key.suite(), version.content_id);
    described(suite, content_id, version.size, version.blocks_root)
}
