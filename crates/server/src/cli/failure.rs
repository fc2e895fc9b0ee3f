//! Why a command failed, and the exit code that says so.

use std::fmt;
use std::process::ExitCode;

use sv_api::ErrorCode;

use crate::app::OpenError;
use crate::backup;
use crate::config::ConfigError;
use crate::moving;
use crate::service::Error;

/// A command that failed.
#[derive(Debug)]
pub(super) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// Something went wrong.
    pub(super) fn failed(error: impl fmt::Display) -> Self {
        Self::with_code(1, error)
    }

    /// What the person asked for makes no sense.
    pub(super) fn usage(error: impl fmt::Display) -> Self {
        Self::with_code(2, error)
    }

    /// The server does not want to: a key that is not the database's.
    pub(super) fn refused(error: impl fmt::Display) -> Self {
        Self::with_code(3, error)
    }

    /// What was asked for is not there.
    pub(super) fn not_found(error: impl fmt::Display) -> Self {
        Self::with_code(4, error)
    }

    /// What is stored is not whole.
    pub(super) fn damaged(error: impl fmt::Display) -> Self {
        Self::with_code(5, error)
    }

    /// Nobody answers.
    pub(super) fn unreachable(error: impl fmt::Display) -> Self {
        Self::with_code(6, error)
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }

    fn with_code(code: u8, error: impl fmt::Display) -> Self {
        Self {
            code,
            message: error.to_string(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(error)
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Key(_)
            | OpenError::Instance(_)
            | OpenError::Moving
            | OpenError::MovedAway
            | OpenError::Arriving => Self::refused(error),
            OpenError::Audit(_)
            | OpenError::Database(_)
            | OpenError::Blocks(_)
            | OpenError::Lock(_) => Self::failed(error),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error.code() {
            ErrorCode::NotFound => Self::not_found(error),
            ErrorCode::Damaged => Self::damaged(error),
            _ => Self::failed(error),
        }
    }
}

impl From<moving::Error> for Failure {
    fn from(error: moving::Error) -> Self {
        match error {
            moving::Error::NotEmpty(_) | moving::Error::MovedAway => Self::refused(error),
            moving::Error::Different(_) | moving::Error::NotWhole(_) | moving::Error::Block(_) => {
                Self::damaged(error)
            }
            _ => Self::failed(error),
        }
    }
}

impl From<backup::Error> for Failure {
    fn from(error: backup::Error) -> Self {
        match error {
            backup::Error::NotABackup(_) => Self::not_found(error),
            backup::Error::Damaged(_) => Self::damaged(error),
            _ => Self::failed(error),
        }
    }
}
