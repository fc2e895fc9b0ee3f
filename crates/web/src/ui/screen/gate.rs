//! The frame of every screen before an account is open.

use crate::ui::part::state;
use crate::ui::prelude::*;
use crate::ui::shell::mark;

/// A card in the middle, with a title.
pub(super) fn gate(title: &str, body: impl IntoIterator<Item = El>) -> El {
    framed("gate-card", title, body)
}

/// A wider one.
pub(super) fn wide_gate(title: &str, body: impl IntoIterator<Item = El>) -> El {
    framed("gate-card is-wide", title, body)
}

fn framed(classes: &'static str, title: &str, body: impl IntoIterator<Item = El>) -> El {
    div("gate")
        .child(
            el("header").class("gate-head").child(
                el("a")
                    .class("brand")
                    .href(&Address::screen(&Route::Home))
                    .child(mark())
                    .child(span("").text("SecureVault")),
            ),
        )
        .child(
            el("main")
                .class(classes)
                .id("content")
                .tab_index("-1")
                .child(state::title(title))
                .children(body),
        )
}

/// A link between two of these screens.
pub(super) fn link(label: Text, route: &Route) -> El {
    el("a")
        .class("link")
        .say(label)
        .href(&Address::screen(route))
}

/// A step of several: `Step 2 of 3`.
pub(super) fn step(number: usize, of: usize) -> El {
    let words = t::STEP.with(&[&number.to_string(), &of.to_string()]);
    let dots = (1..=of).map(|at| span(if at <= number { "dot is-done" } else { "dot" }));
    div("steps")
        .role("img")
        .aria("aria-label", &words)
        .children(dots)
}
