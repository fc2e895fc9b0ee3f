//! Every version of a file or note: looked at, saved, brought back.

use crate::bridge::{ItemId, ListVersions, RestoreVersion, VersionRow};
use crate::ui::part::{dialog, format, toast};
use crate::ui::prelude::*;
use crate::ui::save;

/// Opens the list of versions.
pub(crate) fn open(id: ItemId, name: String, may_edit: bool) {
    dialog::open(move || {
        let versions = load(move || {
            app().revision.get();
            ListVersions { id }
        });
        let body = div("")
            .child(el("p").text(&t::VERSIONS_OF.with(&[&name])))
            .loaded(versions, move |versions| {
                el("ul")
                    .class("versions")
                    .children(versions.iter().map(|version| line(id, version, may_edit)))
            });
        let done = button("btn btn-primary")
            .say(t::DONE)
            .data_first()
            .on_click(dialog::close);
        dialog::frame(t::VERSIONS.get(), body, div("").child(done))
    });
}

fn line(id: ItemId, version: &VersionRow, may_edit: bool) -> El {
    let when = format::time(version.saved_ms);
    let words = div("version-words")
        .child(
            div("version-when")
                .text(&when)
                .child(version.current.then(|| span("badge").say(t::CURRENT))),
        )
        .child(div("cell-line").text(&match &version.device {
            Some(device) => format!("{} · {device}", format::bytes(version.size)),
            None => format::bytes(version.size),
        }));
    let (saved, restored) = (version.version.clone(), version.version.clone());
    let save = button("btn btn-icon")
        .aria("aria-label", &t::DOWNLOAD_VERSION.with(&[&when]))
        .title(t::DOWNLOAD.get())
        .child(icon(Icon::Download))
        .on_click(move || save::download(vec![id], Some(saved.clone())));
    let restore = (!version.current && may_edit).then(|| {
        button("btn btn-outline btn-sm")
            .aria("aria-label", &t::RESTORE_VERSION.with(&[&when]))
            .say(t::RESTORE)
            .on_click(move || {
                let version = restored.clone();
                toast::attempt(async move {
                    bridge::call(RestoreVersion { id, version }).await?;
                    toast::done(t::VERSION_RESTORED.get());
                    Ok(())
                });
            })
    });
    el("li")
        .class("version")
        .child(words)
        .child(save)
        .child(restore)
}
