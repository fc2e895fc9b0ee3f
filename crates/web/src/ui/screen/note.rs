//! A note: read, written, saved as a version each time.

use sv_api::ErrorCode;

use super::preview::markdown;
use crate::bridge::{GetItem, ItemId, NewNote, Place, ReadText, Rename, SaveText, TextContent};
use crate::ui::part::form::Submit;
use crate::ui::part::{dialog, state, toast};
use crate::ui::prelude::*;
use crate::ui::save;
use crate::ui::view::listen_while_shown;
use web_sys::{BeforeUnloadEvent, KeyboardEvent};

/// Bytes of a note.
const LIMIT: u64 = 1 << 20;

/// A note that is there.
pub(super) fn note(id: ItemId) -> El {
    // Read once: what is being typed is not replaced by what somebody else saves.
    let text = load(move || ReadText {
        id,
        version: None,
        limit: LIMIT,
    });
    let item = load(move || {
        app().revision.get();
        GetItem { id }
    });
    let row = move || match item.get() {
        Loaded::Ready(item) => Some(item.row),
        _ => None,
    };
    let head_of = move || row().map(|row| (row.name.clone(), row.may_change, row.may_edit()));
    let may_edit = move || row().is_some_and(|row| row.may_edit());
    div("page note-page")
        .show(head_of, move |of| {
            of.map(|(name, may_change, may_edit)| head(id, &name, may_change, may_edit))
        })
        .show(
            // Once it may not be seen any more, its text goes from the screen.
            move || match item.get() {
                Loaded::Failed(failure) => Some(failure),
                _ => None,
            },
            move |gone| match gone {
                Some(failure) => state::failed(&failure),
                None => div("d-contents").loaded(text, move |text| editor(id, text, may_edit)),
            },
        )
}

fn head(id: ItemId, name: &str, may_change: bool, may_edit: bool) -> El {
    let (renamed, versions, before) = (name.to_owned(), name.to_owned(), name.to_owned());
    let tool = |picture: Icon, label: Text| button("btn btn-icon").hint(label).child(icon(picture));
    div("page-head")
        .child(
            button("btn btn-icon")
                .hint(t::BACK)
                .child(icon(Icon::ArrowLeft))
                .on_click(|| crate::ui::route::go_back(Route::Notes)),
        )
        .child(state::title(name))
        .child(may_change.then(|| {
            tool(Icon::Pencil, t::RENAME).on_click(move || {
                let before = before.clone();
                dialog::ask_name(
                    t::RENAME,
                    t::TITLE,
                    renamed.clone(),
                    t::RENAME,
                    move |name| {
                        let is_same = name == before;
                        async move {
                            if is_same {
                                Ok(())
                            } else {
                                bridge::call(Rename { id, name }).await
                            }
                        }
                    },
                );
            })
        }))
        .child(
            tool(Icon::ClockHistory, t::VERSIONS)
                .on_click(move || super::files::versions::open(id, versions.clone(), may_edit)),
        )
        .child(may_change.then(|| {
            tool(Icon::Trash3, t::TO_TRASH).on_click(move || {
                super::files::actions::trash(vec![id]);
                go(Route::Notes);
            })
        }))
}

fn editor(id: ItemId, content: &TextContent, may_edit: impl Fn() -> bool + Copy + 'static) -> El {
    let submit = Submit::new();
    let text = RwSignal::new(content.text.clone());
    let saved = RwSignal::new(content.text.clone());
    let version = RwSignal::new(content.version.clone());
    let has_conflict = RwSignal::new(false);
    let is_read = RwSignal::new(!content.text.is_empty());
    let is_changed = move || text.with(|text| saved.with(|saved| text != saved));
    guard(move || text.get_untracked() != saved.get_untracked());
    let store = move |is_forced: bool| {
        let now = text.get_untracked();
        let call = SaveText {
            id,
            text: now.clone(),
            edited: (!is_forced).then(|| version.get_untracked()),
        };
        async move {
            match bridge::call(call).await {
                Ok(()) => {
                    saved.set(now);
                    has_conflict.set(false);
                    let read = ReadText {
                        id,
                        version: None,
                        limit: LIMIT,
                    };
                    version.set(bridge::call(read).await?.version);
                    app().announce(t::NOTE_SAVED.get());
                    Ok(())
                }
                Err(failure)
                    if matches!(failure.kind, FailureKind::Refused(ErrorCode::Conflict)) =>
                {
                    has_conflict.set(true);
                    Err(failure)
                }
                Err(failure) => Err(failure),
            }
        }
    };
    let area = move || {
        el("textarea")
            .class("form-control note-text")
            .label(t::NOTE_TEXT)
            .bind(text)
            .prop_with("readOnly", move || !may_edit())
            .focus_when_shown()
            .on("keydown", move |event: KeyboardEvent| {
                if (event.ctrl_key() || event.meta_key()) && event.key() == "s" {
                    event.prevent_default();
                    submit.run(store(false));
                }
            })
    };
    div("note")
        .child(
            div("note-bar")
                .show_if(may_edit, move || mode_buttons(is_read))
                .child(div("flex-fill"))
                .child(span("form-text").role("status").text_with(move || {
                    if !may_edit() {
                        t::FAILED_READ_ONLY
                    } else if submit.is_busy() {
                        t::SAVING
                    } else if is_changed() {
                        t::NOT_SAVED
                    } else {
                        t::SAVED
                    }
                    .get()
                    .to_owned()
                }))
                .child(
                    button("btn btn-icon")
                        .hint(t::COPY_TEXT)
                        .child(icon(Icon::Copy))
                        .on_click(move || save::copy(text.get_untracked())),
                )
                .show_if(may_edit, move || {
                    submit
                        .button("btn btn-primary", t::SAVE)
                        .kind("button")
                        .disabled_if(move || !is_changed() || submit.is_busy())
                        .on_click(move || submit.run(store(false)))
                }),
        )
        .child(submit.alert())
        .show_if(
            move || has_conflict.get(),
            move || {
                div("alert alert-warning")
                    .child(icon(Icon::ExclamationTriangleFill))
                    .child(
                        div("alert-text")
                            .child(el("p").say(t::NOTE_CONFLICT))
                            .child(
                                button("btn btn-outline btn-sm")
                                    .say(t::SAVE_MINE)
                                    .on_click(move || submit.run(store(true))),
                            ),
                    )
            },
        )
        .show(
            move || is_read.get(),
            move |is_read| {
                if is_read {
                    text.with_untracked(|text| markdown::render(text))
                } else {
                    area()
                }
            },
        )
}

/// Read as Markdown, or written as text.
fn mode_buttons(is_read: RwSignal<bool>) -> El {
    let mode = move |label: Text, reads: bool| {
        button("btn btn-segment")
            .say(label)
            .aria_with("aria-pressed", move || {
                Some((is_read.get() == reads).to_string())
            })
            .on_click(move || is_read.set(reads))
    };
    div("segments")
        .role("group")
        .label(t::VIEW_MODE)
        .child(mode(t::READ, true))
        .child(mode(t::WRITE, false))
}

/// Asks before what was typed is lost with the page.
fn guard(is_changed: impl Fn() -> bool + 'static) {
    listen_while_shown(
        &window(),
        "beforeunload",
        move |event: BeforeUnloadEvent| {
            if is_changed() {
                event.prevent_default();
                event.set_return_value("");
            }
        },
    );
}

/// A note that is not there yet.
pub(super) fn new_note(parent: Place) -> El {
    let submit = Submit::new();
    let (title, text) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let is_kept = RwSignal::new(false);
    guard(move || !is_kept.get_untracked() && !text.get_untracked().is_empty());
    let form = submit
        .form(move || {
            let call = NewNote {
                parent,
                title: title.get_untracked().trim().to_owned(),
                text: text.get_untracked(),
            };
            async move {
                let id = bridge::call(call).await?;
                is_kept.set(true);
                toast::done(t::NOTE_SAVED.get());
                crate::ui::route::go_instead(Route::Note(id));
                Ok(())
            }
        })
        .class("note")
        .child(
            div("note-bar")
                .child(
                    el("input")
                        .kind("text")
                        .class("form-control note-title")
                        .label(t::TITLE)
                        .placeholder(t::TITLE)
                        .max_len(255)
                        .autocomplete("off")
                        .bind(title)
                        .focus_when_shown(),
                )
                .child(submit.button("btn btn-primary", t::SAVE)),
        )
        .child(submit.alert())
        .child(
            el("textarea")
                .class("form-control note-text")
                .label(t::NOTE_TEXT)
                .placeholder(t::NOTE_PLACEHOLDER)
                .bind(text),
        );
    div("page note-page")
        .child(
            div("page-head")
                .child(
                    button("btn btn-icon")
                        .hint(t::BACK)
                        .child(icon(Icon::ArrowLeft))
                        .on_click(|| crate::ui::route::go_back(Route::Notes)),
                )
                .child(state::title(t::NEW_NOTE.get())),
        )
        .child(form)
}
