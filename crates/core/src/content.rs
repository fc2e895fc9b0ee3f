//! The bytes of a file: blocks of 4 MiB, each a Box, and one root over all of
//! them (spec: `content.md`).

use blake3::Hasher;
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use sv_ledger::id::{ContentId, Hash};
use sv_ledger::limits::{BLOCK_LEN, BLOCKS_PER_CONTENT};
pub use sv_ledger::sealed::{ContentSuite, SEALED_BLOCK_LEN, block_count, box_len, content_len};

pub use crate::aead::{ForeignAes, KEY_LEN, NONCE_LEN};
use crate::error::{ContentError, SealError, Tampered, WeakKey};
use crate::label::Context;
use crate::sealed_box::BLOCK;
use crate::secret::{ContentKey, FernetKey, SecretKey};

mod raw;

pub use raw::{Decryptor, RAW_HEADER_LEN, RawHeader, RawKey};

/// What opens one content, and so in which form it is stored.
#[derive(Debug, Clone)]
pub enum ContentSecret {
    /// Opens blocks.
    Blocks(ContentKey),
    /// Opens a Fernet token.
    Fernet(FernetKey),
}

impl ContentSecret {
    /// The form that it opens.
    pub const fn suite(&self) -> ContentSuite {
        match self {
            Self::Blocks(_) => ContentSuite::Blocks,
            Self::Fernet(_) => ContentSuite::Fernet,
        }
    }

    /// Reads the key of a content of that suite.
    pub(crate) fn from_bytes(suite: ContentSuite, bytes: &[u8]) -> Result<Self, WeakKey> {
        match suite {
            ContentSuite::Blocks => ContentKey::from_bytes(bytes).map(Self::Blocks),
            ContentSuite::Fernet => FernetKey::from_bytes(bytes).map(Self::Fernet),
        }
    }

    /// For the record that holds it.
    /// In constant time.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.suite() == other.suite() && bool::from(self.expose().ct_eq(other.expose()))
    }

    pub(crate) fn expose(&self) -> &[u8] {
        match self {
            Self::Blocks(key) => key.expose(),
            Self::Fernet(key) => key.expose(),
        }
    }
}

/// Seals one block of 1 byte to 4 MiB.
///
/// # Errors
/// [`SealError::Misuse`] for another length or an index that no content has.
pub fn seal_block(
    key: &ContentKey,
    content_id: &ContentId,
    index: u64,
    plaintext: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, SealError> {
    let mut sealed = Vec::new();
    seal_block_into(key, content_id, index, plaintext, rng, &mut sealed)?;
    Ok(sealed)
}

/// Seals one block into `sealed`, whose memory is used again and whose content
/// is replaced.
///
/// # Errors
/// As [`seal_block`].
pub fn seal_block_into(
    key: &ContentKey,
    content_id: &ContentId,
    index: u64,
    plaintext: &[u8],
    rng: &mut impl CryptoRng,
    sealed: &mut Vec<u8>,
) -> Result<(), SealError> {
    check_block(index, plaintext)?;
    BLOCK.seal_into(
        key.expose(),
        &block_context(content_id, index),
        plaintext,
        rng,
        sealed,
    )
}

fn check_block(index: u64, plaintext: &[u8]) -> Result<(), SealError> {
    if !(1..=BLOCK_LEN).contains(&plaintext.len()) {
        return Err(SealError::Misuse("a block has 1 byte to 4 MiB"));
    }
    if index >= u64::from(BLOCKS_PER_CONTENT) {
        return Err(SealError::TooLarge("content"));
    }
    Ok(())
}

/// [`seal_block`] with an AES-256-GCM that is computed elsewhere.
///
/// # Errors
/// As [`seal_block`]; [`SealError::Cipher`] if that cipher fails.
pub async fn seal_block_with(
    cipher: &impl ForeignAes,
    key: &ContentKey,
    content_id: &ContentId,
    index: u64,
    plaintext: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, SealError> {
    check_block(index, plaintext)?;
    let context = block_context(content_id, index);
    let sealed = BLOCK.seal_with(cipher, key.expose(), &context, plaintext, rng);
    sealed.await
}

/// Opens one block. Its hash must have been checked against a [`BlockList`],
/// or be checked by a [`Decryptor`], or two readers could be shown two contents.
///
/// # Errors
/// [`Tampered`], whatever the cause.
pub fn open_block(
    key: &ContentKey,
    content_id: &ContentId,
    index: u64,
    sealed: &[u8],
) -> Result<Vec<u8>, Tampered> {
    let mut plaintext = Vec::new();
    open_block_into(key, content_id, index, sealed, &mut plaintext)?;
    Ok(plaintext)
}

/// Opens one block into `plaintext`, whose memory is used again and whose
/// content is replaced; it is empty after a failure.
///
/// # Errors
/// As [`open_block`].
pub fn open_block_into(
    key: &ContentKey,
    content_id: &ContentId,
    index: u64,
    sealed: &[u8],
    plaintext: &mut Vec<u8>,
) -> Result<(), Tampered> {
    if sealed.len() > SEALED_BLOCK_LEN {
        return Err(Tampered);
    }
    BLOCK.open_into(
        key.expose(),
        &block_context(content_id, index),
        sealed,
        plaintext,
    )
}

/// [`open_block`] with an AES-256-GCM that is computed elsewhere.
///
/// # Errors
/// [`Tampered`], whatever the cause: what that cipher does not open, this
/// crate's own did not open either.
pub async fn open_block_with(
    cipher: &impl ForeignAes,
    key: &ContentKey,
    content_id: &ContentId,
    index: u64,
    sealed: &[u8],
) -> Result<Vec<u8>, Tampered> {
    if sealed.len() > SEALED_BLOCK_LEN {
        return Err(Tampered);
    }
    let context = block_context(content_id, index);
    BLOCK
        .open_with(cipher, key.expose(), &context, sealed)
        .await
}

/// BLAKE3 of one whole sealed block.
pub fn block_hash(sealed: &[u8]) -> Hash {
    Hash::new(*blake3::hash(sealed).as_bytes())
}

/// BLAKE3 of a block's plaintext: to recognise it in a local file. It tells
/// whoever guesses the plaintext that the guess is right, so it is kept in
/// sealed local state and nowhere else.
pub fn plaintext_hash(plaintext: &[u8]) -> Hash {
    Hash::new(*blake3::hash(plaintext).as_bytes())
}

/// Plaintext bytes of block `index` of a content of `size` bytes; `None` past
/// its end or above the limit.
pub fn block_len(size: u64, index: u64) -> Option<usize> {
    block_count(size).filter(|count| index < u64::from(*count))?;
    let before = index.checked_mul(BLOCK_LEN as u64)?;
    usize::try_from(size.checked_sub(before)?.min(BLOCK_LEN as u64)).ok()
}

/// Computes `blocks_root`: BLAKE3 over the BLAKE3 of each sealed block.
#[derive(Debug, Clone, Default)]
pub struct BlocksRoot {
    hasher: Hasher,
    count: u64,
}

impl BlocksRoot {
    /// Of no blocks yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next sealed block and gives its hash.
    pub fn push(&mut self, sealed: &[u8]) -> Hash {
        let hash = block_hash(sealed);
        self.push_hash(&hash);
        hash
    }

    /// Adds the next block by its hash.
    pub fn push_hash(&mut self, hash: &Hash) {
        self.hasher.update(hash.as_bytes());
        self.count += 1;
    }

    /// Blocks so far.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The root over those.
    pub fn root(&self) -> Hash {
        Hash::new(*self.hasher.finalize().as_bytes())
    }
}

/// The hashes of a content's blocks, proved to be the ones its record names.
/// Only [`BlockList::verify`] makes one, and only through it do blocks of a
/// download that is not sequential become plaintext.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockList {
    hashes: Vec<Hash>,
    size: u64,
}

impl BlockList {
    /// Checks that there is one hash for each block of `size` bytes, and that
    /// they add up to the root.
    ///
    /// # Errors
    /// [`ContentError::TooLarge`] or [`ContentError::Tampered`].
    pub fn verify(hashes: Vec<Hash>, size: u64, blocks_root: &Hash) -> Result<Self, ContentError> {
        let count = block_count(size).ok_or(ContentError::TooLarge)?;
        let mut root = BlocksRoot::new();
        hashes.iter().for_each(|hash| root.push_hash(hash));
        if root.count() != u64::from(count) || root.root() != *blocks_root {
            return Err(ContentError::Tampered);
        }
        Ok(Self { hashes, size })
    }

    /// The hash of each block, in order.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// Opens block `index` into `plaintext`, if it is the listed one and of the
    /// length the size demands.
    ///
    /// # Errors
    /// [`ContentError::Tampered`]; `plaintext` is empty then.
    pub fn open(
        &self,
        key: &ContentKey,
        content_id: &ContentId,
        index: u64,
        sealed: &[u8],
        plaintext: &mut Vec<u8>,
    ) -> Result<(), ContentError> {
        plaintext.clear();
        let listed = usize::try_from(index)
            .ok()
            .and_then(|index| self.hashes.get(index));
        let fits = block_len(self.size, index).map(box_len) == Some(sealed.len());
        if !fits || listed != Some(&block_hash(sealed)) {
            return Err(ContentError::Tampered);
        }
        Ok(open_block_into(key, content_id, index, sealed, plaintext)?)
    }
}

fn block_context(content_id: &ContentId, index: u64) -> Vec<u8> {
    Context::Block.enc(&[content_id.as_bytes(), &index.to_be_bytes()])
}
