//! Calls on folders, files, notes, versions and the trash.

use futures::lock::MutexGuard;
use std::path::PathBuf;
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

use super::open::Open;
use super::platform::{Browser, now_ms};
use crate::bridge::{
    Copy, Failure, FailureKind, GetItem, GetUsage, ItemDetail, ItemId, ItemKind, ListFolder,
    ListIds, ListVersions, Listing, Move, NewFolder, NewNote, Place, ReadText, Remove, Rename,
    RestoreVersion, Row, SaveText, TextContent, Trash, Untrash, UsageInfo, VersionRow,
};
use crate::mime;

/// A folder of the drive, as records name it.
pub(super) type Folder = Option<NodeId>;

fn gone() -> Failure {
    Failure::new(FailureKind::Gone)
}

impl<'s> Open<'s> {
    pub(super) async fn list_folder(&self, call: ListFolder) -> Result<Listing, Failure> {
        let view = self.view().await;
        view.list(call.folder, call.order, call.from, call.count)
            .ok_or_else(gone)
    }

    pub(super) async fn list_ids(&self, call: ListIds) -> Result<Vec<ItemId>, Failure> {
        let view = self.view().await;
        view.ids(call.folder, call.order).ok_or_else(gone)
    }

    pub(super) async fn usage(&self, call: GetUsage) -> Result<UsageInfo, Failure> {
        self.view().await.usage(call.folder).ok_or_else(gone)
    }

    pub(super) async fn item(&self, call: GetItem) -> Result<ItemDetail, Failure> {
        let ItemId(id) = call.id;
        let view = self.view().await;
        let drive = self.drive().await;
        let record = record(&drive, id)?;
        let seen = view.row(id, true);
        let in_trash = seen.is_none();
        let row = seen
            .or_else(|| view.trashed(id))
            .unwrap_or_else(|| bare_row(id, record));
        Ok(ItemDetail {
            mime: mime::of_name(&row.name).to_owned(),
            row,
            trail: view.parent(id).map(|p| view.trail(p)).unwrap_or_default(),
            created_ms: record.created_ms,
            in_trash,
        })
    }

    /// The folder that a place is, to put something in.
    pub(super) async fn folder(&self, place: Place) -> Result<Folder, Failure> {
        match place {
            Place::Root => Ok(None),
            Place::LostAndFound => Err(gone()),
            Place::Folder(ItemId(id)) => {
                let row = self.view().await.row(id, false).ok_or_else(gone)?;
                match row.kind {
                    ItemKind::Folder => Ok(Some(id)),
                    ItemKind::File | ItemKind::Note => Err(gone()),
                }
            }
        }
    }

    /// Carries out a change of the drive, and shows what came of it.
    async fn change<T>(
        &self,
        work: impl AsyncFnOnce(&mut Drive<'s, Browser>) -> sv_client::error::Result<T>,
    ) -> Result<T, Failure> {
        let mut drive: MutexGuard<'_, Drive<'s, Browser>> = self.drive().await;
        let done = work(&mut drive).await;
        self.renew(&drive);
        Ok(done?)
    }

    pub(super) async fn new_folder(&self, call: NewFolder) -> Result<ItemId, Failure> {
        let name = self.free_name(call.parent, &call.name, None).await?;
        let parent = self.folder(call.parent).await?;
        self.change(async |drive| drive.make_folder_in(parent, name).await)
            .await
            .map(ItemId)
    }

    pub(super) async fn rename(&self, call: Rename) -> Result<(), Failure> {
        let ItemId(id) = call.id;
        let place = self.view().await.parent(id).ok_or_else(gone)?;
        let name = self.free_name(place, &call.name, Some(id)).await?;
        self.change(async |drive| drive.rename_node(id, &name).await)
            .await
    }

    async fn free_name(
        &self,
        place: Place,
        name: &str,
        but: Option<NodeId>,
    ) -> Result<Name, Failure> {
        let name = Name::parse(name.trim())?;
        match self.view().await.is_taken(place, name.as_str(), but) {
            true => Err(Failure::new(FailureKind::NameTaken)),
            false => Ok(name),
        }
    }

    pub(super) async fn move_items(&self, call: Move) -> Result<(), Failure> {
        let (ids, folder) = self.to_be_put(&call.ids, call.into).await?;
        self.change(async |drive| drive.move_nodes(&ids, folder).await)
            .await
    }

    pub(super) async fn copy_items(&self, call: Copy) -> Result<Vec<ItemId>, Failure> {
        let (ids, folder) = self.to_be_put(&call.ids, call.into).await?;
        let made = self
            .change(async |drive| drive.copy_nodes(&ids, folder).await)
            .await?;
        Ok(made.into_iter().map(ItemId).collect())
    }

    async fn to_be_put(
        &self,
        ids: &[ItemId],
        into: Place,
    ) -> Result<(Vec<NodeId>, Folder), Failure> {
        let folder = self.folder(into).await?;
        let view = self.view().await;
        for ItemId(id) in ids {
            view.parent(*id).ok_or_else(gone)?;
            if view.is_within(into, *id) {
                return Err(Failure::new(FailureKind::IntoItself));
            }
        }
        Ok((nodes(ids), folder))
    }

    pub(super) async fn trash(&self, call: Trash) -> Result<(), Failure> {
        let ids = nodes(&call.ids);
        self.change(async |drive| drive.trash_nodes(&ids).await)
            .await
    }

    pub(super) async fn untrash(&self, call: Untrash) -> Result<(), Failure> {
        let ids = nodes(&call.ids);
        self.change(async |drive| drive.untrash_nodes(&ids).await)
            .await
    }

    pub(super) async fn remove(&self, call: Remove) -> Result<(), Failure> {
        let ids = nodes(&call.ids);
        self.change(async |drive| drive.remove_nodes(&ids).await)
            .await
    }

    pub(super) async fn empty_trash(&self) -> Result<u64, Failure> {
        self.change(async |drive| drive.empty_trash(0).await)
            .await
            .map(|count| count as u64)
    }

    pub(super) async fn versions(&self, call: ListVersions) -> Result<Vec<VersionRow>, Failure> {
        let drive = self.drive().await;
        let record = record(&drive, call.id.0)?;
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
        let (ItemId(id), content) = (call.id, content(&call.version)?);
        self.change(async |drive| drive.restore_content(id, content).await)
            .await
    }

    /// What to read of a file, by the name of a version.
    pub(super) async fn reading(
        &self,
        id: ItemId,
        version: Option<&str>,
    ) -> Result<Reading, Failure> {
        let content = version.map(content).transpose()?;
        let drive = self.drive().await;
        Ok(Reading::new(&drive, id.0, content)?)
    }

    pub(super) async fn read_text(&self, call: ReadText) -> Result<TextContent, Failure> {
        let reading = self.reading(call.id, call.version.as_deref()).await?;
        if reading.size() > call.limit {
            return Err(Failure {
                limit_bytes: Some(call.limit),
                ..Failure::new(FailureKind::TooLarge)
            });
        }
        let bytes = reading.whole(self.session).await?;
        let text = String::from_utf8(bytes).map_err(|_| Failure::new(FailureKind::NotText))?;
        Ok(TextContent {
            version: reading.content_id().to_string(),
            text,
        })
    }

    pub(super) async fn new_note(&self, call: NewNote) -> Result<ItemId, Failure> {
        let name = self.free_name(call.parent, &call.title, None).await?;
        self.folder(call.parent).await?;
        let path = self.path_of(call.parent).await?;
        let place = call.parent;
        self.write_text(&path, Kind::Note, name.clone(), call.text)
            .await?;
        let view = self.view().await;
        let made = view.find_in(place, name.as_str());
        made.map(ItemId).ok_or_else(gone)
    }

    pub(super) async fn save_text(&self, call: SaveText) -> Result<(), Failure> {
        let ItemId(id) = call.id;
        let view = self.view().await;
        let row = view.row(id, false).ok_or_else(gone)?;
        let path = self.path_of(view.parent(id).ok_or_else(gone)?).await?;
        let kind = {
            let drive = self.drive().await;
            let record = record(&drive, id)?;
            let newest = record
                .current()
                .map(|version| version.content_id.to_string());
            if call.edited.is_some() && call.edited != newest {
                return Err(Failure::new(FailureKind::Refused(ErrorCode::Conflict)));
            }
            record.kind
        };
        self.write_text(&path, kind, Name::parse(&row.name)?, call.text)
            .await
    }

    async fn path_of(&self, place: Place) -> Result<RemotePath, Failure> {
        let path = self.view().await.path(place);
        path.parse::<RemotePath>().map_err(Failure::from)
    }

    async fn write_text(
        &self,
        folder: &RemotePath,
        kind: Kind,
        name: Name,
        text: String,
    ) -> Result<(), Failure> {
        if text.len() >= BLOCK_LEN {
            return Err(Failure {
                limit_bytes: Some(BLOCK_LEN as u64 - 1),
                ..Failure::new(FailureKind::TooLarge)
            });
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
        self.change(async |drive| {
            let mut plan = UploadPlan::new(drive, folder, vec![item])?;
            for conflict in plan.conflicts() {
                plan.decide(conflict.index, OnConflict::Replace)?;
            }
            plan.run(drive, &files, &Reporter::silent()).await
        })
        .await?;
        Ok(())
    }
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

fn nodes(ids: &[ItemId]) -> Vec<NodeId> {
    ids.iter().map(|ItemId(id)| *id).collect()
}

fn content(version: &str) -> Result<ContentId, Failure> {
    version.parse().map_err(|_| gone())
}

fn record<'d>(drive: &'d Drive<'_, Browser>, id: NodeId) -> Result<&'d Record, Failure> {
    drive.vault().replica().record(&id).ok_or_else(gone)
}

/// Of something inside what is in the trash.
fn bare_row(id: NodeId, record: &Record) -> Row {
    Row {
        id: Some(ItemId(id)),
        name: record.name.to_string(),
        kind: match record.kind {
            Kind::Folder | Kind::Mount => ItemKind::Folder,
            Kind::File => ItemKind::File,
            Kind::Note => ItemKind::Note,
        },
        size: record.current().map_or(0, |version| version.size),
        modified_ms: record.modified_ms,
        versions: record.versions.len(),
        within: String::new(),
    }
}
