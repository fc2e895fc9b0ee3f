//! Vaults that are open: the drive from the start, those beside it from when
//! they are first looked into. Each is opened once, followed, and shown.
//!
//! What is wrong with a shared vault is wrong with it alone (decision 51):
//! others can take it away, and others write in it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use futures::lock::{Mutex, MutexGuard};
use sv_client::ClientError;
use sv_client::drive::Drive;
use sv_client::port::Platform;
use sv_client::vault::Vault;
use sv_ledger::state::Role;

use super::open::{Job, Open};
use super::platform::{Browser, now_ms};
use super::view::View;
use crate::worker::failure::Failure;
use sv_bridge::{Event, FailureKind, ShareId, Standing};

/// Milliseconds after which what an upload has landed is shown.
const SOON_MS: u64 = 500;
/// Milliseconds that a timer takes at most.
const TIMER_MS: u64 = 24 * 60 * 60 * 1000;

/// A vault that is open.
pub(super) struct Space<'s> {
    /// Which; none for the drive.
    pub(super) share: Option<ShareId>,
    drive: Mutex<Drive<'s, Browser>>,
    renewal_is_due: Cell<bool>,
    /// When this person's access ends, as far as that is waited for.
    awaited_ms: Cell<u64>,
}

/// A vault beside the drive that was looked into.
pub(super) enum Beside<'s> {
    Open(Rc<Space<'s>>),
    /// It cannot be looked into.
    Shut(Failure),
}

impl<'s> Space<'s> {
    fn new(share: Option<ShareId>, drive: Drive<'s, Browser>) -> Rc<Self> {
        Rc::new(Self {
            share,
            drive: Mutex::new(drive),
            renewal_is_due: Cell::new(false),
            awaited_ms: Cell::new(0),
        })
    }

    /// The vault with its tree, for as long as the guard lives. Who needs two
    /// vaults takes them with [`Open::both`].
    pub(super) async fn drive(&self) -> MutexGuard<'_, Drive<'s, Browser>> {
        self.drive.lock().await
    }

    /// The same, for an upload that shares it with other work.
    pub(super) const fn shared(&self) -> &Mutex<Drive<'s, Browser>> {
        &self.drive
    }
}

impl<'s> Open<'s> {
    /// The account's own vault, once it is open, for as long as the guard
    /// lives. Nobody opens it a second time, and whoever has it does not wait
    /// for a [`Self::space`], which takes it too.
    pub(super) async fn account_vault(&self) -> MutexGuard<'_, Vault<'s, Browser>> {
        loop {
            match self.account.get() {
                Some(account) => return account.lock().await,
                None => self.is_open.pass().await,
            }
        }
    }

    /// Account and drive were opened.
    pub(super) fn opened(&self, account: Vault<'s, Browser>, drive: Drive<'s, Browser>) {
        self.renew_known(&account);
        // Only the one task that follows them opens them.
        let space = self.own.get_or_init(|| Space::new(None, drive));
        let _ = self.account.set(Mutex::new(account));
        if let Some(drive) = space.drive.try_lock() {
            self.renew(space, &drive);
        }
        self.is_open.open();
    }

    /// A vault: opened now if it is not open yet. None is the drive.
    ///
    /// # Errors
    /// [`FailureKind::NotAccepted`], [`FailureKind::NoAccess`], tampering with
    /// a shared vault, or those of a call.
    pub(super) async fn space(&self, share: Option<ShareId>) -> Result<Rc<Space<'s>>, Failure> {
        let Some(share) = share else {
            self.is_open.pass().await;
            let own = self.own.get().cloned();
            return own.ok_or(Failure::new(FailureKind::OutOfOrder));
        };
        if let Some(known) = self.known_space(share) {
            return known;
        }
        let account = self.account_vault().await;
        // Somebody else may have opened it meanwhile.
        if let Some(known) = self.known_space(share) {
            return known;
        }
        if !account.knows(&share.0) {
            return Err(Failure::new(FailureKind::NotAccepted));
        }
        let opened = account.open_beside(share.0).await;
        drop(account);
        let mut drive = match opened {
            Ok(vault) => Drive::of(vault, String::new()),
            Err(error) => return Err(self.failed(Some(share), error)),
        };
        if drive
            .vault()
            .access()
            .is_some_and(|path| path.role >= Role::Editor)
            && let Err(error @ ClientError::Tampered(_)) = drive.expire_trash().await
        {
            return Err(self.failed(Some(share), error));
        }
        let space = Space::new(Some(share), drive);
        let open = Beside::Open(space.clone());
        self.beside.borrow_mut().insert(share, open);
        let drive = space.drive().await;
        self.renew(&space, &drive);
        drop(drive);
        // It may have been shut at once: the access that led here had ended.
        self.known_space(share).unwrap_or(Ok(space))
    }

    fn known_space(&self, share: ShareId) -> Option<Result<Rc<Space<'s>>, Failure>> {
        match self.beside.borrow().get(&share)? {
            Beside::Open(space) => Some(Ok(space.clone())),
            Beside::Shut(failure) => Some(Err(failure.clone())),
        }
    }

    /// The vault, if it is open already.
    pub(super) fn open_space(&self, share: Option<ShareId>) -> Option<Rc<Space<'s>>> {
        match share {
            None => self.own.get().cloned(),
            Some(share) => self.known_space(share)?.ok(),
        }
    }

    /// Every vault that is open.
    pub(super) fn open_spaces(&self) -> Vec<Rc<Space<'s>>> {
        let beside = self.beside.borrow();
        let beside = beside.values().filter_map(|one| match one {
            Beside::Open(space) => Some(space.clone()),
            Beside::Shut(_) => None,
        });
        self.own.get().cloned().into_iter().chain(beside).collect()
    }

    /// Two vaults at a time, always in the same order: two who take the same
    /// two do not wait for each other.
    pub(super) async fn both<'a>(
        first: &'a Space<'s>,
        second: &'a Space<'s>,
    ) -> (
        MutexGuard<'a, Drive<'s, Browser>>,
        MutexGuard<'a, Drive<'s, Browser>>,
    ) {
        if first.share < second.share {
            let drive = first.drive().await;
            (drive, second.drive().await)
        } else {
            let drive = second.drive().await;
            (first.drive().await, drive)
        }
    }

    /// Shows what a vault has become.
    pub(super) fn renew(&self, space: &Space<'s>, drive: &Drive<'s, Browser>) {
        let role = match (space.share, drive.vault().access()) {
            (None, _) => Role::Owner,
            (Some(share), Some(path)) => {
                self.await_end(space, share, path.expires_ms);
                path.role
            }
            (Some(share), None) => return self.shut(share, &Failure::new(FailureKind::NoAccess)),
        };
        if space.share.is_some_and(|share| !self.is_open_beside(share)) {
            return;
        }
        self.next_view(|view| view.put(drive, space.share, role));
    }

    fn is_open_beside(&self, share: ShareId) -> bool {
        matches!(self.beside.borrow().get(&share), Some(Beside::Open(_)))
    }

    /// Shows what this account has made and accepted. To be called whenever
    /// the account vault has changed.
    pub(super) fn renew_known(&self, account: &Vault<'s, Browser>) {
        let all = account.shared_vaults().into_iter();
        let known = all.filter(|(_, shared)| !shared.is_declined);
        let known: BTreeMap<ShareId, String> = known
            .map(|(_, shared)| (ShareId(shared.vault_id), shared.name.to_string()))
            .collect();
        let is_known = |share: &ShareId| known.contains_key(share);
        // What was left is not followed any more.
        self.beside.borrow_mut().retain(|share, _| is_known(share));
        self.next_view(|view| {
            view.keep_open(is_known);
            view.know(known.clone());
        });
    }

    fn next_view(&self, change: impl FnOnce(&mut View)) {
        let next = Rc::new(self.view.borrow().next(change));
        let revision = next.revision;
        *self.view.borrow_mut() = next;
        self.outlet.tell(&Event::Drive { revision });
    }

    /// Something has landed in a vault: it is shown within a moment.
    pub(super) fn renew_later(&self, space: &Space<'s>) {
        if !space.renewal_is_due.replace(true) {
            self.start(Job::Renew(space.share));
        }
    }

    pub(super) async fn renew_soon(&self, share: Option<ShareId>) {
        self.browser().sleep(SOON_MS).await;
        if let Some(space) = self.open_space(share) {
            let mut drive = space.drive().await;
            space.renewal_is_due.set(false);
            drive.rebuild();
            self.renew(&space, &drive);
        }
    }

    /// Follows a vault to its newest state and shows that.
    ///
    /// # Errors
    /// Those of a call; what is wrong with a shared vault has been dealt with.
    pub(super) async fn refresh(&self, space: &Space<'s>) -> Result<(), ClientError> {
        let mut drive = space.drive().await;
        let members = drive.vault().replica().state().membership.head;
        let done = drive.refresh().await;
        let is_same = drive.vault().replica().state().membership.head == members;
        self.renew(space, &drive);
        if space.share.is_some() && (!is_same || done.is_err()) {
            self.outlet.tell(&Event::Shares);
        }
        let Err(error) = done else {
            return Ok(());
        };
        let failure = self.failed(space.share, error.clone());
        match failure.share {
            Some(_) => Ok(()),
            None => Err(error),
        }
    }

    /// A failure of something that was done in a vault. A shared one that was
    /// taken away or tampered with is shut, and the failure names it.
    pub(super) fn failed(&self, share: Option<ShareId>, error: ClientError) -> Failure {
        let mut failure = Failure::from(error);
        let ends = failure.kind == FailureKind::NoAccess || failure.is_fatal();
        if let Some(share) = share.filter(|_| ends) {
            failure.0.share = Some(self.name_of(share));
            self.shut(share, &failure);
        }
        failure
    }

    fn name_of(&self, share: ShareId) -> String {
        let view = self.view.borrow();
        view.name_of(share)
            .map_or_else(|| share.to_string(), str::to_owned)
    }

    /// Takes a shared vault off the screen, with its keys.
    fn shut(&self, share: ShareId, failure: &Failure) {
        let mut failure = failure.clone();
        failure.0.share = Some(self.name_of(share));
        let standing = match failure.kind {
            FailureKind::NoAccess => Standing::NoAccess,
            _ => Standing::Tampered,
        };
        let shut = Beside::Shut(failure);
        self.beside.borrow_mut().insert(share, shut);
        self.next_view(|view| view.shut(share, Some(standing)));
    }

    /// The server has news of a vault that was taken away: it may have been
    /// given again. What was tampered with stays shut.
    pub(super) fn reopen(&self, share: ShareId) {
        let was_taken = matches!(
            self.beside.borrow().get(&share),
            Some(Beside::Shut(failure)) if failure.kind == FailureKind::NoAccess
        );
        if was_taken {
            self.beside.borrow_mut().remove(&share);
            self.next_view(|view| view.shut(share, None));
        }
    }

    /// Has the vault go from the screen when its time is over.
    fn await_end(&self, space: &Space<'s>, share: ShareId, ends_ms: u64) {
        if space.awaited_ms.replace(ends_ms) != ends_ms && ends_ms != 0 {
            self.start(Job::End(share, ends_ms));
        }
    }

    pub(super) async fn end(&self, share: ShareId, ends_ms: u64) {
        loop {
            let Some(space) = self.open_space(Some(share)) else {
                return;
            };
            if space.awaited_ms.get() != ends_ms {
                return;
            }
            drop(space);
            match ends_ms.checked_sub(now_ms()) {
                Some(left) if left > 0 => self.browser().sleep(left.min(TIMER_MS)).await,
                _ => break,
            }
        }
        if let Some(space) = self.open_space(Some(share)) {
            let drive = space.drive().await;
            self.renew(&space, &drive);
        }
    }
}
