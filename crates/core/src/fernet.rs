//! Fernet tokens, as their specification has them: AES-128-CBC with PKCS#7,
//! HMAC-SHA256 over everything before it, version 0x80, URL-safe base64
//! (spec: `fernet.md`; <https://github.com/fernet/spec>).
//!
//! A token is read twice. The first pass ([`Verifier`]) checks the signature
//! over the whole, the padding and so the size, and keeps a hash of every
//! block; the second ([`TokenReader`]) decrypts block by block, each only if
//! it is the one that was verified. So no byte of plaintext exists before the
//! last byte of the token was checked, with bounded memory, and whatever is
//! wrong is one error: there is no padding oracle.

mod key;
mod open;
mod seal;

pub use key::{FernetKeys, FernetText};
pub use open::{TokenReader, Verified, Verifier};
pub use seal::TokenWriter;
pub use sv_ledger::sealed::token_len;

use rand_core::CryptoRng;
use sv_ledger::limits::BLOCK_LEN;
use zeroize::Zeroizing;

use crate::error::{FernetError, SealError};
use crate::secret::FernetKey;

/// The only version.
const VERSION: u8 = 0x80;
/// Bytes of version, timestamp and initialisation vector, which come first.
const HEADER_LEN: usize = 1 + 8 + IV_LEN;
const IV_LEN: usize = 16;
/// Bytes of one block of AES.
const CIPHER_BLOCK: usize = 16;
/// Bytes of the HMAC, which comes last.
const TAG_LEN: usize = 32;
/// Seconds by which the maker's clock may be ahead of the reader's, where the
/// reader asks for an age (the value of the specification).
const CLOCK_SKEW_S: u64 = 60;

type HmacSha256 = hmac::Hmac<sha2::Sha256>;

/// Makes a whole token in memory.
///
/// # Errors
/// [`SealError::TooLarge`] above 512 MiB, [`SealError::BrokenRandomness`].
pub fn seal_token(
    key: &FernetKey,
    timestamp_s: u64,
    plaintext: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, SealError> {
    let mut token = Vec::new();
    let mut writer = TokenWriter::new(key, timestamp_s, rng)?;
    writer.push(plaintext, &mut token)?;
    writer.finish(&mut token)?;
    Ok(token)
}

/// Opens a whole token in memory, with the first of the keys that signed it.
/// White space around it is the caller's to leave out.
///
/// # Errors
/// [`FernetError`].
pub fn open_token(keys: &FernetKeys, token: &[u8]) -> Result<Zeroizing<Vec<u8>>, FernetError> {
    let mut verifier = Verifier::new(keys);
    for block in token.chunks(BLOCK_LEN) {
        verifier.push(block)?;
    }
    let mut reader = verifier.finish()?.into_reader();
    let (mut plaintext, mut piece) = (Zeroizing::new(Vec::new()), Zeroizing::new(Vec::new()));
    for block in token.chunks(BLOCK_LEN) {
        reader.open_next(block, &mut piece)?;
        plaintext.extend_from_slice(&piece);
    }
    reader.finish()?;
    Ok(plaintext)
}
