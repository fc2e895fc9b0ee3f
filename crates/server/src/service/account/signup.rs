//! Sign-up. What it brings is checked as a whole at once; it comes into being
//! as a whole, in one transaction, with the first one-time code. One that is
//! never confirmed leaves nothing and frees its handle.

use sv_api::account::{
    CodeRequest, FullSession, RegistrationResponse, SignupFinishRequest, SignupFinishResponse,
    SignupPolicy, SignupStartRequest,
};
use sv_api::{ErrorCode, Wire};
use sv_ledger::genesis::VaultKind;
use sv_ledger::handle::Handle;
use sv_ledger::id::{InstanceId, VaultId};
use sv_ledger::limits::{SIGNUP_LEN, SIGNUP_TTL_MS};

use super::code::Code;
use super::login::remember_device;
use super::session::{Kind, NewSession, Session, Signup};
use super::standing::{NO_LIMIT, totp_setup};
use super::throttle::{Charge, SIGNUP_FINISH, SIGNUP_START, SIGNUP_START_FOR_HANDLE};
use super::totp::TotpSecret;
use super::unlockers::{VerifiedSet, rejected};
use super::{Accounts, choose_handle};
use crate::db::{self, Write};
use crate::secrets::Keyed;
use crate::service::audit::{self, Event};
use crate::service::vault::{PreparedVault, create_vault};
use crate::service::{Error, Result, quota, taken_meanwhile};
use crate::store::accounts::account::{self, Account};
use crate::store::accounts::signup::{self as store, PendingSignup};
use crate::store::accounts::{code, invitation, session};

/// A sign-up whose parts belong together.
struct VerifiedSignup {
    uid: VaultId,
    handle: Handle,
    unlock: VerifiedSet,
    account: PreparedVault,
    drive: PreparedVault,
}

/// A sign-up whose code was right.
struct Found {
    pending: PendingSignup,
    signup: VerifiedSignup,
    step: u64,
    charge: Charge,
}

impl Accounts {
    /// The server's half of the first password.
    ///
    /// # Errors
    /// [`ErrorCode::SignupClosed`], [`ErrorCode::InviteRequired`],
    /// [`ErrorCode::HandleTaken`], [`ErrorCode::RateLimited`].
    pub async fn start_signup(
        &self,
        request: &SignupStartRequest,
        network: [u8; 16],
    ) -> Result<RegistrationResponse> {
        self.charge(&[(SIGNUP_START, &[&network])]).await?;
        let handle = choose_handle(&request.handle)?;
        let now_ms = self.clock.now_ms();
        let mut read = self.db.read().await?;
        if let Some(hash) = self.required_invitation(request.invite.as_deref())?
            && !invitation::is_open(&mut read, hash, now_ms).await?
        {
            return Err(ErrorCode::InviteRequired.into());
        }
        if store::is_taken(&mut read, handle.as_str(), now_ms).await? {
            return Err(ErrorCode::HandleTaken.into());
        }
        drop(read);
        let name = handle.as_str().as_bytes();
        self.charge(&[(SIGNUP_START_FOR_HANDLE, &[name])]).await?;
        self.registration_response(&handle, &request.registration_request)
    }

    /// Checks everything that a new account consists of, and keeps it until
    /// its first code. The same request again replaces the earlier attempt.
    ///
    /// # Errors
    /// As [`Self::start_signup`], and [`ErrorCode::Rejected`].
    pub async fn finish_signup(
        &self,
        request: SignupFinishRequest,
        network: [u8; 16],
    ) -> Result<SignupFinishResponse> {
        self.charge(&[(SIGNUP_FINISH, &[&network])]).await?;
        let invitation = self.required_invitation(request.invite.as_deref())?;
        let bytes = request.to_bytes();
        if bytes.len() > SIGNUP_LEN {
            return Err(ErrorCode::TooLarge.into());
        }
        let now_ms = self.clock.now_ms();
        let signup = self.verify_signup(request, now_ms).await?;
        let uid = signup.uid;
        // A rehearsal, undone: what cannot come into being is refused now.
        let rehearse = || async {
            let mut w = self.db.write().await?;
            signup.create(&mut w, now_ms).await
        };
        self.db.retry(rehearse).await?;

        let secret = TotpSecret::generate();
        let (backup_codes, hashes) = self.generate_backup_codes(uid);
        let expires_ms = now_ms.saturating_add(SIGNUP_TTL_MS);
        let pending = PendingSignup {
            uid,
            handle: signup.handle.as_str().to_owned(),
            request: bytes,
            totp: self.seal_totp(uid, &secret),
            backup_codes: hashes.concat(),
            expires_ms,
        };
        let keep = || self.keep_signup(&pending, invitation, now_ms);
        Ok(SignupFinishResponse {
            session: self.db.retry(keep).await?,
            totp: totp_setup(&secret, signup.handle.as_str()),
            backup_codes,
            expires_ms,
        })
    }

    /// Keeps a sign-up, in place of an earlier attempt; gives the token of
    /// its session.
    async fn keep_signup(
        &self,
        pending: &PendingSignup,
        invitation: Option<[u8; 32]>,
        now_ms: u64,
    ) -> Result<String> {
        let uid = pending.uid;
        let mut w = self.db.write().await?;
        if store::delete(&mut w, uid).await? {
            forget(&mut w, uid).await?;
        }
        self.forget_expired_signups(&mut w).await?;
        if store::is_taken(&mut w, &pending.handle, now_ms).await? {
            return Err(ErrorCode::HandleTaken.into());
        }
        if let Some(hash) = invitation
            && !invitation::take(&mut w, hash, uid, now_ms).await?
        {
            return Err(ErrorCode::InviteRequired.into());
        }
        store::insert(&mut w, pending.clone())
            .await
            .map_err(taken_meanwhile)?;
        let new = NewSession {
            uid,
            kind: Kind::Signup,
            label: "",
            device: None,
            proved_until_ms: 0,
        };
        let (session, _) = new.open(&mut w, now_ms).await?;
        w.commit().await?;
        Ok(session)
    }

    /// The first code: now the account and its vaults come into being.
    ///
    /// # Errors
    /// [`ErrorCode::WrongCode`], [`ErrorCode::RateLimited`];
    /// [`ErrorCode::NotLoggedIn`] if the sign-up was forgotten meanwhile.
    pub async fn confirm_signup(
        &self,
        session: &Session<Signup>,
        request: &CodeRequest,
    ) -> Result<FullSession> {
        let (uid, now_ms) = (session.uid(), self.clock.now_ms());
        let charge = self.charge_code(uid, None).await?;
        let pending = store::lookup(&mut self.db.read().await?, uid, now_ms).await?;
        let pending = pending.ok_or(ErrorCode::NotLoggedIn)?;
        let digits: String = request.code.split_whitespace().collect();
        let step = self
            .open_totp(uid, &pending.totp)?
            .step_of(&digits, now_ms)
            .ok_or(ErrorCode::WrongCode)?;
        let finish = SignupFinishRequest::parse(&pending.request)
            .map_err(|_| Error::Internal("a stored sign-up is malformed"))?;
        let came_ms = pending.expires_ms.saturating_sub(SIGNUP_TTL_MS);
        let signup = self.verify_signup(finish, came_ms).await?;
        let found = Found {
            pending,
            signup,
            step,
            charge,
        };
        self.db
            .retry(|| self.bring_into_being(session, request, &found, now_ms))
            .await
    }

    /// Account and vaults, in place of the sign-up.
    async fn bring_into_being(
        &self,
        session: &Session<Signup>,
        request: &CodeRequest,
        found: &Found,
        now_ms: u64,
    ) -> Result<FullSession> {
        let Found {
            pending,
            signup,
            step,
            charge,
        } = found;
        let uid = session.uid();
        let mut w = self.db.write().await?;
        // Whoever comes second, or after a newer attempt, finds it gone.
        if !session::delete(&mut w, session.row.token_hash).await? {
            return Err(ErrorCode::NotLoggedIn.into());
        }
        let administrator = invitation::consume(&mut w, uid).await?;
        if administrator {
            // Several servers may each have printed one.
            invitation::forget_first(&mut w).await?;
        }
        store::delete(&mut w, uid).await?;
        let new = Account {
            uid,
            handle: pending.handle.clone(),
            administrator,
            disabled: false,
            created_ms: now_ms,
            password_record: signup.unlock.password_record.clone(),
            unlockers: signup.unlock.statement.clone(),
            unlockers_version: signup.unlock.body.version,
            totp: Some(pending.totp.clone()),
            new_totp: None,
            new_totp_until_ms: 0,
        };
        match account::insert(&mut w, new, *step).await {
            Err(db::Error::Exists) => return Err(ErrorCode::HandleTaken.into()),
            other => other?,
        }
        account::replace_wraps(&mut w, uid, signup.unlock.wraps.clone()).await?;
        let hashes = pending.backup_codes.chunks_exact(32);
        let hashes = hashes.filter_map(|hash| hash.try_into().ok());
        code::replace(&mut w, uid, hashes, false).await?;
        signup.create(&mut w, now_ms).await?;
        session::delete_all(&mut w, uid).await?;
        audit::note(&mut w, now_ms, Event::by(uid, audit::Kind::SignedUp)).await?;
        let (device_token, device) = remember_device(&mut w, uid, None, now_ms).await?;
        let full = NewSession {
            uid,
            kind: Kind::Full,
            label: &request.device_label,
            device: Some(device),
            proved_until_ms: 0,
        };
        let (session, _) = full.open(&mut w, now_ms).await?;
        charge.give_back(&mut w).await?;
        w.commit().await?;
        Ok(FullSession {
            session,
            device_token,
        })
    }

    /// Frees the handles and invitations of sign-ups nobody confirmed.
    pub(super) async fn forget_expired_signups(&self, w: &mut Write) -> Result<()> {
        let now_ms = self.clock.now_ms();
        for uid in store::expired(w, now_ms).await? {
            if store::delete_expired(w, uid, now_ms).await? {
                forget(w, uid).await?;
            }
        }
        Ok(())
    }

    /// The stored form of an invitation, where one is needed or given.
    fn required_invitation(&self, invite: Option<&str>) -> Result<Option<[u8; 32]>> {
        let code = invite.filter(|text| !text.trim().is_empty());
        match (self.signup, code) {
            (SignupPolicy::Closed, _) => Err(ErrorCode::SignupClosed.into()),
            (SignupPolicy::Open, None) => Ok(None),
            (SignupPolicy::Invite, None) => Err(ErrorCode::InviteRequired.into()),
            (_, Some(text)) => {
                let code = Code::parse(text).ok_or(ErrorCode::InviteRequired)?;
                Ok(Some(self.invitation_hash(&code)))
            }
        }
    }

    /// What is stored of an invitation.
    pub(super) fn invitation_hash(&self, code: &Code) -> [u8; 32] {
        self.kek.keyed_hash(Keyed::Invitation, &[code.as_bytes()])
    }

    /// Checks the parts, away from the threads that serve.
    async fn verify_signup(
        &self,
        request: SignupFinishRequest,
        came_ms: u64,
    ) -> Result<VerifiedSignup> {
        let instance = self.instance.id();
        tokio::task::spawn_blocking(move || VerifiedSignup::verify(&request, &instance, came_ms))
            .await?
    }
}

impl VerifiedSignup {
    /// Checks that the parts are valid, and belong to one another and to
    /// this server. Their times are held against when they came.
    fn verify(request: &SignupFinishRequest, instance: &InstanceId, came_ms: u64) -> Result<Self> {
        let handle = choose_handle(&request.handle)?;
        let account = PreparedVault::prepare(&request.account, instance, came_ms)?;
        let drive = PreparedVault::prepare(&request.drive, instance, came_ms)?;
        if (account.kind(), drive.kind()) != (VaultKind::Account, VaultKind::Drive) {
            return Err(rejected("a sign-up brings an account vault and a drive"));
        }
        let uid = account.vault_id();
        let key = account.sign_public_key();
        if drive.owner() != uid || drive.sign_public_key() != key {
            return Err(rejected("the drive is another's"));
        }
        if account.handle() != Some(&handle) {
            return Err(rejected(
                "the account vault is signed for another user name",
            ));
        }
        let unlock = VerifiedSet::verify(&request.unlock, uid, &key)?;
        if unlock.body.version != 1 || unlock.body.generation != account.creator_generation() {
            return Err(rejected("the list of unlockers is not the first"));
        }
        Ok(Self {
            uid,
            handle,
            unlock,
            account,
            drive,
        })
    }

    /// Makes the vaults.
    async fn create(&self, w: &mut Write, now_ms: u64) -> Result<()> {
        quota::set_limit(w, self.uid, NO_LIMIT).await?;
        create_vault(w, &self.account, self.uid, now_ms).await?;
        create_vault(w, &self.drive, self.uid, now_ms).await?;
        Ok(())
    }
}

/// Forgets what belonged to a sign-up, as if it had never been.
async fn forget(w: &mut Write, uid: VaultId) -> Result<()> {
    session::delete_all(w, uid).await?;
    invitation::release(w, uid).await?;
    Ok(())
}
