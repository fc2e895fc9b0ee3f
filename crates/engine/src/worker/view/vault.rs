//! One vault as it is shown: the drive, or one that is shared.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use sv_client::drive::Drive;
use sv_client::tree::Place as TreePlace;
use sv_core::record::{Kind, Mount, Record};
use sv_ledger::id::NodeId;
use sv_ledger::limits::TRASH_MS;
use sv_ledger::state::{Leaf, Role};

use super::super::platform::Browser;
use sv_bridge::{ItemId, ItemKind, Order, Place, Row, ShareId, SortKey};

/// Rows of one vault, taken from its verified tree.
pub(super) struct VaultView {
    /// Which; none for the drive.
    pub(super) share: Option<ShareId>,
    /// What this person may do there.
    pub(super) role: Role,
    pub(super) items: BTreeMap<NodeId, Item>,
    pub(super) folders: HashMap<Place, Vec<NodeId>>,
    /// What is mounted where, in the order of the tree.
    pub(super) mounts: Vec<(ShareId, NodeId)>,
    /// What is in the trash and may be taken out by this person, newest first.
    pub(super) trash: Vec<Trashed>,
}

/// A file, note, folder or mount.
pub(super) struct Item {
    pub(super) parent: Place,
    pub(super) name: String,
    /// The name as it is searched and sorted.
    pub(super) folded: String,
    pub(super) kind: ItemKind,
    pub(super) size: u64,
    pub(super) all_size: u64,
    pub(super) modified_ms: u64,
    pub(super) versions: usize,
    pub(super) mount: Option<Mount>,
    pub(super) may_change: bool,
    may_share: bool,
}

/// Something in the trash.
pub(super) struct Trashed {
    pub(super) id: NodeId,
    pub(super) item: Item,
    pub(super) at_ms: u64,
    /// The folder it was in, from the vault's root on; none if that is gone.
    pub(super) home: Option<String>,
}

impl Trashed {
    pub(super) const fn expires_ms(&self) -> u64 {
        self.at_ms.saturating_add(TRASH_MS)
    }
}

impl VaultView {
    /// Takes a vault's present state. `role` is what this person may do there.
    pub(super) fn of(drive: &Drive<'_, Browser>, share: Option<ShareId>, role: Role) -> Self {
        let mut view = Self {
            share,
            role,
            items: BTreeMap::new(),
            folders: HashMap::new(),
            mounts: Vec::new(),
            trash: Vec::new(),
        };
        let mut open = vec![TreePlace::Root];
        if !drive.tree().rows(TreePlace::LostAndFound).is_empty() {
            open.push(TreePlace::LostAndFound);
        }
        while let Some(place) = open.pop() {
            let parent = view.place_of(place);
            let mut ids = Vec::new();
            for row in drive.tree().rows(place) {
                let Some(id) = row.node else {
                    continue;
                };
                let Some(item) = view.item_of(drive, id, parent, Some(row.name)) else {
                    continue;
                };
                match (item.kind, item.mount) {
                    (_, Some(mount)) => view.mounts.push((ShareId(mount.vault_id), id)),
                    (ItemKind::Folder, None) => open.push(TreePlace::Node(id)),
                    (ItemKind::File | ItemKind::Note, None) => {}
                }
                ids.push(id);
                view.items.insert(id, item);
            }
            view.folders.insert(parent, ids);
        }
        view.take_trash(drive);
        view
    }

    fn take_trash(&mut self, drive: &Drive<'_, Browser>) {
        let replica = drive.vault().replica();
        let root = self.root();
        for id in drive.tree().trashed() {
            let Some(record) = replica.record(id) else {
                continue;
            };
            let Some(trashed) = record.trashed else {
                continue;
            };
            let Some(item) = self.item_of(drive, *id, root, None) else {
                continue;
            };
            if !item.may_change {
                continue;
            }
            self.trash.push(Trashed {
                id: *id,
                item,
                at_ms: trashed.at_ms,
                home: match record.parent {
                    None => Some(String::from("/")),
                    Some(parent) => drive.tree().path(&parent),
                },
            });
        }
        self.trash.sort_by_key(|row| std::cmp::Reverse(row.at_ms));
    }

    /// An item as it is now, wherever it is; none if it is gone.
    pub(super) fn item_of(
        &self,
        drive: &Drive<'_, Browser>,
        id: NodeId,
        parent: Place,
        name: Option<String>,
    ) -> Option<Item> {
        let node = drive.vault().replica().nodes().get(&id)?;
        let record = node.record()?;
        let name = name.unwrap_or_else(|| record.name.to_string());
        let may_change = may_change(self.role, node.leaf(), drive);
        let may_share = self.role >= Role::Manager;
        Some(Item::of(parent, name, record, may_change, may_share))
    }

    /// The vault itself, as a place.
    pub(super) fn root(&self) -> Place {
        self.share.map_or(Place::Root, Place::Share)
    }

    fn place_of(&self, place: TreePlace) -> Place {
        match place {
            TreePlace::Root => self.root(),
            TreePlace::LostAndFound => Place::LostAndFound(self.share),
            TreePlace::Node(node) => Place::Folder(self.id(node)),
        }
    }

    /// A node of this vault, for the page.
    pub(super) const fn id(&self, node: NodeId) -> ItemId {
        ItemId {
            share: self.share,
            node,
        }
    }

    /// Whether anything has lost its folder.
    pub(super) fn has_lost(&self) -> bool {
        let lost = self.folders.get(&Place::LostAndFound(self.share));
        lost.is_some_and(|ids| !ids.is_empty())
    }
}

/// As the log is judged: below an editor, one's own items only.
fn may_change(role: Role, leaf: &Leaf, drive: &Drive<'_, Browser>) -> bool {
    match role {
        Role::Viewer => false,
        Role::Contributor => leaf.creator == drive.vault().session().uid(),
        Role::Editor | Role::Manager | Role::Owner => true,
    }
}

impl Item {
    fn of(parent: Place, name: String, record: &Record, may_change: bool, may_share: bool) -> Self {
        Self {
            parent,
            folded: name.to_lowercase(),
            name,
            kind: match (record.kind, record.mount) {
                (Kind::Mount, Some(Mount { node: Some(_), .. })) => ItemKind::File,
                (Kind::Folder | Kind::Mount, _) => ItemKind::Folder,
                (Kind::File, _) => ItemKind::File,
                (Kind::Note, _) => ItemKind::Note,
            },
            size: record.current().map_or(0, |version| version.size),
            all_size: record.versions.iter().map(|version| version.size).sum(),
            modified_ms: record.modified_ms,
            versions: record.versions.len(),
            mount: record.mount,
            may_change,
            may_share,
        }
    }

    pub(super) fn row(&self, id: ItemId, within: String) -> Row {
        Row {
            id: Some(id),
            name: self.name.clone(),
            kind: self.kind,
            size: self.size,
            modified_ms: self.modified_ms,
            versions: self.versions,
            within,
            share: None,
            may_change: self.may_change,
            may_share: self.may_share,
            trashed: None,
        }
    }

    pub(super) fn is_folder(&self) -> bool {
        self.kind == ItemKind::Folder
    }
}

/// Folders first, then as it was asked for. Beside each item stands what is
/// shown of it, which for a mount of one file is elsewhere.
pub(super) fn compare(a: (&Item, &Item), b: (&Item, &Item), order: Order) -> Ordering {
    let ((a, shown_a), (b, shown_b)) = (a, b);
    let wanted = match order.by {
        SortKey::Name => Ordering::Equal,
        SortKey::Modified => shown_a.modified_ms.cmp(&shown_b.modified_ms),
        SortKey::Size => shown_a.size.cmp(&shown_b.size),
        SortKey::Kind => ending(&a.folded).cmp(ending(&b.folded)),
    };
    let wanted = wanted
        .then_with(|| natural(&a.folded, &b.folded))
        .then_with(|| a.name.cmp(&b.name));
    let wanted = match order.descending {
        true => wanted.reverse(),
        false => wanted,
    };
    b.is_folder().cmp(&a.is_folder()).then(wanted)
}

fn ending(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, ending)| ending)
}

/// Compares with runs of digits by value: `2` before `10`.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let (run_a, rest_a) = digits(a);
        let (run_b, rest_b) = digits(b);
        if !run_a.is_empty() && !run_b.is_empty() {
            let (x, y) = (run_a.trim_start_matches('0'), run_b.trim_start_matches('0'));
            let order = x.len().cmp(&y.len()).then_with(|| x.cmp(y));
            if order != Ordering::Equal {
                return order;
            }
            (a, b) = (rest_a, rest_b);
            continue;
        }
        let (mut chars_a, mut chars_b) = (a.chars(), b.chars());
        match (chars_a.next(), chars_b.next()) {
            (None, None) => return Ordering::Equal,
            (x, y) if x != y => return x.cmp(&y),
            _ => (a, b) = (chars_a.as_str(), chars_b.as_str()),
        }
    }
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}
