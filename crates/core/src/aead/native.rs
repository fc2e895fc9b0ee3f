//! AES-256-GCM of AWS-LC: the processor's AES and carry-less multiplication.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::{Aead, KEY_LEN, NONCE_LEN};
use crate::error::{SealError, Tampered};

/// AES-256-GCM (NIST SP 800-38D).
pub(crate) struct Aes256Gcm(LessSafeKey);

impl Aead for Aes256Gcm {
    fn new(key: &[u8; KEY_LEN]) -> Result<Self, SealError> {
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| SealError::Cipher)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    fn seal(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        plaintext: &[u8],
        sealed: &mut [u8],
    ) -> Result<(), SealError> {
        let (out, tag_out) = sealed
            .split_at_mut_checked(plaintext.len())
            .ok_or(SealError::Cipher)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        self.0
            .seal_out_of_place_scatter(nonce, Aad::from(aad), plaintext, out, &[], tag_out)
            .map_err(|_| SealError::Cipher)
    }

    fn open(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        sealed: &[u8],
        plaintext: &mut [u8],
    ) -> Result<(), Tampered> {
        let (body, tag) = sealed.split_at_checked(plaintext.len()).ok_or(Tampered)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        self.0
            .open_separate_gather(nonce, Aad::from(aad), body, tag, plaintext)
            .map_err(|_| {
                plaintext.fill(0);
                Tampered
            })
    }
}
