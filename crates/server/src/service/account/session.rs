//! Sessions. A token is 32 random bytes that only the client keeps; the
//! server knows it by its hash. How far a session got is its type.

use std::marker::PhantomData;

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};
use sv_api::ErrorCode;
use sv_api::account::{SessionInfo, SessionList};
use sv_ledger::id::{SessionId, VaultId};
use sv_ledger::limits::SESSION_TTL_MS;

use super::{Accounts, MINUTE_MS};
use crate::db::Write;
use crate::secrets::random;
use crate::service::Result;
use crate::service::audit::{self, Detail, Event};
use crate::store::accounts::session::{self as store, StoredSession};

/// A sign-up waits for its first code.
#[derive(Debug, Clone, Copy)]
pub struct Signup;
/// The password was right; the second factor is due.
#[derive(Debug, Clone, Copy)]
pub struct SecondFactor;
/// Password and second factor were both given.
#[derive(Debug, Clone, Copy)]
pub struct Full;
/// Full, or opened by recovery key and second factor.
#[derive(Debug, Clone, Copy)]
pub struct FullOrRecovery;

/// Full, of an account that administers the server.
#[derive(Debug, Clone, Copy)]
pub struct Admin;

/// Proof that the caller got as far as `K`.
#[derive(Debug, Clone)]
pub struct Session<K> {
    pub(super) row: StoredSession,
    kind: PhantomData<K>,
}

/// A session as its token tells, of any kind.
#[derive(Debug)]
pub struct AnySession {
    row: StoredSession,
    administrator: bool,
}

/// How far a stored session got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Signup = 1,
    SecondFactor = 2,
    Recovery = 3,
    Full = 4,
}

/// Milliseconds that a session waits for its second factor, or a recovery
/// session for its new unlockers.
const SHORT_TTL_MS: u64 = 10 * MINUTE_MS;
/// A session's last use is noted this often.
const TOUCH_MS: u64 = MINUTE_MS;
/// Characters kept of what a person calls a device.
const LABEL_LEN: usize = 100;

impl AnySession {
    /// The session, if it got that far.
    ///
    /// # Errors
    /// [`ErrorCode::Forbidden`] if not.
    pub fn signup(self) -> Result<Session<Signup>> {
        self.expect(&[Kind::Signup])
    }

    /// The session, if it waits for its second factor.
    ///
    /// # Errors
    /// [`ErrorCode::Forbidden`] if not.
    pub fn second_factor(self) -> Result<Session<SecondFactor>> {
        self.expect(&[Kind::SecondFactor])
    }

    /// The session, if it is complete.
    ///
    /// # Errors
    /// [`ErrorCode::SecondFactorRequired`] or [`ErrorCode::Forbidden`] if not.
    pub fn full(self) -> Result<Session<Full>> {
        self.expect(&[Kind::Full])
    }

    /// The session, if it is complete or a recovery's.
    ///
    /// # Errors
    /// [`ErrorCode::SecondFactorRequired`] or [`ErrorCode::Forbidden`] if not.
    pub fn full_or_recovery(self) -> Result<Session<FullOrRecovery>> {
        self.expect(&[Kind::Full, Kind::Recovery])
    }

    /// The session, if it is complete and of an administrator.
    ///
    /// # Errors
    /// [`ErrorCode::SecondFactorRequired`] or [`ErrorCode::Forbidden`] if not.
    pub fn admin(self) -> Result<Session<Admin>> {
        let administrator = self.administrator;
        let session = self.expect(&[Kind::Full])?;
        if !administrator {
            return Err(ErrorCode::Forbidden.into());
        }
        Ok(session)
    }

    fn expect<K>(self, kinds: &[Kind]) -> Result<Session<K>> {
        let row = self.row;
        if kinds.iter().any(|kind| *kind as u8 == row.kind) {
            return Ok(Session {
                row,
                kind: PhantomData,
            });
        }
        let is_unfinished = row.kind == Kind::Signup as u8 || row.kind == Kind::SecondFactor as u8;
        Err(if is_unfinished && kinds.contains(&Kind::Full) {
            ErrorCode::SecondFactorRequired
        } else {
            ErrorCode::Forbidden
        }
        .into())
    }
}

impl<K> Session<K> {
    /// Whose it is.
    pub const fn uid(&self) -> VaultId {
        self.row.uid
    }

    /// Which it is.
    pub const fn id(&self) -> SessionId {
        self.row.session_id
    }

    pub(crate) const fn token_hash(&self) -> [u8; 32] {
        self.row.token_hash
    }

    /// When it ends if it is not used any more.
    pub const fn expires_ms(&self) -> u64 {
        self.row.expires_ms
    }
}

impl Session<FullOrRecovery> {
    pub(super) const fn is_recovery(&self) -> bool {
        self.row.kind == Kind::Recovery as u8
    }
}

/// A session that is about to be.
pub(super) struct NewSession<'a> {
    pub(super) uid: VaultId,
    pub(super) kind: Kind,
    pub(super) label: &'a str,
    pub(super) device: Option<[u8; 32]>,
    pub(super) proved_until_ms: u64,
}

impl NewSession<'_> {
    /// Opens it; gives its token and when it ends.
    pub(super) async fn open(self, w: &mut Write, now_ms: u64) -> Result<(String, u64)> {
        let (token, token_hash) = generate_token();
        let lives_ms = match self.kind {
            Kind::Full => SESSION_TTL_MS,
            Kind::Signup => sv_ledger::limits::SIGNUP_TTL_MS,
            Kind::SecondFactor | Kind::Recovery => SHORT_TTL_MS,
        };
        let expires_ms = now_ms.saturating_add(lives_ms);
        let row = StoredSession {
            token_hash,
            session_id: SessionId::new(random()),
            uid: self.uid,
            kind: self.kind as u8,
            device_label: self.label.chars().take(LABEL_LEN).collect(),
            device: self.device,
            created_ms: now_ms,
            last_used_ms: now_ms,
            expires_ms,
            proved_until_ms: self.proved_until_ms,
        };
        let opened = match self.kind {
            Kind::Full => Some(audit::Kind::LoggedIn),
            Kind::Recovery => Some(audit::Kind::Recovered),
            Kind::Signup | Kind::SecondFactor => None,
        };
        if let Some(kind) = opened {
            let event = Event::by(self.uid, kind).with(Detail::Session(row.session_id));
            audit::note(w, now_ms, event).await?;
        }
        store::insert(w, row).await?;
        Ok((token, expires_ms))
    }
}

impl Accounts {
    /// Finds the session of a token, and notes that it was used.
    ///
    /// # Errors
    /// [`ErrorCode::NotLoggedIn`] if there is none or it has ended,
    /// [`ErrorCode::AccountDisabled`].
    pub async fn session(&self, token: &str) -> Result<AnySession> {
        let now_ms = self.clock.now_ms();
        let hash = hash_token(token).ok_or(ErrorCode::NotLoggedIn)?;
        let found = store::lookup(&mut self.db.read().await?, hash, now_ms).await?;
        let (mut row, standing) = found.ok_or(ErrorCode::NotLoggedIn)?;
        if standing.disabled {
            return Err(ErrorCode::AccountDisabled.into());
        }
        let is_full = row.kind == Kind::Full as u8;
        if is_full && row.last_used_ms.saturating_add(TOUCH_MS) <= now_ms {
            row.expires_ms = now_ms.saturating_add(SESSION_TTL_MS);
            let touch = || async {
                let mut w = self.db.write().await?;
                store::touch(&mut w, hash, now_ms, row.expires_ms).await?;
                w.commit().await
            };
            self.db.retry(touch).await?;
        }
        Ok(AnySession {
            row,
            administrator: standing.administrator,
        })
    }

    /// Whether a session is still good.
    ///
    /// # Errors
    /// [`super::Error`] if the database fails.
    pub async fn is_alive(&self, session: &Session<Full>) -> Result<bool> {
        let (hash, now_ms) = (session.row.token_hash, self.clock.now_ms());
        let found = store::lookup(&mut self.db.read().await?, hash, now_ms).await?;
        Ok(found.is_some_and(|(_, standing)| !standing.disabled))
    }

    /// Every complete session of the account.
    ///
    /// # Errors
    /// [`super::Error`] if the database fails.
    pub async fn list_sessions(&self, session: &Session<Full>) -> Result<SessionList> {
        let mut read = self.db.read().await?;
        let now_ms = self.clock.now_ms();
        let rows = store::list(&mut read, session.uid(), Kind::Full as u8, now_ms).await?;
        let sessions = rows
            .into_iter()
            .map(|row| SessionInfo {
                session_id: row.session_id,
                device_label: row.device_label,
                created_ms: row.created_ms,
                last_used_ms: row.last_used_ms,
                expires_ms: row.expires_ms,
                current: row.session_id == session.id(),
            })
            .collect();
        Ok(SessionList { sessions })
    }

    /// Ends one of the account's sessions.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] if it has none such.
    pub async fn end_session(&self, session: &Session<Full>, id: SessionId) -> Result<()> {
        self.db
            .retry(|| async {
                let mut w = self.db.write().await?;
                if !store::delete_by_id(&mut w, session.uid(), id).await? {
                    return Err(ErrorCode::NotFound.into());
                }
                let event = Event::by(session.uid(), audit::Kind::SessionEnded);
                let event = event.with(Detail::Session(id));
                audit::note(&mut w, self.clock.now_ms(), event).await?;
                Ok(w.commit().await?)
            })
            .await
    }

    /// Ends this session. The device stays known.
    ///
    /// # Errors
    /// [`super::Error`] if the database fails.
    pub async fn log_out(&self, session: &Session<FullOrRecovery>) -> Result<()> {
        self.db
            .retry(|| async {
                let mut w = self.db.write().await?;
                store::delete(&mut w, session.row.token_hash).await?;
                let event = Event::by(session.uid(), audit::Kind::LoggedOut);
                let event = event.with(Detail::Session(session.id()));
                audit::note(&mut w, self.clock.now_ms(), event).await?;
                Ok(w.commit().await?)
            })
            .await
    }
}

/// A token and its hash.
pub(super) fn generate_token() -> (String, [u8; 32]) {
    let token = random::<32>();
    (BASE64URL_NOPAD.encode(&token), Sha256::digest(token).into())
}

/// The hash by which a token is known; none for what was never one.
pub(super) fn hash_token(token: &str) -> Option<[u8; 32]> {
    let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).ok()?;
    let token: [u8; 32] = bytes.try_into().ok()?;
    Some(Sha256::digest(token).into())
}
