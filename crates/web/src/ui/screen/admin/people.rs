//! Everybody with an account.

use wasm_bindgen::JsCast;
use web_sys::MouseEvent;

use crate::bridge::{ListPeople, PersonRow, ResetSecondFactor, SetDisabled, SetQuota};
use crate::ui::app::bump;
use crate::ui::part::form::Submit;
use crate::ui::part::{dialog, field, format, menu, meter, proof};
use crate::ui::prelude::*;

/// Bytes of a gibibyte: what quotas are counted in here.
const GIB: f64 = (1_u64 << 30) as f64;

pub(super) fn people() -> El {
    let again = RwSignal::new(0_u64);
    let people = load(move || {
        again.get();
        ListPeople {}
    });
    let wanted = RwSignal::new(String::new());
    div("settings-body")
        .child(
            el("input")
                .kind("search")
                .class("form-control people-search")
                .label(t::SEARCH_PEOPLE)
                .placeholder(t::SEARCH_PEOPLE)
                .autocomplete("off")
                .bind(wanted),
        )
        .loaded(people, move |people| {
            let people = people.clone();
            el("ul").class("settings-list").each(
                move || {
                    let wanted = wanted.get().trim().to_lowercase();
                    people
                        .iter()
                        .filter(|person| person.handle.contains(&wanted))
                        .cloned()
                        .collect()
                },
                |person| person.handle.clone(),
                move |person| line(person, again),
            )
        })
}

fn line(person: &PersonRow, again: RwSignal<u64>) -> El {
    let used = match person.last_used_ms {
        Some(ms) => t::LAST_USED.with(&[&format::near(ms)]),
        None => t::NEVER_USED.get().to_owned(),
    };
    let mark = |shown: bool, label: Text| shown.then(|| span("badge").say(label));
    let words = div("setting-words")
        .child(
            div("setting-title")
                .text(&person.handle)
                .child(mark(person.administrator, t::ADMINISTRATOR))
                .child(mark(person.disabled, t::DISABLED))
                .child(mark(!person.has_authenticator, t::WITHOUT_AUTHENTICATOR))
                .child(
                    person
                        .deletion_final_ms
                        .map(|ms| span("badge").text(&t::DELETED_ON.with(&[&format::day(ms)]))),
                ),
        )
        .child(el("p").text(&format!(
            "{used} · {}",
            t::SINCE.with(&[&format::day(person.created_ms)])
        )))
        .child(meter::storage(person.used_bytes, person.quota_bytes));
    let (label, person) = (t::ACTIONS_FOR.with(&[&person.handle]), person.clone());
    let initial: String = person
        .handle
        .chars()
        .take(1)
        .flat_map(char::to_uppercase)
        .collect();
    el("li")
        .class("setting")
        .child(span("avatar").aria("aria-hidden", "true").text(&initial))
        .child(words)
        .child(
            div("setting-action").child(
                button("btn btn-icon")
                    .aria("aria-label", &label)
                    .aria("aria-haspopup", "menu")
                    .child(icon(Icon::ThreeDotsVertical))
                    .on("click", move |event: MouseEvent| {
                        if let Some(anchor) = event.current_target() {
                            menu::open_at(
                                anchor.unchecked_ref(),
                                &person.handle,
                                actions(&person, again),
                            );
                        }
                    }),
            ),
        )
}

fn actions(person: &PersonRow, again: RwSignal<u64>) -> Vec<menu::Item> {
    let (quota, factor) = (person.clone(), person.clone());
    let (uid, disabled, handle) = (person.uid.clone(), !person.disabled, person.handle.clone());
    let mut items = vec![
        menu::Item::new(Icon::Hdd, t::SET_QUOTA, move || set_quota(&quota, again)),
        menu::Item::new(Icon::Phone, t::RESET_FACTOR, move || {
            reset_factor(&factor, again)
        }),
    ];
    items.push(if disabled {
        menu::Item::new(Icon::Ban, t::DISABLE, move || {
            let uid = uid.clone();
            dialog::confirm(
                t::DISABLE,
                t::DISABLE_SURE.with(&[&handle]),
                t::DISABLE,
                move || {
                    set_disabled(uid.clone(), true, again);
                    async { Ok(()) }
                },
            );
        })
        .danger()
        .after_line()
    } else {
        menu::Item::new(Icon::CheckLg, t::ENABLE, move || {
            set_disabled(uid.clone(), false, again)
        })
        .after_line()
    });
    items
}

fn set_disabled(uid: String, disabled: bool, again: RwSignal<u64>) {
    proof::with_proof(move || {
        let uid = uid.clone();
        async move {
            bridge::call(SetDisabled { uid, disabled }).await?;
            bump(again);
            Ok(())
        }
    });
}

fn reset_factor(person: &PersonRow, again: RwSignal<u64>) {
    let (uid, handle) = (person.uid.clone(), person.handle.clone());
    let sure = t::RESET_FACTOR_SURE.with(&[&person.handle]);
    dialog::confirm(t::RESET_FACTOR, sure, t::RESET_FACTOR, move || {
        let (uid, handle) = (uid.clone(), handle.clone());
        proof::with_proof(move || {
            let (uid, handle) = (uid.clone(), handle.clone());
            async move {
                let code = bridge::call(ResetSecondFactor { uid }).await?;
                bump(again);
                show_code(&handle, &code);
                Ok(())
            }
        });
        async { Ok(()) }
    });
}

/// A code that stands in for the authenticator once, shown once.
fn show_code(handle: &str, code: &str) {
    let (text, code) = (t::FACTOR_RESET.with(&[handle]), code.to_owned());
    dialog::open(move || {
        let body = div("")
            .child(el("p").text(&text))
            .child(field::secret(t::BACKUP_CODE, &code));
        let done = button("btn btn-primary")
            .say(t::DONE)
            .data_first()
            .on_click(dialog::close);
        dialog::frame(t::RESET_FACTOR.get(), body, div("").child(done))
    });
}

fn set_quota(person: &PersonRow, again: RwSignal<u64>) {
    let (uid, handle) = (person.uid.clone(), person.handle.clone());
    let now = person
        .quota_bytes
        .map_or(String::new(), |bytes| format!("{}", bytes as f64 / GIB));
    dialog::open(move || {
        let (submit, typed, uid) = (Submit::new(), RwSignal::new(now.clone()), uid.clone());
        let body = div("")
            .child(el("p").text(&t::QUOTA_OF.with(&[&handle])))
            .child(
                field::text(t::QUOTA_GIB, typed)
                    .input(|input| input.input_mode("decimal").autocomplete("off").data_first())
                    .help(t::QUOTA_HELP)
                    .build(),
            )
            .child(submit.alert());
        let form = submit.form(move || {
            let (typed, uid) = (parse(&typed.get_untracked()), uid.clone());
            async move {
                let Some(quota_bytes) = typed else {
                    submit.refuse(t::QUOTA_WRONG.get());
                    return Ok(());
                };
                dialog::close();
                proof::with_proof(move || {
                    let uid = uid.clone();
                    async move {
                        bridge::call(SetQuota { uid, quota_bytes }).await?;
                        bump(again);
                        Ok(())
                    }
                });
                Ok(())
            }
        });
        let buttons = div("")
            .child(dialog::cancel_button())
            .child(submit.button("btn btn-primary", t::SAVE));
        dialog::frame_form(t::SET_QUOTA.get(), form, body, buttons)
    });
}

/// Nothing is no limit; `None` for what is no size.
fn parse(typed: &str) -> Option<Option<u64>> {
    let typed = typed.trim().replace(',', ".");
    if typed.is_empty() {
        return Some(None);
    }
    let gib: f64 = typed.parse().ok()?;
    (gib.is_finite() && (0.0..1e9).contains(&gib)).then_some(Some((gib * GIB) as u64))
}
