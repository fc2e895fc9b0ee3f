//! Calls that make URLs to save or show something under.

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};

use sv_client::drive::Drive;
use sv_client::port::Platform;
use sv_client::transfer::Reading;
use sv_client::tree::Place as TreePlace;
use sv_core::record::Kind;
use sv_ledger::id::NodeId;

use super::super::links::{Target, ZipItem};
use super::super::open::Open;
use super::super::platform::Browser;
use super::new_row;
use crate::worker::failure::Failure;
use crate::worker::mime::{self, BINARY};
use sv_bridge::token::TOKEN_ENDING;
use sv_bridge::{
    Download, DownloadRaw, FailureKind, GetItem, ItemId, ItemKind, Link, OpenFile, RawLink, Row,
    ShareId, TransferKind,
};

impl Open<'_> {
    pub(crate) async fn download(&self, call: Download) -> Result<Link, Failure> {
        let [id] = call.ids.as_slice() else {
            let (name, within) = match call.ids.first() {
                Some(first) => {
                    let row = self.shown(*first).await?;
                    let folder = row.within.rsplit('/').next().unwrap_or_default();
                    (folder.to_owned(), row.within)
                }
                None => return Err(Failure::new(FailureKind::OutOfOrder)),
            };
            return self.zip(&call.ids, &name, within).await;
        };
        let row = self.shown(*id).await?;
        if row.kind == ItemKind::Folder {
            return self.zip(&call.ids, &row.name, row.within.clone()).await;
        }
        let reading = self.reading(*id, call.version.as_deref()).await?;
        let size = reading.size();
        let name = saved_name(&row);
        let transfer = self.transfers.add(
            &self.outlet,
            |id| super::TransferRow {
                bytes: size,
                ..new_row(id, TransferKind::Download, name.clone(), row.within)
            },
            None,
        );
        Ok(self.link(name, BINARY, Some(size), |_| {
            Target::Save(reading, transfer)
        }))
    }

    pub(crate) async fn download_raw(&self, call: DownloadRaw) -> Result<RawLink, Failure> {
        let row = self.shown(call.id).await?;
        let reading = self.reading(call.id, call.version.as_deref()).await?;
        let size = reading.raw_len();
        let key = reading.raw_key().to_string();
        let ending = if reading.is_token() {
            TOKEN_ENDING
        } else {
            ".svraw"
        };
        let name = format!("{}{ending}", row.name);
        let transfer = self.transfers.add(
            &self.outlet,
            |id| super::TransferRow {
                bytes: size.unwrap_or(0),
                ..new_row(id, TransferKind::Raw, name.clone(), row.within)
            },
            None,
        );
        let link = self.link(name, BINARY, size, |_| Target::Raw(reading, transfer));
        Ok(RawLink { link, key })
    }

    pub(crate) async fn export_everything(&self) -> Result<Link, Failure> {
        let name = self.session.profile().handle.clone();
        let roots = vec![(String::new(), None, TreePlace::Root)];
        let zipped = self.zip_items(roots).await?;
        Ok(self.zip_link(zipped, &name, "/".to_owned()))
    }

    async fn zip(&self, ids: &[ItemId], name: &str, within: String) -> Result<Link, Failure> {
        let mut roots = Vec::new();
        for id in ids {
            let row = self.shown(*id).await?;
            roots.push((row.name, id.share, TreePlace::Node(id.node)));
        }
        let zipped = self.zip_items(roots).await?;
        Ok(self.zip_link(zipped, name, within))
    }

    /// What is in these places, each of a vault, and behind what is mounted
    /// there. A vault that cannot be opened is left out, and said so.
    async fn zip_items(&self, roots: Vec<Root>) -> Result<Zipped, Failure> {
        let mut zipped = Zipped::default();
        let mut waiting: VecDeque<(Root, BTreeSet<ShareId>)> = VecDeque::new();
        for root in roots {
            let passed = root.1.into_iter().collect();
            waiting.push_back((root, passed));
        }
        while let Some(((name, share, place), passed)) = waiting.pop_front() {
            let space = self.space(share).await?;
            let drive = space.drive().await;
            let mut mounts = Vec::new();
            for (names, id) in drive.tree().walk(place) {
                let Some(record) = drive.vault().replica().record(&id) else {
                    continue;
                };
                let mut path: Vec<&str> = Vec::new();
                path.extend((!name.is_empty()).then_some(name.as_str()));
                path.extend(names.iter().map(String::as_str));
                let path = path.join("/");
                if let Some(mount) = record.mount {
                    mounts.push((path, mount, record.modified_ms));
                    continue;
                }
                zipped.items.extend(zip_item(&drive, id, path)?);
            }
            drop(drive);
            for (path, mount, modified_ms) in mounts {
                let share = ShareId(mount.vault_id);
                let mut passed = passed.clone();
                if !passed.insert(share) {
                    continue;
                }
                let opened = match self.space(Some(share)).await {
                    Ok(opened) => opened,
                    Err(failure) if failure.kind == FailureKind::Offline => return Err(failure),
                    Err(failure) => {
                        zipped.left_out.push((path, failure.into()));
                        continue;
                    }
                };
                match mount.node {
                    Some(node) => {
                        let drive = opened.drive().await;
                        zipped.items.extend(zip_item(&drive, node, path)?);
                    }
                    None => {
                        zipped.items.push(ZipItem {
                            path: path.clone(),
                            modified_ms,
                            reading: None,
                        });
                        let root = (path, Some(share), TreePlace::Root);
                        waiting.push_back((root, passed));
                    }
                }
            }
        }
        Ok(zipped)
    }

    fn zip_link(&self, zipped: Zipped, name: &str, within: String) -> Link {
        let Zipped { items, left_out } = zipped;
        let stem = if name.is_empty() { "SecureVault" } else { name };
        let name = format!("{stem}.zip");
        let size = super::super::service::zip_len(&items);
        let files = items.iter().filter(|item| item.reading.is_some()).count();
        let transfer = self.transfers.add(
            &self.outlet,
            |id| super::TransferRow {
                files: files as u64,
                bytes: size,
                left_out,
                ..new_row(id, TransferKind::Zip, name.clone(), within)
            },
            None,
        );
        self.link(name, BINARY, Some(size), |_| Target::Zip(items, transfer))
    }

    pub(crate) async fn open_file(&self, call: OpenFile) -> Result<Link, Failure> {
        let row = self.shown(call.id).await?;
        let reading = self.reading(call.id, call.version.as_deref()).await?;
        let size = reading.size();
        let mime = mime::of_name(&row.name);
        Ok(self.link(row.name, mime, Some(size), |mime| Target::Show {
            reading,
            mime,
            seekable: RefCell::default(),
            last: RefCell::default(),
        }))
    }

    pub(super) fn link(
        &self,
        name: String,
        mime: &'static str,
        size: Option<u64>,
        target: impl FnOnce(&'static str) -> Target,
    ) -> Link {
        let random = self.browser().random_bytes();
        Link {
            url: self.links.add(random, &name, target(mime)),
            name,
            mime: mime.to_owned(),
            size,
        }
    }

    /// A row with where it is, of the trash too.
    pub(super) async fn shown(&self, id: ItemId) -> Result<Row, Failure> {
        Ok(self.item(GetItem { id }).await?.row)
    }
}

/// What a zip is made of: a name for it, a vault and a place there.
type Root = (String, Option<ShareId>, TreePlace);

/// What goes into a zip.
#[derive(Default)]
struct Zipped {
    items: Vec<ZipItem>,
    /// What could not be opened, and why.
    left_out: Vec<(String, sv_bridge::Failure)>,
}

/// A node of a zip; none if it was made and its first bytes never arrived.
fn zip_item(
    drive: &Drive<'_, Browser>,
    id: NodeId,
    path: String,
) -> Result<Option<ZipItem>, Failure> {
    let Some(record) = drive.vault().replica().record(&id) else {
        return Ok(None);
    };
    let reading = match record.kind {
        Kind::Folder => None,
        _ if record.current().is_none() => return Ok(None),
        _ => Some(Reading::new(drive, id, None)?),
    };
    Ok(Some(ZipItem {
        path,
        modified_ms: record.modified_ms,
        reading,
    }))
}

/// A note is saved as a text.
fn saved_name(row: &Row) -> String {
    match row.kind {
        ItemKind::Note if !row.name.contains('.') => format!("{}.txt", row.name),
        _ => row.name.clone(),
    }
}
