//! A21: malleable content. A22: chunks and blocks in another order. A28: what
//! is released before it is verified. A29: lies about size. A40: lengths.

use std::time::Instant;

use sv_ledger::id::Hash;
use sv_ledger::limits::{BLOCK_LEN, CHUNK_LEN};

use super::support::*;
use crate::aead::Aes256Gcm;
use crate::content::*;
use crate::error::{ContentError, RecordError};
use crate::local::{Purpose, seal_local};
use crate::record::{open_record, sealed_record_len};
use crate::sealed_box::{Format, SMALL};
use crate::secret::{ContentKey, SecretKey};

fn pattern(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    rand_core::Rng::fill_bytes(&mut rng("pattern"), &mut bytes);
    bytes
}

/// Needs: the tag of every chunk, the commitment for the header.
#[test]
fn a21_every_bit_of_a_small_file_is_checked() {
    let content = key::<ContentKey>(1);
    let mut sealed = seal_block(&content, &CONTENT, 0, &pattern(40_000), &mut rng("a21")).unwrap();
    let mut plaintext = Vec::new();
    for bit in 0..8 * sealed.len() {
        sealed[bit / 8] ^= 1 << (bit % 8);
        assert!(
            open_block_into(&content, &CONTENT, 0, &sealed, &mut plaintext).is_err(),
            "{bit}"
        );
        assert!(plaintext.is_empty());
        sealed[bit / 8] ^= 1 << (bit % 8);
    }
    assert!(open_block(&content, &CONTENT, 0, &sealed).is_ok());
}

/// Needs: the tag. (Fast run: 2,000 flips; the long run is the mutation job's.)
#[test]
fn a21_random_flips_in_full_chunks() {
    let content = key::<ContentKey>(1);
    let mut rng = rng("flips");
    let mut sealed = seal_block(&content, &CONTENT, 0, &pattern(CHUNK_LEN), &mut rng).unwrap();
    let mut plaintext = Vec::new();
    for _ in 0..2_000 {
        let bit = rand_core::Rng::next_u64(&mut rng) as usize % (8 * sealed.len());
        sealed[bit / 8] ^= 1 << (bit % 8);
        assert!(open_block_into(&content, &CONTENT, 0, &sealed, &mut plaintext).is_err());
        sealed[bit / 8] ^= 1 << (bit % 8);
    }
}

/// Every way of picking up to four of `n` things in any order, with repeats.
fn sequences(n: usize) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    let mut longest = vec![vec![]];
    for _ in 0..4 {
        longest = longest
            .iter()
            .flat_map(|s: &Vec<usize>| (0..n).map(move |i| [s.as_slice(), &[i]].concat()))
            .collect();
        all.extend(longest.clone());
    }
    all
}

/// Needs: the counter in the nonce, and the rule of the short last chunk.
#[test]
fn a22_chunks_only_open_in_their_order() {
    let format: Format<Aes256Gcm> = Format::new("test", 64);
    let len = 3 * 64 + 10;
    let sealed = format
        .seal(&[1; 32], b"", &pattern(len), &mut rng("a22"))
        .unwrap();
    let (header, body) = sealed.split_at(56);
    let chunks: Vec<_> = body.chunks(64 + 16).collect();
    assert_eq!(chunks.len(), 4);
    for order in sequences(4) {
        let picked: Vec<_> = order.iter().map(|i| chunks[*i]).collect();
        let mixed = [header, &picked.concat()].concat();
        let opened = format.open(&[1; 32], b"", &mixed);
        assert_eq!(opened.is_ok(), order == [0, 1, 2, 3], "{order:?}");
    }
}

/// Needs: the rule of the short last chunk at chunk boundaries, the tag elsewhere.
#[test]
fn a22_every_truncation_and_extension_is_refused() {
    let format: Format<Aes256Gcm> = Format::new("test", 64);
    for len in [0, 1, 63, 64, 65, 128, 130] {
        let sealed = format
            .seal(&[1; 32], b"", &pattern(len), &mut rng("a22"))
            .unwrap();
        assert_eq!(format.open(&[1; 32], b"", &sealed).unwrap().len(), len);
        for cut in 0..sealed.len() {
            assert!(
                format.open(&[1; 32], b"", &sealed[..cut]).is_err(),
                "{len} cut to {cut}"
            );
        }
        for extra in 1..=170 {
            let longer = [sealed.as_slice(), &vec![0; extra]].concat();
            assert!(
                format.open(&[1; 32], b"", &longer).is_err(),
                "{len} and {extra} more"
            );
        }
    }
}

/// A content of four blocks, the last one short.
struct Sample {
    plaintext: Vec<u8>,
    blocks: Vec<Vec<u8>>,
    hashes: Vec<Hash>,
    root: Hash,
}

fn sample() -> Sample {
    let plaintext = pattern(3 * BLOCK_LEN + 1000);
    let mut rng = rng("blocks");
    let mut root = BlocksRoot::new();
    let blocks: Vec<_> = (0..)
        .zip(plaintext.chunks(BLOCK_LEN))
        .map(|(i, block)| seal_block(&key(1), &CONTENT, i, block, &mut rng).unwrap())
        .collect();
    let hashes = blocks.iter().map(|block| root.push(block)).collect();
    Sample {
        blocks,
        hashes,
        root: root.root(),
        plaintext,
    }
}

fn raw_key(root: Hash) -> RawKey {
    RawKey {
        key: key(1),
        blocks_root: root,
    }
}

/// Needs: the index in the block's context, the root, the count of blocks.
#[test]
fn a22_blocks_only_open_in_their_order() {
    let s = sample();
    let size = s.plaintext.len() as u64;
    let mut out = Vec::new();
    let orders = [
        vec![1, 0, 2, 3],
        vec![0, 2, 1, 3],
        vec![0, 0, 2, 3],
        vec![0, 1, 2, 2],
    ];
    for order in orders {
        let mut decryptor = Decryptor::new(raw_key(s.root), CONTENT, size).unwrap();
        let result = order
            .iter()
            .try_for_each(|i| decryptor.open_next(&s.blocks[*i], &mut out));
        assert_eq!(result.err(), Some(ContentError::Tampered));
        let hashes: Vec<_> = order.iter().map(|i| s.hashes[*i]).collect();
        assert!(BlockList::verify(hashes, size, &s.root).is_err());
    }
    for count in [0, 1, 3] {
        let mut decryptor = Decryptor::new(raw_key(s.root), CONTENT, size).unwrap();
        for block in &s.blocks[..count] {
            decryptor.open_next(block, &mut out).unwrap();
        }
        assert_eq!(
            decryptor.finish().err(),
            Some(ContentError::Tampered),
            "{count} blocks"
        );
        assert!(BlockList::verify(s.hashes[..count].to_vec(), size, &s.root).is_err());
    }
    let list = BlockList::verify(s.hashes.clone(), size, &s.root).unwrap();
    assert!(
        list.open(&key(1), &CONTENT, 1, &s.blocks[0], &mut out)
            .is_err()
    );
    assert!(
        list.open(&key(1), &CONTENT, 4, &s.blocks[3], &mut out)
            .is_err()
    );
}

/// Needs: the length that the size demands of each block, and the count of blocks.
#[test]
fn a22_another_size_is_another_content() {
    let s = sample();
    let mut out = Vec::new();
    let size = s.plaintext.len() as u64;
    for lie in [size - 1, size + 1, size - 1000, BLOCK_LEN as u64, 0] {
        let mut decryptor = Decryptor::new(raw_key(s.root), CONTENT, lie).unwrap();
        let opened = s
            .blocks
            .iter()
            .try_for_each(|b| decryptor.open_next(b, &mut out));
        assert!(opened.is_err() || decryptor.finish().is_err(), "{lie}");
    }
    // One full block and its true root, but a size of two: the count decides.
    let mut root = BlocksRoot::new();
    let hash = root.push(&s.blocks[0]);
    let lie = BLOCK_LEN as u64 + 1;
    let mut decryptor = Decryptor::new(raw_key(root.root()), CONTENT, lie).unwrap();
    decryptor.open_next(&s.blocks[0], &mut out).unwrap();
    assert_eq!(decryptor.finish().err(), Some(ContentError::Tampered));
    assert!(BlockList::verify(vec![hash], lie, &root.root()).is_err());
    assert!(BlockList::verify(vec![hash], BLOCK_LEN as u64, &root.root()).is_ok());
    // A true list of one block, of which the size admits only a part.
    let short = BlockList::verify(vec![hash], 999, &root.root()).unwrap();
    assert!(
        short
            .open(&key(1), &CONTENT, 0, &s.blocks[0], &mut out)
            .is_err()
    );
}

/// Two contents under one key, two lists: the record's root decides.
/// Needs: the root, in `finish` and in `BlockList::verify`.
#[test]
fn a22_a_key_holder_cannot_show_another_content() {
    let s = sample();
    let size = s.plaintext.len() as u64;
    let mut rng = rng("other");
    let other: Vec<_> = (0..)
        .zip(s.plaintext.chunks(BLOCK_LEN))
        .map(|(i, block)| seal_block(&key(1), &CONTENT, i, &vec![0; block.len()], &mut rng))
        .collect::<Result<_, _>>()
        .unwrap();
    let mut decryptor = Decryptor::new(raw_key(s.root), CONTENT, size).unwrap();
    let mut out = Vec::new();
    other
        .iter()
        .for_each(|block| decryptor.open_next(block, &mut out).unwrap());
    assert_eq!(decryptor.finish().err(), Some(ContentError::Tampered));
    let hashes = other.iter().map(|block| block_hash(block)).collect();
    assert!(BlockList::verify(hashes, size, &s.root).is_err());
    let list = BlockList::verify(s.hashes, size, &s.root).unwrap();
    assert!(
        list.open(&key(1), &CONTENT, 0, &other[0], &mut out)
            .is_err()
    );
}

/// Needs: that a failure clears the output.
#[test]
fn a28_nothing_unverified_is_released() {
    let s = sample();
    let mut bad = s.blocks[0].clone();
    let last = bad.len() - 20;
    bad[last] ^= 1;
    let mut decryptor = Decryptor::new(raw_key(s.root), CONTENT, s.plaintext.len() as u64).unwrap();
    let mut out = vec![1; 10];
    assert!(decryptor.open_next(&bad, &mut out).is_err());
    assert!(out.is_empty());
}

/// Needs: limits before allocation.
#[test]
fn a29_lying_sizes_cost_nothing() {
    let start = Instant::now();
    let mut raw = RawHeader {
        content_id: CONTENT,
        size: 1,
    }
    .to_bytes();
    raw[23..].copy_from_slice(&(1_u64 << 60).to_be_bytes());
    assert_eq!(RawHeader::parse(&raw).err(), Some(ContentError::TooLarge));
    for size in [1 << 60, u64::MAX, (1 << 42) + 1] {
        assert!(Decryptor::new(raw_key(Hash::new([0; 32])), CONTENT, size).is_err());
        assert!(BlockList::verify(vec![], size, &Hash::new([0; 32])).is_err());
        assert_eq!(block_len(size, 0), None);
    }
    assert!(Decryptor::new(raw_key(Hash::new([0; 32])), CONTENT, 1 << 42).is_ok());
    let huge = vec![0; sv_ledger::limits::BODY_LEN + 1];
    assert_eq!(
        open_record(&key(1), &record_context(), &huge).err(),
        Some(RecordError::Tampered)
    );
    let long = vec![0; SEALED_BLOCK_LEN + 1];
    assert!(open_block(&key(1), &CONTENT, 0, &long).is_err());
    assert!(start.elapsed().as_secs() < 1);
}

/// Needs: no compression, and padding that looks at nothing but the length.
#[test]
fn a40_length_depends_on_length_alone() {
    let mut rng = rng("a40");
    for round in 0..10_000_u64 {
        let len = 1 + (round as usize * 7919) % 3000;
        let mut random = vec![0; len];
        rand_core::Rng::fill_bytes(&mut rng, &mut random);
        for plaintext in [random, vec![0; len]] {
            let sealed = seal_block(&key(1), &CONTENT, 0, &plaintext, &mut rng).unwrap();
            assert_eq!(sealed.len(), box_len(len));
            let sealed = seal_local(&key(1), Purpose::Cache, b"", &plaintext, &mut rng).unwrap();
            assert_eq!(sealed.len(), box_len(len));
        }
    }
    assert_eq!(sealed_record_len(0), sealed_record_len(255));
    assert_eq!(sealed_record_len(255) + 256, sealed_record_len(256));
}

/// The raw key's text has one form.
#[test]
fn raw_key_text() {
    let text = raw_key(Hash::new([2; 32])).to_text();
    assert_eq!(text.len(), 4 + 86);
    let read = RawKey::parse(&format!("  {}\n", *text)).unwrap();
    assert_eq!(read.key.expose(), &[1; 32]);
    assert_eq!(read.blocks_root, Hash::new([2; 32]));
    for bad in [
        "",
        "sv1-",
        "sv2-AAAA",
        &text[..text.len() - 1],
        &format!("{}A", *text),
    ] {
        assert!(RawKey::parse(bad).is_err(), "{bad}");
    }
    let zero = format!("sv1-{}", data_encoding::BASE64URL_NOPAD.encode(&[0; 64]));
    assert!(RawKey::parse(&zero).is_err());
}

/// The Box of small values has the ledger's arithmetic, and its own inverse.
#[test]
fn box_lengths_agree_with_the_ledger() {
    for len in [
        0,
        1,
        31,
        32,
        CHUNK_LEN - 1,
        CHUNK_LEN,
        CHUNK_LEN + 1,
        2 * CHUNK_LEN,
    ] {
        assert_eq!(SMALL.sealed_len(len), box_len(len));
        assert_eq!(SMALL.plaintext_len(box_len(len)), Some(len));
    }
    assert_eq!(SMALL.plaintext_len(71), None);
    assert_eq!(SMALL.plaintext_len(56 + CHUNK_LEN + 16), None);
    assert_eq!(SMALL.plaintext_len(56 + CHUNK_LEN + 16 + 15), None);
}
