//! What a device keeps of an account: public facts, tokens, and the root key
//! sealed under the device key.

use serde::{Deserialize, Serialize};
use sv_api::Base64;
use sv_api::text::as_text;
use sv_core::unlock::{Holder, RestContext, open_root_at_rest, seal_root_at_rest};
use sv_core::{AccountRootKey, DeviceKey};
use sv_ledger::id::{DeviceId, VaultId};

use super::instance::KnownInstance;
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
    /// Session token.
    pub token: String,
    /// Recognises this device to the server at log-in.
    pub device_token: Option<String>,
    /// Generation of the root key.
    pub generation: u32,
    /// Highest version of the list of unlockers that was seen.
    pub unlockers_version: u64,
    /// The root key under the device key.
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
            holder: Holder::Device(self.device_id),
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
        let context = self.rest_context();
        let sealed = seal_root_at_rest(&device_key, root, &context, &mut platform.random())?;
        self.sealed_root = sealed.into();
        Ok(())
    }

    /// Opens the root key that rests on this device.
    ///
    /// # Errors
    /// [`ClientError::NotLoggedIn`] without a device key, or
    /// [`Tamper::LocalState`] if what rests here was altered.
    pub(super) async fn open_root<P: Platform>(&self, platform: &P) -> Result<AccountRootKey> {
        let key = platform
            .keychain()
            .load()
            .await?
            .ok_or(ClientError::NotLoggedIn)?;
        open_root_at_rest(&key, &self.sealed_root.0, &self.rest_context())
            .map_err(|_| Tamper::LocalState("account key").into())
    }
}
