//! Looking at a file. Nothing of it can run: images are images, also SVG; HTML
//! and scripts are text; Markdown is elements of ours; a PDF opens in a tab of
//! its own, in the browser's viewer.

pub(crate) mod markdown;

use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, Event, Response};

use crate::bridge::{CloseLink, GetItem, ItemDetail, ItemId, Link, OpenFile, ReadText};
use crate::ui::file_type::{FileType, row_icon};
use crate::ui::part::menu;
use crate::ui::part::{format, state};
use crate::ui::prelude::*;
use crate::ui::save;
use crate::ui::sharing::panel;
use crate::ui::view::{BlobUrl, missing};

/// Bytes of a text that is shown.
const TEXT_LIMIT: u64 = 1 << 20;
/// Bytes of a PDF that is opened here; larger ones are downloaded.
const PDF_LIMIT: u64 = 256 << 20;

/// A file, looked at.
pub(super) fn preview(id: ItemId) -> El {
    let item = load(move || {
        app().revision.get();
        GetItem { id }
    });
    div("page preview-page").loaded(item, move |item| view(id, item))
}

fn view(id: ItemId, item: &ItemDetail) -> El {
    div("preview")
        .child(head(id, item))
        .child(div("preview-body").child(content(id, item)))
}

fn head(id: ItemId, item: &ItemDetail) -> El {
    let row = item.row.clone();
    let home = item
        .trail
        .last()
        .map_or(bridge::Place::Root, |crumb| crumb.place);
    let title = row.name.clone();
    div("page-head")
        .child(
            button("btn btn-icon")
                .hint(t::BACK)
                .child(icon(Icon::ArrowLeft))
                .on_click(move || crate::ui::route::go_back(Route::Files(home))),
        )
        .child(state::title(&item.row.name))
        .child(super::files::actions::may_share(&row).then(|| {
            button("btn btn-outline")
                .child(icon(Icon::Share))
                .child(span("only-wide").say(t::SHARE))
                .hint(t::SHARE)
                .on_click(move || panel::open(bridge::Target::Item(id)))
        }))
        .child(
            button("btn btn-outline")
                .child(icon(Icon::Download))
                .child(span("only-wide").say(t::DOWNLOAD))
                .hint(t::DOWNLOAD)
                .on_click(move || save::download(vec![id], None)),
        )
        .child(
            button("btn btn-icon")
                .hint(t::MORE)
                .aria("aria-haspopup", "menu")
                .child(icon(Icon::ThreeDotsVertical))
                .on("click", move |event: web_sys::MouseEvent| {
                    if let Some(anchor) = event.current_target() {
                        let items = super::files::actions::items(&row, vec![id], Some(home));
                        menu::open_at(anchor.unchecked_ref(), &title, items);
                    }
                }),
        )
}

fn content(id: ItemId, item: &ItemDetail) -> El {
    let name = item.row.name.clone();
    match FileType::of(&name) {
        kind if kind.is_text(&name) && item.row.size <= TEXT_LIMIT => text(id, kind),
        FileType::Image => opened(id, move |link| image(link, &name)),
        FileType::Audio => opened(id, |link| player("audio", link)),
        FileType::Video => opened(id, |link| player("video", link)),
        FileType::Pdf if item.row.size <= PDF_LIMIT => opened(id, pdf),
        _ => nothing_to_see(item),
    }
}

fn text(id: ItemId, kind: FileType) -> El {
    let text = load(move || ReadText {
        id,
        version: None,
        limit: TEXT_LIMIT,
    });
    div("preview-text").loaded(text, move |content| {
        if kind == FileType::Markdown {
            markdown::render(&content.text)
        } else {
            el("pre").class("plain").tab_index("0").text(&content.text)
        }
    })
}

/// Opens a link to the file for as long as it is looked at.
fn opened(id: ItemId, show: impl Fn(&Link) -> El + 'static) -> El {
    let link = load(move || OpenFile { id, version: None });
    reactive_graph::owner::on_cleanup(move || {
        if let Some(Loaded::Ready(link)) =
            reactive_graph::traits::GetUntracked::try_get_untracked(&link)
        {
            act(async move {
                let _ = bridge::call(CloseLink { url: link.url }).await;
            });
        }
    });
    div("preview-media").loaded(link, show)
}

fn image(link: &Link, name: &str) -> El {
    let failed = RwSignal::new(false);
    let Some(url) = BlobUrl::stream(&link.url) else {
        return unplayable();
    };
    let name = name.to_owned();
    div("preview-image").show(
        move || failed.get(),
        move |is_failed| {
            if is_failed {
                return unplayable();
            }
            el("img")
                .alt(&name)
                .on("error", move |_: Event| failed.set(true))
                .src(&url)
        },
    )
}

fn player(tag: &'static str, link: &Link) -> El {
    let failed = RwSignal::new(false);
    let Some(url) = BlobUrl::stream(&link.url) else {
        return unplayable();
    };
    let name = link.name.clone();
    div("preview-player").show(
        move || failed.get(),
        move |is_failed| {
            if is_failed {
                return unplayable();
            }
            el(tag)
                .aria("aria-label", &name)
                .prop("controls", true)
                .prop("preload", "metadata")
                .on("error", move |_: Event| failed.set(true))
                .src(&url)
        },
    )
}

/// What the browser cannot show, or what was damaged on the way.
fn unplayable() -> El {
    state::empty(Icon::FileEarmark, t::CANNOT_SHOW, t::CANNOT_SHOW_TEXT, None)
}

fn nothing_to_see(item: &ItemDetail) -> El {
    let is_text = FileType::of(&item.row.name).is_text(&item.row.name);
    let words = if is_text {
        t::TOO_LARGE_TO_SHOW
    } else {
        t::NO_PREVIEW_TEXT
    };
    div("empty")
        .child(div("empty-picture").child(icon(row_icon(&item.row))))
        .child(el("h2").say(t::NO_PREVIEW))
        .child(el("p").say(words))
        .child(el("p").class("form-text").text(&format!(
            "{} · {}",
            item.mime,
            format::bytes(item.row.size)
        )))
}

/// A PDF, read whole and given to the browser's viewer in a tab of its own.
fn pdf(link: &Link) -> El {
    let document = RwSignal::new_local(None::<Result<BlobUrl, ()>>);
    let owner = reactive_graph::owner::Owner::current().unwrap_or_default();
    let path = link.url.clone();
    task(async move {
        let blob = fetch_pdf(&path).await;
        // The address lives as long as this view.
        let url = owner.with(|| blob.as_ref().and_then(BlobUrl::of));
        document.set(Some(url.ok_or(())));
    });
    div("preview-pdf").show(
        move || document.with(|document| document.as_ref().map(Result::is_ok)),
        move |is_there| match (is_there, document.get_untracked()) {
            (Some(true), Some(Ok(url))) => div("empty")
                .child(div("empty-picture").child(icon(Icon::FileEarmarkPdf)))
                .child(el("p").say(t::PDF_READY))
                .child(
                    el("a")
                        .class("btn btn-primary")
                        .say(t::PDF_OPEN)
                        .href(&Address::blob(&url)),
                ),
            (None, _) => state::waiting(),
            _ => unplayable(),
        },
    )
}

async fn fetch_pdf(path: &str) -> Option<Blob> {
    let response = JsFuture::from(window().fetch_with_str(path)).await.ok()?;
    let response: Response = response.unchecked_into();
    if !response.ok() {
        return None;
    }
    let blob = JsFuture::from(response.blob().ok()?).await.ok()?;
    let blob: Blob = blob.dyn_into().unwrap_or_else(|_| missing("blob"));
    // The type is ours, whatever the file says: a viewer, never a page.
    let options = BlobPropertyBag::new();
    options.set_type("application/pdf");
    Blob::new_with_blob_sequence_and_options(&js_sys::Array::of1(&blob), &options).ok()
}
