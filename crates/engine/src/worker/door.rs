//! Nobody is logged in: sign-up, log-in, recovery, and what opens by itself
//! after a reload.

use futures::future::FutureExt;
use sv_client::account::{
    AwaitingCode, KnownInstance, LogIn as ClientLogIn, NewAccount, Profile, Recovered, Recovery,
    Session, Stage as ProfileStage, confirm_sign_up_without_keeping, sign_up, start_recovery,
};
use sv_client::call::Server;
use sv_client::people::Scanned;
use sv_client::port::{Keychain, Platform, Storage};
use sv_client::{ClientError, Tamper};
use sv_core::RecoveryKey;
use sv_ledger::handle::Handle;
use web_sys::DedicatedWorkerGlobalScope;

use super::fernet;
use super::inbox::{Asked, Inbox, Message};
use super::links::Links;
use super::open::{End, Opened};
use super::outlet::Outlet;
use super::platform::{Browser, sleep};
use super::service;
use super::tab::{Manner, hold};
use crate::sight;
use crate::worker::failure::Failure;
use sv_bridge::{
    AnyCall, Call, CancelSignUp, ConfirmSignUp, EmergencySheet, Event, FailureKind, GetServer,
    GiveCode, GiveRecoveryCode, Identity, LogIn, LogOut, ReadCode, ServerInfo,
    SetRecoveredPassword, Sight, SignUp, Stage, Start, StartRecovery, TakeOver, TotpSecret,
};

/// How often a lock that somebody holds is asked for again.
const LOCK_TRIES: u32 = 10;
/// Milliseconds between two tries.
const LOCK_PAUSE_MS: u64 = 100;

/// Where one comes in.
pub(super) struct Door {
    scope: DedicatedWorkerGlobalScope,
    outlet: Outlet,
    links: Links,
    /// For the worker's whole life: flows borrow it.
    browser: Option<&'static Browser>,
    is_ours: bool,
    log_in: Option<AwaitingCode<Browser>>,
    recovery: Option<Recovery<'static, Browser>>,
    recovered: Option<Recovered<'static, Browser>>,
}

/// What a call at the door leads to.
enum Next {
    Stay,
    Open(Box<Opened>),
}

impl Door {
    pub(super) fn new(scope: DedicatedWorkerGlobalScope, outlet: Outlet) -> Self {
        Self {
            scope,
            outlet,
            links: Links::new(),
            browser: None,
            is_ours: false,
            log_in: None,
            recovery: None,
            recovered: None,
        }
    }

    /// Serves until an account is open.
    pub(super) async fn serve(&mut self, inbox: &mut Inbox) -> Option<Opened> {
        loop {
            match inbox.next().await? {
                Message::Call(asked) => {
                    if let Next::Open(opened) = self.answer(asked, inbox).await {
                        return Some(*opened);
                    }
                }
                Message::Fetch(fetch) => {
                    let links = self.links.clone();
                    let outlet = self.outlet.clone();
                    wasm_bindgen_futures::spawn_local(async move {
                        service::answer(None, &outlet, &links, fetch).await;
                    });
                }
                Message::Lost => {
                    self.is_ours = false;
                    self.outlet.tell(&Event::Stage(Stage::Elsewhere));
                }
            }
        }
    }

    /// What is left to do when an account was closed.
    pub(super) async fn closed(&mut self, end: End) {
        let stage = match end {
            End::Over => return,
            End::LoggedOut(id, session) => {
                let handle = session.profile().handle.clone();
                let done = session.log_out().await;
                let answer = done.map(|_| Stage::LoggedOut {
                    handle: Some(handle),
                });
                self.outlet
                    .answer::<LogOut>(id, answer.map_err(Failure::from));
                return;
            }
            End::Ended(session) => {
                let handle = session.profile().handle.clone();
                // The server has said that the session is over, and says it again.
                let _ = session.log_out().await;
                Stage::LoggedOut {
                    handle: Some(handle),
                }
            }
            End::Lost => {
                self.is_ours = false;
                Stage::Elsewhere
            }
        };
        self.outlet.tell(&Event::Stage(stage));
    }

    async fn answer(&mut self, asked: Asked, inbox: &Inbox) -> Next {
        let Asked { id, call, objects } = asked;
        let Some(call) = call else {
            self.outlet.refuse(id, FailureKind::Other);
            return Next::Stay;
        };
        match call {
            AnyCall::Start(_) => {
                let stage = self.start(Manner::IfFree, inbox).await;
                self.enter::<Start>(id, stage)
            }
            AnyCall::TakeOver(_) => {
                let stage = self.start(Manner::Seize, inbox).await;
                self.enter::<TakeOver>(id, stage)
            }
            AnyCall::ConfirmSignUp(call) => {
                let stage = self.confirm_sign_up(call).await;
                self.enter::<ConfirmSignUp>(id, stage)
            }
            AnyCall::GiveCode(call) => {
                let stage = self.give_code(call).await;
                self.enter::<GiveCode>(id, stage)
            }
            AnyCall::GetServer(_) => {
                let server = self.server().await;
                self.outlet.answer::<GetServer>(id, server);
                Next::Stay
            }
            AnyCall::ReadCode(call) => {
                self.outlet.answer::<ReadCode>(id, Ok(read_code(&call)));
                Next::Stay
            }
            AnyCall::SignUp(call) => {
                let sheet = self.sign_up(call).await;
                self.outlet.answer::<SignUp>(id, sheet);
                Next::Stay
            }
            AnyCall::CancelSignUp(_) => {
                let stage = self.cancel_sign_up().await;
                self.outlet.answer::<CancelSignUp>(id, stage);
                Next::Stay
            }
            AnyCall::LogIn(call) => {
                let done = self.log_in(call).await;
                self.outlet.answer::<LogIn>(id, done);
                Next::Stay
            }
            AnyCall::StartRecovery(call) => {
                let done = self.start_recovery(call).await;
                self.outlet.answer::<StartRecovery>(id, done);
                Next::Stay
            }
            AnyCall::GiveRecoveryCode(call) => {
                let done = self.give_recovery_code(call).await;
                self.outlet.answer::<GiveRecoveryCode>(id, done);
                Next::Stay
            }
            AnyCall::SetRecoveredPassword(call) => {
                let done = self.set_recovered_password(call).await;
                self.outlet.answer::<SetRecoveredPassword>(id, done);
                Next::Stay
            }
            AnyCall::DecryptFile(call) => {
                let link = fernet::decrypt(&self.links, call, objects).await;
                self.outlet.answer::<sv_bridge::DecryptFile>(id, link);
                Next::Stay
            }
            AnyCall::CloseLink(call) => {
                self.links.close(&call.url);
                self.outlet.answer::<sv_bridge::CloseLink>(id, Ok(()));
                Next::Stay
            }
            _ => {
                self.outlet.refuse(id, FailureKind::NotLoggedIn);
                Next::Stay
            }
        }
    }

    /// Answers with the stage, and leaves the door if an account is open.
    fn enter<C: Call<Answer = Stage>>(
        &mut self,
        id: u32,
        reached: Result<Reached, Failure>,
    ) -> Next {
        match reached {
            Ok(Reached::Stage(stage)) => {
                self.outlet.answer::<C>(id, Ok(stage));
                Next::Stay
            }
            Ok(Reached::Open(session)) => {
                self.outlet
                    .answer::<C>(id, Ok(Stage::Open(identity(&session))));
                let links = self.links.clone();
                Next::Open(Box::new(Opened {
                    session: *session,
                    links,
                }))
            }
            Err(failure) => {
                self.outlet.answer::<C>(id, Err(failure));
                Next::Stay
            }
        }
    }

    async fn browser(&mut self) -> Result<&'static Browser, Failure> {
        if let Some(browser) = self.browser {
            return Ok(browser);
        }
        let browser: &'static Browser = Box::leak(Box::new(Browser::open(&self.scope).await?));
        self.browser = Some(browser);
        Ok(browser)
    }

    async fn ours(&mut self) -> Result<&'static Browser, Failure> {
        if !self.is_ours {
            return Err(Failure::new(FailureKind::Elsewhere));
        }
        self.browser().await
    }

    async fn start(&mut self, manner: Manner, inbox: &Inbox) -> Result<Reached, Failure> {
        if !self.is_ours {
            self.is_ours = hold(manner, inbox.sender()).await;
            // A page that was just left gives up its lock a moment later.
            for _ in 0..LOCK_TRIES {
                if self.is_ours {
                    break;
                }
                sleep(&self.scope, LOCK_PAUSE_MS).await;
                self.is_ours = hold(manner, inbox.sender()).await;
            }
        }
        if !self.is_ours {
            return Ok(Reached::Stage(Stage::Elsewhere));
        }
        let browser = self.browser().await?;
        let profile = match Profile::load(browser).await {
            Ok(profile) => profile,
            // Keys that the browser dropped open nothing any more; the session
            // that was sealed with them is of no use to anybody.
            Err(ClientError::Tampered(Tamper::LocalState(_))) => {
                browser.storage().clear().await?;
                None
            }
            Err(error) => return Err(error.into()),
        };
        let Some(profile) = profile else {
            return Ok(Reached::Stage(Stage::LoggedOut { handle: None }));
        };
        let handle = profile.handle;
        match profile.stage {
            ProfileStage::LoggedOut => Ok(Reached::Stage(Stage::LoggedOut {
                handle: Some(handle),
            })),
            ProfileStage::AwaitsConfirmation => {
                Ok(Reached::Stage(Stage::AwaitsFirstCode { handle }))
            }
            ProfileStage::Full => match Session::resume(browser.clone()).await {
                Ok(session) => Ok(Reached::Open(Box::new(session))),
                Err(ClientError::NotLoggedIn) => Ok(Reached::Stage(Stage::LoggedOut {
                    handle: Some(handle),
                })),
                Err(ClientError::Offline(_)) => Ok(Reached::Stage(Stage::Unreachable { handle })),
                Err(error) => Err(error.into()),
            },
        }
    }

    async fn server(&mut self) -> Result<ServerInfo, Failure> {
        server_info(self.browser().await?).await
    }

    async fn sign_up(&mut self, call: SignUp) -> Result<EmergencySheet, Failure> {
        let browser = self.ours().await?;
        Handle::choose(&call.handle)
            .map_err(|error| Failure::with_detail(FailureKind::InvalidHandle, error.to_string()))?;
        let new = NewAccount {
            handle: &call.handle,
            password: &call.password,
            invite: call.invite.as_deref(),
            device_label: &call.device_label,
        };
        let signed_up = sign_up(browser, &new).await?;
        Ok(EmergencySheet {
            handle: signed_up.handle.to_string(),
            address: browser.origin(),
            recovery_words: signed_up.recovery_words.to_string(),
            backup_codes: signed_up.backup_codes,
            totp: TotpSecret {
                secret: signed_up.totp.secret,
                otpauth_uri: signed_up.totp.otpauth_uri,
            },
        })
    }

    async fn confirm_sign_up(&mut self, call: ConfirmSignUp) -> Result<Reached, Failure> {
        let browser = self.ours().await?;
        let confirmed = confirm_sign_up_without_keeping(browser.clone(), &call.code).await?;
        match confirmed {
            Some(session) => Ok(Reached::Open(Box::new(session))),
            None => {
                let profile = Profile::load(browser).await?;
                Ok(Reached::Stage(Stage::LoggedOut {
                    handle: profile.map(|profile| profile.handle),
                }))
            }
        }
    }

    async fn cancel_sign_up(&mut self) -> Result<Stage, Failure> {
        let browser = self.ours().await?;
        browser.keychain().wipe().await?;
        browser.storage().clear().await?;
        Ok(Stage::LoggedOut { handle: None })
    }

    async fn log_in(&mut self, call: LogIn) -> Result<(), Failure> {
        let browser = self.ours().await?;
        Handle::parse(&call.handle)
            .map_err(|error| Failure::with_detail(FailureKind::InvalidHandle, error.to_string()))?;
        let log_in = ClientLogIn {
            handle: &call.handle,
            password: &call.password,
            device_label: &call.device_label,
        };
        let started = log_in.start(browser.clone()).await?;
        self.log_in = Some(started.without_keeping());
        Ok(())
    }

    async fn give_code(&mut self, call: GiveCode) -> Result<Reached, Failure> {
        let waiting = self.log_in.take();
        let waiting = waiting.ok_or(Failure::new(FailureKind::OutOfOrder))?;
        let waiting = match call.after_restore {
            true => waiting.after_restore(),
            false => waiting,
        };
        match waiting.finish(&call.code).await {
            Ok(session) => Ok(Reached::Open(Box::new(session))),
            Err((waiting, error)) => {
                self.log_in = waiting.map(|waiting| *waiting);
                Err(error.into())
            }
        }
    }

    async fn start_recovery(&mut self, call: StartRecovery) -> Result<(), Failure> {
        let browser = self.ours().await?;
        RecoveryKey::parse(&call.words)?;
        self.recovery = Some(start_recovery(browser, &call.handle, &call.words).await?);
        Ok(())
    }

    async fn give_recovery_code(&mut self, call: GiveRecoveryCode) -> Result<(), Failure> {
        let recovery = self.recovery.take();
        let recovery = recovery.ok_or(Failure::new(FailureKind::OutOfOrder))?;
        self.recovered = Some(recovery.finish(&call.code).boxed_local().await?);
        Ok(())
    }

    async fn set_recovered_password(&mut self, call: SetRecoveredPassword) -> Result<(), Failure> {
        let recovered = self.recovered.take();
        let recovered = recovered.ok_or(Failure::new(FailureKind::OutOfOrder))?;
        Ok(recovered.set_password(&call.password).await?)
    }
}

/// How far a call came.
enum Reached {
    Stage(Stage),
    Open(Box<Session<Browser>>),
}

/// Whose account that is.
pub(super) fn identity(session: &Session<Browser>) -> Identity {
    let profile = session.profile();
    Identity {
        handle: profile.handle.clone(),
        uid: profile.uid.to_string(),
        device_label: profile.device_label.clone(),
    }
}

/// What the server says of itself.
pub(super) async fn server_info(browser: &Browser) -> Result<ServerInfo, Failure> {
    let server = Server::anonymous(browser);
    let known = Profile::load(browser).await.ok().flatten();
    let told = KnownInstance::describe(&server, known.as_ref().map(|p| &p.instance)).await?;
    Ok(ServerInfo {
        signup: told.signup,
        version: told.version,
        restored_from_ms: told.restored.map(|restored| restored.backup_ms),
    })
}

/// What there is to compare in a picture of the camera.
fn read_code(call: &ReadCode) -> Sight {
    let mut foreign = Sight::Nothing;
    for text in sight::codes(call.width, &call.grey) {
        if Scanned::parse(&text).is_ok() {
            return Sight::Code(text);
        }
        foreign = Sight::Foreign;
    }
    foreign
}
