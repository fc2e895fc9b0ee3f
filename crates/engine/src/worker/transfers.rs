//! The transfer panel: every upload and download of this account, how it
//! stands, and what a person can do about it.

mod download;
mod tokens;
mod upload;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use futures::channel::oneshot;

use super::gate::Gate;
use super::outlet::Outlet;
use super::platform::now_ms;
use crate::worker::failure::Failure;
use sv_bridge::{Event, TransferKind, TransferRow, TransferState};

pub(super) use upload::Planned;
use upload::Upload;

/// Milliseconds between two words about one transfer.
const TELL_MS: u64 = 250;
/// Milliseconds over which speed is taken.
const SPEED_MS: u64 = 5_000;

/// All of them.
#[derive(Default)]
pub(super) struct Transfers {
    list: RefCell<Vec<Rc<Transfer>>>,
    last_id: Cell<u64>,
    is_uploading: Cell<bool>,
}

/// One of them.
pub(super) struct Transfer {
    row: RefCell<TransferRow>,
    gate: Gate,
    cancel: RefCell<Option<oneshot::Sender<()>>>,
    outlet: RefCell<Option<Outlet>>,
    told_ms: Cell<u64>,
    /// When how many bytes were across.
    marks: RefCell<VecDeque<(u64, u64)>>,
    upload: Option<RefCell<Upload>>,
}

impl Transfers {
    fn add(
        &self,
        outlet: &Outlet,
        row: impl FnOnce(u64) -> TransferRow,
        upload: Option<Upload>,
    ) -> Rc<Transfer> {
        let id = self.last_id.get() + 1;
        self.last_id.set(id);
        let transfer = Rc::new(Transfer {
            row: RefCell::new(row(id)),
            gate: Gate::new(true),
            cancel: RefCell::default(),
            outlet: RefCell::new(Some(outlet.clone())),
            told_ms: Cell::default(),
            marks: RefCell::default(),
            upload: upload.map(RefCell::new),
        });
        self.list.borrow_mut().push(transfer.clone());
        transfer.tell(outlet);
        transfer
    }

    /// Rows, newest first.
    pub(super) fn rows(&self) -> Vec<TransferRow> {
        let list = self.list.borrow();
        list.iter()
            .rev()
            .map(|one| one.row.borrow().clone())
            .collect()
    }

    fn each(&self, id: Option<u64>) -> Vec<Rc<Transfer>> {
        let list = self.list.borrow();
        let wanted = list.iter().filter(|one| id.is_none_or(|id| one.id() == id));
        wanted.cloned().collect()
    }

    pub(super) fn pause(&self, outlet: &Outlet, id: Option<u64>) {
        for transfer in self.each(id).iter().filter(|one| one.is_alive()) {
            transfer.gate.shut();
            transfer.become_now(outlet, TransferState::Paused);
        }
    }

    pub(super) fn resume(&self, outlet: &Outlet, id: Option<u64>) {
        for transfer in self.each(id) {
            if transfer.is(&TransferState::Paused) {
                let is_under_way = transfer.cancel.borrow().is_some();
                transfer.become_now(
                    outlet,
                    match is_under_way {
                        true => TransferState::Running,
                        false => TransferState::Waiting,
                    },
                );
                transfer.gate.open();
            }
        }
    }

    pub(super) fn cancel(&self, outlet: &Outlet, id: Option<u64>) {
        for transfer in self.each(id).iter().filter(|one| one.is_alive()) {
            transfer.stop(outlet, TransferState::Cancelled);
        }
    }

    /// Ends everything: the server was caught.
    pub(super) fn halt(&self, outlet: &Outlet, failure: &Failure) {
        for transfer in self.each(None).iter().filter(|one| one.is_alive()) {
            transfer.stop(outlet, TransferState::Failed(failure.0.clone()));
        }
    }

    /// Takes out what has ended.
    pub(super) fn clear(&self) {
        self.list.borrow_mut().retain(|one| one.is_alive());
    }
}

impl Transfer {
    fn id(&self) -> u64 {
        self.row.borrow().id
    }

    /// The file's name.
    pub(super) fn name(&self) -> String {
        self.row.borrow().name.clone()
    }

    /// Where it waits while it is paused.
    pub(super) const fn gate(&self) -> &Gate {
        &self.gate
    }

    fn is(&self, state: &TransferState) -> bool {
        self.row.borrow().state == *state
    }

    fn is_alive(&self) -> bool {
        matches!(
            self.row.borrow().state,
            TransferState::Waiting
                | TransferState::Running
                | TransferState::Paused
                | TransferState::Stalled
        )
    }

    fn stop(&self, outlet: &Outlet, state: TransferState) {
        self.become_now(outlet, state);
        if let Some(cancel) = self.cancel.take() {
            let _ = cancel.send(());
        }
        // What waits there is dropped; what was not begun is not to wait.
        self.gate.open();
    }

    /// Begins, or begins again. Gives the way to the page, and what resolves
    /// when it is cancelled. None if it has been already.
    pub(super) fn begin(&self) -> Option<(Outlet, oneshot::Receiver<()>)> {
        let outlet = self.outlet.borrow().clone()?;
        if matches!(self.row.borrow().state, TransferState::Cancelled) {
            return None;
        }
        let (sender, cancelled) = oneshot::channel();
        *self.cancel.borrow_mut() = Some(sender);
        self.marks.borrow_mut().clear();
        {
            let mut row = self.row.borrow_mut();
            row.bytes_done = 0;
            row.files_done = 0;
        }
        if !self.is(&TransferState::Paused) {
            self.become_now(&outlet, TransferState::Running);
        }
        Some((outlet, cancelled))
    }

    /// The server is away. What is paused stays so, or nothing would take it up
    /// again.
    pub(super) fn stall(&self, outlet: &Outlet) {
        if !self.is(&TransferState::Paused) {
            self.become_now(outlet, TransferState::Stalled);
        }
    }

    /// It goes on after the server was away.
    pub(super) fn running(&self, outlet: &Outlet) {
        if self.is(&TransferState::Stalled) {
            self.become_now(outlet, TransferState::Running);
        }
    }

    /// Bytes have gone across.
    pub(super) fn moved(&self, outlet: &Outlet, bytes: u64) {
        let now = now_ms();
        {
            let mut row = self.row.borrow_mut();
            row.bytes_done = (row.bytes_done + bytes).min(row.bytes.max(row.bytes_done));
            let mut marks = self.marks.borrow_mut();
            marks.push_back((now, row.bytes_done));
            while marks.len() > 2 && marks.front().is_some_and(|(t, _)| t + SPEED_MS < now) {
                marks.pop_front();
            }
            if let (Some((from, before)), true) = (marks.front(), marks.len() > 1) {
                let (ms, bytes) = (now.saturating_sub(*from), row.bytes_done - before);
                row.bytes_per_second = bytes * 1000 / ms.max(1);
            }
        }
        if now.saturating_sub(self.told_ms.get()) >= TELL_MS {
            self.tell(outlet);
        }
    }

    /// A file is complete.
    pub(super) fn file_done(&self, outlet: &Outlet) {
        {
            let mut row = self.row.borrow_mut();
            row.files_done = (row.files_done + 1).min(row.files);
        }
        self.moved(outlet, 0);
    }

    /// All of it is.
    pub(super) fn complete(&self, outlet: &Outlet) {
        {
            let mut row = self.row.borrow_mut();
            row.bytes_done = row.bytes;
            row.files_done = row.files;
        }
        self.cancel.take();
        self.become_now(outlet, TransferState::Done);
    }

    /// It ended early.
    pub(super) fn fail(&self, outlet: &Outlet, failure: Failure) {
        self.cancel.take();
        let state = match failure.kind {
            sv_bridge::FailureKind::Cancelled => TransferState::Cancelled,
            _ => TransferState::Failed(failure.into()),
        };
        self.become_now(outlet, state);
    }

    pub(super) fn become_now(&self, outlet: &Outlet, state: TransferState) {
        {
            let mut row = self.row.borrow_mut();
            if row.state == state {
                return;
            }
            if state != TransferState::Running {
                row.bytes_per_second = 0;
                self.marks.borrow_mut().clear();
            }
            row.state = state;
        }
        self.tell(outlet);
    }

    fn tell(&self, outlet: &Outlet) {
        self.told_ms.set(now_ms());
        outlet.tell(&Event::Transfer(self.row.borrow().clone()));
    }
}

fn new_row(id: u64, kind: TransferKind, name: String, within: String) -> TransferRow {
    TransferRow {
        id,
        kind,
        name,
        within,
        files: 1,
        files_done: 0,
        bytes: 0,
        bytes_done: 0,
        bytes_per_second: 0,
        state: TransferState::Waiting,
        left_out: Vec::new(),
    }
}
