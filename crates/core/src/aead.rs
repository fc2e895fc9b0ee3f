//! The two AEADs, behind one private trait (spec: `primitives.md` §1).
//! AES-256-GCM comes from AWS-LC natively, from RustCrypto in the browser.

use chacha20poly1305::{
    AeadInOut, ChaCha20Poly1305, KeyInit,
    aead::{Nonce, array::Array, inout::InOutBuf},
};

use crate::error::{SealError, Tampered};

#[cfg(not(target_family = "wasm"))]
mod native;
#[cfg(any(target_family = "wasm", test))]
pub(crate) mod portable;

#[cfg(not(target_family = "wasm"))]
pub(crate) use native::Aes256Gcm;
#[cfg(target_family = "wasm")]
pub(crate) use portable::Aes256Gcm;

/// Bytes of a key.
pub const KEY_LEN: usize = 32;
/// Bytes of a nonce.
pub const NONCE_LEN: usize = 12;

/// A keyed AEAD with 256-bit key, 96-bit nonce and 128-bit tag.
pub(crate) trait Aead: Sized {
    fn new(key: &[u8; KEY_LEN]) -> Result<Self, SealError>;

    /// Encrypts into `sealed`, which is 16 bytes longer than `plaintext`.
    fn seal(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        plaintext: &[u8],
        sealed: &mut [u8],
    ) -> Result<(), SealError>;

    /// Verifies and decrypts into `plaintext`, which is 16 bytes shorter than
    /// `sealed`. After a failure `plaintext` is all zero.
    fn open(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        sealed: &[u8],
        plaintext: &mut [u8],
    ) -> Result<(), Tampered>;
}

/// AES-256-GCM (NIST SP 800-38D) that is computed by somebody else: WebCrypto in
/// a browser, where no other AES is fast. It is given the key of one block and
/// nothing that outlives it; which key, nonce and chunk belong together is
/// decided here.
#[allow(async_fn_in_trait, reason = "a browser's engine is one task")]
pub trait ForeignAes {
    /// A key that was handed over.
    type Key;

    /// Takes a key.
    async fn key(&self, key: &[u8; KEY_LEN]) -> Option<Self::Key>;

    /// Encrypts into `sealed`, which is 16 bytes longer than `plaintext`: the
    /// tag. There is no associated data.
    async fn seal(
        &self,
        key: &Self::Key,
        nonce: &[u8; NONCE_LEN],
        plaintext: &[u8],
        sealed: &mut [u8],
    ) -> Option<()>;

    /// Verifies and decrypts into `plaintext`, which is 16 bytes shorter than
    /// `sealed`.
    async fn open(
        &self,
        key: &Self::Key,
        nonce: &[u8; NONCE_LEN],
        sealed: &[u8],
        plaintext: &mut [u8],
    ) -> Option<()>;
}

/// ChaCha20-Poly1305 (RFC 8439).
pub(crate) struct ChaCha20(ChaCha20Poly1305);

impl Aead for ChaCha20 {
    fn new(key: &[u8; KEY_LEN]) -> Result<Self, SealError> {
        Ok(Self(ChaCha20Poly1305::new(Array::cast_from_core(key))))
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

fn rust_crypto_seal<C: AeadInOut>(
    cipher: &C,
    nonce: &[u8; NONCE_LEN],
    aad: &[u8],
    plaintext: &[u8],
    sealed: &mut [u8],
) -> Result<(), SealError> {
    let nonce = <&Nonce<C>>::try_from(nonce.as_slice()).map_err(|_| SealError::Cipher)?;
    let (out, tag_out) = sealed
        .split_at_mut_checked(plaintext.len())
        .ok_or(SealError::Cipher)?;
    let buffer = InOutBuf::new(plaintext, out).map_err(|_| SealError::Cipher)?;
    let tag = cipher
        .encrypt_inout_detached(nonce, aad, buffer)
        .map_err(|_| SealError::Cipher)?;
    if tag.len() != tag_out.len() {
        return Err(SealError::Cipher);
    }
    tag_out.copy_from_slice(&tag);
    Ok(())
}

fn rust_crypto_open<C: AeadInOut>(
    cipher: &C,
    nonce: &[u8; NONCE_LEN],
    aad: &[u8],
    sealed: &[u8],
    plaintext: &mut [u8],
) -> Result<(), Tampered> {
    let nonce = <&Nonce<C>>::try_from(nonce.as_slice()).map_err(|_| Tampered)?;
    let (body, tag) = sealed.split_at_checked(plaintext.len()).ok_or(Tampered)?;
    let tag = tag.try_into().map_err(|_| Tampered)?;
    let buffer = InOutBuf::new(body, &mut *plaintext).map_err(|_| Tampered)?;
    cipher
        .decrypt_inout_detached(nonce, aad, buffer, tag)
        .map_err(|_| {
            plaintext.fill(0);
            Tampered
        })
}
