//! What went wrong, as the page knows it.

use sv_client::port::StorageError;
use sv_client::{ClientError, Tamper};
use sv_core::error::{ContentError, NameError, RecoveryKeyError};

use crate::bridge::{Failure, FailureKind, TamperKind};

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let detail = error.to_string();
        match error {
            ClientError::Offline(_) => Self::with_detail(FailureKind::Offline, detail),
            ClientError::Refused(refusal) => Self {
                kind: FailureKind::Refused(refusal.code),
                detail,
                retry_after_ms: refusal.retry_after_ms,
                limit_bytes: refusal.limit_bytes,
                share: None,
            },
            ClientError::Misbehaved(_) => Self::with_detail(FailureKind::Misbehaved, detail),
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

impl Failure {
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
