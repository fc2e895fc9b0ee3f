//! Several servers on one database and one block store: uploads, commits and
//! deletions on some, the jobs on others, each stopped before and after every
//! step on the store, killed at any of them, and with clocks that differ and
//! leap by days. No block that a row names may be gone, ever; and in the end
//! the store holds nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use sv_api::ErrorCode;
use sv_backends::s3::ObjectStore;
use sv_ledger::limits::{BLOCK_GRACE_MS, UPLOAD_TTL_MS};
use sv_server::args;
use sv_server::blocks::{BlockName, BlockStore, DatabaseBlocks, FileBlocks};
use sv_server::check::check;
use sv_server::clock::Clock;
use sv_server::db::{Database, Query};
use sv_server::jobs::Jobs;
use sv_server::random::Random;
use sv_server::service::Result;
use sv_server::service::vault::{Vaults, Write};
use tokio::task::LocalSet;

use crate::author::{Log, Put, content, content_id, sealed};
use crate::blocks_conformance::bucket;
use crate::pace::{Pace, Paced, Turn};
use crate::world::{World, pieces, url};

const HOUR_MS: u64 = 60 * 60 * 1000;
/// Long enough for three rows of the database, and not for many.
const BLOCK: usize = 1_200_000;
const ROUNDS: u32 = 3;
/// Longer than reservations last and orphans are left alone.
const ORPHANS_GO_MS: u64 = 80 * HOUR_MS;

#[tokio::test]
async fn no_order_of_events_loses_a_block_in_files() {
    let world = World::new().await;
    let store = FileBlocks::open(&world.folder.path().join("paced")).unwrap();
    run_all(world, Arc::new(store), 8).await;
}

#[tokio::test]
async fn no_order_of_events_loses_a_block_in_the_database() {
    let world = World::new().await;
    let store = DatabaseBlocks::new(world.db.clone(), world.clock.clone());
    run_all(world, Arc::new(store), 6).await;
}

#[tokio::test]
async fn no_order_of_events_loses_a_block_in_a_bucket() {
    let objects = ObjectStore::start().await.unwrap();
    let world = World::new().await;
    run_all(world, Arc::new(bucket(&objects)), 3).await;
}

/// Schedules one after the other, in the same database: the next one finds
/// what the last one's dead servers left.
async fn run_all(world: World, store: Arc<dyn BlockStore>, schedules: u8) {
    let seed = match std::env::var("SV_SEED") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => u64::from_le_bytes(Random::system().bytes().unwrap()),
    };
    let many = std::env::var("SV_SCHEDULES").map(|text| text.parse().unwrap());
    let schedules = many.unwrap_or(schedules);
    println!("SV_SEED={seed}");
    let mut dice = Dice(seed);
    let told = Arc::new(Told::default());
    for schedule in 0..schedules {
        run(&world, &store, schedule, &mut dice, &told).await;
        settle(&world, &store).await;
    }
    let told = told.0.lock().unwrap();
    println!("{told:?}");
    assert!(told["kept"] > u64::from(schedules), "{told:?}");
}

/// Two servers that take uploads in, and two that tidy up.
async fn run(
    world: &World,
    store: &Arc<dyn BlockStore>,
    schedule: u8,
    dice: &mut Dice,
    told: &Arc<Told>,
) {
    let pace = Arc::new(Pace::default());
    let tasks = LocalSet::new();
    let (mut actors, mut times) = (Vec::new(), Vec::new());
    for place in 0..4 {
        let time = Arc::new(AtomicU64::new(world.now_ms()));
        let server = Server::start(world, store, &pace, &time).await;
        times.push(time);
        let (mut dice, told) = (Dice(dice.next()), told.clone());
        let who = 2 * schedule + place;
        let log = match place {
            0 | 1 => Some(world.person(who + 1).await.1),
            _ => None,
        };
        actors.push(Some(tasks.spawn_local(async move {
            let _done = server.turn.done_when_dropped();
            match log {
                Some(log) => server.upload(log, u32::from(who), &mut dice, &told).await,
                None => server.tidy().await,
            }
        })));
    }
    let driven = async {
        loop {
            let waiting = pace.rest().await;
            assert_named_are_there(world, store).await;
            let Some(actor) = dice.pick(&waiting) else {
                break;
            };
            if dice.below(8) == 0 {
                let leap = [HOUR_MS, 25 * HOUR_MS, 60 * HOUR_MS][dice.below(3)];
                times[dice.below(4)].fetch_add(leap, Ordering::Relaxed);
            }
            if dice.below(150) == 0 {
                told.note("killed");
                let killed = actors[actor].take().unwrap();
                killed.abort();
                assert!(killed.await.unwrap_err().is_cancelled());
            } else {
                pace.let_go(actor, dice.below(8));
            }
        }
        for actor in actors.into_iter().flatten() {
            actor.await.unwrap();
        }
    };
    tasks.run_until(driven).await;
    let latest = times.iter().map(|time| time.load(Ordering::Relaxed)).max();
    world.pass(latest.unwrap() - world.now_ms());
}

/// When everything that was begun is given up and every grace is over, the
/// store holds what rows name and nothing else.
async fn settle(world: &World, store: &Arc<dyn BlockStore>) {
    let (db, clock) = (world.db.clone(), world.clock.clone());
    let jobs = Jobs::new(db, store.clone(), clock, Random::system());
    world.pass(UPLOAD_TTL_MS + ORPHANS_GO_MS);
    jobs.run().await.unwrap();
    world.pass(BLOCK_GRACE_MS);
    jobs.run().await.unwrap();
    let report = check(&world.db, store).await.unwrap();
    assert_eq!((report.findings, report.orphans), (vec![], vec![]));
    let mut stored = BTreeSet::new();
    for shard in 0..=u8::MAX {
        let listed = store.list(shard).await.unwrap();
        stored.extend(listed.into_iter().map(|block| block.name));
    }
    stored.extend(store.unfinished(u64::MAX).await.unwrap());
    assert_eq!(stored, named(world).await.into_keys().collect());
}

/// Names that rows hold, with the lengths they promise.
async fn named(world: &World) -> BTreeMap<BlockName, u64> {
    let mut snapshot = world.db.read().await.unwrap();
    let sql = "SELECT file, len FROM blocks WHERE file IS NOT NULL";
    let rows = snapshot.query(sql, args![]).await.unwrap();
    rows.into_iter()
        .map(|mut row| (row.take(0).unwrap(), row.take(1).unwrap()))
        .collect()
}

async fn assert_named_are_there(world: &World, store: &Arc<dyn BlockStore>) {
    for (name, len) in named(world).await {
        let block = store.read(name).await;
        assert_eq!(block.map(|block| block.len).ok(), Some(len), "{name}");
    }
}

/// A server: its services, its connections, its clock.
struct Server {
    vaults: Vaults,
    jobs: Jobs,
    clock: Clock,
    turn: Turn,
}

impl Server {
    async fn start(
        world: &World,
        store: &Arc<dyn BlockStore>,
        pace: &Arc<Pace>,
        time: &Arc<AtomicU64>,
    ) -> Self {
        let path = world.folder.path().join("vault.db");
        let db = Database::open(&url(&path)).await.unwrap();
        let turn = pace.join();
        let blocks: Arc<dyn BlockStore> = Arc::new(Paced {
            inner: store.clone(),
            turn: turn.clone(),
        });
        let time = time.clone();
        let clock = Clock::from_fn(move || time.load(Ordering::Relaxed));
        let random = Random::system();
        Self {
            vaults: Vaults::new(db.clone(), blocks.clone(), clock.clone(), random.clone()),
            jobs: Jobs::new(db, blocks, clock.clone(), random),
            clock,
            turn,
        }
    }

    async fn tidy(&self) {
        for _ in 0..3 {
            self.jobs.run().await.unwrap();
            self.turn.step().await;
        }
    }

    /// Uploads, commits and perhaps deletes a few contents.
    async fn upload(&self, mut log: Log, who: u32, dice: &mut Dice, told: &Told) {
        let uid = log.person.uid;
        for round in 0..ROUNDS {
            let n = who * ROUNDS + round;
            let id = content_id(n);
            if dice.below(3) == 0 {
                let other = sealed(BLOCK, 9);
                let put = self.vaults.put_block(uid, id, 0, pieces(&other)).await;
                told.outcome("replaced", put);
            }
            let block = sealed(BLOCK, n as u8);
            let put = self.vaults.put_block(uid, id, 0, pieces(&block)).await;
            if !told.outcome("stored", put) {
                continue;
            }
            self.turn.step().await;
            if dice.below(5) == 0 {
                let given_up = self.vaults.cancel_upload(uid, id).await;
                told.outcome("given up", given_up);
                continue;
            }
            let put = Put::new(n, "a").adding(content(n, &[&block]));
            if !told.outcome("kept", self.append(&mut log, vec![put], false).await) {
                continue;
            }
            self.turn.step().await;
            if dice.below(3) == 0 {
                let deleted = self.append(&mut log, vec![], true).await;
                told.outcome("deleted", deleted);
            }
        }
    }

    /// Appends some puts, or deletes all there is.
    async fn append(&self, log: &mut Log, puts: Vec<Put>, deletes: bool) -> Result<()> {
        let (uid, vault_id) = (log.person.uid, log.vault_id());
        let access = self.vaults.authorise::<Write>(uid, vault_id).await?;
        let all: Vec<_> = log.leaves.keys().copied().filter(|_| deletes).collect();
        let request = log.request(puts, &all, self.clock.now_ms());
        self.vaults.append(&access, request.clone()).await?;
        log.accept(&request.entry);
        Ok(())
    }
}

/// How often what happened, so that a test that tries nothing is seen.
#[derive(Debug, Default)]
struct Told(Mutex<BTreeMap<String, u64>>);

impl Told {
    fn note(&self, what: impl Into<String>) {
        *self.0.lock().unwrap().entry(what.into()).or_default() += 1;
    }

    /// Whether it was done. What time has taken away may be refused; nothing
    /// may fail.
    fn outcome(&self, what: &str, outcome: Result<()>) -> bool {
        match outcome.map_err(|error| (error.code(), error)) {
            Ok(()) => {
                self.note(what);
                true
            }
            Err((code, error)) => {
                let expected = [
                    ErrorCode::Unavailable,
                    ErrorCode::BlocksMissing,
                    ErrorCode::NotFound,
                    ErrorCode::Conflict,
                ];
                assert!(expected.contains(&code), "{what}: {error}");
                self.note(format!("not {what}: {code:?}"));
                false
            }
        }
    }
}

/// Choices that can be made again (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn pick(&mut self, of: &[usize]) -> Option<usize> {
        (!of.is_empty()).then(|| of[self.below(of.len())])
    }
}

/// A server stops between storing a block and committing its row, for so
/// long that the others take it for dead.
#[tokio::test]
async fn whoever_wakes_up_too_late_commits_nothing_that_is_gone() {
    let world = World::new().await;
    let store: Arc<dyn BlockStore> =
        Arc::new(FileBlocks::open(&world.folder.path().join("paced")).unwrap());
    let pace = Arc::new(Pace::default());
    let time = Arc::new(AtomicU64::new(world.now_ms()));
    let server = Server::start(&world, &store, &pace, &time).await;
    let (person, log) = world.person(1).await;
    let (db, clock) = (world.db.clone(), world.clock.clone());
    let jobs = Jobs::new(db, store.clone(), clock, Random::system());
    let (block, actor) = (sealed(100_000, 1), server.turn.actor);
    let put = |n| {
        server
            .vaults
            .put_block(person.uid, content_id(n), 0, pieces(&block))
    };
    let sleeper = async {
        let put = put(1).await;
        pace.done(actor);
        put
    };
    let others = async {
        pace.rest().await;
        pace.let_go(actor, 0);
        pace.rest().await;
        // The block is stored; its row is not there yet.
        assert_eq!(check(&world.db, &store).await.unwrap().orphans, []);
        world.pass(23 * HOUR_MS);
        assert_eq!(jobs.run().await.unwrap().orphans, 0);
        world.pass(7 * HOUR_MS);
        assert_eq!(jobs.run().await.unwrap().orphans, 0, "still reserved");
        world.pass(20 * HOUR_MS);
        assert_eq!(jobs.run().await.unwrap().orphans, 1);
        pace.let_go(actor, 0);
    };
    let (put, ()) = futures::future::join(sleeper, others).await;
    assert_eq!(put.unwrap_err().code(), ErrorCode::Unavailable);
    assert!(named(&world).await.is_empty());
    assert_eq!(world.used(log.person.uid).await, 0);
}
