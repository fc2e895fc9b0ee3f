//! The system's keyring: the Secret Service of a desktop, the Keychain of
//! macOS, the Credential Manager of Windows. One item for each device key,
//! under an id of its own.

#[cfg(any(target_os = "macos", windows))]
mod native;
#[cfg(not(any(target_os = "macos", windows)))]
mod secret_service;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use data_encoding::HEXLOWER;

#[cfg(any(target_os = "macos", windows))]
pub(super) use native::{find, forget, keep};
#[cfg(not(any(target_os = "macos", windows)))]
pub(super) use secret_service::{find, forget, keep};

/// How long a person has to answer a question of the keyring's.
const PERSON: Duration = Duration::from_secs(120);

/// Which item of the keyring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ItemId([u8; 16]);

/// Why the keyring gave or took nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum KeyringError {
    /// This session of this system has none.
    #[cfg(not(any(target_os = "macos", windows)))]
    #[error("is not there ({0})")]
    Absent(String),
    /// Nobody unlocked it.
    #[error("is locked")]
    Locked,
    /// It is there, and says nothing.
    #[error("does not answer")]
    Silent,
    /// Anything else, in its own words.
    #[error("says: {0}")]
    Failed(String),
}

impl KeyringError {
    /// Whether there is no keyring to speak of: on servers that is as it
    /// should be.
    pub(super) const fn is_absence(&self) -> bool {
        #[cfg(not(any(target_os = "macos", windows)))]
        return matches!(self, Self::Absent(_));
        #[cfg(any(target_os = "macos", windows))]
        false
    }
}

impl ItemId {
    pub(super) const fn new(random: [u8; 16]) -> Self {
        Self(random)
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl FromStr for ItemId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| ())?;
        bytes.try_into().map(Self).map_err(|_| ())
    }
}
