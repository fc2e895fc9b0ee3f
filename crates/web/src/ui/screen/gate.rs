//! The frame of every screen before an account is open.

use crate::bridge::Engine;
use crate::ui::part::state;
use crate::ui::prelude::*;
use crate::ui::shell::mark;

/// An engine that takes longer than this is spoken of.
const SLOW_MS: i32 = 1000;

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
                .children(body)
                .child(engine_on_its_way()),
        )
}

/// For whoever is here before the engine, or without it: what is sent waits.
fn engine_on_its_way() -> El {
    let is_slow = RwSignal::new(false);
    later_while_shown(SLOW_MS, move || is_slow.set(true));
    div("").role("status").show(
        move || (app().engine.get(), is_slow.get()),
        |(engine, is_slow)| match engine {
            Engine::Loading if is_slow => Some(state::waiting_for(t::ENGINE_LOADING)),
            Engine::Missing => Some(state::engine_missing()),
            _ => None,
        },
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
