//! All secrets and sealed formats of SecureVault: what only the holder of a key
//! may make or read. No I/O, no clock; randomness is a parameter.
//!
//! Read [`sealed_box`] for the one way of sealing, [`secret`] for the keys, and
//! [`account`], [`vault_key`], [`record`] and [`content`] for what they open.
//! `docs/spec/` is the normative text; every check here cites its section.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable
    )
)]

pub mod account;
mod aead;
pub mod content;
pub mod error;
pub mod fernet;
mod kdf;
pub mod kem;
pub mod label;
pub mod local;
pub mod record;
pub mod safety;
pub mod sealed_box;
pub mod secret;
pub mod unlock;
pub mod vault_key;
#[cfg(any(test, feature = "vectors"))]
pub mod vectors;

#[cfg(test)]
mod tests;

pub use account::{AccountKeys, PublicIdentity};
pub use kem::{KemPublicKey, KemSecretKey};
pub use record::Name;
pub use safety::Identity;
pub use secret::{AccountRootKey, ContentKey, DeviceKey, FernetKey, Kek, LocalKey, VaultKey};
pub use unlock::RecoveryKey;
