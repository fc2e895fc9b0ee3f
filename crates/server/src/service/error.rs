//! Why a service refused or failed, and the stable code that says so.

use sv_api::{ApiError, ErrorCode};
use sv_ledger::apply::Reject;

use crate::random::NoRandomness;
use crate::{blocks, db};

/// How long clients leave a database alone that is over its quota.
const THROTTLED_MS: u64 = 10_000;

/// What services answer with.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a service refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Refused, for a reason that the client is told.
    #[error("{}", .0.message)]
    Refused(ApiError),
    /// The entry is not valid after the log as it stands.
    #[error(transparent)]
    Rejected(#[from] Reject),
    /// The database failed.
    #[error("database: {0}")]
    Database(db::Error),
    /// The block store failed.
    #[error("blocks: {0}")]
    Blocks(#[from] blocks::Error),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// A bug: what can only happen if the server contradicts itself.
    #[error("internal: {0}")]
    Internal(&'static str),
}

impl Error {
    /// A refusal with the code's own message.
    pub fn refused(code: ErrorCode) -> Self {
        Self::Refused(ApiError::new(code))
    }

    /// A refusal with a more precise message.
    pub fn refused_because(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::Refused(ApiError::with_message(code, message))
    }

    /// The code it travels with.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Refused(error) => error.code,
            Self::Rejected(_) => ErrorCode::Rejected,
            Self::Database(db::Error::Full) | Self::Blocks(blocks::Error::Full) => {
                ErrorCode::StorageFull
            }
            Self::Database(
                db::Error::Conflict
                | db::Error::Lost(_)
                | db::Error::CommitUnknown
                | db::Error::Throttled
                | db::Error::Unavailable(_),
            ) => ErrorCode::Unavailable,
            Self::Database(db::Error::TooLarge) => ErrorCode::TooLarge,
            Self::Blocks(blocks::Error::Interrupted) => ErrorCode::BadRequest,
            Self::Blocks(blocks::Error::TooLarge) => ErrorCode::TooLarge,
            Self::Database(db::Error::Corrupt(_) | db::Error::Column { .. }) => ErrorCode::Damaged,
            Self::Database(_) | Self::Blocks(_) | Self::Random(_) | Self::Internal(_) => {
                ErrorCode::Internal
            }
        }
    }

    /// What the client is told: of a failure, only that there was one.
    pub fn to_api(&self) -> ApiError {
        match self {
            Self::Refused(error) => error.clone(),
            Self::Rejected(reject) => {
                ApiError::with_message(ErrorCode::Rejected, reject.to_string())
            }
            Self::Database(db::Error::Throttled) => ApiError {
                retry_after_ms: Some(THROTTLED_MS),
                ..ApiError::new(self.code())
            },
            _ => ApiError::new(self.code()),
        }
    }
}

/// A key that another unit of work took after this one had looked: run again,
/// this one sees it.
pub(crate) fn taken_meanwhile(error: db::Error) -> Error {
    match error {
        db::Error::Exists => Error::Database(db::Error::Conflict),
        other => Error::Database(other),
    }
}

impl From<db::Error> for Error {
    fn from(error: db::Error) -> Self {
        Self::Database(error)
    }
}

impl db::RetriableError for Error {
    fn is_conflict(&self) -> bool {
        matches!(self, Self::Database(error) if error.is_conflict())
    }
}

impl From<ErrorCode> for Error {
    fn from(code: ErrorCode) -> Self {
        Self::refused(code)
    }
}

/// A task that was lost has panicked, or the server is shutting down.
impl From<tokio::task::JoinError> for Error {
    fn from(_: tokio::task::JoinError) -> Self {
        Self::Internal("a background task did not finish")
    }
}
