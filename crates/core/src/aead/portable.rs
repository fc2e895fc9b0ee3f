//! AES-256-GCM of RustCrypto, for the browser. Tests run it natively too.

use aes_gcm::{KeyInit, aead::array::Array};

use super::{Aead, KEY_LEN, NONCE_LEN, rust_crypto_open, rust_crypto_seal};
use crate::error::{SealError, Tampered};

/// AES-256-GCM (NIST SP 800-38D).
pub(crate) struct Aes256Gcm(aes_gcm::Aes256Gcm);

impl Aead for Aes256Gcm {
    fn new(key: &[u8; KEY_LEN]) -> Result<Self, SealError> {
        Ok(Self(aes_gcm::Aes256Gcm::new(Array::cast_from_core(key))))
    }

    fn seal(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        plaintext: &[u8],
        sealed: &mut [u8],
    ) -> Result<(), SealError> {
        rust_crypto_seal(&self.0, nonce, aad, plaintext, sealed)
    }

    fn open(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        sealed: &[u8],
        plaintext: &mut [u8],
    ) -> Result<(), Tampered> {
        rust_crypto_open(&self.0, nonce, aad, sealed, plaintext)
    }
}
