//! A content outside the vault: the raw download, the text that opens it, and
//! the reader that both the client and the offline tool use
//! (spec: `content.md` §4).

use data_encoding::BASE64URL_NOPAD;
use sv_ledger::codec::{Reader, SUITE, Writer};
use sv_ledger::id::{ContentId, Hash};
use zeroize::Zeroizing;

use super::{BlocksRoot, block_count, block_len, box_len, content_len, open_block_into};
use crate::error::{ContentError, WeakKey};
use crate::secret::{ContentKey, SecretKey};

const MAGIC: &[u8; 6] = b"SVRAW1";
const KEY_PREFIX: &str = "sv1-";
/// Bytes in front of a raw download's blocks.
pub const RAW_HEADER_LEN: usize = MAGIC.len() + 1 + ContentId::LEN + 8;

/// What a raw download says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawHeader {
    /// The content.
    pub content_id: ContentId,
    /// Bytes of plaintext, as claimed: a [`Decryptor`] checks it.
    pub size: u64,
}

impl RawHeader {
    /// The one form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.raw(MAGIC)
            .u8(SUITE)
            .raw(self.content_id.as_bytes())
            .u64(self.size);
        w.into_bytes()
    }

    /// Reads exactly [`RAW_HEADER_LEN`] bytes.
    ///
    /// # Errors
    /// [`ContentError`] if this is no raw download, or one that cannot exist.
    pub fn parse(bytes: &[u8]) -> Result<Self, ContentError> {
        const MALFORMED: ContentError = ContentError::Malformed("raw download");
        let mut r = Reader::new(bytes);
        if r.array() != Ok(*MAGIC) {
            return Err(MALFORMED);
        }
        match r.u8().map_err(|_| MALFORMED)? {
            SUITE => {}
            suite => return Err(ContentError::UnsupportedSuite(suite)),
        }
        let content_id = r.content_id().map_err(|_| MALFORMED)?;
        let size = r.u64().map_err(|_| MALFORMED)?;
        r.finish().map_err(|_| MALFORMED)?;
        block_count(size).ok_or(ContentError::TooLarge)?;
        Ok(Self { content_id, size })
    }

    /// Bytes of the whole download.
    pub fn file_len(&self) -> Option<u64> {
        content_len(self.size)?.checked_add(RAW_HEADER_LEN as u64)
    }
}

/// What opens a raw download: the content's key, and the root that says it is
/// the whole and the right one.
#[derive(Debug, Clone)]
pub struct RawKey {
    /// The content's key.
    pub key: ContentKey,
    /// What all sealed blocks hash to.
    pub blocks_root: Hash,
}

impl RawKey {
    /// `sv1-` and base64url of both.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(64));
        bytes.extend_from_slice(self.key.expose());
        bytes.extend_from_slice(self.blocks_root.as_bytes());
        let encoded = Zeroizing::new(BASE64URL_NOPAD.encode(&bytes));
        let mut text = Zeroizing::new(String::with_capacity(KEY_PREFIX.len() + encoded.len()));
        text.push_str(KEY_PREFIX);
        text.push_str(&encoded);
        text
    }

    /// Reads that text, with white space around it allowed.
    ///
    /// # Errors
    /// [`ContentError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, ContentError> {
        const MALFORMED: ContentError = ContentError::Malformed("content key");
        let encoded = text.trim().strip_prefix(KEY_PREFIX).ok_or(MALFORMED)?;
        let bytes = BASE64URL_NOPAD
            .decode(encoded.as_bytes())
            .map_err(|_| MALFORMED)?;
        let bytes = Zeroizing::new(bytes);
        let (key, root) = bytes.split_at_checked(32).ok_or(MALFORMED)?;
        Ok(Self {
            key: ContentKey::from_bytes(key).map_err(|WeakKey| MALFORMED)?,
            blocks_root: Hash::from_slice(root).map_err(|_| MALFORMED)?,
        })
    }
}

/// Opens a content whose blocks come in order, without a list of their
/// hashes. Each block is released once it is verified; that they are all, and
/// the ones that were meant, is known when [`Decryptor::finish`] returns, and
/// only then may the result get its final name.
#[derive(Debug)]
pub struct Decryptor {
    key: ContentKey,
    content_id: ContentId,
    size: u64,
    expected: Hash,
    seen: BlocksRoot,
}

impl Decryptor {
    /// Starts before the first block.
    ///
    /// # Errors
    /// [`ContentError::TooLarge`].
    pub fn new(key: RawKey, content_id: ContentId, size: u64) -> Result<Self, ContentError> {
        block_count(size).ok_or(ContentError::TooLarge)?;
        let RawKey { key, blocks_root } = key;
        Ok(Self {
            key,
            content_id,
            size,
            expected: blocks_root,
            seen: BlocksRoot::new(),
        })
    }

    /// Bytes of the next sealed block; `None` when all have come.
    pub fn next_sealed_len(&self) -> Option<usize> {
        block_len(self.size, self.seen.count()).map(box_len)
    }

    /// Opens the next block into `plaintext`, replacing its content.
    ///
    /// # Errors
    /// [`ContentError::Tampered`], also if all blocks have come; `plaintext`
    /// is empty then, and the decryptor of no further use.
    pub fn open_next(
        &mut self,
        sealed: &[u8],
        plaintext: &mut Vec<u8>,
    ) -> Result<(), ContentError> {
        plaintext.clear();
        if self.next_sealed_len() != Some(sealed.len()) {
            return Err(ContentError::Tampered);
        }
        let index = self.seen.count();
        open_block_into(&self.key, &self.content_id, index, sealed, plaintext)?;
        self.seen.push(sealed);
        Ok(())
    }

    /// Says whether these were all blocks of the content that was meant. The
    /// caller has also seen that no byte follows the last one.
    ///
    /// # Errors
    /// [`ContentError::Tampered`].
    pub fn finish(self) -> Result<(), ContentError> {
        let complete = self.next_sealed_len().is_none() && self.seen.root() == self.expected;
        if complete {
            Ok(())
        } else {
            Err(ContentError::Tampered)
        }
    }
}
