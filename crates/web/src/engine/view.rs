//! The drive as it is shown: rows of every folder, taken from the verified
//! tree whenever that changes. Listing and searching read it alone, so they wait
//! for nobody and work offline.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use sv_client::drive::Drive;
use sv_client::tree::{LOST_AND_FOUND, Place as TreePlace};
use sv_core::record::{Kind, Record};
use sv_ledger::id::NodeId;
use sv_ledger::limits::TRASH_MS;

use super::platform::Browser;
use crate::bridge::{
    Crumb, ItemId, ItemKind, Listing, Order, Place, Row, SortKey, TrashListing, TrashRow, UsageInfo,
};

/// One state of the drive.
#[derive(Default)]
pub(super) struct View {
    /// Rises with every state.
    pub(super) revision: u64,
    items: BTreeMap<NodeId, Item>,
    folders: HashMap<Place, Vec<NodeId>>,
    trash: Vec<TrashRow>,
    /// The order that was asked for last, since windows of it follow.
    sorted: RefCell<Option<Sorted>>,
    found: RefCell<Option<(String, Rc<Vec<NodeId>>)>>,
}

type Sorted = (Place, Order, Rc<Vec<NodeId>>);

struct Item {
    parent: Place,
    name: String,
    /// The name as it is searched and sorted.
    folded: String,
    kind: ItemKind,
    size: u64,
    all_size: u64,
    modified_ms: u64,
    versions: usize,
}

impl View {
    /// Takes the drive's present state.
    pub(super) fn of(drive: &Drive<'_, Browser>, revision: u64) -> Self {
        let mut view = Self {
            revision,
            ..Self::default()
        };
        let mut open = vec![TreePlace::Root];
        if !drive.tree().rows(TreePlace::LostAndFound).is_empty() {
            open.push(TreePlace::LostAndFound);
        }
        let replica = drive.vault().replica();
        while let Some(place) = open.pop() {
            let parent = place_of(place);
            let mut ids = Vec::new();
            for row in drive.tree().rows(place) {
                let Some(id) = row.node else {
                    continue;
                };
                let Some(record) = replica.record(&id) else {
                    continue;
                };
                if record.kind == Kind::Folder {
                    open.push(TreePlace::Node(id));
                }
                ids.push(id);
                view.items.insert(id, Item::of(parent, row.name, record));
            }
            view.folders.insert(parent, ids);
        }
        view.take_trash(drive);
        view
    }

    fn take_trash(&mut self, drive: &Drive<'_, Browser>) {
        let replica = drive.vault().replica();
        let mut rows = Vec::new();
        for id in drive.tree().trashed() {
            let Some(record) = replica.record(id) else {
                continue;
            };
            let Some(trashed) = record.trashed else {
                continue;
            };
            let home = match record.parent {
                None => Some(String::from("/")),
                Some(parent) => drive.tree().path(&parent),
            };
            let item = Item::of(Place::Root, record.name.to_string(), record);
            rows.push(TrashRow {
                home_is_gone: home.is_none(),
                row: item.row(*id, home.unwrap_or_default()),
                trashed_ms: trashed.at_ms,
                expires_ms: trashed.at_ms.saturating_add(TRASH_MS),
            });
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.trashed_ms));
        self.trash = rows;
    }

    /// Rows of a folder; none if it is not there.
    pub(super) fn list(
        &self,
        place: Place,
        order: Order,
        from: usize,
        count: usize,
    ) -> Option<Listing> {
        let ids = self.ordered(place, order)?;
        let mut rows: Vec<Row> = self.rows(&ids, from, count, false);
        let mut total = ids.len();
        if place == Place::Root && self.has_lost() {
            if from <= total && rows.len() < count {
                rows.push(lost_and_found());
            }
            total += 1;
        }
        Some(Listing {
            revision: self.revision,
            trail: self.trail(place),
            total,
            rows,
        })
    }

    /// Everything in a folder, in order.
    pub(super) fn ids(&self, place: Place, order: Order) -> Option<Vec<ItemId>> {
        let ids = self.ordered(place, order)?;
        Some(ids.iter().map(|id| ItemId(*id)).collect())
    }

    fn ordered(&self, place: Place, order: Order) -> Option<Rc<Vec<NodeId>>> {
        if let Some((was, by, ids)) = &*self.sorted.borrow()
            && (*was, *by) == (place, order)
        {
            return Some(ids.clone());
        }
        let mut rows: Vec<(NodeId, &Item)> = self
            .folders
            .get(&place)?
            .iter()
            .filter_map(|id| Some((*id, self.items.get(id)?)))
            .collect();
        rows.sort_by(|(_, a), (_, b)| {
            let folders_first = b.is_folder().cmp(&a.is_folder());
            let wanted = a.compare(b, order.by);
            let wanted = if order.descending {
                wanted.reverse()
            } else {
                wanted
            };
            folders_first.then(wanted)
        });
        let ids: Rc<Vec<NodeId>> = Rc::new(rows.into_iter().map(|(id, _)| id).collect());
        *self.sorted.borrow_mut() = Some((place, order, ids.clone()));
        Some(ids)
    }

    fn has_lost(&self) -> bool {
        self.folders
            .get(&Place::LostAndFound)
            .is_some_and(|ids| !ids.is_empty())
    }

    fn rows(&self, ids: &[NodeId], from: usize, count: usize, with_place: bool) -> Vec<Row> {
        let window = ids.iter().skip(from).take(count);
        window.filter_map(|id| self.row(*id, with_place)).collect()
    }

    /// An item's row.
    pub(super) fn row(&self, id: NodeId, with_place: bool) -> Option<Row> {
        let item = self.items.get(&id)?;
        let within = match with_place {
            true => self.path(item.parent),
            false => String::new(),
        };
        Some(item.row(id, within))
    }

    /// The folders down to a place and the place itself, without the drive.
    pub(super) fn trail(&self, place: Place) -> Vec<Crumb> {
        let mut trail = Vec::new();
        let mut at = place;
        loop {
            let name = match at {
                Place::Root => break,
                Place::LostAndFound => LOST_AND_FOUND.to_owned(),
                Place::Folder(ItemId(id)) => match self.items.get(&id) {
                    Some(item) => item.name.clone(),
                    None => break,
                },
            };
            trail.push(Crumb { place: at, name });
            at = match at {
                Place::Folder(ItemId(id)) => {
                    self.items.get(&id).map_or(Place::Root, |item| item.parent)
                }
                Place::Root | Place::LostAndFound => break,
            };
        }
        trail.reverse();
        trail
    }

    /// A place's path, with a leading slash.
    pub(super) fn path(&self, place: Place) -> String {
        let names: Vec<String> = self.trail(place).into_iter().map(|c| c.name).collect();
        format!("/{}", names.join("/"))
    }

    /// Where an item is; none if it is nowhere to be seen.
    pub(super) fn parent(&self, id: NodeId) -> Option<Place> {
        self.items.get(&id).map(|item| item.parent)
    }

    /// Whether a place is an item or lies in it.
    pub(super) fn is_within(&self, place: Place, id: NodeId) -> bool {
        let mut trail = self.trail(place).into_iter();
        trail.any(|crumb| crumb.place == Place::Folder(ItemId(id)))
    }

    /// Whether a name is in use in a folder, by another than `but`.
    pub(super) fn is_taken(&self, place: Place, name: &str, but: Option<NodeId>) -> bool {
        self.find_in(place, name).is_some_and(|id| Some(id) != but)
    }

    /// The item of a name in a folder.
    pub(super) fn find_in(&self, place: Place, name: &str) -> Option<NodeId> {
        let ids = self.folders.get(&place).into_iter().flatten();
        let mut ids = ids.filter(|id| self.items.get(id).is_some_and(|item| item.name == name));
        ids.next().copied()
    }

    /// Everything whose name has all words of `text` in it, best first.
    pub(super) fn search(&self, text: &str, from: usize, count: usize) -> Listing {
        let wanted = text.to_lowercase();
        let known = self.found.borrow().clone();
        let ids = match known {
            Some((was, ids)) if was == wanted => ids,
            _ => {
                let ids = Rc::new(self.matching(&wanted));
                *self.found.borrow_mut() = Some((wanted, ids.clone()));
                ids
            }
        };
        Listing {
            revision: self.revision,
            trail: Vec::new(),
            total: ids.len(),
            rows: self.rows(&ids, from, count, true),
        }
    }

    fn matching(&self, wanted: &str) -> Vec<NodeId> {
        let words: Vec<&str> = wanted.split_whitespace().collect();
        let Some(first) = words.first() else {
            return Vec::new();
        };
        let hits = self
            .items
            .iter()
            .filter(|(_, item)| words.iter().all(|word| item.folded.contains(word)));
        let mut hits: Vec<(NodeId, &Item, u8)> = hits
            .map(|(id, item)| {
                let at_start = item.folded.starts_with(first);
                let at_word = item.folded.contains(&format!(" {first}"));
                (*id, item, if at_start { 0 } else { 2 - u8::from(at_word) })
            })
            .collect();
        hits.sort_by(|(_, a, rank_a), (_, b, rank_b)| {
            rank_a
                .cmp(rank_b)
                .then_with(|| b.modified_ms.cmp(&a.modified_ms))
                .then_with(|| a.folded.cmp(&b.folded))
        });
        hits.into_iter().map(|(id, _, _)| id).collect()
    }

    /// Files and notes that were changed last.
    pub(super) fn recent(&self, count: usize) -> Vec<Row> {
        self.newest(count, |item| !item.is_folder())
    }

    /// Notes that were changed last.
    pub(super) fn notes(&self, count: usize) -> Vec<Row> {
        self.newest(count, |item| item.kind == ItemKind::Note)
    }

    fn newest(&self, count: usize, is_wanted: impl Fn(&Item) -> bool) -> Vec<Row> {
        let files = self.items.iter().filter(|(_, item)| is_wanted(item));
        let mut newest: Vec<(u64, NodeId)> =
            files.map(|(id, item)| (item.modified_ms, *id)).collect();
        let by_time = |a: &(u64, NodeId), b: &(u64, NodeId)| b.cmp(a);
        if count < newest.len() {
            newest.select_nth_unstable_by(count, by_time);
            newest.truncate(count);
        }
        newest.sort_by(by_time);
        let ids: Vec<NodeId> = newest.into_iter().map(|(_, id)| id).collect();
        self.rows(&ids, 0, count, true)
    }

    /// A window of the trash.
    pub(super) fn trash(&self, from: usize, count: usize) -> TrashListing {
        TrashListing {
            revision: self.revision,
            total: self.trash.len(),
            rows: self.trash.iter().skip(from).take(count).cloned().collect(),
        }
    }

    /// The row of something in the trash.
    pub(super) fn trashed(&self, id: NodeId) -> Option<Row> {
        let wanted = Some(ItemId(id));
        let found = self.trash.iter().find(|trashed| trashed.row.id == wanted);
        found.map(|trashed| trashed.row.clone())
    }

    /// What a place holds in all; none if it is not there.
    pub(super) fn usage(&self, place: Place) -> Option<UsageInfo> {
        let mut usage = UsageInfo {
            files: 0,
            folders: 0,
            bytes: 0,
            all_versions_bytes: 0,
        };
        let mut open = vec![self.folders.get(&place)?];
        while let Some(ids) = open.pop() {
            for id in ids {
                let Some(item) = self.items.get(id) else {
                    continue;
                };
                usage.bytes += item.size;
                usage.all_versions_bytes += item.all_size;
                if item.is_folder() {
                    usage.folders += 1;
                    open.extend(self.folders.get(&Place::Folder(ItemId(*id))));
                } else {
                    usage.files += 1;
                }
            }
        }
        Some(usage)
    }
}

impl Item {
    fn of(parent: Place, name: String, record: &Record) -> Self {
        Self {
            parent,
            folded: name.to_lowercase(),
            name,
            kind: match record.kind {
                // What is behind a mount is another vault, which the page does not open yet.
                Kind::Folder | Kind::Mount => ItemKind::Folder,
                Kind::File => ItemKind::File,
                Kind::Note => ItemKind::Note,
            },
            size: record.current().map_or(0, |version| version.size),
            all_size: record.versions.iter().map(|version| version.size).sum(),
            modified_ms: record.modified_ms,
            versions: record.versions.len(),
        }
    }

    fn row(&self, id: NodeId, within: String) -> Row {
        Row {
            id: Some(ItemId(id)),
            name: self.name.clone(),
            kind: self.kind,
            size: self.size,
            modified_ms: self.modified_ms,
            versions: self.versions,
            within,
        }
    }

    fn is_folder(&self) -> bool {
        self.kind == ItemKind::Folder
    }

    fn compare(&self, other: &Self, by: SortKey) -> Ordering {
        let by_name =
            || natural(&self.folded, &other.folded).then_with(|| self.name.cmp(&other.name));
        match by {
            SortKey::Name => by_name(),
            SortKey::Modified => self.modified_ms.cmp(&other.modified_ms).then_with(by_name),
            SortKey::Size => self.size.cmp(&other.size).then_with(by_name),
            SortKey::Kind => ending(&self.folded)
                .cmp(ending(&other.folded))
                .then_with(by_name),
        }
    }
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

fn place_of(place: TreePlace) -> Place {
    match place {
        TreePlace::Root => Place::Root,
        TreePlace::LostAndFound => Place::LostAndFound,
        TreePlace::Node(id) => Place::Folder(ItemId(id)),
    }
}

fn lost_and_found() -> Row {
    Row {
        id: None,
        name: LOST_AND_FOUND.to_owned(),
        kind: ItemKind::Folder,
        size: 0,
        modified_ms: 0,
        versions: 0,
        within: String::new(),
    }
}
