//! Opens a file that was saved as it is stored, with its key. Needs no account
//! and no server.

use super::gate::{gate, link};
use crate::bridge::DecryptFile;
use crate::ui::part::form::Submit;
use crate::ui::part::{field, state, toast};
use crate::ui::prelude::*;
use crate::ui::save;
use wasm_bindgen::JsCast;
use web_sys::{DragEvent, Event, File, HtmlInputElement};

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
    let chosen = RwSignal::new_local(None::<File>);
    let take = move |file: File| {
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
            let call = DecryptFile {
                key: key.get_untracked().trim().to_owned(),
                name: name.get_untracked().trim().to_owned(),
            };
            async move {
                let Some(file) = chosen.get_untracked() else {
                    submit.refuse(t::CHOOSE_SEALED_FIRST.get());
                    return Ok(());
                };
                let link = bridge::call_with(call, &[file.into()]).await?;
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
            field::text(t::RAW_KEY, key)
                .input(|input| input.class("is-code").autocomplete("off").spelling_off())
                .help(t::RAW_KEY_HELP)
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

/// The name a sealed file had before.
fn plain_name(name: &str) -> String {
    name.strip_suffix(".svraw").unwrap_or(name).to_owned()
}
