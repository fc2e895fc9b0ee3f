//! Sign-up, log-in, unlock after a reload, recovery, and what settings change.

use serde::{Deserialize, Serialize};
use sv_api::account::SignupPolicy;

/// Starts the engine's work: opens what rests in this browser. Call it first.
/// Without the server, [`Stage::Unreachable`]; call it again later.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Start {}

/// Takes the account over from another tab of this browser, which then shows
/// [`Stage::Elsewhere`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TakeOver {}

/// What there is in this browser: what to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Nobody is logged in. `handle` was, last time.
    LoggedOut {
        /// To be filled into the log-in form.
        handle: Option<String>,
    },
    /// Signed up; the first code of the authenticator is due. The emergency
    /// sheet was shown once and is not kept: who lost it cancels and starts
    /// again.
    AwaitsFirstCode {
        /// Who.
        handle: String,
    },
    /// Logged in and unlocked: every call works.
    Open(Identity),
    /// Logged in, but the server, which keeps half of the key, cannot be
    /// reached.
    Unreachable {
        /// Who.
        handle: String,
    },
    /// Another tab of this browser has the account open.
    Elsewhere,
}

/// Whose account is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The handle, normalised.
    pub handle: String,
    /// The account's id.
    pub uid: String,
    /// What this browser is called in the list of sessions.
    pub device_label: String,
}

/// What the server says of itself, before anybody has logged in. Also tells
/// whether it can be reached: [`super::FailureKind::Offline`] if not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GetServer {}

/// A server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServerInfo {
    /// Who may sign up.
    pub signup: SignupPolicy,
    /// Its version.
    pub version: String,
    /// When the backup was taken that it was restored from, Unix milliseconds;
    /// only while its administrator says that it was.
    pub restored_from_ms: Option<u64>,
}

/// Makes an account. Then show the sheet, and [`ConfirmSignUp`].
#[derive(Serialize, Deserialize)]
pub struct SignUp {
    /// The handle, as typed.
    pub handle: String,
    /// The password.
    pub password: String,
    /// The invitation code.
    pub invite: Option<String>,
    /// What to call this browser.
    pub device_label: String,
}

/// What a person has to keep; shown once.
#[derive(Clone, Serialize, Deserialize)]
pub struct EmergencySheet {
    /// The handle, normalised.
    pub handle: String,
    /// The server's address.
    pub address: String,
    /// The recovery key: 24 words with spaces between.
    pub recovery_words: String,
    /// Ten codes for when the authenticator is lost.
    pub backup_codes: Vec<String>,
    /// The second factor to set up.
    pub totp: TotpSecret,
}

/// A TOTP secret.
#[derive(Clone, Serialize, Deserialize)]
pub struct TotpSecret {
    /// In base32.
    pub secret: String,
    /// The same as an `otpauth://` URI, for the QR code.
    pub otpauth_uri: String,
}

/// Gives the first code of the authenticator: the account exists from then on.
#[derive(Serialize, Deserialize)]
pub struct ConfirmSignUp {
    /// Six digits.
    pub code: String,
}

/// Forgets a sign-up that waits for its first code; the server forgets it in
/// an hour.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CancelSignUp {}

/// Proves the password; [`GiveCode`] is next.
#[derive(Serialize, Deserialize)]
pub struct LogIn {
    /// The handle, as typed.
    pub handle: String,
    /// The password.
    pub password: String,
    /// What to call this browser.
    pub device_label: String,
}

/// Gives the second factor. After [`super::FailureKind::Refused`] with a wrong or
/// used code it can be called again with another.
#[derive(Serialize, Deserialize)]
pub struct GiveCode {
    /// Six digits, or a backup code.
    pub code: String,
    /// The person says that the server was restored from a backup, after a
    /// [`super::TamperKind::Unlockers`] while [`ServerInfo::restored_from_ms`] is set.
    pub after_restore: bool,
}

/// Starts a log-in by recovery key; [`GiveRecoveryCode`] is next.
#[derive(Serialize, Deserialize)]
pub struct StartRecovery {
    /// The handle, as typed.
    pub handle: String,
    /// The 24 words.
    pub words: String,
}

/// Gives the second factor of a recovery; [`SetRecoveredPassword`] is next. After
/// a refusal, [`StartRecovery`] again.
#[derive(Serialize, Deserialize)]
pub struct GiveRecoveryCode {
    /// Six digits, or a backup code.
    pub code: String,
}

/// Sets a new password; every session ends. [`LogIn`] is next.
#[derive(Serialize, Deserialize)]
pub struct SetRecoveredPassword {
    /// The new password.
    pub password: String,
}

/// Ends the session, wipes keys and cache from this browser.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LogOut {}

/// The account as the server knows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GetAccount {}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountInfo {
    /// The handle.
    pub handle: String,
    /// The account's id.
    pub uid: String,
    /// Bytes stored, as sealed.
    pub used_bytes: u64,
    /// Bytes allowed; none for no limit.
    pub quota_bytes: Option<u64>,
    /// Backup codes not used yet.
    pub backup_codes_left: u32,
    /// Whether it may administer.
    pub administrator: bool,
    /// Whether it has an authenticator; not after an administrator's reset.
    pub has_authenticator: bool,
}

/// Proves password and second factor again: for five minutes the calls below
/// work that would be refused with `ProofRequired` otherwise.
#[derive(Serialize, Deserialize)]
pub struct ProvePassword {
    /// The present password.
    pub password: String,
    /// Six digits, or a backup code.
    pub code: String,
}

/// Replaces the password; other sessions end. Wants [`ProvePassword`].
#[derive(Serialize, Deserialize)]
pub struct ChangePassword {
    /// The new password.
    pub password: String,
}

/// A new TOTP secret; the present one is in force until [`ConfirmTotp`]. Wants
/// [`ProvePassword`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewTotp {}

/// Puts the new secret in force.
#[derive(Serialize, Deserialize)]
pub struct ConfirmTotp {
    /// A code of the new secret.
    pub code: String,
}

/// Ten new backup codes; the old ones stop working. Wants [`ProvePassword`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewBackupCodes {}

/// Draws a recovery key, 24 words, to be shown and kept before it is put in
/// force by [`PutRecoveryKeyInForce`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewRecoveryKey {}

/// Puts the key of [`NewRecoveryKey`] in force; other sessions end. Wants
/// [`ProvePassword`].
#[derive(Serialize, Deserialize)]
pub struct PutRecoveryKeyInForce {
    /// The present password, which is registered anew with it.
    pub password: String,
}

/// Every device that is logged in, newest use first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListSessions {}

/// A logged-in device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRow {
    /// For [`EndSession`].
    pub id: String,
    /// What the person called it.
    pub device_label: String,
    /// When it was opened, Unix milliseconds.
    pub created_ms: u64,
    /// When it was last used, Unix milliseconds.
    pub last_used_ms: u64,
    /// When it ends if it is not used, Unix milliseconds.
    pub expires_ms: u64,
    /// Whether it is this one.
    pub current: bool,
}

/// Logs a device out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EndSession {
    /// From [`SessionRow`].
    pub id: String,
}

/// Deletes the account after a time of grace; a log-in during it takes the
/// deletion back. Ends every session. Wants [`ProvePassword`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeleteAccount {}

/// A deletion that is going to happen.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Deletion {
    /// When it becomes final, Unix milliseconds.
    pub final_ms: u64,
}
