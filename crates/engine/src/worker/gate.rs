//! Something to wait at: a transfer that is paused, a drive that is not open.

use std::cell::{Cell, RefCell};

use futures::channel::oneshot;

/// Open or shut.
pub(super) struct Gate {
    is_open: Cell<bool>,
    waiting: RefCell<Vec<oneshot::Sender<()>>>,
}

impl Gate {
    pub(super) const fn new(is_open: bool) -> Self {
        Self {
            is_open: Cell::new(is_open),
            waiting: RefCell::new(Vec::new()),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.is_open.get()
    }

    pub(super) fn open(&self) {
        self.is_open.set(true);
        for waiting in self.waiting.take() {
            // Whoever waited may have gone.
            let _ = waiting.send(());
        }
    }

    pub(super) fn shut(&self) {
        self.is_open.set(false);
    }

    /// Waits until it is open.
    pub(super) async fn pass(&self) {
        while !self.is_open() {
            let (sender, opened) = oneshot::channel();
            self.waiting.borrow_mut().push(sender);
            // Dropped only with the gate itself.
            let _ = opened.await;
        }
    }
}
