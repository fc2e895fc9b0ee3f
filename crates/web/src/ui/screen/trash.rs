//! The trash: brought back, or removed for good.

use super::files::listing::{Rows, Source};
use crate::bridge::{EmptyTrash, ItemId, Remove, Row, Untrash};
use crate::ui::file_type::row_icon;
use crate::ui::part::rows::{Lay, Scroll, rows};
use crate::ui::part::{dialog, format, state, toast};
use crate::ui::prelude::*;

const LAY: Lay = Lay {
    columns: 1,
    row_px: 64.0,
};

/// Everything that was put into the trash.
pub(super) fn trash() -> El {
    let listing = Rows::new(Source::Trash);
    let scroll = Scroll::new();
    follow(move || listing.want(&scroll.window(LAY, listing.total().unwrap_or(1))));
    div("page files-page")
        .child(
            div("page-head")
                .child(state::title(t::TRASH.get()))
                .show_if(
                    move || listing.own() > 0,
                    move || {
                        button("btn btn-danger-quiet")
                            .child(icon(Icon::Trash3))
                            .child(span("").say(t::EMPTY_TRASH))
                            .on_click(move || empty(listing.own()))
                    },
                ),
        )
        .child(el("p").class("form-text page-note").say(t::TRASH_TEXT))
        .child(div("files-body").show(
            move || (listing.total().map(|total| total == 0), listing.failure()),
            move |found| {
                match found {
                    (None, Some(failure)) => state::failed(&failure),
                    (None, None) => state::waiting(),
                    (Some(true), _) => {
                        state::empty(Icon::Trash3, t::TRASH_EMPTY, t::TRASH_EMPTY_TEXT, None)
                    }
                    (Some(false), _) => rows(
                        "rowgroup",
                        scroll,
                        || LAY,
                        move || listing.total().unwrap_or(0),
                        move |index| listing.row(index),
                        |_, row| row.map_or_else(|| div("row-item"), line),
                    )
                    .class("trash-list")
                    .role("table")
                    .label(t::TRASH)
                    .aria_with("aria-rowcount", move || {
                        listing.total().map(|total| total.to_string())
                    }),
                }
            },
        ))
}

fn line(row: &Row) -> El {
    let shell = div("row-item is-trashed").role("row");
    let (Some(id), Some(mark)) = (row.id, &row.trashed) else {
        return shell;
    };
    let days = t::DAYS_LEFT.count(format::days_until(mark.expires_ms));
    let place = if mark.home_is_gone {
        t::HOME_GONE.get()
    } else {
        &row.within
    };
    let place = match &mark.share_name {
        Some(name) if place == "/" => t::SHARED_AS.with(&[name]),
        Some(name) => format!("{} · {place}", t::SHARED_AS.with(&[name])),
        None => place.to_owned(),
    };
    let words = div("cell-words")
        .child(span("recent-name").text(&row.name))
        .child(span("cell-line").text(&format!("{place} · {days}")));
    let shared = mark.share_name.is_some() || row.share.is_some();
    let mark = shared.then(|| span("share-mark").child(icon(Icon::People)));
    let shell = shell.child(
        div("cell-name")
            .role("cell")
            .child(div("cell-icon").child(icon(row_icon(row))).child(mark))
            .child(words),
    );
    let name = row.name.clone();
    shell.child(
        div("cell-tools")
            .role("cell")
            .child(
                button("btn btn-outline btn-sm")
                    .aria("aria-label", &t::RESTORE_ITEM.with(&[&row.name]))
                    .child(icon(Icon::ArrowCounterclockwise))
                    .child(span("only-wide").say(t::RESTORE))
                    .on_click(move || restore(id)),
            )
            .child(
                button("btn btn-icon")
                    .aria("aria-label", &t::REMOVE_ITEM.with(&[&row.name]))
                    .title(t::REMOVE.get())
                    .child(icon(Icon::XLg))
                    .on_click(move || remove(id, &name)),
            ),
    )
}

fn restore(id: ItemId) {
    toast::attempt(async move {
        bridge::call(Untrash { ids: vec![id] }).await?;
        toast::done_with_undo(t::RESTORED.get(), move || {
            toast::attempt(async move { bridge::call(bridge::Trash { ids: vec![id] }).await });
        });
        Ok(())
    });
}

fn remove(id: ItemId, name: &str) {
    dialog::confirm(
        t::REMOVE,
        t::REMOVE_SURE.with(&[name]),
        t::REMOVE,
        move || bridge::call(Remove { ids: vec![id] }),
    );
}

fn empty(total: usize) {
    dialog::confirm(
        t::EMPTY_TRASH,
        t::EMPTY_SURE.count(total as u64),
        t::EMPTY_TRASH,
        || async {
            let count = bridge::call(EmptyTrash {}).await?;
            toast::done(t::REMOVED.count(count));
            Ok(())
        },
    );
}
