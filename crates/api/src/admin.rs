//! Bodies of the administrator's endpoints: people, invitations and how the
//! server stands. JSON; nothing in them is more than the server knows anyway.

use serde::{Deserialize, Serialize};
use sv_ledger::id::{InvitationId, VaultId};
use utoipa::ToSchema;

use crate::account::SignupPolicy;
use crate::text::as_text;
use crate::wire::json_wire;

/// Somebody with an account, as an administrator sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Person {
    /// The account.
    #[serde(with = "as_text")]
    #[schema(value_type = String)]
    pub uid: VaultId,
    /// The handle.
    pub handle: String,
    /// Whether the account may invite and administer.
    pub administrator: bool,
    /// Whether it is locked out.
    pub disabled: bool,
    /// Whether it has an authenticator; not after a reset, until the next is
    /// set up.
    pub has_authenticator: bool,
    /// When it was confirmed, Unix milliseconds.
    pub created_ms: u64,
    /// When one of its devices was last here, Unix milliseconds to about a
    /// minute; none if none is logged in.
    pub last_seen_ms: Option<u64>,
    /// When it will be deleted, as its owner has asked, Unix milliseconds.
    pub deleted_from_ms: Option<u64>,
    /// Bytes stored, as sealed.
    pub used_bytes: u64,
    /// Bytes allowed; none for no limit.
    pub quota_bytes: Option<u64>,
}

/// Everybody.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct People {
    /// By handle.
    pub people: Vec<Person>,
}

/// Limits what an account may store.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SetQuota {
    /// Bytes as sealed; none for no limit.
    pub quota_bytes: Option<u64>,
}

/// Locks an account out, or lets it in again.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SetDisabled {
    /// Whether it is to be locked out.
    pub disabled: bool,
}

/// Stands in for a lost second factor, once, beside password or recovery key.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ResetCode {
    /// To be given to its owner by another way than e-mail.
    pub code: String,
}

/// Asks for an invitation.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NewInvitation {
    /// Whether whoever uses it becomes an administrator; wants a fresh proof.
    pub administrator: bool,
    /// Milliseconds that it is good for: at least a minute, at most 90 days.
    pub lives_ms: u64,
}

/// An invitation that was just made. Its code is shown only now.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Invited {
    /// What names it.
    #[serde(with = "as_text")]
    #[schema(value_type = String)]
    pub invitation_id: InvitationId,
    /// What lets one person sign up.
    pub code: String,
    /// Until when, Unix milliseconds.
    pub expires_ms: u64,
}

/// An invitation that nobody has used up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Invitation {
    /// What names it.
    #[serde(with = "as_text")]
    #[schema(value_type = String)]
    pub invitation_id: InvitationId,
    /// Whether whoever uses it becomes an administrator.
    pub administrator: bool,
    /// When it was made, Unix milliseconds.
    pub created_ms: u64,
    /// Until when it is good, Unix milliseconds.
    pub expires_ms: u64,
    /// Whether somebody is just signing up with it.
    pub is_taken: bool,
}

/// Invitations that are still good.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Invitations {
    /// Those that end soonest first.
    pub invitations: Vec<Invitation>,
}

/// How the server stands, and what whoever runs it has set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServerStatus {
    /// Its version.
    pub version: String,
    /// Who may sign up.
    pub signup: SignupPolicy,
    /// Bytes of the largest file it takes, as sealed; none for no limit.
    pub max_file_bytes: Option<u64>,
    /// Accounts.
    pub people: u64,
    /// Accounts that are locked out.
    pub disabled: u64,
    /// Bytes that all accounts together are charged for.
    pub used_bytes: u64,
    /// Bytes of file contents, each counted once.
    pub contents_bytes: u64,
    /// Contents.
    pub contents: u64,
    /// Vaults.
    pub vaults: u64,
}

json_wire!(
    People,
    SetQuota,
    SetDisabled,
    ResetCode,
    NewInvitation,
    Invited,
    Invitations,
    ServerStatus,
);
