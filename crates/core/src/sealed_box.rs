//! The Box: the one way of sealing (spec: `box.md`). A fresh salt gives every
//! sealing its own key and nonce; a commitment, compared before any
//! decryption, binds the key and the context; chunks let long values be
//! opened piece by piece, each verified before it is seen.
//!
//! With other names and lengths it is C2SP chunked-encryption, against whose
//! vectors it is tested.

use std::marker::PhantomData;

use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use sv_ledger::limits::CHUNK_LEN;
use sv_ledger::sealed::{BOX_HEADER_LEN, TAG_LEN};
use zeroize::Zeroizing;

use crate::aead::{Aead, Aes256Gcm, ChaCha20, ForeignAes, KEY_LEN, NONCE_LEN};
use crate::error::{SealError, Tampered};
use crate::kdf;
use crate::label::{BOX_BLOCK, BOX_SMALL};
use crate::secret::random;

/// Bytes of the salt, which comes first.
pub const SALT_LEN: usize = 24;
/// Bytes of the commitment, which follows it.
pub const COMMIT_LEN: usize = 32;

/// Small values and records: fast and constant-time on every machine.
pub(crate) const SMALL: Format<ChaCha20> = Format::new(BOX_SMALL, CHUNK_LEN);
/// File blocks: as fast as the hardware.
pub(crate) const BLOCK: Format<Aes256Gcm> = Format::new(BOX_BLOCK, CHUNK_LEN);

/// A Box of one name, cipher and chunk length.
pub(crate) struct Format<A> {
    name: &'static str,
    chunk_len: usize,
    aead: PhantomData<A>,
}

impl<A: Aead> Format<A> {
    pub(crate) const fn new(name: &'static str, chunk_len: usize) -> Self {
        Self {
            name,
            chunk_len,
            aead: PhantomData,
        }
    }

    /// Bytes of a Box around `plaintext` bytes.
    pub(crate) const fn sealed_len(&self, plaintext: usize) -> usize {
        BOX_HEADER_LEN + plaintext + (plaintext / self.chunk_len + 1) * TAG_LEN
    }

    /// Bytes inside a Box of `sealed` bytes; `None` if no Box is that long.
    pub(crate) const fn plaintext_len(&self, sealed: usize) -> Option<usize> {
        let Some(body) = sealed.checked_sub(BOX_HEADER_LEN) else {
            return None;
        };
        let full = body / (self.chunk_len + TAG_LEN);
        match (body % (self.chunk_len + TAG_LEN)).checked_sub(TAG_LEN) {
            Some(last) => Some(full * self.chunk_len + last),
            None => None,
        }
    }

    pub(crate) fn seal(
        &self,
        key: &[u8],
        ctx: &[u8],
        plaintext: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, SealError> {
        let mut sealed = Vec::new();
        self.seal_into(key, ctx, plaintext, rng, &mut sealed)?;
        Ok(sealed)
    }

    /// Seals into `sealed`, whose memory is used again and whose content is replaced.
    pub(crate) fn seal_into(
        &self,
        key: &[u8],
        ctx: &[u8],
        plaintext: &[u8],
        rng: &mut impl CryptoRng,
        sealed: &mut Vec<u8>,
    ) -> Result<(), SealError> {
        let (keys, body) = self.begin(key, ctx, plaintext.len(), rng, sealed)?;
        let cipher = A::new(&keys.key)?;
        for (nonce, chunk, out) in self.chunks(&keys, plaintext, body) {
            cipher.seal(&nonce, &[], chunk, out)?;
        }
        Ok(())
    }

    /// Makes room in `sealed` for a Box around `len` bytes, writes its header,
    /// and gives its keys and where the chunks go.
    fn begin<'s>(
        &self,
        key: &[u8],
        ctx: &[u8],
        len: usize,
        rng: &mut impl CryptoRng,
        sealed: &'s mut Vec<u8>,
    ) -> Result<(Keys, &'s mut [u8]), SealError> {
        let salt = random::<SALT_LEN>(rng)?;
        let keys = self.keys(key, &salt, ctx).ok_or(SealError::Cipher)?;
        sealed.resize(self.sealed_len(len), 0);
        let (header, body) = sealed
            .split_at_mut_checked(BOX_HEADER_LEN)
            .ok_or(SealError::Cipher)?;
        let (salt_out, commit_out) = header
            .split_at_mut_checked(SALT_LEN)
            .ok_or(SealError::Cipher)?;
        salt_out.copy_from_slice(&salt);
        commit_out.copy_from_slice(&keys.commit);
        Ok((keys, body))
    }

    /// Each chunk with its nonce and where it goes when it is sealed.
    fn chunks<'s>(
        &self,
        keys: &'s Keys,
        plaintext: &'s [u8],
        body: &'s mut [u8],
    ) -> impl Iterator<Item = ([u8; NONCE_LEN], &'s [u8], &'s mut [u8])> + use<'s, A> {
        // One chunk more than there are full ones: the last is shorter, perhaps empty.
        let last: &[u8] = &[];
        let ends_full = plaintext.len().is_multiple_of(self.chunk_len);
        let chunks = plaintext
            .chunks(self.chunk_len)
            .chain(ends_full.then_some(last));
        let outputs = body.chunks_mut(self.chunk_len + TAG_LEN);
        let numbered = (0u64..).zip(chunks).zip(outputs);
        numbered.map(|((index, chunk), out)| (keys.nonce(index), chunk, out))
    }

    pub(crate) fn open(
        &self,
        key: &[u8],
        ctx: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Tampered> {
        let mut plaintext = Zeroizing::new(Vec::new());
        self.open_into(key, ctx, sealed, &mut plaintext)?;
        Ok(plaintext)
    }

    /// Opens into `plaintext`, whose memory is used again and whose content is
    /// replaced; it is empty after a failure.
    pub(crate) fn open_into(
        &self,
        key: &[u8],
        ctx: &[u8],
        sealed: &[u8],
        plaintext: &mut Vec<u8>,
    ) -> Result<(), Tampered> {
        let opened = self.open_chunks(key, ctx, sealed, plaintext);
        if opened.is_err() {
            plaintext.fill(0);
            plaintext.clear();
        }
        opened
    }

    fn open_chunks(
        &self,
        key: &[u8],
        ctx: &[u8],
        sealed: &[u8],
        plaintext: &mut Vec<u8>,
    ) -> Result<(), Tampered> {
        let mut opener = self.start(key, ctx, sealed)?;
        let len = self.plaintext_len(sealed.len()).ok_or(Tampered)?;
        plaintext.resize(len, 0);
        for chunk in plaintext.chunks_mut(self.chunk_len) {
            opener.next_into(chunk)?;
        }
        // The empty last chunk after full ones carries the proof of the end.
        if len.is_multiple_of(self.chunk_len) {
            opener.next_into(&mut [])
        } else {
            Ok(())
        }
    }

    /// Checks length and commitment; no cipher has run when this fails.
    pub(crate) fn start<'a>(
        &self,
        key: &[u8],
        ctx: &[u8],
        sealed: &'a [u8],
    ) -> Result<Opener<'a, A>, Tampered> {
        let (keys, body) = self.check(key, ctx, sealed)?;
        let cipher = A::new(&keys.key).map_err(|_| Tampered)?;
        Ok(Opener {
            cipher,
            keys,
            index: 0,
            chunks: body.chunks(self.chunk_len + TAG_LEN),
        })
    }

    /// Checks length and commitment, and gives the keys and the sealed chunks.
    fn check<'a>(
        &self,
        key: &[u8],
        ctx: &[u8],
        sealed: &'a [u8],
    ) -> Result<(Keys, &'a [u8]), Tampered> {
        self.plaintext_len(sealed.len()).ok_or(Tampered)?;
        let (salt, rest) = sealed.split_first_chunk::<SALT_LEN>().ok_or(Tampered)?;
        let (commit, body) = rest.split_first_chunk::<COMMIT_LEN>().ok_or(Tampered)?;
        let keys = self.keys(key, salt, ctx).ok_or(Tampered)?;
        match bool::from(keys.commit.as_slice().ct_eq(commit)) {
            true => Ok((keys, body)),
            false => Err(Tampered),
        }
    }

    /// `HKDF-Expand(key, name ‖ 00 ‖ salt ‖ ctx)` = key ‖ nonce ‖ commitment.
    pub(crate) fn keys(&self, key: &[u8], salt: &[u8; SALT_LEN], ctx: &[u8]) -> Option<Keys> {
        let prk: &[u8; KEY_LEN] = key.try_into().ok()?;
        let info = [self.name.as_bytes(), &[0], salt, ctx];
        let okm: Zeroizing<[u8; KEY_LEN + NONCE_LEN + COMMIT_LEN]> = kdf::expand(prk, &info);
        let (key, rest) = okm.split_first_chunk::<KEY_LEN>()?;
        let (nonce, commit) = rest.split_first_chunk::<NONCE_LEN>()?;
        Some(Keys {
            key: Zeroizing::new(*key),
            base_nonce: *nonce,
            commit: commit.try_into().ok()?,
        })
    }
}

impl Format<Aes256Gcm> {
    /// [`Format::seal`] with a cipher that is not ours.
    pub(crate) async fn seal_with(
        &self,
        cipher: &impl ForeignAes,
        key: &[u8],
        ctx: &[u8],
        plaintext: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, SealError> {
        let mut sealed = Vec::new();
        let (keys, body) = self.begin(key, ctx, plaintext.len(), rng, &mut sealed)?;
        let key = cipher.key(&keys.key).await.ok_or(SealError::Cipher)?;
        for (nonce, chunk, out) in self.chunks(&keys, plaintext, body) {
            let done = cipher.seal(&key, &nonce, chunk, out).await;
            done.ok_or(SealError::Cipher)?;
        }
        Ok(sealed)
    }

    /// [`Format::open`] with a cipher that is not ours. What that cipher does
    /// not open is opened here: only our own says that something was altered,
    /// so that a browser that is short of memory is no false alarm.
    pub(crate) async fn open_with(
        &self,
        cipher: &impl ForeignAes,
        key: &[u8],
        ctx: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, Tampered> {
        let (keys, body) = self.check(key, ctx, sealed)?;
        let len = self.plaintext_len(sealed.len()).ok_or(Tampered)?;
        let mut plaintext = vec![0; len];
        if self
            .opens_with(cipher, &keys, body, &mut plaintext)
            .await
            .is_none()
        {
            self.open_into(key, ctx, sealed, &mut plaintext)?;
        }
        Ok(plaintext)
    }

    async fn opens_with(
        &self,
        cipher: &impl ForeignAes,
        keys: &Keys,
        body: &[u8],
        plaintext: &mut [u8],
    ) -> Option<()> {
        let key = cipher.key(&keys.key).await?;
        let mut rest = plaintext;
        for (index, chunk) in (0u64..).zip(body.chunks(self.chunk_len + TAG_LEN)) {
            let len = chunk.len().checked_sub(TAG_LEN)?;
            let (out, after) = rest.split_at_mut_checked(len)?;
            cipher.open(&key, &keys.nonce(index), chunk, out).await?;
            rest = after;
        }
        Some(())
    }
}

/// What one salt gives.
pub(crate) struct Keys {
    pub(crate) key: Zeroizing<[u8; KEY_LEN]>,
    pub(crate) base_nonce: [u8; NONCE_LEN],
    pub(crate) commit: [u8; COMMIT_LEN],
}

impl Keys {
    /// `base ⊕ BE96(index)`.
    fn nonce(&self, index: u64) -> [u8; NONCE_LEN] {
        let mut nonce = self.base_nonce;
        nonce
            .iter_mut()
            .rev()
            .zip(index.to_le_bytes())
            .for_each(|(n, i)| *n ^= i);
        nonce
    }
}

/// A Box whose commitment is checked, being opened chunk by chunk in order.
pub(crate) struct Opener<'a, A> {
    cipher: A,
    keys: Keys,
    index: u64,
    chunks: std::slice::Chunks<'a, u8>,
}

impl<A: Aead> Opener<'_, A> {
    /// Opens the next chunk into `plaintext`, which has its exact length.
    fn next_into(&mut self, plaintext: &mut [u8]) -> Result<(), Tampered> {
        let sealed = self.chunks.next().ok_or(Tampered)?;
        self.cipher
            .open(&self.keys.nonce(self.index), &[], sealed, plaintext)?;
        self.index += 1;
        Ok(())
    }
}
