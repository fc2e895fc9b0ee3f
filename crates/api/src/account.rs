//! Bodies of the account endpoints: sign-up, log-in, recovery, second factor,
//! unlockers and sessions. JSON; bytes and ids as base64url.

use serde::{Deserialize, Serialize};
use sv_ledger::id::{InstanceId, SessionId, UnlockerId, VaultId};
use utoipa::ToSchema;

use crate::text::{Base64, as_text};
use crate::wire::json_wire;

/// Who may sign up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignupPolicy {
    /// Whoever has an invitation.
    Invite,
    /// Anybody.
    Open,
    /// Nobody.
    Closed,
}

/// What a server says of itself before anybody has logged in. The client
/// checks that `instance_id = SHA-256(opaque_public_key ‖ nonce)` and pins it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Instance {
    /// The installation.
    #[serde(with = "as_text")]
    #[schema(value_type = String)]
    pub instance_id: InstanceId,
    /// Its OPAQUE public key, 32 bytes.
    pub opaque_public_key: Base64,
    /// What makes the id unique, 32 bytes.
    pub nonce: Base64,
    /// Who may sign up.
    pub signup: SignupPolicy,
    /// The server's version.
    pub version: String,
    /// Milliseconds since the Unix epoch, by the server's clock.
    pub now_ms: u64,
    /// Whether it was restored from a backup, until its administrator ends
    /// that state. A claim: it explains an older state and excuses nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<RestoredState>,
}

/// A restore from a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RestoredState {
    /// Names this restore, 16 bytes.
    pub restore_id: Base64,
    /// When it was done, Unix milliseconds.
    pub restored_ms: u64,
    /// When the backup was taken, Unix milliseconds.
    pub backup_ms: u64,
}

/// Starts a sign-up.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SignupStartRequest {
    /// The wanted handle.
    pub handle: String,
    /// An invitation code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invite: Option<String>,
    /// OPAQUE registration request.
    pub registration_request: Base64,
}

/// The server's half of an OPAQUE registration.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RegistrationResponse {
    /// OPAQUE registration response.
    pub registration_response: Base64,
}

/// A wrapped root key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Wrap {
    /// The unlocker that opens it.
    #[serde(with = "as_text")]
    #[schema(value_type = String)]
    pub unlocker_id: UnlockerId,
    /// The Box.
    pub sealed: Base64,
}

/// What an account is opened with: a signed list of unlockers, the OPAQUE
/// record it covers and one wrap for each unlocker.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UnlockerSet {
    /// OPAQUE registration upload.
    pub password_record: Base64,
    /// Signed list of unlockers.
    pub unlockers: Base64,
    /// A wrap for each of them.
    pub wraps: Vec<Wrap>,
}

/// A vault at its birth.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NewVault {
    /// Signed genesis.
    pub genesis: Base64,
    /// Its first entries: entry 1, and perhaps more.
    pub entries: Vec<Base64>,
    /// Records and envelopes that the entries name.
    pub bodies: Vec<Base64>,
}

/// Completes a sign-up, in one transaction.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SignupFinishRequest {
    /// The wanted handle.
    pub handle: String,
    /// An invitation code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invite: Option<String>,
    /// What opens the account.
    pub unlock: UnlockerSet,
    /// The account vault; its id becomes the uid.
    pub account: NewVault,
    /// The drive.
    pub drive: NewVault,
}

/// A new account that waits for its first one-time code.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct SignupFinishResponse {
    /// Token of a session that can only confirm the second factor; none if it
    /// is in the page's cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The second factor to set up.
    pub totp: TotpSetup,
    /// Codes for when the authenticator is lost; each works once.
    pub backup_codes: Vec<String>,
    /// When the unconfirmed account is forgotten, Unix milliseconds.
    pub expires_ms: u64,
}

/// A TOTP secret (RFC 6238: SHA-1, 6 digits, 30 s).
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct TotpSetup {
    /// The secret in base32.
    pub secret: String,
    /// The same as an `otpauth://` URI, for the QR code.
    pub otpauth_uri: String,
}

/// A one-time or backup code.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct CodeRequest {
    /// Six digits, or a backup code.
    pub code: String,
    /// What the person calls this device, for the list of sessions.
    #[serde(default)]
    pub device_label: String,
}

/// A session that may do everything, after the second factor of a sign-up.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct FullSession {
    /// The session's token; none if it is in the page's cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Recognises this device at its next log-in, so that strangers who
    /// guess cannot lock it out.
    pub device_token: String,
}

/// Starts a log-in, or a fresh proof of the password.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct LoginStartRequest {
    /// The handle.
    pub handle: String,
    /// OPAQUE KE1.
    pub ke1: Base64,
    /// From an earlier log-in on this device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_token: Option<String>,
}

/// The server's half of a log-in.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct LoginStartResponse {
    /// Names this log-in in the next request.
    pub login_id: Base64,
    /// OPAQUE KE2.
    pub ke2: Base64,
}

/// Proves the password.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct LoginFinishRequest {
    /// From [`LoginStartResponse`].
    pub login_id: Base64,
    /// OPAQUE KE3.
    pub ke3: Base64,
}

/// Proves the password and the second factor within a session.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ProofFinishRequest {
    /// From [`LoginStartResponse`].
    pub login_id: Base64,
    /// OPAQUE KE3.
    pub ke3: Base64,
    /// A one-time or backup code.
    pub code: String,
}

/// The password was right; the second factor is next.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct LoginFinishResponse {
    /// Token of a session that can only give the second factor; none if it is
    /// in the page's cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// What a device needs to open the root key: only ever sent after an
/// unlocker's proof and the second factor.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Unlock {
    /// The account.
    #[serde(with = "as_text")]
    #[schema(value_type = String)]
    pub uid: VaultId,
    /// Signed list of unlockers.
    pub unlockers: Base64,
    /// The wrap for the unlocker that was proved.
    pub wrap: Wrap,
}

/// A complete log-in.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct LoginResponse {
    /// The session's token; none if it is in the page's cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Recognises this device at its next log-in; none after a recovery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_token: Option<String>,
    /// What opens the root key.
    pub unlock: Unlock,
    /// Whether the account was about to be deleted, which this has called off.
    #[serde(default)]
    pub called_off_deletion: bool,
}

/// Asks for a recovery challenge.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct RecoveryStartRequest {
    /// The handle.
    pub handle: String,
}

/// A recovery challenge; unknown handles get one too.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct RecoveryStartResponse {
    /// 32 bytes to sign.
    pub nonce: Base64,
}

/// Answers a recovery challenge. The session it gives can only replace
/// unlockers.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct RecoveryFinishRequest {
    /// The handle.
    pub handle: String,
    /// From [`RecoveryStartResponse`].
    pub nonce: Base64,
    /// Ed25519 by the recovery key, over `recovery_challenge`.
    pub signature: Base64,
    /// A one-time or backup code.
    pub code: String,
}

/// Asks for the server's half of a new password.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct RegistrationRequest {
    /// OPAQUE registration request.
    pub registration_request: Base64,
}

/// Replaces the unlockers; every other session ends.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ReplaceUnlockersRequest {
    /// The new set, its version one above the present one.
    pub unlock: UnlockerSet,
}

/// Backup codes, shown once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct BackupCodes {
    /// Ten codes; each works once.
    pub backup_codes: Vec<String>,
}

/// The signed-in account.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AccountStatus {
    /// The handle.
    pub handle: String,
    /// The uid.
    #[serde(with = "as_text")]
    #[schema(value_type = String)]
    pub uid: VaultId,
    /// Bytes stored, as sealed.
    pub used_bytes: u64,
    /// Bytes allowed; none for no limit.
    pub quota_bytes: Option<u64>,
    /// Backup codes not used yet.
    pub backup_codes_left: u32,
    /// Version of the list of unlockers.
    pub unlockers_version: u64,
    /// Whether the account may invite and administer.
    pub administrator: bool,
    /// Whether it has an authenticator; not after an administrator's reset.
    pub has_authenticator: bool,
}

/// An account that goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Deletion {
    /// From when on it is gone, unless somebody logs in before, Unix
    /// milliseconds.
    pub deleted_from_ms: u64,
}

/// A logged-in device.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SessionInfo {
    /// Its id.
    #[serde(with = "as_text")]
    #[schema(value_type = String)]
    pub session_id: SessionId,
    /// What the person called the device.
    pub device_label: String,
    /// When it was opened, Unix milliseconds.
    pub created_ms: u64,
    /// When it was last used, Unix milliseconds.
    pub last_used_ms: u64,
    /// When it ends if it is not used, Unix milliseconds.
    pub expires_ms: u64,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// One half of what opens a root key that rests with a session: the other is
/// on the device, and neither is of use alone.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct SessionHalf {
    /// 32 random bytes of the client's.
    pub half: Base64,
}

/// The session that a half was given to.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct KeptHalf {
    /// Its id.
    #[serde(with = "as_text")]
    #[schema(value_type = String)]
    pub session_id: SessionId,
}

/// All sessions of an account.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SessionList {
    /// Newest use first.
    pub sessions: Vec<SessionInfo>,
}

/// An answer that opens a session.
pub trait OpensSession {
    /// Takes its token out.
    fn take_token(&mut self) -> Option<String>;
}

macro_rules! opens_session {
    ($($answer:ident),*) => {$(
        impl OpensSession for $answer {
            fn take_token(&mut self) -> Option<String> {
                self.session.take()
            }
        }
    )*};
}

opens_session!(
    SignupFinishResponse,
    FullSession,
    LoginFinishResponse,
    LoginResponse
);

json_wire!(
    Instance,
    NewVault,
    SignupStartRequest,
    RegistrationResponse,
    SignupFinishRequest,
    SignupFinishResponse,
    TotpSetup,
    CodeRequest,
    FullSession,
    LoginStartRequest,
    LoginStartResponse,
    LoginFinishRequest,
    ProofFinishRequest,
    LoginFinishResponse,
    LoginResponse,
    RecoveryStartRequest,
    RecoveryStartResponse,
    RecoveryFinishRequest,
    RegistrationRequest,
    ReplaceUnlockersRequest,
    UnlockerSet,
    BackupCodes,
    AccountStatus,
    Deletion,
    SessionList,
    SessionHalf,
    KeptHalf,
);
