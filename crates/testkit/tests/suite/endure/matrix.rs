//! One full story on every database and block store, with a server that is
//! killed in the middle of it and comes back.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use sv_client::drive::Drive;
use sv_client::transfer::UploadItem;
use sv_testkit::{
    Actor, Daemon, Engine, Stage, Store, dated_file, files_below, folder, get, put, run,
};

use super::seen::{PutId, bytes_of, read_all, seen, time_of};

/// Bytes of each file: none, in the entry, in a row, a block, several blocks.
const LENGTHS: [usize; 6] = [0, 700, 60_000, 70_000, 300_000, 9_000_000];
/// The first versions are puts 1 to 6, the second ones 11 to 16.
const FIRST: PutId = 1;
const SECOND: PutId = 11;

#[test]
fn a_story_is_the_same_on_every_stage() {
    run(async {
        let stages = Stage::matrix();
        for stage in &stages {
            let started = Instant::now();
            tell(*stage).await;
            println!("{stage}: the whole story in {:.1?}", started.elapsed());
        }
        println!("{} stages", stages.len());
        assert!(!stages.is_empty());
    });
}

async fn tell(stage: Stage) {
    let mut daemon = Daemon::start_on(stage, 1).await;
    let (alice, session) = Actor::sign_up(&daemon, "alice").await;
    let mut drive = Drive::open(&session).await.unwrap();
    let folders = vec![folder("docs"), folder("docs/empty")];
    put(&mut drive, "/", folders).await.unwrap();
    put(&mut drive, "/docs", files(FIRST)).await.unwrap();
    put(&mut drive, "/docs", files(SECOND)).await.unwrap();
    daemon.kill();
    daemon.expect_whole();
    daemon.resume();

    let other = alice.log_in(&daemon).await;
    let mut second = Drive::open(&other).await.unwrap();
    let long = "/docs/file 5";
    let history = second.history(&long.parse().unwrap()).unwrap();
    assert_eq!(history.len(), 2, "{history:?}");
    expect(&second, long, SECOND + 5).await;
    let restored = second.restore_version(&long.parse().unwrap(), 1).await;
    restored.unwrap();
    expect(&second, long, FIRST + 5).await;

    second
        .trash(&"/docs/file 1".parse().unwrap())
        .await
        .unwrap();
    drive.refresh().await.unwrap();
    assert_eq!(drive.trashed().len(), 1);
    drive.untrash("file 1").await.unwrap();
    drive.trash(&"/docs/empty".parse().unwrap()).await.unwrap();
    drive.trash(&"/docs/file 4".parse().unwrap()).await.unwrap();
    assert_eq!(drive.empty_trash(0).await.unwrap(), 2);
    second.refresh().await.unwrap();
    expect(&second, "/docs/file 1", SECOND + 1).await;
    assert_eq!(seen(&drive), seen(&second));

    let versions = |first| (first..).zip(LENGTHS).enumerate();
    let all = versions(FIRST).chain(versions(SECOND));
    let kept = all.filter(|(n, _)| *n != 4).map(|(_, version)| version);
    let kept: BTreeMap<PutId, usize> = kept.collect();
    assert_eq!(read_all(&drive).await, kept);
    daemon.expect_whole();
    expect_nothing_on_disk(&daemon);
}

fn files(first: PutId) -> Vec<(UploadItem, Vec<u8>)> {
    let puts = (first..).zip(LENGTHS).enumerate();
    puts.map(|(n, (put, len))| {
        let name = format!("file {n}");
        dated_file(&name, bytes_of(put, len), time_of(put))
    })
    .collect()
}

/// A file holds what was put.
async fn expect(drive: &Drive<'_, sv_testkit::TestPlatform>, path: &str, put: PutId) {
    let got = get(drive, path).await.unwrap();
    let bytes = got.values().next().expect("the file");
    assert!(
        *bytes == bytes_of(put, bytes.len()),
        "{path} is not put {put}"
    );
}

/// Where neither database nor blocks are files, the data folder stays empty.
fn expect_nothing_on_disk(daemon: &Daemon) {
    let Stage { engine, store } = daemon.backing().stage();
    if engine != Engine::Sqlite && store != Store::Files {
        assert_eq!(files_below(&daemon.data()), Vec::<PathBuf>::new());
    }
}
