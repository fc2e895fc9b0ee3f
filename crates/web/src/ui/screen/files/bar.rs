//! What stands above the rows: where one is, how they are sorted, and what can
//! be done with those that are chosen.

use wasm_bindgen::JsCast;
use web_sys::MouseEvent;

use super::actions;
use super::choose;
use super::listing::BY_NAME;
use super::table::Table;
use crate::bridge::{Order, Place, Role, SortKey};
use crate::ui::kept::{keep, kept};
use crate::ui::part::{menu, state};
use crate::ui::prelude::*;
use crate::ui::{drop, save};

const ORDER: &str = "order";
const VIEW: &str = "view";
const KEYS: [(SortKey, &str, Text); 4] = [
    (SortKey::Name, "name", t::NAME),
    (SortKey::Modified, "modified", t::CHANGED),
    (SortKey::Size, "size", t::SIZE),
    (SortKey::Kind, "kind", t::KIND),
];

/// How folders were sorted last.
pub(super) fn kept_order() -> Order {
    let Some(text) = kept(ORDER) else {
        return BY_NAME;
    };
    let (word, descending) = match text.strip_prefix('-') {
        Some(word) => (word, true),
        None => (text.as_str(), false),
    };
    let found = KEYS.iter().find(|(_, known, _)| *known == word);
    found.map_or(BY_NAME, |(by, ..)| Order {
        by: *by,
        descending,
    })
}

fn keep_order(order: Order) {
    let word = KEYS
        .iter()
        .find(|(by, ..)| *by == order.by)
        .map_or("name", |(_, word, _)| word);
    let sign = if order.descending { "-" } else { "" };
    keep(ORDER, &format!("{sign}{word}"));
}

/// Whether tiles were chosen last.
pub(super) fn kept_tiles() -> bool {
    kept(VIEW).as_deref() == Some("tiles")
}

/// Above a folder.
pub(super) fn head(table: Table, place: Place, order: RwSignal<Order>) -> El {
    div("files-head").child(trail(table, place)).show(
        move || table.chosen.count() > 0,
        move |is_choosing| {
            if is_choosing {
                choice_bar(table)
            } else {
                tools(table, place, order)
            }
        },
    )
}

/// What a shared folder is, and what the person may do in it.
pub(super) fn share_line(table: Table) -> El {
    div("d-contents").show(
        move || table.rows.share().and_then(|share| share.role),
        |role| {
            role.map(|role| {
                let words = match role {
                    Role::Viewer => t::AS_VIEWER,
                    Role::Contributor => t::AS_CONTRIBUTOR,
                    Role::Editor => t::AS_EDITOR,
                    Role::Manager => t::AS_MANAGER,
                    Role::Owner => t::AS_OWNER,
                };
                el("p")
                    .class("form-text page-note share-line")
                    .child(icon(Icon::People))
                    .child(span("").say(words))
            })
        },
    )
}

/// Above a search.
pub(super) fn search_head(table: Table) -> El {
    let text = app().search;
    div("files-head")
        .child(
            el("h1")
                .class("page-title")
                .text_with(move || match table.rows.total() {
                    Some(total) => t::RESULTS.count_with(total as u64, &[&text.get()]),
                    None => t::SEARCHING.get().to_owned(),
                }),
        )
        .show_if(move || table.chosen.count() > 0, move || choice_bar(table))
}

fn trail(table: Table, place: Place) -> El {
    el("nav").class("crumbs").label(t::PATH).show(
        move || (table.rows.trail(), table.rows.is_beside()),
        move |(trail, is_beside)| {
            let last = trail.len();
            let top = match place {
                Place::Root => Some(state::title(t::DRIVE.get())),
                // What is mounted nowhere is not in the drive.
                _ if is_beside => None,
                _ => Some(drop_crumb(t::DRIVE.get(), Place::Root)),
            };
            let steps = trail.into_iter().enumerate().map(move |(index, crumb)| {
                let is_first = index == 0 && is_beside;
                let step = span("crumb-step").child((!is_first).then(|| icon(Icon::ChevronRight)));
                if index + 1 == last {
                    step.child(state::title(&crumb.name))
                } else {
                    step.child(drop_crumb(&crumb.name, crumb.place))
                }
            });
            let lost = (place == Place::LostAndFound(None) && last == 0).then(|| {
                span("crumb-step")
                    .child(icon(Icon::ChevronRight))
                    .child(state::title(t::LOST_AND_FOUND.get()))
            });
            div("crumbs-line").child(top).children(steps).child(lost)
        },
    )
}

/// A folder above: gone to, or dropped onto.
fn drop_crumb(name: &str, place: Place) -> El {
    let link = el("a")
        .class("crumb")
        .text(name)
        .href(&Address::screen(&Route::Files(place)));
    if choose::takes(place) {
        drop::target(link, place, None)
    } else {
        link
    }
}

fn tools(table: Table, place: Place, order: RwSignal<Order>) -> El {
    let is_tiled = table.is_tiled;
    let sort = button("btn btn-icon")
        .hint(t::SORT)
        .aria("aria-haspopup", "menu")
        .child(icon(Icon::ArrowDownUp))
        .on("click", move |event: MouseEvent| {
            if let Some(anchor) = event.current_target() {
                menu::open_at(anchor.unchecked_ref(), t::SORT.get(), sort_items(order));
            }
        });
    let view = button("btn btn-icon")
        .show(
            move || is_tiled.get(),
            |is_tiled| {
                let (label, picture) = if is_tiled {
                    (t::AS_LIST, Icon::ListUl)
                } else {
                    (t::AS_TILES, Icon::Grid)
                };
                span("")
                    .child(icon(picture))
                    .child(span("visually-hidden").say(label))
            },
        )
        .on_click(move || {
            let tiles = !is_tiled.get_untracked();
            keep(VIEW, if tiles { "tiles" } else { "list" });
            is_tiled.set(tiles);
        });
    let rows = table.rows;
    let put = choose::takes(place).then(|| {
        div("d-contents").show(
            move || {
                let clip = app().clip;
                let count = clip.with(|clip| clip.as_ref().map(|clip| clip.ids.len()));
                count.filter(|_| !rows.is_read_only())
            },
            move |count| {
                count.map(|count| {
                    button("btn btn-outline btn-sm")
                        .text(&t::PASTE_ITEMS.count(count as u64))
                        .on_click(move || {
                            actions::paste(place);
                        })
                })
            },
        )
    });
    div("tools").child(put).child(sort).child(view)
}

fn sort_items(order: RwSignal<Order>) -> Vec<menu::Item> {
    let now = order.get_untracked();
    KEYS.iter()
        .map(|(by, _, label)| {
            let by = *by;
            let picture = match (now.by == by, now.descending) {
                (true, true) => Icon::ArrowDown,
                (true, false) => Icon::ArrowUp,
                (false, _) => Icon::ArrowDownUp,
            };
            menu::Item::new(picture, *label, move || sort(order, by))
        })
        .collect()
}

/// The same key again turns the order round; times and sizes begin with the
/// newest and the largest.
fn sort(order: RwSignal<Order>, by: SortKey) {
    let now = order.get_untracked();
    let descending = if now.by == by {
        !now.descending
    } else {
        matches!(by, SortKey::Modified | SortKey::Size)
    };
    let next = Order { by, descending };
    keep_order(next);
    order.set(next);
}

/// Names of the columns, which sort.
pub(super) fn columns(table: Table, order: Option<RwSignal<Order>>) -> El {
    let column = move |by: SortKey, class: &'static str, label: Text| {
        let head = div(class);
        let Some(order) = order else {
            return head.say(label);
        };
        head.child(
            button("column")
                .child(span("").say(label))
                .show(
                    move || order.get(),
                    move |now| {
                        (now.by == by).then(|| {
                            let (picture, words) = if now.descending {
                                (Icon::ArrowDown, t::DESCENDING)
                            } else {
                                (Icon::ArrowUp, t::ASCENDING)
                            };
                            span("")
                                .child(icon(picture))
                                .child(span("visually-hidden").say(words))
                        })
                    },
                )
                .on_click(move || sort(order, by)),
        )
    };
    div("columns-head")
        .class_if("is-hidden", move || {
            let (total, failure) = (table.rows.total(), table.rows.failure());
            let is_empty = total == Some(0) || (total.is_none() && failure.is_some());
            table.is_tiled.get() || is_empty
        })
        .child(div("cell-tick"))
        .child(column(SortKey::Name, "cell-name", t::NAME))
        .child(column(SortKey::Modified, "cell-time", t::CHANGED))
        .child(column(SortKey::Size, "cell-size", t::SIZE))
        .child(div("cell-more"))
}

/// What can be done with all that is chosen.
fn choice_bar(table: Table) -> El {
    let chosen = table.chosen;
    let is_writable = !table.rows.is_read_only();
    let act_on = move |picture: Icon, label: Text, run: fn(Vec<bridge::ItemId>, Option<Place>)| {
        button("btn btn-icon")
            .hint(label)
            .child(icon(picture))
            .on_click(move || {
                run(chosen.ids_now(), table.home);
            })
    };
    div("choice-bar")
        .role("toolbar")
        .label(t::CHOSEN_ACTIONS)
        .child(
            button("btn btn-icon")
                .hint(t::CHOOSE_NOTHING)
                .child(icon(Icon::XLg))
                .on_click(move || chosen.clear()),
        )
        .child(
            span("choice-count")
                .aria("aria-live", "polite")
                .text_with(move || t::CHOSEN.count(chosen.count() as u64)),
        )
        .child(act_on(Icon::Download, t::DOWNLOAD, |ids, _| {
            save::download(ids, None)
        }))
        .child(is_writable.then(|| {
            act_on(Icon::FolderSymlink, t::MOVE_TO, |ids, home| {
                choose::place(t::MOVE_TITLE, t::MOVE_HERE, move |into| {
                    actions::move_to(ids.clone(), into, home)
                });
            })
        }))
        .child(act_on(Icon::Copy, t::COPY_TO, |ids, _| {
            choose::place(t::COPY_TITLE, t::COPY_HERE, move |into| {
                actions::copy_to(ids.clone(), into)
            });
        }))
        .child(is_writable.then(|| {
            button("btn btn-icon")
                .hint(t::TO_TRASH)
                .child(icon(Icon::Trash3))
                .on_click(move || {
                    actions::trash(chosen.ids_now());
                    chosen.clear();
                })
        }))
        .child(
            button("btn btn-icon only-wide")
                .hint(t::CHOOSE_ALL)
                .child(icon(Icon::CheckSquareFill))
                .on_click(move || chosen.all()),
        )
}
