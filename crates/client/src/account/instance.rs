//! Which server this is: an id that hashes its OPAQUE key, pinned at first use.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sv_api::Base64;
use sv_api::account::{Instance, RestoredState, SignupPolicy};
use sv_api::endpoint::GetInstance;
use sv_api::text::as_text;
use sv_api::wire::Empty;
use sv_ledger::id::InstanceId;
use sv_pake::LoginContext;

use super::profile::Profile;
use crate::call::{Repeat, Server};
use crate::error::{ClientError, Result, Tamper};
use crate::port::Platform;

/// A server as this device knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownInstance {
    /// Its id.
    #[serde(with = "as_text")]
    pub id: InstanceId,
    /// Its OPAQUE public key.
    opaque_public_key: Base64,
}

impl KnownInstance {
    /// Asks the server who it is. `pinned` is who it was before, if this
    /// device has met it.
    ///
    /// # Errors
    /// [`Tamper::Instance`] if it is another one, or its id is not the hash
    /// of its key.
    pub async fn fetch<P: Platform>(
        server: &Server<'_, P>,
        pinned: Option<&Self>,
    ) -> Result<(Self, SignupPolicy)> {
        let (known, told) = Self::ask(server, pinned).await?;
        Ok((known, told.signup))
    }

    /// What the server says of itself.
    ///
    /// # Errors
    /// As [`Self::fetch`].
    pub async fn describe<P: Platform>(
        server: &Server<'_, P>,
        pinned: Option<&Self>,
    ) -> Result<Instance> {
        Ok(Self::ask(server, pinned).await?.1)
    }

    /// What the server says of a restore, if it says so.
    ///
    /// # Errors
    /// As [`Self::fetch`].
    pub async fn restore_claim<P: Platform>(
        &self,
        server: &Server<'_, P>,
    ) -> Result<Option<RestoreClaim>> {
        let (_, told) = Self::ask(server, Some(self)).await?;
        told.restored.map(RestoreClaim::read).transpose()
    }

    async fn ask<P: Platform>(
        server: &Server<'_, P>,
        pinned: Option<&Self>,
    ) -> Result<(Self, Instance)> {
        let told: Instance = server.call(&GetInstance, Empty {}, Repeat::Safe).await?;
        let digest = Sha256::new()
            .chain_update(&told.opaque_public_key.0)
            .chain_update(&told.nonce.0)
            .finalize();
        let id = InstanceId::new(digest.into());
        let known = Self {
            id,
            opaque_public_key: told.opaque_public_key.clone(),
        };
        if told.instance_id != id || pinned.is_some_and(|pinned| *pinned != known) {
            return Err(Tamper::Instance.into());
        }
        Ok((known, told))
    }

    /// The context of a log-in here.
    pub(super) fn login_context(&self, handle: &str) -> LoginContext {
        LoginContext::new(self.id.as_bytes(), handle)
    }

    /// Checks that a password is bound to this server's key.
    pub(super) fn check_key(&self, key: &[u8; 32]) -> Result<()> {
        if self.opaque_public_key.0 == key {
            Ok(())
        } else {
            Err(Tamper::Instance.into())
        }
    }
}

/// What a server says of itself after a restore from a backup. It explains an
/// older state; whether that is true a person has to find out elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestoreClaim {
    /// Names the restore.
    pub restore_id: [u8; 16],
    /// When it was done, Unix milliseconds.
    pub restored_ms: u64,
    /// When the backup was taken, Unix milliseconds.
    pub backup_ms: u64,
}

impl RestoreClaim {
    fn read(told: RestoredState) -> Result<Self> {
        Ok(Self {
            restore_id: told.restore_id.array().map_err(|_| malformed("restore"))?,
            restored_ms: told.restored_ms,
            backup_ms: told.backup_ms,
        })
    }
}

/// What the server that this device knows says of a restore.
///
/// # Errors
/// [`ClientError::NotLoggedIn`] if this device knows none; as
/// [`KnownInstance::fetch`].
pub async fn restore_claim<P: Platform>(platform: &P) -> Result<Option<RestoreClaim>> {
    let known = Profile::load(platform).await?;
    let known = known.ok_or(ClientError::NotLoggedIn)?;
    let server = Server::anonymous(platform);
    known.instance.restore_claim(&server).await
}

pub(super) fn malformed(what: &str) -> ClientError {
    ClientError::Misbehaved(format!("malformed {what}"))
}
