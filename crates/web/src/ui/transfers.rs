//! The transfer panel: what is on its way, how fast, and what can be done.

use std::collections::BTreeMap;

use web_sys::BeforeUnloadEvent;

use super::failure;
use super::part::{format, meter, toast};
use super::prelude::*;
use super::view::listen_while_shown;
use crate::bridge::{
    CancelTransfer, ClearTransfers, PauseTransfer, ResumeTransfer, RetryTransfer, TransferKind,
    TransferRow, TransferState,
};

/// Milliseconds that a panel without anything under way stays open by itself.
const LINGERS_MS: i32 = 6000;

fn is_open() -> RwSignal<bool> {
    app().has_transfer_panel
}

/// Takes news of a transfer.
pub(crate) fn take(row: TransferRow) {
    let transfers = app().transfers;
    let before = transfers.with_untracked(|all| all.get(&row.id).map(|old| old.state.clone()));
    if before.is_none() && is_under_way(&row.state) {
        is_open().set(true);
    }
    if before.as_ref() != Some(&row.state) {
        tell(&row, before.is_some());
    }
    transfers.update(|all| {
        all.insert(row.id, row);
    });
    if !is_any_running() {
        super::view::later(LINGERS_MS, || {
            let has_failed = app().transfers.with_untracked(|all| {
                all.values().any(|row| {
                    matches!(row.state, TransferState::Failed(_)) || !row.left_out.is_empty()
                })
            });
            if !is_any_running() && !has_failed {
                is_open().set(false);
            }
        });
    }
}

fn tell(row: &TransferRow, was_known: bool) {
    match &row.state {
        TransferState::Done if was_known => {
            app().announce(t::TRANSFER_DONE.with(&[&row.name]));
        }
        TransferState::Failed(failure) => {
            let why = failure::words(failure);
            toast::warn(t::TRANSFER_FAILED.with(&[&row.name, &why]));
        }
        _ => {}
    }
}

const fn is_under_way(state: &TransferState) -> bool {
    matches!(
        state,
        TransferState::Waiting
            | TransferState::Running
            | TransferState::Stalled
            | TransferState::Paused
    )
}

/// Whether anything would be lost, or have to begin again, if the page went.
pub(crate) fn is_any_running() -> bool {
    app()
        .transfers
        .with_untracked(|all| all.values().any(|row| is_under_way(&row.state)))
}

/// Asks before a reload in the middle of a transfer.
pub(crate) fn guard_reload() {
    listen_while_shown(&window(), "beforeunload", |event: BeforeUnloadEvent| {
        if is_any_running() {
            event.prevent_default();
            event.set_return_value("");
        }
    });
}

/// What all that is under way comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Sum {
    count: u64,
    bytes: u64,
    done: u64,
    per_second: u64,
}

fn sum(all: &BTreeMap<u64, TransferRow>) -> Sum {
    all.values()
        .filter(|row| is_under_way(&row.state))
        .fold(Sum::default(), |sum, row| Sum {
            count: sum.count + 1,
            bytes: sum.bytes + row.bytes,
            done: sum.done + row.bytes_done,
            per_second: sum.per_second + row.bytes_per_second,
        })
}

fn part(done: u64, bytes: u64) -> f64 {
    if bytes == 0 {
        0.0
    } else {
        done as f64 / bytes as f64
    }
}

/// The button at the top that shows and hides the panel.
pub(crate) fn button_at_top() -> El {
    let transfers = app().transfers;
    let now = move || transfers.with(sum);
    div("d-contents").show_if(
        move || transfers.with(|all| !all.is_empty()),
        move || {
            button("btn btn-icon transfers-button")
                .aria_with("aria-expanded", || Some(is_open().get().to_string()))
                .aria("aria-controls", "transfers")
                .hint(t::TRANSFERS)
                .child(icon(Icon::ArrowDownUp))
                .show_if(
                    move || now().count > 0,
                    move || span("transfers-count").text_with(move || now().count.to_string()),
                )
                .on_click(|| is_open().update(|open| *open = !*open))
        },
    )
}

/// The panel. It is there whatever screen is shown.
pub(crate) fn panel() -> El {
    let transfers = app().transfers;
    div("d-contents").show_if(
        move || is_open().get() && transfers.with(|all| !all.is_empty()),
        move || {
            el("section")
                .class("transfers")
                .id("transfers")
                .label(t::TRANSFERS)
                .child(head())
                .child(
                    // What is done has no buttons: a long list scrolls by itself.
                    el("ul")
                        .class("transfers-list")
                        .label(t::TRANSFERS)
                        .tab_index("0")
                        .each(
                            move || transfers.with(|all| all.keys().rev().copied().collect()),
                            |id| std::cmp::Reverse(*id),
                            |id| line(*id),
                        ),
                )
        },
    )
}

fn head() -> El {
    let transfers = app().transfers;
    let now = move || transfers.with(sum);
    let words = move || {
        let sum = now();
        if sum.count == 0 {
            return t::TRANSFERS_NONE.get().to_owned();
        }
        let percent = (part(sum.done, sum.bytes) * 100.0).floor();
        t::TRANSFERS_NOW.count_with(sum.count, &[&format!("{percent}")])
    };
    let all_paused = move || {
        transfers.with(|all| {
            let mut under_way = all
                .values()
                .filter(|row| is_under_way(&row.state))
                .peekable();
            under_way.peek().is_some() && under_way.all(|row| row.state == TransferState::Paused)
        })
    };
    div("transfers-head")
        .child(el("h2").aria("aria-live", "polite").text_with(words))
        .show(
            move || (now().count > 0, all_paused()),
            |(is_any, is_paused)| {
                is_any.then(|| {
                    if is_paused {
                        control(Icon::PlayFill, t::RESUME_ALL, || {
                            toast::attempt(bridge::call(ResumeTransfer { id: None }))
                        })
                    } else {
                        control(Icon::PauseFill, t::PAUSE_ALL, || {
                            toast::attempt(bridge::call(PauseTransfer { id: None }))
                        })
                    }
                })
            },
        )
        .show_if(
            move || transfers.with(|all| all.values().any(|row| !is_under_way(&row.state))),
            || button("btn btn-quiet btn-sm").say(t::CLEAR).on_click(clear),
        )
        .child(control(Icon::ChevronDown, t::HIDE, || is_open().set(false)))
}

fn clear() {
    toast::attempt(async {
        bridge::call(ClearTransfers {}).await?;
        app()
            .transfers
            .update(|all| all.retain(|_, row| is_under_way(&row.state)));
        Ok(())
    });
}

fn control(picture: Icon, label: Text, run: impl Fn() + 'static) -> El {
    button("btn btn-icon")
        .hint(label)
        .child(icon(picture))
        .on_click(run)
}

fn line(id: u64) -> El {
    let transfers = app().transfers;
    let row = move || transfers.with(|all| all.get(&id).cloned());
    let first = transfers.with_untracked(|all| all.get(&id).cloned());
    let Some(first) = first else {
        return el("li");
    };
    let picture = match first.kind {
        TransferKind::Upload => Icon::Upload,
        TransferKind::Download | TransferKind::Raw | TransferKind::Token => Icon::Download,
        TransferKind::Zip => Icon::FileEarmarkZip,
        TransferKind::Decrypt => Icon::Unlock,
    };
    let name = if first.files > 1 {
        t::NAME_AND_MORE.count_with(first.files - 1, &[&first.name])
    } else {
        first.name.clone()
    };
    let done = move || row().map_or(0.0, |row| part(row.bytes_done, row.bytes));
    el("li")
        .class("transfer")
        .child(div("transfer-icon").child(icon(picture)))
        .child(
            div("transfer-words")
                .child(div("transfer-name").title(&first.within).text(&name))
                .show(move || row().is_some_and(|row| is_under_way(&row.state)), {
                    let name = first.name.clone();
                    move |is_running: bool| is_running.then(|| meter::progress(&name, done))
                })
                .child(
                    div("transfer-line")
                        .text_with(move || row().map_or(String::new(), |row| status(&row))),
                )
                .show(
                    move || row().map(|row| row.left_out).unwrap_or_default(),
                    |left_out| {
                        (!left_out.is_empty()).then(|| {
                            el("ul").class("left-out").children(left_out.iter().map(
                                |(path, why)| {
                                    el("li").text(&format!("{path}: {}", failure::words(why)))
                                },
                            ))
                        })
                    },
                ),
        )
        .show(
            move || row().map(|row| (row.state, row.kind)),
            move |state| state.map(|(state, kind)| controls(id, &state, kind)),
        )
}

fn controls(id: u64, state: &TransferState, kind: TransferKind) -> El {
    let some = Some(id);
    let bar = div("transfer-controls");
    match state {
        TransferState::Running | TransferState::Stalled | TransferState::Waiting => bar
            .child(control(Icon::PauseFill, t::PAUSE, move || {
                toast::attempt(bridge::call(PauseTransfer { id: some }))
            }))
            .child(control(Icon::XLg, t::CANCEL, move || {
                toast::attempt(bridge::call(CancelTransfer { id: some }))
            })),
        TransferState::Paused => bar
            .child(control(Icon::PlayFill, t::RESUME, move || {
                toast::attempt(bridge::call(ResumeTransfer { id: some }))
            }))
            .child(control(Icon::XLg, t::CANCEL, move || {
                toast::attempt(bridge::call(CancelTransfer { id: some }))
            })),
        TransferState::Failed(failure) => {
            let is_tampered = matches!(failure.kind, FailureKind::Tampered(_));
            bar.child((kind == TransferKind::Upload && !is_tampered).then(|| retry(id)))
        }
        TransferState::Cancelled => bar.child((kind == TransferKind::Upload).then(|| retry(id))),
        TransferState::Done => bar.child(span("transfer-done").child(icon(Icon::CheckCircleFill))),
    }
}

fn retry(id: u64) -> El {
    control(Icon::ArrowRepeat, t::TRY_AGAIN, move || {
        toast::attempt(bridge::call(RetryTransfer { id }))
    })
}

fn status(row: &TransferRow) -> String {
    let of = t::OF.with(&[&format::bytes(row.bytes_done), &format::bytes(row.bytes)]);
    match &row.state {
        TransferState::Waiting => t::STATE_WAITING.get().to_owned(),
        TransferState::Running if row.bytes_per_second > 0 => {
            let left =
                row.bytes.saturating_sub(row.bytes_done) as f64 / row.bytes_per_second as f64;
            let speed = t::PER_SECOND.with(&[&format::bytes(row.bytes_per_second)]);
            format!(
                "{of} · {speed} · {}",
                t::LEFT.with(&[&format::duration(left)])
            )
        }
        TransferState::Running => of,
        TransferState::Paused => format!("{} · {of}", t::STATE_PAUSED.get()),
        TransferState::Stalled => t::STATE_STALLED.get().to_owned(),
        TransferState::Done => format!("{} · {}", t::STATE_DONE.get(), format::bytes(row.bytes)),
        TransferState::Failed(failure) => failure::words(failure),
        TransferState::Cancelled => t::STATE_CANCELLED.get().to_owned(),
    }
}
