//! Which rows are chosen, by mouse, keyboard or finger.

use std::collections::BTreeSet;

use super::listing::Rows;
use crate::bridge::{ItemId, Row};
use crate::ui::part::toast;
use crate::ui::prelude::*;

/// What is chosen, and where the keyboard is.
#[derive(Clone, Copy)]
pub(crate) struct Selection {
    rows: Rows,
    ids: RwSignal<BTreeSet<ItemId>>,
    /// The row that keys act on.
    active: RwSignal<usize>,
    /// Where a range began.
    anchor: RwSignal<usize>,
}

impl Selection {
    pub(crate) fn new(rows: Rows) -> Self {
        let this = Self {
            rows,
            ids: RwSignal::new(BTreeSet::new()),
            active: RwSignal::new(0),
            anchor: RwSignal::new(0),
        };
        follow(move || {
            rows.track();
            this.drop_gone();
        });
        this
    }

    /// Lets go of what is not there any more.
    fn drop_gone(self) {
        if self.is_empty_now() {
            return;
        }
        task(async move {
            match self.rows.all_ids().await {
                Ok(all) => {
                    let all: BTreeSet<ItemId> = all.into_iter().collect();
                    let has_gone = self.ids.with_untracked(|ids| !ids.is_subset(&all));
                    if has_gone {
                        self.ids.update(|ids| ids.retain(|id| all.contains(id)));
                    }
                }
                // It cannot be told now, and is when the server is back.
                Err(failure) if failure.is_passing() => {}
                Err(_) => self.clear(),
            }
        });
    }

    pub(crate) fn has(self, id: Option<ItemId>) -> bool {
        self.ids.with(|ids| id.is_some_and(|id| ids.contains(&id)))
    }

    pub(crate) fn count(self) -> usize {
        self.ids.with(BTreeSet::len)
    }

    pub(crate) fn is_empty_now(self) -> bool {
        self.ids.with_untracked(BTreeSet::is_empty)
    }

    /// The row that keys act on.
    pub(crate) fn active(self) -> usize {
        self.active.get()
    }

    pub(crate) fn active_now(self) -> usize {
        self.active.get_untracked()
    }

    pub(crate) fn clear(self) {
        if !self.is_empty_now() {
            self.ids.set(BTreeSet::new());
        }
    }

    /// Moves to a row without choosing it.
    pub(crate) fn move_to(self, index: usize) {
        self.active.set(index);
        self.anchor.set(index);
    }

    /// Chooses this row alone.
    pub(crate) fn only(self, index: usize) {
        self.move_to(index);
        let id = self.rows.row_now(index).and_then(|row| row.id);
        self.ids.set(id.into_iter().collect());
    }

    /// Adds a row, or takes it out.
    pub(crate) fn toggle(self, index: usize) {
        self.move_to(index);
        if let Some(id) = self.rows.row_now(index).and_then(|row| row.id) {
            self.ids.update(|ids| {
                if !ids.remove(&id) {
                    ids.insert(id);
                }
            });
        }
    }

    /// Chooses everything from where the range began to this row.
    pub(crate) fn extend_to(self, index: usize) {
        self.active.set(index);
        let anchor = self.anchor.get_untracked();
        let (from, to) = (anchor.min(index), anchor.max(index));
        let here: Option<Vec<Row>> = (from..=to).map(|index| self.rows.row_now(index)).collect();
        match here {
            Some(rows) => self
                .ids
                .set(rows.into_iter().filter_map(|row| row.id).collect()),
            // Some of it was never in sight: the engine knows them all.
            None => task(async move {
                match self.rows.all_ids().await {
                    Ok(all) => {
                        let range = all.into_iter().skip(from).take(to - from + 1);
                        self.ids.set(range.collect());
                    }
                    Err(failure) => toast::failed(&failure),
                }
            }),
        }
    }

    pub(crate) fn all(self) {
        task(async move {
            match self.rows.all_ids().await {
                Ok(all) => self.ids.set(all.into_iter().collect()),
                Err(failure) => toast::failed(&failure),
            }
        });
    }

    /// Everything that is chosen.
    pub(crate) fn ids_now(self) -> Vec<ItemId> {
        self.ids.with_untracked(|ids| ids.iter().copied().collect())
    }

    /// What an action is about: all that is chosen if this row is among it,
    /// else this row alone.
    pub(crate) fn with_row(self, row: &Row) -> Vec<ItemId> {
        let chosen = self.ids_now();
        match row.id {
            Some(id) if chosen.contains(&id) => chosen,
            id => id.into_iter().collect(),
        }
    }

    /// The row, if exactly one is chosen and it is in sight.
    pub(crate) fn single_now(self) -> Option<Row> {
        match self.ids_now().as_slice() {
            [id] => self.rows.row_now(self.rows.find(*id)?),
            _ => None,
        }
    }
}
