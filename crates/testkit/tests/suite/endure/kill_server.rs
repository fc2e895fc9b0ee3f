//! `kill -9` of the server while it takes things in.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use sv_client::drive::Drive;
use sv_client::transfer::UploadItem;
use sv_testkit::{
    Actor, Aim, Daemon, Dice, Stage, Store, TestPlatform, dated_file, get, put, run, scaled,
};

use super::seen::{PutId, bytes_of, read_all, time_of};

/// Kills that one server lives through; then comes a new one, or reading all
/// it has after each of them would take hours.
const KILLS: usize = 20;
/// The same on each stage.
const KILLS_EACH: usize = 10;

/// What is put in each round: a long file, one that is shorter, and then what
/// travels otherwise.
#[derive(Clone, Copy)]
struct Load {
    lengths: [usize; 9],
    /// Blocks of the long file.
    long_blocks: usize,
}

/// Five blocks and a bit.
const HEAVY: Load = Load::with_long((20 << 20) + 100_000, 6);
/// Two blocks and a bit.
const LIGHT: Load = Load::with_long((8 << 20) + 100_000, 3);

impl Load {
    const fn with_long(long: usize, long_blocks: usize) -> Self {
        Self {
            lengths: [long, 300_000, 100_000, 70_000, 60_000, 5_000, 100, 1, 0],
            long_blocks,
        }
    }

    fn round(self, round: usize) -> BTreeMap<PutId, usize> {
        let first = (round * self.lengths.len()) as u64 + 1;
        (first..).zip(self.lengths).collect()
    }
}

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

impl Sums {
    /// Whether so many of ten kills hit the moment between rename and commit.
    const fn hits_often(&self, of_ten: usize) -> bool {
        self.between * 10 >= self.kills * of_ten
    }
}

#[test]
fn a_killed_server_has_all_it_acknowledged() {
    run(async {
        let mut dice = Dice::thrown("kill -9 of the server");
        let mut sums = Sums::default();
        for _ in 0..scaled(1, 10) {
            let stage = Stage::ONE_FOLDER;
            survive(stage, HEAVY, KILLS, &mut dice, &mut sums).await;
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
        // How much is sent again depends on how fast the machine is: progress is
        // noted every 32 MiB. That it is used is shown by `kill_client`.
        assert!(between * 10 >= kills * 3, "{between} of {kills}");
    });
}

/// Where blocks are no files, nobody sees the moment between block and row;
/// kills at any moment have to find it. The stages stand side by side: most of
/// the time is that of clients who wait for their server.
#[test]
fn a_server_killed_on_any_stage_has_all_it_acknowledged() {
    std::thread::scope(|scope| {
        for stage in Stage::matrix() {
            scope.spawn(move || run(survive_on(stage)));
        }
    });
}

async fn survive_on(stage: Stage) {
    let started = Instant::now();
    let mut dice = Dice::thrown(&format!("kill -9 on {stage}"));
    let mut sums = Sums::default();
    for _ in 0..scaled(1, 50) {
        survive(stage, LIGHT, KILLS_EACH, &mut dice, &mut sums).await;
        let Sums { kills, between, .. } = sums;
        let took = started.elapsed();
        println!("{stage}: {kills} kills, {between} left an orphan, {took:.1?}");
    }
}

async fn survive(stage: Stage, load: Load, kills: usize, dice: &mut Dice, sums: &mut Sums) {
    let mut daemon = Daemon::start_on(stage, 1).await;
    let (_, session) = Actor::sign_up(&daemon, "alice").await;
    let mut drive = Drive::open(&session).await.unwrap();
    let (mut acknowledged, mut orphans) = (BTreeMap::new(), 0);
    let mut usual = Duration::ZERO;
    let is_seen = stage.store == Store::Files;
    let mut round = 0;
    // Where the moment between rename and commit is seen, so many more kills as
    // it takes to hit it often enough.
    while round <= kills || is_seen && round <= 2 * kills && !sums.hits_often(3) {
        let puts = load.round(round);
        let started = Instant::now();
        if round == 0 {
            put(&mut drive, "/", files(&puts)).await.unwrap();
            usual = started.elapsed();
        } else {
            let aim = match is_seen && (dice.chance(60) || !sums.hits_often(4)) {
                true => Aim::AtBlock(1 + dice.below(load.long_blocks + 3)),
                false => Aim::After(usual.mul_f64(dice.below(110) as f64 / 100.0)),
            };
            let gives_up = dice.chance(50);
            session.platform().network.take_recording();
            let put = Round {
                daemon: &mut daemon,
                drive: &mut drive,
                puts: &puts,
                long_blocks: load.long_blocks,
            };
            put.interrupt(aim, gives_up, sums, &mut orphans).await;
        }
        acknowledged.extend(puts);
        for round in [round, dice.below(round + 1)] {
            expect_there(&drive, &acknowledged, &load.round(round)).await;
        }
        round += 1;
    }
    assert_eq!(read_all(&drive).await, acknowledged);
    let new = sv_client::account::Session::resume(session.platform().without_caches()).await;
    let new = new.unwrap();
    let drive = Drive::open(&new).await.unwrap();
    assert_eq!(read_all(&drive).await, acknowledged);
}

/// Files on their way to a server.
struct Round<'r, 's> {
    daemon: &'r mut Daemon,
    drive: &'r mut Drive<'s, TestPlatform>,
    puts: &'r BTreeMap<PutId, usize>,
    long_blocks: usize,
}

impl Round<'_, '_> {
    /// Puts them while the server is killed. The client either waits for the
    /// server to come back, or gives up and starts again.
    async fn interrupt(self, aim: Aim, gives_up: bool, sums: &mut Sums, orphans: &mut u64) {
        let Self {
            daemon,
            drive,
            puts,
            long_blocks,
        } = self;
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
                        sums.blocks += sent.max(long_blocks);
                        sums.sent_again += sent_again;
                    }
                }
            }
            None => {
                upload.await.unwrap();
            }
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
    round: &BTreeMap<PutId, usize>,
) {
    let listed = drive.list(&sv_client::path::RemotePath::ROOT).unwrap();
    let names: BTreeSet<String> = listed.into_iter().map(|item| item.name).collect();
    let wanted: BTreeSet<String> = acknowledged.keys().map(PutId::to_string).collect();
    assert_eq!(names, wanted);
    for (put, len) in round {
        let got = get(drive, &format!("/{put}")).await.unwrap();
        assert!(got[&put.to_string()] == bytes_of(*put, *len), "put {put}");
    }
}
