//! How long sealed bytes are: pure arithmetic, so that a server which cannot
//! open a Box can still refuse one of an impossible length (spec: `box.md` §3).

use crate::codec::{ParseError, Reader, SUITE};
use crate::limits::{BLOCK_LEN, BLOCKS_PER_CONTENT, CHUNK_LEN, FERNET_LEN, RECORD_PAD};

/// Salt and key commitment in front of a Box.
pub const BOX_HEADER_LEN: usize = 24 + 32;
/// Authentication tag behind each chunk of a Box.
pub const TAG_LEN: usize = 16;
/// A full block, sealed.
pub const SEALED_BLOCK_LEN: usize = box_len(BLOCK_LEN);

/// Bytes of a Fernet token but for its ciphertext: version, timestamp,
/// initialisation vector and HMAC.
const TOKEN_FRAME_LEN: u64 = 1 + 8 + 16 + 32;
/// Bytes of one block of AES.
const CIPHER_BLOCK: u64 = 16;

/// A key envelope: its header, X-Wing's encapsulated key, the sealed vault key.
pub const ENVELOPE_LEN: usize = 246 + 1120 + 48;

/// In which form a vault keeps the bytes of its files. Its signed genesis says
/// so, once and for all (spec: `content.md` §1, `fernet.md` §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContentSuite {
    /// Blocks of 4 MiB, each sealed on its own with AES-256-GCM.
    Blocks,
    /// One Fernet token, its text cut into blocks of 4 MiB.
    Fernet,
}

impl ContentSuite {
    /// Its byte in formats.
    pub const fn tag(self) -> u8 {
        match self {
            Self::Blocks => 1,
            Self::Fernet => 2,
        }
    }

    /// Reads that byte.
    ///
    /// # Errors
    /// [`ParseError::UnsupportedSuite`] for any other.
    pub const fn from_tag(tag: u8) -> Result<Self, ParseError> {
        match tag {
            1 => Ok(Self::Blocks),
            2 => Ok(Self::Fernet),
            other => Err(ParseError::UnsupportedSuite(other)),
        }
    }

    /// Bytes of every stored block but the last.
    pub const fn full_block_len(self) -> usize {
        match self {
            Self::Blocks => SEALED_BLOCK_LEN,
            Self::Fernet => BLOCK_LEN,
        }
    }

    /// Stored blocks of a content of `size` bytes; `None` above the largest
    /// content there may be. (Nothing makes no block, but a token.)
    pub fn block_count(self, size: u64) -> Option<u32> {
        match self {
            Self::Blocks => block_count(size),
            Self::Fernet => token_blocks(size),
        }
    }

    /// Bytes of all stored blocks of a content of `size` bytes.
    pub fn content_len(self, size: u64) -> Option<u64> {
        match self {
            Self::Blocks => content_len(size),
            Self::Fernet => token_len(size),
        }
    }

    /// Bytes of stored block `index` of a content of `size` bytes; `None` past
    /// its end.
    pub fn block_len(self, size: u64, index: u64) -> Option<usize> {
        let full = self.full_block_len() as u64;
        let before = index.checked_mul(full)?;
        let left = self.content_len(size)?.checked_sub(before)?;
        usize::try_from(left.min(full)).ok().filter(|len| *len > 0)
    }

    /// Whether `len` bytes in `blocks` blocks can be a content at all.
    pub fn is_content_shape(self, len: u64, blocks: u32) -> bool {
        match self {
            Self::Blocks => is_content_shape(len, blocks),
            Self::Fernet => is_token_shape(len, blocks),
        }
    }
}

/// The epoch of a sealed record, which is in clear in front of its Box. An
/// honest server takes in no record of another epoch than its entry's, nor
/// one whose Box cannot hold anything (spec: `records.md` §1).
///
/// # Errors
/// [`ParseError`].
pub fn record_epoch(record: &[u8]) -> Result<u32, ParseError> {
    let mut r = Reader::new(record);
    match r.u8()? {
        SUITE => {}
        other => return Err(ParseError::UnsupportedSuite(other)),
    }
    let epoch = r.u32()?;
    if record.len() < 1 + 4 + box_len(RECORD_PAD) {
        return Err(ParseError::Truncated);
    }
    Ok(epoch)
}

/// Bytes of a Box around `plaintext` bytes: every chunk but the last is full,
/// and the last is shorter than full, possibly empty.
pub const fn box_len(plaintext: usize) -> usize {
    BOX_HEADER_LEN + plaintext + (plaintext / CHUNK_LEN + 1) * TAG_LEN
}

/// Blocks of a content of `size` bytes; an empty content has none.
/// `None` above the largest content there may be.
pub fn block_count(size: u64) -> Option<u32> {
    let blocks = size.div_ceil(BLOCK_LEN as u64);
    u32::try_from(blocks)
        .ok()
        .filter(|n| *n <= BLOCKS_PER_CONTENT)
}

/// Bytes of all sealed blocks of a content of `size` bytes.
pub fn content_len(size: u64) -> Option<u64> {
    let blocks = block_count(size)?;
    let full = size / BLOCK_LEN as u64;
    let rest = (size % BLOCK_LEN as u64) as usize;
    let tail = if u64::from(blocks) > full {
        box_len(rest) as u64
    } else {
        0
    };
    Some(full * SEALED_BLOCK_LEN as u64 + tail)
}

/// Whether `sealed` bytes in `blocks` blocks can be a content at all.
pub fn is_content_shape(sealed: u64, blocks: u32) -> bool {
    let full = u64::from(blocks).saturating_sub(1) * SEALED_BLOCK_LEN as u64;
    match sealed.checked_sub(full) {
        Some(0) => blocks == 0,
        Some(tail) => blocks > 0 && blocks <= BLOCKS_PER_CONTENT && is_box_block_len(tail),
        None => false,
    }
}

/// Whether a stored block may have `len` bytes, in a vault of either suite.
pub fn is_block_len(len: u64) -> bool {
    is_box_block_len(len) || is_token_block_len(len)
}

/// Whether a piece of a token may have `len` characters: whole groups of four.
const fn is_token_block_len(len: u64) -> bool {
    len > 0 && len <= BLOCK_LEN as u64 && len.is_multiple_of(4)
}

/// Whether a sealed block may have `len` bytes: that of a Box around 1 byte
/// to a full block.
fn is_box_block_len(len: u64) -> bool {
    let Some(body) = len.checked_sub(BOX_HEADER_LEN as u64) else {
        return false;
    };
    let sealed_chunk = (CHUNK_LEN + TAG_LEN) as u64;
    let last = body % sealed_chunk;
    last >= TAG_LEN as u64 && len > box_len(0) as u64 && len <= SEALED_BLOCK_LEN as u64
}

/// Bytes of a Fernet token around `size` bytes, as the text that it is. The
/// padding adds 1 to 16 bytes, base64 a third. `None` above the largest one.
pub fn token_len(size: u64) -> Option<u64> {
    if size > FERNET_LEN as u64 {
        return None;
    }
    let ciphertext = (size / CIPHER_BLOCK + 1) * CIPHER_BLOCK;
    Some((TOKEN_FRAME_LEN + ciphertext).div_ceil(3) * 4)
}

/// Blocks of 4 MiB into which the text of a token of `size` bytes is cut.
pub fn token_blocks(size: u64) -> Option<u32> {
    let blocks = token_len(size)?.div_ceil(BLOCK_LEN as u64);
    u32::try_from(blocks).ok()
}

/// Whether `len` bytes in `blocks` blocks can be a Fernet token at all.
pub fn is_token_shape(len: u64, blocks: u32) -> bool {
    // Of all sizes whose token may have that length, the largest.
    let ciphertext = (len / 4 * 3).saturating_sub(TOKEN_FRAME_LEN) / CIPHER_BLOCK * CIPHER_BLOCK;
    let Some(size) = ciphertext.checked_sub(1) else {
        return false;
    };
    let size = size.min(FERNET_LEN as u64);
    token_len(size) == Some(len) && token_blocks(size) == Some(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_block_is_four_mebibytes_and_328_bytes() {
        assert_eq!(SEALED_BLOCK_LEN, BLOCK_LEN + 328);
    }

    #[test]
    fn every_size_near_a_boundary_has_a_content_shape() {
        let edges = [
            0,
            1,
            CHUNK_LEN,
            BLOCK_LEN,
            2 * BLOCK_LEN,
            7 * BLOCK_LEN + CHUNK_LEN,
        ];
        for size in edges.iter().flat_map(|e| [e.saturating_sub(1), *e, e + 1]) {
            let (len, blocks) = (content_len(size as u64), block_count(size as u64));
            assert!(is_content_shape(len.unwrap(), blocks.unwrap()), "{size}");
        }
    }

    #[test]
    fn tokens_have_the_lengths_of_tokens_and_no_other() {
        assert_eq!((token_len(0), token_len(5)), (Some(100), Some(100)));
        assert_eq!((token_len(15), token_len(16)), (Some(100), Some(120)));
        let largest = FERNET_LEN as u64;
        assert_eq!(token_len(largest + 1), None);
        let lens: std::collections::BTreeSet<_> = (0..20_000).filter_map(token_len).collect();
        for len in 0..26_000 {
            let is_one = lens.contains(&len);
            assert_eq!(is_token_shape(len, 1), is_one, "{len}");
            assert!(!is_token_shape(len, 0) && !is_token_shape(len, 2));
        }
        for size in [3_145_000, 3 << 20, largest - 1, largest] {
            let (len, blocks) = (token_len(size).unwrap(), token_blocks(size).unwrap());
            assert!(is_token_shape(len, blocks), "{size}");
            assert!(!is_token_shape(len, blocks + 1) && !is_token_shape(len + 4, blocks));
        }
        let beyond = token_len(largest).unwrap() + 20;
        assert!(!is_token_shape(beyond, 171) && !is_token_shape(u64::MAX, u32::MAX));
    }

    #[test]
    fn the_blocks_of_a_content_add_up_to_it() {
        let full = [BLOCK_LEN as u64, SEALED_BLOCK_LEN as u64];
        for suite in [ContentSuite::Blocks, ContentSuite::Fernet] {
            for size in full
                .iter()
                .flat_map(|f| [0, 1, *f, f + 1, 3 * f, 3 * f + 17])
            {
                let lens: Vec<_> = (0..).map_while(|i| suite.block_len(size, i)).collect();
                let sum = lens.iter().map(|len| *len as u64).sum();
                let (len, count) = (suite.content_len(size), suite.block_count(size));
                assert_eq!((len, count), (Some(sum), Some(lens.len() as u32)));
                assert!(suite.is_content_shape(sum, lens.len() as u32), "{size}");
                assert!(lens.iter().all(|len| is_block_len(*len as u64)));
            }
        }
    }

    #[test]
    fn impossible_shapes_are_refused() {
        assert!(!is_content_shape(0, 1));
        assert!(!is_content_shape(box_len(1) as u64, 0));
        assert!(!is_content_shape(box_len(0) as u64, 1));
        assert!(!is_content_shape(SEALED_BLOCK_LEN as u64 + 1, 1));
        assert!(!is_content_shape(SEALED_BLOCK_LEN as u64, 2));
        assert!(!is_box_block_len(
            (BOX_HEADER_LEN + CHUNK_LEN + TAG_LEN + 3) as u64
        ));
        assert_eq!(block_count(u64::MAX), None);
    }
}
