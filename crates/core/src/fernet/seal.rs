//! Making a token, front to back, in bounded memory.

use aes::Aes128;
use cbc::cipher::block_padding::{Padding, Pkcs7};
use cbc::cipher::{Array, BlockModeEncrypt, KeyIvInit, consts::U16};
use data_encoding::BASE64URL;
use hmac::Mac;
use rand_core::CryptoRng;
use sv_ledger::limits::FERNET_LEN;
use zeroize::{Zeroize, Zeroizing};

use super::{CIPHER_BLOCK, HEADER_LEN, HmacSha256, IV_LEN, TAG_LEN, VERSION};
use crate::error::SealError;
use crate::secret::{FernetKey, random};

/// Makes one token from pieces of any length.
pub struct TokenWriter {
    mac: HmacSha256,
    cipher: cbc::Encryptor<Aes128>,
    /// Plaintext that fills no cipher block yet.
    waiting: Zeroizing<Vec<u8>>,
    /// Bytes of the token that make no four characters yet.
    unwritten: Vec<u8>,
    size: usize,
}

impl std::fmt::Debug for TokenWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenWriter(..)")
    }
}

impl TokenWriter {
    /// Begins a token that says it was made at that time, in Unix seconds,
    /// which anyone can read.
    ///
    /// # Errors
    /// [`SealError::BrokenRandomness`].
    pub fn new(
        key: &FernetKey,
        timestamp_s: u64,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, SealError> {
        let iv = random::<IV_LEN>(rng)?;
        Self::with_iv(key, timestamp_s, &iv)
    }

    /// The same with a chosen initialisation vector, for known answers.
    pub(crate) fn with_iv(
        key: &FernetKey,
        timestamp_s: u64,
        iv: &[u8; IV_LEN],
    ) -> Result<Self, SealError> {
        let cipher = cbc::Encryptor::new_from_slices(key.encryption_half(), iv);
        let mut header = Vec::with_capacity(HEADER_LEN);
        header.push(VERSION);
        header.extend_from_slice(&timestamp_s.to_be_bytes());
        header.extend_from_slice(iv);
        let mut mac = key.mac();
        mac.update(&header);
        Ok(Self {
            mac,
            cipher: cipher.map_err(|_| SealError::Cipher)?,
            waiting: Zeroizing::new(Vec::new()),
            unwritten: header,
            size: 0,
        })
    }

    /// Takes the next plaintext and appends to `token` what is ready of it.
    ///
    /// # Errors
    /// [`SealError::TooLarge`] above 512 MiB.
    pub fn push(&mut self, plaintext: &[u8], token: &mut Vec<u8>) -> Result<(), SealError> {
        let size = self.size.checked_add(plaintext.len());
        self.size = size
            .filter(|size| *size <= FERNET_LEN)
            .ok_or(SealError::TooLarge("Fernet token"))?;
        let ready = (self.waiting.len() + plaintext.len()) / CIPHER_BLOCK * CIPHER_BLOCK;
        // A piece that fills no block waits; else all that waits is in front.
        let now = ready.saturating_sub(self.waiting.len());
        let (now, later) = plaintext.split_at_checked(now).ok_or(SealError::Cipher)?;
        if ready > 0 {
            let mut blocks = Vec::with_capacity(ready);
            blocks.extend_from_slice(&self.waiting);
            blocks.extend_from_slice(now);
            self.waiting.zeroize();
            self.encrypt(&mut blocks);
            self.write(&blocks, token);
        }
        self.waiting.extend_from_slice(later);
        Ok(())
    }

    /// Appends the rest of the token: padding and signature.
    ///
    /// # Errors
    /// None that can be caused from outside.
    pub fn finish(mut self, token: &mut Vec<u8>) -> Result<(), SealError> {
        let mut last = [0; CIPHER_BLOCK];
        let len = self.waiting.len();
        let (text, _) = last.split_at_mut_checked(len).ok_or(SealError::Cipher)?;
        text.copy_from_slice(&self.waiting);
        if len >= CIPHER_BLOCK {
            return Err(SealError::Cipher);
        }
        Pkcs7::raw_pad(&mut last, len);
        self.encrypt(&mut last);
        self.write(&last, token);
        let mac = self.mac.clone().finalize().into_bytes();
        debug_assert_eq!(mac.len(), TAG_LEN);
        let mut end = std::mem::take(&mut self.unwritten);
        end.extend_from_slice(&mac);
        encode(&end, token);
        Ok(())
    }

    /// Encrypts whole blocks in place and signs them.
    fn encrypt(&mut self, bytes: &mut [u8]) {
        let (blocks, _) = Array::<u8, U16>::slice_as_chunks_mut(bytes);
        self.cipher.encrypt_blocks(blocks);
        self.mac.update(bytes);
    }

    /// Writes as many bytes as make whole groups of four characters.
    fn write(&mut self, bytes: &[u8], token: &mut Vec<u8>) {
        self.unwritten.extend_from_slice(bytes);
        let whole = self.unwritten.len() / 3 * 3;
        let rest = self.unwritten.split_off(whole);
        encode(&self.unwritten, token);
        self.unwritten = rest;
    }
}

/// Appends base64; only the last piece may be no multiple of three.
fn encode(bytes: &[u8], token: &mut Vec<u8>) {
    let start = token.len();
    token.resize(start + BASE64URL.encode_len(bytes.len()), 0);
    if let Some(out) = token.get_mut(start..) {
        BASE64URL.encode_mut(bytes, out);
    }
}
