//! A40: what the network sees of an upload depends on lengths alone.

use sv_client::account::Session;
use sv_client::drive::Drive;
use sv_ledger::limits::{BLOCK_LEN, INLINE_LEN};
use sv_testkit::{Dice, TestPlatform, file, put, run, scaled};

use super::world::{World, pattern};

/// Two devices of the same state put files of one length and other bytes: as
/// many requests, of the same lengths, in the same order. Fails if anything is
/// compressed, deduplicated or padded by its content.
#[test]
fn a40_lengths_tell_lengths_alone() {
    run(async {
        let world = World::new().await;
        let mut dice = Dice::seeded(40);
        let edges = [
            1,
            255,
            256,
            INLINE_LEN - 80,
            INLINE_LEN,
            BLOCK_LEN,
            BLOCK_LEN + 1,
        ];
        let others = (0..scaled(10, 5000)).map(|_| 1 + dice.below(200_000));
        let sizes: Vec<usize> = edges.into_iter().chain(others).collect();
        for (round, size) in sizes.into_iter().enumerate() {
            let name = format!("file {round:05}");
            let zeros = sent(&world.first, &name, vec![0; size]).await;
            // The same again, under a name of the same length.
            let name = format!("copy {round:05}");
            let same = sent(&world.first, &name, vec![0; size]).await;
            let name = format!("rand {round:05}");
            let random = sent(&world.first, &name, pattern(size, round as u64)).await;
            assert_eq!(zeros, random, "{size} bytes");
            assert_eq!(zeros, same, "{size} bytes");
        }
    });
}

/// The method, endpoint and length of every request of an upload.
async fn sent(device: &TestPlatform, name: &str, bytes: Vec<u8>) -> Vec<(&'static str, usize)> {
    let session = Session::resume(device.clone()).await.unwrap();
    let mut drive = Drive::open(&session).await.unwrap();
    device.network.take_recording();
    put(&mut drive, "/", vec![file(name, bytes)]).await.unwrap();
    let mut requests = device.network.take_recording().requests;
    // Blocks are under way together.
    requests.sort_by_key(|request| (request.method, request.body.len()));
    let traces = requests.iter().map(|request| request.trace());
    traces.map(|(method, _, len)| (method, len)).collect()
}
