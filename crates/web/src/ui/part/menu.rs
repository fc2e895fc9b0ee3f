//! A menu: at a button, or where the pointer is; at the bottom of a phone.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, KeyboardEvent, PointerEvent};

use crate::ui::prelude::*;
use crate::ui::view::listen_while_shown;

/// What is open.
#[derive(Clone)]
pub(crate) struct Open {
    at: (f64, f64),
    label: String,
    items: Rc<Vec<Item>>,
    from: Option<HtmlElement>,
}

impl PartialEq for Open {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.items, &other.items)
    }
}

/// A line of a menu.
pub(crate) struct Item {
    icon: Icon,
    label: String,
    run: Rc<dyn Fn()>,
    is_danger: bool,
    key: &'static str,
    after_line: bool,
    /// Why it cannot be done, if it cannot.
    reason: Option<&'static str>,
}

impl Item {
    pub(crate) fn new(icon: Icon, label: Text, run: impl Fn() + 'static) -> Self {
        Self {
            icon,
            label: label.get().to_owned(),
            run: Rc::new(run),
            is_danger: false,
            key: "",
            after_line: false,
            reason: None,
        }
    }

    /// Cannot be done, for that reason.
    pub(crate) fn disabled(mut self, reason: Text) -> Self {
        self.reason = Some(reason.get());
        self
    }

    /// Takes something away.
    pub(crate) const fn danger(mut self) -> Self {
        self.is_danger = true;
        self
    }

    /// The key that does the same.
    pub(crate) const fn key(mut self, key: &'static str) -> Self {
        self.key = key;
        self
    }

    /// Begins another group.
    pub(crate) const fn after_line(mut self) -> Self {
        self.after_line = true;
        self
    }
}

/// Opens a menu below an element.
pub(crate) fn open_at(anchor: &web_sys::Element, label: &str, items: Vec<Item>) {
    let place = anchor.get_bounding_client_rect();
    open((place.right(), place.bottom() + 4.0), label, items);
}

/// Opens a menu at a point of the window.
pub(crate) fn open(at: (f64, f64), label: &str, items: Vec<Item>) {
    let focused = document().active_element();
    app().menu.set(Some(Open {
        at,
        label: label.to_owned(),
        items: Rc::new(items),
        from: focused.and_then(|focused| focused.dyn_into().ok()),
    }));
}

fn close() {
    let Some(open) = app().menu.get_untracked() else {
        return;
    };
    app().menu.set(None);
    if let Some(from) = open.from.filter(|from| from.is_connected()) {
        let _ = from.focus();
    }
}

/// Where menus appear.
pub(crate) fn host() -> El {
    let menu = app().menu;
    div("").show(move || menu.get(), |open| open.map(|open| view(&open)))
}

fn view(open: &Open) -> El {
    let items = open.items.iter().map(item);
    let list = div("menu")
        .role("menu")
        .aria("aria-label", &open.label)
        .tab_index("-1")
        .child(
            div("menu-title")
                .aria("aria-hidden", "true")
                .text(&open.label),
        )
        .children(items)
        .on("keydown", keys);
    let at = open.at;
    let list = list.once_shown(move |list| {
        place(list, at);
        focus_item(list, 0);
    });
    listen_while_shown(&window(), "resize", |_: web_sys::Event| close());
    div("menu-cover")
        .on("pointerdown", |event: PointerEvent| {
            if event.target() == event.current_target() {
                event.prevent_default();
                close();
            }
        })
        .on("contextmenu", |event: web_sys::Event| {
            event.prevent_default()
        })
        .child(list)
}

fn item(item: &Item) -> El {
    let run = item.run.clone();
    let key =
        (!item.key.is_empty()).then(|| span("menu-key").aria("aria-hidden", "true").text(item.key));
    let row = button("menu-item")
        .role("menuitem")
        .tab_index("-1")
        .child(icon(item.icon))
        .child(
            span("menu-label")
                .text(&item.label)
                .child(item.reason.map(|reason| div("menu-reason").text(reason))),
        )
        .child(key);
    let row = match item.reason {
        Some(_) => row.aria("aria-disabled", "true"),
        None => row.on_click(move || {
            close();
            run();
        }),
    };
    let row = if item.is_danger {
        row.class("is-danger")
    } else {
        row
    };
    if item.after_line {
        row.class("after-line")
    } else {
        row
    }
}

/// Within the window; a phone's style sheet puts it at the bottom.
fn place(list: &El, (x, y): (f64, f64)) {
    let (window, size) = (window(), list.node().get_bounding_client_rect());
    let room = |value: Result<wasm_bindgen::JsValue, _>| {
        value.ok().and_then(|value| value.as_f64()).unwrap_or(0.0)
    };
    let (width, height) = (room(window.inner_width()), room(window.inner_height()));
    let left = (x - size.width()).max(8.0);
    let left = if x + size.width() + 8.0 <= width {
        x.min(width - size.width() - 8.0)
    } else {
        left
    };
    let top = if y + size.height() + 8.0 <= height {
        y
    } else {
        (height - size.height() - 8.0).max(8.0)
    };
    let style = list.html().style();
    let _ = style.set_property("left", &format!("{left}px"));
    let _ = style.set_property("top", &format!("{top}px"));
}

fn keys(event: KeyboardEvent) {
    let Some(list) = event.current_target().and_then(|list| list.dyn_into().ok()) else {
        return;
    };
    let list = El::of(list);
    let items = menu_items(&list);
    let focused = document().active_element();
    let at = items.iter().position(|item| Some(item) == focused.as_ref());
    let last = items.len().saturating_sub(1);
    match event.key().as_str() {
        "ArrowDown" => focus_item(
            &list,
            at.map_or(0, |at| if at == last { 0 } else { at + 1 }),
        ),
        "ArrowUp" => focus_item(
            &list,
            at.map_or(last, |at| if at == 0 { last } else { at - 1 }),
        ),
        "Home" => focus_item(&list, 0),
        "End" => focus_item(&list, last),
        "Escape" | "Tab" => close(),
        _ => return,
    }
    event.prevent_default();
    event.stop_propagation();
}

fn menu_items(list: &El) -> Vec<web_sys::Element> {
    let Ok(found) = list.node().query_selector_all("[role=menuitem]") else {
        return Vec::new();
    };
    (0..found.length())
        .filter_map(|index| found.get(index)?.dyn_into().ok())
        .collect()
}

fn focus_item(list: &El, index: usize) {
    if let Some(item) = menu_items(list).into_iter().nth(index) {
        El::of(item).focus();
    }
}
