//! Bars that show how much of something there is.

use crate::ui::prelude::*;

/// A bar that follows a part between 0 and 1.
pub(crate) fn progress(label: &str, part: impl Fn() -> f64 + Clone + 'static) -> El {
    let shown = part.clone();
    div("progress")
        .role("progressbar")
        .aria("aria-label", label)
        .aria("aria-valuemin", "0")
        .aria("aria-valuemax", "100")
        .aria_with("aria-valuenow", move || Some(percent(shown()).to_string()))
        .child(div("progress-bar").style_with("width", move || format!("{}%", percent(part()))))
}

fn percent(part: f64) -> u8 {
    // Rounded down: only what is complete is shown as complete.
    (part.clamp(0.0, 1.0) * 100.0).floor() as u8
}

/// How much of the storage is used.
pub(crate) fn storage(used: u64, quota: Option<u64>) -> El {
    let bytes = super::format::bytes;
    let Some(quota) = quota else {
        return div("storage").text(&t::USED.with(&[&bytes(used)]));
    };
    let part = if quota == 0 {
        1.0
    } else {
        used as f64 / quota as f64
    };
    let text = t::USED_OF.with(&[&bytes(used), &bytes(quota)]);
    let bar = progress(t::STORAGE.get(), move || part);
    let bar = if part > 0.9 {
        bar.class("is-nearly-full")
    } else {
        bar
    };
    div("storage")
        .child(bar)
        .child(div("storage-text").text(&text))
}
