//! Calls on folders, files, notes, versions and the trash.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use sv_api::ErrorCode;
use sv_client::drive::Drive;
use sv_client::path::RemotePath;
use sv_client::port::StorageError;
use sv_client::progress::Reporter;
use sv_client::transfer::{LocalFiles, OnConflict, Reading, Source, UploadItem, UploadPlan};
use sv_core::Name;
use sv_core::record::{Kind, Record};
use sv_ledger::id::{ContentId, NodeId};
use sv_ledger::limits::BLOCK_LEN;

use super::open::{Job, Open};
use super::platform::{Browser, now_ms};
use super::space::Space;
use super::view::{View, share_of};
use crate::worker::failure::Failure;
use sv_bridge::{
    Copy, FailureKind, GetItem, GetUsage, ItemDetail, ItemId, ItemKind, ListFolder, ListIds,
    ListVersions, Listing, Move, NewFolder, NewNote, Place, ReadText, Remove, Rename,
    RestoreVersion, SaveText, ShareId, TextContent, Trash, Untrash, UsageInfo, VersionRow,
};

/// Nodes of each vault.
type ByVault = BTreeMap<Option<ShareId>, Vec<NodeId>>;

fn gone() -> Failure {
    Failure::new(FailureKind::Gone)
}

fn read_only() -> Failure {
    Failure::new(FailureKind::ReadOnly)
}

impl<'s> Open<'s> {
    pub(super) async fn list_folder(&self, call: ListFolder) -> Result<Listing, Failure> {
        let (view, place) = self.seen(call.folder).await?;
        let listing = view.list(place, call.order, call.from, call.count);
        let listing = listing.ok_or_else(gone)?;
        for share in view.needed_by(&listing.rows) {
            self.start(Job::Look(share));
        }
        Ok(listing)
    }

    pub(super) async fn list_ids(&self, call: ListIds) -> Result<Vec<ItemId>, Failure> {
        let (view, place) = self.seen(call.folder).await?;
        view.ids(place, call.order).ok_or_else(gone)
    }

    pub(super) async fn usage(&self, call: GetUsage) -> Result<UsageInfo, Failure> {
        let (view, place) = self.seen(call.folder).await?;
        view.usage(place).ok_or_else(gone)
    }

    /// What a place stands for, whose vault is open from now on, and the view
    /// it is in.
    pub(super) async fn seen(&self, place: Place) -> Result<(Rc<View>, Place), Failure> {
        // Of an item in a vault that is not open, nothing is known yet.
        self.space(share_of(place)).await?;
        let place = self.view().await.resolve(place);
        self.space(share_of(place)).await?;
        Ok((self.view().await, place))
    }

    /// What an item shows: of a mount of one file, that file, whose vault is
    /// open from now on.
    pub(super) async fn behind(&self, id: ItemId) -> Result<(Rc<Space<'s>>, ItemId), Failure> {
        self.space(id.share).await?;
        let behind = self.view().await.behind(id);
        Ok((self.space(behind.share).await?, behind))
    }

    pub(super) async fn item(&self, call: GetItem) -> Result<ItemDetail, Failure> {
        let (space, _) = self.behind(call.id).await?;
        let drive = space.drive().await;
        let view = self.view().await;
        view.detail(&drive, call.id).ok_or_else(gone)
    }

    /// The folder that a place is, to put something in: its vault and, unless
    /// it is the vault itself, its node.
    pub(super) async fn folder(
        &self,
        place: Place,
    ) -> Result<(Rc<Space<'s>>, Option<NodeId>), Failure> {
        let (view, place) = self.seen(place).await?;
        let folder = match place {
            Place::Root | Place::Share(_) => None,
            Place::LostAndFound(_) => return Err(gone()),
            Place::Folder(id) => match view.row(id, false) {
                Some(row) if row.kind == ItemKind::Folder => Some(id.node),
                _ => return Err(gone()),
            },
        };
        if !view.may_add(place) {
            return Err(read_only());
        }
        Ok((self.space(share_of(place)).await?, folder))
    }

    /// Carries out a change of a vault, and shows what came of it.
    pub(super) async fn change<T>(
        &self,
        space: &Space<'s>,
        work: impl AsyncFnOnce(&mut Drive<'s, Browser>) -> sv_client::error::Result<T>,
    ) -> Result<T, Failure> {
        let mut drive = space.drive().await;
        let done = work(&mut drive).await;
        self.renew(space, &drive);
        done.map_err(|error| self.failed(space.share, error))
    }

    pub(super) async fn new_folder(&self, call: NewFolder) -> Result<ItemId, Failure> {
        let (space, parent) = self.folder(call.parent).await?;
        let name = self.free_name(call.parent, &call.name, None).await?;
        let node = self
            .change(&space, async |drive| {
                drive.make_folder_in(parent, name).await
            })
            .await?;
        let share = space.share;
        Ok(ItemId { share, node })
    }

    pub(super) async fn rename(&self, call: Rename) -> Result<(), Failure> {
        let space = self.changeable(&[call.id]).await?;
        let place = self.view().await.parent(call.id).ok_or_else(gone)?;
        let name = self.free_name(place, &call.name, Some(call.id)).await?;
        let (space, node) = (space.ok_or_else(gone)?, call.id.node);
        self.change(&space, async |drive| drive.rename_node(node, &name).await)
            .await
    }

    async fn free_name(
        &self,
        place: Place,
        name: &str,
        but: Option<ItemId>,
    ) -> Result<Name, Failure> {
        let name = Name::parse(name.trim())?;
        let (view, place) = self.seen(place).await?;
        match view.is_taken(place, name.as_str(), but) {
            true => Err(Failure::new(FailureKind::NameTaken)),
            false => Ok(name),
        }
    }

    /// Opens the vaults of items, all of which this person may change. Gives
    /// the vault of the last.
    async fn changeable(&self, ids: &[ItemId]) -> Result<Option<Rc<Space<'s>>>, Failure> {
        let mut last = None;
        for id in ids {
            last = Some(self.space(id.share).await?);
            if !self.view().await.may_change(*id) {
                return Err(read_only());
            }
        }
        Ok(last)
    }

    pub(super) async fn move_items(&self, call: Move) -> Result<Vec<ItemId>, Failure> {
        self.changeable(&call.ids).await?;
        self.put(&call.ids, call.into, true).await
    }

    pub(super) async fn copy_items(&self, call: Copy) -> Result<Vec<ItemId>, Failure> {
        self.put(&call.ids, call.into, false).await
    }

    /// Puts items into a folder; from another vault as copies, after which
    /// the originals are removed if they are to be moved.
    async fn put(
        &self,
        ids: &[ItemId],
        into: Place,
        is_move: bool,
    ) -> Result<Vec<ItemId>, Failure> {
        let (target, folder) = self.folder(into).await?;
        for id in ids {
            self.space(id.share).await?;
        }
        let (view, into) = self.seen(into).await?;
        for id in ids {
            view.parent(*id).ok_or_else(gone)?;
            if view.is_within(into, *id) {
                return Err(Failure::new(FailureKind::IntoItself));
            }
        }
        let mut put = Vec::new();
        for (share, nodes) in by_vault(ids) {
            let made = if share == target.share {
                self.change(&target, async |drive| match is_move {
                    true => drive.move_nodes(&nodes, folder).await.map(|()| nodes),
                    false => drive.copy_nodes(&nodes, folder).await,
                })
                .await?
            } else {
                self.put_across(share, &nodes, &target, folder, is_move)
                    .await?
            };
            put.extend(made.into_iter().map(|node| ItemId {
                share: target.share,
                node,
            }));
        }
        Ok(put)
    }

    async fn put_across(
        &self,
        from: Option<ShareId>,
        nodes: &[NodeId],
        target: &Space<'s>,
        folder: Option<NodeId>,
        is_move: bool,
    ) -> Result<Vec<NodeId>, Failure> {
        let source = self.space(from).await?;
        let made = {
            let (from, mut into) = Self::both(&source, target).await;
            let made = into.copy_nodes_from(&from, nodes, folder).await;
            self.renew(target, &into);
            made.map_err(|error| self.failed(target.share, error))?
        };
        if is_move {
            // It is there before it is removed here.
            self.change(&source, async |drive| drive.remove_nodes(nodes).await)
                .await?;
        }
        Ok(made)
    }

    pub(super) async fn trash(&self, call: Trash) -> Result<(), Failure> {
        self.changeable(&call.ids).await?;
        for (share, nodes) in by_vault(&call.ids) {
            let space = self.space(share).await?;
            self.change(&space, async |drive| drive.trash_nodes(&nodes).await)
                .await?;
        }
        Ok(())
    }

    pub(super) async fn untrash(&self, call: Untrash) -> Result<(), Failure> {
        self.changeable(&call.ids).await?;
        for (share, nodes) in by_vault(&call.ids) {
            let space = self.space(share).await?;
            self.change(&space, async |drive| drive.untrash_nodes(&nodes).await)
                .await?;
        }
        Ok(())
    }

    pub(super) async fn remove(&self, call: Remove) -> Result<(), Failure> {
        self.changeable(&call.ids).await?;
        for (share, nodes) in by_vault(&call.ids) {
            let space = self.space(share).await?;
            self.change(&space, async |drive| drive.remove_nodes(&nodes).await)
                .await?;
        }
        Ok(())
    }

    pub(super) async fn empty_trash(&self) -> Result<u64, Failure> {
        let own = self.space(None).await?;
        self.change(&own, async |drive| drive.empty_trash(0).await)
            .await
            .map(|count| count as u64)
    }

    pub(super) async fn versions(&self, call: ListVersions) -> Result<Vec<VersionRow>, Failure> {
        let (space, id) = self.behind(call.id).await?;
        let drive = space.drive().await;
        let record = record(&drive, id.node)?;
        let count = record.versions.len();
        let rows = record
            .versions
            .iter()
            .enumerate()
            .map(|(index, version)| VersionRow {
                version: version.content_id.to_string(),
                number: index + 1,
                size: version.size,
                modified_ms: version.modified_ms,
                saved_ms: version.saved_ms,
                device: version.device.clone(),
                current: index + 1 == count,
            });
        Ok(rows.rev().collect())
    }

    pub(super) async fn restore_version(&self, call: RestoreVersion) -> Result<(), Failure> {
        let ((space, id), content) = (self.behind(call.id).await?, content(&call.version)?);
        self.changeable(&[id]).await?;
        self.change(&space, async |drive| {
            drive.restore_content(id.node, content).await
        })
        .await
    }

    /// What to read of a file, by the name of a version.
    pub(super) async fn reading(
        &self,
        id: ItemId,
        version: Option<&str>,
    ) -> Result<Reading, Failure> {
        let content = version.map(content).transpose()?;
        let (space, id) = self.behind(id).await?;
        let drive = space.drive().await;
        Ok(Reading::new(&drive, id.node, content)?)
    }

    pub(super) async fn read_text(&self, call: ReadText) -> Result<TextContent, Failure> {
        let reading = self.reading(call.id, call.version.as_deref()).await?;
        if reading.size() > call.limit {
            return Err(Failure::too_large(call.limit));
        }
        let bytes = reading.whole(self.session).await?;
        let text = String::from_utf8(bytes).map_err(|_| Failure::new(FailureKind::NotText))?;
        Ok(TextContent {
            version: reading.content_id().to_string(),
            text,
        })
    }

    pub(super) async fn new_note(&self, call: NewNote) -> Result<ItemId, Failure> {
        let (space, _) = self.folder(call.parent).await?;
        let name = self.free_name(call.parent, &call.title, None).await?;
        let (view, place) = self.seen(call.parent).await?;
        let folder = inside(&view, place)?;
        self.write_text(&space, &folder, Kind::Note, name.clone(), call.text)
            .await?;
        let view = self.view().await;
        view.find_in(place, name.as_str()).ok_or_else(gone)
    }

    pub(super) async fn save_text(&self, call: SaveText) -> Result<(), Failure> {
        let (space, id) = self.behind(call.id).await?;
        self.changeable(&[id]).await?;
        let view = self.view().await;
        let row = view.row(id, false).ok_or_else(gone)?;
        let folder = inside(&view, view.parent(id).ok_or_else(gone)?)?;
        let kind = {
            let drive = space.drive().await;
            let record = record(&drive, id.node)?;
            let newest = record
                .current()
                .map(|version| version.content_id.to_string());
            if call.edited.is_some() && call.edited != newest {
                return Err(Failure::new(FailureKind::Refused(ErrorCode::Conflict)));
            }
            record.kind
        };
        self.write_text(&space, &folder, kind, Name::parse(&row.name)?, call.text)
            .await
    }

    async fn write_text(
        &self,
        space: &Space<'s>,
        folder: &RemotePath,
        kind: Kind,
        name: Name,
        text: String,
    ) -> Result<(), Failure> {
        if text.len() >= BLOCK_LEN {
            return Err(Failure::too_large(BLOCK_LEN as u64 - 1));
        }
        let item = UploadItem {
            names: vec![name],
            kind,
            size: None,
            modified_ms: now_ms(),
            executable: false,
            local: PathBuf::new(),
        };
        let files = Text(text);
        self.change(space, async |drive| {
            let mut plan = UploadPlan::new(drive, folder, vec![item])?;
            for conflict in plan.conflicts() {
                plan.decide(conflict.index, OnConflict::Replace)?;
            }
            plan.run(drive, &files, &Reporter::silent()).await
        })
        .await?;
        Ok(())
    }

    /// Where an upload goes: the vault, and the folder there with the vault
    /// before it, so that it is another place than one of the same names in
    /// the drive.
    pub(super) async fn destination(&self, place: Place) -> Result<RemotePath, Failure> {
        self.folder(place).await?;
        let (view, place) = self.seen(place).await?;
        let path = view.path_inside(place);
        let path = match share_of(place) {
            Some(share) => format!("shared:{share}{path}"),
            None => path,
        };
        Ok(path.parse()?)
    }
}

/// A place in its vault.
fn inside(view: &View, place: Place) -> Result<RemotePath, Failure> {
    Ok(view.path_inside(place).parse()?)
}

/// A text, as a local file.
struct Text(String);

/// It, being read: the whole is less than a block.
struct TextSource(Option<Vec<u8>>);

impl Source for TextSource {
    async fn read_block(&mut self, _index: u64) -> Result<Vec<u8>, StorageError> {
        Ok(self.0.take().unwrap_or_default())
    }
}

impl LocalFiles for Text {
    type Source = TextSource;

    async fn open(&self, _item: &UploadItem) -> Result<TextSource, StorageError> {
        Ok(TextSource(Some(self.0.clone().into_bytes())))
    }
}

fn by_vault(ids: &[ItemId]) -> ByVault {
    let mut found = ByVault::new();
    for id in ids {
        found.entry(id.share).or_default().push(id.node);
    }
    found
}

fn content(version: &str) -> Result<ContentId, Failure> {
    version.parse().map_err(|_| gone())
}

fn record<'d>(drive: &'d Drive<'_, Browser>, id: NodeId) -> Result<&'d Record, Failure> {
    drive.vault().replica().record(&id).ok_or_else(gone)
}
