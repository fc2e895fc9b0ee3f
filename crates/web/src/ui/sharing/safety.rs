//! Is it really them? A number that both see, a code that one scans from the
//! other's screen, and what is known already.

use super::scan;
use super::words::{face, trust_sign};
use crate::bridge::{ConfirmPerson, Confirmation, GetSafety, Safety, Trust};
use crate::ui::app::bump;
use crate::ui::part::form::Submit;
use crate::ui::part::{dialog, field, qr, state};
use crate::ui::prelude::*;

/// Opens it for somebody; `changed` is called when they are verified.
pub(crate) fn open(name: String) {
    dialog::open(move || {
        let parts = parts(&name, || bump(app().shares));
        let done = button("btn btn-primary")
            .say(t::DONE)
            .data_first()
            .on_click(dialog::close);
        dialog::frame(&t::SAFETY_TITLE.with(&[&name]), parts, div("").child(done)).class("is-tall")
    });
}

/// What it shows, also within another dialog.
pub(super) fn parts(name: &str, changed: impl Fn() + Clone + 'static) -> El {
    let again = RwSignal::new(0_u64);
    let asked = name.to_owned();
    let safety = load(move || {
        again.get();
        GetSafety {
            name: asked.clone(),
        }
    });
    div("share-body").loaded(safety, move |safety| {
        let changed = changed.clone();
        view(safety, move || {
            bump(again);
            changed();
        })
    })
}

fn view(safety: &Safety, changed: impl Fn() + Clone + 'static) -> El {
    let name = &safety.who.name;
    let whole = div("")
        .child(
            div("identity").child(face(&safety.who, false)).child(
                div("member-words")
                    .child(span("member-name").text(name))
                    .child(trust_sign(safety.who.trust)),
            ),
        )
        .child(standing(safety));
    let (Some(number), Some(code)) = (&safety.number, &safety.their_code) else {
        return whole;
    };
    whole
        .child(compare(safety, number, code, changed.clone()))
        .child(scans(safety, changed))
}

/// What the present state means.
fn standing(safety: &Safety) -> Option<El> {
    let name = &safety.who.name;
    let (class, picture, text) = match safety.who.trust? {
        Trust::Verified => ("alert-info", Icon::ShieldCheck, t::IS_VERIFIED_TEXT),
        Trust::Unverified => ("alert-warning", Icon::QuestionCircle, t::IS_UNVERIFIED_TEXT),
        Trust::Rotated => ("alert-warning", Icon::Key, t::IS_ROTATED_TEXT),
        Trust::Changed => ("alert-danger", Icon::ShieldExclamation, t::IS_CHANGED_TEXT),
        Trust::Gone => ("alert-warning", Icon::Ban, t::IS_GONE_TEXT),
    };
    Some(state::alert(class, picture, &text.with(&[name])))
}

fn compare(safety: &Safety, number: &str, code: &str, changed: impl Fn() + Clone + 'static) -> El {
    let name = safety.who.name.clone();
    let groups = number.split(' ').map(|group| el("span").text(group));
    let id = field::fresh_id();
    let submit = Submit::new();
    let is_verified = safety.who.trust == Some(Trust::Verified);
    let (who, code) = (name.clone(), code.to_owned());
    let confirm = (!is_verified).then(|| {
        submit
            .button("btn btn-primary btn-block", t::NUMBERS_SAME)
            .kind("button")
            .on_click(move || confirm(submit, who.clone(), code.clone(), changed.clone()))
    });
    el("section")
        .class("safety")
        .aria("aria-labelledby", &id)
        .child(el("h3").id(&id).say(t::SAFETY_NUMBER))
        .child(
            div("safety-number")
                .role("img")
                .aria(
                    "aria-label",
                    &format!("{}: {number}", t::SAFETY_NUMBER.get()),
                )
                .children(groups),
        )
        .child(
            el("p")
                .class("form-text")
                .text(&t::SAFETY_HOW.with(&[&name])),
        )
        .child(submit.alert())
        .child(confirm)
}

/// Remembers that the keys were compared.
fn confirm(submit: Submit, name: String, code: String, changed: impl Fn() + 'static) {
    submit.run(async move {
        let call = ConfirmPerson {
            name: name.clone(),
            code,
        };
        match bridge::call(call).await? {
            Confirmation::Confirmed => {
                app().announce(t::CONFIRMED.with(&[&name]));
                changed();
            }
            Confirmation::NoCode => submit.refuse(t::CODE_NONE.get()),
            Confirmation::Another => submit.refuse(t::CODE_OTHER.with(&[&name])),
        }
        Ok(())
    });
}

fn scans(safety: &Safety, changed: impl Fn() + Clone + 'static) -> El {
    let name = safety.who.name.clone();
    let (id, submit) = (field::fresh_id(), Submit::new());
    let typed = RwSignal::new(String::new());
    let who = name.clone();
    let check = {
        let changed = changed.clone();
        move |code: String| confirm(submit, who.clone(), code, changed.clone())
    };
    let typed_check = check.clone();
    let form = el("form")
        .novalidate()
        .child(
            field::text(t::THEIR_CODE, typed)
                .input(|input| input.autocomplete("off").spelling_off())
                .help(t::THEIR_CODE_HELP)
                .beside(submit.button("btn btn-outline", t::COMPARE_CODE))
                .build(),
        )
        .on("submit", move |event: web_sys::SubmitEvent| {
            event.prevent_default();
            typed_check(typed.get_untracked());
        });
    el("section")
        .class("safety")
        .aria("aria-labelledby", &id)
        .child(el("h3").id(&id).say(t::OR_SCAN))
        .child(el("p").class("form-text").text(&t::SCAN_HOW.with(&[&name])))
        .child(
            div("scan")
                .child(
                    div("")
                        .child(div("form-label").say(t::OWN_CODE))
                        .child(own_code(&safety.own_code)),
                )
                .child(scan::view(&name, check)),
        )
        .child(submit.alert())
        .child(form)
}

/// This person's own code, for others to scan.
pub(crate) fn own_code(code: &str) -> Option<El> {
    qr::qr(code, t::OWN_CODE_QR).map(|qr| div("qr-frame own-code").child(qr))
}
