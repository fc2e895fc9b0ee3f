//! Rows of a folder, a search or the trash, read in pages as they come into sight, and
//! read again when the drive has changed.

use std::collections::BTreeMap;
use std::ops::Range;

use reactive_graph::traits::Track;

use crate::bridge::{
    Crumb, ItemId, ListFolder, ListIds, ListTrash, Listing, Order, Place, Role, Row, Search,
    ShareMark, SortKey,
};
use crate::ui::prelude::*;

/// Rows in a page.
const PAGE: usize = 100;

/// Where rows come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Folder(Place, Order),
    Search(String),
    Trash,
}

/// What is known of a list.
#[derive(Clone, Copy)]
pub(crate) struct Rows {
    /// What is asked for, and how many times that has changed.
    source: RwSignal<(u64, Source)>,
    /// Pages from and to, without the last, that can be seen.
    wanted: RwSignal<(usize, usize)>,
    pages: RwSignal<BTreeMap<usize, Page>>,
    total: RwSignal<Option<usize>>,
    trail: RwSignal<Vec<Crumb>>,
    is_beside: RwSignal<bool>,
    /// The shared vault that the folder is in.
    share: RwSignal<Option<ShareMark>>,
    may_add: RwSignal<bool>,
    own: RwSignal<usize>,
    failure: RwSignal<Option<Failure>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Page {
    state: State,
    rows: Vec<Row>,
}

/// What a page was read of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    turn: u64,
    revision: u64,
}

impl Rows {
    /// Begins to read.
    pub(crate) fn new(source: Source) -> Self {
        let this = Self {
            source: RwSignal::new((0, source)),
            wanted: RwSignal::new((0, 1)),
            pages: RwSignal::new(BTreeMap::new()),
            total: RwSignal::new(None),
            trail: RwSignal::new(Vec::new()),
            is_beside: RwSignal::new(false),
            share: RwSignal::new(None),
            may_add: RwSignal::new(false),
            own: RwSignal::new(0),
            failure: RwSignal::new(None),
        };
        follow(move || this.read());
        this
    }

    /// Shows something else. What was there stays until the new rows come.
    pub(crate) fn show(self, source: Source) {
        self.source.update(|(turn, now)| {
            *turn += 1;
            *now = source;
        });
    }

    /// Says which rows can be seen.
    pub(crate) fn want(self, window: &Range<usize>) {
        let pages = (window.start / PAGE, window.end.div_ceil(PAGE).max(1));
        if self.wanted.get_untracked() != pages {
            self.wanted.set(pages);
        }
    }

    /// How many rows there are; `None` before the first answer.
    pub(crate) fn total(self) -> Option<usize> {
        self.total.get()
    }

    /// The folders down to this one.
    pub(crate) fn trail(self) -> Vec<Crumb> {
        self.trail.get()
    }

    /// The shared vault that the folder is in.
    pub(crate) fn share(self) -> Option<ShareMark> {
        self.share.get()
    }

    /// Whether the trail begins in a shared vault and not in the drive.
    pub(crate) fn is_beside(self) -> bool {
        self.is_beside.get()
    }

    /// Whether the person may add something to the folder.
    pub(crate) fn may_add(self) -> bool {
        self.may_add.get()
    }

    /// How many rows emptying the trash would remove.
    pub(crate) fn own(self) -> usize {
        self.own.get()
    }

    /// Whether the person may only look at what is there.
    pub(crate) fn is_read_only(self) -> bool {
        let role = self.share.with(|share| share.and_then(|share| share.role));
        role == Some(Role::Viewer)
    }

    /// Why there are no rows.
    pub(crate) fn failure(self) -> Option<Failure> {
        self.failure.get()
    }

    /// A row, if it is there.
    pub(crate) fn row(self, index: usize) -> Option<Row> {
        self.pages.with(|pages| row_in(pages, index))
    }

    /// The same, for what happens once.
    pub(crate) fn row_now(self, index: usize) -> Option<Row> {
        self.pages.with_untracked(|pages| row_in(pages, index))
    }

    /// How many rows there are now.
    pub(crate) fn total_now(self) -> usize {
        self.total.get_untracked().unwrap_or(0)
    }

    /// Where an item is, among the rows that are there.
    pub(crate) fn find(self, id: ItemId) -> Option<usize> {
        self.pages.with_untracked(|pages| {
            pages.iter().find_map(|(number, page)| {
                let at = page.rows.iter().position(|row| row.id == Some(id))?;
                Some(number * PAGE + at)
            })
        })
    }

    /// Follows whatever may have other rows there.
    pub(crate) fn track(self) {
        self.source.track();
        app().revision.track();
    }

    /// Items of all rows, in order: also of those that were never in sight.
    pub(crate) async fn all_ids(self) -> Result<Vec<ItemId>, Failure> {
        match self.source.get_untracked().1 {
            Source::Folder(folder, order) => bridge::call(ListIds { folder, order }).await,
            source @ (Source::Search(_) | Source::Trash) => {
                let all = source.ask(0, self.total_now()).await?;
                Ok(all.rows.into_iter().filter_map(|row| row.id).collect())
            }
        }
    }

    /// Asks for the pages that can be seen and are not as the drive is now.
    fn read(self) {
        let (turn, source) = self.source.get();
        let revision = app().revision.get();
        let (from, to) = self.wanted.get();
        let state = State { turn, revision };
        for number in from..to {
            let is_fresh = self
                .pages
                .with_untracked(|pages| pages.get(&number).is_some_and(|page| page.state == state));
            if !is_fresh {
                let source = source.clone();
                task(async move {
                    let answer = source.ask(number * PAGE, PAGE).await;
                    self.take(number, state, answer);
                });
            }
        }
    }

    fn take(self, number: usize, state: State, answer: Result<Listing, Failure>) {
        match answer {
            Ok(listing) => {
                self.failure.set(None);
                self.pages.update(|pages| {
                    // Rows of another state may have moved.
                    pages.retain(|_, page| page.state == state);
                    pages.insert(
                        number,
                        Page {
                            state,
                            rows: listing.rows,
                        },
                    );
                });
                self.is_beside.set(listing.is_beside);
                self.trail.set(listing.trail);
                self.share.set(listing.share);
                self.may_add.set(listing.may_add);
                self.own.set(listing.own);
                self.total.set(Some(listing.total));
            }
            Err(failure) => {
                if !failure.is_passing() {
                    // What may no longer be seen does not stay on the screen.
                    self.pages.set(BTreeMap::new());
                    self.total.set(None);
                    self.share.set(None);
                    self.may_add.set(false);
                }
                self.failure.set(Some(failure));
            }
        }
    }
}

fn row_in(pages: &BTreeMap<usize, Page>, index: usize) -> Option<Row> {
    pages.get(&(index / PAGE))?.rows.get(index % PAGE).cloned()
}

impl Source {
    async fn ask(self, from: usize, count: usize) -> Result<Listing, Failure> {
        match self {
            Self::Folder(folder, order) => {
                bridge::call(ListFolder {
                    folder,
                    order,
                    from,
                    count,
                })
                .await
            }
            Self::Search(text) => bridge::call(Search { text, from, count }).await,
            Self::Trash => bridge::call(ListTrash { from, count }).await,
        }
    }
}

/// How a folder is sorted unless somebody chose otherwise.
pub(crate) const BY_NAME: Order = Order {
    by: SortKey::Name,
    descending: false,
};
