//! Log-in by recovery key: its signature over a fresh nonce *and* the second
//! factor give a session that can only replace unlockers.

use sv_api::ErrorCode;
use sv_api::account::{
    LoginResponse, RecoveryFinishRequest, RecoveryStartRequest, RecoveryStartResponse,
};
use sv_ledger::enc::Statement;
use sv_ledger::genesis::verify;
use sv_ledger::id::{SignPublicKey, VaultId};
use sv_ledger::unlock::{UnlockerKind, Unlockers, recovery_challenge};

use super::second_factor::{Accepted, fetch};
use super::session::{Kind, NewSession};
use super::throttle::RECOVERY_FROM_NETWORK;
use super::unlockers::unlock;
use super::{Accounts, MINUTE_MS, malformed, parse_handle};
use crate::secrets::random;
use crate::service::audit::{self, Event};
use crate::service::{Error, Result};
use crate::store::accounts::{account, code, login};

/// Milliseconds that a nonce waits for its signature.
const NONCE_TTL_MS: u64 = 5 * MINUTE_MS;
/// Stands in for the key of a handle that nobody has, so that a signature is
/// verified all the same (RFC 8032 §7.1, test 1).
const NOBODY: SignPublicKey = SignPublicKey::new([
    0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
    0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
]);

impl Accounts {
    /// Gives a nonce to sign, whoever asks. `network` names where from.
    ///
    /// # Errors
    /// [`ErrorCode::RateLimited`]; [`ErrorCode::BadRequest`] for no handle.
    pub async fn start_recovery(
        &self,
        request: &RecoveryStartRequest,
        network: [u8; 16],
    ) -> Result<RecoveryStartResponse> {
        let handle = parse_handle(&request.handle)?;
        let name = handle.as_str();
        self.charge(&[(RECOVERY_FROM_NETWORK, &[name.as_bytes(), &network])])
            .await?;
        let nonce: [u8; 32] = random();
        let until_ms = self.clock.now_ms().saturating_add(NONCE_TTL_MS);
        let keep = || async {
            let mut w = self.db.write().await?;
            login::insert_nonce(&mut w, nonce, name, until_ms).await?;
            w.commit().await
        };
        self.db.retry(keep).await?;
        Ok(RecoveryStartResponse {
            nonce: nonce.into(),
        })
    }

    /// Checks the signature, then the code.
    ///
    /// # Errors
    /// [`ErrorCode::WrongCredentials`] for a wrong signature as for an
    /// unknown handle; [`ErrorCode::WrongCode`], [`ErrorCode::CodeUsed`],
    /// [`ErrorCode::RateLimited`].
    pub async fn finish_recovery(&self, request: &RecoveryFinishRequest) -> Result<LoginResponse> {
        let handle = parse_handle(&request.handle)?;
        let nonce: [u8; 32] = request.nonce.array().map_err(malformed)?;
        let signature: [u8; 64] = request.signature.array().map_err(malformed)?;
        let now_ms = self.clock.now_ms();
        let take = || async {
            let mut w = self.db.write().await?;
            let is_fresh = login::take_nonce(&mut w, nonce, handle.as_str(), now_ms).await?;
            let account = account::lookup_by_handle(&mut w, handle.as_str()).await?;
            w.commit().await?;
            Ok::<_, Error>((is_fresh, account))
        };
        let (is_fresh, account) = self.db.retry(take).await?;
        let key = account
            .as_ref()
            .map(|a| Unlockers::parse(&a.unlockers))
            .transpose()
            .map_err(|_| Error::Internal("a stored list of unlockers is malformed"))?
            .map_or(NOBODY, |u| u.claimed().recovery_auth);
        let challenge = recovery_challenge(&self.instance.id(), &handle, &nonce);
        let is_signed = verify(Statement::RecoveryProof, &challenge, &key, &signature);
        if !is_fresh || !is_signed {
            let whose = account.map_or(VaultId::ZERO, |a| a.uid);
            let event = Event::by_nobody(audit::Kind::RecoveryWrong).about(*whose.as_bytes());
            self.note(event).await?;
            return Err(ErrorCode::WrongCredentials.into());
        }
        let account = account.ok_or(ErrorCode::WrongCredentials)?;
        let charge = self.charge_code(account.uid, None).await?;
        let done = self
            .db
            .retry(|| async {
                let mut w = self.db.write().await?;
                let now = fetch(&mut w, account.uid).await?;
                // The key that signed may have been replaced meanwhile.
                if now.unlockers_version != account.unlockers_version {
                    return Err(ErrorCode::WrongCredentials.into());
                }
                let accepted = self
                    .check_code(&mut w, &now, &request.code, &charge)
                    .await?;
                if accepted == Accepted::Reset {
                    // The log-in that follows needs it, to set up a new second factor.
                    code::give_back_reset(&mut w, now.uid).await?;
                }
                let new = NewSession {
                    uid: now.uid,
                    kind: Kind::Recovery,
                    label: "",
                    device: None,
                    proved_until_ms: 0,
                };
                let (session, _) = new.open(&mut w, now_ms).await?;
                let unlock = unlock(&mut w, &now, UnlockerKind::Recovery).await?;
                w.commit().await?;
                Ok(LoginResponse {
                    session: Some(session),
                    device_token: None,
                    unlock,
                    // Only a log-in does that.
                    called_off_deletion: false,
                })
            })
            .await;
        self.note_wrong_code(account.uid, &done).await?;
        done
    }
}
