//! An open account: its calls are served side by side.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use futures::channel::mpsc;
use futures::future::LocalBoxFuture;
use futures::lock::Mutex;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt, select_biased};
use sv_client::account::Session;
use sv_client::vault::Vault;
use sv_core::RecoveryKey;
use sv_ledger::id::VaultId;

use super::door::{identity, server_info};
use super::fernet;
use super::gate::Gate;
use super::inbox::{Asked, Inbox, Message};
use super::links::Links;
use super::outlet::Outlet;
use super::platform::Browser;
use super::service;
use super::sharing::Sharing;
use super::space::{Beside, Space};
use super::transfers::{Planned, Transfers};
use super::view::View;
use crate::worker::failure::Failure;
use sv_bridge::*;

/// An account that has been opened.
pub(super) struct Opened {
    pub(super) session: Session<Browser>,
    pub(super) links: Links,
}

/// Why an account is no longer open.
pub(super) enum End {
    /// The page is gone.
    Over,
    /// By this call.
    LoggedOut(u32, Box<Session<Browser>>),
    /// The server says that the session has ended.
    Ended(Box<Session<Browser>>),
    /// Another tab has taken it over.
    Lost,
}

/// Something that goes on without a call that waits for it.
pub(super) enum Job {
    /// Open the drive, then follow it.
    Follow,
    /// Work through the queue of uploads.
    Upload,
    /// Bring the view up to date with what an upload has landed in a vault.
    Renew(Option<ShareId>),
    /// Open a shared vault, of which something is to be shown.
    Look(ShareId),
    /// Wait for the end of this person's access to a shared vault.
    End(ShareId, u64),
    /// Look for people who are waited for.
    Await,
    /// The session has ended.
    Ended,
}

/// What the calls of an open account work on.
pub(super) struct Open<'s> {
    pub(super) session: &'s Session<Browser>,
    pub(super) outlet: Outlet,
    pub(super) links: Links,
    pub(super) transfers: Transfers,
    pub(super) plans: RefCell<HashMap<u64, Planned>>,
    /// Drawn, shown, and not yet in force.
    pub(super) recovery_key: RefCell<Option<RecoveryKey>>,
    pub(super) account: OnceCell<Mutex<Vault<'s, Browser>>>,
    /// The drive.
    pub(super) own: OnceCell<Rc<Space<'s>>>,
    /// Vaults beside the drive that were looked into.
    pub(super) beside: RefCell<BTreeMap<ShareId, Beside<'s>>>,
    /// Whether account and drive are open.
    pub(super) is_open: Gate,
    pub(super) view: RefCell<Rc<View>>,
    /// The newest entry of each vault that the server has told of.
    pub(super) told: RefCell<BTreeMap<VaultId, u64>>,
    pub(super) sharing: Sharing,
    /// Why nothing goes on: the server was caught.
    halted: RefCell<Option<Failure>>,
    connection: Cell<Option<Connection>>,
    jobs: mpsc::UnboundedSender<Job>,
}

/// Serves an account until it is closed.
pub(super) async fn serve(opened: Opened, outlet: &Outlet, inbox: &mut Inbox) -> End {
    let Opened { session, links } = opened;
    let end = {
        let (jobs, mut due) = mpsc::unbounded();
        let open = Open {
            session: &session,
            outlet: outlet.clone(),
            links: links.clone(),
            transfers: Transfers::default(),
            plans: RefCell::default(),
            recovery_key: RefCell::default(),
            account: OnceCell::new(),
            own: OnceCell::new(),
            beside: RefCell::default(),
            is_open: Gate::new(false),
            view: RefCell::default(),
            told: RefCell::default(),
            sharing: Sharing::default(),
            halted: RefCell::default(),
            connection: Cell::default(),
            jobs,
        };
        open.start(Job::Follow);
        let mut tasks: FuturesUnordered<LocalBoxFuture<'_, ()>> = FuturesUnordered::new();
        loop {
            select_biased! {
                message = inbox.next().fuse() => match message {
                    None => break Ending::Over,
                    Some(Message::Lost) => break Ending::Lost,
                    Some(Message::Fetch(fetch)) => tasks.push(
                        service::answer(Some(open.session), &open.outlet, &open.links, fetch)
                            .boxed_local(),
                    ),
                    Some(Message::Call(Asked { id, call: Some(AnyCall::LogOut(_)), .. })) => {
                        break Ending::LoggedOut(id);
                    }
                    Some(Message::Call(asked)) => tasks.push(open.answer(asked).boxed_local()),
                },
                job = due.next() => match job {
                    Some(Job::Ended) => break Ending::Ended,
                    Some(job) => tasks.push(open.run(job).boxed_local()),
                    None => break Ending::Over,
                },
                _ = tasks.select_next_some() => {}
            }
        }
    };
    links.clear();
    match end {
        Ending::Over => End::Over,
        Ending::Lost => End::Lost,
        Ending::Ended => End::Ended(Box::new(session)),
        Ending::LoggedOut(id) => End::LoggedOut(id, Box::new(session)),
    }
}

enum Ending {
    Over,
    Lost,
    Ended,
    LoggedOut(u32),
}

impl Open<'_> {
    pub(super) fn start(&self, job: Job) {
        // The receiver lives as long as this.
        let _ = self.jobs.unbounded_send(job);
    }

    async fn run(&self, job: Job) {
        match job {
            Job::Follow => self.follow().await,
            Job::Upload => self.upload_all().await,
            Job::Renew(share) => self.renew_soon(share).await,
            Job::Look(share) => {
                // If it fails, its mount says so, or is looked at again.
                let _ = self.space(Some(share)).await;
            }
            Job::End(share, ends_ms) => self.end(share, ends_ms).await,
            Job::Await => self.await_people().await,
            Job::Ended => {}
        }
    }

    /// Where this runs.
    pub(super) fn browser(&self) -> &Browser {
        self.session.platform()
    }

    /// What is shown, once there is something.
    pub(super) async fn view(&self) -> Rc<View> {
        self.is_open.pass().await;
        self.view.borrow().clone()
    }

    /// Says whether changes are seen as they happen.
    pub(super) fn connection(&self, connection: Connection) {
        if self.connection.replace(Some(connection)) != Some(connection) {
            self.outlet.tell(&Event::Connection(connection));
        }
    }

    /// Whether the server was caught.
    pub(super) fn is_halted(&self) -> bool {
        self.halted.borrow().is_some()
    }

    /// Takes notice of a failure: of one that ends everything, or the session.
    pub(super) fn notice(&self, failure: &Failure) {
        if failure.is_fatal() && !self.is_halted() {
            *self.halted.borrow_mut() = Some(failure.clone());
            self.outlet.tell(&Event::Tampered(failure.0.clone()));
            self.transfers.halt(&self.outlet, failure);
        }
        if failure.is_session_over() {
            self.start(Job::Ended);
        }
    }

    fn reply<C: Call>(&self, id: u32, answer: Result<C::Answer, Failure>) {
        if let Err(failure) = &answer {
            self.notice(failure);
        }
        self.outlet.answer::<C>(id, answer);
    }

    async fn answer(&self, asked: Asked) {
        let Asked { id, call, objects } = asked;
        let Some(call) = call else {
            return self.outlet.refuse(id, FailureKind::Other);
        };
        let halted = self.halted.borrow().clone();
        if let Some(failure) = halted {
            return self.outlet.answer::<Start>(id, Err(failure));
        }
        macro_rules! serve {
            ($($name:ident($call:pat) => $answer:expr,)*) => {
                match call {
                    $(AnyCall::$name($call) => self.reply::<$name>(id, $answer),)*
                }
            };
        }
        let out_of_order = || Failure::new(FailureKind::OutOfOrder);
        serve! {
            Start(_) => Ok(Stage::Open(identity(self.session))),
            TakeOver(_) => Ok(Stage::Open(identity(self.session))),
            GetServer(_) => server_info(self.browser()).await,
            SignUp(_) => Err(out_of_order()),
            ConfirmSignUp(_) => Err(out_of_order()),
            CancelSignUp(_) => Err(out_of_order()),
            LogIn(_) => Err(out_of_order()),
            GiveCode(_) => Err(out_of_order()),
            StartRecovery(_) => Err(out_of_order()),
            GiveRecoveryCode(_) => Err(out_of_order()),
            SetRecoveredPassword(_) => Err(out_of_order()),
            LogOut(_) => Err(out_of_order()),
            GetAccount(_) => self.account().await,
            ProvePassword(call) => self.prove(call).await,
            ChangePassword(call) => self.change_password(call).await,
            NewTotp(_) => self.new_totp().await,
            ConfirmTotp(call) => self.confirm_totp(call).await,
            NewBackupCodes(_) => self.new_backup_codes().await,
            NewRecoveryKey(_) => self.new_recovery_key(),
            PutRecoveryKeyInForce(call) => self.put_recovery_key_in_force(call).await,
            ListSessions(_) => self.sessions().await,
            EndSession(call) => self.end_session(call).await,
            DeleteAccount(_) => self.delete_account().await,
            ListFolder(call) => self.list_folder(call).await,
            ListIds(call) => self.list_ids(call).await,
            Search(call) => Ok(self.view().await.search(&call.text, call.from, call.count)),
            ListRecent(call) => Ok(self.view().await.recent(call.count)),
            ListNotes(call) => Ok(self.view().await.notes(call.count)),
            GetItem(call) => self.item(call).await,
            GetUsage(call) => self.usage(call).await,
            NewFolder(call) => self.new_folder(call).await,
            Rename(call) => self.rename(call).await,
            Move(call) => self.move_items(call).await,
            Copy(call) => self.copy_items(call).await,
            Trash(call) => self.trash(call).await,
            Untrash(call) => self.untrash(call).await,
            ListTrash(call) => Ok(self.view().await.trash(call.from, call.count)),
            Remove(call) => self.remove(call).await,
            EmptyTrash(_) => self.empty_trash().await,
            ListVersions(call) => self.versions(call).await,
            RestoreVersion(call) => self.restore_version(call).await,
            ReadText(call) => self.read_text(call).await,
            NewNote(call) => self.new_note(call).await,
            SaveText(call) => self.save_text(call).await,
            ListShares(_) => self.list_shares().boxed_local().await,
            AcceptShare(call) => self.accept_share(call).boxed_local().await,
            RenameShare(call) => self.rename_share(call).boxed_local().await,
            DeclineShare(call) => self.decline_share(call).boxed_local().await,
            ReconsiderShare(call) => self.reconsider_share(call).boxed_local().await,
            LeaveShare(call) => self.leave_share(call).boxed_local().await,
            GetAccess(call) => self.access(call).boxed_local().await,
            LookUp(call) => self.look_up(call).boxed_local().await,
            GiveAccess(call) => self.give_access(call).boxed_local().await,
            SetAccess(call) => self.set_access(call).boxed_local().await,
            RevokeAccess(call) => self.revoke_access(call).boxed_local().await,
            Admit(call) => self.admit(call).boxed_local().await,
            WithdrawInvitation(call) => self.withdraw_invitation(call).boxed_local().await,
            TransferOwnership(call) => self.transfer_ownership(call).boxed_local().await,
            NewGroup(call) => self.new_group(call).boxed_local().await,
            ListContacts(_) => self.contacts().boxed_local().await,
            GetOwnCode(_) => self.own_code().boxed_local().await,
            GetSafety(call) => self.safety(call).boxed_local().await,
            ConfirmPerson(call) => self.confirm(call).boxed_local().await,
            ReadCode(_) => Err(out_of_order()),
            GetActivity(call) => self.activity(call).boxed_local().await,
            PlanUpload(call) => self.plan_upload(call, objects).await,
            StartUpload(call) => self.start_upload(call),
            DropUpload(call) => self.drop_upload(call),
            ListInterrupted(_) => self.interrupted().await,
            ResumeInterrupted(call) => self.resume_interrupted(call, objects).await,
            ForgetInterrupted(call) => self.forget_interrupted(call).await,
            ListTransfers(_) => Ok(self.transfers.rows()),
            PauseTransfer(call) => {
                self.transfers.pause(&self.outlet, call.id);
                Ok(())
            },
            ResumeTransfer(call) => {
                self.transfers.resume(&self.outlet, call.id);
                Ok(())
            },
            CancelTransfer(call) => {
                self.transfers.cancel(&self.outlet, call.id);
                Ok(())
            },
            RetryTransfer(call) => self.retry_upload(call),
            ClearTransfers(_) => {
                self.transfers.clear();
                Ok(())
            },
            Download(call) => self.download(call).await,
            DownloadRaw(call) => self.download_raw(call).await,
            ExportEverything(_) => self.export_everything().await,
            OpenFile(call) => self.open_file(call).await,
            CloseLink(call) => {
                self.links.close(&call.url);
                Ok(())
            },
            DecryptFile(call) => fernet::decrypt(&self.links, call, objects).await,
            PlanTokens(call) => self.plan_tokens(call, objects).await,
            ExportToken(call) => self.export_token(call).await,
            ListPeople(_) => self.people().await,
            ListInvitations(_) => self.invitations().await,
            CreateInvitation(call) => self.create_invitation(call).await,
            RevokeInvitation(call) => self.revoke_invitation(call).await,
            SetQuota(call) => self.set_quota(call).await,
            SetDisabled(call) => self.set_disabled(call).await,
            ResetSecondFactor(call) => self.reset_second_factor(call).await,
            GetServerState(_) => self.server_state().await,
        }
    }
}
