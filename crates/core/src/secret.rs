//! One type per role of a key (spec: `primitives.md` §4). Contents are on the
//! heap, wiped on drop, absent from `Debug`, and not comparable; only this
//! crate can look inside, by `SecretKey::expose`.
//!
//! The few ways in and out are the functions below that say where the bytes go.
//!
//! ```compile_fail,E0277
//! fn needs_copy_of<T: Clone>() {}
//! needs_copy_of::<sv_core::DeviceKey>();
//! ```
//! ```compile_fail,E0369
//! # fn compare(one: sv_core::ContentKey, other: sv_core::ContentKey) -> bool {
//! one == other
//! # }
//! ```

use std::fmt;

use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::error::{SealError, WeakKey};

/// Bytes of every secret key.
pub const KEY_LEN: usize = 32;

/// What all roles share. Crate-private: outside, a key is opaque.
pub(crate) trait SecretKey: Sized {
    fn from_boxed(bytes: Box<Zeroizing<[u8; KEY_LEN]>>) -> Self;

    /// For its few uses: derivation, sealing, and the exits named below.
    fn expose(&self) -> &[u8; KEY_LEN];

    /// A key from outside, of exactly 32 bytes that are not all zero.
    fn from_bytes(bytes: &[u8]) -> Result<Self, WeakKey> {
        let mut boxed = Box::new(Zeroizing::new([0; KEY_LEN]));
        if bytes.len() != KEY_LEN {
            return Err(WeakKey);
        }
        boxed.copy_from_slice(bytes);
        if is_zero(boxed.as_slice()) {
            Err(WeakKey)
        } else {
            Ok(Self::from_boxed(boxed))
        }
    }

    /// A key that a KDF made: zero with probability 2^-256.
    fn from_derived(bytes: Zeroizing<[u8; KEY_LEN]>) -> Self {
        Self::from_boxed(Box::new(bytes))
    }

    fn draw(rng: &mut impl CryptoRng) -> Result<Self, SealError> {
        let mut boxed = Box::new(Zeroizing::new([0; KEY_LEN]));
        rng.fill_bytes(boxed.as_mut_slice());
        if is_zero(boxed.as_slice()) {
            return Err(SealError::BrokenRandomness);
        }
        Ok(Self::from_boxed(boxed))
    }
}

macro_rules! secret_key {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        pub struct $name(Box<Zeroizing<[u8; KEY_LEN]>>);

        impl SecretKey for $name {
            fn from_boxed(bytes: Box<Zeroizing<[u8; KEY_LEN]>>) -> Self {
                Self(bytes)
            }

            fn expose(&self) -> &[u8; KEY_LEN] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )*};
}

secret_key! {
    /// The one secret of an account; everything of a person follows from it.
    AccountRootKey,
    /// A vault's key of one epoch.
    VaultKey,
    /// The key of one content.
    ContentKey,
    /// A Fernet key: its first half signs, its second half encrypts.
    FernetKey,
    /// The root of what an account keeps on a device.
    LocalKey,
    /// Protects an account's root key on a device: kept there, or the half that
    /// the server keeps for a session.
    DeviceKey,
    /// Wraps an account's root key: from a password or a recovery key.
    Kek,
    /// The 256 bits behind 24 words. Construct it by [`crate::unlock`].
    RecoveryKey,
}

impl AccountRootKey {
    /// Draws a new root key.
    ///
    /// # Errors
    /// [`SealError::BrokenRandomness`].
    pub fn generate(rng: &mut impl CryptoRng) -> Result<Self, SealError> {
        Self::draw(rng)
    }
}

impl VaultKey {
    /// Draws the key of a new epoch.
    ///
    /// # Errors
    /// [`SealError::BrokenRandomness`].
    pub fn generate(rng: &mut impl CryptoRng) -> Result<Self, SealError> {
        Self::draw(rng)
    }

    /// The key as bytes, to go into a payload that is sealed at once by
    /// [`crate::local`] and nowhere else.
    pub fn to_local_payload(&self) -> Zeroizing<[u8; KEY_LEN]> {
        Zeroizing::new(*self.expose())
    }

    /// The key out of a payload that [`crate::local`] has just opened.
    ///
    /// # Errors
    /// [`WeakKey`] for another length or zeros.
    pub fn from_local_payload(bytes: &[u8]) -> Result<Self, WeakKey> {
        Self::from_bytes(bytes)
    }
}

impl ContentKey {
    /// Draws the key of a new content.
    ///
    /// # Errors
    /// [`SealError::BrokenRandomness`].
    pub fn generate(rng: &mut impl CryptoRng) -> Result<Self, SealError> {
        Self::draw(rng)
    }

    /// The key as bytes, to go into resume state that is sealed at once by
    /// [`crate::local`] and nowhere else.
    pub fn to_local_payload(&self) -> Zeroizing<[u8; KEY_LEN]> {
        Zeroizing::new(*self.expose())
    }

    /// The key out of resume state that [`crate::local`] has just opened.
    ///
    /// # Errors
    /// [`WeakKey`] for another length or zeros.
    pub fn from_local_payload(bytes: &[u8]) -> Result<Self, WeakKey> {
        Self::from_bytes(bytes)
    }
}

/// An account's vault key is in its keys and in the keyring of its vault.
impl Clone for VaultKey {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// A version keeps its key when its record is rewritten, copied or moved.
impl Clone for ContentKey {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl DeviceKey {
    /// Draws a device key, or a browser session's half.
    ///
    /// # Errors
    /// [`SealError::BrokenRandomness`].
    pub fn generate(rng: &mut impl CryptoRng) -> Result<Self, SealError> {
        Self::draw(rng)
    }

    /// The key as bytes, for the OS keyring, a file only its owner can read, or
    /// the server's sealed store of session halves.
    pub fn to_store(&self) -> Zeroizing<[u8; KEY_LEN]> {
        Zeroizing::new(*self.expose())
    }

    /// The key as it was stored.
    ///
    /// # Errors
    /// [`WeakKey`] for another length or zeros.
    pub fn from_store(bytes: &[u8]) -> Result<Self, WeakKey> {
        Self::from_bytes(bytes)
    }
}

/// Draws `N` public random bytes: a salt or an id.
///
/// # Errors
/// [`SealError::BrokenRandomness`] if all are zero (2^-128 by chance for 16).
pub fn random<const N: usize>(rng: &mut impl CryptoRng) -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    if is_zero(&bytes) {
        Err(SealError::BrokenRandomness)
    } else {
        Ok(bytes)
    }
}

/// Looks at every byte, whatever the first ones are.
fn is_zero(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .fold(0, |seen, byte| seen | byte)
        .ct_eq(&0)
        .into()
}
