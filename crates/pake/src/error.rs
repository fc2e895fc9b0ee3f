//! What can go wrong, and who is to blame.

use std::fmt;

use opaque_ke::errors::{InternalError, ProtocolError};

/// Bytes that are not what they should be: a wrong length, a point that is
/// not on the curve or is the identity, or a server's echo of our own point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed {0}")]
pub struct Malformed(
    /// What they should have been.
    pub Message,
);

/// Everything that is parsed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// The client's first message at registration.
    RegistrationRequest,
    /// The server's answer to it.
    RegistrationResponse,
    /// The client's last message at registration, or the record kept of it.
    PasswordRecord,
    /// The client's first message at login.
    Ke1,
    /// The server's answer to it.
    Ke2,
    /// The client's last message at login.
    Ke3,
    /// A server's stored keys.
    ServerSetup,
    /// A server's stored half of a login under way.
    ServerLogin,
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RegistrationRequest => "registration request",
            Self::RegistrationResponse => "registration response",
            Self::PasswordRecord => "password record",
            Self::Ke1 => "login request",
            Self::Ke2 => "login response",
            Self::Ke3 => "login proof",
            Self::ServerSetup => "server key file",
            Self::ServerLogin => "stored login state",
        })
    }
}

/// Why a client could not register a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationError {
    /// Empty, or longer than [`PASSWORD_LEN`](crate::PASSWORD_LEN).
    #[error("a password has 1 to {} bytes", crate::PASSWORD_LEN)]
    PasswordLength,
    /// The server misbehaved.
    #[error("the server's answer makes no sense: {0}")]
    Malformed(#[from] Malformed),
    /// Stretching the password needs 64 MiB.
    #[error("64 MiB of memory are needed to protect the password and could not be had")]
    OutOfMemory,
}

/// Why a client could not log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// Empty, or longer than [`PASSWORD_LEN`](crate::PASSWORD_LEN): surely wrong.
    #[error("a password has 1 to {} bytes", crate::PASSWORD_LEN)]
    PasswordLength,
    /// The password is wrong, or nobody has this handle, or this is not the
    /// server, or not the record, that it was registered with: by design they
    /// look the same.
    #[error("wrong handle or password")]
    WrongPassword,
    /// The server misbehaved.
    #[error("the server's answer makes no sense: {0}")]
    Malformed(#[from] Malformed),
    /// Stretching the password needs 64 MiB.
    #[error("64 MiB of memory are needed to check the password and could not be had")]
    OutOfMemory,
}

/// Why a server refused a client's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    /// The client, or the server's own store, holds nonsense.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The client does not know the password, or there is no such account.
    #[error("wrong handle or password")]
    WrongPassword,
}

impl RegistrationError {
    pub(crate) fn from_library(error: ProtocolError) -> Self {
        match error {
            ProtocolError::LibraryError(InternalError::KsfError) => Self::OutOfMemory,
            _ => Self::Malformed(Malformed(Message::RegistrationResponse)),
        }
    }
}

impl LoginError {
    pub(crate) fn from_library(error: ProtocolError) -> Self {
        match error {
            ProtocolError::InvalidLoginError => Self::WrongPassword,
            ProtocolError::LibraryError(InternalError::KsfError) => Self::OutOfMemory,
            _ => Self::Malformed(Malformed(Message::Ke2)),
        }
    }
}

impl Message {
    /// The bytes as an array of the one length this message has, or its error.
    pub(crate) fn exactly<const N: usize>(self, bytes: &[u8]) -> Result<&[u8; N], Malformed> {
        bytes.try_into().map_err(|_| Malformed(self))
    }
}
