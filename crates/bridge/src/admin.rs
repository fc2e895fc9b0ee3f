//! Administration. Refused with `Forbidden` unless
//! [`super::AccountInfo::administrator`]; changes want [`super::ProvePassword`].

use serde::{Deserialize, Serialize};
use sv_api::account::SignupPolicy;

/// Everybody with an account, by handle.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListPeople {}

/// An account, as an administrator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonRow {
    /// For the calls below.
    pub uid: String,
    /// The handle.
    pub handle: String,
    /// Bytes stored, as sealed.
    pub used_bytes: u64,
    /// Bytes allowed; none for no limit.
    pub quota_bytes: Option<u64>,
    /// When it was made, Unix milliseconds.
    pub created_ms: u64,
    /// When it was last used, Unix milliseconds.
    pub last_used_ms: Option<u64>,
    /// Whether it may administer.
    pub administrator: bool,
    /// Whether it is disabled.
    pub disabled: bool,
    /// Whether it has an authenticator.
    pub has_authenticator: bool,
    /// When its deletion becomes final, if it is being deleted.
    pub deletion_final_ms: Option<u64>,
}

/// Invitations that were not used and have not expired, newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListInvitations {}

/// An invitation; its code was shown when it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationRow {
    /// For [`RevokeInvitation`].
    pub id: String,
    /// When it was made, Unix milliseconds.
    pub created_ms: u64,
    /// When it stops working, Unix milliseconds.
    pub expires_ms: u64,
    /// Whether the account it makes may administer.
    pub administrator: bool,
}

/// Makes an invitation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CreateInvitation {
    /// Whether the account it makes may administer.
    pub administrator: bool,
    /// How long it works; none for the server's default.
    pub valid_ms: Option<u64>,
}

/// An invitation, shown once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewInvitation {
    /// What to type at sign-up.
    pub code: String,
    /// A link to sign-up with the code after the `#`.
    pub link: String,
    /// When it stops working, Unix milliseconds.
    pub expires_ms: u64,
}

/// Makes an invitation worthless.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RevokeInvitation {
    /// From [`InvitationRow`].
    pub id: String,
}

/// Sets what an account may store.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SetQuota {
    /// Whose.
    pub uid: String,
    /// Bytes; none for no limit.
    pub quota_bytes: Option<u64>,
}

/// Disables an account, which ends its sessions, or enables it again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SetDisabled {
    /// Whose.
    pub uid: String,
    /// Which.
    pub disabled: bool,
}

/// For somebody who lost authenticator and backup codes: gives a code that
/// stands in for them once, beside the password. Ends their sessions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ResetSecondFactor {
    /// Whose.
    pub uid: String,
}

/// What is stored, and how the server is set up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GetServerState {}

/// A server, as its administrator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerState {
    /// Its version.
    pub version: String,
    /// Who may sign up.
    pub signup: SignupPolicy,
    /// Accounts.
    pub accounts: u64,
    /// Accounts that are disabled.
    pub disabled: u64,
    /// Bytes that all accounts store, as sealed.
    pub used_bytes: u64,
    /// Bytes of file contents, each counted once.
    pub contents_bytes: u64,
    /// Contents.
    pub contents: u64,
    /// Vaults.
    pub vaults: u64,
    /// Bytes of a file at most; none for no limit but the format's.
    pub file_limit_bytes: Option<u64>,
}
