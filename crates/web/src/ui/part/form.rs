//! Sending a form: busy while it is on its way, and what went wrong in words.

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use web_sys::SubmitEvent;

use crate::ui::failure;
use crate::ui::prelude::*;

/// How the sending of a form stands.
#[derive(Clone, Copy)]
pub(crate) struct Submit {
    is_busy: RwSignal<bool>,
    refusal: RwSignal<Option<String>>,
}

impl Submit {
    pub(crate) fn new() -> Self {
        Self {
            is_busy: RwSignal::new(false),
            refusal: RwSignal::new(None),
        }
    }

    /// Whether it is on its way.
    pub(crate) fn is_busy(self) -> bool {
        self.is_busy.get()
    }

    /// Says why it does not go on.
    pub(crate) fn refuse(self, text: impl Into<String>) {
        self.refusal.set(Some(text.into()));
    }

    /// Does the work once; a second press meanwhile does nothing.
    pub(crate) fn run(self, work: impl Future<Output = Result<(), Failure>> + 'static) {
        self.run_boxed(work.boxed_local());
    }

    fn run_boxed(self, work: LocalBoxFuture<'static, Result<(), Failure>>) {
        if self.is_busy.get_untracked() {
            return;
        }
        self.is_busy.set(true);
        self.refusal.set(None);
        task(async move {
            let done = work.await;
            self.is_busy.set(false);
            if let Err(failure) = done {
                self.refuse(failure::words(&failure));
            }
        });
    }

    /// A form that does `work` when it is sent.
    pub(crate) fn form<F>(self, work: impl Fn() -> F + 'static) -> El
    where
        F: Future<Output = Result<(), Failure>> + 'static,
    {
        el("form")
            .novalidate()
            .on("submit", move |event: SubmitEvent| {
                event.prevent_default();
                self.run(work());
            })
    }

    /// Where it says what went wrong.
    pub(crate) fn alert(self) -> El {
        let refusal = self.refusal;
        div("form-alert").role("alert").show(
            move || refusal.get(),
            |text| {
                text.map(|text| {
                    super::state::alert("alert-danger", Icon::ExclamationTriangleFill, &text)
                        .once_shown(El::come_into_sight)
                })
            },
        )
    }

    /// The button that sends it.
    pub(crate) fn button(self, classes: &'static str, label: Text) -> El {
        let is_busy = self.is_busy;
        el("button")
            .kind("submit")
            .class(classes)
            .disabled_if(move || is_busy.get())
            .aria_with("aria-busy", move || {
                is_busy.get().then(|| "true".to_owned())
            })
            .show_if(
                move || is_busy.get(),
                || span("spinner-border spinner-border-sm").aria("aria-hidden", "true"),
            )
            .child(span("").say(label))
    }
}
