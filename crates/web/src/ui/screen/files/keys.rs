//! Keys that work on a list of rows.

use web_sys::KeyboardEvent;

use super::actions;
use super::table::Table;
use crate::ui::part::menu;
use crate::ui::part::rows::{Lay, Scroll};
use crate::ui::prelude::*;

/// Does what a key stands for.
pub(crate) fn press(event: &KeyboardEvent, table: Table, scroll: Scroll, lay: Lay) {
    let is_command = event.ctrl_key() || event.meta_key();
    let is_known = match event.key().as_str() {
        "a" if is_command => {
            table.chosen.all();
            true
        }
        "c" | "x" if is_command => clip(table, event.key() == "x"),
        _ if is_command || event.alt_key() => false,
        "Enter" => with_active(table, |row| actions::open(&row)),
        " " => {
            table.chosen.toggle(table.chosen.active_now());
            true
        }
        "Escape" if !table.chosen.is_empty_now() => {
            table.chosen.clear();
            true
        }
        "Escape" if app().clip.with_untracked(Option::is_some) => {
            app().clip.set(None);
            true
        }
        "Delete" => {
            actions::trash(acted_on(table));
            table.chosen.clear();
            true
        }
        "F2" => rename(table),
        "ContextMenu" => open_menu(table),
        "F10" if event.shift_key() => open_menu(table),
        key => walk(key, event.shift_key(), table, scroll, lay),
    };
    if is_known {
        event.prevent_default();
        event.stop_propagation();
    }
}

/// All that is chosen, or the active row.
fn acted_on(table: Table) -> Vec<bridge::ItemId> {
    let chosen = table.chosen.ids_now();
    if !chosen.is_empty() {
        return chosen;
    }
    let active = table.rows.row_now(table.chosen.active_now());
    active.and_then(|row| row.id).into_iter().collect()
}

fn clip(table: Table, is_cut: bool) -> bool {
    // A text that is marked on the screen is copied as a text.
    let marked = window().get_selection().ok().flatten();
    if marked.is_some_and(|marked| !marked.is_collapsed()) {
        return false;
    }
    actions::clip(acted_on(table), is_cut);
    true
}

fn rename(table: Table) -> bool {
    match table.chosen.single_now() {
        Some(row) => actions::rename(&row),
        None => return with_active(table, |row| actions::rename(&row)),
    }
    true
}

fn open_menu(table: Table) -> bool {
    let at = table.chosen.active_now();
    with_active(table, |row| {
        if let Some(el) = document().get_element_by_id(&super::table::row_id(at)) {
            let place = el.get_bounding_client_rect();
            let ids = table.chosen.with_row(&row);
            let title = super::table::title_of(&row, ids.len());
            let items = actions::items(&row, ids, table.home);
            menu::open((place.left() + 48.0, place.bottom()), &title, items);
        }
    })
}

fn with_active(table: Table, run: impl FnOnce(bridge::Row)) -> bool {
    match table.rows.row_now(table.chosen.active_now()) {
        Some(row) => {
            run(row);
            true
        }
        None => false,
    }
}

/// Arrows and their like; with shift they choose on the way.
fn walk(key: &str, is_choosing: bool, table: Table, scroll: Scroll, lay: Lay) -> bool {
    let last = match table.rows.total_now() {
        0 => return false,
        total => total - 1,
    };
    let at = table.chosen.active_now();
    let (line, page) = (lay.columns, scroll.page(lay));
    let next = match key {
        "ArrowDown" => at + line,
        "ArrowUp" => at.checked_sub(line).unwrap_or(at),
        "ArrowRight" if line > 1 => at + 1,
        "ArrowLeft" if line > 1 => at.saturating_sub(1),
        "Home" => 0,
        "End" => last,
        "PageDown" => at + page,
        "PageUp" => at.saturating_sub(page),
        _ => return false,
    };
    let next = next.min(last);
    if is_choosing {
        table.chosen.extend_to(next);
    } else {
        table.chosen.move_to(next);
    }
    scroll.reveal(lay, next);
    true
}
