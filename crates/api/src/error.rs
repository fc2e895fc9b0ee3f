//! Stable error codes. A client decides by code, a person reads the message.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::wire::json_wire;

/// The body of every answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// What a program decides by.
    pub code: ErrorCode,
    /// What a person reads: what happened and what to do.
    pub message: String,
    /// Milliseconds to wait before trying again, where waiting helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// Bytes that would be taken, where a limit was passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_bytes: Option<u64>,
}

json_wire!(ApiError);

impl ApiError {
    /// An error with the code's own message.
    pub fn new(code: ErrorCode) -> Self {
        Self::with_message(code, code.message())
    }

    /// An error with a more precise message.
    pub fn with_message(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            retry_after_ms: None,
            limit_bytes: None,
        }
    }

    /// A file that is larger than a server takes.
    pub fn file_too_large(limit_bytes: u64) -> Self {
        let mebibytes = limit_bytes as f64 / f64::from(1 << 20);
        let message = format!(
            "The file is larger than this server takes: at most {mebibytes:.0} MiB \
             ({limit_bytes} bytes)."
        );
        Self {
            limit_bytes: Some(limit_bytes),
            ..Self::with_message(ErrorCode::FileTooLarge, message)
        }
    }
}

macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident $text:literal $status:literal $message:literal;)*) => {
        /// Why a request was refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        pub enum ErrorCode {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The HTTP status it travels with.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status),* }
            }

            /// The message it has when there is nothing more precise to say.
            pub const fn message(self) -> &'static str {
                match self { $(Self::$name => $message),* }
            }
        }
    };
}

error_codes! {
    /// The request is malformed.
    BadRequest "bad_request" 400 "The request is malformed.";
    /// No session, or one that has ended.
    NotLoggedIn "not_logged_in" 401 "You are not logged in, or the session has ended. Log in again.";
    /// Unknown handle, wrong password, wrong recovery key: never said which.
    WrongCredentials "wrong_credentials" 401 "The user name or password is wrong.";
    /// A wrong one-time or backup code.
    WrongCode "wrong_code" 401 "The code is wrong. Check the clock of the device that shows it.";
    /// A one-time code whose step was used before.
    CodeUsed "code_used" 401 "This code was already used. Wait for the next one.";
    /// The session is not allowed to do this.
    Forbidden "forbidden" 403 "This session is not allowed to do that.";
    /// A request in the name of a page that another site has sent.
    CrossSite "cross_site" 403 "This request did not come from this server's own pages.";
    /// A page's session over plain HTTP.
    TlsRequired "tls_required" 403 "A browser can log in here over https:// alone. Whoever runs this server can turn TLS on.";
    /// The second factor has not been given.
    SecondFactorRequired "second_factor_required" 403 "The second factor has not been confirmed yet.";
    /// A fresh proof of the password is needed first.
    ProofRequired "proof_required" 403 "Confirm your password first.";
    /// The account is disabled.
    AccountDisabled "account_disabled" 403 "This account is disabled. Ask the administrator.";
    /// Sign-up is closed.
    SignupClosed "signup_closed" 403 "This server takes no new accounts.";
    /// Sign-up needs a valid invitation.
    InviteRequired "invite_required" 403 "Signing up here needs an invitation that has not been used or expired.";
    /// It does not exist, or you may not know that it does.
    NotFound "not_found" 404 "There is no such thing here.";
    /// The handle belongs to somebody.
    HandleTaken "handle_taken" 409 "This user name is taken.";
    /// The log has moved on: rebase and try again.
    Conflict "conflict" 409 "Somebody else changed this at the same time.";
    /// Blocks of a content are not all there.
    BlocksMissing "blocks_missing" 409 "Some uploaded data is missing. Upload it again.";
    /// The client's clock is off.
    ClockSkew "clock_skew" 409 "This device's clock differs from the server's by more than 5 minutes. Set it right and try again.";
    /// A leaf list of a head that is gone: start over.
    CheckpointGone "checkpoint_gone" 410 "The requested state is no longer kept. Start again from the newest.";
    /// The body is too large.
    TooLarge "too_large" 413 "The request is larger than the limit.";
    /// The file is larger than this server takes, see [`ApiError::limit_bytes`].
    FileTooLarge "file_too_large" 413 "The file is larger than this server takes.";
    /// The account's quota is used up.
    QuotaExceeded "quota_exceeded" 413 "Your storage is full. Empty the trash, delete old versions, or ask the administrator for more.";
    /// The log entry is not valid.
    Rejected "rejected" 422 "The server refused the change.";
    /// Too many attempts.
    RateLimited "rate_limited" 429 "Too many attempts. Wait a moment and try again.";
    /// A bug in the server.
    Internal "internal" 500 "Something went wrong in the server.";
    /// What the server stores is damaged, and it has noticed by itself.
    Damaged "damaged" 500 "What the server stores is damaged. Tell the administrator to run `securevaultd check`.";
    /// Shutting down, or the database is away.
    Unavailable "unavailable" 503 "The server is not available right now. Try again.";
    /// The server's disk is full.
    StorageFull "storage_full" 507 "The server's disk is full. Tell the administrator.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_an_error_and_round_trips() {
        for code in ErrorCode::ALL {
            assert!((400..600).contains(&code.status()));
            let text = serde_json::to_string(code).unwrap();
            assert_eq!(serde_json::from_str::<ErrorCode>(&text).unwrap(), *code);
        }
    }
}
