//! `kill -9` of the server while it takes things in.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use sv_client::drive::Drive;
use sv_client::transfer::UploadItem;
use sv_testkit::{Actor, Aim, Daemon, Dice, TestPlatform, dated_file, get, put, run, scaled};

use super::seen::{PutId, bytes_of, read_all, time_of};

/// Kills that one server lives through; then comes a new one, or reading all
/// it has after each of them would take hours.
const KILLS: usize = 20;
/// Five blocks and a bit, one that is shorter, and then what travels otherwise.
const LENGTHS: [usize; 9] = [
    (20 << 20) + 100_000,
    300_000,
    100_000,
    70_000,
    60_000,
    5_000,
    100,
    1,
    0,
];
/// Blocks of the long file.
const LONG_BLOCKS: usize = 6;

#[derive(Default)]
struct Sums {
    kills: usize,
    /// Kills between the rename of a block and the commit of its row.
    between: usize,
    /// Blocks of uploads that were taken up again, and how many of those were
    /// sent again.
    blocks: usize,
    sent_again: usize,
}

#[test]
fn a_killed_server_has_all_it_acknowledged() {
    run(async {
        let mut dice = Dice::thrown("kill -9 of the server");
        let mut sums = Sums::default();
        for _ in 0..scaled(1, 10) {
            survive(&mut dice, &mut sums).await;
        }
        let Sums {
            kills,
            between,
            blocks,
            sent_again,
        } = sums;
        println!(
            "{kills} kills, {between} of them between rename and commit; {sent_again} of {blocks} \
             blocks of interrupted uploads were sent again"
        );
        assert!(between * 10 >= kills * 3, "{between} of {kills}");
        assert!(sent_again < blocks, "{sent_again} of {blocks}");
    });
}

async fn survive(dice: &mut Dice, sums: &mut Sums) {
    let mut daemon = Daemon::start().await;
    let (_, session) = Actor::sign_up(&daemon, "alice").await;
    let mut drive = Drive::open(&session).await.unwrap();
    let (mut acknowledged, mut orphans) = (BTreeMap::new(), 0);
    let mut usual = Duration::ZERO;
    for round in 0..=KILLS {
        let puts = round_of(round);
        let started = Instant::now();
        if round == 0 {
            put(&mut drive, "/", files(&puts)).await.unwrap();
            usual = started.elapsed();
        } else {
            let aim = match dice.chance(70) {
                true => Aim::AtBlock(1 + dice.below(LONG_BLOCKS + 3)),
                false => Aim::After(usual.mul_f64(dice.below(110) as f64 / 100.0)),
            };
            let gives_up = dice.chance(50);
            session.platform().network.take_recording();
            interrupted(
                &mut daemon,
                &mut drive,
                &puts,
                aim,
                gives_up,
                sums,
                &mut orphans,
            )
            .await;
        }
        acknowledged.extend(puts);
        expect_there(&drive, &acknowledged, round).await;
        expect_there(&drive, &acknowledged, dice.below(round + 1)).await;
    }
    assert_eq!(read_all(&drive).await, acknowledged);
    let new = sv_client::account::Session::resume(session.platform().without_caches()).await;
    let new = new.unwrap();
    let drive = Drive::open(&new).await.unwrap();
    assert_eq!(read_all(&drive).await, acknowledged);
}

/// Puts files while the server is killed. The client either waits for the
/// server to come back, or gives up and starts again.
async fn interrupted(
    daemon: &mut Daemon,
    drive: &mut Drive<'_, TestPlatform>,
    puts: &BTreeMap<PutId, usize>,
    aim: Aim,
    gives_up: bool,
    sums: &mut Sums,
    orphans: &mut u64,
) {
    let network = drive.vault().session().platform().network.clone();
    let mut ambush = daemon.ambush(aim);
    let mut upload = Box::pin(put(drive, "/", files(puts)));
    let finished = tokio::select! {
        outcome = &mut upload => Some(outcome),
        () = ambush.sprung() => None,
    };
    drop(ambush);
    daemon.kill();
    let first = blocks_sent(&network);
    let orphans_before = std::mem::replace(orphans, daemon.expect_whole());
    sums.kills += 1;
    sums.between += usize::from(*orphans > orphans_before);
    daemon.resume();
    match finished {
        Some(outcome) => {
            outcome.unwrap();
        }
        None if gives_up => {
            drop(upload);
            drive.refresh().await.unwrap();
            put(drive, "/", files(puts)).await.unwrap();
            let again = blocks_sent(&network);
            for (content, sent) in first {
                if let Some(sent_again) = again.get(&content) {
                    sums.blocks += sent.max(LONG_BLOCKS);
                    sums.sent_again += sent_again;
                }
            }
        }
        None => {
            upload.await.unwrap();
        }
    }
}

/// How many blocks of each content were sent since this was last asked.
fn blocks_sent(network: &sv_testkit::Network) -> BTreeMap<String, usize> {
    let mut sent = BTreeMap::new();
    for request in network.take_recording().requests {
        if request.method == "PUT" {
            let (content, _) = request.path.rsplit_once('/').unwrap();
            *sent.entry(content.to_owned()).or_default() += 1;
        }
    }
    sent
}

fn round_of(round: usize) -> BTreeMap<PutId, usize> {
    let first = (round * LENGTHS.len()) as u64 + 1;
    (first..).zip(LENGTHS).collect()
}

fn files(puts: &BTreeMap<PutId, usize>) -> Vec<(UploadItem, Vec<u8>)> {
    let files = puts
        .iter()
        .map(|(put, len)| dated_file(&put.to_string(), bytes_of(*put, *len), time_of(*put)));
    files.collect()
}

/// The files of a round have their bytes, and nothing is there that was not
/// put, or twice.
async fn expect_there(
    drive: &Drive<'_, TestPlatform>,
    acknowledged: &BTreeMap<PutId, usize>,
    round: usize,
) {
    let listed = drive.list(&sv_client::path::RemotePath::ROOT).unwrap();
    let names: BTreeSet<String> = listed.into_iter().map(|item| item.name).collect();
    let wanted: BTreeSet<String> = acknowledged.keys().map(PutId::to_string).collect();
    assert_eq!(names, wanted);
    for (put, len) in round_of(round) {
        let got = get(drive, &format!("/{put}")).await.unwrap();
        assert!(got[&put.to_string()] == bytes_of(put, len), "put {put}");
    }
}
