//! What an administrator does at the machine itself, on the database.

use sv_api::ErrorCode;
use sv_ledger::handle::Handle;
use sv_ledger::id::VaultId;

use super::Accounts;
use super::code::Code;
use super::standing::{NO_LIMIT, usage};
use crate::db::Query;
use crate::service::audit::{self, Detail, Event};
use crate::service::{Error, Result};
use crate::store::accounts::account::{self, Account};
use crate::store::accounts::invitation::{self, NewInvitation};
use crate::store::accounts::{code, instance, login, session};
use crate::store::quotas;

/// Milliseconds that the invitation printed at start is good for.
const FIRST_INVITATION_MS: u64 = 24 * 60 * 60 * 1000;

/// An account as its administrator sees it.
#[derive(Debug, serde::Serialize)]
pub struct UserSummary {
    /// The handle.
    pub handle: String,
    /// The uid.
    pub uid: String,
    /// Whether it may invite and administer.
    pub administrator: bool,
    /// Whether it may log in.
    pub disabled: bool,
    /// When it was confirmed, Unix milliseconds.
    pub created_ms: u64,
    /// Bytes stored, as sealed.
    pub used_bytes: u64,
    /// Bytes allowed; none for no limit.
    pub quota_bytes: Option<u64>,
}

/// A code that stands in for a lost second factor, once.
#[derive(Debug)]
pub struct ResetCode(pub String);

impl Accounts {
    /// Every account, by handle.
    ///
    /// # Errors
    /// [`Error`] if the database fails.
    pub async fn list_users(&self) -> Result<Vec<UserSummary>> {
        let mut read = self.db.read().await?;
        let mut users = Vec::new();
        for account in account::list(&mut read).await? {
            let usage = usage(&mut read, account.uid).await?;
            users.push(UserSummary {
                handle: account.handle,
                uid: account.uid.to_string(),
                administrator: account.administrator,
                disabled: account.disabled,
                created_ms: account.created_ms,
                used_bytes: usage.used_bytes,
                quota_bytes: usage.quota_bytes,
            });
        }
        Ok(users)
    }

    /// A new invitation's code, good for `lives_ms`.
    ///
    /// # Errors
    /// [`Error`] if the database fails.
    pub async fn invite(&self, administrator: bool, lives_ms: u64) -> Result<String> {
        let code = Code::generate();
        let new = self.new_invitation(&code, administrator, lives_ms);
        let add = || async {
            let mut w = self.db.write().await?;
            invitation::insert(&mut w, &new).await?;
            let event = Event::by_nobody(audit::Kind::Invited);
            audit::note(&mut w, self.clock.now_ms(), event).await?;
            w.commit().await
        };
        self.db.retry(add).await?;
        Ok(code.to_string())
    }

    /// While there is no administrator: an invitation for the first. It
    /// replaces those of earlier starts.
    ///
    /// # Errors
    /// [`Error`] if the database fails.
    pub async fn invite_first_administrator(&self) -> Result<Option<String>> {
        let code = Code::generate();
        let new = self.new_invitation(&code, true, FIRST_INVITATION_MS);
        let new = NewInvitation {
            is_first: true,
            ..new
        };
        let invited = self.db.retry(|| async {
            let mut w = self.db.write().await?;
            instance::lock(&mut w).await?;
            if account::has_administrator(&mut w).await? {
                return Ok(false);
            }
            invitation::forget_first(&mut w).await?;
            invitation::insert(&mut w, &new).await?;
            w.commit().await?;
            Ok::<_, Error>(true)
        });
        Ok(invited.await?.then(|| code.to_string()))
    }

    /// Locks an account out, or lets it in again. Its sessions end.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn set_disabled(&self, handle: &str, disabled: bool) -> Result<()> {
        self.db
            .retry(|| async {
                let mut w = self.db.write().await?;
                let uid = find(&mut w, handle).await?.uid;
                account::set_disabled(&mut w, uid, disabled).await?;
                let kind = match disabled {
                    true => audit::Kind::Disabled,
                    false => audit::Kind::Enabled,
                };
                let event = Event::by_nobody(kind).about(*uid.as_bytes());
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
    pub async fn set_quota(&self, handle: &str, quota_bytes: Option<u64>) -> Result<()> {
        self.db
            .retry(|| async {
                let mut w = self.db.write().await?;
                let uid = find(&mut w, handle).await?.uid;
                let limit = quota_bytes.unwrap_or(NO_LIMIT);
                quotas::set_limit(&mut w, uid, limit).await?;
                let event = Event::by_nobody(audit::Kind::QuotaSet).about(*uid.as_bytes());
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
    /// [`ErrorCode::NotFound`].
    pub async fn reset_second_factor(&self, handle: &str) -> Result<ResetCode> {
        self.db
            .retry(|| async {
                let mut w = self.db.write().await?;
                let uid = find(&mut w, handle).await?.uid;
                let reset = Code::generate();
                // First, since it locks the account.
                account::remove_totp(&mut w, uid).await?;
                code::replace(&mut w, uid, [self.code_hash(uid, &reset)], true).await?;
                session::delete_all(&mut w, uid).await?;
                login::delete_all(&mut w, uid).await?;
                let event = Event::by_nobody(audit::Kind::SecondFactorReset);
                let event = event.about(*uid.as_bytes());
                audit::note(&mut w, self.clock.now_ms(), event).await?;
                w.commit().await?;
                Ok(ResetCode(reset.to_string()))
            })
            .await
    }

    /// The account of a handle.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn uid_of(&self, handle: &str) -> Result<VaultId> {
        Ok(find(&mut self.db.read().await?, handle).await?.uid)
    }

    fn new_invitation(&self, code: &Code, administrator: bool, lives_ms: u64) -> NewInvitation {
        NewInvitation {
            code_hash: self.invitation_hash(code),
            administrator,
            is_first: false,
            expires_ms: self.clock.now_ms().saturating_add(lives_ms),
        }
    }
}

async fn find(q: &mut impl Query, handle: &str) -> Result<Account> {
    let unknown = || Error::refused_because(ErrorCode::NotFound, "There is no such user.");
    let handle = Handle::parse(handle).map_err(|_| unknown())?;
    let account = account::lookup_by_handle(q, handle.as_str()).await?;
    account.ok_or_else(unknown)
}
