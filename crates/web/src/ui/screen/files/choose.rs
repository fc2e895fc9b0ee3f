//! A dialog that chooses a folder, to move or copy something into.

use std::rc::Rc;

use super::actions;
use super::listing::{BY_NAME, Rows, Source};
use crate::bridge::{ItemKind, Place};
use crate::ui::part::rows::{Lay, Scroll, rows};
use crate::ui::part::{dialog, state};
use crate::ui::prelude::*;

const LAY: Lay = Lay {
    columns: 1,
    row_px: 48.0,
};

/// Asks for a folder and calls `chosen` with it.
pub(crate) fn place(title: Text, action: Text, chosen: impl Fn(Place) + 'static) {
    let chosen = Rc::new(chosen);
    dialog::open(move || {
        let at = RwSignal::new(Place::Root);
        let chosen = chosen.clone();
        let may_add = RwSignal::new(true);
        let body = div("chooser").show(move || at.get(), move |place| folder(place, at, may_add));
        let buttons = div("")
            .child(
                button("btn btn-quiet")
                    .child(icon(Icon::FolderPlus))
                    .child(span("").say(t::NEW_FOLDER))
                    .on_click(move || make_here(at.get_untracked())),
            )
            .child(div("flex-fill"))
            .child(dialog::cancel_button())
            .child(
                button("btn btn-primary")
                    .say(action)
                    .data_first()
                    .disabled_if(move || !may_add.get())
                    .on_click(move || {
                        let into = at.get_untracked();
                        dialog::close();
                        chosen(into);
                    }),
            );
        dialog::frame(title.get(), body, buttons)
    });
}

/// A folder with a name of its own, at once: another dialog would lose this one.
fn make_here(parent: Place) {
    crate::ui::part::toast::attempt(async move {
        let name = t::NEW_FOLDER.get().to_owned();
        bridge::call(bridge::NewFolder { parent, name })
            .await
            .map(drop)
    });
}

fn folder(place: Place, at: RwSignal<Place>, may_add: RwSignal<bool>) -> El {
    let listing = Rows::new(Source::Folder(place, BY_NAME));
    follow(move || may_add.set(listing.may_add()));
    let scroll = Scroll::new();
    // Folders come first: what comes after the last of them cannot be chosen.
    let list = rows(
        "list",
        scroll,
        || LAY,
        move || listing.total().unwrap_or(0),
        move |index| listing.row(index),
        move |_, row| {
            let Some(row) = row else {
                return div("chooser-row").role("listitem");
            };
            let line = div("chooser-row").role("listitem");
            match (row.kind, row.id) {
                (ItemKind::Folder, Some(_)) => line.child(
                    button("chooser-open")
                        .child(icon(Icon::FolderFill))
                        .child(span("").text(&row.name))
                        .child(icon(Icon::ChevronRight))
                        .on_click({
                            let inside = row.inside();
                            move || inside.into_iter().for_each(|inside| at.set(inside))
                        }),
                ),
                _ => line.child(
                    div("chooser-other")
                        .child(icon(crate::ui::file_type::row_icon(row)))
                        .child(span("").text(&row.name)),
                ),
            }
        },
    );
    follow(move || listing.want(&scroll.window(LAY, listing.total().unwrap_or(1))));
    div("chooser-inner")
        .child(trail(listing, at))
        .child(list)
        .show_if(
            move || listing.total() == Some(0),
            || div("chooser-empty").say(t::FOLDER_EMPTY),
        )
        .show_if(
            move || listing.is_read_only(),
            || div("chooser-empty").say(t::FAILED_READ_ONLY),
        )
        .show(
            move || listing.failure(),
            |failure| failure.map(|failure| state::failed(&failure)),
        )
}

fn trail(listing: Rows, at: RwSignal<Place>) -> El {
    el("nav").class("crumbs").label(t::PATH).show(
        move || (listing.trail(), listing.is_beside()),
        move |(trail, is_beside)| {
            let top = button("crumb")
                .say(t::DRIVE)
                .on_click(move || at.set(Place::Root));
            let steps = trail.into_iter().map(move |crumb| {
                span("crumb-step").child(icon(Icon::ChevronRight)).child(
                    button("crumb")
                        .text(&crumb.name)
                        .on_click(move || at.set(crumb.place)),
                )
            });
            div("crumbs-line")
                .child((!is_beside).then_some(top))
                .children(steps)
        },
    )
}

/// Whether keys and gestures may put something into a place.
pub(crate) const fn takes(place: Place) -> bool {
    !matches!(place, Place::LostAndFound(_))
}

/// Puts here what was cut or copied, if anything was.
pub(crate) fn paste_into(place: Place) -> bool {
    takes(place) && actions::paste(place)
}
