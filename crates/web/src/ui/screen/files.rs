//! Folders and searches: rows, and what is done with them.

pub(crate) mod actions;
mod bar;
pub(crate) mod choose;
pub(crate) mod details;
mod keys;
pub(crate) mod listing;
mod selection;
mod table;
pub(crate) mod versions;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use reactive_graph::graph::untrack;
use web_sys::{ClipboardEvent, DragEvent, KeyboardEvent, MouseEvent};

use self::listing::{Rows, Source};
use self::selection::Selection;
use self::table::Table;
use crate::bridge::{Order, Place};
use crate::ui::part::rows::{Lay, Scroll, rows};
use crate::ui::part::state;
use crate::ui::prelude::*;
use crate::ui::view::listen_while_shown;
use crate::ui::{drop, upload};

/// Width of a tile, CSS pixels, at least.
const TILE_PX: f64 = 168.0;

thread_local! {
    /// Where each folder was scrolled to, for the way back.
    static SCROLLED: RefCell<BTreeMap<String, f64>> = const { RefCell::new(BTreeMap::new()) };
}

/// A folder.
pub(crate) fn files(place: Place) -> El {
    let order = RwSignal::new(bar::kept_order());
    let source = move |order: Order| Source::Folder(place, order);
    let listing = Rows::new(source(order.get_untracked()));
    let mut is_first = true;
    follow(move || {
        let order = order.get();
        if !std::mem::take(&mut is_first) {
            listing.show(source(order));
        }
    });
    let table = Table {
        rows: listing,
        chosen: Selection::new(listing),
        home: Some(place),
        is_tiled: RwSignal::new(bar::kept_tiles()),
    };
    let body = body(table, Some(order), move || {
        div("d-contents").show(
            move || listing.may_add(),
            move |may_add| empty_folder(place, may_add),
        )
    });
    say_read_only(listing);
    paste(place);
    let screen = div("page files-page")
        .child(bar::head(table, place, order))
        .child(bar::share_line(table))
        .child(body);
    if choose::takes(place) {
        drop_here(screen, place, listing)
    } else {
        screen
    }
}

/// Has the rest of the page know that nothing can be put here.
fn say_read_only(listing: Rows) {
    follow(move || app().is_read_only.set(listing.is_read_only()));
    reactive_graph::owner::on_cleanup(|| app().is_read_only.set(false));
}

/// Everything whose name has what was typed.
pub(crate) fn search() -> El {
    let text = app().search;
    let listing = Rows::new(Source::Search(text.get_untracked()));
    let mut is_first = true;
    follow(move || {
        let text = text.get();
        if !std::mem::take(&mut is_first) && !text.is_empty() {
            listing.show(Source::Search(text));
        }
    });
    let table = Table {
        rows: listing,
        chosen: Selection::new(listing),
        home: None,
        is_tiled: RwSignal::new(false),
    };
    let empty = || state::empty(Icon::Search, t::NOTHING_FOUND, t::NOTHING_FOUND_TEXT, None);
    div("page files-page")
        .child(bar::search_head(table))
        .child(body(table, None, empty))
}

fn body(
    table: Table,
    order: Option<RwSignal<Order>>,
    empty: impl Fn() -> El + Clone + 'static,
) -> El {
    let scroll = Scroll::new();
    let lay = move || lay(table, scroll);
    let listing = table.rows;
    follow(move || {
        let total = listing.total();
        listing.want(&scroll.window(lay(), total.unwrap_or(1)));
    });
    div("files-body").child(bar::columns(table, order)).show(
        move || (listing.total().map(|total| total == 0), listing.failure()),
        move |found| match found {
            (None, Some(failure)) => state::failed(&failure),
            (None, None) => state::waiting(),
            (Some(true), _) => empty(),
            (Some(false), _) => grid(table, scroll, lay),
        },
    )
}

fn lay(table: Table, scroll: Scroll) -> Lay {
    if table.is_tiled.get() {
        let width = scroll.width();
        Lay {
            columns: ((width / TILE_PX) as usize).max(2),
            row_px: if app().is_narrow.get() { 184.0 } else { 196.0 },
        }
    } else {
        Lay {
            columns: 1,
            row_px: if app().is_narrow.get() || table.home.is_none() {
                64.0
            } else {
                48.0
            },
        }
    }
}

fn grid(table: Table, scroll: Scroll, lay: impl Fn() -> Lay + Clone + 'static) -> El {
    let (listing, chosen) = (table.rows, table.chosen);
    let of_keys = lay.clone();
    let list = rows(
        "rowgroup",
        scroll,
        lay,
        move || listing.total().unwrap_or(0),
        move |index| listing.row(index),
        move |index, row| table::row(table, index, row),
    );
    let key = Route::to_hash(&app().route.get_untracked());
    let back = SCROLLED.with_borrow(|scrolled| scrolled.get(&key).copied());
    reactive_graph::owner::on_cleanup(move || {
        let top = scroll.place();
        SCROLLED.with_borrow_mut(|scrolled| scrolled.insert(key, top));
    });
    list.class("file-grid")
        .class_if("is-tiled", move || table.is_tiled.get())
        .class_if("has-places", move || table.home.is_none())
        .role("grid")
        .label(t::FILES)
        .aria("aria-multiselectable", "true")
        .aria_with("aria-rowcount", move || {
            listing.total().map(|total| total.to_string())
        })
        .aria_with("aria-activedescendant", move || {
            Some(table::row_id(chosen.active()))
        })
        .tab_index("0")
        .mark("data-list")
        .on("keydown", move |event: KeyboardEvent| {
            keys::press(&event, table, scroll, untrack(&of_keys));
        })
        .on("click", move |event: MouseEvent| {
            // Beside the rows: nothing is chosen any more.
            if event.target() == event.current_target() {
                chosen.clear();
            }
        })
        .once_shown(move |_| {
            if let Some(top) = back {
                scroll.return_to(top);
            }
        })
}

fn empty_folder(place: Place, may_add: bool) -> El {
    if !choose::takes(place) {
        return state::empty(Icon::Folder2Open, t::LOST_EMPTY, t::LOST_TEXT, None);
    }
    if !may_add {
        let text = t::FAILED_READ_ONLY;
        return state::empty(Icon::Folder2Open, t::FOLDER_EMPTY, text, None);
    }
    let actions = div("empty-actions")
        .child(
            button("btn btn-primary")
                .child(icon(Icon::Upload))
                .child(span("").say(t::UPLOAD_FILES))
                .on_click(|| upload::Pick::Files.open()),
        )
        .child(
            button("btn btn-outline")
                .child(icon(Icon::FolderPlus))
                .child(span("").say(t::NEW_FOLDER))
                .on_click(move || actions::new_folder(place)),
        );
    let text = if app().is_narrow.get_untracked() {
        t::EMPTY_TEXT_PHONE
    } else {
        t::EMPTY_TEXT
    };
    let title = if place == Place::Root {
        t::EMPTY_DRIVE
    } else {
        t::FOLDER_EMPTY
    };
    state::empty(Icon::CloudUpload, title, text, actions)
}

/// The whole screen takes files of this device.
fn drop_here(screen: El, place: Place, listing: Rows) -> El {
    let has_files = RwSignal::new(false);
    let veil = drop::target(div("drop-veil"), place, Some(place))
        .class_if("is-shown", move || has_files.get())
        .child(
            div("drop-words")
                .child(icon(Icon::CloudUpload))
                .child(el("p").say(t::DROP_HERE)),
        );
    let depth = Rc::new(std::cell::Cell::new(0_i32));
    let (entered, left, dropped) = (depth.clone(), depth.clone(), depth);
    let screen = screen
        .on("dragenter", move |event: DragEvent| {
            if drop::has_files(&event) && !untrack(|| listing.is_read_only()) {
                entered.set(entered.get() + 1);
                has_files.set(true);
            }
        })
        .on("dragleave", move |_: DragEvent| {
            left.set((left.get() - 1).max(0));
            if left.get() == 0 {
                has_files.set(false);
            }
        })
        .on("drop", move |_: DragEvent| {
            dropped.set(0);
            has_files.set(false);
        })
        .child(veil);
    drop::target(screen, place, Some(place))
}

/// Pasted items, files and pictures go into the folder that is shown.
fn paste(place: Place) {
    listen_while_shown(&document(), "paste", move |event: ClipboardEvent| {
        let is_typing = document().active_element().is_some_and(|focused| {
            matches!(focused.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")
        });
        if is_typing || !choose::takes(place) {
            return;
        }
        let has_files = event
            .clipboard_data()
            .is_some_and(|data| upload::paste(&data, place));
        if has_files || choose::paste_into(place) {
            event.prevent_default();
        }
    });
}
