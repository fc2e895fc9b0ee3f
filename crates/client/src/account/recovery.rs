//! Recovery: the 24 words and a second factor replace a forgotten password
//! (spec: `account.md` §6).

use sv_api::account::{RecoveryFinishRequest, RecoveryStartRequest, ReplaceUnlockersRequest};
use sv_api::endpoint::{Logout, RecoveryFinish, RecoveryStart, ReplaceUnlockers};
use sv_api::wire::Empty;
use sv_core::{AccountKeys, AccountRootKey, RecoveryKey};
use sv_ledger::handle::Handle;
use sv_ledger::id::VaultId;
use sv_ledger::unlock::{UnlockerKind, recovery_challenge};

use super::instance::KnownInstance;
use super::login::{open_root, refuse_regress};
use super::profile::Profile;
use super::unlockers::{CurrentSet, Owner, register_password};
use crate::call::{Repeat, Server};
use crate::error::{ClientError, Result};
use crate::port::Platform;

/// A recovery whose challenge is answered and whose code is next.
pub struct Recovery<'p, P> {
    platform: &'p P,
    instance: KnownInstance,
    handle: Handle,
    known: Option<Profile>,
    key: RecoveryKey,
    nonce: [u8; 32],
}

/// An account whose recovery key opened it.
pub struct Recovered<'p, P> {
    platform: &'p P,
    instance: KnownInstance,
    handle: Handle,
    token: Option<String>,
    root: AccountRootKey,
    keys: AccountKeys,
    uid: VaultId,
    version: u64,
}

/// Asks the server for a challenge.
///
/// # Errors
/// [`ClientError::Misuse`] for an impossible handle or key, or those of a call.
pub async fn start_recovery<'p, P: Platform>(
    platform: &'p P,
    handle: &str,
    words: &str,
) -> Result<Recovery<'p, P>> {
    let handle = Handle::parse(handle).map_err(|error| ClientError::misuse(error.to_string()))?;
    let key = RecoveryKey::parse(words)?;
    let known = Profile::load(platform)
        .await?
        .filter(|p| p.handle == handle.as_str());
    let server = Server::anonymous(platform);
    let (instance, _) =
        KnownInstance::fetch(&server, known.as_ref().map(|known| &known.instance)).await?;
    let request = RecoveryStartRequest {
        handle: handle.to_string(),
    };
    let challenge = server.call(&RecoveryStart, request, Repeat::Never).await?;
    let nonce = challenge
        .nonce
        .array()
        .map_err(|error| ClientError::Misbehaved(error.to_string()))?;
    Ok(Recovery {
        platform,
        instance,
        handle,
        known,
        key,
        nonce,
    })
}

impl<'p, P: Platform> Recovery<'p, P> {
    /// Answers the challenge, with a one-time or backup code.
    ///
    /// # Errors
    /// Those of a call, or any [`crate::Tamper`].
    pub async fn finish(self, code: &str) -> Result<Recovered<'p, P>> {
        let proof = recovery_challenge(&self.instance.id, &self.handle, &self.nonce);
        let request = RecoveryFinishRequest {
            handle: self.handle.to_string(),
            nonce: self.nonce.into(),
            signature: self.key.auth().sign(&proof).into(),
            code: code.to_owned(),
        };
        let server = Server::anonymous(self.platform);
        let answer = server.call(&RecoveryFinish, request, Repeat::Never).await?;
        let (root, unlockers) = open_root(&answer.unlock, UnlockerKind::Recovery, &self.key.kek())?;
        if let Some(known) = &self.known {
            refuse_regress(known, &unlockers)?;
        }
        let keys = AccountKeys::derive(&root, unlockers.generation);
        Ok(Recovered {
            platform: self.platform,
            instance: self.instance,
            handle: self.handle,
            token: answer.session,
            root,
            keys,
            uid: answer.unlock.uid,
            version: unlockers.version,
        })
    }
}

impl<P: Platform> Recovered<'_, P> {
    /// Sets a new password; the recovery key stays valid, every session ends.
    ///
    /// # Errors
    /// Those of a call.
    pub async fn set_password(self, password: &str) -> Result<()> {
        let server = Server::in_session(self.platform, self.token.as_deref());
        let signer = self.keys.public().sign_pk;
        let current = CurrentSet::fetch(&server, &signer, self.version).await?;
        let version = current.body.version + 1;
        let half = current.kept_recovery()?;
        let handle = self.handle.as_str();
        let new =
            register_password(self.platform, &server, &self.instance, handle, password).await?;
        let owner = Owner {
            uid: self.uid,
            keys: &self.keys,
            root: &self.root,
        };
        let unlock = owner.unlocker_set(self.platform, version, &new, half)?;
        let request = ReplaceUnlockersRequest { unlock };
        server
            .call(&ReplaceUnlockers, request, Repeat::Safe)
            .await?;
        // The server ends the recovery session by itself if this is lost.
        let _ = server.call(&Logout, Empty {}, Repeat::Never).await;
        Ok(())
    }
}
