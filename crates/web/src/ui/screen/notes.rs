//! All notes, newest first.

use crate::bridge::{ListNotes, Place, Row};
use crate::ui::part::{format, state};
use crate::ui::prelude::*;

/// Notes on the page.
const SHOWN: usize = 500;

/// The list of notes.
pub(super) fn notes() -> El {
    let notes = load(|| {
        app().revision.get();
        ListNotes { count: SHOWN }
    });
    div("page")
        .child(
            div("page-head").child(state::title(t::NOTES.get())).child(
                button("btn btn-primary only-wide")
                    .child(icon(Icon::JournalPlus))
                    .child(span("").say(t::NEW_NOTE))
                    .on_click(|| go(Route::NewNote(Place::Root))),
            ),
        )
        .loaded(notes, |notes| list(notes))
}

fn list(notes: &[Row]) -> El {
    if notes.is_empty() {
        let action = button("btn btn-primary")
            .child(icon(Icon::JournalPlus))
            .child(span("").say(t::NEW_NOTE))
            .on_click(|| go(Route::NewNote(Place::Root)));
        return state::empty(Icon::JournalText, t::NO_NOTES, t::NO_NOTES_TEXT, action);
    }
    el("ul")
        .class("note-cards")
        .children(notes.iter().map(|note| {
            let place = if note.within == "/" {
                String::new()
            } else {
                format!("{} · ", note.within.trim_start_matches('/'))
            };
            let line = format!("{place}{}", format::near(note.modified_ms));
            let card = el("a")
                .class("note-card")
                .child(div("cell-icon is-note").child(icon(Icon::JournalText)))
                .child(
                    div("cell-words")
                        .child(span("recent-name").text(&note.name))
                        .child(span("cell-line").text(&line)),
                );
            el("li").child(match note.id {
                Some(id) => card.href(&Address::screen(&Route::Note(id))),
                None => card,
            })
        }))
}
