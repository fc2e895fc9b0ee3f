//! Why a command stopped, and the exit code that says so (a contract).

use sv_api::ErrorCode;
use sv_client::port::{StorageError, Unreachable};
use sv_client::{ClientError, Tamper};
use sv_core::error::{ContentError, FernetError};

/// Why a command stopped.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A flow stopped.
    #[error("{0}")]
    Client(#[from] ClientError),
    /// The same, at a server that says it was restored from a backup: a
    /// claim, which only a person can look into.
    #[error(
        "{error}. The server says that it was restored from a backup on {restored}. Ask its \
         administrator by another way whether that is so; if it is, `securevault accept-restore` \
         shows what is lost and goes on from there (to log in before that: `securevault login \
         --after-restore`)"
    )]
    Restored {
        /// Why the flow stopped.
        error: ClientError,
        /// When it was restored, by its own word.
        restored: String,
    },
    /// A restore was shown and not accepted.
    #[error("nothing was accepted and nothing was changed here; `--yes` accepts without asking")]
    NotAccepted,
    /// The account is in no state for this.
    #[error("{0}")]
    Refused(String),
    /// The command line makes no sense.
    #[error("{0}")]
    Usage(String),
    /// Something on this computer went wrong.
    #[error("{0}")]
    Local(String),
    /// The rest was done; what was not has been said, one by one.
    #[error("{0}")]
    Incomplete(String),
    /// A person pressed Ctrl-C; says how to go on.
    #[error("stopped. {0}")]
    Interrupted(String),
    /// Nobody reads the output any more, as in `… | head`.
    #[error("the output was closed")]
    OutputClosed,
}

/// What a command gives.
pub type Result<T = (), E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// A command line that makes no sense.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    /// Something on this computer, with the file it is about.
    pub fn local(what: impl std::fmt::Display, error: impl std::fmt::Display) -> Self {
        Self::Local(format!("{what}: {error}"))
    }

    /// 0 is done, 1 failed, 2 wrong usage, 3 not logged in or refused, 4 not
    /// found, 5 integrity violation, 6 network, 130 stopped by Ctrl-C.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Client(error) | Self::Restored { error, .. } => client_exit_code(error),
            Self::NotAccepted => 5,
            Self::Refused(_) => 3,
            Self::Usage(_) => 2,
            Self::Local(_) | Self::Incomplete(_) | Self::OutputClosed => 1,
            Self::Interrupted(_) => 130,
        }
    }

    /// The same as a word, for `--json`.
    pub const fn kind(&self) -> &'static str {
        match self.exit_code() {
            2 => "usage",
            3 => "refused",
            4 => "not_found",
            5 => "integrity_violation",
            6 => "network",
            130 => "interrupted",
            _ => "failed",
        }
    }
}

const fn client_exit_code(error: &ClientError) -> u8 {
    match error {
        ClientError::Offline(_) => 6,
        ClientError::Refused(refusal) => refusal_exit_code(refusal.code),
        ClientError::Tampered(_) => 5,
        ClientError::WrongPassword | ClientError::NotLoggedIn | ClientError::NoAccess => 3,
        ClientError::NotFound(_) | ClientError::NoSuchPerson(_) => 4,
        ClientError::Misbehaved(_)
        | ClientError::Misuse(_)
        | ClientError::Local(_)
        | ClientError::Interrupted => 1,
    }
}

const fn refusal_exit_code(code: ErrorCode) -> u8 {
    match code {
        ErrorCode::NotLoggedIn
        | ErrorCode::WrongCredentials
        | ErrorCode::WrongCode
        | ErrorCode::CodeUsed
        | ErrorCode::Forbidden
        | ErrorCode::CrossSite
        | ErrorCode::TlsRequired
        | ErrorCode::SecondFactorRequired
        | ErrorCode::ProofRequired
        | ErrorCode::AccountDisabled
        | ErrorCode::SignupClosed
        | ErrorCode::InviteRequired
        | ErrorCode::RateLimited => 3,
        ErrorCode::NotFound => 4,
        ErrorCode::Unavailable => 6,
        _ => 1,
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        Self::Client(error.into())
    }
}

impl From<Unreachable> for Failure {
    fn from(error: Unreachable) -> Self {
        Self::Client(error.into())
    }
}

impl From<Tamper> for Failure {
    fn from(tamper: Tamper) -> Self {
        Self::Client(tamper.into())
    }
}

impl Failure {
    /// A content outside the vault that does not open; `file` says which.
    pub fn of_content(file: &str, error: &ContentError) -> Self {
        match error {
            ContentError::Tampered => Tamper::Content(file.to_owned()).into(),
            ContentError::UnsupportedSuite(suite) => Tamper::UnsupportedSuite(*suite).into(),
            other => Self::Local(format!("{file}: {other}")),
        }
    }
}

impl Failure {
    /// A Fernet token that does not open; `file` says which.
    pub fn of_token(file: &str, error: &FernetError) -> Self {
        match error {
            FernetError::Tampered => Tamper::Token(file.to_owned()).into(),
            other => Self::Local(format!("{file}: {other}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use sv_api::ApiError;

    use super::*;

    fn exit(error: ClientError) -> u8 {
        Failure::from(error).exit_code()
    }

    #[test]
    fn exit_codes_are_the_contract() {
        assert_eq!(Failure::Local(String::new()).exit_code(), 1);
        assert_eq!(exit(ClientError::Misuse(String::new())), 1);
        assert_eq!(Failure::usage("").exit_code(), 2);
        assert_eq!(exit(ClientError::NotLoggedIn), 3);
        assert_eq!(exit(ClientError::WrongPassword), 3);
        assert_eq!(exit(ClientError::NotFound(String::new())), 4);
        assert_eq!(exit(Tamper::AccountKey.into()), 5);
        assert_eq!(exit(Unreachable(String::new()).into()), 6);
        assert_eq!(Failure::Interrupted(String::new()).exit_code(), 130);
    }

    #[test]
    fn refusals_sort_by_what_a_person_can_do() {
        for code in ErrorCode::ALL {
            let expected = match code.status() {
                401 | 403 | 429 => 3,
                404 => 4,
                503 => 6,
                _ => 1,
            };
            let refused = ClientError::Refused(ApiError::new(*code));
            assert_eq!(exit(refused), expected, "{code:?}");
        }
    }

    #[test]
    fn an_altered_download_is_an_integrity_violation() {
        let altered = Failure::of_content("a.svraw", &ContentError::Tampered);
        assert_eq!(altered.exit_code(), 5);
        let nonsense = Failure::of_content("a.svraw", &ContentError::Malformed("raw download"));
        assert_eq!(nonsense.exit_code(), 1);
    }
}
