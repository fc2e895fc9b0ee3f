//! Labelled fields.

use std::cell::Cell;

use crate::ui::prelude::*;

/// A field being made.
pub(crate) struct Field {
    id: String,
    label: String,
    input: El,
    hint: Option<El>,
    inside: Option<El>,
    beside: Option<El>,
}

/// An id that no other element has.
pub(crate) fn fresh_id() -> String {
    thread_local! {
        static COUNT: Cell<u64> = const { Cell::new(0) };
    }
    COUNT.with(|count| {
        count.set(count.get() + 1);
        format!("f{}", count.get())
    })
}

/// A line of text.
pub(crate) fn text(label: Text, value: RwSignal<String>) -> Field {
    Field::of(label, el("input").kind("text").bind(value))
}

/// A password, which can be looked at.
pub(crate) fn password(label: Text, value: RwSignal<String>) -> Field {
    let is_shown = RwSignal::new(false);
    let input = el("input")
        .bind(value)
        .prop_with(
            "type",
            move || if is_shown.get() { "text" } else { "password" },
        )
        .spelling_off();
    let look = button("btn btn-icon field-look")
        .hint(t::SHOW_PASSWORD)
        .aria_with("aria-pressed", move || Some(is_shown.get().to_string()))
        .show(
            move || is_shown.get(),
            |is_shown| icon(if is_shown { Icon::EyeSlash } else { Icon::Eye }),
        )
        .on_click(move || is_shown.update(|is_shown| *is_shown = !*is_shown));
    let mut field = Field::of(label, input);
    field.inside = Some(look);
    field
}

/// A one-time code: six digits, or a backup code where one is taken.
pub(crate) fn code(label: Text, value: RwSignal<String>) -> Field {
    text(label, value).input(|input| {
        input
            .class("field-code")
            .autocomplete("one-time-code")
            .input_mode("numeric")
            .max_len(40)
            .spelling_off()
    })
}

/// Several lines.
pub(crate) fn area(label: Text, value: RwSignal<String>) -> Field {
    Field::of(label, el("textarea").bind(value))
}

/// One of several choices.
pub(crate) fn choice(label: Text, value: RwSignal<String>, choices: Vec<(&str, String)>) -> Field {
    let options = choices
        .into_iter()
        .map(|(value, name)| el("option").prop("value", value).text(&name));
    let select = el("select").children(options).bind(value);
    let mut field = Field::of(label, select);
    field.input = field.input.class("form-select");
    field
}

impl Field {
    fn of(label: Text, input: El) -> Self {
        let id = fresh_id();
        Self {
            input: input.id(&id).class("form-control"),
            id,
            label: label.get().to_owned(),
            hint: None,
            inside: None,
            beside: None,
        }
    }

    /// Says more of the input.
    pub(crate) fn input(mut self, more: impl FnOnce(El) -> El) -> Self {
        self.input = more(self.input);
        self
    }

    /// A label with a number in it.
    pub(crate) fn numbered(mut self, number: usize) -> Self {
        self.label = self.label.replace("{0}", &number.to_string());
        self
    }

    /// A word of help below it.
    pub(crate) fn help(self, text: Text) -> Self {
        self.below(span("").say(text))
    }

    /// Something below it that is read out with it.
    pub(crate) fn below(mut self, hint: El) -> Self {
        let id = format!("{}-hint", self.id);
        self.input = self.input.aria("aria-describedby", &id);
        self.hint = Some(div("form-text").id(&id).child(hint));
        self
    }

    /// A label that is made of something.
    pub(crate) fn called(mut self, label: &str) -> Self {
        self.label = label.to_owned();
        self
    }

    /// A button on its line.
    pub(crate) fn beside(mut self, button: El) -> Self {
        self.beside = Some(button);
        self
    }

    /// The whole: label, field and help.
    pub(crate) fn build(self) -> El {
        let label = el("label")
            .class("form-label")
            .html_for(&self.id)
            .text(&self.label);
        let input = match self.inside {
            Some(inside) => div("field-with").child(self.input).child(inside),
            None => self.input,
        };
        let input = match self.beside {
            Some(button) => div("field-line").child(input).child(button),
            None => input,
        };
        div("field").child(label).child(input).child(self.hint)
    }
}

/// A box to tick, with its label.
pub(crate) fn check(label: Text, value: RwSignal<bool>) -> El {
    let id = fresh_id();
    div("form-check")
        .child(
            el("input")
                .kind("checkbox")
                .class("form-check-input")
                .id(&id)
                .bind_checked(value),
        )
        .child(
            el("label")
                .class("form-check-label")
                .html_for(&id)
                .say(label),
        )
}

/// A secret to be kept: shown, and copied by a button.
pub(crate) fn secret(label: Text, text: &str) -> El {
    let (id, copied) = (fresh_id(), text.to_owned());
    div("field")
        .child(div("form-label").id(&id).say(label))
        .child(
            div("secret")
                .child(
                    el("code")
                        .class("secret-text")
                        .aria("aria-labelledby", &id)
                        .role("textbox")
                        .aria("aria-readonly", "true")
                        .tab_index("0")
                        .text(text),
                )
                .child(
                    button("btn btn-icon")
                        .hint(t::COPY)
                        .child(icon(Icon::Copy))
                        .on_click(move || crate::ui::save::copy(copied.clone())),
                ),
        )
}
