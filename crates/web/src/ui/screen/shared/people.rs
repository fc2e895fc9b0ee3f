//! People that this account knows, and how sure it is that they are who they
//! say.

use crate::bridge::{Found, ListContacts, LookUp, PersonTag};
use crate::ui::part::form::Submit;
use crate::ui::part::{dialog, field, state};
use crate::ui::prelude::*;
use crate::ui::sharing::safety;
use crate::ui::sharing::words::{face, trust_sign};

pub(super) fn people() -> El {
    let contacts = load(|| {
        app().shares.get();
        ListContacts {}
    });
    div("settings-body")
        .child(
            div("people-tools").child(find()).child(
                button("btn btn-outline")
                    .child(icon(Icon::Key))
                    .child(span("").say(t::SHOW_OWN_CODE))
                    .on_click(show_own_code),
            ),
        )
        .loaded(contacts, |contacts| {
            if contacts.is_empty() {
                return state::empty(Icon::PersonCheck, t::NO_CONTACTS, t::NO_CONTACTS_TEXT, None);
            }
            el("ul")
                .class("settings-list")
                .children(contacts.iter().map(line))
        })
}

fn line(contact: &PersonTag) -> El {
    let name = contact.name.clone();
    el("li").class("contact").child(
        button("member-row")
            .child(face(contact, false))
            .child(
                span("member-words")
                    .child(span("member-name").text(&contact.name))
                    .child(trust_sign(contact.trust)),
            )
            .child(icon(Icon::ChevronRight))
            .on_click(move || safety::open(name.clone())),
    )
}

/// Looks somebody up, before anything is shared with them.
fn find() -> El {
    let (submit, typed) = (Submit::new(), RwSignal::new(String::new()));
    let form = submit.form(move || {
        let name = typed.get_untracked().trim().to_owned();
        async move {
            if name.is_empty() {
                return Ok(());
            }
            let names = vec![name];
            match bridge::call(LookUp { names }).await?.into_iter().next() {
                Some(Found::Person(who)) => {
                    typed.set(String::new());
                    crate::ui::app::bump(app().shares);
                    safety::open(who.name);
                }
                Some(Found::You) => show_own_code(),
                Some(Found::Impossible) => submit.refuse(t::IS_IMPOSSIBLE.get()),
                Some(Found::Pending(_)) | None => submit.refuse(t::NOBODY_OF_NAME.get()),
            }
            Ok(())
        }
    });
    form.class("find-person")
        .child(
            field::text(t::FIND_PERSON, typed)
                .input(|input| input.autocomplete("off").spelling_off())
                .beside(submit.button("btn btn-outline", t::FIND))
                .build(),
        )
        .child(submit.alert())
}

/// This person's own code, for others to scan.
fn show_own_code() {
    dialog::open(|| {
        let own = load(|| bridge::GetOwnCode {});
        let body = div("")
            .child(el("p").say(t::OWN_CODE_TEXT))
            .loaded(own, |code| {
                div("own-code-page")
                    .child(safety::own_code(code))
                    .child(field::secret(t::OWN_CODE, code))
            });
        let done = button("btn btn-primary")
            .say(t::DONE)
            .data_first()
            .on_click(dialog::close);
        dialog::frame(t::OWN_CODE.get(), body, div("").child(done))
    });
}
