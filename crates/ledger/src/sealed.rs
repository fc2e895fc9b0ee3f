//! How long sealed bytes are: pure arithmetic, so that a server which cannot
//! open a Box can still refuse one of an impossible length (spec: `box.md` §3).

use crate::codec::{ParseError, Reader, SUITE};
use crate::limits::{BLOCK_LEN, BLOCKS_PER_CONTENT, CHUNK_LEN, RECORD_PAD};

/// Salt and key commitment in front of a Box.
pub const BOX_HEADER_LEN: usize = 24 + 32;
/// Authentication tag behind each chunk of a Box.
pub const TAG_LEN: usize = 16;
/// A full block, sealed.
pub const SEALED_BLOCK_LEN: usize = box_len(BLOCK_LEN);

/// A key envelope: its header, X-Wing's encapsulated key, the sealed vault key.
pub const ENVELOPE_LEN: usize = 246 + 1120 + 48;

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
        Some(tail) => blocks > 0 && blocks <= BLOCKS_PER_CONTENT && is_block_len(tail),
        None => false,
    }
}

/// Whether a sealed block may have `len` bytes: that of a Box around 1 byte
/// to a full block.
pub fn is_block_len(len: u64) -> bool {
    let Some(body) = len.checked_sub(BOX_HEADER_LEN as u64) else {
        return false;
    };
    let sealed_chunk = (CHUNK_LEN + TAG_LEN) as u64;
    let last = body % sealed_chunk;
    last >= TAG_LEN as u64 && len > box_len(0) as u64 && len <= SEALED_BLOCK_LEN as u64
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
    fn impossible_shapes_are_refused() {
        assert!(!is_content_shape(0, 1));
        assert!(!is_content_shape(box_len(1) as u64, 0));
        assert!(!is_content_shape(box_len(0) as u64, 1));
        assert!(!is_content_shape(SEALED_BLOCK_LEN as u64 + 1, 1));
        assert!(!is_content_shape(SEALED_BLOCK_LEN as u64, 2));
        assert!(!is_block_len(
            (BOX_HEADER_LEN + CHUNK_LEN + TAG_LEN + 3) as u64
        ));
        assert_eq!(block_count(u64::MAX), None);
    }
}
