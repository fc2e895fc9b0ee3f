//! Which server this is: an id that hashes its OPAQUE key, pinned at first use.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sv_api::Base64;
use sv_api::account::{Instance, SignupPolicy};
use sv_api::endpoint::GetInstance;
use sv_api::text::as_text;
use sv_api::wire::Empty;
use sv_ledger::id::InstanceId;
use sv_pake::LoginContext;

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
        let told: Instance = server.call(&GetInstance, Empty {}, Repeat::Safe).await?;
        let digest = Sha256::new()
            .chain_update(&told.opaque_public_key.0)
            .chain_update(&told.nonce.0)
            .finalize();
        let id = InstanceId::new(digest.into());
        let known = Self {
            id,
            opaque_public_key: told.opaque_public_key,
        };
        if told.instance_id != id || pinned.is_some_and(|pinned| *pinned != known) {
            return Err(Tamper::Instance.into());
        }
        Ok((known, told.signup))
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

pub(super) fn malformed(what: &str) -> ClientError {
    ClientError::Misbehaved(format!("malformed {what}"))
}
