//! What a device keeps of an account: public facts, tokens, and the root key
//! sealed, under the device key or under a half that the server keeps for this
//! session (spec: `account-keys.md` §5).

use serde::{Deserialize, Serialize};
use sv_api::account::SessionHalf;
use sv_api::endpoint::{GetSessionHalf, KeepSessionHalf};
use sv_api::text::as_text;
use sv_api::wire::Empty;
use sv_api::{Base64, ErrorCode};
use sv_core::unlock::{Holder, RestContext, open_root_at_rest, seal_root_at_rest};
use sv_core::{AccountRootKey, DeviceKey};
use sv_ledger::id::{DeviceId, SessionId, VaultId};
use zeroize::Zeroizing;

use super::instance::KnownInstance;
use crate::call::{Repeat, Server};
use crate::error::{ClientError, Result, Tamper};
use crate::port::{Keychain, Platform, Storage};

const FILE: &str = "profile";

/// How far the account on this device has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Signed up; the second factor is not confirmed.
    AwaitsConfirmation,
    /// Logged in.
    Full,
    /// Logged out; what remains makes the next log-in known to the server.
    LoggedOut,
}

/// What opens the root key that rests on this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "lowercase")]
pub enum Rest {
    /// The key in this device's key chain: without asking anybody.
    #[default]
    Device,
    /// The half that the server keeps for this session: not offline, and not
    /// after the session has ended.
    Session {
        /// The session.
        #[serde(with = "as_text")]
        session_id: SessionId,
    },
}

/// An account on this device.
#[derive(Clone, Serialize, Deserialize)]
pub struct Profile {
    /// How far it has come.
    pub stage: Stage,
    /// Who the server is.
    pub instance: KnownInstance,
    /// The handle, normalised.
    pub handle: String,
    /// The account.
    #[serde(with = "as_text")]
    pub uid: VaultId,
    /// This device, as the account's other devices know it.
    #[serde(with = "as_text")]
    pub device_id: DeviceId,
    /// What the person calls it.
    pub device_label: String,
    /// Session token; none where a browser keeps it.
    pub token: Option<String>,
    /// Recognises this device to the server at log-in.
    pub device_token: Option<String>,
    /// Generation of the root key.
    pub generation: u32,
    /// Highest version of the list of unlockers that was seen.
    pub unlockers_version: u64,
    /// What opens the next field.
    pub rest: Rest,
    /// The root key, sealed.
    pub sealed_root: Base64,
}

impl Profile {
    /// The profile on this device, if there is one.
    ///
    /// # Errors
    /// [`ClientError::Local`], or [`Tamper::LocalState`] if it is unreadable.
    pub async fn load<P: Platform>(platform: &P) -> Result<Option<Self>> {
        let Some(bytes) = platform.storage().read(FILE).await? else {
            return Ok(None);
        };
        let profile = serde_json::from_slice(&bytes).map_err(|_| Tamper::LocalState("profile"))?;
        Ok(Some(profile))
    }

    /// Keeps it.
    ///
    /// # Errors
    /// [`ClientError::Local`].
    pub async fn save<P: Platform>(&self, platform: &P) -> Result<()> {
        let bytes = serde_json::to_vec_pretty(self)
            .map_err(|error| ClientError::Misuse(error.to_string()))?;
        Ok(platform.storage().write(FILE, &bytes).await?)
    }

    fn rest_context(&self) -> RestContext {
        RestContext {
            instance_id: self.instance.id,
            uid: self.uid,
            generation: self.generation,
            holder: match self.rest {
                Rest::Device => Holder::Device(self.device_id),
                Rest::Session { session_id } => Holder::Session(session_id),
            },
        }
    }

    /// Seals the root key to rest on this device.
    ///
    /// # Errors
    /// [`ClientError::Local`] if the device key cannot be kept.
    pub(super) async fn keep_root<P: Platform>(
        &mut self,
        platform: &P,
        root: &AccountRootKey,
    ) -> Result<()> {
        let device_key = match platform.keychain().load().await? {
            Some(key) => key,
            None => {
                let key = DeviceKey::generate(&mut platform.random())?;
                platform.keychain().store(&key).await?;
                key
            }
        };
        self.rest = Rest::Device;
        self.seal_root(platform, &device_key, root)
    }

    /// Seals the root key under a fresh half, which the server keeps for this
    /// session: a copy of this device's files opens nothing.
    ///
    /// # Errors
    /// Those of a call, or [`ClientError::Local`].
    pub(super) async fn keep_root_with_session<P: Platform>(
        &mut self,
        platform: &P,
        root: &AccountRootKey,
    ) -> Result<()> {
        let half = DeviceKey::generate(&mut platform.random())?;
        let request = SessionHalf {
            half: half.to_store().to_vec().into(),
        };
        let server = Server::in_session(platform, self.token.as_deref());
        let kept = server.call(&KeepSessionHalf, request, Repeat::Safe).await?;
        // What an earlier log-in kept here opens nothing any more.
        platform.keychain().wipe().await?;
        self.rest = Rest::Session {
            session_id: kept.session_id,
        };
        self.seal_root(platform, &half, root)
    }

    fn seal_root<P: Platform>(
        &mut self,
        platform: &P,
        key: &DeviceKey,
        root: &AccountRootKey,
    ) -> Result<()> {
        let sealed = seal_root_at_rest(key, root, &self.rest_context(), &mut platform.random())?;
        self.sealed_root = sealed.into();
        Ok(())
    }

    /// Opens the root key that rests on this device. If the server refuses its
    /// half, the sealed key is deleted: it could never be opened again.
    ///
    /// # Errors
    /// [`ClientError::NotLoggedIn`] without a device key or half,
    /// [`Tamper::LocalState`] if what rests here was altered,
    /// [`Tamper::AccountKey`] if the server gave another half; those of a call.
    pub(super) async fn open_root<P: Platform>(&self, platform: &P) -> Result<AccountRootKey> {
        let context = self.rest_context();
        match self.rest {
            Rest::Device => {
                let key = platform.keychain().load().await?;
                let key = key.ok_or(ClientError::NotLoggedIn)?;
                open_root_at_rest(&key, &self.sealed_root.0, &context)
                    .map_err(|_| Tamper::LocalState("account key").into())
            }
            Rest::Session { .. } => {
                let half = self.fetch_half(platform).await?;
                Ok(open_root_at_rest(&half, &self.sealed_root.0, &context)?)
            }
        }
    }

    async fn fetch_half<P: Platform>(&self, platform: &P) -> Result<DeviceKey> {
        let server = Server::in_session(platform, self.token.as_deref());
        let answer = server.call(&GetSessionHalf, Empty {}, Repeat::Safe).await;
        match answer {
            Ok(answer) => {
                let half = Zeroizing::new(answer.half.0);
                Ok(DeviceKey::from_store(&half).map_err(|_| Tamper::AccountKey)?)
            }
            Err(error) if is_final(&error) => {
                self.clone().logged_out().save(platform).await?;
                Err(ClientError::NotLoggedIn)
            }
            Err(error) => Err(error),
        }
    }

    /// What remains when nobody is logged in: enough for the server to know
    /// this device again, and for this device to know the account.
    pub(super) fn logged_out(self) -> Self {
        Self {
            stage: Stage::LoggedOut,
            token: None,
            rest: Rest::Device,
            sealed_root: Vec::new().into(),
            ..self
        }
    }
}

/// Whether the session, or its half, will not come back.
fn is_final(error: &ClientError) -> bool {
    [
        ErrorCode::NotLoggedIn,
        ErrorCode::NotFound,
        ErrorCode::Forbidden,
        ErrorCode::SecondFactorRequired,
        ErrorCode::AccountDisabled,
    ]
    .into_iter()
    .any(|code| error.is_refusal(code))
}
