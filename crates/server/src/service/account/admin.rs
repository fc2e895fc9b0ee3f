//! What an administrator does: over HTTP, or at the machine itself on the
//! database. Both show the same evidence.

use sv_api::ErrorCode;
use sv_api::admin::{People, ResetCode, ServerStatus};
use sv_ledger::handle::Handle;
use sv_ledger::id::VaultId;

use super::Accounts;
use super::code::Code;
use super::session::{Admin, Kind, Session};
use super::standing::NO_LIMIT;
use crate::db::Write;
use crate::service::audit::{self, Detail, Event};
use crate::service::{Error, Result};
use crate::store::accounts::account::{self, Account};
use crate::store::accounts::{code, login, session};
use crate::store::{contents, quotas, vaults};

/// Evidence that whoever asks administers this server.
#[derive(Debug, Clone, Copy)]
pub struct Administers {
    /// None at the machine itself.
    uid: Option<VaultId>,
    is_proved: bool,
}

impl Administers {
    /// Whoever runs a command on the database has it all anyway.
    pub const fn at_the_machine() -> Self {
        Self {
            uid: None,
            is_proved: true,
        }
    }

    /// Something that is done by them.
    pub(super) fn event(&self, kind: audit::Kind) -> Event {
        Event::by(self.uid.unwrap_or(VaultId::ZERO), kind)
    }

    /// Lets only somebody on who has just proved who they are: for what makes
    /// an administrator, or gives somebody's second factor away.
    pub(super) fn require_proof(&self) -> Result<()> {
        match self.is_proved {
            true => Ok(()),
            false => Err(ErrorCode::ProofRequired.into()),
        }
    }
}

impl Accounts {
    /// An administrator's session as evidence.
    pub fn administers(&self, session: &Session<Admin>) -> Administers {
        Administers {
            uid: Some(session.uid()),
            is_proved: self.require_proof(&session.row).is_ok(),
        }
    }

    /// Everybody, by handle.
    ///
    /// # Errors
    /// [`Error`] if the database fails.
    pub async fn list_people(&self, _: &Administers) -> Result<People> {
        let mut read = self.db.read().await?;
        let people = account::list(&mut read, Kind::Full as u8, NO_LIMIT).await?;
        Ok(People { people })
    }

    /// How the server stands, which takes files of at most `max_file_bytes`.
    ///
    /// # Errors
    /// [`Error`] if the database fails.
    pub async fn server_status(
        &self,
        _: &Administers,
        max_file_bytes: Option<u64>,
    ) -> Result<ServerStatus> {
        let mut read = self.db.read().await?;
        let (people, disabled) = account::count(&mut read).await?;
        let (contents, contents_bytes) = contents::total(&mut read).await?;
        Ok(ServerStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            signup: self.signup,
            max_file_bytes,
            people,
            disabled,
            used_bytes: quotas::total(&mut read).await?,
            contents_bytes,
            contents,
            vaults: vaults::count(&mut read).await?,
        })
    }

    /// Locks an account out, or lets it in again. Its sessions end.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; [`ErrorCode::BadRequest`] for one's own.
    pub async fn set_disabled(&self, by: &Administers, uid: VaultId, disabled: bool) -> Result<()> {
        if by.uid == Some(uid) && disabled {
            let why = "You cannot lock yourself out. Another administrator can.";
            return Err(Error::refused_because(ErrorCode::BadRequest, why));
        }
        self.db
            .retry(|| async {
                let mut w = self.db.write().await?;
                lock(&mut w, uid).await?;
                account::set_disabled(&mut w, uid, disabled).await?;
                let kind = match disabled {
                    true => audit::Kind::Disabled,
                    false => audit::Kind::Enabled,
                };
                let event = by.event(kind).about(*uid.as_bytes());
                audit::note(&mut w, self.clock.now_ms(), event).await?;
                if disabled {
                    session::delete_all(&mut w, uid).await?;
                    login::delete_all(&mut w, uid).await?;
                }
                Ok(w.commit().await?)
            })
            .await
    }

    /// Limits what an account may store; none for no limit.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn set_quota(
        &self,
        by: &Administers,
        uid: VaultId,
        quota_bytes: Option<u64>,
    ) -> Result<()> {
        self.db
            .retry(|| async {
                let mut w = self.db.write().await?;
                lock(&mut w, uid).await?;
                let limit = quota_bytes.unwrap_or(NO_LIMIT);
                quotas::set_limit(&mut w, uid, limit).await?;
                let event = by.event(audit::Kind::QuotaSet).about(*uid.as_bytes());
                let event = event.with(Detail::Number(limit));
                audit::note(&mut w, self.clock.now_ms(), event).await?;
                Ok(w.commit().await?)
            })
            .await
    }

    /// For somebody who lost authenticator and backup codes: both stop
    /// working, every session ends, and one code takes their place. It is no
    /// use without the password or the recovery key.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`], [`ErrorCode::ProofRequired`].
    pub async fn reset_second_factor(&self, by: &Administers, uid: VaultId) -> Result<ResetCode> {
        by.require_proof()?;
        self.db
            .retry(|| async {
                let mut w = self.db.write().await?;
                lock(&mut w, uid).await?;
                let reset = Code::generate();
                account::remove_totp(&mut w, uid).await?;
                code::replace(&mut w, uid, [self.code_hash(uid, &reset)], true).await?;
                session::delete_all(&mut w, uid).await?;
                login::delete_all(&mut w, uid).await?;
                let event = by.event(audit::Kind::SecondFactorReset);
                let event = event.about(*uid.as_bytes());
                audit::note(&mut w, self.clock.now_ms(), event).await?;
                w.commit().await?;
                Ok(ResetCode {
                    code: reset.to_string(),
                })
            })
            .await
    }

    /// The account of a handle.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn uid_of(&self, handle: &str) -> Result<VaultId> {
        let handle = Handle::parse(handle).map_err(|_| unknown())?;
        let mut read = self.db.read().await?;
        let account = account::lookup_by_handle(&mut read, handle.as_str()).await?;
        Ok(account.ok_or_else(unknown)?.uid)
    }
}

/// An account, locked until the end of the unit of work.
async fn lock(w: &mut Write, uid: VaultId) -> Result<Account> {
    account::lock(w, uid).await?.ok_or_else(unknown)
}

fn unknown() -> Error {
    Error::refused_because(ErrorCode::NotFound, "There is no such user.")
}
