//! Light or dark, and the language: chosen here, kept in this browser. Neither
//! is a secret.

use reactive_graph::signal::RwSignal;
use reactive_graph::traits::{GetUntracked, Set};
use web_sys::MediaQueryListEvent;

use super::app::app;
use super::kept::{forget, keep, kept};
use super::view::{document, listen_while_shown, window};
use crate::text::Language;

const THEME: &str = "theme";
const LANGUAGE: &str = "language";
const DARK: &str = "(prefers-color-scheme: dark)";
const NARROW: &str = "(max-width: 767.98px)";

/// What a person chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    /// As the system says.
    System,
    Light,
    Dark,
}

impl Theme {
    pub(crate) const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// What was chosen in this browser.
    pub(crate) fn chosen() -> Self {
        match kept(THEME).as_deref() {
            Some("light") => Self::Light,
            Some("dark") => Self::Dark,
            _ => Self::System,
        }
    }

    /// Chooses.
    pub(crate) fn choose(self) {
        match self {
            Self::System => forget(THEME),
            Self::Light => keep(THEME, "light"),
            Self::Dark => keep(THEME, "dark"),
        }
        self.apply();
    }

    fn apply(self) {
        let is_dark = match self {
            Self::System => matches(DARK),
            Self::Light => false,
            Self::Dark => true,
        };
        if let Some(root) = document().document_element() {
            let theme = if is_dark { "dark" } else { "light" };
            let _ = root.set_attribute("data-bs-theme", theme);
        }
    }
}

/// Takes over what was chosen before, and follows the system and the window.
pub(crate) fn start(language: RwSignal<Language>) {
    Theme::chosen().apply();
    let known = kept(LANGUAGE).and_then(|code| Language::of_code(&code));
    let preferred = window().navigator().language().unwrap_or_default();
    speak(
        language,
        known.unwrap_or_else(|| Language::preferred(&preferred)),
    );
    on_change(DARK, |_| Theme::chosen().apply());
    app().is_narrow.set(matches(NARROW));
    on_change(NARROW, |is_narrow| app().is_narrow.set(is_narrow));
}

/// Chooses a language: every view is built anew.
pub(crate) fn choose_language(language: RwSignal<Language>, chosen: Language) {
    keep(LANGUAGE, chosen.code());
    speak(language, chosen);
}

fn speak(language: RwSignal<Language>, chosen: Language) {
    chosen.speak();
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("lang", chosen.code());
    }
    if language.get_untracked() != chosen {
        language.set(chosen);
    }
}

fn matches(query: &str) -> bool {
    let list = window().match_media(query).ok().flatten();
    list.is_some_and(|list| list.matches())
}

fn on_change(query: &'static str, run: impl Fn(bool) + 'static) {
    if let Ok(Some(list)) = window().match_media(query) {
        listen_while_shown(&list, "change", move |event: MediaQueryListEvent| {
            run(event.matches());
        });
    }
}
