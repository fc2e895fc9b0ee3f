//! Light or dark, and the language.

use crate::text::Language;
use crate::ui::prelude::*;
use crate::ui::theme::{Theme, choose_language};

pub(super) fn look(language: RwSignal<Language>) -> El {
    let chosen = RwSignal::new(Theme::chosen());
    let themes = Theme::ALL.map(|theme| {
        let (picture, label) = match theme {
            Theme::System => (Icon::CircleHalf, t::THEME_SYSTEM),
            Theme::Light => (Icon::Sun, t::THEME_LIGHT),
            Theme::Dark => (Icon::Moon, t::THEME_DARK),
        };
        button("choice-card")
            .role("radio")
            .aria_with("aria-checked", move || {
                Some((chosen.get() == theme).to_string())
            })
            .child(icon(picture))
            .child(span("").say(label))
            .on_click(move || {
                theme.choose();
                chosen.set(theme);
            })
    });
    let languages = Language::ALL.map(|each| {
        button("choice-card")
            .role("radio")
            .lang(each.code())
            .aria(
                "aria-checked",
                if each == Language::spoken() {
                    "true"
                } else {
                    "false"
                },
            )
            .text(each.own_name())
            .on_click(move || choose_language(language, each))
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
