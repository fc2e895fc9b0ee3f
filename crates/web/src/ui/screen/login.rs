//! Log-in: password, then code.

use super::gate::{gate, link, step};
use crate::bridge::{GetServer, GiveCode, LogIn, TamperKind};
use crate::ui::part::form::Submit;
use crate::ui::part::{field, format, state};
use crate::ui::prelude::*;

/// The log-in form.
pub(super) fn log_in(known: Option<&str>) -> El {
    let handle = RwSignal::new(known.unwrap_or_default().to_owned());
    let password = RwSignal::new(String::new());
    let awaits_code = RwSignal::new(false);
    div("").show(
        move || awaits_code.get(),
        move |awaits_code_now| {
            if awaits_code_now {
                code(handle.get_untracked(), awaits_code)
            } else {
                first(handle, password, awaits_code)
            }
        },
    )
}

fn first(handle: RwSignal<String>, password: RwSignal<String>, awaits_code: RwSignal<bool>) -> El {
    let submit = Submit::new();
    let is_known = !handle.get_untracked().is_empty();
    let handle_field = field::text(t::HANDLE, handle)
        .input(|input| input.autocomplete("username").spelling_off().max_len(64));
    let password_field = field::password(t::PASSWORD, password)
        .input(|input| input.autocomplete("current-password"));
    let focus = |input: El| input.focus_when_shown();
    let (handle_field, password_field) = if is_known {
        (handle_field, password_field.input(focus))
    } else {
        (handle_field.input(focus), password_field)
    };
    let notice = app().notice;
    let form = submit
        .form(move || {
            let call = LogIn {
                handle: handle.get_untracked(),
                password: password.get_untracked(),
                device_label: device_label(),
            };
            async move {
                bridge::call(call).await?;
                password.set(String::new());
                awaits_code.set(true);
                Ok(())
            }
        })
        .child(handle_field.build())
        .child(password_field.build())
        .child(submit.alert())
        .child(submit.button("btn btn-primary btn-block", t::LOG_IN));
    gate(
        t::LOG_IN.get(),
        [
            div("").role("status").show(
                move || notice.get(),
                |notice| {
                    notice.map(|notice| {
                        state::alert("alert-info", Icon::InfoCircleFill, notice.get())
                    })
                },
            ),
            form,
            div("gate-links")
                .child(link(t::FORGOT_PASSWORD, &Route::Recover))
                .child(link(t::SIGN_UP, &Route::SignUp { invite: None })),
        ],
    )
}

fn code(handle: String, awaits_code: RwSignal<bool>) -> El {
    let submit = Submit::new();
    let code = RwSignal::new(String::new());
    let after_restore = RwSignal::new(false);
    let restored = RwSignal::new(None::<u64>);
    let is_backup = RwSignal::new(false);
    let send = move || {
        let call = GiveCode {
            code: code.get_untracked().trim().to_owned(),
            after_restore: after_restore.get_untracked(),
        };
        async move {
            match bridge::call(call).await {
                Ok(stage) => {
                    app().enter(stage);
                    leave_gate();
                    Ok(())
                }
                Err(failure) => Err(explain(failure, restored, awaits_code).await),
            }
        }
    };
    follow(move || {
        // Six digits are all there is to type.
        let is_whole =
            code.with(|code| code.len() == 6 && code.chars().all(|c| c.is_ascii_digit()));
        if is_whole && !is_backup.get() {
            submit.run(send());
        }
    });
    let form = submit
        .form(send)
        .show(
            move || is_backup.get(),
            move |is_backup| {
                if is_backup {
                    field::text(t::BACKUP_CODE, code)
                        .input(|input| {
                            input
                                .class("field-code is-long")
                                .autocomplete("off")
                                .spelling_off()
                                .focus_when_shown()
                        })
                        .help(t::BACKUP_CODE_HELP)
                        .build()
                } else {
                    field::code(t::CODE, code)
                        .input(El::focus_when_shown)
                        .help(t::CODE_HELP)
                        .build()
                }
            },
        )
        .show(
            move || restored.get(),
            move |since| since.map(|since| restore_choice(since, after_restore)),
        )
        .child(submit.alert())
        .child(submit.button("btn btn-primary btn-block", t::CONTINUE));
    gate(
        t::SECOND_FACTOR.get(),
        [
            step(2, 2),
            el("p").text(&t::CODE_FOR.with(&[&handle])),
            form,
            div("gate-links")
                .child(
                    button("link")
                        .text_with(move || {
                            let other = if is_backup.get() {
                                t::USE_AUTHENTICATOR
                            } else {
                                t::USE_BACKUP_CODE
                            };
                            other.get().to_owned()
                        })
                        .on_click(move || {
                            code.set(String::new());
                            is_backup.update(|is_backup| *is_backup = !*is_backup);
                        }),
                )
                .child(
                    button("link")
                        .say(t::BACK)
                        .on_click(move || awaits_code.set(false)),
                ),
        ],
    )
}

/// Where the server says that it was restored, an older list of unlockers may be
/// honest: a person decides.
async fn explain(
    failure: Failure,
    restored: RwSignal<Option<u64>>,
    awaits_code: RwSignal<bool>,
) -> Failure {
    match failure.kind {
        FailureKind::Tampered(TamperKind::Unlockers) => {
            if let Ok(server) = bridge::call(GetServer {}).await {
                restored.set(server.restored_from_ms);
            }
        }
        FailureKind::OutOfOrder | FailureKind::NotLoggedIn => awaits_code.set(false),
        _ => {}
    }
    failure
}

fn restore_choice(since: u64, accepted: RwSignal<bool>) -> El {
    div("field")
        .child(state::alert(
            "alert-warning",
            Icon::ExclamationTriangleFill,
            &t::RESTORED_SINCE.with(&[&format::time(since)]),
        ))
        .child(field::check(t::ACCEPT_RESTORE, accepted))
}

/// After the gate: home, unless the address asks for a place inside.
pub(super) fn leave_gate() {
    if matches!(
        app().route.get_untracked(),
        Route::LogIn | Route::SignUp { .. } | Route::Recover
    ) {
        crate::ui::route::go_instead(Route::Home);
    }
}

/// What to call this browser in the list of sessions: `Chrome on Linux`.
pub(super) fn device_label() -> String {
    let agent = window().navigator().user_agent().unwrap_or_default();
    let find = |known: &[(&str, &'static str)]| {
        known
            .iter()
            .find(|(mark, _)| agent.contains(mark))
            .map(|(_, name)| *name)
    };
    let browser = find(&[
        ("Firefox/", "Firefox"),
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser", "Samsung Internet"),
        ("Chrom", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = find(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "Mac"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} · {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => "Browser".to_owned(),
    }
}
