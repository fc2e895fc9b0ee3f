//! A place whose element is built anew when its key changes.

use reactive_graph::graph::untrack;
use reactive_graph::owner::Owner;

use super::{El, follow};

impl El {
    /// Shows what `build` makes of the key, anew at every other key. Only what
    /// `key` reads is followed.
    #[must_use]
    pub(crate) fn show<K, V>(
        self,
        key: impl Fn() -> K + 'static,
        build: impl Fn(K) -> V + 'static,
    ) -> Self
    where
        K: PartialEq + Clone + 'static,
        V: Into<Option<Self>>,
    {
        let mut place = Place::new(&self);
        let mut last: Option<K> = None;
        follow(move || {
            let now = key();
            if last.as_ref() != Some(&now) {
                last = Some(now.clone());
                place.replace(&mut || build(now.clone()).into());
            }
        });
        self
    }

    /// Shows what `build` makes while `holds`.
    #[must_use]
    pub(crate) fn show_if<V: Into<Option<Self>>>(
        self,
        holds: impl Fn() -> bool + 'static,
        build: impl Fn() -> V + 'static,
    ) -> Self {
        self.show(
            holds,
            move |holds| if holds { build().into() } else { None },
        )
    }
}

struct Place {
    marker: web_sys::Node,
    outer: Owner,
    shown: Option<(El, Owner)>,
    emptied: Option<Owner>,
}

impl Place {
    fn new(parent: &El) -> Self {
        Self {
            marker: parent.marker(),
            outer: Owner::current().unwrap_or_default(),
            shown: None,
            emptied: None,
        }
    }

    fn replace(&mut self, build: &mut dyn FnMut() -> Option<El>) {
        if let Some((old, owner)) = self.shown.take() {
            old.0.remove();
            owner.cleanup();
        }
        if let Some(owner) = self.emptied.take() {
            owner.cleanup();
        }
        let owner = self.outer.child();
        match owner.with(|| untrack(build)) {
            Some(new) => {
                new.insert_before(&self.marker);
                self.shown = Some((new, owner));
            }
            None => self.emptied = Some(owner),
        }
    }
}
