//! What stands where something is not there: on its way, empty, refused.

use crate::bridge::Engine;
use crate::ui::failure;
use crate::ui::prelude::*;

/// On its way. Nothing is shown for a moment: most things come at once.
pub(crate) fn waiting() -> El {
    div("waiting")
        .role("status")
        .child(div("spinner-border").aria("aria-hidden", "true"))
        .child(span("visually-hidden").say(t::LOADING))
}

/// The same in a line, and what for.
pub(crate) fn waiting_for(words: Text) -> El {
    div("waiting-line")
        .child(span("spinner-border spinner-border-sm").aria("aria-hidden", "true"))
        .child(span("").say(words))
}

/// What somebody waits for who has not been answered for a while.
pub(crate) fn what_takes_long() -> Text {
    match app().engine.get() {
        Engine::Loading => t::ENGINE_LOADING,
        _ => t::WAKING,
    }
}

/// The engine could not be loaded. Whatever was asked of it waits.
pub(crate) fn engine_missing() -> El {
    div("engine-missing")
        .child(alert(
            "alert-danger",
            Icon::WifiOff,
            t::ENGINE_MISSING.get(),
        ))
        .child(
            button("btn btn-outline")
                .say(t::TRY_AGAIN)
                .on_click(bridge::load_engine),
        )
}

/// Refused, or out of reach.
pub(crate) fn failed(failure: &Failure) -> El {
    if let Some(share) = &failure.share {
        return share_ended(share, failure);
    }
    let picture = if failure.is_passing() {
        Icon::WifiOff
    } else {
        Icon::ExclamationTriangleFill
    };
    div("empty")
        .role("alert")
        .child(div("empty-picture").child(icon(picture)))
        .child(el("p").text(&failure::words(failure)))
        .child(
            button("btn btn-outline")
                .say(t::TRY_AGAIN)
                .on_click(|| crate::ui::app::bump(app().revision)),
        )
}

/// A shared vault that was taken away or tampered with. Neither passes by
/// itself.
fn share_ended(share: &str, failure: &Failure) -> El {
    let alone = Failure {
        share: None,
        ..failure.clone()
    };
    let is_tampered = matches!(failure.kind, bridge::FailureKind::Tampered(_));
    let more = is_tampered.then(|| el("p").class("form-text").say(t::SHARE_TAMPERED_MORE));
    let picture = match is_tampered {
        true => Icon::ShieldExclamation,
        false => Icon::Lock,
    };
    div("empty")
        .role("alert")
        .child(div("empty-picture").child(icon(picture)))
        .child(el("h2").text(share))
        .child(el("p").text(&failure::words(&alone)))
        .child(more)
        .child(
            el("a")
                .class("btn btn-outline")
                .say(t::DRIVE)
                .href(&Address::screen(&Route::Files(bridge::Place::Root))),
        )
}

/// Nothing there, and what to do about it.
pub(crate) fn empty(picture: Icon, title: Text, text: Text, action: impl Into<Option<El>>) -> El {
    div("empty")
        .child(div("empty-picture").child(icon(picture)))
        .child(el("h2").say(title))
        .child(el("p").say(text))
        .child(action)
}

/// Something to take note of.
pub(crate) fn alert(kind: &'static str, picture: Icon, text: &str) -> El {
    div("alert")
        .class(kind)
        .child(icon(picture))
        .child(div("alert-text").text(text))
}

/// The title of a screen; gets the focus when it is reached.
pub(crate) fn title(text: &str) -> El {
    document().set_title(&format!("{text} · SecureVault"));
    el("h1").class("page-title").data_start().text(text)
}
