//! The trash: brought back, or removed for good.

use crate::bridge::{EmptyTrash, ItemId, ListTrash, Remove, TrashRow, Untrash};
use crate::ui::file_type::row_icon;
use crate::ui::part::rows::{Lay, Scroll, rows};
use crate::ui::part::{dialog, format, state, toast};
use crate::ui::prelude::*;

/// Rows that are read: what is beyond comes into sight as these go.
const READ: usize = 2000;

/// Everything that was put into the trash.
pub(super) fn trash() -> El {
    let listing = load(|| {
        app().revision.get();
        ListTrash {
            from: 0,
            count: READ,
        }
    });
    let total = move || match listing.get() {
        Loaded::Ready(listing) => listing.total,
        _ => 0,
    };
    div("page files-page")
        .child(
            div("page-head")
                .child(state::title(t::TRASH.get()))
                .show_if(
                    move || total() > 0,
                    move || {
                        button("btn btn-danger-quiet")
                            .child(icon(Icon::Trash3))
                            .child(span("").say(t::EMPTY_TRASH))
                            .on_click(move || empty(total()))
                    },
                ),
        )
        .child(el("p").class("form-text page-note").say(t::TRASH_TEXT))
        .loaded(listing, |listing| {
            if listing.total == 0 {
                return state::empty(Icon::Trash3, t::TRASH_EMPTY, t::TRASH_EMPTY_TEXT, None);
            }
            let lay = || Lay {
                columns: 1,
                row_px: 64.0,
            };
            let (all, count) = (std::rc::Rc::new(listing.rows.clone()), listing.rows.len());
            rows(
                "rowgroup",
                Scroll::new(),
                lay,
                move || count,
                move |index| all.get(index).cloned(),
                |_, row| row.map_or_else(|| div("row-item"), line),
            )
            .class("trash-list")
            .role("table")
            .label(t::TRASH)
        })
}

fn line(trashed: &TrashRow) -> El {
    let row = &trashed.row;
    let days = t::DAYS_LEFT.count(format::days_until(trashed.expires_ms));
    let place = if trashed.home_is_gone {
        t::HOME_GONE.get()
    } else {
        &row.within
    };
    let words = div("cell-words")
        .child(span("recent-name").text(&row.name))
        .child(span("cell-line").text(&format!("{place} · {days}")));
    let shell = div("row-item is-trashed").role("row").child(
        div("cell-name")
            .role("cell")
            .child(div("cell-icon").child(icon(row_icon(row))))
            .child(words),
    );
    let Some(id) = row.id else {
        return shell;
    };
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
        move || async move {
            bridge::call(Remove { ids: vec![id] }).await?;
            app().refresh_account();
            Ok(())
        },
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
            app().refresh_account();
            Ok(())
        },
    );
}
