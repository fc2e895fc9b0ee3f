//! Sign-up: name and password, emergency sheet, second factor.

use std::rc::Rc;

use sv_api::account::SignupPolicy;

use super::gate::{gate, link, step, wide_gate};
use super::{login, sheet, strength};
use crate::bridge::{
    CancelSignUp, ConfirmSignUp, EmergencySheet, Engine, GetServer, SignUp, TotpSecret,
};
use crate::ui::part::form::Submit;
use crate::ui::part::{field, qr, state};
use crate::ui::prelude::*;

#[derive(Clone)]
enum Step {
    Account,
    Sheet(Rc<EmergencySheet>),
    Retype(Rc<EmergencySheet>),
    Authenticator(Rc<EmergencySheet>),
}

impl Step {
    const fn number(&self) -> u8 {
        match self {
            Self::Account => 1,
            Self::Sheet(_) => 2,
            Self::Retype(_) => 3,
            Self::Authenticator(_) => 4,
        }
    }
}

/// Steps that a person sees.
const STEPS: usize = 4;

/// The way to an account.
pub(super) fn sign_up(invite: Option<&str>) -> El {
    let at = RwSignal::new_local(Step::Account);
    let invite = RwSignal::new(invite.unwrap_or_default().to_owned());
    div("").show(
        move || at.with(Step::number),
        move |_| match at.get_untracked() {
            Step::Account => account(invite, move |sheet| at.set(Step::Sheet(Rc::new(sheet)))),
            Step::Sheet(sheet) => {
                let next = sheet.clone();
                keep(&sheet, move || at.set(Step::Retype(next.clone())))
            }
            Step::Retype(sheet) => {
                let (back, next) = (sheet.clone(), sheet.clone());
                retype(
                    &sheet,
                    move || at.set(Step::Sheet(back.clone())),
                    move || at.set(Step::Authenticator(next.clone())),
                )
            }
            Step::Authenticator(sheet) => wide_gate(
                t::TOTP_TITLE.get(),
                [
                    step(4, STEPS),
                    el("p").say(t::TOTP_TEXT),
                    totp(&sheet.totp),
                    confirm(),
                ],
            ),
        },
    )
}

fn account(invite: RwSignal<String>, done: impl Fn(EmergencySheet) + Clone + 'static) -> El {
    let submit = Submit::new();
    let handle = RwSignal::new(String::new());
    let choice = strength::NewPassword::new(handle);
    let server = load(|| GetServer {});
    let has_link = !invite.get_untracked().is_empty();
    let form = submit
        .form(move || {
            let (chosen, done) = (choice.checked(), done.clone());
            let invite = invite.get_untracked().trim().to_owned();
            let handle = handle.get_untracked();
            async move {
                let Some(password) = chosen else {
                    return Ok(());
                };
                let sheet = bridge::call(SignUp {
                    handle,
                    password,
                    invite: (!invite.is_empty()).then_some(invite),
                    device_label: login::device_label(),
                })
                .await?;
                done(sheet);
                Ok(())
            }
        })
        .child(
            field::text(t::HANDLE, handle)
                .input(|input| {
                    input
                        .autocomplete("username")
                        .spelling_off()
                        .max_len(64)
                        .focus_when_shown()
                })
                .help(t::HANDLE_HELP)
                .build(),
        )
        .child(choice.fields(t::PASSWORD))
        .show(
            move || match server.get() {
                Loaded::Ready(server) => Some(server.signup),
                _ => None,
            },
            move |policy| match policy {
                Some(SignupPolicy::Invite) => Some(invitation(invite, has_link)),
                _ if has_link => Some(invitation(invite, true)),
                Some(SignupPolicy::Closed) => Some(state::alert(
                    "alert-warning",
                    Icon::InfoCircleFill,
                    t::SIGNUP_CLOSED.get(),
                )),
                _ => None,
            },
        )
        .child(submit.alert())
        .child(submit.button("btn btn-primary btn-block", t::CREATE_ACCOUNT))
        .child(
            el("p")
                .class("form-text text-center")
                .role("status")
                .text_with(move || {
                    if submit.is_busy() && app().engine.get() == Engine::Ready {
                        t::MAKING_KEYS.get().to_owned()
                    } else {
                        String::new()
                    }
                }),
        );
    gate(
        t::SIGN_UP.get(),
        [
            step(1, STEPS),
            form,
            div("gate-links").child(link(t::HAVE_ACCOUNT, &Route::LogIn)),
        ],
    )
}

fn invitation(invite: RwSignal<String>, from_link: bool) -> El {
    let help = if from_link {
        t::INVITATION_FROM_LINK
    } else {
        t::INVITATION_HELP
    };
    field::text(t::INVITATION, invite)
        .input(|input| {
            input
                .class("is-code")
                .autocomplete("off")
                .spelling_off()
                .max_len(64)
        })
        .help(help)
        .build()
}

fn keep(emergency: &Rc<EmergencySheet>, next: impl Fn() + 'static) -> El {
    wide_gate(
        t::SHEET_TITLE.get(),
        [
            step(2, STEPS),
            el("p").say(t::SHEET_TEXT),
            sheet::view(&sheet::Contents::of(emergency)),
            sheet::buttons(&sheet::Contents::of(emergency)),
            button("btn btn-primary btn-block no-print")
                .say(t::SHEET_KEPT)
                .on_click(next),
        ],
    )
}

fn retype(
    emergency: &Rc<EmergencySheet>,
    back: impl Fn() + 'static,
    next: impl Fn() + 'static,
) -> El {
    gate(
        t::RETYPE_TITLE.get(),
        [
            step(3, STEPS),
            el("p").say(t::RETYPE_TEXT),
            sheet::retype(&emergency.recovery_words, next),
            div("gate-links").child(button("link").say(t::SHOW_SHEET_AGAIN).on_click(back)),
        ],
    )
}

/// The secret of an authenticator: to be scanned, or typed.
pub(super) fn totp(secret: &TotpSecret) -> El {
    let grouped: Vec<String> = secret
        .secret
        .as_bytes()
        .chunks(4)
        .map(|group| String::from_utf8_lossy(group).into_owned())
        .collect();
    div("totp")
        .child(qr::qr(&secret.otpauth_uri, t::TOTP_QR).map(|code| div("qr-frame").child(code)))
        .child(
            div("totp-words")
                .child(el("p").say(t::TOTP_SCAN))
                .child(field::secret(t::TOTP_SECRET, &grouped.join(" "))),
        )
}

fn confirm() -> El {
    let submit = Submit::new();
    let code = RwSignal::new(String::new());
    submit
        .form(move || {
            let call = ConfirmSignUp {
                code: code.get_untracked().trim().to_owned(),
            };
            async move {
                let stage = bridge::call(call).await?;
                app().enter(stage);
                login::leave_gate();
                Ok(())
            }
        })
        .child(field::code(t::CODE, code).help(t::TOTP_FIRST_CODE).build())
        .child(submit.alert())
        .child(submit.button("btn btn-primary btn-block", t::FINISH))
}

/// After a reload in the middle: only the code is missing, or it begins again.
pub(super) fn awaits_code(handle: &str) -> El {
    let submit = Submit::new();
    gate(
        t::TOTP_TITLE.get(),
        [
            el("p").text(&t::AWAITS_CODE.with(&[handle])),
            confirm(),
            el("hr"),
            el("p").class("form-text").say(t::SHEET_LOST),
            submit.alert(),
            submit
                .button("btn btn-outline btn-block", t::START_AGAIN)
                .kind("button")
                .on_click(move || {
                    submit.run(async {
                        let stage = bridge::call(CancelSignUp {}).await?;
                        app().enter(stage);
                        go(Route::SignUp { invite: None });
                        Ok(())
                    });
                }),
        ],
    )
}
