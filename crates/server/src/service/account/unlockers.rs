//! The list of unlockers: checked before it is kept, swapped at once with the
//! password record and the wraps it covers, and never turned back.

use std::collections::BTreeMap;

use sv_api::account::{
    RegistrationRequest, RegistrationResponse, ReplaceUnlockersRequest, Unlock, UnlockerSet, Wrap,
};
use sv_api::{Base64, ErrorCode};
use sv_ledger::handle::Handle;
use sv_ledger::id::{SignPublicKey, VaultId};
use sv_ledger::sealed::box_len;
use sv_ledger::unlock::{UnlockerKind, Unlockers, UnlockersBody, blob_hash};
use sv_pake::PasswordRecord;

use super::second_factor::fetch;
use super::session::{FullOrRecovery, Session};
use super::{Accounts, malformed};
use crate::db::{Query, Write};
use crate::service::audit::{self, Event};
use crate::service::{Error, Result};
use crate::store::accounts::account::{self, Account, StoredWrap};
use crate::store::accounts::{login, session};
use crate::store::vaults;

/// Bytes of a wrapped root key: one Box.
const WRAP_LEN: usize = box_len(32);

/// A set that the account's identity key signed, and that is whole.
#[derive(Debug)]
pub(super) struct VerifiedSet {
    pub(super) body: UnlockersBody,
    pub(super) statement: Vec<u8>,
    pub(super) password_record: Vec<u8>,
    pub(super) wraps: Vec<StoredWrap>,
}

impl VerifiedSet {
    /// Checks a set against the account's identity key.
    pub(super) fn verify(set: &UnlockerSet, uid: VaultId, key: &SignPublicKey) -> Result<Self> {
        let statement = Unlockers::parse(&set.unlockers.0).map_err(malformed)?;
        let body = statement
            .verify(key)
            .ok_or_else(|| rejected("the list of unlockers is not signed by the account"))?;
        if body.uid != uid {
            return Err(rejected("the list of unlockers is another account's"));
        }
        let count = |kind| body.unlockers.iter().filter(|u| u.kind == kind).count();
        if count(UnlockerKind::Password) != 1 || count(UnlockerKind::Recovery) != 1 {
            return Err(rejected("an account has one password and one recovery key"));
        }
        if body.password_record != blob_hash(&set.password_record.0) {
            return Err(rejected("the list of unlockers names another password"));
        }
        PasswordRecord::parse(&set.password_record.0).map_err(malformed)?;
        Ok(Self {
            wraps: matching_wraps(body, &set.wraps)?,
            body: body.clone(),
            statement: set.unlockers.0.clone(),
            password_record: set.password_record.0.clone(),
        })
    }
}

/// One wrap for every unlocker, and no other.
fn matching_wraps(body: &UnlockersBody, wraps: &[Wrap]) -> Result<Vec<StoredWrap>> {
    let given: BTreeMap<_, _> = wraps.iter().map(|w| (w.unlocker_id, &w.sealed.0)).collect();
    if given.len() != wraps.len() || given.len() != body.unlockers.len() {
        return Err(rejected("every unlocker needs exactly one wrap"));
    }
    let matching = |id, hash| {
        given
            .get(&id)
            .filter(|sealed| sealed.len() == WRAP_LEN && blob_hash(sealed) == hash)
            .ok_or_else(|| rejected("a wrap is not the one that the list of unlockers names"))
    };
    body.unlockers
        .iter()
        .map(|unlocker| {
            Ok(StoredWrap {
                unlocker_id: unlocker.id,
                sealed: matching(unlocker.id, unlocker.wrap_hash)?.to_vec(),
            })
        })
        .collect()
}

impl Accounts {
    /// The server's half of a new password. It is also half of a guess at the
    /// old one, so it wants what a change of password wants.
    ///
    /// # Errors
    /// [`ErrorCode::ProofRequired`], or [`ErrorCode::BadRequest`] for what is
    /// no registration request.
    pub async fn start_password(
        &self,
        session: &Session<FullOrRecovery>,
        request: &RegistrationRequest,
    ) -> Result<RegistrationResponse> {
        if !session.is_recovery() {
            self.require_proof(&session.row)?;
        }
        let account = account::lookup(&mut self.db.read().await?, session.uid()).await?;
        let account = account.ok_or(ErrorCode::NotLoggedIn)?;
        let handle = Handle::from_normal_form(&account.handle)
            .map_err(|_| Error::Internal("a stored handle is not in normal form"))?;
        self.registration_response(&handle, &request.registration_request)
    }

    /// The OPAQUE registration response for a handle.
    pub(super) fn registration_response(
        &self,
        handle: &Handle,
        request: &Base64,
    ) -> Result<RegistrationResponse> {
        let response = self
            .instance
            .setup()
            .registration_response(&request.0, &self.instance.credential_identifier(handle))
            .map_err(malformed)?;
        Ok(RegistrationResponse {
            registration_response: response.into(),
        })
    }

    /// The present list, with the wraps of which a recovery session gets its
    /// own only. Never with the password record, which would let guesses be
    /// tested without asking the server.
    ///
    /// # Errors
    /// [`Error`] if the database fails.
    pub async fn unlockers(&self, session: &Session<FullOrRecovery>) -> Result<UnlockerSet> {
        let mut read = self.db.read().await?;
        let account = account::lookup(&mut read, session.uid()).await?;
        let account = account.ok_or(ErrorCode::NotLoggedIn)?;
        if session.is_recovery() {
            let unlock = unlock(&mut read, &account, UnlockerKind::Recovery).await?;
            return Ok(UnlockerSet {
                password_record: Base64::default(),
                unlockers: unlock.unlockers,
                wraps: vec![unlock.wrap],
            });
        }
        let wraps = account::wraps(&mut read, account.uid).await?;
        Ok(UnlockerSet {
            password_record: Base64::default(),
            unlockers: account.unlockers.into(),
            wraps: wraps.into_iter().map(wrap).collect(),
        })
    }

    /// Swaps the whole set for the next one, and ends every other session.
    /// The set that is in force, byte for byte, is taken again without effect.
    ///
    /// # Errors
    /// [`ErrorCode::ProofRequired`]; [`ErrorCode::Conflict`] if its version
    /// is not the next; [`ErrorCode::Rejected`] if it is not signed or whole.
    pub async fn replace_unlockers(
        &self,
        session: &Session<FullOrRecovery>,
        request: &ReplaceUnlockersRequest,
    ) -> Result<()> {
        if !session.is_recovery() {
            self.require_proof(&session.row)?;
        }
        self.db.retry(|| self.swap(session, request)).await
    }

    async fn swap(
        &self,
        session: &Session<FullOrRecovery>,
        request: &ReplaceUnlockersRequest,
    ) -> Result<()> {
        let uid = session.uid();
        let mut w = self.db.write().await?;
        let account = fetch(&mut w, uid).await?;
        let identity = identity_key(&mut w, uid).await?;
        let set = VerifiedSet::verify(&request.unlock, uid, &identity.keys.sign_pk)?;
        if set.body.generation != identity.keys.generation {
            return Err(rejected("the wraps hold a key of another generation"));
        }
        if set.statement == account.unlockers {
            // It came before, and the answer was lost. It covers the record
            // and the wraps, so those are the stored ones.
            return Ok(());
        }
        if set.body.version != account.unlockers_version + 1 {
            return Err(ErrorCode::Conflict.into());
        }
        let swapped = account::replace_unlockers(
            &mut w,
            uid,
            &set.password_record,
            &set.statement,
            set.body.version,
        );
        if !swapped.await? {
            return Err(ErrorCode::Conflict.into());
        }
        account::replace_wraps(&mut w, uid, set.wraps).await?;
        session::delete_others(&mut w, uid, session.row.token_hash).await?;
        login::delete_all(&mut w, uid).await?;
        let event = Event::by(uid, audit::Kind::UnlockersReplaced);
        audit::note(&mut w, self.clock.now_ms(), event).await?;
        Ok(w.commit().await?)
    }
}

/// What one unlocker opens the root key with.
pub(super) async fn unlock(
    q: &mut impl Query,
    account: &Account,
    kind: UnlockerKind,
) -> Result<Unlock> {
    const CONTRADICTION: Error = Error::Internal("a stored list of unlockers is not whole");
    let statement = Unlockers::parse(&account.unlockers).map_err(|_| CONTRADICTION)?;
    let id = statement
        .claimed()
        .unlockers
        .iter()
        .find(|u| u.kind == kind)
        .map(|u| u.id)
        .ok_or(CONTRADICTION)?;
    let found = account::wraps(q, account.uid)
        .await?
        .into_iter()
        .find(|w| w.unlocker_id == id)
        .ok_or(CONTRADICTION)?;
    Ok(Unlock {
        uid: account.uid,
        unlockers: account.unlockers.clone().into(),
        wrap: wrap(found),
    })
}

/// The keys that the account's own log says it has now.
async fn identity_key(w: &mut Write, uid: VaultId) -> Result<sv_ledger::state::Member> {
    let vault = vaults::lookup(w, uid).await?;
    vault
        .ok_or(Error::Internal("an account without its vault"))?
        .state
        .membership
        .members
        .get(&uid)
        .copied()
        .ok_or(Error::Internal("an account is not a member of itself"))
}

fn wrap(stored: StoredWrap) -> Wrap {
    Wrap {
        unlocker_id: stored.unlocker_id,
        sealed: stored.sealed.into(),
    }
}

pub(super) fn rejected(message: &'static str) -> Error {
    Error::refused_because(ErrorCode::Rejected, message)
}
