//! Fields that are bound to a signal, and the attributes that forms need.

use reactive_graph::signal::RwSignal;
use reactive_graph::traits::{Get, Set};
use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlInputElement};

use super::{El, follow};
use crate::text::Text;

impl El {
    /// Binds a text field, an area or a list of choices.
    #[must_use]
    pub(crate) fn bind(self, value: RwSignal<String>) -> Self {
        let this = self.clone();
        follow(move || {
            let now = value.get();
            // Setting what is there already would move the cursor.
            if this.value() != now {
                this.set_prop("value", &now.into());
            }
        });
        let this = self.clone();
        self.on("input", move |_: Event| value.set(this.value()))
    }

    /// Binds a box to tick.
    #[must_use]
    pub(crate) fn bind_checked(self, value: RwSignal<bool>) -> Self {
        let this = self.clone();
        self.prop_with("checked", move || value.get())
            .on("change", move |_: Event| {
                value.set(this.0.unchecked_ref::<HtmlInputElement>().checked());
            })
    }

    /// What stands in the field.
    pub(crate) fn value(&self) -> String {
        let value = js_sys::Reflect::get(&self.0, &"value".into()).ok();
        value
            .and_then(|value| value.as_string())
            .unwrap_or_default()
    }

    /// Its id; ids are words of this program, or made of numbers.
    #[must_use]
    pub(crate) fn id(self, id: &str) -> Self {
        self.attr("id", id)
    }

    /// Its role.
    #[must_use]
    pub(crate) fn role(self, role: &'static str) -> Self {
        self.attr("role", role)
    }

    /// Kind of an input.
    #[must_use]
    pub(crate) fn kind(self, kind: &'static str) -> Self {
        self.attr("type", kind)
    }

    /// What the browser may fill in.
    #[must_use]
    pub(crate) fn autocomplete(self, what: &'static str) -> Self {
        self.attr("autocomplete", what)
    }

    /// An example in an empty field.
    #[must_use]
    pub(crate) fn placeholder(self, text: Text) -> Self {
        self.attr("placeholder", text.get())
    }

    /// A hint on hovering.
    #[must_use]
    pub(crate) fn title(self, text: &str) -> Self {
        self.attr("title", text)
    }

    /// An `aria-…` attribute, by its full name.
    #[must_use]
    pub(crate) fn aria(self, name: &'static str, value: &str) -> Self {
        debug_assert!(name.starts_with("aria-"));
        self.attr(name, value)
    }

    /// An `aria-…` attribute that follows.
    #[must_use]
    pub(crate) fn aria_with(
        self,
        name: &'static str,
        value: impl Fn() -> Option<String> + 'static,
    ) -> Self {
        debug_assert!(name.starts_with("aria-"));
        self.attr_with(name, value)
    }

    /// In or out of the order of the tabulator key.
    #[must_use]
    pub(crate) fn tab_index(self, index: &'static str) -> Self {
        self.attr("tabindex", index)
    }

    /// No more characters than this.
    #[must_use]
    pub(crate) fn max_len(self, characters: usize) -> Self {
        self.attr("maxlength", &characters.to_string())
    }

    /// Not to be used while `holds`.
    #[must_use]
    pub(crate) fn disabled_if(self, holds: impl Fn() -> bool + 'static) -> Self {
        self.prop_with("disabled", holds)
    }

    /// Which language its text is in.
    #[must_use]
    pub(crate) fn lang(self, code: &'static str) -> Self {
        self.attr("lang", code)
    }

    /// Keyboard that a phone shows.
    #[must_use]
    pub(crate) fn input_mode(self, mode: &'static str) -> Self {
        self.attr("inputmode", mode)
    }

    /// What it is called in a group of choices.
    #[must_use]
    pub(crate) fn name(self, name: &'static str) -> Self {
        self.name_of(name)
    }

    /// The same, by an id that was made for the group.
    #[must_use]
    pub(crate) fn name_of(self, name: &str) -> Self {
        self.attr("name", name)
    }
}

impl El {
    /// Which field a label belongs to.
    #[must_use]
    pub(crate) fn html_for(self, id: &str) -> Self {
        self.attr("for", id)
    }

    /// Secrets are not spelled, and not corrected by a keyboard that learns.
    #[must_use]
    pub(crate) fn spelling_off(self) -> Self {
        self.attr("spellcheck", "false")
            .attr("autocapitalize", "off")
            .attr("autocorrect", "off")
    }

    /// The program says what is wrong, in the person's language.
    #[must_use]
    pub(crate) fn novalidate(self) -> Self {
        self.attr("novalidate", "")
    }

    /// A mark that this program looks for.
    #[must_use]
    pub(crate) fn mark(self, name: &'static str) -> Self {
        debug_assert!(name.starts_with("data-"));
        self.attr(name, "")
    }

    /// A mark with a number.
    #[must_use]
    pub(crate) fn mark_number(self, name: &'static str, number: u64) -> Self {
        debug_assert!(name.starts_with("data-"));
        self.attr(name, &number.to_string())
    }

    /// A mark that follows.
    #[must_use]
    pub(crate) fn mark_with(
        self,
        name: &'static str,
        value: impl Fn() -> Option<String> + 'static,
    ) -> Self {
        debug_assert!(name.starts_with("data-"));
        self.attr_with(name, value)
    }

    /// Takes several files, or whole folders.
    #[must_use]
    pub(crate) fn takes_files(self, of: &'static str) -> Self {
        self.attr("type", "file").attr(of, "")
    }

    /// Media types that a file picker offers.
    #[must_use]
    pub(crate) fn accept(self, types: &'static str) -> Self {
        self.attr("accept", types)
    }

    /// Can be dragged.
    #[must_use]
    pub(crate) fn draggable(self) -> Self {
        self.attr("draggable", "true")
    }

    /// A square drawing of this many units.
    #[must_use]
    pub(crate) fn view_box(self, side: usize) -> Self {
        self.attr("viewBox", &format!("0 0 {side} {side}"))
    }

    /// What a path draws.
    #[must_use]
    pub(crate) fn path_data(self, data: &str) -> Self {
        self.attr("d", data)
    }
}

impl El {
    /// What an image shows, for whoever does not see it; empty for one that
    /// says nothing more than the words beside it.
    #[must_use]
    pub(crate) fn alt(self, text: &str) -> Self {
        self.attr("alt", text)
    }
}
