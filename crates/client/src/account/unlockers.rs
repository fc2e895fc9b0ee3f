//! What opens an account, and changing it: every set of unlockers is a
//! statement signed by the identity key (spec: `account.md` §4).

use sv_api::account::{
    LoginStartRequest, ProofFinishRequest, RegistrationRequest, ReplaceUnlockersRequest,
    UnlockerSet, Wrap,
};
use sv_api::endpoint::{GetUnlockers, PasswordStart, ProofFinish, ProofStart, ReplaceUnlockers};
use sv_api::wire::Empty;
use sv_core::unlock::{RecoveryKey, WrapContext, wrap_root_key};
use sv_core::{AccountKeys, AccountRootKey, Kek};
use sv_ledger::enc::Statement;
use sv_ledger::id::{SignPublicKey, UnlockerId, VaultId};
use sv_ledger::unlock::{Unlocker, UnlockerKind, Unlockers, UnlockersBody, blob_hash};
use sv_pake::{ClientLogin, ClientRegistration, LoginError};

use super::instance::{KnownInstance, malformed};
use super::session::Session;
use crate::call::{Repeat, Server};
use crate::error::{ClientError, Result, Tamper};
use crate::port::Platform;

/// A password registered with a server, not yet put in force.
pub(super) struct NewPassword {
    record: Vec<u8>,
    kek: Kek,
}

impl NewPassword {
    /// Finishes a registration by the server's answer to it.
    pub(super) async fn finish<P: Platform>(
        platform: &P,
        registration: ClientRegistration,
        response: Vec<u8>,
        instance: &KnownInstance,
        handle: &str,
    ) -> Result<Self> {
        let context = instance.login_context(handle);
        let mut random = platform.random();
        let done = platform
            .offload(move || registration.finish(&response, &context, &mut random))
            .await
            .ok_or(ClientError::Interrupted)?
            .map_err(|error| ClientError::Misbehaved(error.to_string()))?;
        instance.check_key(&done.server_public_key)?;
        let kek = Kek::from_export_key(done.export_key.expose())
            .map_err(|_| malformed("registration"))?;
        Ok(Self {
            record: done.upload.to_vec(),
            kek,
        })
    }
}

/// The account whose unlockers a set is made for.
pub(super) struct Owner<'a> {
    pub(super) uid: VaultId,
    pub(super) keys: &'a AccountKeys,
    pub(super) root: &'a AccountRootKey,
}

/// The recovery half of a set: a new key, or the one that stays.
pub(super) enum RecoveryHalf<'a> {
    New(&'a RecoveryKey),
    Kept {
        auth: SignPublicKey,
        unlocker: Unlocker,
        wrap: Wrap,
    },
}

impl Owner<'_> {
    /// Makes and signs a set of one password and one recovery key.
    pub(super) fn unlocker_set<P: Platform>(
        &self,
        platform: &P,
        version: u64,
        password: &NewPassword,
        recovery: RecoveryHalf<'_>,
    ) -> Result<UnlockerSet> {
        let (by_password, password_wrap) =
            self.wrap(platform, UnlockerKind::Password, &password.kek)?;
        let (recovery_auth, by_recovery, recovery_wrap) = match recovery {
            RecoveryHalf::New(key) => {
                let (unlocker, wrap) = self.wrap(platform, UnlockerKind::Recovery, &key.kek())?;
                (key.auth().public(), unlocker, wrap)
            }
            RecoveryHalf::Kept {
                auth,
                unlocker,
                wrap,
            } => (auth, unlocker, wrap),
        };
        let mut unlockers = vec![by_password, by_recovery];
        unlockers.sort_by_key(|unlocker| unlocker.id);
        let body = UnlockersBody {
            uid: self.uid,
            version,
            generation: self.keys.generation(),
            password_record: blob_hash(&password.record),
            recovery_auth,
            unlockers,
        };
        let signature = self.keys.sign(Statement::Unlockers, &body.hash());
        Ok(UnlockerSet {
            password_record: password.record.clone().into(),
            unlockers: body.with_signature(signature).to_bytes().into(),
            wraps: vec![password_wrap, recovery_wrap],
        })
    }

    fn wrap<P: Platform>(
        &self,
        platform: &P,
        kind: UnlockerKind,
        kek: &Kek,
    ) -> Result<(Unlocker, Wrap)> {
        let mut random = platform.random();
        let id = UnlockerId::new(platform.random_bytes());
        let generation = self.keys.generation();
        let context = WrapContext {
            uid: self.uid,
            unlocker_id: id,
            kind,
            generation,
        };
        let sealed = wrap_root_key(kek, self.root, &context, &mut random)?;
        let unlocker = Unlocker {
            id,
            kind,
            wrap_hash: blob_hash(&sealed),
        };
        Ok((
            unlocker,
            Wrap {
                unlocker_id: id,
                sealed: sealed.into(),
            },
        ))
    }
}

/// The set in force, verified.
pub(super) struct CurrentSet {
    pub(super) body: UnlockersBody,
    wraps: Vec<Wrap>,
}

impl CurrentSet {
    pub(super) async fn fetch<P: Platform>(
        server: &Server<'_, P>,
        signer: &SignPublicKey,
        seen_version: u64,
    ) -> Result<Self> {
        let set = server.call(&GetUnlockers, Empty {}, Repeat::Safe).await?;
        let statement = Unlockers::parse(&set.unlockers.0).map_err(|_| Tamper::Unlockers)?;
        let body = statement.verify(signer).ok_or(Tamper::Unlockers)?.clone();
        if body.version < seen_version {
            return Err(Tamper::Unlockers.into());
        }
        Ok(Self {
            body,
            wraps: set.wraps,
        })
    }

    /// The recovery half, to be carried into a new set.
    pub(super) fn kept_recovery(self) -> Result<RecoveryHalf<'static>> {
        let auth = self.body.recovery_auth;
        let unlocker = self
            .body
            .unlockers
            .into_iter()
            .find(|unlocker| unlocker.kind == UnlockerKind::Recovery)
            .ok_or(Tamper::Unlockers)?;
        let wrap = self
            .wraps
            .into_iter()
            .find(|wrap| wrap.unlocker_id == unlocker.id)
            .filter(|wrap| blob_hash(&wrap.sealed.0) == unlocker.wrap_hash)
            .ok_or(Tamper::Unlockers)?;
        Ok(RecoveryHalf::Kept {
            auth,
            unlocker,
            wrap,
        })
    }
}

/// Registers a password with the server that the session is on.
pub(super) async fn register_password<P: Platform>(
    platform: &P,
    server: &Server<'_, P>,
    instance: &KnownInstance,
    handle: &str,
    password: &str,
) -> Result<NewPassword> {
    let (registration, request) =
        ClientRegistration::start(&super::password::prepare(password)?, &mut platform.random())
            .map_err(|error| ClientError::misuse(error.to_string()))?;
    let request = RegistrationRequest {
        registration_request: request.into(),
    };
    let response = server.call(&PasswordStart, request, Repeat::Safe).await?;
    let response = response.registration_response.0;
    NewPassword::finish(platform, registration, response, instance, handle).await
}

/// The version of the list of unlockers that the server shows, if this
/// account signed it; older ones too.
///
/// # Errors
/// [`Tamper::Unlockers`], or those of a call.
pub(crate) async fn shown_unlockers_version<P: Platform>(session: &Session<P>) -> Result<u64> {
    let signer = session.keys().public().sign_pk;
    let shown = CurrentSet::fetch(&session.server(), &signer, 0).await?;
    if shown.body.uid == session.uid() {
        Ok(shown.body.version)
    } else {
        Err(Tamper::Unlockers.into())
    }
}

/// A fresh proof of the present password, waiting for a code.
pub struct Reproof<'s, P> {
    session: &'s mut Session<P>,
    login_id: Vec<u8>,
    ke3: [u8; sv_pake::KE3_LEN],
}

impl<'s, P: Platform> Reproof<'s, P> {
    /// Proves the password.
    ///
    /// # Errors
    /// [`ClientError::WrongPassword`], or those of a call.
    pub async fn start(session: &'s mut Session<P>, password: &str) -> Result<Self> {
        let platform = session.platform();
        let profile = session.profile();
        let (login, ke1) =
            ClientLogin::start(&super::password::prepare(password)?, &mut platform.random())
                .map_err(|error| ClientError::misuse(error.to_string()))?;
        let request = LoginStartRequest {
            handle: profile.handle.clone(),
            ke1: ke1.into(),
            device_token: profile.device_token.clone(),
        };
        let answer = session
            .server()
            .call(&ProofStart, request, Repeat::Never)
            .await?;
        let context = profile.instance.login_context(&profile.handle);
        let (ke2, mut random) = (answer.ke2.0, platform.random());
        let proved = platform
            .offload(move || login.finish(&ke2, &context, &mut random))
            .await
            .ok_or(ClientError::Interrupted)?
            .map_err(wrong_password)?;
        profile.instance.check_key(&proved.server_public_key)?;
        Ok(Self {
            session,
            login_id: answer.login_id.0,
            ke3: proved.ke3,
        })
    }

    /// Adds the code: for five minutes the session may change what opens the
    /// account.
    ///
    /// # Errors
    /// Those of a call.
    pub async fn finish(self, code: &str) -> Result<&'s mut Session<P>> {
        let request = ProofFinishRequest {
            login_id: self.login_id.into(),
            ke3: self.ke3.into(),
            code: code.to_owned(),
        };
        self.session
            .server()
            .call(&ProofFinish, request, Repeat::Never)
            .await?;
        Ok(self.session)
    }
}

pub(super) fn wrong_password(error: LoginError) -> ClientError {
    match error {
        LoginError::WrongPassword => ClientError::WrongPassword,
        other => ClientError::Misbehaved(other.to_string()),
    }
}

/// Replaces the password; wants a [`Reproof`] first. Other sessions end.
///
/// # Errors
/// Those of a call, or [`Tamper::Unlockers`].
pub async fn change_password<P: Platform>(session: &mut Session<P>, password: &str) -> Result<()> {
    replace(session, password, None).await
}

/// A recovery key for [`replace_recovery_key`]. It opens nothing before that,
/// and is to be in the person's hands by then: whether it is in force is not
/// known when the answer of that call is lost.
///
/// # Errors
/// [`ClientError::Misuse`], never for reasons of the session.
pub fn generate_recovery_key<P: Platform>(session: &Session<P>) -> Result<RecoveryKey> {
    Ok(RecoveryKey::generate(&mut session.platform().random())?)
}

/// Replaces the recovery key, and registers the (same or new) password anew
/// with it; wants a [`Reproof`] first. Other sessions end.
///
/// # Errors
/// Those of a call, or [`Tamper::Unlockers`].
pub async fn replace_recovery_key<P: Platform>(
    session: &mut Session<P>,
    password: &str,
    key: &RecoveryKey,
) -> Result<()> {
    replace(session, password, Some(key)).await
}

async fn replace<P: Platform>(
    session: &mut Session<P>,
    password: &str,
    recovery: Option<&RecoveryKey>,
) -> Result<()> {
    let (platform, profile) = (session.platform(), session.profile());
    let server = session.server();
    let signer = session.keys().public().sign_pk;
    let current = CurrentSet::fetch(&server, &signer, profile.unlockers_version).await?;
    let version = current.body.version + 1;
    let half = match recovery {
        Some(key) => RecoveryHalf::New(key),
        None => current.kept_recovery()?,
    };
    let new = register_password(
        platform,
        &server,
        &profile.instance,
        &profile.handle,
        password,
    )
    .await?;
    let root = profile.open_root(platform).await?;
    let owner = Owner {
        uid: profile.uid,
        keys: session.keys(),
        root: &root,
    };
    let unlock = owner.unlocker_set(platform, version, &new, half)?;
    let request = ReplaceUnlockersRequest { unlock };
    server
        .call(&ReplaceUnlockers, request, Repeat::Safe)
        .await?;
    session
        .update(|profile| profile.unlockers_version = version)
        .await
}
