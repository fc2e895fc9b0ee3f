//! Groups: lists of people that things are shared with.

use wasm_bindgen::JsCast;
use web_sys::MouseEvent;

use crate::bridge::{NewGroup, Role, ShareRow, ShareState, Target};
use crate::ui::part::{dialog, menu, state, toast};
use crate::ui::prelude::*;
use crate::ui::sharing::{member, offer, panel};

pub(super) fn groups() -> El {
    let is_shown = |row: &ShareRow| row.is_group && row.state == ShareState::Accepted;
    div("")
        .child(offer::cards(|row| row.is_group))
        .child(new_button().class("page-action"))
        .child(super::rows_of(is_shown, line, || {
            state::empty(Icon::People, t::NO_GROUPS, t::NO_GROUPS_TEXT, None)
        }))
}

fn new_button() -> El {
    button("btn btn-primary")
        .child(icon(Icon::PlusLg))
        .child(span("").say(t::NEW_GROUP))
        .on_click(make)
}

fn make() {
    dialog::ask_name(
        t::NEW_GROUP,
        t::NAME,
        String::new(),
        t::CREATE,
        |name| async move {
            let share = bridge::call(NewGroup { name: name.clone() }).await?;
            toast::done(t::GROUP_MADE.with(&[&name]));
            // Whoever makes a group wants people in it. The dialog that asked
            // closes first.
            act(async move { panel::open(Target::Share(share)) });
            Ok(())
        },
    );
}

fn line(row: &ShareRow) -> El {
    let (share, name, shown) = (row.share, row.name.clone(), row.clone());
    el("li")
        .class("setting share-row")
        .child(div("setting-icon").child(icon(Icon::People)))
        .child(
            div("setting-words")
                .child(
                    div("setting-title").child(
                        button("share-open")
                            .text(&row.name)
                            .on_click(move || panel::open(Target::Share(share))),
                    ),
                )
                .child(el("p").text(&member::line(row))),
        )
        .child(
            div("setting-action").child(
                button("btn btn-icon")
                    .aria("aria-label", &t::ACTIONS_FOR.with(&[&row.name]))
                    .aria("aria-haspopup", "menu")
                    .child(icon(Icon::ThreeDotsVertical))
                    .on("click", move |event: MouseEvent| {
                        if let Some(anchor) = event.current_target() {
                            menu::open_at(anchor.unchecked_ref(), &name, actions(&shown));
                        }
                    }),
            ),
        )
}

fn actions(row: &ShareRow) -> Vec<menu::Item> {
    let (share, name) = (row.share, row.name.clone());
    let mut items = vec![
        menu::Item::new(Icon::People, t::MEMBERS, move || {
            panel::open(Target::Share(share));
        }),
        menu::Item::new(Icon::ClockHistory, t::ACTIVITY, move || {
            go(Route::Activity(share));
        }),
    ];
    let before = name.clone();
    items.push(
        menu::Item::new(Icon::Pencil, t::NAME_FOR_ME, move || {
            member::rename(share, before.clone());
        })
        .after_line(),
    );
    if row.role != Role::Owner {
        items.push(
            menu::Item::new(Icon::BoxArrowRight, t::LEAVE, move || {
                panel::leave(Some(share), name.clone());
            })
            .danger()
            .after_line(),
        );
    }
    items
}
