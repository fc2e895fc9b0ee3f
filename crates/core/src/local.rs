//! What a client keeps on a device, sealed under the account's local key
//! (spec: `account-keys.md` §9).

use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::{SealError, Tampered};
use crate::kdf::derive;
use crate::label::{Context, Label};
use crate::sealed_box::SMALL;
use crate::secret::{LocalKey, SecretKey};

/// What kind of state it is; each has its own key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Verified metadata and vault keys, kept so as to be fast.
    Cache,
    /// Unfinished uploads and downloads.
    Resume,
    /// The newest head of each vault that this device has seen.
    Pins,
}

impl Purpose {
    const fn label(self) -> Label {
        match self {
            Self::Cache => Label::LocalCache,
            Self::Resume => Label::LocalResume,
            Self::Pins => Label::LocalPins,
        }
    }
}

/// Seals state of a purpose; `context` says which of its kind, such as the
/// vault it is about.
///
/// # Errors
/// [`SealError`], never for reasons of the values.
pub fn seal_local(
    key: &LocalKey,
    purpose: Purpose,
    context: &[u8],
    plaintext: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, SealError> {
    let key = derive(purpose.label(), key.expose(), &[]);
    SMALL.seal(key.as_slice(), &local_context(context), plaintext, rng)
}

/// Opens state sealed for the same purpose and context.
///
/// # Errors
/// [`Tampered`]: the client drops it and starts afresh, or, for pins, stops.
pub fn open_local(
    key: &LocalKey,
    purpose: Purpose,
    context: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Tampered> {
    let key = derive(purpose.label(), key.expose(), &[]);
    SMALL.open(key.as_slice(), &local_context(context), sealed)
}

/// The caller's context enters as its hash, so it may be of any length.
fn local_context(context: &[u8]) -> Vec<u8> {
    Context::Local.enc(&[&Sha256::digest(context)])
}
