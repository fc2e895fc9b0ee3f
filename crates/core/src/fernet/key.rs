//! Keys as text, and several of them in order.

use data_encoding::BASE64URL;
use hmac::KeyInit;
use hmac::digest::Key;
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::HmacSha256;
use crate::error::{FernetError, SealError};
use crate::secret::{FernetKey, SecretKey};

/// A key as the specification writes it: 44 characters of URL-safe base64.
pub type FernetText = Zeroizing<String>;

/// Bytes of each half.
const HALF: usize = 16;

impl FernetKey {
    /// Draws a key.
    ///
    /// # Errors
    /// [`SealError::BrokenRandomness`].
    pub fn generate(rng: &mut impl CryptoRng) -> Result<Self, SealError> {
        Self::draw(rng)
    }

    /// Reads a key as text, with white space around it allowed.
    ///
    /// # Errors
    /// [`FernetError::NotAKey`], also for a key of zeros.
    pub fn parse(text: &str) -> Result<Self, FernetError> {
        let bytes = BASE64URL.decode(text.trim().as_bytes());
        let bytes = Zeroizing::new(bytes.map_err(|_| FernetError::NotAKey)?);
        Self::from_bytes(&bytes).map_err(|_| FernetError::NotAKey)
    }

    /// The key as text: whoever has it opens and makes tokens.
    pub fn to_text(&self) -> FernetText {
        Zeroizing::new(BASE64URL.encode(self.expose()))
    }

    /// HMAC-SHA256 under the signing half.
    pub(crate) fn mac(&self) -> HmacSha256 {
        let mut key = Key::<HmacSha256>::default();
        key.iter_mut()
            .zip(self.signing_half())
            .for_each(|(to, from)| *to = *from);
        let mac = HmacSha256::new(&key);
        key.as_mut_slice().zeroize();
        mac
    }

    pub(super) fn encryption_half(&self) -> &[u8] {
        self.expose().split_at(HALF).1
    }

    fn signing_half(&self) -> &[u8] {
        self.expose().split_at(HALF).0
    }
}

/// The key of a version is also in what is written of it.
impl Clone for FernetKey {
    fn clone(&self) -> Self {
        Self::from_derived(Zeroizing::new(*self.expose()))
    }
}

/// One key or several, in the order in which they are tried (`MultiFernet`).
#[derive(Debug, Clone)]
pub struct FernetKeys(Vec<FernetKey>);

impl FernetKeys {
    /// Keys to try in that order.
    ///
    /// The signature covers a token's bytes and not its encryption half, so of
    /// two keys that share the signing half and no more, both would find a
    /// token genuine, and read two contents in it. Such keys are refused.
    ///
    /// # Errors
    /// [`FernetError::NotAKey`] without any, [`FernetError::AmbiguousKeys`].
    pub fn new(keys: Vec<FernetKey>) -> Result<Self, FernetError> {
        if keys.is_empty() {
            return Err(FernetError::NotAKey);
        }
        for (index, key) in keys.iter().enumerate() {
            let others = keys.iter().skip(index + 1);
            let mut shared = others.filter(|other| {
                let signs_alike = key.signing_half().ct_eq(other.signing_half());
                let opens_alike = key.encryption_half().ct_eq(other.encryption_half());
                (signs_alike & !opens_alike).into()
            });
            if shared.next().is_some() {
                return Err(FernetError::AmbiguousKeys);
            }
        }
        Ok(Self(keys))
    }

    /// In the order in which they are tried.
    pub(super) fn as_slice(&self) -> &[FernetKey] {
        &self.0
    }
}

impl From<FernetKey> for FernetKeys {
    fn from(key: FernetKey) -> Self {
        Self(vec![key])
    }
}
