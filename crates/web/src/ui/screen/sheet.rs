//! The emergency sheet: what gets a person back in when every device and the
//! password are gone.

use std::fmt::Write as _;

use crate::bridge::EmergencySheet;
use crate::ui::part::{field, format};
use crate::ui::prelude::*;
use crate::ui::save;

/// Words that are typed again, to see that the sheet is really there.
const RETYPED: usize = 3;

/// What stands on a sheet.
#[derive(Clone, Default)]
pub(super) struct Contents {
    pub(super) handle: String,
    pub(super) address: String,
    pub(super) recovery_words: Option<String>,
    pub(super) backup_codes: Vec<String>,
}

impl Contents {
    pub(super) fn of(sheet: &EmergencySheet) -> Self {
        Self {
            handle: sheet.handle.clone(),
            address: sheet.address.clone(),
            recovery_words: Some(sheet.recovery_words.clone()),
            backup_codes: sheet.backup_codes.clone(),
        }
    }

    fn to_text(&self) -> String {
        let mut text = String::new();
        let mut line = |words: &str| {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{words}");
        };
        line(t::SHEET_HEADING.get());
        line(&t::SHEET_PRINTED.with(&[&format::time(js_sys::Date::now() as u64)]));
        line("");
        line(&format!("{}: {}", t::SERVER.get(), self.address));
        line(&format!("{}: {}", t::HANDLE.get(), self.handle));
        if let Some(words) = &self.recovery_words {
            line("");
            line(t::RECOVERY_KEY.get());
            let words: Vec<&str> = words.split_whitespace().collect();
            for (row, six) in words.chunks(6).enumerate() {
                line(&format!("  {:>2}  {}", row * 6 + 1, six.join("  ")));
            }
        }
        if !self.backup_codes.is_empty() {
            line("");
            line(t::BACKUP_CODES.get());
            for code in &self.backup_codes {
                line(&format!("  [ ] {code}"));
            }
        }
        line("");
        line(t::SHEET_WARNING.get());
        text
    }
}

/// The sheet as it is printed.
pub(super) fn view(sheet: &Contents) -> El {
    let head = div("sheet-head")
        .child(div("sheet-title").say(t::SHEET_HEADING))
        .child(
            el("dl")
                .child(el("dt").say(t::SERVER))
                .child(el("dd").text(&sheet.address))
                .child(el("dt").say(t::HANDLE))
                .child(el("dd").text(&sheet.handle)),
        );
    let words = sheet.recovery_words.as_ref().map(|words| {
        div("sheet-part")
            .child(el("h2").say(t::RECOVERY_KEY))
            .child(
                el("ol")
                    .class("words")
                    .label(t::RECOVERY_KEY)
                    .children(words.split_whitespace().map(|word| el("li").text(word))),
            )
    });
    let codes = (!sheet.backup_codes.is_empty()).then(|| {
        div("sheet-part")
            .child(el("h2").say(t::BACKUP_CODES))
            .child(el("p").class("form-text").say(t::BACKUP_CODES_HELP))
            .child(
                el("ul").class("codes").label(t::BACKUP_CODES).children(
                    sheet
                        .backup_codes
                        .iter()
                        .map(|code| el("li").child(el("code").text(code))),
                ),
            )
    });
    div("sheet")
        .child(head)
        .child(words)
        .child(codes)
        .child(el("p").class("sheet-warning").say(t::SHEET_WARNING))
}

/// Ways to keep a sheet.
pub(super) fn buttons(sheet: &Contents) -> El {
    let saved = sheet.clone();
    let name = format!("securevault-{}.txt", sheet.handle);
    div("sheet-buttons no-print")
        .child(
            button("btn btn-outline")
                .child(icon(Icon::Printer))
                .child(span("").say(t::PRINT))
                .on_click(|| {
                    let _ = window().print();
                }),
        )
        .child(
            button("btn btn-outline")
                .child(icon(Icon::Save))
                .child(span("").say(t::SAVE_AS_TEXT))
                .on_click(move || save::text(&name, &saved.to_text())),
        )
}

/// Asks for a few words of the recovery key, then calls `next`.
pub(super) fn retype(recovery_words: &str, next: impl Fn() + 'static) -> El {
    let words: Vec<String> = recovery_words
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    let asked: Vec<(usize, RwSignal<String>)> = pick(words.len())
        .into_iter()
        .map(|index| (index, RwSignal::new(String::new())))
        .collect();
    let wrong = RwSignal::new(false);
    let fields: Vec<El> = asked
        .iter()
        .enumerate()
        .map(|(place, (index, typed))| {
            field::text(t::WORD_NUMBER, *typed)
                .numbered(index + 1)
                .input(|input| {
                    let input = input.autocomplete("off").spelling_off();
                    if place == 0 {
                        input.focus_when_shown()
                    } else {
                        input
                    }
                })
                .build()
        })
        .collect();
    el("form")
        .novalidate()
        .children(fields)
        .child(div("form-alert").role("alert").show_if(
            move || wrong.get(),
            || {
                crate::ui::part::state::alert(
                    "alert-danger",
                    Icon::ExclamationTriangleFill,
                    t::RETYPE_WRONG.get(),
                )
            },
        ))
        .child(
            el("button")
                .kind("submit")
                .class("btn btn-primary btn-block")
                .say(t::CONTINUE),
        )
        .on("submit", move |event: web_sys::SubmitEvent| {
            event.prevent_default();
            let is_right = asked.iter().all(|(index, typed)| {
                let typed = typed.get_untracked().trim().to_lowercase();
                words.get(*index).is_some_and(|word| *word == typed)
            });
            wrong.set(!is_right);
            if is_right {
                next();
            }
        })
}

/// Different places, in order. Which ones is no secret.
fn pick(count: usize) -> Vec<usize> {
    let mut places = std::collections::BTreeSet::new();
    while places.len() < RETYPED.min(count) {
        places.insert((js_sys::Math::random() * count as f64) as usize % count);
    }
    places.into_iter().collect()
}
