//! What an upload is going to do, decided before a byte moves.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use sv_core::Name;
use sv_core::record::{Kind, Record};
use sv_ledger::id::NodeId;

use crate::drive::Drive;
use crate::error::{ClientError, Result};
use crate::path::RemotePath;
use crate::port::{Platform, StorageError};
use crate::tree::{Place, with_suffix};

/// Something local to be stored.
#[derive(Debug, Clone)]
pub struct UploadItem {
    /// Its names below the destination; never empty.
    pub names: Vec<Name>,
    /// What it becomes.
    pub kind: Kind,
    /// Bytes, where they are known beforehand.
    pub size: Option<u64>,
    /// When it was last changed, Unix milliseconds.
    pub modified_ms: u64,
    /// Whether it may be executed.
    pub executable: bool,
    /// Where it is; for the shell, and to recognise an interrupted upload.
    pub local: PathBuf,
}

/// Reads one local file, front to back.
pub trait Source {
    /// Block `index` of 4 MiB; a shorter one, or an empty one, is the last.
    /// Indexes rise by one, after an interruption from a later start.
    async fn read_block(&mut self, index: u64) -> Result<Vec<u8>, StorageError>;
}

/// Opens local files.
pub trait LocalFiles {
    /// What it opens.
    type Source: Source;
    /// Opens one.
    async fn open(&self, item: &UploadItem) -> Result<Self::Source, StorageError>;
}

/// What to do where something of the same name is there and differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnConflict {
    /// Keep both: the new one gets a number.
    Rename,
    /// Add a version; only a file can replace a file.
    Replace,
    /// Leave it as it is.
    Skip,
}

/// A file that is there already, and differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Its index in the plan, for [`UploadPlan::decide`].
    pub index: usize,
    /// The path in question.
    pub path: String,
    /// Whether replacing is possible: both are files.
    pub replaceable: bool,
}

/// What is going to happen with one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// A new node.
    Create,
    /// A new version of a node.
    Replace,
    /// Nothing: it is there, with the same size and time.
    Unchanged,
    /// Nothing, by decision.
    Skip,
    /// Not decided.
    Conflict,
}

pub(super) struct Step {
    pub(super) item: UploadItem,
    pub(super) action: Action,
    pub(super) node_id: NodeId,
    /// The id of a new node, should the decision be to make one.
    fresh_id: NodeId,
    pub(super) parent: Option<NodeId>,
    pub(super) name: Name,
    pub(super) path: RemotePath,
}

/// A decided, or nearly decided, upload.
pub struct UploadPlan {
    pub(super) steps: Vec<Step>,
    /// Names in use per folder, so that renaming finds a free one.
    taken: BTreeMap<Option<NodeId>, BTreeSet<String>>,
}

impl UploadPlan {
    /// Plans to put `items` (folders before what they hold) into a folder.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] if there is no such folder.
    pub fn new<P: Platform>(
        drive: &Drive<'_, P>,
        folder: &RemotePath,
        items: Vec<UploadItem>,
    ) -> Result<Self> {
        let base = drive.find_folder(folder)?;
        let mut folders: BTreeMap<String, Option<NodeId>> =
            BTreeMap::from([(folder.to_string(), base)]);
        let mut plan = Self {
            steps: Vec::new(),
            taken: BTreeMap::new(),
        };
        for item in items {
            let path = folder.join_all(&item.names);
            let (parent_path, name) = path
                .split_last()
                .ok_or_else(|| ClientError::misuse("nothing to put"))?;
            let (parent, name) = match folders.get(&parent_path.to_string()) {
                Some(parent) => (*parent, name.clone()),
                None => return Err(ClientError::misuse(format!("{parent_path}: not a folder"))),
            };
            let existing = match drive.tree().find(&path) {
                Some(Place::Node(id)) => Some((id, drive.record(&id)?)),
                _ => None,
            };
            let action = action_for(&item, existing.map(|(_, record)| record));
            let fresh_id = drive.new_node_id();
            let node_id = match (action, existing) {
                (Action::Unchanged | Action::Conflict, Some((id, _))) => id,
                _ => fresh_id,
            };
            if item.kind == Kind::Folder {
                folders.insert(path.to_string(), Some(node_id));
            }
            plan.taken
                .entry(parent)
                .or_insert_with(|| names_in(drive, parent));
            plan.steps.push(Step {
                item,
                action,
                node_id,
                fresh_id,
                parent,
                name,
                path,
            });
        }
        Ok(plan)
    }

    /// Files that are there already and differ: to be decided.
    pub fn conflicts(&self) -> Vec<Conflict> {
        let open = self.steps.iter().enumerate();
        open.filter(|(_, step)| step.action == Action::Conflict)
            .map(|(index, step)| Conflict {
                index,
                path: step.path.to_string(),
                replaceable: step.item.kind != Kind::Folder,
            })
            .collect()
    }

    /// Decides a conflict.
    ///
    /// # Errors
    /// [`ClientError::Misuse`] if it cannot be decided so.
    pub fn decide(&mut self, index: usize, choice: OnConflict) -> Result<()> {
        let Some(step) = self
            .steps
            .get_mut(index)
            .filter(|s| s.action == Action::Conflict)
        else {
            return Err(ClientError::misuse("there is nothing to decide"));
        };
        match choice {
            OnConflict::Skip => step.action = Action::Skip,
            OnConflict::Replace => step.action = Action::Replace,
            OnConflict::Rename => {
                let taken = self.taken.entry(step.parent).or_default();
                step.name = free_name(&step.name, taken)?;
                step.node_id = step.fresh_id;
                step.action = Action::Create;
            }
        }
        Ok(())
    }

    /// How much there is to send: files, and bytes as far as they are known.
    pub fn size(&self) -> (u64, u64) {
        let due = self.steps.iter().filter(|step| step.is_due());
        due.filter(|step| step.item.kind != Kind::Folder)
            .fold((0, 0), |(files, bytes), step| {
                (files + 1, bytes + step.item.size.unwrap_or(0))
            })
    }
}

impl Step {
    pub(super) const fn is_due(&self) -> bool {
        matches!(self.action, Action::Create | Action::Replace)
    }
}

fn action_for(item: &UploadItem, existing: Option<&Record>) -> Action {
    match existing {
        None => Action::Create,
        // Nothing is put behind a mount that was not gone through.
        Some(record) if record.kind == Kind::Mount => Action::Create,
        Some(record) if record.kind == Kind::Folder => match item.kind {
            Kind::Folder => Action::Unchanged,
            // A file beside a folder of its name gets a number of its own.
            Kind::File | Kind::Note | Kind::Mount => Action::Create,
        },
        Some(_) if item.kind == Kind::Folder => Action::Create,
        Some(record) => {
            let same = record.current().is_some_and(|version| {
                Some(version.size) == item.size && version.modified_ms == item.modified_ms
            });
            if same {
                Action::Unchanged
            } else {
                Action::Conflict
            }
        }
    }
}

fn names_in<P: Platform>(drive: &Drive<'_, P>, parent: Option<NodeId>) -> BTreeSet<String> {
    let place = parent.map_or(Place::Root, Place::Node);
    drive
        .tree()
        .rows(place)
        .into_iter()
        .map(|row| row.name)
        .collect()
}

fn free_name(name: &Name, taken: &mut BTreeSet<String>) -> Result<Name> {
    for number in 2.. {
        let candidate = with_suffix(name.as_str(), number);
        if !taken.contains(&candidate) {
            let free = Name::parse(&candidate)?;
            taken.insert(candidate);
            return Ok(free);
        }
    }
    Err(ClientError::misuse("no name is free"))
}
