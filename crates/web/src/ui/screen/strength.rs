//! Choosing a password: how strong it is, and typed the same twice.

use crate::strength::{Strength, is_common, judge};
use crate::ui::part::field;
use crate::ui::prelude::*;

/// A new password that is being chosen.
#[derive(Clone, Copy)]
pub(super) struct NewPassword {
    handle: RwSignal<String>,
    password: RwSignal<String>,
    again: RwSignal<String>,
    problem: RwSignal<Option<Text>>,
}

impl NewPassword {
    /// For this person, whose name is not to be in it.
    pub(super) fn new(handle: RwSignal<String>) -> Self {
        Self {
            handle,
            password: RwSignal::new(String::new()),
            again: RwSignal::new(String::new()),
            problem: RwSignal::new(None),
        }
    }

    /// The password, if it is good enough; says what is wrong otherwise.
    pub(super) fn checked(self) -> Option<String> {
        let password = self.password.get_untracked();
        let problem = if password.is_empty() {
            Some(t::PASSWORD_EMPTY)
        } else if is_common(&password) {
            Some(t::PASSWORD_COMMON)
        } else if self.strength_of(&password, &self.handle.get_untracked()) < Strength::Fair {
            Some(t::PASSWORD_WEAK)
        } else if password != self.again.get_untracked() {
            Some(t::PASSWORDS_DIFFER)
        } else {
            None
        };
        self.problem.set(problem);
        problem.is_none().then_some(password)
    }

    fn strength_of(self, password: &str, handle: &str) -> Strength {
        judge(password, &[handle, "securevault"])
    }

    /// The two fields, the meter, and what is wrong.
    pub(super) fn fields(self, label: Text) -> El {
        let (password, problem) = (self.password, self.problem);
        follow(move || {
            password.with(|_| ());
            problem.set(None);
        });
        div("")
            .child(
                field::password(label, password)
                    .input(|input| input.autocomplete("new-password"))
                    .below(self.meter())
                    .build(),
            )
            .child(
                field::password(t::PASSWORD_AGAIN, self.again)
                    .input(|input| input.autocomplete("new-password"))
                    .build(),
            )
            .child(div("form-alert").role("alert").show(
                move || problem.get(),
                |problem| {
                    problem.map(|problem| {
                        crate::ui::part::state::alert(
                            "alert-danger",
                            Icon::ExclamationTriangleFill,
                            problem.get(),
                        )
                    })
                },
            ))
    }

    fn meter(self) -> El {
        let strength = move || {
            let password = self.password.get();
            (!password.is_empty()).then(|| self.strength_of(&password, &self.handle.get()))
        };
        let bars = (1..=5_u8).map(move |bar| {
            span("strength-bar").class_if("is-full", move || {
                strength().is_some_and(|s| level(s) >= bar)
            })
        });
        div("strength")
            .mark_with("data-level", move || {
                strength().map(|strength| level(strength).to_string())
            })
            .child(
                div("strength-bars")
                    .aria("aria-hidden", "true")
                    .children(bars),
            )
            .child(span("").aria("aria-live", "polite").text_with(move || {
                match strength() {
                    None => t::PASSWORD_HINT,
                    Some(Strength::VeryWeak) => t::STRENGTH_1,
                    Some(Strength::Weak) => t::STRENGTH_2,
                    Some(Strength::Fair) => t::STRENGTH_3,
                    Some(Strength::Good) => t::STRENGTH_4,
                    Some(Strength::Strong) => t::STRENGTH_5,
                }
                .get()
                .to_owned()
            }))
    }
}

const fn level(strength: Strength) -> u8 {
    match strength {
        Strength::VeryWeak => 1,
        Strength::Weak => 2,
        Strength::Fair => 3,
        Strength::Good => 4,
        Strength::Strong => 5,
    }
}
