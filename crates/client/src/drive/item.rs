//! Reading a drive: listing, finding, adding up.

use std::ops::AddAssign;

use sv_core::record::{Kind, Record};
use sv_ledger::id::NodeId;

use super::Drive;
use crate::error::Result;
use crate::path::RemotePath;
use crate::port::Platform;
use crate::tree::{LOST_AND_FOUND, Place};

/// A file, note or folder, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The node; `None` for the lost and found folder.
    pub node_id: Option<NodeId>,
    /// Where it is.
    pub path: String,
    /// The name it is shown under.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Bytes of the newest version; 0 for a folder.
    pub size: u64,
    /// When it was last changed, Unix milliseconds.
    pub modified_ms: u64,
    /// How many versions there are.
    pub versions: usize,
    /// Whether it may be executed.
    pub executable: bool,
}

/// What a folder holds in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Files and notes.
    pub files: u64,
    /// Folders, without the one that was asked about.
    pub folders: u64,
    /// Bytes of newest versions.
    pub bytes: u64,
    /// Bytes of all versions.
    pub all_versions_bytes: u64,
}

impl<P: Platform> Drive<'_, P> {
    /// What is at a path: the rows of a folder, or the one file.
    ///
    /// # Errors
    /// [`crate::ClientError::NotFound`].
    pub fn list(&self, path: &RemotePath) -> Result<Vec<Item>> {
        let place = self.find_place(path)?;
        if let Place::Node(id) = place
            && self.record(&id)?.kind != Kind::Folder
        {
            return Ok(vec![self.item(id)?]);
        }
        let rows = self.tree.rows(place).into_iter();
        rows.map(|row| {
            row.node
                .map_or_else(|| Ok(lost_and_found()), |id| self.item(id))
        })
        .collect()
    }

    /// Everything below a path, folders before what they hold.
    ///
    /// # Errors
    /// [`crate::ClientError::NotFound`].
    pub fn walk(&self, path: &RemotePath) -> Result<Vec<Item>> {
        let found = self.tree.walk(self.find_place(path)?);
        found
            .into_iter()
            .filter(|(names, _)| !names.is_empty())
            .map(|(_, id)| self.item(id))
            .collect()
    }

    /// One node.
    ///
    /// # Errors
    /// [`crate::ClientError::Misuse`] if it is gone.
    pub fn item(&self, id: NodeId) -> Result<Item> {
        let record = self.record(&id)?;
        let path = self
            .tree
            .path(&id)
            .unwrap_or_else(|| record.name.to_string());
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        Ok(Item {
            node_id: Some(id),
            name,
            path: format!("{}{path}", self.base),
            kind: record.kind,
            size: record.current().map_or(0, |version| version.size),
            modified_ms: record.modified_ms,
            versions: record.versions.len(),
            executable: record.executable,
        })
    }

    /// Everything whose name contains `text`, in any case.
    pub fn find(&self, text: &str) -> Vec<Item> {
        let wanted = text.to_lowercase();
        let all = self.tree.walk(Place::Root).into_iter();
        all.filter_map(|(_, id)| self.item(id).ok())
            .filter(|item| item.name.to_lowercase().contains(&wanted))
            .collect()
    }

    /// What is below a path, added up.
    ///
    /// # Errors
    /// [`crate::ClientError::NotFound`].
    pub fn usage(&self, path: &RemotePath) -> Result<Usage> {
        let mut usage = Usage::default();
        for (names, id) in self.tree.walk(self.find_place(path)?) {
            usage.add(self.record(&id)?, names.is_empty());
        }
        Ok(usage)
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.files += other.files;
        self.folders += other.folders;
        self.bytes += other.bytes;
        self.all_versions_bytes += other.all_versions_bytes;
    }
}

impl Usage {
    fn add(&mut self, record: &Record, is_itself: bool) {
        match record.kind {
            Kind::Folder => self.folders += u64::from(!is_itself),
            Kind::File | Kind::Note => self.files += 1,
            // What is behind it belongs to another vault.
            Kind::Mount => {}
        }
        self.bytes += record.current().map_or(0, |version| version.size);
        self.all_versions_bytes += record
            .versions
            .iter()
            .map(|version| version.size)
            .sum::<u64>();
    }
}

fn lost_and_found() -> Item {
    Item {
        node_id: None,
        path: format!("/{LOST_AND_FOUND}"),
        name: LOST_AND_FOUND.to_owned(),
        kind: Kind::Folder,
        size: 0,
        modified_ms: 0,
        versions: 0,
        executable: false,
    }
}
