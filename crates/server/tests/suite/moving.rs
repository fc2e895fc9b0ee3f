//! A move brings everything, from wherever it was interrupted, and leaves
//! nothing that somebody could serve by mistake.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;
use sv_api::account::SignupPolicy;
use sv_backends::sql::Engine;
use sv_server::app::{App, OpenError};
use sv_server::args;
use sv_server::blocks::{
    BlockBody, BlockName, BlockStore, BlockStream, DatabaseBlocks, Error as BlockError, FileBlocks,
    Listed, Owner, OwnerMark, Stored,
};
use sv_server::check::check;
use sv_server::clock::Clock;
use sv_server::config::{Config, Storage};
use sv_server::db::{Database, Query};
use sv_server::moving::{Error, MOVE, STAY, Serving, Side, give_up, move_all};
use sv_server::random::Random;
use tempfile::TempDir;

use crate::append::append;
use crate::author::{Put, content, content_id, node, sealed};
use crate::world::{World, url};

/// A vault with a bit of everything.
async fn furnished() -> World {
    let world = World::new().await;
    for seed in 1..4 {
        let (person, mut log) = world.person(seed).await;
        let first = u32::from(seed) * 100;
        for n in first..first + 4 {
            let block = sealed(90_000, n as u8);
            let put = world.put(person.uid, content_id(n), 0, &block).await;
            put.unwrap();
            let puts = vec![
                Put::new(n, &"long record ".repeat(9000)).adding(content(n, &[&block])),
                Put::new(n + 50, "b").inline(n + 50, sealed(10, 1)),
            ];
            let request = log.request(puts, &[], world.now_ms());
            append(&world, &mut log, request).await;
        }
        let request = log.request(vec![], &[node(first)], world.now_ms());
        append(&world, &mut log, request).await;
    }
    world
}

fn source(world: &World) -> Side {
    Side {
        db: world.db.clone(),
        blocks: world.blocks.clone(),
    }
}

async fn target(folder: &Path) -> Side {
    let db = Database::open(&url(&folder.join("new.db"))).await.unwrap();
    let blocks = Arc::new(DatabaseBlocks::new(db.clone(), Clock::system()));
    Side { db, blocks }
}

async fn rows(db: &Database) -> Vec<i64> {
    let mut snapshot = db.read().await.unwrap();
    let mut counts = Vec::new();
    for table in MOVE.iter() {
        let sql = format!("SELECT COUNT(*) FROM {}", table.name).leak();
        let row = snapshot.lookup(sql, args![]).await.unwrap();
        counts.push(row.unwrap().take(0).unwrap());
    }
    counts
}

#[tokio::test]
async fn every_table_either_moves_whole_or_stays_for_a_reason() {
    let world = World::new().await;
    let mut snapshot = world.db.read().await.unwrap();
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let tables = snapshot.query(sql, args![]).await.unwrap();
    let tables: BTreeSet<String> = tables
        .into_iter()
        .map(|mut row| row.take(0).unwrap())
        .collect();
    let stay = STAY.iter().map(|(name, _)| *name);
    let listed: BTreeSet<String> = MOVE
        .iter()
        .map(|table| table.name)
        .chain(stay)
        .map(str::to_owned)
        .collect();
    assert_eq!(tables, listed);
    for table in MOVE.iter() {
        let sql = format!("PRAGMA table_info({})", table.name).leak();
        let (mut columns, mut key) = (BTreeSet::new(), Vec::new());
        for mut row in snapshot.query(sql, args![]).await.unwrap() {
            let (name, place): (String, i64) = (row.take(1).unwrap(), row.take(5).unwrap());
            columns.insert(name.clone());
            if place > 0 {
                key.push((place, name));
            }
        }
        key.sort();
        let key: Vec<_> = key.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(table.columns[..table.key_len], key, "{}", table.name);
        let listed: BTreeSet<_> = table.columns.iter().map(|c| (*c).to_owned()).collect();
        assert_eq!(listed, columns, "{}", table.name);
    }
}

#[tokio::test]
async fn everything_arrives_and_a_second_run_has_nothing_to_do() {
    let world = furnished().await;
    let folder = TempDir::new().unwrap();
    let (from, to) = (source(&world), target(folder.path()).await);
    let moved = move_all(&from, &to, false, &Random::system())
        .await
        .unwrap();
    assert_eq!(rows(&from.db).await, rows(&to.db).await);
    assert_eq!(moved.rows, rows(&to.db).await.iter().sum::<i64>() as u64);
    assert_eq!(moved.blocks, 12);
    let again = move_all(&from, &to, false, &Random::system()).await;
    assert!(matches!(again, Err(Error::MovedAway)), "{again:?}");
    let back = give_up(&from.db).await;
    assert!(matches!(back, Err(Error::MovedAway)), "{back:?}");
}

#[tokio::test]
async fn everything_arrives_in_a_database_on_a_server() {
    for engine in [Engine::MariaDb, Engine::MySql] {
        let Some(fresh) = engine.fresh().await else {
            continue;
        };
        let world = furnished().await;
        Database::migrate(fresh.url()).await.unwrap();
        let db = Database::open(fresh.url()).await.unwrap();
        let blocks = Arc::new(DatabaseBlocks::new(db.clone(), Clock::system()));
        let (from, to) = (source(&world), Side { db, blocks });
        let moved = move_all(&from, &to, false, &Random::system())
            .await
            .unwrap();
        assert_eq!(rows(&from.db).await, rows(&to.db).await);
        assert_eq!(moved.blocks, 12);
        let report = check(&to.db, &to.blocks).await.unwrap();
        assert_eq!(report.findings, []);
        assert_eq!((report.blocks, report.orphans.len()), (24, 0));
        to.db.close().await;
    }
}

#[tokio::test]
async fn only_an_empty_database_or_this_moves_own_is_moved_into() {
    let (world, other) = (furnished().await, furnished().await);
    let taken = move_all(&source(&world), &source(&other), false, &Random::system()).await;
    assert!(matches!(taken, Err(Error::NotEmpty(_))), "{taken:?}");
    // Nothing has begun, so the source is not marked.
    let folder = TempDir::new().unwrap();
    let to = target(folder.path()).await;
    move_all(&source(&world), &to, false, &Random::system())
        .await
        .unwrap();
    let another = move_all(&source(&other), &to, false, &Random::system()).await;
    assert!(matches!(another, Err(Error::NotEmpty(_))), "{another:?}");
}

/// A store that fails, and with it the move, after some blocks.
#[derive(Debug)]
struct Tiring(Arc<dyn BlockStore>, AtomicI64);

impl BlockStore for Tiring {
    fn put<'a>(
        &'a self,
        name: BlockName,
        bytes: BlockStream<'a>,
    ) -> BoxFuture<'a, Result<Stored, BlockError>> {
        if self.1.fetch_sub(1, Ordering::Relaxed) <= 0 {
            return async { Err(BlockError::Full) }.boxed();
        }
        self.0.put(name, bytes)
    }
    fn read(&self, name: BlockName) -> BoxFuture<'_, Result<BlockBody, BlockError>> {
        self.0.read(name)
    }
    fn delete(&self, name: BlockName) -> BoxFuture<'_, Result<(), BlockError>> {
        self.0.delete(name)
    }
    fn list(&self, shard: u8) -> BoxFuture<'_, Result<Vec<Listed>, BlockError>> {
        self.0.list(shard)
    }
    fn unfinished(&self, before_ms: u64) -> BoxFuture<'_, Result<Vec<BlockName>, BlockError>> {
        self.0.unfinished(before_ms)
    }
    fn owner(&self, us: OwnerMark) -> BoxFuture<'_, Result<Owner, BlockError>> {
        self.0.owner(us)
    }
}

/// Dropped after so many polls, as by a kill, and after so many blocks.
#[tokio::test]
async fn a_move_goes_on_from_wherever_it_was_interrupted() {
    let world = furnished().await;
    let whole = rows(&world.db).await;
    let mut stops: u32 = 0;
    for polls in [1, 3, 9, 20, 40, 70, 110, 170, 260] {
        let folder = TempDir::new().unwrap();
        let (from, to) = (source(&world), target(folder.path()).await);
        let random = Random::system();
        {
            let mut moving = Box::pin(move_all(&from, &to, false, &random));
            let mut left = polls;
            let cut = std::future::poll_fn(|context| {
                left -= 1;
                match moving.as_mut().poll(context) {
                    std::task::Poll::Pending if left == 0 => std::task::Poll::Ready(None),
                    pending => pending.map(Some),
                }
            });
            if cut.await.is_some() {
                break;
            }
        }
        stops += 1;
        let tiring = Side {
            db: to.db.clone(),
            blocks: Arc::new(Tiring(to.blocks.clone(), AtomicI64::new(5))),
        };
        match move_all(&from, &tiring, false, &random).await {
            Err(Error::Blocks(BlockError::Full)) => {
                let rest = move_all(&from, &to, false, &random).await.unwrap();
                assert_eq!(rest.rows, 0, "all of them had arrived");
            }
            // Most blocks had arrived before it was cut.
            done => assert!(done.unwrap().blocks <= 5),
        }
        assert_eq!(rows(&to.db).await, whole);
        let mut arrived = 0;
        for shard in 0..=u8::MAX {
            arrived += to.blocks.list(shard).await.unwrap().len();
        }
        assert_eq!(arrived, 12);
        // For the next time: as if it had not ended.
        let mut write = from.db.write().await.unwrap();
        let sql = "DELETE FROM leases WHERE name = 'moved-away'";
        write.execute(sql, args![]).await.unwrap();
        write.commit().await.unwrap();
    }
    assert!(stops >= 5, "only {stops} moves were interrupted");
}

#[tokio::test]
async fn a_block_that_is_damaged_here_is_not_moved() {
    let world = furnished().await;
    let file = world.files().into_iter().next().unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[7] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let folder = TempDir::new().unwrap();
    let (from, to) = (source(&world), target(folder.path()).await);
    let failed = move_all(&from, &to, false, &Random::system()).await;
    assert!(matches!(failed, Err(Error::Block(_))), "{failed:?}");
}

#[tokio::test]
async fn neither_side_is_served_meanwhile_and_only_the_new_one_afterwards() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| Storage::in_folder(folder.path().join(name), folder.path().join("key"));
    let open = |storage: &Storage| {
        let config = Config::on_free_port(storage.clone(), SignupPolicy::Closed);
        async move { App::open(&config, Clock::system()).await }
    };
    let (old, new) = (at("old"), at("new"));
    let path = |storage: &Storage| storage.data.join("vault.db");
    let app = open(&old).await.unwrap();
    assert!(
        Serving::alone(&path(&old)).unwrap().is_none(),
        "it is served"
    );
    app.db().close().await;
    drop(app);
    let alone = Serving::alone(&path(&old)).unwrap().unwrap();
    assert!(matches!(open(&old).await, Err(OpenError::Moving)));

    let side = async |storage: &Storage| {
        let db = Database::open(&storage.database).await.unwrap();
        let blocks = Arc::new(FileBlocks::open(&storage.data.join("blocks")).unwrap());
        Side { db, blocks }
    };
    let from = side(&old).await;
    // A row that names no block that is there stops the move.
    let mut write = from.db.write().await.unwrap();
    let sql = "INSERT INTO blocks (content_id, idx, len, hash, file) VALUES (?, 0, 1, ?, ?)";
    let values = args![content_id(1), vec![0_u8; 32], BlockName::new([1; 16])];
    write.execute(sql, values).await.unwrap();
    write.commit().await.unwrap();
    let to = side(&new).await;
    let failed = move_all(&from, &to, false, &Random::system()).await;
    assert!(matches!(failed, Err(Error::Block(_))), "{failed:?}");
    drop(alone);
    assert!(matches!(open(&old).await, Err(OpenError::Moving)));
    assert!(matches!(open(&new).await, Err(OpenError::Arriving)));

    give_up(&from.db).await.unwrap();
    open(&old).await.unwrap().db().close().await;
    let mut write = from.db.write().await.unwrap();
    write.execute("DELETE FROM blocks", args![]).await.unwrap();
    write.commit().await.unwrap();
    let stale = move_all(&from, &to, false, &Random::system()).await;
    assert!(matches!(stale, Err(Error::NotEmpty(_))), "{stale:?}");
    let last = at("last");
    let to = side(&last).await;
    move_all(&from, &to, false, &Random::system())
        .await
        .unwrap();
    assert!(matches!(open(&old).await, Err(OpenError::MovedAway)));
    open(&last).await.unwrap().db().close().await;
}
