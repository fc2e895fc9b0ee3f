//! Reading a token: once to verify all of it, once to decrypt.

use aes::Aes128;
use cbc::cipher::block_padding::{Padding, Pkcs7};
use cbc::cipher::{Array, BlockModeDecrypt, KeyIvInit, consts::U16};
use data_encoding::BASE64URL_NOPAD;
use hmac::Mac;
use sv_ledger::id::Hash;
use sv_ledger::limits::{BLOCK_LEN, FERNET_LEN};
use sv_ledger::sealed::token_len;
use zeroize::{Zeroize, Zeroizing};

use super::key::FernetKeys;
use super::{CIPHER_BLOCK, CLOCK_SKEW_S, HEADER_LEN, HmacSha256, IV_LEN, TAG_LEN, VERSION};
use crate::content::block_hash;
use crate::error::FernetError;
use crate::secret::FernetKey;

/// The end of a token that the first pass keeps: the last two cipher blocks
/// (or the initialisation vector and the only one), and the signature.
const END_LEN: usize = 2 * CIPHER_BLOCK + TAG_LEN;
/// Bytes of the shortest token, of an empty plaintext.
const SHORTEST: u64 = (HEADER_LEN + CIPHER_BLOCK + TAG_LEN) as u64;

/// The first pass: takes the token in blocks of 4 MiB, the last one shorter
/// (or not), and decrypts nothing but the last 16 bytes, once the signature
/// over everything is right.
pub struct Verifier {
    keys: FernetKeys,
    macs: Vec<HmacSha256>,
    /// The last bytes so far, not yet signed over.
    end: Vec<u8>,
    /// Bytes so far, out of base64.
    len: u64,
    hashes: Vec<Hash>,
    header: Option<Header>,
    is_over: bool,
}

#[derive(Clone, Copy)]
struct Header {
    timestamp_s: u64,
    iv: [u8; IV_LEN],
}

impl Verifier {
    /// A first pass with those keys.
    pub fn new(keys: &FernetKeys) -> Self {
        Self {
            keys: keys.clone(),
            macs: keys.as_slice().iter().map(FernetKey::mac).collect(),
            end: Vec::new(),
            len: 0,
            hashes: Vec::new(),
            header: None,
            is_over: false,
        }
    }

    /// Takes the next 4 MiB of the token's text, or what is left of it.
    ///
    /// # Errors
    /// [`FernetError`]; the verifier is of no further use then.
    pub fn push(&mut self, block: &[u8]) -> Result<(), FernetError> {
        if self.is_over || block.is_empty() || block.len() > BLOCK_LEN {
            return Err(FernetError::Tampered);
        }
        if self.header.is_none() && !begins_a_token(block) {
            return Err(FernetError::NotAToken);
        }
        let bytes = decode(block)?;
        if self.header.is_none() {
            self.header = Some(Header::parse(&bytes).ok_or(FernetError::Tampered)?);
        }
        self.is_over = block.len() < BLOCK_LEN || block.ends_with(b"=");
        self.len += bytes.len() as u64;
        let longest = token_len(FERNET_LEN as u64).unwrap_or_default();
        if self.len > longest / 4 * 3 {
            return Err(FernetError::TooLarge);
        }
        self.hashes.push(block_hash(block));
        self.end.extend_from_slice(&bytes);
        let signed = self.end.len().saturating_sub(END_LEN);
        let end = self.end.split_off(signed);
        self.macs.iter_mut().for_each(|mac| mac.update(&self.end));
        self.end = end;
        Ok(())
    }

    /// Says whether one of the keys signed it all.
    ///
    /// # Errors
    /// [`FernetError::Tampered`], whatever is wrong.
    pub fn finish(self) -> Result<Verified, FernetError> {
        const WRONG: FernetError = FernetError::Tampered;
        let encrypted = self.len.checked_sub((HEADER_LEN + TAG_LEN) as u64);
        let encrypted =
            encrypted.filter(|len| self.len >= SHORTEST && len.is_multiple_of(CIPHER_BLOCK as u64));
        let encrypted = encrypted.ok_or(WRONG)?;
        let Header { timestamp_s, iv } = self.header.ok_or(WRONG)?;
        let (signed, tag) = self.end.split_at_checked(END_LEN - TAG_LEN).ok_or(WRONG)?;
        let mut signer = None;
        for (index, (mut mac, key)) in self.macs.into_iter().zip(self.keys.as_slice()).enumerate() {
            mac.update(signed);
            if mac.verify_slice(tag).is_ok() && signer.is_none() {
                signer = Some((index, key));
            }
        }
        // Nothing is decrypted without a signature.
        let (key_index, key) = signer.ok_or(WRONG)?;
        let (before, last) = signed.split_at_checked(CIPHER_BLOCK).ok_or(WRONG)?;
        let last_len = padded_len(key, before, last).ok_or(WRONG)?;
        let size = encrypted - CIPHER_BLOCK as u64 + last_len as u64;
        if size > FERNET_LEN as u64 {
            return Err(FernetError::TooLarge);
        }
        Ok(Verified {
            key: key.clone(),
            key_index,
            timestamp_s,
            iv,
            size,
            encrypted,
            hashes: self.hashes,
        })
    }
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (_, rest) = bytes.split_first()?;
        let (time, rest) = rest.split_first_chunk()?;
        let (iv, _) = rest.split_first_chunk()?;
        Some(Self {
            timestamp_s: u64::from_be_bytes(*time),
            iv: *iv,
        })
    }
}

/// A token that one of the keys signed, with what the second pass needs.
#[derive(Clone)]
pub struct Verified {
    key: FernetKey,
    key_index: usize,
    timestamp_s: u64,
    iv: [u8; IV_LEN],
    size: u64,
    /// Bytes of ciphertext.
    encrypted: u64,
    hashes: Vec<Hash>,
}

impl Verified {
    /// Which of the keys, from 0.
    pub const fn key_index(&self) -> usize {
        self.key_index
    }

    /// When it was made, by the maker's word, in Unix seconds.
    pub const fn timestamp_s(&self) -> u64 {
        self.timestamp_s
    }

    /// Bytes of plaintext.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// BLAKE3 of each block of 4 MiB of the text.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// Refuses a token that is older than `ttl_s` seconds at `now_s`, or made
    /// more than a minute after it.
    ///
    /// # Errors
    /// [`FernetError::Expired`] or [`FernetError::FromTheFuture`].
    pub fn check_age(&self, ttl_s: u64, now_s: u64) -> Result<(), FernetError> {
        if self.timestamp_s.saturating_add(ttl_s) < now_s {
            return Err(FernetError::Expired);
        }
        if self.timestamp_s > now_s.saturating_add(CLOCK_SKEW_S) {
            return Err(FernetError::FromTheFuture);
        }
        Ok(())
    }

    /// Goes on to the second pass.
    pub fn into_reader(self) -> TokenReader {
        TokenReader {
            decryptor: None,
            token: self,
            next: 0,
            seen: 0,
            released: 0,
            waiting: Vec::new(),
        }
    }
}

impl std::fmt::Debug for Verified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verified")
            .field("timestamp_s", &self.timestamp_s)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// The second pass: the same blocks again, each decrypted only if it is the
/// one that was verified.
pub struct TokenReader {
    token: Verified,
    decryptor: Option<cbc::Decryptor<Aes128>>,
    /// The next block's index.
    next: usize,
    /// Bytes of the token before it.
    seen: u64,
    released: u64,
    /// Ciphertext that fills no cipher block yet.
    waiting: Vec<u8>,
}

impl TokenReader {
    /// Bytes of plaintext that all blocks give.
    pub const fn size(&self) -> u64 {
        self.token.size
    }

    /// Opens the next block into `plaintext`, replacing its content.
    ///
    /// # Errors
    /// [`FernetError::Tampered`] if it is not what the first pass saw;
    /// `plaintext` is empty then.
    pub fn open_next(&mut self, block: &[u8], plaintext: &mut Vec<u8>) -> Result<(), FernetError> {
        plaintext.zeroize();
        if self.token.hashes.get(self.next) != Some(&block_hash(block)) {
            return Err(FernetError::Tampered);
        }
        let bytes = decode(block)?;
        let ciphertext = self.ciphertext_in(&bytes).ok_or(FernetError::Tampered)?;
        self.next += 1;
        self.seen += bytes.len() as u64;
        plaintext.extend_from_slice(&self.waiting);
        plaintext.extend_from_slice(ciphertext);
        self.waiting = plaintext.split_off(plaintext.len() / CIPHER_BLOCK * CIPHER_BLOCK);
        let decryptor = match &mut self.decryptor {
            Some(decryptor) => decryptor,
            none => none.insert(decryptor(&self.token.key, &self.token.iv)?),
        };
        let (blocks, _) = Array::<u8, U16>::slice_as_chunks_mut(plaintext);
        decryptor.decrypt_blocks(blocks);
        // The padding, whose length the first pass has seen.
        let left = self.token.size.saturating_sub(self.released);
        plaintext.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        self.released += plaintext.len() as u64;
        Ok(())
    }

    /// Says whether all blocks have come.
    ///
    /// # Errors
    /// [`FernetError::Tampered`].
    pub fn finish(self) -> Result<(), FernetError> {
        let complete = self.next == self.token.hashes.len() && self.released == self.token.size;
        if complete {
            Ok(())
        } else {
            Err(FernetError::Tampered)
        }
    }

    /// What is ciphertext of the next bytes: neither header nor signature.
    fn ciphertext_in<'b>(&self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        let within = |at: u64| usize::try_from(at.saturating_sub(self.seen)).ok();
        let start = within(HEADER_LEN as u64)?.min(bytes.len());
        let end = within(HEADER_LEN as u64 + self.token.encrypted)?.min(bytes.len());
        bytes.get(start..end)
    }
}

impl std::fmt::Debug for TokenReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TokenReader").field(&self.token).finish()
    }
}

fn decryptor(key: &FernetKey, iv: &[u8]) -> Result<cbc::Decryptor<Aes128>, FernetError> {
    cbc::Decryptor::new_from_slices(key.encryption_half(), iv).map_err(|_| FernetError::Tampered)
}

/// Bytes of plaintext in the last cipher block, if its padding is right.
fn padded_len(key: &FernetKey, before: &[u8], last: &[u8]) -> Option<usize> {
    let mut block = Zeroizing::new([0; CIPHER_BLOCK]);
    block
        .iter_mut()
        .zip(last)
        .for_each(|(to, from)| *to = *from);
    let (blocks, _) = Array::<u8, U16>::slice_as_chunks_mut(block.as_mut_slice());
    decryptor(key, before).ok()?.decrypt_blocks(blocks);
    Pkcs7::raw_unpad(block.as_slice()).ok().map(<[u8]>::len)
}

/// Whether text can be a token at all: its first byte is the version.
fn begins_a_token(text: &[u8]) -> bool {
    let first = text.get(..4).map(decode);
    matches!(first, Some(Ok(bytes)) if bytes.first() == Some(&VERSION))
}

/// Strict base64: whole groups of four, padding at the very end only, no stray
/// bits. (The library's padded form would take padding in the middle.)
fn decode(block: &[u8]) -> Result<Vec<u8>, FernetError> {
    if !block.len().is_multiple_of(4) {
        return Err(FernetError::Tampered);
    }
    let text = block.strip_suffix(b"==").or(block.strip_suffix(b"="));
    let text = text.unwrap_or(block);
    BASE64URL_NOPAD
        .decode(text)
        .map_err(|_| FernetError::Tampered)
}
