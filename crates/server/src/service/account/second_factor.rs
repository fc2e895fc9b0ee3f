//! The second factor: checked in one place, whoever asks for it.

use sv_api::ErrorCode;
use sv_api::account::{CodeRequest, LoginResponse};
use sv_ledger::id::VaultId;
use sv_ledger::unlock::UnlockerKind;

use super::code::{Code, GivenCode};
use super::login::remember_device;
use super::session::{Kind, NewSession, SecondFactor, Session};
use super::throttle::{CODE_BY_STRANGERS, CODE_FROM_DEVICE, Charge};
use super::totp::TotpSecret;
use super::unlockers::unlock;
use super::{Accounts, MINUTE_MS};
use crate::db::Write;
use crate::secrets::{Keyed, Sealed};
use crate::service::audit::{self, Event};
use crate::service::{Error, Result};
use crate::store::accounts::account::{self, Account};
use crate::store::accounts::code::{self, CodeUse};
use crate::store::accounts::session;

/// Milliseconds in which somebody who came in with an administrator's reset
/// code sets up a new second factor: they have no code to prove anything with.
const RESET_PROOF_MS: u64 = 30 * MINUTE_MS;

/// What a code that was right was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accepted {
    /// The authenticator's, or a backup code.
    Ordinary,
    /// An administrator's reset code.
    Reset,
}

impl Accounts {
    /// Completes a log-in. Only here does a wrap first leave the server.
    ///
    /// # Errors
    /// [`ErrorCode::WrongCode`], [`ErrorCode::CodeUsed`],
    /// [`ErrorCode::RateLimited`].
    pub async fn finish_second_factor(
        &self,
        session: &Session<SecondFactor>,
        request: &CodeRequest,
    ) -> Result<LoginResponse> {
        let (uid, now_ms) = (session.uid(), self.clock.now_ms());
        let charge = self.charge_code(uid, session.row.device).await?;
        let done = self
            .db
            .retry(|| self.complete(session, request, &charge, now_ms))
            .await;
        self.note_wrong_code(uid, &done).await?;
        done
    }

    async fn complete(
        &self,
        session: &Session<SecondFactor>,
        request: &CodeRequest,
        charge: &Charge,
        now_ms: u64,
    ) -> Result<LoginResponse> {
        let uid = session.uid();
        let mut w = self.db.write().await?;
        let account = fetch(&mut w, uid).await?;
        // Two requests with two good codes: one session, one log-in.
        if !session::delete(&mut w, session.row.token_hash).await? {
            return Err(ErrorCode::NotLoggedIn.into());
        }
        let accepted = self
            .check_code(&mut w, &account, &request.code, charge)
            .await?;
        let device_token = remember_device(&mut w, uid, session.row.device, now_ms).await?;
        if session.row.device.is_none() {
            audit::note(&mut w, now_ms, Event::by(uid, audit::Kind::NewDevice)).await?;
        }
        let new = NewSession {
            uid,
            kind: Kind::Full,
            label: &request.device_label,
            device: Some(device_token.1),
            proved_until_ms: match accepted {
                Accepted::Ordinary => 0,
                Accepted::Reset => now_ms.saturating_add(RESET_PROOF_MS),
            },
        };
        let (token, _) = new.open(&mut w, now_ms).await?;
        let unlock = unlock(&mut w, &account, UnlockerKind::Password).await?;
        let called_off_deletion = account.deleted_from_ms.is_some();
        if called_off_deletion {
            account::set_deleted_from(&mut w, uid, None).await?;
            let event = Event::by(uid, audit::Kind::DeletionCalledOff);
            audit::note(&mut w, now_ms, event).await?;
        }
        w.commit().await?;
        Ok(LoginResponse {
            session: Some(token),
            device_token: Some(device_token.0),
            unlock,
            called_off_deletion,
        })
    }

    /// Writes a code that was wrong down, outside the unit of work that it
    /// undid.
    pub(super) async fn note_wrong_code<T>(&self, uid: VaultId, done: &Result<T>) -> Result<()> {
        let code = done.as_ref().err().map(Error::code);
        if let Some(ErrorCode::WrongCode | ErrorCode::CodeUsed) = code {
            let event = Event::by_nobody(audit::Kind::CodeWrong).about(*uid.as_bytes());
            self.note(event).await?;
        }
        Ok(())
    }

    /// Counts one try of a second factor.
    pub(super) async fn charge_code(
        &self,
        uid: VaultId,
        device: Option<[u8; 32]>,
    ) -> Result<Charge> {
        let uid = uid.as_bytes().as_slice();
        match device {
            Some(device) => self.charge(&[(CODE_FROM_DEVICE, &[uid, &device])]).await,
            None => self.charge(&[(CODE_BY_STRANGERS, &[uid])]).await,
        }
    }

    /// Uses a code up. A right one gives its try back.
    pub(super) async fn check_code(
        &self,
        w: &mut Write,
        account: &Account,
        text: &str,
        charge: &Charge,
    ) -> Result<Accepted> {
        let accepted = match GivenCode::parse(text).ok_or(ErrorCode::WrongCode)? {
            GivenCode::Totp(digits) => {
                let sealed = account.totp.as_deref().ok_or(ErrorCode::WrongCode)?;
                let secret = self.open_totp(account.uid, sealed)?;
                let step = secret
                    .step_of(&digits, self.clock.now_ms())
                    .ok_or(ErrorCode::WrongCode)?;
                if !account::use_totp_step(w, account.uid, step).await? {
                    return Err(ErrorCode::CodeUsed.into());
                }
                Accepted::Ordinary
            }
            GivenCode::Backup(code) => {
                let hash = self.code_hash(account.uid, &code);
                let now_ms = self.clock.now_ms();
                let (accepted, kind) = match code::spend(w, account.uid, hash, now_ms).await? {
                    CodeUse::Backup => (Accepted::Ordinary, audit::Kind::BackupCodeUsed),
                    CodeUse::Reset => (Accepted::Reset, audit::Kind::ResetCodeUsed),
                    CodeUse::Spent => return Err(ErrorCode::CodeUsed.into()),
                    CodeUse::Unknown => return Err(ErrorCode::WrongCode.into()),
                };
                audit::note(w, now_ms, Event::by(account.uid, kind)).await?;
                accepted
            }
        };
        charge.give_back(w).await?;
        Ok(accepted)
    }

    /// Opens a stored TOTP secret.
    pub(super) fn open_totp(&self, uid: VaultId, sealed: &[u8]) -> Result<TotpSecret> {
        self.kek
            .open(Sealed::TotpSecret, uid.as_bytes(), sealed)
            .ok()
            .and_then(|bytes| TotpSecret::from_slice(&bytes))
            .ok_or(Error::Internal("a TOTP secret does not open"))
    }

    /// What is stored of a backup code.
    pub(super) fn code_hash(&self, uid: VaultId, code: &Code) -> [u8; 32] {
        let fields = [uid.as_bytes().as_slice(), code.as_bytes()];
        self.kek.keyed_hash(Keyed::BackupCode, &fields)
    }
}

/// The account of a session, locked until the end of the unit of work.
pub(super) async fn fetch(w: &mut Write, uid: VaultId) -> Result<Account> {
    let account = account::lock(w, uid).await?;
    let account = account.ok_or(ErrorCode::NotLoggedIn)?;
    match account.disabled {
        true => Err(ErrorCode::AccountDisabled.into()),
        false => Ok(account),
    }
}
