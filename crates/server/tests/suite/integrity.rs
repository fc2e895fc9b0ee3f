//! `check` finds every kind of damage; a backup comes back whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use sv_ledger::limits::BLOCK_GRACE_MS;
use sv_server::args;
use sv_server::backup::{Backup, BlocksAt, Error, Restore, backup, restore};
use sv_server::blocks::{BlockStore, DatabaseBlocks, FileBlocks};
use sv_server::check::{Finding, check};
use sv_server::db::{Database, Value};
use sv_server::random::Random;
use sv_server::service::vault::Vaults;

use crate::append::append;
use crate::author::{Log, Put, body_hash, content, content_id, node, record, sealed};
use crate::world::{World, pieces, url};

async fn furnished(world: &World) -> Log {
    let (person, mut log) = world.person(1).await;
    let big = sealed(100_000, 1);
    world.put(person.uid, content_id(1), 0, &big).await.unwrap();
    let puts = vec![
        Put::new(1, "a").adding(content(1, &[&big])),
        Put::new(2, "b").inline(2, sealed(10, 1)),
    ];
    let request = log.request(puts, &[], world.now_ms());
    append(world, &mut log, request).await;
    let request = log.request(
        vec![Put::new(1, "a2"), Put::new(3, "c")],
        &[],
        world.now_ms(),
    );
    append(world, &mut log, request).await;
    log
}

#[tokio::test]
async fn every_kind_of_damage_is_found() {
    let uid = |log: &Log| log.person.uid;
    let vault = |log: &Log| log.vault_id();
    type Damage = (&'static str, fn(&Log) -> Vec<Value>, fn(&Finding) -> bool);
    let damages: [Damage; 11] = [
        (
            "UPDATE vaults SET state = (SELECT state FROM vaults WHERE vault_id <> ? LIMIT 1)",
            |log| args![log.vault_id()],
            |f| matches!(f, Finding::State { .. }),
        ),
        (
            "DELETE FROM entries WHERE vault_id = ? AND seq = 2",
            |log| args![log.vault_id()],
            |f| matches!(f, Finding::EntryMissing { seq: 2, .. }),
        ),
        (
            "UPDATE entries SET bytes = (SELECT bytes FROM entries WHERE vault_id = ? AND seq = 2) \
             WHERE seq = 3",
            |log| args![log.vault_id()],
            |f| matches!(f, Finding::EntryMissing { seq: 3, .. }),
        ),
        (
            "UPDATE leaves SET rev = rev + 1 WHERE vault_id = ? AND node_id = ?",
            |log| args![log.vault_id(), node(1)],
            |f| matches!(f, Finding::Leaf { node_id, .. } if *node_id == node(1)),
        ),
        (
            "DELETE FROM bodies WHERE vault_id = ? AND hash = ?",
            |log| args![log.vault_id(), body_hash(&record("c"))],
            |f| matches!(f, Finding::BodyMissing { hash, .. } if *hash == body_hash(&record("c"))),
        ),
        (
            "UPDATE bodies SET bytes = ? WHERE hash = ?",
            |_| args![vec![1_u8], body_hash(&record("c"))],
            |f| matches!(f, Finding::BodyDamaged { .. }),
        ),
        (
            "DELETE FROM members WHERE vault_id = ?",
            |log| args![log.vault_id()],
            |f| matches!(f, Finding::Members { .. }),
        ),
        (
            "DELETE FROM contents WHERE content_id = ?",
            |_| args![content_id(2)],
            |f| matches!(f, Finding::ContentMissing { .. }),
        ),
        (
            "DELETE FROM blocks WHERE content_id = ?",
            |_| args![content_id(1)],
            |f| matches!(f, Finding::Content { .. }),
        ),
        (
            "UPDATE blocks SET data = ? WHERE content_id = ?",
            |_| args![sealed(10, 2), content_id(2)],
            |f| matches!(f, Finding::BlockDamaged { index: 0, .. }),
        ),
        (
            "UPDATE quotas SET used_bytes = used_bytes + 1 WHERE uid = ?",
            |log| args![log.person.uid],
            |f| matches!(f, Finding::Quota { .. }),
        ),
    ];
    for (sql, values, is_it) in damages {
        let world = World::new().await;
        let log = furnished(&world).await;
        assert_ne!(uid(&log), vault(&log));
        world.assert_whole().await;
        let mut write = world.db.write().await.unwrap();
        write.execute(sql, values(&log)).await.unwrap();
        write.commit().await.unwrap();
        let report = world.report().await;
        assert!(
            report.findings.iter().any(is_it),
            "{sql}: {:?}",
            report.findings
        );
        assert_eq!(report.exit_code(), 2);
    }
}

#[tokio::test]
async fn a_damaged_or_missing_file_is_found() {
    let world = World::new().await;
    furnished(&world).await;
    let [file] = world.files().try_into().unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[70_000] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let found = world.report().await.findings;
    assert!(
        matches!(found[..], [Finding::BlockDamaged { index: 0, .. }]),
        "{found:?}"
    );
    std::fs::remove_file(&file).unwrap();
    let found = world.report().await.findings;
    assert!(
        matches!(found[..], [Finding::BlockMissing { index: 0, .. }]),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_backup_comes_back_whole_and_overwrites_nothing() {
    let world = World::new().await;
    let mut log = furnished(&world).await;
    let key = world.folder.path().join("server.key");
    std::fs::write(&key, b"key").unwrap();
    let source = Backup {
        db: world.db.clone(),
        blocks: Some(world.blocks.clone()),
        keys: BTreeMap::from([("server.key".to_owned(), key)]),
        clock: world.clock.clone(),
        random: Random::system(),
    };
    let target = world.folder.path().join("backup");
    let taken = backup(&source, &target).await.unwrap();
    assert_eq!(taken.block_files, 1);
    let again = backup(&source, &target).await;
    assert!(matches!(again, Err(Error::Exists(_))), "{again:?}");

    // What goes on after the backup does not touch it.
    let request = log.request(vec![], &[node(1)], world.now_ms());
    append(&world, &mut log, request).await;
    world.pass(BLOCK_GRACE_MS);
    assert_eq!(world.jobs.run().await.unwrap().removed_files, 1);

    let home = tempfile::TempDir::new().unwrap();
    let blocks = std::sync::Arc::new(FileBlocks::open(&home.path().join("store")).unwrap());
    let place = Restore {
        database: home.path().join("vault.db"),
        blocks: Some(blocks.clone()),
        keys: home.path().join("keys"),
        clock: world.clock.clone(),
        random: Random::system(),
    };
    assert_eq!(restore(&target, &place).await.unwrap(), taken);
    let left = std::fs::read_dir(home.path()).unwrap().flatten();
    let left = left.map(|entry| entry.file_name()).filter(|name| {
        let name = name.to_string_lossy();
        name.contains("restoring") || name.contains("-wal")
    });
    assert_eq!(left.count(), 0, "the database is whole, and one file");
    let db = Database::open(&url(&place.database)).await.unwrap();
    let store: std::sync::Arc<dyn sv_server::blocks::BlockStore> = blocks;
    let report = check(&db, &store).await.unwrap();
    assert_eq!(report.findings, []);
    assert_eq!(
        (report.vaults, report.blocks, report.orphans.len()),
        (2, 2, 0)
    );
    // The lease of the backup is in the backup, and nobody's any more.
    let next = Backup {
        db,
        blocks: Some(store),
        keys: BTreeMap::new(),
        clock: world.clock.clone(),
        random: Random::system(),
    };
    backup(&next, &home.path().join("next")).await.unwrap();
    assert_eq!(
        std::fs::read(place.keys.join("server.key")).unwrap(),
        b"key"
    );
    let again = restore(&target, &place).await;
    assert!(matches!(again, Err(Error::Exists(_))), "{again:?}");

    let bytes = std::fs::read(target.join("vault.db")).unwrap();
    std::fs::write(target.join("vault.db"), [&bytes[..], b"x"].concat()).unwrap();
    let damaged = restore(&target, &place).await;
    assert!(matches!(damaged, Err(Error::Damaged(_))), "{damaged:?}");
    std::fs::remove_file(target.join("manifest.json")).unwrap();
    let unfinished = restore(&target, &place).await;
    assert!(
        matches!(unfinished, Err(Error::NotABackup(_))),
        "{unfinished:?}"
    );
}

#[tokio::test]
async fn while_a_backup_holds_the_lease_no_file_is_removed() {
    use sv_server::store::leases;
    let world = World::new().await;
    let (person, _) = world.person(1).await;
    for fill in [1, 2] {
        let block = sealed(100_000, fill);
        world
            .put(person.uid, content_id(1), 0, &block)
            .await
            .unwrap();
    }
    let (now, until) = (world.now_ms(), world.now_ms() + 1000);
    let mut write = world.db.write().await.unwrap();
    let held = leases::claim(&mut write, leases::BLOCK_REMOVAL, [1; 16], now, until).await;
    assert!(held.unwrap());
    write.commit().await.unwrap();
    let report = world.jobs.run().await.unwrap();
    assert!(report.removal_paused);
    assert_eq!(world.files().len(), 2);
    world.pass(1000);
    assert_eq!(world.jobs.run().await.unwrap().removed_files, 1);
}

#[tokio::test]
async fn blocks_in_the_database_are_in_its_copy() {
    let world = World::new().await;
    let in_rows: Arc<dyn BlockStore> =
        Arc::new(DatabaseBlocks::new(world.db.clone(), world.clock.clone()));
    let (db, clock, random) = (world.db.clone(), world.clock.clone(), Random::system());
    let vaults = Vaults::new(db, in_rows, clock.clone(), random.clone());
    let (person, _) = world.person(1).await;
    let block = pieces(&sealed(700_000, 1));
    let put = vaults.put_block(person.uid, content_id(1), 0, block).await;
    put.unwrap();
    let source = Backup {
        db: world.db.clone(),
        blocks: None,
        keys: BTreeMap::new(),
        clock: clock.clone(),
        random,
    };
    let taken = world.folder.path().join("backup");
    let manifest = backup(&source, &taken).await.unwrap();
    assert_eq!(manifest.blocks, BlocksAt::Database);

    let home = tempfile::TempDir::new().unwrap();
    let files = FileBlocks::open(&home.path().join("store")).unwrap();
    let mut target = Restore {
        database: home.path().join("vault.db"),
        blocks: Some(Arc::new(files)),
        keys: home.path().join("keys"),
        clock: clock.clone(),
        random: Random::system(),
    };
    let refused = restore(&taken, &target).await;
    assert!(matches!(refused, Err(Error::BlocksElsewhere(_))));
    target.blocks = None;
    restore(&taken, &target).await.unwrap();
    let db = Database::open(&url(&target.database)).await.unwrap();
    let store: Arc<dyn BlockStore> = Arc::new(DatabaseBlocks::new(db.clone(), clock));
    let report = check(&db, &store).await.unwrap();
    assert_eq!((report.blocks, report.findings), (1, vec![]));
}
