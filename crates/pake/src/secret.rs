//! The two keys that OPAQUE gives out.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// What only the client gets: the same at registration and at every login
/// with that password, until the password is registered anew. Opens the
/// account's password unlocker.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct ExportKey([u8; 64]);

/// What client and server share after a login, fresh every time.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SessionKey([u8; 64]);

impl ExportKey {
    /// Takes the library's copy and clears it.
    pub(crate) fn take(from: &mut [u8]) -> Self {
        Self(take(from))
    }

    /// The 64 secret bytes, to derive the password's unlocker key from.
    pub fn expose(&self) -> &[u8; 64] {
        &self.0
    }
}

impl SessionKey {
    /// Takes the library's copy and clears it.
    pub(crate) fn take(from: &mut [u8]) -> Self {
        Self(take(from))
    }

    /// The 64 secret bytes.
    pub fn expose(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Debug for ExportKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExportKey(..)")
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(..)")
    }
}

fn take(from: &mut [u8]) -> [u8; 64] {
    let bytes = crate::suite::to_array(from);
    from.zeroize();
    bytes
}
