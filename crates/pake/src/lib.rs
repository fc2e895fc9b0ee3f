//! Password login: OPAQUE-3DH (RFC 9807) in one fixed suite, both halves.
//!
//! A server that runs this learns nothing from which a password can be guessed
//! without its [`ServerSetup`], and with it every guess costs one full
//! Argon2id. The client gets an [`ExportKey`] that the server never sees: it
//! opens the account. `docs/spec/login.md` is the normative text.
//!
//! Registration: [`ClientRegistration::start`] →
//! [`ServerSetup::registration_response`] → [`ClientRegistration::finish`] →
//! [`PasswordRecord::parse`].
//! Login: [`ClientLogin::start`] → [`ServerLogin::start`] →
//! [`ClientLogin::finish`] → [`ServerLogin::finish`].
//!
//! Messages are byte arrays of fixed length (below). No type of the older
//! dependency generation that the OPAQUE library lives on is public here.
//! Both `finish` of the client take about 0.15 s and 64 MiB: call them off
//! any thread that draws or serves.

mod client;
mod context;
mod error;
mod secret;
mod server;
mod stretch;
mod suite;

pub use client::{ClientLogin, ClientRegistration, LoggedIn, Registered};
pub use context::LoginContext;
pub use error::{LoginError, Malformed, Message, RegistrationError, ServerError};
pub use secret::{ExportKey, SessionKey};
pub use server::{PasswordRecord, ServerLogin, ServerSetup};

/// Bytes of a password, at most; it is never empty.
pub const PASSWORD_LEN: usize = 1024;
/// Bytes of the client's first message at registration.
pub const REGISTRATION_REQUEST_LEN: usize = 32;
/// Bytes of the server's answer to it.
pub const REGISTRATION_RESPONSE_LEN: usize = 64;
/// Bytes of what the client uploads and the server keeps: a [`PasswordRecord`].
pub const PASSWORD_RECORD_LEN: usize = 192;
/// Bytes of the client's first message at login.
pub const KE1_LEN: usize = 96;
/// Bytes of the server's answer to it.
pub const KE2_LEN: usize = 320;
/// Bytes of the client's proof that it knew the password.
pub const KE3_LEN: usize = 64;
/// Bytes of a stored [`ServerSetup`].
pub const SERVER_SETUP_LEN: usize = 128;
/// Bytes of a stored [`ServerLogin`].
pub const SERVER_LOGIN_LEN: usize = 128;
/// Bytes of the name under which the server keeps a record:
/// `HMAC-SHA-256(K, handle)`, see `docs/spec/login.md` §3.
pub const CREDENTIAL_IDENTIFIER_LEN: usize = 32;

#[cfg(test)]
mod rfc9807;
#[cfg(any(test, feature = "vectors"))]
pub mod vectors;
