//! Log-in: password, then code, then the root key, then proof that the
//! account the server shows is the one whose key opened (spec: `account.md` §5).

use sv_api::account::{CodeRequest, LoginFinishRequest, LoginResponse, LoginStartRequest, Unlock};
use sv_api::endpoint::{LoginFinish, LoginSecondFactor, LoginStart};
use sv_core::unlock::{WrapContext, unwrap_root_key};
use sv_core::{AccountKeys, AccountRootKey, Kek};
use sv_ledger::handle::Handle;
use sv_ledger::id::DeviceId;
use sv_ledger::unlock::{UnlockerKind, Unlockers, UnlockersBody, blob_hash};
use sv_pake::ClientLogin;

use super::instance::KnownInstance;
use super::profile::{Profile, Rest, Stage};
use super::session::Session;
use super::unlockers::wrong_password;
use crate::call::{Repeat, Server};
use crate::error::{ClientError, Result, Tamper};
use crate::port::{Platform, Storage};
use crate::vault::verify_identity;

/// What a person gives to log in.
pub struct LogIn<'a> {
    /// The handle, as typed.
    pub handle: &'a str,
    /// The password.
    pub password: &'a str,
    /// What to call this device.
    pub device_label: &'a str,
}

/// A log-in whose password was right and whose code is next.
pub struct AwaitingCode<P> {
    platform: P,
    instance: KnownInstance,
    handle: Handle,
    device_label: String,
    known: Option<Profile>,
    token: Option<String>,
    kek: Kek,
    keep: Keep,
    older: Older,
}

/// What becomes of a list of unlockers that is older than this device knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Older {
    Refuse,
    /// The person says that the server was restored from a backup.
    AcceptAfterRestore,
}

/// Where the root key rests after a log-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    OnDevice,
    WithSession,
}

impl LogIn<'_> {
    /// Proves the password.
    ///
    /// # Errors
    /// [`ClientError::WrongPassword`], [`Tamper::Instance`], or those of a call.
    pub async fn start<P: Platform>(&self, platform: P) -> Result<AwaitingCode<P>> {
        let handle =
            Handle::parse(self.handle).map_err(|error| ClientError::misuse(error.to_string()))?;
        let known = Profile::load(&platform).await?;
        if known
            .as_ref()
            .is_some_and(|p| p.stage == Stage::Full && p.handle != handle.as_str())
        {
            return Err(ClientError::misuse(
                "somebody else is logged in on this device; log out first, or use another \
                 SECUREVAULT_HOME",
            ));
        }
        let known = known.filter(|profile| profile.handle == handle.as_str());
        let server = Server::anonymous(&platform);
        let (instance, _) =
            KnownInstance::fetch(&server, known.as_ref().map(|known| &known.instance)).await?;

        let (login, ke1) = ClientLogin::start(
            &super::password::prepare(self.password)?,
            &mut platform.random(),
        )
        .map_err(|error| ClientError::misuse(error.to_string()))?;
        let request = LoginStartRequest {
            handle: handle.to_string(),
            ke1: ke1.into(),
            device_token: known.as_ref().and_then(|known| known.device_token.clone()),
        };
        let answer = server.call(&LoginStart, request, Repeat::Never).await?;
        let context = instance.login_context(handle.as_str());
        let (ke2, mut random) = (answer.ke2.0, platform.random());
        let proved = platform
            .offload(move || login.finish(&ke2, &context, &mut random))
            .await
            .ok_or(ClientError::Interrupted)?
            .map_err(wrong_password)?;
        instance.check_key(&proved.server_public_key)?;
        let kek = Kek::from_export_key(proved.export_key.expose())
            .map_err(|_| ClientError::WrongPassword)?;
        let request = LoginFinishRequest {
            login_id: answer.login_id,
            ke3: proved.ke3.into(),
        };
        let half = server.call(&LoginFinish, request, Repeat::Never).await?;
        Ok(AwaitingCode {
            instance,
            handle,
            device_label: self.device_label.to_owned(),
            known,
            token: half.session,
            kek,
            keep: Keep::OnDevice,
            older: Older::Refuse,
            platform,
        })
    }
}

impl<P: Platform> AwaitingCode<P> {
    /// Keeps no key on this device: what rests here opens only with a half
    /// that the server keeps for the session, and so neither offline nor after
    /// the session has ended.
    #[must_use]
    pub fn without_keeping(self) -> Self {
        Self {
            keep: Keep::WithSession,
            ..self
        }
    }

    /// Takes the person's word that the server was restored from a backup: if
    /// it says so too, passwords and recovery keys may be older than this
    /// device knows.
    #[must_use]
    pub fn after_restore(self) -> Self {
        Self {
            older: Older::AcceptAfterRestore,
            ..self
        }
    }

    /// Gives the code and opens the account. On refusal the log-in can be
    /// tried again with another code.
    ///
    /// # Errors
    /// Those of a call with the log-in itself, or any [`Tamper`] without it.
    pub async fn finish(self, code: &str) -> Result<Session<P>, (Option<Box<Self>>, ClientError)> {
        let server = Server::in_session(&self.platform, self.token.as_deref());
        let request = CodeRequest {
            code: code.to_owned(),
            device_label: self.device_label.clone(),
        };
        match server
            .call(&LoginSecondFactor, request, Repeat::Never)
            .await
        {
            Ok(answer) => self.open(answer).await.map_err(|error| (None, error)),
            Err(error) => Err((Some(Box::new(self)), error)),
        }
    }

    async fn open(self, answer: LoginResponse) -> Result<Session<P>> {
        let (token, unlock) = (answer.session, &answer.unlock);
        let (root, unlockers) = open_root(unlock, UnlockerKind::Password, &self.kek)?;
        let keys = AccountKeys::derive(&root, unlockers.generation);
        if let Some(known) = &self.known
            && let Err(older) = refuse_regress(known, &unlockers)
        {
            let claim = self
                .instance
                .restore_claim(&Server::anonymous(&self.platform))
                .await?;
            let is_explained = self.older == Older::AcceptAfterRestore
                && claim.is_some()
                && known.uid == unlockers.uid
                && known.generation == unlockers.generation;
            if !is_explained {
                return Err(older);
            }
        }
        let server = Server::in_session(&self.platform, token.as_deref());
        let account = verify_identity(&server, unlock.uid, &keys, &self.instance.id).await?;
        if account != self.handle {
            return Err(Tamper::Identity.into());
        }
        let device_id = match &self.known {
            Some(known) => known.device_id,
            None => {
                self.platform.storage().clear().await?;
                DeviceId::new(self.platform.random_bytes())
            }
        };
        let mut profile = Profile {
            stage: Stage::Full,
            instance: self.instance,
            handle: self.handle.to_string(),
            uid: unlock.uid,
            device_id,
            device_label: self.device_label,
            token,
            device_token: answer.device_token,
            generation: unlockers.generation,
            unlockers_version: unlockers.version,
            rest: Rest::Device,
            sealed_root: Vec::new().into(),
        };
        match self.keep {
            Keep::OnDevice => profile.keep_root(&self.platform, &root).await?,
            Keep::WithSession => {
                let kept = profile.keep_root_with_session(&self.platform, &root);
                kept.await?;
            }
        }
        profile.save(&self.platform).await?;
        Session::begin(self.platform, answer.called_off_deletion).await
    }
}

/// Opens the root key by one unlocker, and checks that the list it came with
/// is signed by the identity that this very key gives.
pub(super) fn open_root(
    unlock: &Unlock,
    kind: UnlockerKind,
    kek: &Kek,
) -> Result<(AccountRootKey, UnlockersBody)> {
    let statement = Unlockers::parse(&unlock.unlockers.0).map_err(|error| match error {
        sv_ledger::codec::ParseError::UnsupportedSuite(suite) => Tamper::UnsupportedSuite(suite),
        _ => Tamper::Unlockers,
    })?;
    let generation = statement.claimed().generation;
    let unlocker_id = unlock.wrap.unlocker_id;
    let context = WrapContext {
        uid: unlock.uid,
        unlocker_id,
        kind,
        generation,
    };
    let root = unwrap_root_key(kek, &unlock.wrap.sealed.0, &context)?;
    let keys = AccountKeys::derive(&root, generation);
    let body = statement
        .verify(&keys.public().sign_pk)
        .ok_or(Tamper::Unlockers)?;
    let listed = body.unlockers.iter().any(|unlocker| {
        unlocker.id == unlocker_id
            && unlocker.kind == kind
            && unlocker.wrap_hash == blob_hash(&unlock.wrap.sealed.0)
    });
    if body.uid != unlock.uid || !listed {
        return Err(Tamper::Unlockers.into());
    }
    Ok((root, body.clone()))
}

/// A device that knows the account accepts no older state of it.
pub(super) fn refuse_regress(known: &Profile, unlockers: &UnlockersBody) -> Result<()> {
    if known.uid != unlockers.uid {
        return Err(Tamper::Identity.into());
    }
    let older =
        unlockers.version < known.unlockers_version || unlockers.generation < known.generation;
    if older {
        Err(Tamper::Unlockers.into())
    } else {
        Ok(())
    }
}
