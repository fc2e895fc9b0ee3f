//! One block of a file's contents, sealed or opened and hashed in one go: the
//! heavy part of moving files, which a platform may do in its own way.

use rand_core::CryptoRng;
use sv_core::ContentKey;
use sv_core::content::{
    ForeignAes, block_hash, open_block, open_block_with, plaintext_hash, seal_block,
    seal_block_with,
};
use sv_core::error::{SealError, Tampered};
use sv_ledger::id::{ContentId, Hash};

/// A block, sealed and not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockHashes {
    /// For the root of the content.
    pub sealed: Hash,
    /// To recognise it in the local file.
    pub plaintext: Hash,
}

impl BlockHashes {
    fn of(sealed: &[u8], plaintext: &[u8]) -> Self {
        Self {
            sealed: block_hash(sealed),
            plaintext: plaintext_hash(plaintext),
        }
    }
}

/// A block's place, the key of its content, and its bytes.
pub struct BlockWork {
    pub(crate) key: ContentKey,
    pub(crate) content_id: ContentId,
    pub(crate) index: u64,
    pub(crate) bytes: Vec<u8>,
}

/// What came of it: the other form, and the hashes of both.
pub type BlockDone = (BlockHashes, Vec<u8>);

impl BlockWork {
    /// Seals.
    ///
    /// # Errors
    /// As [`seal_block`].
    pub fn seal(&self, rng: &mut impl CryptoRng) -> Result<BlockDone, SealError> {
        let sealed = seal_block(&self.key, &self.content_id, self.index, &self.bytes, rng)?;
        Ok((BlockHashes::of(&sealed, &self.bytes), sealed))
    }

    /// Seals with the AES of the platform.
    ///
    /// # Errors
    /// As [`seal_block_with`].
    pub async fn seal_with(
        &self,
        cipher: &impl ForeignAes,
        rng: &mut impl CryptoRng,
    ) -> Result<BlockDone, SealError> {
        let (key, id) = (&self.key, &self.content_id);
        let sealed = seal_block_with(cipher, key, id, self.index, &self.bytes, rng).await?;
        Ok((BlockHashes::of(&sealed, &self.bytes), sealed))
    }

    /// Opens. The hash of the sealed form is not checked here.
    ///
    /// # Errors
    /// [`Tampered`].
    pub fn open(&self) -> Result<BlockDone, Tampered> {
        let plaintext = open_block(&self.key, &self.content_id, self.index, &self.bytes)?;
        Ok((BlockHashes::of(&self.bytes, &plaintext), plaintext))
    }

    /// Opens with the AES of the platform, as [`BlockWork::open`].
    ///
    /// # Errors
    /// [`Tampered`].
    pub async fn open_with(&self, cipher: &impl ForeignAes) -> Result<BlockDone, Tampered> {
        let (key, id) = (&self.key, &self.content_id);
        let plaintext = open_block_with(cipher, key, id, self.index, &self.bytes).await?;
        Ok((BlockHashes::of(&self.bytes, &plaintext), plaintext))
    }
}
