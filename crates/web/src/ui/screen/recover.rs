//! Back in by recovery key: the key, a code, a new password.

use super::gate::{gate, link, step};
use super::strength;
use crate::bridge::{GiveRecoveryCode, SetRecoveredPassword, StartRecovery};
use crate::ui::part::field;
use crate::ui::part::form::Submit;
use crate::ui::prelude::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Key,
    Code,
    Password,
}

/// The recovery of an account.
pub(super) fn recover(known: Option<&str>) -> El {
    let at = RwSignal::new(Step::Key);
    let handle = RwSignal::new(known.unwrap_or_default().to_owned());
    div("").show(
        move || at.get(),
        move |step| match step {
            Step::Key => key(handle, at),
            Step::Code => code(at),
            Step::Password => password(handle),
        },
    )
}

fn key(handle: RwSignal<String>, at: RwSignal<Step>) -> El {
    let submit = Submit::new();
    let words = RwSignal::new(String::new());
    let form = submit
        .form(move || {
            let call = StartRecovery {
                handle: handle.get_untracked(),
                words: words.get_untracked(),
            };
            async move {
                bridge::call(call).await?;
                words.set(String::new());
                at.set(Step::Code);
                Ok(())
            }
        })
        .child(
            field::text(t::HANDLE, handle)
                .input(|input| {
                    input
                        .autocomplete("username")
                        .spelling_off()
                        .focus_when_shown()
                })
                .build(),
        )
        .child(
            field::area(t::RECOVERY_KEY, words)
                .input(|input| input.class("is-words").autocomplete("off").spelling_off())
                .below(span("").text_with(move || {
                    let count = words.with(|words| words.split_whitespace().count());
                    t::WORDS_TYPED.with(&[&count.to_string()])
                }))
                .build(),
        )
        .child(submit.alert())
        .child(submit.button("btn btn-primary btn-block", t::CONTINUE));
    gate(
        t::RECOVER_TITLE.get(),
        [
            step(1, 3),
            el("p").say(t::RECOVER_TEXT),
            form,
            div("gate-links").child(link(t::BACK_TO_LOG_IN, &Route::LogIn)),
        ],
    )
}

fn code(at: RwSignal<Step>) -> El {
    let submit = Submit::new();
    let code = RwSignal::new(String::new());
    let form = submit
        .form(move || {
            let call = GiveRecoveryCode {
                code: code.get_untracked().trim().to_owned(),
            };
            async move {
                match bridge::call(call).await {
                    Ok(()) => {
                        at.set(Step::Password);
                        Ok(())
                    }
                    Err(failure) => {
                        // The challenge was used up: it begins with the key again.
                        if !failure.is_passing() {
                            crate::ui::part::toast::failed(&failure);
                            at.set(Step::Key);
                        }
                        Err(failure)
                    }
                }
            }
        })
        .child(
            field::code(t::CODE, code)
                .input(El::focus_when_shown)
                .help(t::CODE_OR_BACKUP)
                .build(),
        )
        .child(submit.alert())
        .child(submit.button("btn btn-primary btn-block", t::CONTINUE));
    gate(
        t::SECOND_FACTOR.get(),
        [step(2, 3), el("p").say(t::RECOVER_CODE_TEXT), form],
    )
}

fn password(handle: RwSignal<String>) -> El {
    let submit = Submit::new();
    let choice = strength::NewPassword::new(handle);
    let form = submit
        .form(move || {
            let chosen = choice.checked();
            async move {
                let Some(password) = chosen else {
                    return Ok(());
                };
                bridge::call(SetRecoveredPassword { password }).await?;
                app().notice.set(Some(t::RECOVERED));
                go(Route::LogIn);
                Ok(())
            }
        })
        .child(choice.fields(t::NEW_PASSWORD))
        .child(submit.alert())
        .child(submit.button("btn btn-primary btn-block", t::SET_PASSWORD));
    gate(
        t::NEW_PASSWORD.get(),
        [step(3, 3), el("p").say(t::RECOVER_PASSWORD_TEXT), form],
    )
}
