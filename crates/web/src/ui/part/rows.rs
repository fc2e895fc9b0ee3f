//! A list of any length of which only what can be seen is in the page.

use std::ops::Range;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Event, ResizeObserver};

use crate::ui::prelude::*;

/// Rows beyond the edge that are kept ready.
const AHEAD: usize = 6;

/// How the items lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Lay {
    /// Items side by side.
    pub(crate) columns: usize,
    /// Height of a row, CSS pixels.
    pub(crate) row_px: f64,
}

/// What can be seen of a list.
#[derive(Clone, Copy)]
pub(crate) struct Scroll {
    top: RwSignal<f64>,
    height: RwSignal<f64>,
    width: RwSignal<f64>,
    /// Where to scroll next: set by [`Scroll::reveal`].
    target: RwSignal<Option<f64>>,
}

impl Scroll {
    pub(crate) fn new() -> Self {
        Self {
            top: RwSignal::new(0.0),
            height: RwSignal::new(0.0),
            width: RwSignal::new(0.0),
            target: RwSignal::new(None),
        }
    }

    /// Width of the list, CSS pixels.
    pub(crate) fn width(self) -> f64 {
        self.width.get()
    }

    /// The items that can be seen, and a few beyond.
    pub(crate) fn window(self, lay: Lay, total: usize) -> Range<usize> {
        let first = (self.top.get() / lay.row_px) as usize;
        let rows = (self.height.get() / lay.row_px).ceil() as usize + 1;
        let from = first.saturating_sub(AHEAD) * lay.columns;
        let to = (first + rows + AHEAD) * lay.columns;
        from.min(total)..to.min(total)
    }

    /// How many items fit on the screen.
    pub(crate) fn page(self, lay: Lay) -> usize {
        let rows = (self.height.get_untracked() / lay.row_px).floor().max(1.0);
        rows as usize * lay.columns
    }

    /// Scrolls as little as makes the item visible.
    pub(crate) fn reveal(self, lay: Lay, index: usize) {
        let top = (index / lay.columns) as f64 * lay.row_px;
        let (seen, height) = (self.top.get_untracked(), self.height.get_untracked());
        if top < seen {
            self.target.set(Some(top));
        } else if top + lay.row_px > seen + height {
            self.target.set(Some(top + lay.row_px - height));
        }
    }

    /// Where the list is scrolled to, to come back to it later.
    pub(crate) fn place(self) -> f64 {
        self.top.get_untracked()
    }

    /// Scrolls to a place.
    pub(crate) fn return_to(self, top: f64) {
        self.target.set(Some(top));
    }
}

/// A list whose items are `item(index)`; `None` for one that is on its way.
/// `build` makes an element of one, which is placed by the list. `role` is what
/// the items are together: those of a grid are a `rowgroup`.
pub(crate) fn rows<T>(
    role: &'static str,
    scroll: Scroll,
    lay: impl Fn() -> Lay + 'static,
    total: impl Fn() -> usize + 'static,
    item: impl Fn(usize) -> Option<T> + 'static,
    build: impl Fn(usize, Option<&T>) -> El + 'static,
) -> El
where
    T: PartialEq + 'static,
{
    let (lay, total) = (Rc::new(lay), Rc::new(total));
    let (inner_lay, inner_total) = (lay.clone(), total.clone());
    let spacer = div("rows-space")
        .role(role)
        .style_with("height", move || {
            let lay = inner_lay();
            format!(
                "{}px",
                inner_total().div_ceil(lay.columns) as f64 * lay.row_px
            )
        })
        .each(
            move || {
                let lay = lay();
                let window = scroll.window(lay, total());
                window.map(|index| (index, lay, item(index))).collect()
            },
            |(index, _, _)| *index,
            move |(index, lay, item)| place(build(*index, item.as_ref()), *index, *lay),
        );
    let list = div("rows").child(spacer).on("scroll", move |event: Event| {
        if let Some(list) = event.current_target() {
            scroll.top.set(f64::from(
                list.unchecked_ref::<web_sys::Element>().scroll_top(),
            ));
        }
    });
    observe(&list, scroll);
    let target = list.clone();
    follow(move || {
        if let Some(top) = scroll.target.get() {
            target.node().set_scroll_top(top.round() as i32);
        }
    });
    list
}

fn place(el: El, index: usize, lay: Lay) -> El {
    let (row, column) = (index / lay.columns, index % lay.columns);
    let share = 100.0 / lay.columns as f64;
    el.style("top", &format!("{}px", row as f64 * lay.row_px))
        .style("left", &format!("{}%", column as f64 * share))
        .style("width", &format!("{share}%"))
        .style("height", &format!("{}px", lay.row_px))
}

/// Follows the size of the list as the window changes.
fn observe(list: &El, scroll: Scroll) {
    let node = list.node().clone();
    let seen = Closure::<dyn FnMut()>::new(move || {
        scroll.height.set(f64::from(node.client_height()));
        scroll.width.set(f64::from(node.client_width()));
    });
    if let Ok(observer) = ResizeObserver::new(seen.as_ref().unchecked_ref()) {
        observer.observe(list.node());
        let kept = send_wrapper::SendWrapper::new((observer, seen));
        reactive_graph::owner::on_cleanup(move || kept.0.disconnect());
    }
}
