//! Every device that is logged in.

use crate::bridge::{EndSession, ListSessions, SessionRow};
use crate::ui::app::bump;
use crate::ui::part::{dialog, format};
use crate::ui::prelude::*;

pub(super) fn devices() -> El {
    let again = RwSignal::new(0_u64);
    let sessions = load(move || {
        again.get();
        app().revision.get();
        ListSessions {}
    });
    div("settings-body")
        .child(el("p").class("form-text").say(t::DEVICES_TEXT))
        .loaded(sessions, move |sessions| {
            el("ul")
                .class("settings-list")
                .children(sessions.iter().map(|session| line(session, again)))
        })
}

fn line(session: &SessionRow, again: RwSignal<u64>) -> El {
    let is_phone = ["Android", "iPhone", "iPad"]
        .iter()
        .any(|mark| session.device_label.contains(mark));
    let name = if session.device_label.is_empty() {
        t::UNNAMED_DEVICE.get()
    } else {
        &session.device_label
    };
    let used = t::LAST_USED.with(&[&format::near(session.last_used_ms)]);
    let since = t::LOGGED_IN_ON.with(&[&format::day(session.created_ms)]);
    let words = div("setting-words")
        .child(
            div("setting-title")
                .text(name)
                .child(session.current.then(|| span("badge").say(t::THIS_DEVICE))),
        )
        .child(el("p").text(&format!("{used} · {since}")));
    let (id, label) = (session.id.clone(), name.to_owned());
    let end = (!session.current).then(|| {
        button("btn btn-outline")
            .aria("aria-label", &t::END_SESSION_OF.with(&[name]))
            .say(t::LOG_OUT)
            .on_click(move || {
                let id = id.clone();
                dialog::confirm(
                    t::LOG_OUT,
                    t::END_SESSION_SURE.with(&[&label]),
                    t::LOG_OUT,
                    move || {
                        let id = id.clone();
                        async move {
                            bridge::call(EndSession { id }).await?;
                            bump(again);
                            Ok(())
                        }
                    },
                );
            })
    });
    el("li")
        .class("setting")
        .child(div("setting-icon").child(icon(if is_phone { Icon::Phone } else { Icon::Laptop })))
        .child(words)
        .child(div("setting-action").child(end))
}
