//! What is shared with this person and by them, their groups, and the people
//! they know.

mod groups;
mod people;

use wasm_bindgen::JsCast;
use web_sys::MouseEvent;

use super::settings::tab_link;
use crate::bridge::{AcceptShare, Place, Role, ShareRow, ShareState, Target};
use crate::ui::part::{menu, state, toast};
use crate::ui::prelude::*;
use crate::ui::route::SharedTab;
use crate::ui::screen::files::choose;
use crate::ui::sharing::{member, news, offer, panel};

/// A part of what is shared.
pub(super) fn shared(tab: SharedTab) -> El {
    let tabs = SharedTab::ALL.map(|each| {
        let (picture, label) = name(each);
        let link = tab_link(picture, label, &Route::Shared(each), each == tab);
        match each {
            SharedTab::WithMe => link.child(badge()),
            _ => link,
        }
    });
    let body = match tab {
        SharedTab::WithMe => with_me(),
        SharedTab::ByMe => by_me(),
        SharedTab::Groups => groups::groups(),
        SharedTab::People => people::people(),
    };
    div("page settings-page shared-page")
        .child(state::title(t::SHARED.get()))
        .child(el("nav").class("tabs").label(t::SHARED).children(tabs))
        .child(body)
}

/// How many offers there are, seen and heard.
pub(crate) fn badge() -> El {
    span("d-contents").show(news::offers, |count| {
        (count > 0).then(|| {
            span("count-badge")
                .child(
                    span("")
                        .aria("aria-hidden", "true")
                        .text(&count.to_string()),
                )
                .child(span("visually-hidden").text(&t::OFFERS_COUNT.count(count as u64)))
        })
    })
}

const fn name(tab: SharedTab) -> (Icon, Text) {
    match tab {
        SharedTab::WithMe => (Icon::BoxArrowInDown, t::WITH_ME),
        SharedTab::ByMe => (Icon::Share, t::BY_ME),
        SharedTab::Groups => (Icon::People, t::GROUPS),
        SharedTab::People => (Icon::PersonCheck, t::PEOPLE_KNOWN),
    }
}

/// Rows of the list that fit, and what to show where there are none.
fn rows_of(
    fits: fn(&ShareRow) -> bool,
    line: fn(&ShareRow) -> El,
    empty: impl Fn() -> El + 'static,
) -> El {
    div("settings-body").loaded(app().share_list, move |rows| {
        let rows: Vec<&ShareRow> = rows.iter().filter(|row| fits(row)).collect();
        if rows.is_empty() {
            return empty();
        }
        el("ul")
            .class("settings-list")
            .children(rows.into_iter().map(line))
    })
}

/// Whether a share is in use and somebody else's.
pub(crate) fn is_theirs(row: &ShareRow) -> bool {
    let is_wanted = matches!(row.state, ShareState::Accepted | ShareState::Tampered);
    is_wanted && !row.is_group && row.role != Role::Owner
}

fn is_mine(row: &ShareRow) -> bool {
    row.state == ShareState::Accepted && !row.is_group && row.role == Role::Owner
}

fn is_declined(row: &ShareRow) -> bool {
    row.state == ShareState::Declined
}

fn with_me() -> El {
    let nothing = || {
        // Offers stand above: then it is not nothing.
        match news::offers() {
            0 => state::empty(
                Icon::BoxArrowInDown,
                t::NOTHING_SHARED,
                t::NOTHING_SHARED_TEXT,
                None,
            ),
            _ => div(""),
        }
    };
    let is_broken =
        |row: &ShareRow| matches!(row.state, ShareState::Unreadable | ShareState::Forged);
    let is_shown = move |row: &ShareRow| is_theirs(row) || is_broken(row);
    div("")
        .child(offer::cards(|_| true))
        .child(rows_of(is_shown, line, nothing))
        .child(declined())
}

fn by_me() -> El {
    rows_of(is_mine, line, || {
        state::empty(Icon::Share, t::NOTHING_BY_ME, t::NOTHING_BY_ME_TEXT, None)
    })
}

/// What was not wanted, out of the way.
fn declined() -> El {
    let rows = || {
        app().share_list.with(|list| match list {
            Loaded::Ready(rows) => rows
                .iter()
                .filter(|row| is_declined(row))
                .cloned()
                .collect(),
            _ => Vec::new(),
        })
    };
    div("").show(rows, |rows: Vec<ShareRow>| {
        (!rows.is_empty()).then(|| {
            let count = t::DECLINED_COUNT.count(rows.len() as u64);
            let lines = rows.iter().map(|row| {
                let taken = row.clone();
                let again = button("btn btn-outline btn-sm")
                    .aria(
                        "aria-label",
                        &format!("{}: {}", t::ACCEPT_ANYWAY.get(), row.name),
                    )
                    .say(t::ACCEPT_ANYWAY)
                    .on_click(move || offer::accept(&taken));
                el("li")
                    .class("setting")
                    .child(div("setting-icon").child(icon(offer::picture(row))))
                    .child(words(row))
                    .child(div("setting-action").child(again))
            });
            el("details")
                .class("declined")
                .child(el("summary").text(&count))
                .child(el("ul").class("settings-list").children(lines))
        })
    })
}

fn words(row: &ShareRow) -> El {
    div("setting-words")
        .child(div("setting-title").text(&row.name))
        .child(el("p").text(&member::line(row)))
}

/// A share: opened by its name, and a menu.
pub(crate) fn line(row: &ShareRow) -> El {
    let item = el("li").class("setting share-row");
    match row.state {
        ShareState::Unreadable => {
            return item
                .class("is-danger")
                .child(broken(t::UNREADABLE.get(), t::UNREADABLE_TEXT));
        }
        ShareState::Tampered => {
            return item
                .class("is-danger")
                .child(broken(&row.name, t::SHARE_TAMPERED_TEXT));
        }
        ShareState::Forged => {
            return item
                .class("is-danger")
                .child(broken(&row.name, t::FORGED_TEXT));
        }
        ShareState::Offered | ShareState::Accepted | ShareState::Declined => {}
    }
    let opens = Route::Files(Place::Share(row.share));
    let link = el("a")
        .class("share-open")
        .href(&Address::screen(&opens))
        .text(&row.name);
    let (shown, title) = (row.clone(), row.name.clone());
    let more = button("btn btn-icon")
        .aria("aria-label", &t::ACTIONS_FOR.with(&[&row.name]))
        .aria("aria-haspopup", "menu")
        .child(icon(Icon::ThreeDotsVertical))
        .on("click", move |event: MouseEvent| {
            if let Some(anchor) = event.current_target() {
                menu::open_at(anchor.unchecked_ref(), &title, actions(&shown));
            }
        });
    item.child(div("setting-icon").child(icon(Icon::FolderFill)))
        .child(
            div("setting-words")
                .child(div("setting-title").child(link))
                .child(el("p").text(&member::line(row))),
        )
        .child(div("setting-action").child(more))
}

/// Something that cannot be shown, and why.
fn broken(name: &str, why: Text) -> El {
    div("share-broken")
        .child(div("setting-icon").child(icon(Icon::ShieldExclamation)))
        .child(
            div("setting-words")
                .child(div("setting-title").text(name))
                .child(el("p").say(why)),
        )
}

fn actions(row: &ShareRow) -> Vec<menu::Item> {
    let (share, name) = (row.share, row.name.clone());
    let mut items = vec![
        menu::Item::new(Icon::Folder2Open, t::OPEN, move || {
            go(Route::Files(Place::Share(share)));
        }),
        menu::Item::new(Icon::People, t::WHO_HAS_ACCESS, move || {
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
        let shown = name.clone();
        items.push(menu::Item::new(
            Icon::FolderSymlink,
            t::PLACE_IN_FILES,
            move || {
                let name = shown.clone();
                choose::place(t::PLACE_TITLE, t::PLACE_HERE, move |into| {
                    place(share, name.clone(), into);
                });
            },
        ));
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

fn place(share: bridge::ShareId, name: String, into: Place) {
    toast::attempt(async move {
        let call = AcceptShare {
            share,
            name,
            into: Some(into),
        };
        let name = bridge::call(call).await?;
        toast::told(t::PLACED.with(&[&name]), t::LOOK_AT_IT, move || {
            go(Route::Files(into));
        });
        Ok(())
    });
}
