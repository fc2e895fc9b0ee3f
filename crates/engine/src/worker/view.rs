//! Everything that is open, as it is shown: rows of every folder, taken from
//! the verified trees whenever those change. Listing and searching read it
//! alone, so they wait for nobody and work offline.

mod find;
mod vault;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use sv_client::drive::Drive;
use sv_client::tree::LOST_AND_FOUND;
use sv_core::record::Mount;
use sv_ledger::state;

use self::vault::{Item, VaultView, compare};
use super::platform::Browser;
use crate::worker::mime;
use sv_bridge::{
    Crumb, ItemDetail, ItemId, ItemKind, Listing, Order, Place, Role, Row, ShareId, ShareMark,
    Standing, UsageInfo,
};

/// One state of all that is open.
#[derive(Clone, Default)]
pub(super) struct View {
    /// Rises with every state.
    pub(super) revision: u64,
    vaults: BTreeMap<Option<ShareId>, Rc<VaultView>>,
    /// Where each shared vault is mounted: the one mount that its path runs
    /// through, in the drive where there is one.
    homes: BTreeMap<ShareId, ItemId>,
    /// Shared vaults that this account has made or accepted, by its names for
    /// them.
    known: Rc<BTreeMap<ShareId, String>>,
    /// Those that cannot be looked into, and why.
    shut: BTreeMap<ShareId, Standing>,
    /// The order that was asked for last, since windows of it follow.
    sorted: RefCell<Option<Sorted>>,
    found: RefCell<Option<(String, Ids)>>,
}

type Ids = Rc<Vec<ItemId>>;
type Sorted = (Place, Order, Ids);

impl View {
    /// The next state: what `change` makes of this one.
    pub(super) fn next(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut next = self.clone();
        next.revision += 1;
        next.sorted.take();
        next.found.take();
        change(&mut next);
        next.find_homes();
        next
    }

    /// A vault has become so. `role` is what this person may do there.
    pub(super) fn put(
        &mut self,
        drive: &Drive<'_, Browser>,
        share: Option<ShareId>,
        role: state::Role,
    ) {
        let taken = VaultView::of(drive, share, role);
        self.vaults.insert(share, Rc::new(taken));
        if let Some(share) = share {
            self.shut.remove(&share);
        }
    }

    /// A shared vault is not to be shown, or is to be opened again.
    pub(super) fn shut(&mut self, share: ShareId, standing: Option<Standing>) {
        self.vaults.remove(&Some(share));
        match standing {
            Some(standing) => self.shut.insert(share, standing),
            None => self.shut.remove(&share),
        };
    }

    /// Shows no shared vaults but these.
    pub(super) fn keep_open(&mut self, is_kept: impl Fn(&ShareId) -> bool) {
        self.vaults
            .retain(|share, _| share.as_ref().is_none_or(&is_kept));
        self.shut.retain(|share, _| is_kept(share));
    }

    /// What this account has made or accepted.
    pub(super) fn know(&mut self, known: BTreeMap<ShareId, String>) {
        self.known = Rc::new(known);
    }

    /// The path of a vault runs through the first mount that the drive leads
    /// to, each vault once. So paths end, however mounts are made.
    fn find_homes(&mut self) {
        self.homes.clear();
        let mut reached = BTreeSet::from([None]);
        let mut open = VecDeque::from([None]);
        let beside: Vec<Option<ShareId>> = self.vaults.keys().copied().collect();
        let mut beside = beside.into_iter();
        loop {
            let Some(at) = open.pop_front() else {
                // What is mounted nowhere stands by itself.
                match beside.find(|share| reached.insert(*share)) {
                    Some(share) => open.push_back(share),
                    None => return,
                }
                continue;
            };
            let Some(vault) = self.vaults.get(&at) else {
                continue;
            };
            for (share, node) in &vault.mounts {
                if self.known.contains_key(share) && reached.insert(Some(*share)) {
                    self.homes.insert(*share, vault.id(*node));
                    open.push_back(Some(*share));
                }
            }
        }
    }

    fn vault(&self, share: Option<ShareId>) -> Option<&VaultView> {
        self.vaults.get(&share).map(Rc::as_ref)
    }

    fn item(&self, id: ItemId) -> Option<&Item> {
        self.vault(id.share)?.items.get(&id.node)
    }

    /// Where the one file is that is mounted as this item; the item itself if
    /// it is no such mount.
    pub(super) fn behind(&self, id: ItemId) -> ItemId {
        match self.item(id).and_then(|item| item.mount) {
            Some(Mount {
                vault_id,
                node: Some(node),
            }) => ItemId {
                share: Some(ShareId(vault_id)),
                node,
            },
            _ => id,
        }
    }

    /// What is to be told of an item: of a mount of one file, that file.
    fn facts<'a>(&'a self, item: &'a Item) -> &'a Item {
        let mount = item.mount.and_then(|mount| {
            let vault = self.vault(Some(ShareId(mount.vault_id)))?;
            vault.items.get(&mount.node?)
        });
        mount.unwrap_or(item)
    }

    /// The place itself: a mount of a vault stands for the vault.
    pub(super) fn resolve(&self, place: Place) -> Place {
        let Place::Folder(id) = place else {
            return place;
        };
        match self.item(id).and_then(|item| item.mount) {
            Some(mount) if mount.node.is_none() => Place::Share(ShareId(mount.vault_id)),
            _ => place,
        }
    }

    /// What there is to know of a shared vault.
    pub(super) fn mark(&self, share: ShareId) -> ShareMark {
        let open = self.vault(Some(share));
        ShareMark {
            share,
            role: open.map(|vault| role_of(vault.role)),
            standing: match (open, self.shut.get(&share)) {
                (Some(_), _) => Standing::Open,
                (None, Some(standing)) => *standing,
                (None, None) if self.known.contains_key(&share) => Standing::Closed,
                (None, None) => Standing::NotAccepted,
            },
        }
    }

    /// What a shared vault is called here: as its mount, or by this account.
    pub(super) fn name_of(&self, share: ShareId) -> Option<&str> {
        let mount = self.homes.get(&share).and_then(|home| self.item(*home));
        let name = mount.map(|mount| mount.name.as_str());
        name.or_else(|| self.known.get(&share).map(String::as_str))
    }

    /// Shared vaults of which a folder shows one file: they have to be open
    /// for that.
    pub(super) fn needed_by(&self, rows: &[Row]) -> Vec<ShareId> {
        let marks = rows
            .iter()
            .filter(|row| row.kind != ItemKind::Folder)
            .filter_map(|row| row.share);
        let closed = marks.filter(|mark| mark.standing == Standing::Closed);
        closed.map(|mark| mark.share).collect()
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
        let vault = self.vault(share_of(place))?;
        if place == vault.root() && vault.has_lost() {
            if from <= total && rows.len() < count {
                rows.push(self.lost_and_found(vault.share));
            }
            total += 1;
        }
        Some(Listing {
            revision: self.revision,
            trail: self.trail(place),
            is_beside: self.is_beside(place),
            share: vault.share.map(|share| self.mark(share)),
            may_add: self.may_add(place),
            total,
            own: 0,
            rows,
        })
    }

    /// Whether this person may add something to a place that is there.
    pub(super) fn may_add(&self, place: Place) -> bool {
        let vault = self.vault(share_of(place));
        let role = vault.map_or(state::Role::Viewer, |vault| vault.role);
        !matches!(place, Place::LostAndFound(_)) && role >= state::Role::Contributor
    }

    /// Everything in a folder, in order.
    pub(super) fn ids(&self, place: Place, order: Order) -> Option<Vec<ItemId>> {
        Some(self.ordered(place, order)?.to_vec())
    }

    fn ordered(&self, place: Place, order: Order) -> Option<Ids> {
        if let Some((was, by, ids)) = &*self.sorted.borrow()
            && (*was, *by) == (place, order)
        {
            return Some(ids.clone());
        }
        let vault = self.vault(share_of(place))?;
        let nodes = vault.folders.get(&place)?.iter();
        let mut rows: Vec<(ItemId, &Item, &Item)> = nodes
            .filter_map(|node| {
                let item = vault.items.get(node)?;
                Some((vault.id(*node), item, self.facts(item)))
            })
            .collect();
        rows.sort_by(|(_, a, shown_a), (_, b, shown_b)| compare((a, shown_a), (b, shown_b), order));
        let ids = Rc::new(rows.into_iter().map(|(id, ..)| id).collect::<Vec<_>>());
        *self.sorted.borrow_mut() = Some((place, order, ids.clone()));
        Some(ids)
    }

    fn rows(&self, ids: &[ItemId], from: usize, count: usize, with_place: bool) -> Vec<Row> {
        let window = ids.iter().skip(from).take(count);
        window.filter_map(|id| self.row(*id, with_place)).collect()
    }

    /// An item's row.
    pub(super) fn row(&self, id: ItemId, with_place: bool) -> Option<Row> {
        let item = self.item(id)?;
        let within = match with_place {
            true => self.path(item.parent),
            false => String::new(),
        };
        let mut row = item.row(id, within);
        if let Some(mount) = item.mount {
            row.share = Some(self.mark(ShareId(mount.vault_id)));
            let shown = self.facts(item);
            (row.kind, row.size) = (shown.kind, shown.size);
            (row.modified_ms, row.versions) = (shown.modified_ms, shown.versions);
        }
        Some(row)
    }

    /// The row of something in a vault that is open, also of what is in the
    /// trash or in something that is.
    pub(super) fn detail(&self, drive: &Drive<'_, Browser>, id: ItemId) -> Option<ItemDetail> {
        let shown = self.row(id, true);
        let in_trash = shown.is_none();
        let row = match shown.or_else(|| self.trashed(id)) {
            Some(row) => row,
            None => {
                let vault = self.vault(id.share)?;
                let item = vault.item_of(drive, id.node, vault.root(), None)?;
                item.row(id, String::new())
            }
        };
        let record = drive.vault().replica().record(&self.behind(id).node)?;
        let parent = self.parent(id);
        Some(ItemDetail {
            mime: mime::of_name(&row.name).to_owned(),
            row,
            trail: parent.map(|place| self.trail(place)).unwrap_or_default(),
            created_ms: record.created_ms,
            in_trash,
        })
    }

    /// The folders down to a place and the place itself, without the drive.
    pub(super) fn trail(&self, place: Place) -> Vec<Crumb> {
        let mut trail = Vec::new();
        let mut at = Some(place);
        while let Some(place) = at {
            let (name, above) = match place {
                Place::Root => break,
                Place::LostAndFound(share) => {
                    let root = share.map_or(Place::Root, Place::Share);
                    (Some(LOST_AND_FOUND.to_owned()), Some(root))
                }
                Place::Folder(id) => match self.item(id) {
                    Some(item) => (Some(item.name.clone()), Some(item.parent)),
                    None => break,
                },
                Place::Share(share) => {
                    let home = self.homes.get(&share).and_then(|id| self.item(*id));
                    let shows_one = home.is_some_and(|home| !home.is_folder());
                    // One file is shown where its mount is.
                    let name = (!shows_one).then(|| self.name_of(share).unwrap_or_default());
                    (name.map(str::to_owned), home.map(|home| home.parent))
                }
            };
            trail.extend(name.map(|name| Crumb { place, name }));
            at = above;
        }
        trail.reverse();
        trail
    }

    /// A place's path, with a leading slash if it begins in the drive.
    pub(super) fn path(&self, place: Place) -> String {
        let trail = self.trail(place).into_iter();
        let names: Vec<String> = trail.map(|crumb| crumb.name).collect();
        let path = names.join("/");
        match self.is_beside(place) {
            true => path,
            false => format!("/{path}"),
        }
    }

    /// Whether the drive does not lead to a place: the vault that it is in, or
    /// one that leads to that, is mounted nowhere.
    fn is_beside(&self, place: Place) -> bool {
        let mut at = share_of(place);
        while let Some(share) = at {
            match self.homes.get(&share) {
                Some(home) => at = home.share,
                None => return true,
            }
        }
        false
    }

    /// The path from the root of the vault that a place is in.
    pub(super) fn path_inside(&self, place: Place) -> String {
        let root = share_of(place).map(Place::Share);
        let names: Vec<String> = self
            .trail(place)
            .into_iter()
            .rev()
            .take_while(|crumb| {
                Some(crumb.place) != root && share_of(crumb.place) == share_of(place)
            })
            .map(|crumb| crumb.name)
            .collect();
        let names: Vec<String> = names.into_iter().rev().collect();
        format!("/{}", names.join("/"))
    }

    /// Where an item is; none if it is nowhere to be seen.
    pub(super) fn parent(&self, id: ItemId) -> Option<Place> {
        self.item(id).map(|item| item.parent)
    }

    /// Whether a place is an item, is mounted as it, or lies in it.
    pub(super) fn is_within(&self, place: Place, id: ItemId) -> bool {
        let inside = self.resolve(Place::Folder(id));
        let mut trail = self.trail(place).into_iter();
        trail.any(|crumb| crumb.place == inside)
    }

    /// Whether a name is in use in a folder, by another than `but`.
    pub(super) fn is_taken(&self, place: Place, name: &str, but: Option<ItemId>) -> bool {
        self.find_in(place, name).is_some_and(|id| Some(id) != but)
    }

    /// The item of a name in a folder.
    pub(super) fn find_in(&self, place: Place, name: &str) -> Option<ItemId> {
        let vault = self.vault(share_of(place))?;
        let mut nodes = vault.folders.get(&place)?.iter();
        let found = nodes.find(|node| {
            let item = vault.items.get(*node);
            item.is_some_and(|item| item.name == name)
        })?;
        Some(vault.id(*found))
    }

    /// Whether this person may change an item, also one in the trash.
    pub(super) fn may_change(&self, id: ItemId) -> bool {
        if let Some(item) = self.item(id) {
            return item.may_change;
        }
        let Some(vault) = self.vault(id.share) else {
            return false;
        };
        // Only what may be changed is listed of the trash.
        vault.role >= state::Role::Editor || vault.trash.iter().any(|row| row.id == id.node)
    }

    /// What a place holds in all; none if it is not there. What is mounted in
    /// it belongs to another vault.
    pub(super) fn usage(&self, place: Place) -> Option<UsageInfo> {
        let mut usage = UsageInfo {
            files: 0,
            folders: 0,
            bytes: 0,
            all_versions_bytes: 0,
        };
        let vault = self.vault(share_of(place))?;
        let mut open = vec![vault.folders.get(&place)?];
        while let Some(ids) = open.pop() {
            let items = ids.iter().filter_map(|id| Some((id, vault.items.get(id)?)));
            for (id, item) in items.filter(|(_, item)| item.mount.is_none()) {
                usage.bytes += item.size;
                usage.all_versions_bytes += item.all_size;
                if item.is_folder() {
                    usage.folders += 1;
                    open.extend(vault.folders.get(&Place::Folder(vault.id(*id))));
                } else {
                    usage.files += 1;
                }
            }
        }
        Some(usage)
    }

    fn lost_and_found(&self, share: Option<ShareId>) -> Row {
        Row {
            id: None,
            name: LOST_AND_FOUND.to_owned(),
            kind: ItemKind::Folder,
            size: 0,
            modified_ms: 0,
            versions: 0,
            within: String::new(),
            share: share.map(|share| self.mark(share)),
            may_change: false,
            may_share: false,
            trashed: None,
        }
    }
}

/// The vault that a place is in; none for the drive.
pub(super) const fn share_of(place: Place) -> Option<ShareId> {
    match place {
        Place::Root => None,
        Place::Share(share) => Some(share),
        Place::LostAndFound(share) => share,
        Place::Folder(id) => id.share,
    }
}

pub(super) const fn role_of(role: state::Role) -> Role {
    match role {
        state::Role::Viewer => Role::Viewer,
        state::Role::Contributor => Role::Contributor,
        state::Role::Editor => Role::Editor,
        state::Role::Manager => Role::Manager,
        state::Role::Owner => Role::Owner,
    }
}
