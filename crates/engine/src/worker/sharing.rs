//! What is shared: the list, what a person says to it, groups, and people who
//! are waited for.

mod access;
mod activity;
mod people;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use futures::lock::MutexGuard;
use sv_client::ClientError;
use sv_client::drive::Drive;
use sv_client::port::Platform;
use sv_client::sharing::{self, Share};
use sv_client::vault::Vault;
use sv_core::Name;
use sv_core::record::SharedVault;
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::VaultId;
use sv_ledger::sealed::ContentSuite;

use super::open::{Job, Open};
use super::platform::{Browser, now_ms};
use super::space::Space;
use super::view::role_of;
use crate::worker::failure::Failure;
use sv_bridge::{
    AcceptShare, Admit, DeclineShare, Event, FailureKind, LeaveShare, NewGroup, PersonTag,
    ReconsiderShare, RenameShare, Role, ShareId, ShareRow, ShareState,
};

/// Milliseconds between two looks for people who are waited for, and how many
/// more for each of them: the server counts whom one looks for.
const LOOK_MS: u64 = 15_000;
const LOOK_MS_EACH: u64 = 20_000;
/// Milliseconds after which they are looked for when the list is asked for.
const LOOK_AGAIN_MS: u64 = 2_000;

/// The account's own vault.
type Account<'s> = Vault<'s, Browser>;

/// What calls on sharing have in common.
#[derive(Default)]
pub(super) struct Sharing {
    /// User names under which something else was shown than was seen before.
    changed: RefCell<BTreeSet<String>>,
    /// Shares as they were at that entry of theirs and that of the account.
    known: RefCell<BTreeMap<VaultId, ([u64; 2], Share)>>,
    /// Whether somebody is waited for, and when they were looked for.
    is_waiting: Cell<bool>,
    looked_ms: Cell<u64>,
    /// Why nobody could be looked for, as it was told.
    hindrance: RefCell<Option<Failure>>,
    /// Who has come, as it was told.
    told: RefCell<BTreeSet<String>>,
}

/// A shared vault that is worked on.
enum Taken<'a, 's> {
    /// One that is open and shown, as it was at that entry.
    Open(&'a Space<'s>, MutexGuard<'a, Drive<'s, Browser>>, u64),
    /// One that was opened for this.
    Alone(Box<Vault<'s, Browser>>),
}

impl<'s> Taken<'_, 's> {
    fn vault(&mut self) -> &mut Vault<'s, Browser> {
        match self {
            Self::Open(_, drive, _) => drive.vault_mut(),
            Self::Alone(vault) => vault,
        }
    }
}

impl<'s> Open<'s> {
    /// The account's own vault at its newest.
    async fn newest_account(&self) -> Result<MutexGuard<'_, Account<'s>>, Failure> {
        let mut account = self.account_vault().await;
        let shown = account.replica().state().head.seq;
        account.sync().await?;
        if account.replica().state().head.seq != shown {
            // Whoever hears of it later finds nothing new there.
            self.account_changed(&account);
        }
        Ok(account)
    }

    /// A shared vault to work on, at its newest: the one that is open, which
    /// is `space`, or one that is opened for this. Whoever has it and the
    /// account vault may not open spaces.
    async fn take<'a>(
        &self,
        account: &Account<'s>,
        share: ShareId,
        space: Option<&'a Space<'s>>,
    ) -> Result<Taken<'a, 's>, Failure> {
        let Some(space) = space else {
            return match account.open_beside(share.0).await {
                Ok(vault) => Ok(Taken::Alone(Box::new(vault))),
                Err(error) => Err(self.failed(Some(share), error)),
            };
        };
        let mut drive = space.drive().await;
        let shown = newest(&drive);
        match drive.refresh().await {
            Ok(()) => Ok(Taken::Open(space, drive, shown)),
            Err(error) => {
                self.renew(space, &drive);
                Err(self.failed(Some(share), error))
            }
        }
    }

    /// Shows what a shared vault has become, if it has become anything else:
    /// what only looks must not have others look again.
    fn give_back(&self, taken: Taken<'_, 's>) {
        if let Taken::Open(space, mut drive, shown) = taken
            && newest(&drive) != shown
        {
            drive.rebuild();
            self.renew(space, &drive);
        }
    }

    /// The account vault was changed: what it says of shares is shown.
    fn account_changed(&self, account: &Account<'s>) {
        self.renew_known(account);
        self.shares_changed();
    }

    /// Says that the list of shares is out of date.
    fn shares_changed(&self) {
        self.outlet.tell(&Event::Shares);
    }

    pub(super) async fn list_shares(&self) -> Result<Vec<ShareRow>, Failure> {
        let mut account = self.newest_account().await?;
        if now_ms().saturating_sub(self.sharing.looked_ms.get()) > LOOK_AGAIN_MS {
            self.look_for_people(&mut account).await;
        }
        self.wait_for_people(&account);
        let heads = sharing::heads(self.session).await?;
        let account_head = account.replica().state().head.seq;
        let mut rows = Vec::new();
        for (vault_id, seq) in heads {
            let at = [seq, account_head];
            if let Some(row) = self.share_row(&mut account, vault_id, at).await? {
                rows.push(row);
            }
        }
        rows.sort_by(|a, b| a.name.cmp(&b.name).then(a.share.cmp(&b.share)));
        Ok(rows)
    }

    async fn share_row(
        &self,
        account: &mut Account<'s>,
        vault_id: VaultId,
        at: [u64; 2],
    ) -> Result<Option<ShareRow>, Failure> {
        let known = self.sharing.known.borrow().get(&vault_id).cloned();
        let share = match known.filter(|(then, _)| *then == at) {
            Some((_, share)) => share,
            None => match self.look_at(account, vault_id).await {
                Ok(Some(share)) => {
                    // One that is open may not have come to that entry yet.
                    let is_open = self.open_space(Some(ShareId(vault_id))).is_some();
                    if !is_open && !share.has_groups {
                        let known = (at, share.clone());
                        self.sharing.known.borrow_mut().insert(vault_id, known);
                    }
                    share
                }
                Ok(None) => return Ok(None),
                // One that is not what it was does not keep the rest from
                // being shown.
                Err(ClientError::Tampered(_)) => return Ok(tampered(account, vault_id)),
                Err(error) => return Err(error.into()),
            },
        };
        let owner = match share.state {
            sharing::ShareState::Unreadable | sharing::ShareState::Forged => nobody(),
            _ => self.tag(account, vault_id, share.owner).await?,
        };
        Ok(Some(ShareRow {
            share: ShareId(vault_id),
            name: share.name,
            is_group: share.kind == VaultKind::Group,
            role: role_of(share.role),
            expires_ms: expiry(share.expires_ms),
            members: share.members,
            owner,
            state: match share.state {
                sharing::ShareState::Offered => ShareState::Offered,
                sharing::ShareState::Accepted => ShareState::Accepted,
                sharing::ShareState::Declined => ShareState::Declined,
                sharing::ShareState::Unreadable => ShareState::Unreadable,
                sharing::ShareState::Forged => ShareState::Forged,
            },
        }))
    }

    /// A share as it is now; of one that is open, as it is open.
    async fn look_at(
        &self,
        account: &Account<'s>,
        vault_id: VaultId,
    ) -> sv_client::error::Result<Option<Share>> {
        match self.open_space(Some(ShareId(vault_id))) {
            Some(space) => sharing::share_in(account, space.drive().await.vault()).await,
            None => sharing::share_of(account, vault_id).await,
        }
    }

    pub(super) async fn accept_share(&self, call: AcceptShare) -> Result<String, Failure> {
        let mut account = self.newest_account().await?;
        let name = Name::parse(call.name.trim())?;
        let ShareId(vault_id) = call.share;
        let name = account.accept_share(vault_id, &name).await?;
        self.account_changed(&account);
        drop(account);
        if let Some(into) = call.into {
            let (space, folder) = self.folder(into).await?;
            let shown = name.clone();
            self.change(&space, async |drive| {
                drive.mount_in(folder, &shown, vault_id).await
            })
            .await?;
        }
        Ok(name.to_string())
    }

    pub(super) async fn rename_share(&self, call: RenameShare) -> Result<String, Failure> {
        let mut account = self.newest_account().await?;
        let ShareId(vault_id) = call.share;
        let name = Name::parse(call.name.trim())?;
        if !account.knows(&vault_id) {
            return Err(Failure::new(FailureKind::NotAccepted));
        }
        let name = account.accept_share(vault_id, &name).await?;
        self.account_changed(&account);
        Ok(name.to_string())
    }

    pub(super) async fn decline_share(&self, call: DeclineShare) -> Result<(), Failure> {
        let mut account = self.newest_account().await?;
        let ShareId(vault_id) = call.share;
        let name = match self.look_at(&account, vault_id).await? {
            Some(share) => Name::parse(&share.name)?,
            None => return Err(Failure::new(FailureKind::NoAccess)),
        };
        account.decline_share(vault_id, &name).await?;
        self.account_changed(&account);
        Ok(())
    }

    pub(super) async fn reconsider_share(&self, call: ReconsiderShare) -> Result<(), Failure> {
        let mut account = self.newest_account().await?;
        let ShareId(vault_id) = call.share;
        account.reconsider_share(vault_id).await?;
        self.account_changed(&account);
        Ok(())
    }

    pub(super) async fn leave_share(&self, call: LeaveShare) -> Result<(), Failure> {
        let mut account = self.newest_account().await?;
        let ShareId(vault_id) = call.share;
        let space = self.open_space(Some(call.share));
        match self.take(&account, call.share, space.as_deref()).await {
            Ok(mut taken) => {
                let left = taken.vault().leave().await;
                self.give_back(taken);
                left.map_err(|error| self.failed(Some(call.share), error))?;
            }
            // It was given up already, and the answer was lost.
            Err(failure) if failure.kind == FailureKind::NoAccess => {}
            Err(failure) => return Err(failure),
        }
        if let Some(name) = local_name(&account, vault_id) {
            account.decline_share(vault_id, &name).await?;
        }
        self.account_changed(&account);
        Ok(())
    }

    pub(super) async fn new_group(&self, call: NewGroup) -> Result<ShareId, Failure> {
        let mut account = self.newest_account().await?;
        let wanted = Name::parse(call.name.trim())?;
        let (kind, suite) = (VaultKind::Group, ContentSuite::Blocks);
        let name = sharing::make_vault(self.session, &mut account, &wanted, kind, suite).await?;
        self.account_changed(&account);
        let made = account.shared_vaults().into_iter().map(|(_, vault)| vault);
        let mut made = made.filter(|vault| !vault.is_declined && vault.name == name);
        let made = made.next().ok_or(Failure::new(FailureKind::Gone))?;
        Ok(ShareId(made.vault_id))
    }

    /// Looks from time to time whether those who are waited for have come.
    fn wait_for_people(&self, account: &Account<'s>) {
        if account.waiting_count() > 0 && !self.sharing.is_waiting.replace(true) {
            self.start(Job::Await);
        }
    }

    /// Looks again and again, until nobody is waited for.
    pub(super) async fn await_people(&self) {
        loop {
            let left = {
                let mut account = self.account_vault().await;
                self.look_for_people(&mut account).await;
                account.waiting_count() as u64
            };
            if left == 0 || self.is_halted() {
                break;
            }
            let pause = LOOK_MS_EACH.saturating_mul(left);
            self.browser().sleep(LOOK_MS.max(pause)).await;
        }
        self.sharing.is_waiting.set(false);
    }

    /// Says who was waited for and has come. A person decides whether it is
    /// them: anybody can have taken the name.
    async fn look_for_people(&self, account: &mut Account<'s>) {
        if account.waiting_count() == 0 {
            return;
        }
        self.sharing.looked_ms.set(now_ms());
        let ready = match account.ready_invitations().await {
            Ok(ready) => ready,
            // It is tried again; the bar at the top says why it waits.
            Err(ClientError::Offline(_)) => return,
            Err(error) => {
                let failure = Failure::from(error);
                self.notice(&failure);
                // Told once: it is tried again and again.
                if self.sharing.hindrance.replace(Some(failure.clone())) != Some(failure.clone()) {
                    self.outlet.tell(&Event::NotCompleted(failure.into()));
                }
                return;
            }
        };
        let names: BTreeSet<String> = ready
            .iter()
            .map(|one| one.person.handle.to_string())
            .collect();
        let mut told = self.sharing.told.borrow_mut();
        let news: Vec<String> = names
            .into_iter()
            .filter(|n| told.insert(n.clone()))
            .collect();
        drop(told);
        if !news.is_empty() {
            self.outlet.tell(&Event::Came(news));
        }
    }

    /// Gives somebody who was waited for all that they were invited to.
    pub(super) async fn admit(&self, call: Admit) -> Result<(), Failure> {
        let mut account = self.newest_account().await?;
        let mut done = Ok(());
        for one in account.ready_invitations().await? {
            if one.person.handle.to_string() == call.name {
                // One that cannot be kept spoils no other.
                done = done.and(account.complete_invitation(&one).await);
            }
        }
        self.account_changed(&account);
        done.map_err(Failure::from)
    }
}

/// The number of a vault's newest entry here.
fn newest(drive: &Drive<'_, Browser>) -> u64 {
    drive.vault().replica().state().head.seq
}

/// What this person said of a share.
fn said(account: &Account<'_>, vault_id: VaultId) -> Option<SharedVault> {
    let known = account.shared_vaults().into_iter().map(|(_, vault)| vault);
    known.into_iter().find(|vault| vault.vault_id == vault_id)
}

/// What this person calls a share.
fn local_name(account: &Account<'_>, vault_id: VaultId) -> Option<Name> {
    said(account, vault_id).map(|vault| vault.name)
}

/// One that was accepted and is not what it was. Of one that was not wanted
/// nothing is said.
fn tampered(account: &Account<'_>, vault_id: VaultId) -> Option<ShareRow> {
    let wanted = said(account, vault_id).filter(|vault| !vault.is_declined)?;
    Some(ShareRow {
        share: ShareId(vault_id),
        name: wanted.name.to_string(),
        is_group: false,
        role: Role::Viewer,
        expires_ms: None,
        members: 0,
        owner: nobody(),
        state: ShareState::Tampered,
    })
}

const fn nobody() -> PersonTag {
    PersonTag {
        name: String::new(),
        trust: None,
    }
}

const fn ledger_role(role: Role) -> sv_ledger::state::Role {
    match role {
        Role::Viewer => sv_ledger::state::Role::Viewer,
        Role::Contributor => sv_ledger::state::Role::Contributor,
        Role::Editor => sv_ledger::state::Role::Editor,
        Role::Manager => sv_ledger::state::Role::Manager,
        Role::Owner => sv_ledger::state::Role::Owner,
    }
}

const fn expiry(ms: u64) -> Option<u64> {
    match ms {
        0 => None,
        ms => Some(ms),
    }
}
