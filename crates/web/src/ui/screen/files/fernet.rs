//! Fernet tokens in the menus of files: what is in them comes in, and a file
//! goes out as one.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, File, HtmlInputElement};

use crate::bridge::{DropUpload, ExportToken, ItemId, Place, PlanTokens, PlannedUpload};
use crate::ui::failure;
use crate::ui::part::form::Submit;
use crate::ui::part::{dialog, field, state};
use crate::ui::prelude::*;
use crate::ui::{save, upload};

/// Tokens that are listed one by one; of more, how many they are.
const LISTED: usize = 50;

/// Asks for tokens and their keys, and stores what is in them.
pub(crate) fn import(into: Place) {
    dialog::open(move || {
        let submit = Submit::new();
        let keys = RwSignal::new(String::new());
        let chosen = RwSignal::new_local(Vec::<File>::new());
        let id = field::fresh_id();
        let picker = el("input")
            .takes_files("multiple")
            .class("form-control")
            .id(&id)
            .data_first()
            .on("change", move |event: Event| {
                if let Some(input) = event.target() {
                    chosen.set(files_of(input.unchecked_ref()));
                }
            });
        let body = div("")
            .child(el("p").say(t::IMPORT_TOKENS_TEXT))
            .child(
                div("field")
                    .child(el("label").class("form-label").html_for(&id).say(t::TOKENS))
                    .child(picker),
            )
            .child(keys_field(keys))
            .child(submit.alert());
        let buttons = div("")
            .child(dialog::cancel_button())
            .child(submit.button("btn btn-primary", t::IMPORT));
        let form = submit.form(move || {
            let files = chosen.get_untracked();
            let call = PlanTokens {
                into,
                names: files.iter().map(File::name).collect(),
                keys: keys.get_untracked(),
            };
            let objects: Vec<JsValue> = files.into_iter().map(Into::into).collect();
            async move {
                if objects.is_empty() {
                    submit.refuse(t::CHOOSE_TOKENS_FIRST.get());
                    return Ok(());
                }
                let plan = bridge::call_with(call, &objects).await?;
                if plan.refused.is_empty() {
                    dialog::close();
                    upload::go_on(plan).await;
                } else {
                    list_refused(plan);
                }
                Ok(())
            }
        });
        dialog::frame_form(t::IMPORT_TOKENS.get(), form, body, buttons)
    });
}

/// Keys, one a line.
pub(crate) fn keys_field(keys: RwSignal<String>) -> El {
    field::area(t::FERNET_KEYS, keys)
        .input(|input| {
            input
                .class("is-code field-keys")
                .autocomplete("off")
                .spelling_off()
        })
        .help(t::FERNET_KEYS_HELP)
        .build()
}

fn files_of(input: &HtmlInputElement) -> Vec<File> {
    let files = input.files();
    let files = files.iter().flat_map(|files| {
        let indexes = 0..files.length();
        indexes.filter_map(|index| files.get(index))
    });
    files.collect()
}

/// Says which tokens do not open, before the others are stored.
fn list_refused(plan: PlannedUpload) {
    dialog::open(move || {
        let count = plan.refused.len();
        let lines = plan.refused.iter().take(LISTED).map(|(name, why)| {
            el("li")
                .child(span("refused-name").text(name))
                .child(span("form-text").text(&failure::words(why)))
        });
        let more = count.saturating_sub(LISTED);
        let body = div("")
            .child(el("ul").class("refused").children(lines))
            .child((more > 0).then(|| el("p").text(&t::AND_MORE.count(more as u64))));
        let number = plan.plan;
        let drop_plan = move || {
            dialog::close();
            act(async move {
                // A plan that is kept costs nothing but memory.
                let _ = bridge::call(DropUpload { plan: number }).await;
            });
        };
        let sound = plan.files + plan.unchanged;
        let buttons = if sound == 0 {
            let close = button("btn btn-primary").say(t::CLOSE).data_first();
            div("").child(close.on_click(drop_plan))
        } else {
            let rest = PlannedUpload {
                refused: Vec::new(),
                ..plan.clone()
            };
            let go = button("btn btn-primary")
                .text(&t::IMPORT_REST.count(sound))
                .data_first()
                .on_click(move || {
                    let rest = rest.clone();
                    dialog::close();
                    act(upload::go_on(rest));
                });
            let cancel = button("btn btn-quiet").say(t::CANCEL).on_click(drop_plan);
            div("").child(cancel).child(go)
        };
        dialog::frame(&t::TOKENS_REFUSED.count(count as u64), body, buttons)
    });
}

/// Asks for a key, and saves a file as a token.
pub(crate) fn export(id: ItemId, name: String) {
    dialog::open(move || {
        let submit = Submit::new();
        let given = RwSignal::new(String::new());
        let shown = name.clone();
        let body = div("")
            .child(el("p").text(&t::EXPORT_TOKEN_TEXT.with(&[&name])))
            .child(
                field::text(t::FERNET_KEY, given)
                    .input(|input| {
                        input
                            .class("is-code")
                            .autocomplete("off")
                            .spelling_off()
                            .data_first()
                    })
                    .help(t::FERNET_KEY_HELP)
                    .build(),
            )
            .child(el("p").class("form-text").say(t::EXPORT_TOKEN_TELLS))
            .child(submit.alert());
        let buttons = div("")
            .child(dialog::cancel_button())
            .child(submit.button("btn btn-primary", t::EXPORT_IT));
        let form = submit.form(move || {
            let key = given.get_untracked().trim().to_owned();
            let (name, is_new) = (shown.clone(), key.is_empty());
            let key = Some(key).filter(|key| !key.is_empty());
            async move {
                let token = bridge::call(ExportToken { id, key }).await?;
                dialog::close();
                save::follow_link(&token.link);
                if is_new {
                    show_key(name, token.key);
                }
                Ok(())
            }
        });
        dialog::frame_form(t::EXPORT_TOKEN.get(), form, body, buttons)
    });
}

/// A new key, this once.
fn show_key(name: String, key: String) {
    dialog::open(move || {
        let body = div("")
            .child(el("p").text(&t::TOKEN_WHY.with(&[&name])))
            .child(field::secret(t::FERNET_KEY, &key))
            .child(state::alert(
                "alert-warning",
                Icon::ExclamationTriangleFill,
                t::TOKEN_WARNING.get(),
            ));
        let done = button("btn btn-primary")
            .say(t::DONE)
            .data_first()
            .on_click(dialog::close);
        dialog::frame(t::EXPORT_TOKEN.get(), body, div("").child(done))
    });
}
