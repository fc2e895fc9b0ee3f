//! What went wrong, as the page knows it.

use std::ops::Deref;

use sv_client::port::StorageError;
use sv_client::{ClientError, Tamper};
use sv_core::error::{ContentError, FernetError, NameError, RecoveryKeyError};
use sv_ledger::limits::FERNET_LEN;

use sv_bridge::{FailureKind, TamperKind};

/// A refusal to the page, made of what the client and core say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure(pub(super) sv_bridge::Failure);

impl Deref for Failure {
    type Target = sv_bridge::Failure;

    fn deref(&self) -> &sv_bridge::Failure {
        &self.0
    }
}

impl From<Failure> for sv_bridge::Failure {
    fn from(failure: Failure) -> Self {
        failure.0
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let detail = error.to_string();
        match error {
            ClientError::Offline(_) => Self::with_detail(FailureKind::Offline, detail),
            ClientError::Refused(refusal) => Self(sv_bridge::Failure {
                kind: FailureKind::Refused(refusal.code),
                detail,
                retry_after_ms: refusal.retry_after_ms,
                limit_bytes: refusal.limit_bytes,
                share: None,
            }),
            ClientError::Misbehaved(_) => Self::with_detail(FailureKind::Misbehaved, detail),
            // About one person: nothing is done with them, and all else goes on.
            ClientError::Tampered(Tamper::Contact(name)) => {
                Self::with_detail(FailureKind::ContactChanged, name)
            }
            ClientError::Tampered(tamper) => {
                Self::with_detail(FailureKind::Tampered(kind_of(&tamper)), detail)
            }
            ClientError::WrongPassword => Self::new(FailureKind::WrongPassword),
            ClientError::NotLoggedIn => Self::new(FailureKind::NotLoggedIn),
            ClientError::NoAccess => Self::new(FailureKind::NoAccess),
            ClientError::NotFound(_) | ClientError::NoSuchPerson(_) => {
                Self::with_detail(FailureKind::Gone, detail)
            }
            ClientError::Misuse(_) => Self::with_detail(FailureKind::Other, detail),
            ClientError::Local(_) => Self::with_detail(FailureKind::Storage, detail),
            ClientError::Interrupted => Self::new(FailureKind::Cancelled),
        }
    }
}

const fn kind_of(tamper: &Tamper) -> TamperKind {
    match tamper {
        Tamper::Rollback { .. } => TamperKind::Rollback,
        Tamper::Fork(_) => TamperKind::Fork,
        Tamper::Log(_) => TamperKind::Log,
        Tamper::Missing(_) => TamperKind::Missing,
        Tamper::Record(_) => TamperKind::Record,
        Tamper::Content(_) | Tamper::Token(_) => TamperKind::Content,
        Tamper::AccountKey | Tamper::VaultKey => TamperKind::Key,
        Tamper::Identity | Tamper::Contact(_) | Tamper::MemberKeys(_) => TamperKind::Identity,
        Tamper::Unlockers => TamperKind::Unlockers,
        Tamper::Instance => TamperKind::Instance,
        Tamper::UnsupportedSuite(_) => TamperKind::UnsupportedSuite,
        Tamper::Damaged => TamperKind::Damaged,
        Tamper::LocalState(_) => TamperKind::LocalState,
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        Self::with_detail(FailureKind::Storage, error.0)
    }
}

impl From<NameError> for Failure {
    fn from(error: NameError) -> Self {
        Self::with_detail(FailureKind::InvalidName, error.to_string())
    }
}

impl From<RecoveryKeyError> for Failure {
    fn from(error: RecoveryKeyError) -> Self {
        Self::with_detail(FailureKind::InvalidRecoveryKey, error.to_string())
    }
}

impl From<ContentError> for Failure {
    fn from(error: ContentError) -> Self {
        let kind = match error {
            ContentError::Malformed("content key") => FailureKind::InvalidRawKey,
            ContentError::Malformed(_) => FailureKind::UnreadableFile,
            ContentError::TooLarge => FailureKind::TooLarge,
            ContentError::UnsupportedSuite(_) => {
                FailureKind::Tampered(TamperKind::UnsupportedSuite)
            }
            ContentError::Tampered => FailureKind::Tampered(TamperKind::Content),
        };
        Self::with_detail(kind, error.to_string())
    }
}

impl From<FernetError> for Failure {
    fn from(error: FernetError) -> Self {
        match error {
            FernetError::NotAKey => Self::new(FailureKind::InvalidTokenKey),
            FernetError::AmbiguousKeys => Self::new(FailureKind::AmbiguousKeys),
            FernetError::NotAToken => Self::new(FailureKind::NotSealed),
            FernetError::TooLarge => Self::too_large(FERNET_LEN as u64),
            FernetError::Tampered | FernetError::Expired | FernetError::FromTheFuture => {
                Self::new(FailureKind::ForgedToken)
            }
        }
    }
}

impl Failure {
    /// One of which the kind says everything.
    pub(super) const fn new(kind: FailureKind) -> Self {
        Self(sv_bridge::Failure::new(kind))
    }

    /// One that needs a word more.
    pub(super) fn with_detail(kind: FailureKind, detail: impl Into<String>) -> Self {
        Self(sv_bridge::Failure::with_detail(kind, detail))
    }

    /// More bytes than there may be.
    pub(super) const fn too_large(limit: u64) -> Self {
        let mut failure = sv_bridge::Failure::new(FailureKind::TooLarge);
        failure.limit_bytes = Some(limit);
        Self(failure)
    }

    /// Whether nothing that the server says is to be believed any more. What
    /// is wrong with one file is wrong with that file alone, and what is wrong
    /// with a shared vault with that vault.
    pub(super) fn is_fatal(&self) -> bool {
        let is_one_file = matches!(self.kind, FailureKind::Tampered(TamperKind::Content));
        let is_tampered = matches!(self.kind, FailureKind::Tampered(_));
        is_tampered && !is_one_file && self.share.is_none()
    }

    /// Whether the session has ended.
    pub(super) fn is_session_over(&self) -> bool {
        matches!(
            self.kind,
            FailureKind::NotLoggedIn
                | FailureKind::Refused(
                    sv_api::ErrorCode::NotLoggedIn | sv_api::ErrorCode::AccountDisabled
                )
        )
    }
}
