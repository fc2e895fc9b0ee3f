//! Log-in by password: KE1, KE2, KE3, then the second factor. A handle that
//! nobody has goes the same way, through the same buckets, to the same answer.

use sv_api::account::{
    LoginFinishRequest, LoginFinishResponse, LoginStartRequest, LoginStartResponse,
};
use sv_api::{Base64, ErrorCode};
use sv_ledger::handle::Handle;
use sv_ledger::id::{SessionId, VaultId};
use sv_pake::{LoginContext, PasswordRecord, ServerError, ServerLogin};

use super::second_factor::fetch;
use super::session::{Kind as SessionKind, NewSession, generate_token, hash_token};
use super::throttle::{
    Charge, LOGIN_BY_STRANGERS, LOGIN_FROM_ANYONE_THERE, LOGIN_FROM_DEVICE, LOGIN_FROM_NETWORK,
};
use super::{Accounts, MINUTE_MS, malformed, parse_handle};
use crate::db::Write;
use crate::secrets::{Sealed, random, system_rng};
use crate::service::account::throttle::PROOF;
use crate::service::audit::{self, Event, Kind};
use crate::service::{Error, Result};
use crate::store::accounts::account::{self, Account};
use crate::store::accounts::login::{self as store, PendingLogin};

/// Milliseconds between KE2 and KE3.
const LOGIN_TTL_MS: u64 = 2 * MINUTE_MS;

/// A log-in whose password was right, and which is still to be used up.
pub(super) struct ProvedLogin {
    pub(super) uid: VaultId,
    pub(super) session_id: Option<SessionId>,
    login_id: [u8; 16],
    device: Option<[u8; 32]>,
    charge: Charge,
}

impl ProvedLogin {
    /// Uses it up together with what it is for, and gives its try back. If
    /// the password was changed meanwhile, it is gone.
    pub(super) async fn use_up(&self, w: &mut Write) -> Result<()> {
        if !store::take(w, self.login_id).await? {
            return Err(ErrorCode::WrongCredentials.into());
        }
        self.charge.give_back(w).await
    }
}

impl Accounts {
    /// Answers KE1. `network` names where the request comes from.
    ///
    /// # Errors
    /// [`ErrorCode::RateLimited`]; [`ErrorCode::BadRequest`] for what is no
    /// handle or no KE1.
    pub async fn start_login(
        &self,
        request: &LoginStartRequest,
        network: [u8; 16],
    ) -> Result<LoginStartResponse> {
        let handle = parse_handle(&request.handle)?;
        let device = request.device_token.as_deref().and_then(hash_token);
        let mut read = self.db.read().await?;
        let account = account::lookup_by_handle(&mut read, handle.as_str()).await?;
        let owner = match device {
            Some(device) => store::device_owner(&mut read, device).await?,
            None => None,
        };
        drop(read);
        let is_own = owner.is_some() && owner == account.as_ref().map(|a| a.uid);
        let device = device.filter(|_| is_own);
        let name = handle.as_str().as_bytes();
        let charge = match &device {
            Some(device) => self.charge(&[(LOGIN_FROM_DEVICE, &[name, device])]).await?,
            None => {
                self.charge(&[
                    (LOGIN_FROM_NETWORK, &[name, &network]),
                    (LOGIN_BY_STRANGERS, &[name]),
                    (LOGIN_FROM_ANYONE_THERE, &[&network]),
                ])
                .await?
            }
        };
        let pending = Pending {
            session_id: None,
            device,
            charge,
        };
        self.answer_ke1(&handle, account.as_ref(), &request.ke1, pending)
            .await
    }

    /// Checks KE3. The session it gives can only give the second factor.
    ///
    /// # Errors
    /// [`ErrorCode::WrongCredentials`]; [`ErrorCode::AccountDisabled`], which
    /// only somebody who knows the password gets to see.
    pub async fn finish_login(&self, request: &LoginFinishRequest) -> Result<LoginFinishResponse> {
        let proved = self.check_ke3(&request.login_id, &request.ke3).await?;
        if proved.session_id.is_some() {
            return Err(ErrorCode::WrongCredentials.into());
        }
        self.db
            .retry(|| async {
                let mut w = self.db.write().await?;
                let account = fetch(&mut w, proved.uid).await?;
                proved.use_up(&mut w).await?;
                let new = NewSession {
                    uid: account.uid,
                    kind: SessionKind::SecondFactor,
                    label: "",
                    device: proved.device,
                    proved_until_ms: 0,
                };
                let (session, _) = new.open(&mut w, self.clock.now_ms()).await?;
                w.commit().await?;
                Ok(LoginFinishResponse { session })
            })
            .await
    }

    /// Answers KE1 within a session, for a fresh proof of its own account.
    pub(super) async fn start_proof_login(
        &self,
        account: &Account,
        session_id: SessionId,
        request: &LoginStartRequest,
    ) -> Result<LoginStartResponse> {
        let handle = parse_handle(&request.handle)?;
        if handle.as_str() != account.handle {
            return Err(ErrorCode::WrongCredentials.into());
        }
        let charge = self.charge(&[(PROOF, &[session_id.as_bytes()])]).await?;
        let pending = Pending {
            session_id: Some(session_id),
            device: None,
            charge,
        };
        self.answer_ke1(&handle, Some(account), &request.ke1, pending)
            .await
    }

    async fn answer_ke1(
        &self,
        handle: &Handle,
        account: Option<&Account>,
        ke1: &Base64,
        pending: Pending,
    ) -> Result<LoginStartResponse> {
        let record = account
            .map(|a| PasswordRecord::parse(&a.password_record))
            .transpose()
            .map_err(|_| Error::Internal("a stored password record is malformed"))?;
        let (state, ke2) = ServerLogin::start(
            self.instance.setup(),
            record,
            &ke1.0,
            &self.instance.credential_identifier(handle),
            &LoginContext::new(self.instance.id().as_bytes(), handle.as_str()),
            &mut system_rng(),
        )
        .map_err(malformed)?;
        let login_id: [u8; 16] = random();
        let login = PendingLogin {
            uid: account.map(|a| a.uid),
            session_id: pending.session_id,
            state: self
                .kek
                .seal(Sealed::LoginState, &login_id, state.to_bytes().as_slice()),
            device: pending.device,
            buckets: pending.charge.to_bytes(),
            expires_ms: self.clock.now_ms().saturating_add(LOGIN_TTL_MS),
        };
        let keep = || async {
            let mut w = self.db.write().await?;
            // A change of password ends the log-ins that it finds: this one,
            // made on what was read before, must not come in behind it.
            let uid = login.uid.unwrap_or(VaultId::ZERO);
            let now = account::lock(&mut w, uid).await?;
            if now.map(|now| now.password_record) != account.map(|a| a.password_record.clone()) {
                return Err(ErrorCode::WrongCredentials.into());
            }
            store::insert(&mut w, login_id, login.clone()).await?;
            Ok::<_, Error>(w.commit().await?)
        };
        self.db.retry(keep).await?;
        Ok(LoginStartResponse {
            login_id: login_id.into(),
            ke2: ke2.into(),
        })
    }

    /// Checks KE3. A wrong one ends its log-in.
    pub(super) async fn check_ke3(&self, login_id: &Base64, ke3: &Base64) -> Result<ProvedLogin> {
        let login_id: [u8; 16] = login_id.array().map_err(malformed)?;
        let now_ms = self.clock.now_ms();
        let login = store::lookup(&mut self.db.read().await?, login_id, now_ms).await?;
        let login = login.ok_or(ErrorCode::WrongCredentials)?;
        let state = self
            .kek
            .open(Sealed::LoginState, &login_id, &login.state)
            .ok()
            .and_then(|bytes| ServerLogin::from_bytes(&bytes).ok())
            .ok_or(Error::Internal("a log-in's state does not open"))?;
        if let Err(error) = state.finish(&ke3.0) {
            self.db
                .retry(|| self.end_login(login_id, login.uid))
                .await?;
            return Err(match error {
                ServerError::Malformed(what) => malformed(what),
                ServerError::WrongPassword => ErrorCode::WrongCredentials.into(),
            });
        }
        Ok(ProvedLogin {
            uid: login.uid.ok_or(ErrorCode::WrongCredentials)?,
            session_id: login.session_id,
            login_id,
            device: login.device,
            charge: Charge::from_bytes(&login.buckets),
        })
    }

    /// Written down alike for a handle that nobody has, whose log-in ends here
    /// too.
    async fn end_login(&self, login_id: [u8; 16], uid: Option<VaultId>) -> Result<()> {
        let mut w = self.db.write().await?;
        store::take(&mut w, login_id).await?;
        let whose = uid.unwrap_or(VaultId::ZERO);
        let event = Event::by_nobody(Kind::PasswordWrong).about(*whose.as_bytes());
        audit::note(&mut w, self.clock.now_ms(), event).await?;
        Ok(w.commit().await?)
    }
}

struct Pending {
    session_id: Option<SessionId>,
    device: Option<[u8; 32]>,
    charge: Charge,
}

/// Makes the device known from now on, in place of what it was known by.
pub(super) async fn remember_device(
    w: &mut Write,
    uid: VaultId,
    before: Option<[u8; 32]>,
    now_ms: u64,
) -> Result<(String, [u8; 32])> {
    if let Some(before) = before {
        store::delete_device(w, before).await?;
    }
    let (token, hash) = generate_token();
    store::insert_device(w, hash, uid, now_ms).await?;
    Ok((token, hash))
}
