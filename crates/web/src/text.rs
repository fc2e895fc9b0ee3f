//! Every word that the page says, in every language, side by side: a text that
//! lacks a language does not compile.
//!
//! `{0}`, `{1}` … stand for what is put in; `one|many` are the two forms of a
//! text that counts.

mod account;
mod common;
mod failure;
mod files;
mod manage;
mod sharing;

pub(crate) use account::*;
pub(crate) use common::*;
pub(crate) use failure::*;
pub(crate) use files::*;
pub(crate) use manage::*;
pub(crate) use sharing::*;

use std::cell::Cell;

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Language {
    #[default]
    English,
    Hindi,
}

thread_local! {
    static SPOKEN: Cell<Language> = const { Cell::new(Language::English) };
}

impl Language {
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::Hindi];

    /// The one that the page speaks.
    pub(crate) fn spoken() -> Self {
        SPOKEN.with(Cell::get)
    }

    /// Texts that are asked for from now on are in this language.
    pub(crate) fn speak(self) {
        SPOKEN.with(|spoken| spoken.set(self));
    }

    /// Its code, BCP 47.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Hindi => "hi",
        }
    }

    /// What it calls itself.
    pub(crate) const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Hindi => "हिन्दी",
        }
    }

    /// The other one.
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::English => Self::Hindi,
            Self::Hindi => Self::English,
        }
    }

    /// By its code.
    pub(crate) fn of_code(code: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|language| language.code() == code)
    }

    /// What fits a browser's setting best.
    pub(crate) fn preferred(tag: &str) -> Self {
        let code = tag.split('-').next().unwrap_or_default();
        Self::of_code(code).unwrap_or_default()
    }
}

/// A text in every language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Text {
    en: &'static str,
    hi: &'static str,
}

impl Text {
    /// In the language that is spoken.
    pub(crate) fn get(self) -> &'static str {
        match Language::spoken() {
            Language::English => self.en,
            Language::Hindi => self.hi,
        }
    }

    /// With something put in. What is put in is never looked at for marks.
    pub(crate) fn with(self, parts: &[&str]) -> String {
        fill(self.get(), parts)
    }

    /// The form for a number, which is `{0}`.
    pub(crate) fn count(self, count: u64) -> String {
        self.count_with(count, &[])
    }

    /// The form for a number, and more put in from `{1}` on.
    pub(crate) fn count_with(self, count: u64, parts: &[&str]) -> String {
        let text = self.get();
        let (one, many) = text.split_once('|').unwrap_or((text, text));
        let number = count.to_string();
        let all: Vec<&str> = std::iter::once(number.as_str())
            .chain(parts.iter().copied())
            .collect();
        fill(if count == 1 { one } else { many }, &all)
    }
}

fn fill(text: &str, parts: &[&str]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((number, behind)) = after.split_once('}') else {
            break;
        };
        let part = number
            .parse()
            .ok()
            .and_then(|number: usize| parts.get(number));
        filled.push_str(part.copied().unwrap_or_default());
        rest = behind;
    }
    filled.push_str(rest);
    filled
}

macro_rules! texts {
    ($($name:ident $en:literal $hi:literal)*) => {
        $(
            pub(crate) const $name: $crate::text::Text = $crate::text::Text { en: $en, hi: $hi };
        )*

        #[cfg(test)]
        pub(super) const ALL: &[(&str, $crate::text::Text)] = &[$((stringify!($name), $name)),*];
    };
}
use texts;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn all() -> impl Iterator<Item = &'static (&'static str, Text)> {
        [
            account::ALL,
            common::ALL,
            failure::ALL,
            files::ALL,
            manage::ALL,
            sharing::ALL,
        ]
        .into_iter()
        .flatten()
    }

    fn marks(text: &str) -> BTreeSet<&str> {
        text.split('{')
            .skip(1)
            .filter_map(|part| Some(part.split_once('}')?.0))
            .collect()
    }

    #[test]
    fn languages_say_the_same_about_the_same() {
        for (name, text) in all() {
            for said in [text.en, text.hi] {
                assert!(!said.trim().is_empty() && said.trim() == said, "{name}");
            }
            let of = |said: &str| said.split('|').map(str::to_owned).collect::<Vec<_>>();
            let (en, hi) = (of(text.en), of(text.hi));
            assert_eq!(en.len(), hi.len(), "{name}: one form, or one and many");
            assert_eq!(
                marks(&en[en.len() - 1]),
                marks(&hi[hi.len() - 1]),
                "{name}: what is put in"
            );
        }
    }

    #[test]
    fn hindi_is_hindi() {
        let is_hindi = |text: &str| text.chars().any(|c| ('\u{900}'..='\u{97f}').contains(&c));
        let other: Vec<_> = all()
            .filter(|(_, text)| !is_hindi(text.hi))
            .map(|(name, _)| *name)
            .collect();
        assert!(other.is_empty(), "{other:?}");
    }

    #[test]
    fn what_is_put_in_stays_as_it_is() {
        let text = Text {
            en: "{0} to {1}",
            hi: "{1} में {0}",
        };
        assert_eq!(text.with(&["{1}", "b"]), "{1} to b");
        let text = Text {
            en: "one file|{0} files in {1}",
            hi: "एक|{0} {1}",
        };
        assert_eq!(text.count_with(1, &["x"]), "one file");
        assert_eq!(text.count_with(3, &["x"]), "3 files in x");
    }
}
