//! Lists across all that is open: searches, what is recent, the trash.

use std::rc::Rc;

use super::View;
use super::vault::{Item, Trashed, VaultView};
use sv_bridge::{ItemId, ItemKind, Listing, Row, ShareId, TrashMark};

impl View {
    /// Everything that is shown, each with what is told of it. A file that is
    /// mounted by itself is there once, as the mount.
    fn each(&self) -> impl Iterator<Item = (ItemId, &Item, &Item)> {
        self.vaults.values().flat_map(move |vault| {
            let home = vault.share.and_then(|share| self.homes.get(&share));
            let mounted = home.map(|home| self.behind(*home));
            vault.items.iter().filter_map(move |(node, item)| {
                let id = vault.id(*node);
                (Some(id) != mounted).then(|| (id, item, self.facts(item)))
            })
        })
    }

    /// Everything whose name has all words of `text` in it, best first.
    pub(crate) fn search(&self, text: &str, from: usize, count: usize) -> Listing {
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
            rows: self.rows(&ids, from, count, true),
            ..self.flat(ids.len())
        }
    }

    fn matching(&self, wanted: &str) -> Vec<ItemId> {
        let words: Vec<&str> = wanted.split_whitespace().collect();
        let Some(first) = words.first() else {
            return Vec::new();
        };
        let has_all = |item: &Item| words.iter().all(|word| item.folded.contains(word));
        let hits = self.each().filter(|(_, item, _)| has_all(item));
        let mut hits: Vec<(ItemId, &Item, u8)> = hits
            .map(|(id, item, _)| {
                let at_start = item.folded.starts_with(first);
                let at_word = item.folded.contains(&format!(" {first}"));
                (id, item, if at_start { 0 } else { 2 - u8::from(at_word) })
            })
            .collect();
        hits.sort_by(|(_, a, rank_a), (_, b, rank_b)| {
            rank_a
                .cmp(rank_b)
                .then_with(|| b.modified_ms.cmp(&a.modified_ms))
                .then_with(|| a.folded.cmp(&b.folded))
        });
        hits.into_iter().map(|(id, ..)| id).collect()
    }

    /// Files and notes that were changed last.
    pub(crate) fn recent(&self, count: usize) -> Vec<Row> {
        self.newest(count, |kind| kind != ItemKind::Folder)
    }

    /// Notes that were changed last.
    pub(crate) fn notes(&self, count: usize) -> Vec<Row> {
        self.newest(count, |kind| kind == ItemKind::Note)
    }

    fn newest(&self, count: usize, is_wanted: fn(ItemKind) -> bool) -> Vec<Row> {
        let files = self.each().filter(|(_, _, shown)| is_wanted(shown.kind));
        let mut newest: Vec<(u64, ItemId)> = files
            .map(|(id, _, shown)| (shown.modified_ms, id))
            .collect();
        let by_time = |a: &(u64, ItemId), b: &(u64, ItemId)| b.cmp(a);
        if count < newest.len() {
            newest.select_nth_unstable_by(count, by_time);
            newest.truncate(count);
        }
        newest.sort_by(by_time);
        let ids: Vec<ItemId> = newest.into_iter().map(|(_, id)| id).collect();
        self.rows(&ids, 0, count, true)
    }

    /// A window of the trash of all that is open.
    pub(crate) fn trash(&self, from: usize, count: usize) -> Listing {
        let mut all: Vec<(&VaultView, &Trashed)> = Vec::new();
        for vault in self.vaults.values() {
            all.extend(vault.trash.iter().map(|row| (vault.as_ref(), row)));
        }
        let own = self.vault(None).map_or(0, |vault| vault.trash.len());
        if all.len() > own {
            all.sort_by_key(|(_, row)| std::cmp::Reverse(row.at_ms));
        }
        let window = all.iter().skip(from).take(count);
        Listing {
            own,
            rows: window
                .map(|(vault, row)| self.trash_row(vault, row))
                .collect(),
            ..self.flat(all.len())
        }
    }

    /// A list that is of no folder.
    const fn flat(&self, total: usize) -> Listing {
        Listing {
            revision: self.revision,
            trail: Vec::new(),
            is_beside: false,
            share: None,
            may_add: false,
            total,
            own: 0,
            rows: Vec::new(),
        }
    }

    fn trash_row(&self, vault: &VaultView, trashed: &Trashed) -> Row {
        let home = trashed.home.clone().unwrap_or_default();
        let share_name = vault
            .share
            .map(|share| self.name_of(share).unwrap_or_default().to_owned());
        let mut row = trashed.item.row(vault.id(trashed.id), home);
        let mount = trashed.item.mount;
        row.share = mount.map(|mount| self.mark(ShareId(mount.vault_id)));
        row.trashed = Some(TrashMark {
            expires_ms: trashed.expires_ms(),
            home_is_gone: trashed.home.is_none(),
            share_name,
        });
        row
    }

    /// The row of something in the trash.
    pub(crate) fn trashed(&self, id: ItemId) -> Option<Row> {
        let vault = self.vault(id.share)?;
        let found = vault.trash.iter().find(|trashed| trashed.id == id.node)?;
        Some(self.trash_row(vault, found))
    }
}
