//! What can go wrong, sorted by who is to blame and what a person can do.

use sv_api::{ApiError, ErrorCode};
use sv_core::error::{EnvelopeError, KeyBlobInvalid, NameError, RecoveryKeyError, SealError};
use sv_ledger::apply::Reject;
use sv_ledger::id::NodeId;

use crate::port::{StorageError, Unreachable};

/// Why a flow stopped.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ClientError {
    /// The server cannot be reached.
    #[error("cannot reach the server: {0}")]
    Offline(#[from] Unreachable),
    /// The server refused, honestly.
    #[error("{0}")]
    Refused(ApiError),
    /// The server answered something that no server of ours does.
    #[error("the server answered something this client does not understand: {0}")]
    Misbehaved(String),
    /// What the server showed is not what was put there.
    #[error("INTEGRITY VIOLATION: {0}")]
    Tampered(#[from] Tamper),
    /// The password does not open the account.
    #[error("the user name or password is wrong")]
    WrongPassword,
    /// No session on this device.
    #[error("you are not logged in on this device; run `securevault login`")]
    NotLoggedIn,
    /// Something shared that the server no longer gives: access was taken
    /// away or has ended, by its word.
    #[error("you have no access to this any more")]
    NoAccess,
    /// A handle that nobody has.
    #[error("{0}: nobody has this user name")]
    NoSuchPerson(String),
    /// A path with nothing there.
    #[error("{0}: there is no such file or folder")]
    NotFound(String),
    /// A request that makes no sense.
    #[error("{0}")]
    Misuse(String),
    /// Something local could not be read or written.
    #[error("{0}")]
    Local(#[from] StorageError),
    /// The platform stopped.
    #[error("interrupted")]
    Interrupted,
}

/// What a flow gives.
pub type Result<T, E = ClientError> = std::result::Result<T, E>;

/// How the server, or whoever holds its data, was caught.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Tamper {
    /// The log ends before an entry that this person's devices have seen.
    #[error(
        "the server shows an older state (entry {shown}) than this account has already seen \
         (entry {seen}); it may have been rolled back or restored from a backup. Nothing was \
         changed here"
    )]
    Rollback {
        /// The newest entry it shows.
        shown: u64,
        /// The newest entry that was seen.
        seen: u64,
    },
    /// The log differs from what was seen.
    #[error(
        "the server shows another history than this account has already seen (they differ at \
         entry {0}); it may be showing different people different data"
    )]
    Fork(u64),
    /// A log entry, or the list of records, is not valid.
    #[error("the server's log is not valid: {0}")]
    Log(#[from] Reject),
    /// A record or key is missing.
    #[error("the server withholds data that its own log lists ({0})")]
    Missing(&'static str),
    /// A record is not the one the log names.
    #[error("a record ({0}) was altered or exchanged")]
    Record(NodeId),
    /// A file's bytes are not those that were stored.
    #[error("the contents of {0} were altered, cut or exchanged")]
    Content(String),
    /// A Fernet token does not open.
    #[error("the Fernet token {0} was altered, cut, or made with another key")]
    Token(String),
    /// The key to the account was altered.
    #[error("the sealed account key was altered or exchanged")]
    AccountKey,
    /// A vault's key was altered.
    #[error("the sealed key of a vault was altered or exchanged")]
    VaultKey,
    /// The account that the server shows is not the one whose key opened.
    #[error("the server shows another account than the one that was opened")]
    Identity,
    /// Another account, or another history of it, stands under a known handle.
    #[error(
        "the server shows another account, or other keys, for {0} than this account knows; do not \
         share anything with {0} until you have asked them in person"
    )]
    Contact(String),
    /// Somebody else's keys stand for a person in a shared vault.
    #[error(
        "the keys that stand for {0} here are not those of {0}'s account: somebody else acts in \
         their name"
    )]
    MemberKeys(String),
    /// The list of unlockers is forged or an older one.
    #[error("the server shows a forged or outdated list of passwords and recovery keys")]
    Unlockers,
    /// The server is not the one this device knows.
    #[error("this is not the server this device knows: its identity has changed")]
    Instance,
    /// An object of a format that does not exist.
    #[error(
        "the server shows data of an unsupported format ({0}); it may be an attempt to downgrade"
    )]
    UnsupportedSuite(u8),
    /// The server itself found that it cannot read what it stores.
    #[error(
        "what the server stores is damaged, and it says so itself; ask the administrator to run \
         `securevaultd check`"
    )]
    Damaged,
    /// Local state that only this device writes does not open.
    #[error("this device's own records of what it has seen were altered ({0})")]
    LocalState(&'static str),
}

impl ClientError {
    /// Whether the server refused with this code.
    pub fn is_refusal(&self, code: ErrorCode) -> bool {
        matches!(self, Self::Refused(error) if error.code == code)
    }

    pub(crate) fn misuse(text: impl Into<String>) -> Self {
        Self::Misuse(text.into())
    }
}

impl From<KeyBlobInvalid> for ClientError {
    fn from(_: KeyBlobInvalid) -> Self {
        Self::Tampered(Tamper::AccountKey)
    }
}

impl From<EnvelopeError> for ClientError {
    fn from(error: EnvelopeError) -> Self {
        Self::Tampered(match error {
            EnvelopeError::UnsupportedSuite(suite) => Tamper::UnsupportedSuite(suite),
            EnvelopeError::Tampered => Tamper::VaultKey,
        })
    }
}

impl From<Reject> for ClientError {
    fn from(reject: Reject) -> Self {
        Self::Tampered(Tamper::Log(reject))
    }
}

impl From<SealError> for ClientError {
    fn from(error: SealError) -> Self {
        Self::Misuse(error.to_string())
    }
}

impl From<NameError> for ClientError {
    fn from(error: NameError) -> Self {
        Self::Misuse(error.to_string())
    }
}

impl From<RecoveryKeyError> for ClientError {
    fn from(error: RecoveryKeyError) -> Self {
        Self::Misuse(error.to_string())
    }
}
