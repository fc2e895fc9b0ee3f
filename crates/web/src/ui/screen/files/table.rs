//! Rows of a folder, as a list or as tiles.

use std::rc::Rc;

use web_sys::{DragEvent, Event, MouseEvent, PointerEvent};

use super::actions;
use super::listing::Rows;
use super::selection::Selection;
use crate::bridge::{CloseLink, ItemKind, OpenFile, Place, Row, Standing};
use crate::ui::drop;
use crate::ui::file_type::{FileType, row_icon};
use crate::ui::part::{format, menu};
use crate::ui::prelude::*;
use crate::ui::view::BlobUrl;

/// Milliseconds that a finger rests on a row to choose it.
const LONG_PRESS_MS: i32 = 450;
/// Bytes of an image that is fetched to be shown as a tile.
const TILE_IMAGE: u64 = 4 << 20;

/// What a table shows.
#[derive(Clone, Copy)]
pub(crate) struct Table {
    pub(crate) rows: Rows,
    pub(crate) chosen: Selection,
    /// The folder that all rows are in; none in a search.
    pub(crate) home: Option<Place>,
    pub(crate) is_tiled: RwSignal<bool>,
}

/// One row; `None` for one that is on its way.
pub(crate) fn row(table: Table, index: usize, row: Option<&Row>) -> El {
    let Some(row) = row else {
        return div("row-item is-waiting")
            .role("row")
            .child(div("skeleton").role("gridcell"));
    };
    let (id, chosen, is_tiled) = (row.id, table.chosen, table.is_tiled.get_untracked());
    let shell = div(if is_tiled {
        "row-item is-tile"
    } else {
        "row-item"
    })
    .role("row")
    .id(&row_id(index))
    .aria("aria-rowindex", &(index + 1).to_string())
    .aria_with("aria-selected", move || Some(chosen.has(id).to_string()))
    .class_if("is-chosen", move || chosen.has(id))
    .class_if("is-active", move || chosen.active() == index)
    .class_if("is-cut", move || {
        app().clip.with(|clip| {
            clip.as_ref()
                .is_some_and(|clip| clip.is_cut && id.is_some_and(|id| clip.ids.contains(&id)))
        })
    });
    let cells = if is_tiled {
        tile_cells(table, index, row)
    } else {
        cells(table, index, row)
    };
    let shell = press(table, index, row, shell.children(cells));
    let shell = if row.id.is_some() {
        drag(table, index, row, shell)
    } else {
        shell
    };
    match (row.inside(), row.id) {
        (Some(inside), Some(_)) => drop::target(shell, inside, table.home),
        _ => shell,
    }
}

/// The id of a row's element, for whoever follows the active row.
pub(crate) fn row_id(index: usize) -> String {
    format!("row-{index}")
}

fn cells(table: Table, index: usize, row: &Row) -> Vec<El> {
    let name = div("cell-name").role("gridcell").child(picture(row)).child(
        div("cell-words")
            .child(name_button(row))
            .child(div("cell-line").text(&match table.home {
                None => row.within.clone(),
                Some(_) => actions::line(row),
            })),
    );
    let size = match row.kind {
        ItemKind::Folder => String::new(),
        ItemKind::Note | ItemKind::File => format::bytes(row.size),
    };
    let time = if row.modified_ms == 0 {
        String::new()
    } else {
        format::near(row.modified_ms)
    };
    vec![
        tick(table, index, row),
        name,
        div("cell-time").role("gridcell").text(&time),
        div("cell-size").role("gridcell").text(&size),
        more(table, row),
    ]
}

fn tile_cells(table: Table, index: usize, row: &Row) -> Vec<El> {
    let is_picture = row.kind == ItemKind::File
        && FileType::of(&row.name) == FileType::Image
        && row.size <= TILE_IMAGE;
    let picture = match row.id {
        Some(id) if is_picture => thumbnail(id, row),
        _ => picture(row),
    };
    let tile = div("tile")
        .role("gridcell")
        .child(div("tile-picture").child(picture))
        .child(
            div("cell-words")
                .child(name_button(row))
                .child(div("cell-line").text(&actions::line(row))),
        );
    vec![tick(table, index, row), tile, more(table, row)]
}

fn picture(row: &Row) -> El {
    let shared = row.share.filter(|_| row.id.is_some()).map(|share| {
        let words = match share.standing {
            Standing::Open | Standing::Closed => t::SHARED,
            Standing::NotAccepted => t::SHARED_NOT_ACCEPTED,
            Standing::NoAccess => t::SHARED_NO_ACCESS,
            Standing::Tampered => t::SHARED_TAMPERED,
        };
        let picture = match share.standing {
            Standing::Open | Standing::Closed => Icon::People,
            Standing::NotAccepted => Icon::Lock,
            Standing::NoAccess | Standing::Tampered => Icon::ExclamationTriangleFill,
        };
        span("share-mark")
            .title(words.get())
            .child(icon(picture))
            .child(span("visually-hidden").say(words))
    });
    let class = match row.kind {
        ItemKind::Folder => "cell-icon is-folder",
        ItemKind::Note => "cell-icon is-note",
        ItemKind::File => "cell-icon",
    };
    div(class).child(icon(row_icon(row))).child(shared)
}

/// The image itself, small. Until it is there, or if it is none, its icon.
fn thumbnail(id: bridge::ItemId, row: &Row) -> El {
    let link = RwSignal::new(None::<String>);
    task(async move {
        if let Ok(opened) = bridge::call(OpenFile { id, version: None }).await {
            link.set(Some(opened.url));
        }
    });
    reactive_graph::owner::on_cleanup(move || {
        if let Some(url) = link.try_get_untracked().flatten() {
            act(async move {
                let _ = bridge::call(CloseLink { url }).await;
            });
        }
    });
    let row = row.clone();
    div("thumbnail").show(
        move || link.get(),
        move |url| match url.as_deref().and_then(BlobUrl::stream) {
            Some(url) => {
                let failed = RwSignal::new(false);
                let row = row.clone();
                div("").show(
                    move || failed.get(),
                    move |is_failed| {
                        if is_failed {
                            return picture(&row);
                        }
                        el("img")
                            .alt("")
                            .on("error", move |_: Event| failed.set(true))
                            .src(&url)
                    },
                )
            }
            None => picture(&row),
        },
    )
}

fn name_button(row: &Row) -> El {
    let opened = row.clone();
    button("row-open")
        .tab_index("-1")
        .text(&row.name)
        .title(&row.name)
        .on("click", move |event: MouseEvent| {
            if !is_choosing(&event) {
                event.stop_propagation();
                actions::open(&opened);
            }
        })
}

fn is_choosing(event: &MouseEvent) -> bool {
    event.ctrl_key() || event.meta_key() || event.shift_key()
}

fn tick(table: Table, index: usize, row: &Row) -> El {
    let (id, chosen) = (row.id, table.chosen);
    let cell = div("cell-tick").role("gridcell");
    if id.is_none() {
        return cell;
    }
    let label = t::SELECT_ITEM.with(&[&row.name]);
    cell.child(
        button("tick")
            .role("checkbox")
            .tab_index("-1")
            .aria("aria-label", &label)
            .aria_with("aria-checked", move || Some(chosen.has(id).to_string()))
            .show(
                move || chosen.has(id),
                |is_chosen| {
                    icon(if is_chosen {
                        Icon::CheckSquareFill
                    } else {
                        Icon::Square
                    })
                },
            )
            .on("click", move |event: MouseEvent| {
                event.stop_propagation();
                if event.shift_key() {
                    chosen.extend_to(index);
                } else {
                    chosen.toggle(index);
                }
            }),
    )
}

fn more(table: Table, row: &Row) -> El {
    let (label, row) = (t::ACTIONS_FOR.with(&[&row.name]), row.clone());
    div("cell-more").role("gridcell").child(
        button("btn btn-icon")
            .tab_index("-1")
            .aria("aria-label", &label)
            .aria("aria-haspopup", "menu")
            .child(icon(Icon::ThreeDotsVertical))
            .on("click", move |event: MouseEvent| {
                event.stop_propagation();
                if let Some(anchor) = event.current_target() {
                    let anchor = wasm_bindgen::JsCast::unchecked_into::<web_sys::Element>(anchor);
                    let ids = table.chosen.with_row(&row);
                    menu::open_at(
                        &anchor,
                        &title_of(&row, ids.len()),
                        actions::items(&row, ids, table.home),
                    );
                }
            }),
    )
}

/// What a menu is about.
pub(crate) fn title_of(row: &Row, count: usize) -> String {
    if count > 1 {
        t::ITEMS.count(count as u64)
    } else {
        row.name.clone()
    }
}

/// Click, double click, right click; tap and long press.
fn press(table: Table, index: usize, row: &Row, el: El) -> El {
    let chosen = table.chosen;
    let (opened, tapped, named) = (row.clone(), row.clone(), row.clone());
    let timer = Rc::new(std::cell::Cell::new(None::<i32>));
    let cancel = {
        let timer = timer.clone();
        Rc::new(move || {
            if let Some(id) = timer.take() {
                window().clear_timeout_with_handle(id);
            }
        })
    };
    let (on_up, on_move, on_leave) = (cancel.clone(), cancel.clone(), cancel);
    let was_long = Rc::new(std::cell::Cell::new(false));
    let (long_set, long_seen, long_menu) = (was_long.clone(), was_long.clone(), was_long);
    el.on("pointerdown", move |event: PointerEvent| {
        long_set.set(false);
        if event.pointer_type() == "touch" {
            let long = long_set.clone();
            let id = crate::ui::view::later(LONG_PRESS_MS, move || {
                long.set(true);
                chosen.toggle(index);
            });
            timer.set(Some(id));
        }
    })
    .on("pointerup", move |_: Event| on_up())
    .on("pointermove", move |event: PointerEvent| {
        if event.movement_x().abs() + event.movement_y().abs() > 4 {
            on_move();
        }
    })
    .on("pointercancel", move |_: Event| on_leave())
    .on("click", move |event: PointerEvent| {
        if long_seen.replace(false) {
            return;
        }
        let is_tap = event.pointer_type() == "touch" || app().is_narrow.get_untracked();
        if event.shift_key() {
            chosen.extend_to(index);
        } else if event.ctrl_key() || event.meta_key() || (is_tap && !chosen.is_empty_now()) {
            chosen.toggle(index);
        } else if is_tap {
            actions::open(&tapped);
        } else {
            chosen.only(index);
        }
    })
    .on("dblclick", move |event: MouseEvent| {
        if !is_choosing(&event) {
            actions::open(&opened);
        }
    })
    .on("contextmenu", move |event: MouseEvent| {
        event.prevent_default();
        if long_menu.get() {
            return;
        }
        chosen.move_to(index);
        let ids = chosen.with_row(&named);
        let at = (f64::from(event.client_x()), f64::from(event.client_y()));
        menu::open(
            at,
            &title_of(&named, ids.len()),
            actions::items(&named, ids, table.home),
        );
    })
}

fn drag(table: Table, index: usize, row: &Row, el: El) -> El {
    let row = row.clone();
    el.draggable()
        .on("dragstart", move |event: DragEvent| {
            let chosen = table.chosen;
            if !row.id.is_some_and(|id| chosen.ids_now().contains(&id)) {
                chosen.only(index);
            }
            drop::begin(&event, chosen.ids_now());
        })
        .on("dragend", |_: Event| drop::end())
}
