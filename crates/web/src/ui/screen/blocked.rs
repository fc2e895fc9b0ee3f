//! States in which no account can be shown: why, and what to do.

use super::gate::{gate, wide_gate};
use crate::bridge::{Engine, LogOut, Stage, TakeOver, TamperKind};
use crate::ui::failure;
use crate::ui::part::form::Submit;
use crate::ui::part::{field, state, toast};
use crate::ui::prelude::*;
use crate::ui::shell::mark;
use crate::ui::view::sleep;

/// A server that does not answer for this long may be asleep.
const SLEEPING_MS: i32 = 4000;
/// A moment in which most pages are there already.
const MOMENT_MS: i32 = 300;
/// How often a server that is away is tried again.
const AGAIN_MS: i32 = 8000;

/// The engine has not answered yet.
pub(super) fn starting() -> El {
    div("d-contents").show(
        || app().engine.get() == Engine::Missing,
        |is_missing| match is_missing {
            true => gate(t::CANNOT_START.get(), []),
            false => opening(),
        },
    )
}

fn opening() -> El {
    let stage = RwSignal::new(0_u8);
    later_while_shown(MOMENT_MS, move || stage.set(1));
    later_while_shown(SLEEPING_MS, move || stage.set(2));
    el("main")
        .class("starting")
        .id("content")
        .role("status")
        .show(
            move || stage.get(),
            |stage| {
                let words = match stage {
                    0 => return None,
                    1 => t::OPENING,
                    _ => state::what_takes_long(),
                };
                Some(
                    div("starting-inner")
                        .child(mark().class("is-turning"))
                        .child(el("p").say(words)),
                )
            },
        )
}

/// A page that came over plain HTTP from elsewhere.
pub(super) fn insecure() -> El {
    wide_gate(
        t::INSECURE_TITLE.get(),
        [
            el("p").class("lead").say(t::INSECURE_TEXT),
            el("h2").say(t::INSECURE_HOW),
            el("ul").class("reasons").children([
                el("li").say(t::INSECURE_HTTPS),
                el("li").say(t::INSECURE_SERVER),
                el("li").say(t::INSECURE_LOCAL),
            ]),
            el("p").class("form-text").say(t::INSECURE_GUIDE),
        ],
    )
}

/// The engine could not start, or the server answers nothing that helps.
pub(super) fn failed(why: &Failure) -> El {
    if why.is_passing() {
        return unreachable("");
    }
    gate(
        t::CANNOT_START.get(),
        [
            state::alert(
                "alert-danger",
                Icon::ExclamationTriangleFill,
                &failure::words(why),
            ),
            reload_button(),
        ],
    )
}

pub(super) fn crashed() -> El {
    gate(
        t::CRASHED_TITLE.get(),
        [
            el("p").say(t::CRASHED),
            el("p").class("form-text").say(t::CRASHED_MORE),
            reload_button(),
        ],
    )
}

fn reload_button() -> El {
    button("btn btn-primary btn-block")
        .say(t::RELOAD)
        .data_first()
        .on_click(|| {
            let _ = window().location().reload();
        })
}

/// The server was caught. Nothing else goes on, whatever is pressed.
pub(super) fn tampered(why: &Failure) -> El {
    let kind = match why.kind {
        FailureKind::Tampered(kind) => kind,
        _ => TamperKind::Log,
    };
    let detail = (!why.detail.is_empty()).then(|| {
        el("details")
            .class("evidence")
            .child(el("summary").say(t::TAMPER_DETAIL))
            .child(field::secret(t::TAMPER_DETAIL, &why.detail))
    });
    let restored = RwSignal::new(None::<u64>);
    act(async move {
        if let Ok(server) = bridge::call(bridge::GetServer {}).await {
            restored.set(server.restored_from_ms);
        }
    });
    let body = div("tamper")
        .child(state::alert(
            "alert-danger",
            Icon::ExclamationOctagonFill,
            failure::of_tamper(kind).get(),
        ))
        .show(
            move || restored.get(),
            |since| {
                since.map(|since| {
                    let when = crate::ui::part::format::time(since);
                    state::alert(
                        "alert-warning",
                        Icon::InfoCircleFill,
                        &t::TAMPER_RESTORED.with(&[&when]),
                    )
                })
            },
        )
        .child(el("h2").say(t::TAMPER_MEANS))
        .child(el("p").say(t::TAMPER_MEANS_TEXT))
        .child(el("h2").say(t::TAMPER_DO))
        .child(el("ol").class("reasons").children([
            el("li").say(t::TAMPER_DO_NOTHING),
            el("li").say(t::TAMPER_DO_ASK),
            el("li").say(t::TAMPER_DO_CLI),
        ]))
        .child(detail)
        .child(div("gate-actions").child(reload_quietly()).child(leave()));
    wide_gate(t::TAMPER_TITLE.get(), [body])
}

fn reload_quietly() -> El {
    button("btn btn-outline")
        .say(t::TAMPER_LOOK_AGAIN)
        .on_click(|| {
            let _ = window().location().reload();
        })
}

/// Logs out of this browser even where the server cannot be told.
fn leave() -> El {
    button("btn btn-quiet").say(t::LOG_OUT).on_click(|| {
        toast::attempt(async {
            let stage = bridge::call(LogOut {}).await?;
            app().enter(stage);
            Ok(())
        });
    })
}

/// Logged in, but the server, which keeps half of the key, does not answer.
pub(super) fn unreachable(handle: &str) -> El {
    try_again_by_itself();
    let submit = Submit::new();
    let text = if handle.is_empty() {
        t::AWAY_TEXT.get().to_owned()
    } else {
        t::AWAY_TEXT_HANDLE.with(&[handle])
    };
    gate(
        t::AWAY_TITLE.get(),
        [
            el("p").text(&text),
            state::waiting_for(t::AWAY_TRYING).role("status"),
            submit.alert(),
            submit
                .button("btn btn-primary btn-block", t::TRY_AGAIN)
                .kind("button")
                .on_click(move || {
                    submit.run(again());
                }),
            div("gate-links")
                .child(super::gate::link(t::DECRYPT_TOOL, &Route::Decrypt))
                .child(leave()),
        ],
    )
}

fn try_again_by_itself() {
    task(async {
        loop {
            sleep(AGAIN_MS).await;
            if again().await.is_ok() {
                break;
            }
        }
    });
}

async fn again() -> Result<(), Failure> {
    let stage = bridge::call(bridge::Start {}).await?;
    if matches!(stage, Stage::Unreachable { .. }) {
        return Err(Failure::new(FailureKind::Offline));
    }
    app().enter(stage);
    Ok(())
}

/// Another tab has the account open.
pub(super) fn elsewhere() -> El {
    let submit = Submit::new();
    gate(
        t::ELSEWHERE_TITLE.get(),
        [
            el("p").say(t::ELSEWHERE_TEXT),
            submit.alert(),
            submit
                .button("btn btn-primary btn-block", t::USE_HERE)
                .kind("button")
                .on_click(move || {
                    submit.run(async {
                        let stage = bridge::call(TakeOver {}).await?;
                        app().enter(stage);
                        Ok(())
                    });
                }),
        ],
    )
}
