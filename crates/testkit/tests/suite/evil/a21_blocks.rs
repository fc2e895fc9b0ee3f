//! A21, A22 and A28: stored blocks are altered, cut, extended, reordered or
//! exchanged, on the server's disk and on the way.

use std::path::PathBuf;

use sv_api::endpoint::GetBlock;
use sv_client::ClientError;
use sv_client::port::Unreachable;
use sv_core::content::box_len;
use sv_ledger::limits::{BLOCK_LEN, CHUNK_LEN};
use sv_testkit::{Dice, MemoryTarget, TestPlatform, run, scaled};

use super::mutations::{is_content, once};
use super::sampling::{bits, flip};
use super::world::{Verdict, World, look};

/// Bytes of a Box before its first chunk, and of a sealed chunk.
const HEADER_LEN: usize = 24 + 32;
const SEALED_CHUNK_LEN: usize = CHUNK_LEN + 16;
/// The long file's last block.
const LAST_LEN: usize = CHUNK_LEN + 40_000;

/// Bits of every region of stored blocks: salt, commitment, chunks, tags.
/// Held twice, by the Box (the a21 tests of `core`) and by the hash under the
/// root: fails without both.
#[test]
fn a21_no_stored_bit_is_malleable() {
    run(async {
        let world = World::with_long_file(BLOCK_LEN + LAST_LEN).await;
        let mut dice = Dice::seeded(21);
        for (file, count) in block_files(&world, scaled(3, 2000)) {
            let honest = std::fs::read(&file).unwrap();
            let mut regions = vec![
                (0, HEADER_LEN, count),
                (HEADER_LEN, honest.len(), count),
                (honest.len() - 16, honest.len(), 1),
            ];
            if honest.len() > HEADER_LEN + SEALED_CHUNK_LEN {
                let end = HEADER_LEN + SEALED_CHUNK_LEN;
                regions.push((end - 16, end, 1));
            }
            for (start, end, count) in regions {
                for bit in bits(end - start, count, &mut dice) {
                    let mut spoilt = honest.clone();
                    flip(&mut spoilt[start..end], bit);
                    std::fs::write(&file, &spoilt).unwrap();
                    let device = world.copy(&world.first);
                    let verdict = world.attack(&device).await;
                    assert!(
                        matches!(&verdict, Verdict::Caught(error) if is_content(error)),
                        "bit {bit} from {start}: {verdict:?}"
                    );
                    std::fs::write(&file, &honest).unwrap();
                }
            }
            world.recovers(&world.copy(&world.first)).await;
        }
    });
}

/// Chunks and blocks in another order, twice, too few or too many. Held by the
/// Box (the a22 tests of `core` name its checks), by the length in
/// `sealed_blocks` and by the root, each alone: fails without all three.
#[test]
fn a22_no_piece_is_moved_cut_or_added() {
    run(async {
        let world = World::with_long_file(2 * BLOCK_LEN + LAST_LEN).await;
        let chunk = |n: usize| {
            let start = HEADER_LEN + n * SEALED_CHUNK_LEN;
            start..start + SEALED_CHUNK_LEN
        };
        type Bend = fn(&mut Vec<u8>, &dyn Fn(usize) -> std::ops::Range<usize>);
        let bends: [(&str, Bend); 8] = [
            ("two chunks change places", |block, chunk| {
                let (first, second) = (block[chunk(0)].to_vec(), block[chunk(1)].to_vec());
                block[chunk(0)].copy_from_slice(&second);
                block[chunk(1)].copy_from_slice(&first);
            }),
            ("a chunk twice", |block, chunk| {
                let first = block[chunk(0)].to_vec();
                block[chunk(1)].copy_from_slice(&first);
            }),
            ("a chunk is missing", |block, chunk| {
                block.drain(chunk(1));
            }),
            ("a chunk more", |block, chunk| {
                let first = block[chunk(0)].to_vec();
                block.splice(HEADER_LEN..HEADER_LEN, first);
            }),
            ("cut after a chunk", |block, chunk| {
                block.truncate(chunk(1).start);
            }),
            ("the last byte is missing", |block, _| {
                block.pop();
            }),
            ("a byte more", |block, _| block.push(0)),
            ("nothing", |block, _| block.clear()),
        ];
        for (what, bend) in bends {
            let device = world.copy(&world.first);
            device.network.rewrite_bytes::<GetBlock>(move |block| {
                if block.len() == box_len(BLOCK_LEN) {
                    bend(block, &chunk);
                }
            });
            let verdict = world.attack(&device).await;
            // What is longer than any block is not read at all.
            let caught = matches!(&verdict, Verdict::Caught(error)
                if is_content(error) || matches!(error, ClientError::Misbehaved(_)));
            assert!(caught, "{what}: {verdict:?}");
        }

        // The first two blocks are of one length.
        let honest = world.record(&world.first).await;
        let blocks: Vec<(String, Vec<u8>)> = honest
            .requests
            .iter()
            .zip(honest.answers)
            .filter(|(request, _)| request.is::<GetBlock>())
            .map(|(request, answer)| (request.path.clone(), answer.unwrap().1))
            .collect();
        for (path, honest) in &blocks {
            for (_, other) in blocks.iter().filter(|(_, other)| other != honest) {
                let device = world.copy(&world.first);
                let (path, other) = (path.clone(), other.clone());
                once(
                    &device,
                    move |request| request.path == path,
                    move |block| block.clone_from(&other),
                );
                let verdict = world.attack(&device).await;
                assert!(
                    matches!(&verdict, Verdict::Caught(error) if is_content(error)),
                    "another block: {verdict:?}"
                );
            }
        }
        world.recovers(&world.copy(&world.first)).await;
    });
}

/// The last chunk of the last block is wrong: no file of that name, and
/// nothing of it left under another. Fails without `abandon` in `long`.
#[test]
fn a28_a_file_gets_its_name_after_the_last_check() {
    run(async {
        let world = World::with_long_file(BLOCK_LEN + LAST_LEN).await;
        let device = world.copy(&world.first);
        spoil_last_block(&device, |block| *block.last_mut().unwrap() ^= 1);
        let target = MemoryTarget::default();
        let error = look(&device, &target).await.unwrap_err();
        assert!(is_content(&error), "{error:?}");
        assert!(!target.files.borrow().contains_key("long"));
        assert!(!target.partial.borrow().contains_key("long"));
        world.recovers(&device).await;
    });
}

/// The connection breaks before the last block: what came is verified and
/// kept, under no final name, and the next download is whole. Fails if what
/// came is thrown away, or named.
#[test]
fn a28_an_interrupted_file_has_no_name() {
    run(async {
        let world = World::with_long_file(BLOCK_LEN + LAST_LEN).await;
        let device = world.copy(&world.first);
        device.network.rewrite(|request, answer| {
            if request.is::<GetBlock>() && answer.body.len() == box_len(LAST_LEN) {
                return Err(Unreachable("the cable is cut".into()));
            }
            Ok(answer)
        });
        let target = MemoryTarget::default();
        look(&device, &target).await.unwrap_err();
        assert!(!target.files.borrow().contains_key("long"));
        let kept = target.partial.borrow()["long"].clone();
        assert!(kept == world.honest.files["long"][..BLOCK_LEN]);

        device.network.be_honest();
        let seen = look(&device, &target).await.unwrap();
        assert!(seen.files == world.honest.files);
    });
}

fn spoil_last_block(device: &TestPlatform, spoil: fn(&mut Vec<u8>)) {
    device.network.rewrite_bytes::<GetBlock>(move |block| {
        if block.len() == box_len(LAST_LEN) {
            spoil(block);
        }
    });
}

/// The long file's two blocks and a short file's, with how many bits of each.
fn block_files(world: &World, count: usize) -> Vec<(PathBuf, usize)> {
    let mut found: Vec<(u64, PathBuf)> = world
        .server
        .block_files()
        .into_iter()
        .map(|path| (path.metadata().unwrap().len(), path))
        .collect();
    found.sort();
    found.dedup_by_key(|(len, _)| *len);
    assert_eq!(found.len(), 3);
    found.into_iter().map(|(_, path)| (path, count)).collect()
}
