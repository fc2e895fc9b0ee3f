//! The signed-in account: how it stands, its second factor, its backup codes.

use sv_api::ErrorCode;
use sv_api::account::{AccountStatus, BackupCodes, CodeRequest, TotpSetup};
use sv_ledger::id::VaultId;

use super::code::{BACKUP_CODES, Code};
use super::second_factor::fetch;
use super::session::{Full, FullOrRecovery, Session};
use super::totp::TotpSecret;
use super::{Accounts, MINUTE_MS};
use crate::config::SERVICE;
use crate::db::{self, Query};
use crate::secrets::Sealed;
use crate::service::audit::{self, Event};
use crate::service::{Error, Result};
use crate::store::accounts::{account, code};
use crate::store::quotas;

/// Milliseconds that a new TOTP secret waits for its first code.
const NEW_TOTP_TTL_MS: u64 = 10 * MINUTE_MS;

impl Accounts {
    /// How the account stands.
    ///
    /// # Errors
    /// [`crate::service::Error`] if the database fails.
    pub async fn status(&self, session: &Session<FullOrRecovery>) -> Result<AccountStatus> {
        let mut read = self.db.read().await?;
        let account = account::lookup(&mut read, session.uid()).await?;
        let account = account.ok_or(ErrorCode::NotLoggedIn)?;
        let usage = usage(&mut read, account.uid).await?;
        Ok(AccountStatus {
            handle: account.handle,
            uid: account.uid,
            used_bytes: usage.used_bytes,
            quota_bytes: usage.quota_bytes,
            backup_codes_left: code::count_left(&mut read, account.uid).await?,
            unlockers_version: account.unlockers_version,
            administrator: account.administrator,
            has_authenticator: account.totp.is_some(),
        })
    }

    /// Offers a new TOTP secret; the old one stays in force until the new one
    /// is confirmed.
    ///
    /// # Errors
    /// [`ErrorCode::ProofRequired`].
    pub async fn start_totp(&self, session: &Session<Full>) -> Result<TotpSetup> {
        self.require_proof(&session.row)?;
        let uid = session.uid();
        let account = account::lookup(&mut self.db.read().await?, uid).await?;
        let account = account.ok_or(ErrorCode::NotLoggedIn)?;
        let secret = TotpSecret::generate();
        let sealed = self.seal_totp(uid, &secret);
        let until_ms = self.clock.now_ms().saturating_add(NEW_TOTP_TTL_MS);
        let offer = || async {
            let mut w = self.db.write().await?;
            account::offer_totp(&mut w, uid, sealed.clone(), until_ms).await?;
            w.commit().await
        };
        self.db.retry(offer).await?;
        Ok(totp_setup(&secret, &account.handle))
    }

    /// Puts the offered secret in force.
    ///
    /// # Errors
    /// [`ErrorCode::WrongCode`]; [`ErrorCode::Conflict`] if none is offered,
    /// or no more.
    pub async fn finish_totp(&self, session: &Session<Full>, request: &CodeRequest) -> Result<()> {
        let (uid, now_ms) = (session.uid(), self.clock.now_ms());
        let charge = self.charge_code(uid, session.row.device).await?;
        self.db
            .retry(|| async {
                let mut w = self.db.write().await?;
                let account = fetch(&mut w, uid).await?;
                let sealed = account
                    .new_totp
                    .filter(|_| account.new_totp_until_ms > now_ms)
                    .ok_or(ErrorCode::Conflict)?;
                let step = self
                    .open_totp(uid, &sealed)?
                    .step_of(request.code.trim(), now_ms)
                    .ok_or(ErrorCode::WrongCode)?;
                if !account::adopt_totp(&mut w, uid, sealed, step).await? {
                    return Err(ErrorCode::Conflict.into());
                }
                charge.give_back(&mut w).await?;
                let event = Event::by(uid, audit::Kind::AuthenticatorReplaced);
                audit::note(&mut w, now_ms, event).await?;
                Ok(w.commit().await?)
            })
            .await
    }

    /// Replaces the backup codes.
    ///
    /// # Errors
    /// [`ErrorCode::ProofRequired`].
    pub async fn new_backup_codes(&self, session: &Session<Full>) -> Result<BackupCodes> {
        self.require_proof(&session.row)?;
        let uid = session.uid();
        let (backup_codes, hashes) = self.generate_backup_codes(uid);
        let replace = || async {
            let mut w = self.db.write().await?;
            // Locked, or two sets of codes might stand side by side.
            fetch(&mut w, uid).await?;
            code::replace(&mut w, uid, hashes.iter().copied(), false).await?;
            let event = Event::by(uid, audit::Kind::BackupCodesReplaced);
            audit::note(&mut w, self.clock.now_ms(), event).await?;
            Ok::<_, Error>(w.commit().await?)
        };
        self.db.retry(replace).await?;
        Ok(BackupCodes { backup_codes })
    }

    /// Ten codes as they are shown, and as they are stored.
    pub(super) fn generate_backup_codes(&self, uid: VaultId) -> (Vec<String>, Vec<[u8; 32]>) {
        (0..BACKUP_CODES)
            .map(|_| Code::generate())
            .map(|code| (code.to_string(), self.code_hash(uid, &code)))
            .unzip()
    }

    pub(super) fn seal_totp(&self, uid: VaultId, secret: &TotpSecret) -> Vec<u8> {
        self.kek
            .seal(Sealed::TotpSecret, uid.as_bytes(), secret.expose())
    }
}

/// What an account stores, and may.
pub(super) struct Usage {
    pub(super) used_bytes: u64,
    pub(super) quota_bytes: Option<u64>,
}

/// Stands in the database for an account without a limit.
pub(super) const NO_LIMIT: u64 = i64::MAX.unsigned_abs();

pub(super) async fn usage(q: &mut impl Query, uid: VaultId) -> db::Result<Usage> {
    let quota = quotas::lookup(q, uid).await?;
    Ok(Usage {
        used_bytes: quota.map_or(0, |q| q.used),
        quota_bytes: quota.map(|q| q.limit).filter(|limit| *limit < NO_LIMIT),
    })
}

/// A secret as an authenticator takes it.
pub(super) fn totp_setup(secret: &TotpSecret, handle: &str) -> TotpSetup {
    TotpSetup {
        secret: secret.base32(),
        otpauth_uri: secret.otpauth_uri(handle, SERVICE).unwrap_or_default(),
    }
}
