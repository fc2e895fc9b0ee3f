//! Why a call failed, by who is to blame and what a person can do.

use serde::{Deserialize, Serialize};
use sv_api::ErrorCode;

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What the page decides by and finds its words for.
    pub kind: FailureKind,
    /// In English, for a person: only where the kind says too little.
    pub detail: String,
    /// Milliseconds to wait before trying again, where waiting helps.
    pub retry_after_ms: Option<u64>,
    /// Bytes that would be taken, where a limit was passed.
    pub limit_bytes: Option<u64>,
    /// What the shared vault is called that it is about, if it is about one:
    /// then nothing else is touched by it.
    pub share: Option<String>,
}

/// What kind of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// The server cannot be reached.
    Offline,
    /// The server refused, honestly.
    Refused(ErrorCode),
    /// The server answered something that no server of ours does: a version
    /// that does not fit, or something in between.
    Misbehaved,
    /// What the server showed is not what was put there. Nothing else goes on.
    Tampered(TamperKind),
    /// The password does not open the account.
    WrongPassword,
    /// No session in this browser, or it has ended.
    NotLoggedIn,
    /// The item is gone: removed or moved elsewhere meanwhile.
    Gone,
    /// Something shared that this person has no access to any more.
    NoAccess,
    /// Something shared that this person has not accepted.
    NotAccepted,
    /// This person may look at it and not change it.
    ReadOnly,
    /// Another account or other keys stand under a user name, which is the
    /// detail, than were seen before.
    ContactChanged,
    /// Something of that name is there already.
    NameTaken,
    /// An impossible name for a file or folder.
    InvalidName,
    /// A folder cannot be moved or copied into itself.
    IntoItself,
    /// An impossible handle.
    InvalidHandle,
    /// An impossible password: empty, or with control characters.
    InvalidPassword,
    /// Not a recovery key: a word is wrong, missing or in the wrong place.
    InvalidRecoveryKey,
    /// Not the key of this file.
    InvalidRawKey,
    /// Neither a file saved as it is stored nor a Fernet token.
    NotSealed,
    /// Not a Fernet key.
    InvalidTokenKey,
    /// Two Fernet keys of which both would find one token genuine.
    AmbiguousKeys,
    /// A Fernet token that was altered or cut, or made with another key.
    ForgedToken,
    /// The file is too large for this: to be shown as text, or to be stored.
    TooLarge,
    /// Not text.
    NotText,
    /// The local file could not be read: moved, changed or no permission.
    UnreadableFile,
    /// This browser cannot keep what has to be kept: storage full or forbidden
    /// (private windows).
    Storage,
    /// Another tab has the account open.
    Elsewhere,
    /// Out of order: there is nothing to go on with.
    OutOfOrder,
    /// Cancelled.
    Cancelled,
    /// The engine ended unexpectedly; reload the page.
    Crashed,
    /// Anything else; the detail says it.
    Other,
}

/// How the server, or whoever holds its data, was caught.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TamperKind {
    /// An older state than was seen before, perhaps from a backup.
    Rollback,
    /// Another history than was seen before.
    Fork,
    /// An invalid log.
    Log,
    /// Something that its own log lists is withheld.
    Missing,
    /// A record was altered.
    Record,
    /// The contents of a file were altered; the detail has its path.
    Content,
    /// A sealed key was altered.
    Key,
    /// Another account than the one that was opened.
    Identity,
    /// A forged or outdated list of passwords and recovery keys.
    Unlockers,
    /// Another server than this browser knows.
    Instance,
    /// A format that does not exist.
    UnsupportedSuite,
    /// The server found its own data damaged, and says so.
    Damaged,
    /// What rests in this browser was altered.
    LocalState,
}

impl Failure {
    /// One of which the kind says everything.
    pub const fn new(kind: FailureKind) -> Self {
        Self {
            kind,
            detail: String::new(),
            retry_after_ms: None,
            limit_bytes: None,
            share: None,
        }
    }

    /// One that needs a word more.
    pub fn with_detail(kind: FailureKind, detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            ..Self::new(kind)
        }
    }

    /// Whether it will pass by itself.
    pub const fn is_passing(&self) -> bool {
        matches!(self.kind, FailureKind::Offline)
    }
}
