//! Password, authenticator, backup codes, recovery key.

use std::rc::Rc;

use super::item;
use crate::bridge::{
    AccountInfo, ChangePassword, ConfirmTotp, NewBackupCodes, NewRecoveryKey, NewTotp,
    ProvePassword, PutRecoveryKeyInForce, TotpSecret,
};
use crate::ui::part::form::Submit;
use crate::ui::part::{dialog, field, proof, toast};
use crate::ui::prelude::*;
use crate::ui::screen::{sheet, signup, strength};

pub(super) fn security() -> El {
    let account = app().account;
    app().refresh_account();
    div("settings-body").show(
        move || account.get(),
        |account| match account {
            Some(account) => all(&account),
            None => crate::ui::part::state::waiting(),
        },
    )
}

fn all(account: &AccountInfo) -> El {
    let action = |label: Text, run: fn()| button("btn btn-outline").say(label).on_click(run);
    let (handle, for_codes, for_key) = (
        account.handle.clone(),
        account.handle.clone(),
        account.handle.clone(),
    );
    let factor = if account.has_authenticator {
        t::HAS_AUTHENTICATOR
    } else {
        t::NO_AUTHENTICATOR
    };
    let left = t::CODES_LEFT.count(u64::from(account.backup_codes_left));
    div("settings-list")
        .child(item(
            Icon::Key,
            t::PASSWORD,
            t::PASSWORD_SETTING.get().to_owned(),
            button("btn btn-outline")
                .say(t::CHANGE_PASSWORD)
                .on_click(move || change_password(handle.clone())),
        ))
        .child(item(
            Icon::Phone,
            t::AUTHENTICATOR,
            factor.get().to_owned(),
            action(t::SET_UP_ANEW, new_authenticator),
        ))
        .child(item(
            Icon::ListUl,
            t::BACKUP_CODES,
            left,
            button("btn btn-outline")
                .say(t::NEW_BACKUP_CODES)
                .on_click(move || new_codes(for_codes.clone())),
        ))
        .child(item(
            Icon::ShieldCheck,
            t::RECOVERY_KEY,
            t::RECOVERY_SETTING.get().to_owned(),
            button("btn btn-outline")
                .say(t::NEW_RECOVERY_KEY)
                .on_click(move || new_recovery_key(for_key.clone())),
        ))
}

/// The present password and a code: two fields of a form.
#[derive(Clone, Copy)]
struct Present {
    password: RwSignal<String>,
    code: RwSignal<String>,
}

impl Present {
    fn new() -> Self {
        Self {
            password: RwSignal::new(String::new()),
            code: RwSignal::new(String::new()),
        }
    }

    fn fields(self) -> El {
        div("")
            .child(
                field::password(t::PRESENT_PASSWORD, self.password)
                    .input(|input| input.autocomplete("current-password").data_first())
                    .build(),
            )
            .child(
                field::code(t::CODE, self.code)
                    .help(t::CODE_OR_BACKUP)
                    .build(),
            )
    }

    fn proof(self) -> ProvePassword {
        ProvePassword {
            password: self.password.get_untracked(),
            code: self.code.get_untracked().trim().to_owned(),
        }
    }
}

fn change_password(handle: String) {
    dialog::open(move || {
        let (submit, present) = (Submit::new(), Present::new());
        let choice = strength::NewPassword::new(RwSignal::new(handle.clone()));
        let body = div("")
            .child(el("p").say(t::CHANGE_PASSWORD_TEXT))
            .child(present.fields())
            .child(choice.fields(t::NEW_PASSWORD))
            .child(submit.alert());
        let form = submit.form(move || {
            let chosen = choice.checked();
            async move {
                let Some(password) = chosen else {
                    return Ok(());
                };
                bridge::call(present.proof()).await?;
                bridge::call(ChangePassword { password }).await?;
                dialog::close();
                toast::done(t::PASSWORD_CHANGED.get());
                Ok(())
            }
        });
        let buttons = div("")
            .child(dialog::cancel_button())
            .child(submit.button("btn btn-primary", t::CHANGE_PASSWORD));
        dialog::frame_form(t::CHANGE_PASSWORD.get(), form, body, buttons)
    });
}

fn new_authenticator() {
    proof::with_proof(|| async {
        let secret = bridge::call(NewTotp {}).await?;
        show_authenticator(secret);
        Ok(())
    });
}

fn show_authenticator(secret: TotpSecret) {
    dialog::open(move || {
        let (submit, code) = (Submit::new(), RwSignal::new(String::new()));
        let body = div("")
            .child(el("p").say(t::TOTP_ANEW_TEXT))
            .child(signup::totp(&secret))
            .child(
                field::code(t::CODE, code)
                    .input(El::data_first)
                    .help(t::TOTP_NEW_CODE)
                    .build(),
            )
            .child(submit.alert());
        let form = submit.form(move || {
            let call = ConfirmTotp {
                code: code.get_untracked().trim().to_owned(),
            };
            async move {
                bridge::call(call).await?;
                dialog::close();
                toast::done(t::AUTHENTICATOR_CHANGED.get());
                app().refresh_account();
                Ok(())
            }
        });
        let buttons = div("")
            .child(dialog::cancel_button())
            .child(submit.button("btn btn-primary", t::FINISH));
        dialog::frame_form(t::AUTHENTICATOR.get(), form, body, buttons)
    });
}

fn new_codes(handle: String) {
    let handle = Rc::new(handle);
    dialog::confirm(
        t::NEW_BACKUP_CODES,
        t::NEW_CODES_SURE.get().to_owned(),
        t::CONTINUE,
        move || {
            let handle = handle.clone();
            async move {
                proof::with_proof(move || {
                    let handle = handle.clone();
                    async move {
                        let codes = bridge::call(NewBackupCodes {}).await?;
                        app().refresh_account();
                        show_codes(&handle, codes);
                        Ok(())
                    }
                });
                Ok(())
            }
        },
    );
}

fn show_codes(handle: &str, backup_codes: Vec<String>) {
    let contents = sheet::Contents {
        handle: handle.to_owned(),
        address: window().location().origin().unwrap_or_default(),
        recovery_words: None,
        backup_codes,
    };
    dialog::open(move || {
        let body = div("")
            .child(el("p").say(t::NEW_CODES_TEXT))
            .child(sheet::view(&contents))
            .child(sheet::buttons(&contents));
        let done = button("btn btn-primary")
            .say(t::CODES_KEPT)
            .on_click(dialog::close);
        dialog::frame(t::BACKUP_CODES.get(), body, div("no-print").child(done))
    });
}

#[derive(Clone)]
enum Step {
    Prove,
    Keep(Rc<sheet::Contents>),
    Retype(Rc<sheet::Contents>),
}

impl Step {
    const fn number(&self) -> u8 {
        match self {
            Self::Prove => 1,
            Self::Keep(_) => 2,
            Self::Retype(_) => 3,
        }
    }
}

/// A new key is in force only when it is on paper, and a part was typed again.
fn new_recovery_key(handle: String) {
    dialog::open(move || {
        let (at, present, submit) = (
            RwSignal::new_local(Step::Prove),
            Present::new(),
            Submit::new(),
        );
        let handle = handle.clone();
        let body = div("").show(
            move || at.with(Step::number),
            move |_| match at.get_untracked() {
                Step::Prove => prove(handle.clone(), present, at),
                Step::Keep(contents) => keep(contents, at),
                Step::Retype(contents) => retype(&contents, present, submit),
            },
        );
        dialog::frame(
            t::NEW_RECOVERY_KEY.get(),
            body.child(submit.alert()),
            div("is-absent"),
        )
    });
}

fn prove(
    handle: String,
    present: Present,
    at: RwSignal<Step, reactive_graph::owner::LocalStorage>,
) -> El {
    let submit = Submit::new();
    submit
        .form(move || {
            let handle = handle.clone();
            async move {
                bridge::call(present.proof()).await?;
                let words = bridge::call(NewRecoveryKey {}).await?;
                at.set(Step::Keep(Rc::new(sheet::Contents {
                    handle,
                    address: window().location().origin().unwrap_or_default(),
                    recovery_words: Some(words),
                    backup_codes: Vec::new(),
                })));
                Ok(())
            }
        })
        .child(el("p").say(t::NEW_RECOVERY_TEXT))
        .child(present.fields())
        .child(submit.alert())
        .child(
            div("dialog-foot")
                .child(dialog::cancel_button())
                .child(submit.button("btn btn-primary", t::CONTINUE)),
        )
}

fn keep(
    contents: Rc<sheet::Contents>,
    at: RwSignal<Step, reactive_graph::owner::LocalStorage>,
) -> El {
    let next = contents.clone();
    div("")
        .child(sheet::view(&contents))
        .child(sheet::buttons(&contents))
        .child(
            div("dialog-foot no-print").child(
                button("btn btn-primary")
                    .say(t::SHEET_KEPT)
                    .on_click(move || at.set(Step::Retype(next.clone()))),
            ),
        )
}

fn retype(contents: &sheet::Contents, present: Present, submit: Submit) -> El {
    let words = contents.recovery_words.clone().unwrap_or_default();
    div("")
        .child(el("p").say(t::RETYPE_TEXT))
        .child(sheet::retype(&words, move || {
            submit.run(async move {
                let password = present.password.get_untracked();
                bridge::call(PutRecoveryKeyInForce { password }).await?;
                dialog::close();
                toast::done(t::RECOVERY_CHANGED.get());
                Ok(())
            });
        }))
}
