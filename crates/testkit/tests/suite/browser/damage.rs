//! What the server altered is not given a name, in a browser too.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use sv_client::drive::Drive;
use sv_testkit::{Actor, Name, file, put, run};

use super::person::{Person, saved, stage, visit};

/// The block with the end of the file: the shortest.
fn last_block(blocks: Vec<PathBuf>) -> PathBuf {
    let len = |path: &PathBuf| std::fs::metadata(path).unwrap().len();
    blocks.into_iter().min_by_key(len).unwrap()
}

/// A28, in a browser: the last block of a file was altered. What would be
/// saved breaks off before its end. Letting
/// the stream end where the engine failed makes this fail.
#[test]
fn a28_a_download_of_altered_contents_is_broken_off() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let (actor, session) = Actor::sign_up(&server, "carol").await;
        let mut drive = Drive::open(&session).await.unwrap();
        let whole: Vec<u8> = (0..9_000_000_u32).map(|i| (i % 251) as u8).collect();
        put(&mut drive, "/", vec![file("film.bin", whole.clone())])
            .await
            .unwrap();

        let profile = browser.profile().await;
        let page = visit(&profile, &server).await;
        let carol = Person::of(actor);
        carol.log_in(&server, &page).await;
        let download = async || {
            page.link("Files").click().await;
            page.button("Actions for film.bin").click().await;
            page.role("menuitem", Name::has("Download")).click().await;
            saved(&page).await
        };
        // The honest run.
        let hash = HEXLOWER.encode(&Sha256::digest(&whole));
        assert_eq!(download().await, Some(hash));
        browser.assert_quiet();

        let block = last_block(server.block_files());
        let mut bytes = std::fs::read(&block).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&block, bytes).unwrap();
        assert_eq!(download().await, None);
        // Nothing is left that looks like it, once the browser has cleared away
        // what it had begun.
        let left = || std::fs::read_dir(profile.downloads()).unwrap().count();
        let deadline = Instant::now() + Duration::from_secs(30);
        while left() > 0 && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(left(), 0);
    });
}
