//! One dialog at a time, on the browser's own `<dialog>`: it keeps the focus
//! inside and makes everything else inert.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlDialogElement, HtmlElement, MouseEvent};

use crate::ui::part::form::Submit;
use crate::ui::prelude::*;
use crate::ui::view::next_frame;

/// What is open, or shall be.
#[derive(Clone)]
pub(crate) struct Open {
    number: u64,
    build: Rc<dyn Fn() -> El>,
    /// Where the focus was.
    from: Option<HtmlElement>,
}

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// Opens a dialog in the place of one that is open.
pub(crate) fn open(build: impl Fn() -> El + 'static) {
    let number = COUNT.with(|count| {
        count.set(count.get() + 1);
        count.get()
    });
    let from = match app().dialog.get_untracked() {
        Some(before) => before.from,
        None => document()
            .active_element()
            .and_then(|focused| focused.dyn_into().ok()),
    };
    app().dialog.set(Some(Open {
        number,
        build: Rc::new(build),
        from,
    }));
}

/// Closes what is open, and gives the focus back.
pub(crate) fn close() {
    let Some(open) = app().dialog.get_untracked() else {
        return;
    };
    app().dialog.set(None);
    // Nothing outside of a dialog takes the focus before it is gone.
    next_frame(move || {
        if is_open() {
            return;
        }
        match open.from.filter(|from| from.is_connected()) {
            Some(from) => {
                let _ = from.focus();
            }
            None => focus_content(),
        }
    });
}

/// Whether one is open.
pub(crate) fn is_open() -> bool {
    app().dialog.with_untracked(Option::is_some)
}

/// Gives the focus to what the screen is about.
pub(crate) fn focus_content() {
    let target = document().query_selector("[data-start], #content").ok();
    if let Some(target) = target.flatten() {
        El::of(target).focus();
    }
}

/// Where dialogs appear.
pub(crate) fn host() -> El {
    let open = app().dialog;
    div("").show(
        move || open.with(|open| open.as_ref().map(|open| open.number)),
        move |_| open.get_untracked().map(|open| (open.build)()),
    )
}

/// A dialog with a title, what it is about, and its buttons.
pub(crate) fn frame(title: &str, body: El, buttons: El) -> El {
    around(page(title, None, body, buttons))
}

/// What is in a dialog. One that shows several pages, one after the other,
/// has a way back on all but the first, and gives each the focus as it comes.
pub(crate) fn page(title: &str, back: Option<Rc<dyn Fn()>>, body: El, buttons: El) -> El {
    let is_later = back.is_some();
    let heading = el("h2")
        .id("dialog-title")
        .tab_index("-1")
        .text(title)
        .once_shown(move |heading| {
            if is_later {
                heading.focus();
            } else if is_focus_adrift() {
                let first = document().query_selector("dialog [data-first]");
                let first = first.ok().flatten().map(El::of);
                first.as_ref().unwrap_or(heading).focus();
            }
        });
    let back = back.map(|back| {
        button("btn btn-icon")
            .hint(t::BACK)
            .child(icon(Icon::ArrowLeft))
            .on_click(move || back())
    });
    div("dialog-shell")
        .child(
            div("dialog-head").child(back).child(heading).child(
                button("btn btn-icon")
                    .hint(t::CLOSE)
                    .child(icon(Icon::XLg))
                    .on_click(close),
            ),
        )
        .child(body.class("dialog-body"))
        .child(buttons.class("dialog-foot"))
}

/// Whether what had the focus is gone.
fn is_focus_adrift() -> bool {
    document()
        .active_element()
        .is_none_or(|focused| matches!(focused.tag_name().as_str(), "BODY" | "DIALOG"))
}

/// Where what is announced is read out. Beside an open dialog nothing is.
pub(crate) fn announcer() -> El {
    div("visually-hidden")
        .aria("aria-live", "polite")
        .text_with(|| app().announcement.get())
}

/// The dialog itself, around its page.
pub(crate) fn around(page: El) -> El {
    el("dialog")
        .class("dialog")
        .aria("aria-labelledby", "dialog-title")
        .child(page)
        .child(announcer())
        .on("cancel", |event: Event| {
            event.prevent_default();
            close();
        })
        .on("click", |event: MouseEvent| {
            // The dialog's own box is covered by its shell: this is beside it.
            if event.target() == event.current_target() {
                close();
            }
        })
        .once_shown(|this| {
            let dialog: &HtmlDialogElement = this.node().unchecked_ref();
            let _ = dialog.show_modal();
            if let Ok(Some(first)) = this.node().query_selector("[data-first]") {
                let first = El::of(first);
                first.focus();
                select_stem(&first);
            }
        })
}

/// Selects a name up to its ending, as one is about to type another.
fn select_stem(field: &El) {
    if let Some(input) = field.node().dyn_ref::<web_sys::HtmlInputElement>() {
        let name = input.value();
        let stem = match name.rfind('.') {
            Some(at) if at > 0 => &name[..at],
            _ => &name,
        };
        let units = u32::try_from(stem.encode_utf16().count()).unwrap_or(0);
        let _ = input.set_selection_range(0, units);
    }
}

/// The button that leaves a dialog as if nothing had been.
pub(crate) fn cancel_button() -> El {
    button("btn btn-quiet").say(t::CANCEL).on_click(close)
}

/// Asks before something that cannot be taken back.
pub(crate) fn confirm<F>(title: Text, text: String, action: Text, work: impl Fn() -> F + 'static)
where
    F: Future<Output = Result<(), Failure>> + 'static,
{
    let work = Rc::new(work);
    open(move || {
        let (submit, work, text) = (Submit::new(), work.clone(), text.clone());
        let body = div("").child(el("p").text(&text)).child(submit.alert());
        let yes = submit
            .button("btn btn-danger", action)
            .kind("button")
            .on_click(move || {
                let work = work();
                submit.run(async move {
                    work.await?;
                    close();
                    Ok(())
                });
            });
        frame(
            title.get(),
            body,
            div("").child(cancel_button().data_first()).child(yes),
        )
    });
}

/// Asks for a name.
pub(crate) fn ask_name<F>(
    title: Text,
    label: Text,
    initial: String,
    action: Text,
    work: impl Fn(String) -> F + 'static,
) where
    F: Future<Output = Result<(), Failure>> + 'static,
{
    let work = Rc::new(work);
    open(move || {
        let (submit, work) = (Submit::new(), work.clone());
        let name = RwSignal::new(initial.clone());
        let field = super::field::text(label, name)
            .input(|input| input.data_first().max_len(255).autocomplete("off"));
        let body = div("").child(field.build()).child(submit.alert());
        let buttons = div("")
            .child(cancel_button())
            .child(submit.button("btn btn-primary", action));
        let form = submit.form(move || {
            let work = work(name.get_untracked().trim().to_owned());
            async move {
                work.await?;
                close();
                Ok(())
            }
        });
        frame_form(title.get(), form, body, buttons)
    });
}

/// A dialog whose whole is a form.
pub(crate) fn frame_form(title: &str, form: El, body: El, buttons: El) -> El {
    let form = form
        .child(body.class("dialog-body"))
        .child(buttons.class("dialog-foot"));
    frame(title, form, div("is-absent"))
}

impl El {
    /// Gets the focus when its dialog opens.
    #[must_use]
    pub(crate) fn data_first(self) -> Self {
        self.mark("data-first")
    }

    /// Gets the focus when its screen is reached.
    #[must_use]
    pub(crate) fn data_start(self) -> Self {
        self.mark("data-start").tab_index("-1")
    }
}
