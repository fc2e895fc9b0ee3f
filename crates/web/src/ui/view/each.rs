//! A list whose elements are kept where the items stay the same.

use std::collections::BTreeMap;

use reactive_graph::graph::untrack;
use reactive_graph::owner::Owner;
use web_sys::Node;

use super::{El, follow};

impl El {
    /// Shows one element for each item. An item that equals the one of the same
    /// key before keeps its element, wherever it goes.
    #[must_use]
    pub(crate) fn each<T, K>(
        self,
        items: impl Fn() -> Vec<T> + 'static,
        key: impl Fn(&T) -> K + 'static,
        build: impl Fn(&T) -> El + 'static,
    ) -> Self
    where
        T: PartialEq + 'static,
        K: Ord + 'static,
    {
        let marker = self.marker();
        let outer = Owner::current().unwrap_or_default();
        let mut shown: BTreeMap<K, (T, Row)> = BTreeMap::new();
        follow(move || {
            let mut before = std::mem::take(&mut shown);
            let mut order = Vec::new();
            for item in items() {
                let key = key(&item);
                let row = match before.remove(&key) {
                    Some((old, row)) if old == item => row,
                    stale => {
                        if let Some((_, row)) = stale {
                            row.end();
                        }
                        Row::build(&outer, &mut || build(&item))
                    }
                };
                order.push(row.el.clone());
                shown.insert(key, (item, row));
            }
            for (_, row) in before.into_values() {
                row.end();
            }
            arrange(&order, &marker);
        });
        self
    }
}

struct Row {
    el: El,
    owner: Owner,
}

impl Row {
    fn build(outer: &Owner, build: &mut dyn FnMut() -> El) -> Self {
        let owner = outer.child();
        let el = owner.with(|| untrack(build));
        Self { el, owner }
    }

    fn end(self) {
        self.el.0.remove();
        self.owner.cleanup();
    }
}

/// Puts the elements in order before the marker, moving as few as possible
/// where most are in order already.
fn arrange(order: &[El], marker: &Node) {
    let mut next = marker.clone();
    for el in order.iter().rev() {
        let node: &Node = &el.0;
        if node.next_sibling().as_ref() != Some(&next) {
            el.insert_before(&next);
        }
        next = node.clone();
    }
}
