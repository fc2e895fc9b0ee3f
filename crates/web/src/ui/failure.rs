//! Failures in words: what happened, and what to do.

use sv_api::ErrorCode;

use super::part::format;
use crate::bridge::{Failure, FailureKind, TamperKind};
use crate::text as t;
use crate::text::Text;

/// What happened and what to do.
pub(crate) fn words(failure: &Failure) -> String {
    let text = of_kind(failure.kind);
    let mut words = match (failure.kind, failure.limit_bytes) {
        (FailureKind::Refused(ErrorCode::FileTooLarge) | FailureKind::TooLarge, Some(limit)) => {
            t::FAILED_LARGER_THAN.with(&[&format::bytes(limit)])
        }
        (FailureKind::Other | FailureKind::Misbehaved, _) if !failure.detail.is_empty() => {
            format!("{} ({})", text.get(), failure.detail)
        }
        (FailureKind::UnreadableFile, _) if !failure.detail.is_empty() => {
            format!("{} ({})", text.get(), failure.detail)
        }
        _ => text.get().to_owned(),
    };
    if let Some(share) = &failure.share {
        words = format!("{share}: {words}");
    }
    if let Some(wait) = failure.retry_after_ms.filter(|wait| *wait >= 1000) {
        words.push(' ');
        words.push_str(&t::WAIT_FOR.with(&[&format::duration(wait as f64 / 1000.0)]));
    }
    words
}

const fn of_kind(kind: FailureKind) -> Text {
    match kind {
        FailureKind::Offline => t::FAILED_OFFLINE,
        FailureKind::Refused(code) => of_code(code),
        FailureKind::Misbehaved => t::FAILED_MISBEHAVED,
        FailureKind::Tampered(kind) => of_tamper(kind),
        FailureKind::WrongPassword => t::FAILED_WRONG_PASSWORD,
        FailureKind::NotLoggedIn => t::SESSION_ENDED,
        FailureKind::Gone => t::FAILED_GONE,
        FailureKind::NoAccess => t::FAILED_NO_ACCESS,
        FailureKind::NotAccepted => t::FAILED_NOT_ACCEPTED,
        FailureKind::ReadOnly => t::FAILED_READ_ONLY,
        FailureKind::NameTaken => t::FAILED_NAME_TAKEN,
        FailureKind::InvalidName => t::FAILED_INVALID_NAME,
        FailureKind::IntoItself => t::FAILED_INTO_ITSELF,
        FailureKind::InvalidHandle => t::FAILED_INVALID_HANDLE,
        FailureKind::InvalidPassword => t::FAILED_INVALID_PASSWORD,
        FailureKind::InvalidRecoveryKey => t::FAILED_INVALID_RECOVERY_KEY,
        FailureKind::InvalidRawKey => t::FAILED_INVALID_RAW_KEY,
        FailureKind::TooLarge => t::FAILED_TOO_LARGE,
        FailureKind::NotText => t::FAILED_NOT_TEXT,
        FailureKind::UnreadableFile => t::FAILED_UNREADABLE,
        FailureKind::Storage => t::FAILED_STORAGE,
        FailureKind::Elsewhere => t::FAILED_ELSEWHERE,
        FailureKind::OutOfOrder => t::FAILED_OUT_OF_ORDER,
        FailureKind::Cancelled => t::FAILED_CANCELLED,
        FailureKind::Crashed => t::CRASHED,
        FailureKind::Other => t::FAILED_OTHER,
    }
}

const fn of_code(code: ErrorCode) -> Text {
    match code {
        ErrorCode::BadRequest => t::REFUSED_BAD_REQUEST,
        ErrorCode::NotLoggedIn => t::SESSION_ENDED,
        ErrorCode::WrongCredentials => t::FAILED_WRONG_PASSWORD,
        ErrorCode::WrongCode => t::REFUSED_WRONG_CODE,
        ErrorCode::CodeUsed => t::REFUSED_CODE_USED,
        ErrorCode::Forbidden => t::REFUSED_FORBIDDEN,
        ErrorCode::CrossSite => t::REFUSED_CROSS_SITE,
        ErrorCode::TlsRequired => t::INSECURE_HTTPS,
        ErrorCode::SecondFactorRequired => t::REFUSED_SECOND_FACTOR,
        ErrorCode::ProofRequired => t::REFUSED_PROOF,
        ErrorCode::AccountDisabled => t::REFUSED_DISABLED,
        ErrorCode::SignupClosed => t::REFUSED_SIGNUP_CLOSED,
        ErrorCode::InviteRequired => t::REFUSED_INVITE,
        ErrorCode::NotFound => t::FAILED_GONE,
        ErrorCode::HandleTaken => t::REFUSED_HANDLE_TAKEN,
        ErrorCode::Conflict => t::REFUSED_CONFLICT,
        ErrorCode::BlocksMissing => t::REFUSED_BLOCKS_MISSING,
        ErrorCode::ClockSkew => t::REFUSED_CLOCK,
        ErrorCode::TooLarge | ErrorCode::FileTooLarge => t::FAILED_TOO_LARGE,
        ErrorCode::QuotaExceeded => t::REFUSED_QUOTA,
        ErrorCode::RateLimited => t::REFUSED_RATE,
        ErrorCode::Damaged => t::TAMPER_DAMAGED,
        ErrorCode::Unavailable => t::REFUSED_UNAVAILABLE,
        ErrorCode::StorageFull => t::REFUSED_STORAGE_FULL,
        ErrorCode::CheckpointGone | ErrorCode::Rejected | ErrorCode::Internal => {
            t::REFUSED_INTERNAL
        }
    }
}

/// How the server was caught.
pub(crate) const fn of_tamper(kind: TamperKind) -> Text {
    match kind {
        TamperKind::Rollback => t::TAMPER_ROLLBACK,
        TamperKind::Fork => t::TAMPER_FORK,
        TamperKind::Log => t::TAMPER_LOG,
        TamperKind::Missing => t::TAMPER_MISSING,
        TamperKind::Record => t::TAMPER_RECORD,
        TamperKind::Content => t::TAMPER_CONTENT,
        TamperKind::Key => t::TAMPER_KEY,
        TamperKind::Identity => t::TAMPER_IDENTITY,
        TamperKind::Unlockers => t::TAMPER_UNLOCKERS,
        TamperKind::Instance => t::TAMPER_INSTANCE,
        TamperKind::UnsupportedSuite => t::TAMPER_SUITE,
        TamperKind::Damaged => t::TAMPER_DAMAGED,
        TamperKind::LocalState => t::TAMPER_LOCAL,
    }
}
