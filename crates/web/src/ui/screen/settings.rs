//! Settings: how one gets in, on which devices, how it looks, what is kept.

mod data;
mod devices;
mod look;
mod security;

use crate::text::Language;
use crate::ui::part::state;
use crate::ui::prelude::*;
use crate::ui::route::SettingsTab;

/// A part of the settings.
pub(super) fn settings(tab: SettingsTab, language: RwSignal<Language>) -> El {
    let tabs = SettingsTab::ALL.map(|each| {
        let (picture, label) = name(each);
        tab_link(picture, label, &Route::Settings(each), each == tab)
    });
    let body = match tab {
        SettingsTab::Security => security::security(),
        SettingsTab::Devices => devices::devices(),
        SettingsTab::Appearance => look::look(language),
        SettingsTab::Data => data::data(),
    };
    div("page settings-page")
        .child(state::title(t::SETTINGS.get()))
        .child(el("nav").class("tabs").label(t::SETTINGS).children(tabs))
        .child(body)
}

/// A link to a part of something.
pub(super) fn tab_link(picture: Icon, label: Text, route: &Route, is_here: bool) -> El {
    let link = el("a")
        .class("tab")
        .href(&Address::screen(route))
        .child(icon(picture))
        .child(span("").say(label));
    if is_here {
        link.aria("aria-current", "page")
    } else {
        link
    }
}

const fn name(tab: SettingsTab) -> (Icon, Text) {
    match tab {
        SettingsTab::Security => (Icon::ShieldLock, t::SECURITY),
        SettingsTab::Devices => (Icon::Laptop, t::DEVICES),
        SettingsTab::Appearance => (Icon::Palette, t::APPEARANCE),
        SettingsTab::Data => (Icon::Hdd, t::DATA),
    }
}

/// A setting: what it is, how it stands, what can be done.
fn item(picture: Icon, title: Text, text: String, action: El) -> El {
    div("setting")
        .child(div("setting-icon").child(icon(picture)))
        .child(
            div("setting-words")
                .child(el("h2").say(title))
                .child(el("p").text(&text)),
        )
        .child(div("setting-action").child(action))
}
