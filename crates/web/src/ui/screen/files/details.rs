//! What is known of one item.

use crate::bridge::{GetItem, GetUsage, ItemDetail, ItemId, ItemKind, Place};
use crate::ui::file_type::row_icon;
use crate::ui::part::{dialog, format};
use crate::ui::prelude::*;

/// Opens the details of an item.
pub(crate) fn open(id: ItemId) {
    dialog::open(move || {
        let item = load(move || {
            app().revision.get();
            GetItem { id }
        });
        let body = div("").loaded(item, view);
        let done = button("btn btn-primary")
            .say(t::DONE)
            .data_first()
            .on_click(dialog::close);
        dialog::frame(t::DETAILS.get(), body, div("").child(done))
    });
}

fn view(item: &ItemDetail) -> El {
    let row = &item.row;
    let place: Vec<&str> = item.trail.iter().map(|crumb| crumb.name.as_str()).collect();
    let lines = el("dl")
        .class("details")
        .children(pair(t::NAME, &row.name))
        .children(pair(t::PLACE, &format!("/{}", place.join("/"))));
    let lines = match (row.kind, row.id) {
        (ItemKind::Folder, Some(id)) => {
            let usage = load(move || GetUsage {
                folder: Place::Folder(id),
            });
            lines
                .child(el("dt").say(t::CONTAINS))
                .child(el("dd").loaded(usage, |usage| {
                    let files = t::FILES_COUNT.count(usage.files);
                    let folders = t::FOLDERS_COUNT.count(usage.folders);
                    let all = format::bytes(usage.all_versions_bytes);
                    div("")
                        .child(div("").text(&format!("{files}, {folders}")))
                        .child(div("").text(&format::bytes(usage.bytes)))
                        .child(div("form-text").text(&t::ALL_VERSIONS.with(&[&all])))
                }))
        }
        _ => lines
            .children(pair(t::SIZE, &format::bytes(row.size)))
            .children(pair(t::KIND, &item.mime))
            .children(pair(t::VERSIONS, &format::count(row.versions as u64))),
    };
    let lines = lines
        .children(pair(t::CREATED, &format::time(item.created_ms)))
        .children(pair(t::CHANGED, &format::time(row.modified_ms)));
    div("details-shell")
        .child(div("details-picture").child(icon(row_icon(row))))
        .child(lines)
}

fn pair(label: Text, value: &str) -> [El; 2] {
    [el("dt").say(label), el("dd").text(value)]
}
