//! Short messages at the edge, the last word on something that was done, with
//! a way to undo it where there is one.

use std::cell::Cell;
use std::rc::Rc;

use futures::FutureExt;
use futures::future::LocalBoxFuture;

use crate::ui::prelude::*;

/// Milliseconds that a message stays; one that says what went wrong stays until
/// it is closed.
const STAYS_MS: i32 = 10_000;
/// No more than this at once.
const AT_ONCE: usize = 4;

/// A message.
#[derive(Clone)]
pub(crate) struct Toast {
    id: u64,
    kind: Kind,
    text: String,
    action: Option<(Text, Rc<dyn Fn()>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Done,
    Failed,
}

impl PartialEq for Toast {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

/// Says that something is done.
pub(crate) fn done(text: impl Into<String>) {
    show(Kind::Done, text.into(), None);
}

/// The same, with a way back.
pub(crate) fn done_with_undo(text: impl Into<String>, undo: impl Fn() + 'static) {
    show(Kind::Done, text.into(), Some((t::UNDO, Rc::new(undo))));
}

/// Says what happened, with a way to it.
pub(crate) fn told(text: impl Into<String>, action: Text, run: impl Fn() + 'static) {
    show(Kind::Done, text.into(), Some((action, Rc::new(run))));
}

/// Says why something is not done.
pub(crate) fn failed(failure: &Failure) {
    show(Kind::Failed, crate::ui::failure::words(failure), None);
}

/// Says what the person can do about something.
pub(crate) fn warn(text: impl Into<String>) {
    show(Kind::Failed, text.into(), None);
}

/// Does something whose failure only needs saying.
pub(crate) fn attempt(work: impl Future<Output = Result<(), Failure>> + 'static) {
    attempt_boxed(work.boxed_local());
}

fn attempt_boxed(work: LocalBoxFuture<'static, Result<(), Failure>>) {
    act(async move {
        if let Err(failure) = work.await {
            failed(&failure);
        }
    });
}

fn show(kind: Kind, text: String, action: Option<(Text, Rc<dyn Fn()>)>) {
    thread_local! {
        static COUNT: Cell<u64> = const { Cell::new(0) };
    }
    let id = COUNT.with(|count| {
        count.set(count.get() + 1);
        count.get()
    });
    app().toasts.update(|toasts| {
        // The same failure twice is one message.
        toasts.retain(|toast| toast.text != text);
        if toasts.len() >= AT_ONCE {
            toasts.remove(0);
        }
        toasts.push(Toast {
            id,
            kind,
            text,
            action,
        });
    });
}

fn dismiss(id: u64) {
    app()
        .toasts
        .update(|toasts| toasts.retain(|toast| toast.id != id));
}

/// Where messages appear. The region is there from the start: only what comes
/// into one that was there is read out.
pub(crate) fn host() -> El {
    let toasts = app().toasts;
    div("toasts")
        .role("status")
        .aria("aria-live", "polite")
        .label(t::MESSAGES)
        .each(move || toasts.get(), |toast| toast.id, view)
}

fn view(toast: &Toast) -> El {
    let id = toast.id;
    let (class, picture) = match toast.kind {
        Kind::Done => ("toast-done", Icon::CheckCircleFill),
        Kind::Failed => ("toast-failed", Icon::ExclamationTriangleFill),
    };
    let action = toast.action.clone().map(|(label, run)| {
        button("btn btn-toast").say(label).on_click(move || {
            dismiss(id);
            run();
        })
    });
    if toast.kind == Kind::Done {
        stay_while_looked_at(id);
    }
    div("toast-item")
        .class(class)
        .mark_number("data-toast", id)
        .child(icon(picture))
        .child(span("toast-text").text(&toast.text))
        .child(action)
        .child(
            button("btn btn-icon")
                .hint(t::DISMISS)
                .child(icon(Icon::XLg))
                .on_click(move || dismiss(id)),
        )
}

/// Goes by itself, but not from under a pointer or the focus.
fn stay_while_looked_at(id: u64) {
    later_while_shown(STAYS_MS, move || {
        let is_used = format!("[data-toast=\"{id}\"]:is(:hover,:focus-within)");
        match document().query_selector(&is_used) {
            Ok(Some(_)) => again(id),
            _ => dismiss(id),
        }
    });
}

fn again(id: u64) {
    crate::ui::view::later(STAYS_MS, move || dismiss(id));
}
