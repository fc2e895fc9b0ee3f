//! Elements, built by calls. There is no markup here and no way to it: text
//! becomes text nodes, tags and attribute names are words of this program, and
//! an address can only be one that [`Address`] lets through. What was decrypted
//! can therefore never become markup or script.
//!
//! State lives in Leptos's signals. `*_with` follows the signals that its
//! closure reads; [`El::show`] and [`El::each`] build again only what changed,
//! and end whatever was built before.

mod address;
mod each;
mod input;
mod show;

pub(crate) use address::{Address, BlobUrl};

use reactive_graph::effect::RenderEffect;
use reactive_graph::owner::on_cleanup;
use send_wrapper::SendWrapper;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    Document, Element, Event, HtmlElement, Node, ScrollIntoViewOptions, ScrollLogicalPosition,
};

use crate::text::Text;

const SVG: &str = "http://www.w3.org/2000/svg";

/// An element, perhaps not in the page yet.
#[derive(Clone)]
pub(crate) struct El(Element);

/// The page's document. There is always one where this module runs.
pub(crate) fn document() -> Document {
    window().document().unwrap_or_else(|| missing("document"))
}

/// The page's window.
pub(crate) fn window() -> web_sys::Window {
    web_sys::window().unwrap_or_else(|| missing("window"))
}

/// For what every browser that runs this has.
pub(crate) fn missing(what: &str) -> ! {
    wasm_bindgen::throw_str(what)
}

/// An HTML element.
pub(crate) fn el(tag: &'static str) -> El {
    El(document()
        .create_element(tag)
        .unwrap_or_else(|_| missing(tag)))
}

/// An SVG element.
pub(crate) fn svg(tag: &'static str) -> El {
    El(document()
        .create_element_ns(Some(SVG), tag)
        .unwrap_or_else(|_| missing(tag)))
}

/// A `div` of these classes.
pub(crate) fn div(classes: &'static str) -> El {
    el("div").class(classes)
}

/// A `span` of these classes.
pub(crate) fn span(classes: &'static str) -> El {
    el("span").class(classes)
}

/// A button that does not submit.
pub(crate) fn button(classes: &'static str) -> El {
    el("button").attr("type", "button").class(classes)
}

/// Follows what `run` reads, for as long as the view that is being built.
pub(crate) fn follow(run: impl FnMut() + 'static) {
    follow_boxed(Box::new(run));
}

fn follow_boxed(mut run: Box<dyn FnMut()>) {
    let effect = SendWrapper::new(RenderEffect::new(move |_: Option<()>| run()));
    on_cleanup(move || drop(effect));
}

impl El {
    /// Takes over an element that is there already.
    pub(crate) const fn of(element: Element) -> Self {
        Self(element)
    }

    /// The element.
    pub(crate) const fn node(&self) -> &Element {
        &self.0
    }

    /// The element, as one that can have the focus.
    pub(crate) fn html(&self) -> &HtmlElement {
        self.0.unchecked_ref()
    }

    /// Adds classes, separated by spaces.
    #[must_use]
    pub(crate) fn class(self, classes: &'static str) -> Self {
        self.add_classes(classes);
        self
    }

    fn add_classes(&self, classes: &str) {
        let list = self.0.class_list();
        for class in classes.split_ascii_whitespace() {
            let _ = list.add_1(class);
        }
    }

    /// Has the class while `holds`.
    #[must_use]
    pub(crate) fn class_if(self, class: &'static str, holds: impl Fn() -> bool + 'static) -> Self {
        let list = self.0.class_list();
        follow(move || {
            let _ = list.toggle_with_force(class, holds());
        });
        self
    }

    /// Sets an attribute. Not for addresses, see [`El::href`] and [`El::src`].
    #[must_use]
    pub(super) fn attr(self, name: &'static str, value: &str) -> Self {
        self.set_attr(name, Some(value));
        self
    }

    /// An attribute that follows; `None` takes it away.
    #[must_use]
    pub(super) fn attr_with(
        self,
        name: &'static str,
        value: impl Fn() -> Option<String> + 'static,
    ) -> Self {
        let this = self.clone();
        follow(move || this.set_attr(name, value().as_deref()));
        self
    }

    fn set_attr(&self, name: &'static str, value: Option<&str>) {
        debug_assert!(
            !matches!(name, "href" | "src" | "srcdoc" | "style" | "action")
                && !name.starts_with("on"),
            "{name} has a way of its own"
        );
        let _ = match value {
            Some(value) => self.0.set_attribute(name, value),
            None => self.0.remove_attribute(name),
        };
    }

    /// Names the element for whoever does not see it.
    #[must_use]
    pub(crate) fn label(self, text: Text) -> Self {
        self.attr("aria-label", text.get())
    }

    /// A label and the same as a hint on hovering: for buttons with an icon only.
    #[must_use]
    pub(crate) fn hint(self, text: Text) -> Self {
        self.attr("aria-label", text.get())
            .attr("title", text.get())
    }

    /// An address that was let through.
    #[must_use]
    pub(crate) fn href(self, address: &Address) -> Self {
        let _ = self.0.set_attribute("href", address.as_str());
        if address.leaves() {
            let _ = self.0.set_attribute("target", "_blank");
            let _ = self.0.set_attribute("rel", "noopener noreferrer");
        }
        self
    }

    /// Shows bytes that are in this page already.
    #[must_use]
    pub(crate) fn src(self, url: &BlobUrl) -> Self {
        let _ = self.0.set_attribute("src", url.as_str());
        self
    }

    /// Sets a property, such as `disabled` or `checked`.
    #[must_use]
    pub(crate) fn prop(self, name: &'static str, value: impl Into<JsValue>) -> Self {
        self.set_prop(name, &value.into());
        self
    }

    /// A property that follows.
    #[must_use]
    pub(crate) fn prop_with<V: Into<JsValue>>(
        self,
        name: &'static str,
        value: impl Fn() -> V + 'static,
    ) -> Self {
        let this = self.clone();
        follow(move || this.set_prop(name, &value().into()));
        self
    }

    fn set_prop(&self, name: &'static str, value: &JsValue) {
        debug_assert!(
            !matches!(name, "innerHTML" | "outerHTML" | "src" | "href" | "srcdoc"),
            "{name} has a way of its own"
        );
        let _ = js_sys::Reflect::set(&self.0, &name.into(), value);
    }

    /// A style property that follows; set through the object model, which a
    /// policy without inline styles allows.
    #[must_use]
    pub(crate) fn style_with(
        self,
        name: &'static str,
        value: impl Fn() -> String + 'static,
    ) -> Self {
        let this = self.clone();
        follow(move || this.set_style(name, &value()));
        self
    }

    /// A style property.
    #[must_use]
    pub(crate) fn style(self, name: &'static str, value: &str) -> Self {
        self.set_style(name, value);
        self
    }

    fn set_style(&self, name: &'static str, value: &str) {
        let _ = self.html().style().set_property(name, value);
    }

    /// Adds text.
    #[must_use]
    pub(crate) fn text(self, text: &str) -> Self {
        let _ = self.0.append_child(&document().create_text_node(text));
        self
    }

    /// Adds a text of the program in the person's language.
    #[must_use]
    pub(crate) fn say(self, text: Text) -> Self {
        self.text(text.get())
    }

    /// Adds text that follows.
    #[must_use]
    pub(crate) fn text_with(self, text: impl Fn() -> String + 'static) -> Self {
        let node = document().create_text_node("");
        let _ = self.0.append_child(&node);
        follow(move || node.set_data(&text()));
        self
    }

    /// Adds an element, if there is one.
    #[must_use]
    pub(crate) fn child(self, child: impl Into<Option<Self>>) -> Self {
        if let Some(child) = child.into() {
            let _ = self.0.append_child(&child.0);
        }
        self
    }

    /// Adds elements.
    #[must_use]
    pub(crate) fn children(self, children: impl IntoIterator<Item = Self>) -> Self {
        for child in children {
            let _ = self.0.append_child(&child.0);
        }
        self
    }

    /// Calls `run` at every event of this name.
    #[must_use]
    pub(crate) fn on<E: JsCast>(self, event: &'static str, run: impl Fn(E) + 'static) -> Self {
        listen(
            &self.0,
            event,
            Box::new(move |event| run(event.unchecked_into())),
        );
        self
    }

    /// Calls `run` when it is clicked, or pressed by keyboard.
    #[must_use]
    pub(crate) fn on_click(self, run: impl Fn() + 'static) -> Self {
        listen(&self.0, "click", Box::new(move |_| run()));
        self
    }

    /// Calls `run` once the element is in the page.
    #[must_use]
    pub(crate) fn once_shown(self, run: impl FnOnce(&Self) + 'static) -> Self {
        let this = self.clone();
        next_frame(move || {
            if this.0.is_connected() {
                run(&this);
            }
        });
        self
    }

    /// Gives it the focus once it is in the page.
    #[must_use]
    pub(crate) fn focus_when_shown(self) -> Self {
        self.once_shown(El::focus)
    }

    /// Gives it the focus.
    pub(crate) fn focus(&self) {
        let _ = self.html().focus();
    }

    /// Has it scrolled to, as far as that is needed.
    pub(crate) fn come_into_sight(&self) {
        let options = ScrollIntoViewOptions::new();
        options.set_block(ScrollLogicalPosition::Nearest);
        self.0
            .scroll_into_view_with_scroll_into_view_options(&options);
    }

    fn insert_before(&self, marker: &Node) {
        if let Some(parent) = marker.parent_node() {
            let _ = parent.insert_before(&self.0, Some(marker));
        }
    }

    fn marker(&self) -> Node {
        let marker = document().create_comment("");
        let _ = self.0.append_child(&marker);
        marker.into()
    }
}

/// The listener lives as long as the browser can still call it.
fn listen(target: &web_sys::EventTarget, event: &str, run: Box<dyn FnMut(Event)>) {
    let callback = Closure::wrap(run).into_js_value();
    let _ = target.add_event_listener_with_callback(event, callback.unchecked_ref());
}

/// Listens on the window or document for as long as the view that is being built.
pub(crate) fn listen_while_shown<E: JsCast>(
    target: &web_sys::EventTarget,
    event: &'static str,
    run: impl Fn(E) + 'static,
) {
    let run: Box<dyn FnMut(Event)> = Box::new(move |event| run(event.unchecked_into()));
    let callback = Closure::wrap(run);
    let _ = target.add_event_listener_with_callback(event, callback.as_ref().unchecked_ref());
    let kept = SendWrapper::new((target.clone(), callback));
    on_cleanup(move || {
        let (target, callback) = kept.take();
        let callback = callback.as_ref().unchecked_ref();
        let _ = target.remove_event_listener_with_callback(event, callback);
    });
}

/// Runs after the present event, before the page is painted next.
pub(crate) fn next_frame(run: impl FnOnce() + 'static) {
    let callback = Closure::once_into_js(run);
    let _ = window().request_animation_frame(callback.unchecked_ref());
}

/// Runs in `ms` milliseconds, unless the view that is being built ends before.
pub(crate) fn later_while_shown(ms: i32, run: impl FnOnce() + 'static) {
    let id = later(ms, run);
    on_cleanup(move || window().clear_timeout_with_handle(id));
}

/// Runs in `ms` milliseconds; gives what cancels it.
pub(crate) fn later(ms: i32, run: impl FnOnce() + 'static) -> i32 {
    let callback = Closure::once_into_js(run);
    let set = window()
        .set_timeout_with_callback_and_timeout_and_arguments_0(callback.unchecked_ref(), ms);
    set.unwrap_or_default()
}

/// Waits.
pub(crate) async fn sleep(ms: i32) {
    let promise = js_sys::Promise::new(&mut |done, _| {
        let _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(&done, ms);
    });
    // A timer does not fail.
    let _ = wasm_bindgen_futures::JsFuture::from(promise).await;
}
