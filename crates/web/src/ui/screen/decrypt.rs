//! Opens a file that was saved as it is stored, or a Fernet token, with its key.
//! Needs no account and no server.

use super::gate::{gate, link};
use crate::bridge::DecryptFile;
use crate::bridge::token::without_token_ending;
use crate::ui::part::form::Submit;
use crate::ui::part::{field, state, toast};
use crate::ui::prelude::*;
use crate::ui::save;
use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, DragEvent, Event, File, HtmlInputElement};

/// In an open account.
pub(super) fn decrypt() -> El {
    div("page narrow-page")
        .child(state::title(t::DECRYPT_TOOL.get()))
        .child(tool())
}

/// For whoever is not logged in.
pub(super) fn page() -> El {
    gate(
        t::DECRYPT_TOOL.get(),
        [
            tool(),
            div("gate-links").child(link(t::BACK_TO_START, &Route::Home)),
        ],
    )
}

fn tool() -> El {
    let submit = Submit::new();
    let (key, name) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let pasted = RwSignal::new(String::new());
    let chosen = RwSignal::new_local(None::<File>);
    let take = move |file: File| {
        pasted.set(String::new());
        name.set(plain_name(&file.name()));
        chosen.set(Some(file));
    };
    let id = field::fresh_id();
    let picker = el("input")
        .takes_files("data-sealed")
        .class("form-control")
        .id(&id)
        .on("change", move |event: Event| {
            let input = event
                .target()
                .map(|input| input.unchecked_into::<HtmlInputElement>());
            if let Some(file) = input.and_then(|input| input.files()?.get(0)) {
                take(file);
            }
        });
    submit
        .form(move || {
            let typed = name.get_untracked().trim().to_owned();
            let call = DecryptFile {
                key: key.get_untracked(),
                name: match typed.is_empty() {
                    true => t::DECRYPTED_NAME.get().to_owned(),
                    false => typed,
                },
            };
            let sealed = sealed(chosen.get_untracked(), &pasted.get_untracked());
            async move {
                let Some(sealed) = sealed else {
                    submit.refuse(t::CHOOSE_SEALED_FIRST.get());
                    return Ok(());
                };
                let link = bridge::call_with(call, &[sealed]).await?;
                save::follow_link(&link);
                toast::done(t::DECRYPTING.get());
                Ok(())
            }
        })
        .class("decrypt-form")
        .on("dragover", |event: DragEvent| event.prevent_default())
        .on("drop", move |event: DragEvent| {
            event.prevent_default();
            event.stop_propagation();
            if let Some(file) = event.data_transfer().and_then(|data| data.files()?.get(0)) {
                take(file);
            }
        })
        .child(el("p").say(t::DECRYPT_TEXT))
        .child(
            div("field")
                .child(
                    el("label")
                        .class("form-label")
                        .html_for(&id)
                        .say(t::SEALED_FILE),
                )
                .child(picker)
                .child(div("form-text").text_with(move || {
                    chosen.with(|file| file.as_ref().map_or(String::new(), File::name))
                })),
        )
        .child(
            field::area(t::PASTED_TOKEN, pasted)
                .input(code_area)
                .build(),
        )
        .child(
            field::area(t::DECRYPT_KEY, key)
                .input(code_area)
                .help(t::DECRYPT_KEY_HELP)
                .build(),
        )
        .child(
            field::text(t::SAVE_AS, name)
                .input(|input| input.autocomplete("off"))
                .build(),
        )
        .child(submit.alert())
        .child(submit.button("btn btn-primary", t::DECRYPT))
}

fn code_area(input: El) -> El {
    input
        .class("is-code field-keys")
        .autocomplete("off")
        .spelling_off()
}

/// What was pasted goes before what was chosen: choosing a file clears it.
fn sealed(chosen: Option<File>, pasted: &str) -> Option<JsValue> {
    let pasted = pasted.trim();
    if pasted.is_empty() {
        return chosen.map(Into::into);
    }
    let parts = Array::of1(&JsValue::from_str(pasted));
    Blob::new_with_str_sequence(&parts).ok().map(Into::into)
}

/// The name a sealed file had before.
fn plain_name(name: &str) -> String {
    let stem = name.strip_suffix(".svraw");
    stem.unwrap_or_else(|| without_token_ending(name))
        .to_owned()
}
