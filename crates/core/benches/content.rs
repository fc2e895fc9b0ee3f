//! Sealing and opening blocks, beside the bare cipher over the same bytes:
//! how much of the hardware's speed the Box leaves. One core, 1 GiB.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark that cannot run has failed"
)]

use std::hint::black_box;
use std::time::Instant;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use rand_core::UnwrapErr;
use sv_core::ContentKey;
use sv_core::content::{block_hash, open_block_into, seal_block_into};
use sv_ledger::id::ContentId;
use sv_ledger::limits::{BLOCK_LEN, CHUNK_LEN};

const BLOCKS: u64 = 256;

fn main() {
    let mut random = UnwrapErr(getrandom::SysRng);
    let key = ContentKey::generate(&mut random).unwrap();
    let id = ContentId::new([7; 16]);
    let plaintext = vec![0xa5; BLOCK_LEN];

    let bare = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[1; 32]).unwrap());
    let mut buffer = plaintext.clone();
    let limit = measure(|_| {
        for (index, chunk) in buffer.chunks_mut(CHUNK_LEN).enumerate() {
            let mut nonce = [0; 12];
            nonce[0] = index as u8;
            let nonce = Nonce::assume_unique_for_key(nonce);
            let tag = bare.seal_in_place_separate_tag(nonce, Aad::empty(), chunk);
            let _ = black_box(tag.unwrap());
        }
    });

    let mut sealed = Vec::new();
    let seal = measure(|index| {
        seal_block_into(&key, &id, index, &plaintext, &mut random, &mut sealed).unwrap();
    });
    seal_block_into(&key, &id, 0, &plaintext, &mut random, &mut sealed).unwrap();
    let mut opened = Vec::new();
    let open = measure(|_| open_block_into(&key, &id, 0, &sealed, &mut opened).unwrap());
    let hash = measure(|_| {
        black_box(block_hash(&sealed));
    });

    println!("AES-256-GCM alone        {limit:6.2} GiB/s");
    println!(
        "seal a block             {seal:6.2} GiB/s   {:.2} of it",
        seal / limit
    );
    println!(
        "open a block             {open:6.2} GiB/s   {:.2} of it",
        open / limit
    );
    println!("BLAKE3 of a sealed block {hash:6.2} GiB/s");
}

/// GiB per second.
fn measure(mut step: impl FnMut(u64)) -> f64 {
    step(0);
    let start = Instant::now();
    (0..BLOCKS).for_each(&mut step);
    let gib = (BLOCKS * BLOCK_LEN as u64) as f64 / f64::from(1 << 30);
    gib / start.elapsed().as_secs_f64()
}
