//! Saving to this device: links that the service worker answers.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url};

use crate::bridge::{Download, DownloadRaw, ExportEverything, ItemId, Link};
use crate::ui::part::{dialog, toast};
use crate::ui::prelude::*;
use crate::ui::view::BlobUrl;

/// Milliseconds after which the browser has taken over what it saves.
const LINGERS_MS: i32 = 60_000;

/// Saves items: one file as it is, several or a folder as a zip.
pub(crate) fn download(ids: Vec<ItemId>, version: Option<String>) {
    if ids.is_empty() {
        return;
    }
    toast::attempt(async move {
        let link = bridge::call(Download { ids, version }).await?;
        follow_link(&link);
        Ok(())
    });
}

/// Saves everything as one zip.
pub(crate) fn export() {
    toast::attempt(async {
        let link = bridge::call(ExportEverything {}).await?;
        follow_link(&link);
        Ok(())
    });
}

/// Saves a file as it is stored, and shows the key that opens it.
pub(crate) fn raw(id: ItemId, name: String) {
    toast::attempt(async move {
        let raw = bridge::call(DownloadRaw { id, version: None }).await?;
        follow_link(&raw.link);
        show_key(name, raw.key);
        Ok(())
    });
}

fn show_key(name: String, key: String) {
    dialog::open(move || {
        let body = div("")
            .child(el("p").text(&t::RAW_WHY.with(&[&name])))
            .child(super::part::field::secret(t::RAW_KEY, &key))
            .child(super::part::state::alert(
                "alert-warning",
                Icon::ExclamationTriangleFill,
                t::RAW_WARNING.get(),
            ));
        let decrypt = el("a")
            .class("btn btn-quiet")
            .say(t::DECRYPT_TOOL)
            .href(&Address::screen(&Route::Decrypt));
        let done = button("btn btn-primary")
            .say(t::DONE)
            .data_first()
            .on_click(dialog::close);
        dialog::frame(
            t::DOWNLOAD_RAW.get(),
            body,
            div("").child(decrypt).child(done),
        )
    });
}

/// Has the browser save what a link gives.
pub(crate) fn follow_link(link: &Link) {
    if !is_served() {
        // A reload that bypassed the cache leaves a page without its worker.
        toast::warn(t::RELOAD_TO_DOWNLOAD.get());
        return;
    }
    if let (Some(url), Some(body)) = (BlobUrl::stream(&link.url), document().body()) {
        // A frame that goes there: Chromium takes what an anchor with `download`
        // leads to past the service worker, and going there itself would ask
        // whether to leave the page.
        let frame = el("iframe").prop("hidden", true).src(&url);
        let _ = body.append_child(frame.node());
        super::view::later(LINGERS_MS, move || frame.node().remove());
    }
}

fn is_served() -> bool {
    let container = js_sys::Reflect::get(&window().navigator(), &"serviceWorker".into());
    let controller =
        container.and_then(|container| js_sys::Reflect::get(&container, &"controller".into()));
    controller.is_ok_and(|controller| controller.is_object())
}

/// Saves a text that is here already.
pub(crate) fn text(name: &str, text: &str) {
    let options = BlobPropertyBag::new();
    options.set_type("text/plain;charset=utf-8");
    let parts = js_sys::Array::of1(&JsValue::from_str(text));
    let Ok(blob) = Blob::new_with_str_sequence_and_options(&parts, &options) else {
        return;
    };
    if let Ok(url) = Url::create_object_url_with_blob(&blob) {
        click(&url, name);
        super::view::later(LINGERS_MS, move || {
            let _ = Url::revoke_object_url(&url);
        });
    }
}

fn click(url: &str, name: &str) {
    let Ok(anchor) = document().create_element("a") else {
        return;
    };
    let anchor: HtmlAnchorElement = anchor.unchecked_into();
    anchor.set_href(url);
    anchor.set_download(name);
    anchor.click();
}

/// Puts a text on the clipboard and says so.
pub(crate) fn copy(text: String) {
    act(async move {
        let written = window().navigator().clipboard().write_text(&text);
        match wasm_bindgen_futures::JsFuture::from(written).await {
            Ok(_) => toast::done(t::COPIED_TEXT.get()),
            Err(_) => toast::warn(t::NOT_COPIED.get()),
        }
    });
}
