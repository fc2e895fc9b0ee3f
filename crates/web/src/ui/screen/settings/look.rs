//! Light or dark, and the language.

use web_sys::Event;

use crate::text::Language;
use crate::ui::part::field;
use crate::ui::prelude::*;
use crate::ui::theme::{Theme, choose_language};

pub(super) fn look(language: RwSignal<Language>) -> El {
    let chosen = RwSignal::new(Theme::chosen());
    let (of_themes, of_languages) = (field::fresh_id(), field::fresh_id());
    let themes = Theme::ALL.map(|theme| {
        let (picture, label) = match theme {
            Theme::System => (Icon::CircleHalf, t::THEME_SYSTEM),
            Theme::Light => (Icon::Sun, t::THEME_LIGHT),
            Theme::Dark => (Icon::Moon, t::THEME_DARK),
        };
        let card = choice(
            &of_themes,
            move || chosen.get() == theme,
            move || {
                theme.choose();
                chosen.set(theme);
            },
        );
        card.child(icon(picture)).child(span("").say(label))
    });
    let languages = Language::ALL.map(|each| {
        let card = choice(
            &of_languages,
            move || each == Language::spoken(),
            move || choose_language(language, each),
        );
        card.child(span("").lang(each.code()).text(each.own_name()))
    });
    div("settings-body")
        .child(
            el("h2")
                .class("settings-heading")
                .id("theme-heading")
                .say(t::THEME),
        )
        .child(
            div("choice-cards")
                .role("radiogroup")
                .aria("aria-labelledby", "theme-heading")
                .children(themes),
        )
        .child(
            el("h2")
                .class("settings-heading")
                .id("language-heading")
                .say(t::LANGUAGE),
        )
        .child(
            div("choice-cards")
                .role("radiogroup")
                .aria("aria-labelledby", "language-heading")
                .children(languages),
        )
}

/// One of several of which one holds.
fn choice(name: &str, holds: impl Fn() -> bool + 'static, choose: impl Fn() + 'static) -> El {
    let id = field::fresh_id();
    el("label").class("choice-card").html_for(&id).child(
        el("input")
            .kind("radio")
            .class("form-check-input")
            .id(&id)
            .name_of(name)
            .prop_with("checked", holds)
            .on("change", move |_: Event| choose()),
    )
}
