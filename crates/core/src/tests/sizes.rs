//! Contents of sizes next to every boundary.

use proptest::prelude::*;
use sv_ledger::limits::{BLOCK_LEN, CHUNK_LEN};
use sv_ledger::sealed::is_content_shape;

use super::support::*;
use crate::content::*;
use crate::secret::ContentKey;

const MIB4: usize = BLOCK_LEN;

/// Seals a content as an upload does, then opens it in each way there is.
fn round_trip(size: usize) {
    let mut rng = rng(&format!("size {size}"));
    let mut plaintext = vec![0; size];
    rand_core::Rng::fill_bytes(&mut rng, &mut plaintext);
    let content = key::<ContentKey>(1);
    let mut root = BlocksRoot::new();
    let blocks: Vec<_> = (0..)
        .zip(plaintext.chunks(BLOCK_LEN))
        .map(|(i, block)| seal_block(&content, &CONTENT, i, block, &mut rng).unwrap())
        .collect();
    let hashes: Vec<_> = blocks.iter().map(|block| root.push(block)).collect();
    let total: usize = blocks.iter().map(Vec::len).sum();
    assert_eq!(content_len(size as u64), Some(total as u64));
    assert_eq!(block_count(size as u64), Some(blocks.len() as u32));
    assert!(is_content_shape(total as u64, blocks.len() as u32));

    let list = BlockList::verify(hashes, size as u64, &root.root()).unwrap();
    let raw = RawKey {
        key: content.clone(),
        blocks_root: root.root(),
    };
    let mut decryptor = Decryptor::new(raw, CONTENT, size as u64).unwrap();
    let (mut out, mut opened) = (Vec::new(), Vec::new());
    for (index, block) in (0..).zip(&blocks) {
        assert_eq!(decryptor.next_sealed_len(), Some(block.len()));
        decryptor.open_next(block, &mut out).unwrap();
        opened.extend_from_slice(&out);
        list.open(&content, &CONTENT, index, block, &mut out)
            .unwrap();
        assert!(opened.ends_with(&out));
    }
    assert_eq!(decryptor.next_sealed_len(), None);
    decryptor.finish().unwrap();
    assert!(opened == plaintext);
}

#[test]
fn boundary_sizes() {
    let edges = [0, CHUNK_LEN, MIB4, MIB4 + CHUNK_LEN, 2 * MIB4];
    for size in edges.iter().flat_map(|e| [e.saturating_sub(1), *e, e + 1]) {
        round_trip(size);
    }
}

#[test]
fn blocks_outside_the_format_are_not_sealed() {
    let mut rng = rng("outside");
    let content = key::<ContentKey>(1);
    assert!(seal_block(&content, &CONTENT, 0, &[], &mut rng).is_err());
    assert!(seal_block(&content, &CONTENT, 0, &vec![0; BLOCK_LEN + 1], &mut rng).is_err());
    assert!(seal_block(&content, &CONTENT, 1 << 20, b"x", &mut rng).is_err());
    assert_eq!(
        seal_block(&content, &CONTENT, 0, &vec![0; BLOCK_LEN], &mut rng)
            .unwrap()
            .len(),
        BLOCK_LEN + 328
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_size(size in 0..3 * CHUNK_LEN) {
        round_trip(size);
    }
}

/// Seconds for a GiB, printed and not asserted: `--nocapture` shows it.
#[test]
fn speed() {
    let (mut rng, content) = (rng("speed"), key::<ContentKey>(1));
    let plaintext = vec![7; BLOCK_LEN];
    let (mut sealed, mut opened) = (Vec::new(), Vec::new());
    seal_block_into(&content, &CONTENT, 0, &plaintext, &mut rng, &mut sealed).unwrap();
    open_block_into(&content, &CONTENT, 0, &sealed, &mut opened).unwrap();
    let start = std::time::Instant::now();
    for index in 0..32 {
        seal_block_into(&content, &CONTENT, index, &plaintext, &mut rng, &mut sealed).unwrap();
    }
    let sealing = start.elapsed();
    let start = std::time::Instant::now();
    for _ in 0..32 {
        open_block_into(&content, &CONTENT, 31, &sealed, &mut opened).unwrap();
    }
    let gib =
        |time: std::time::Duration| 32.0 * BLOCK_LEN as f64 / (1 << 30) as f64 / time.as_secs_f64();
    println!(
        "seal {:.1} GiB/s, open {:.1} GiB/s",
        gib(sealing),
        gib(start.elapsed())
    );
}
