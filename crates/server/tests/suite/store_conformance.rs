//! What the database port and the stores on it promise, for every engine.

use sv_ledger::id::{ContentId, VaultId};
use sv_server::args;
use sv_server::blocks::BlockName;
use sv_server::db::{Database, Error, Query};
use sv_server::store::{contents, garbage, leases, quotas};
use tempfile::TempDir;

use crate::world::url;

macro_rules! store {
    ($engine:ident, $tests:tt) => {
        store!(@ $engine $tests);
    };
    (@ $engine:ident [$($test:ident),* $(,)?]) => {
        #[expect(non_snake_case, reason = "named for the engine")]
        mod $engine {
            $(
                #[tokio::test]
                async fn $test() {
                    let Some(fresh) = sv_backends::sql::Engine::$engine.fresh().await else {
                        return;
                    };
                    sv_server::db::Database::migrate(fresh.url()).await.unwrap();
                    let db = sv_server::db::Database::open(fresh.url()).await.unwrap();
                    super::$test(&db).await;
                    db.close().await;
                }
            )*
        }
    };
}

macro_rules! stores {
    ($($engine:ident)* : $tests:tt) => {
        $(store!($engine, $tests);)*
    };
}

stores!(Sqlite MariaDb MySql External: [
    what_is_committed_stays_and_what_is_dropped_does_not,
    a_snapshot_does_not_move,
    lists_of_any_length_work,
    an_upsert_replaces_or_leaves,
    a_taken_key_is_its_own_error,
    units_of_work_do_not_lose_updates,
    a_charge_never_passes_the_limit,
    a_lease_has_one_holder,
    a_commit_compares_the_revision,
    every_kind_of_value_comes_back,
    what_a_lock_protects_is_read_as_it_is_now,
]);

const UID: VaultId = VaultId::new([1; 32]);

async fn set_quota(db: &Database, limit: u64) {
    let mut write = db.write().await.unwrap();
    quotas::set_limit(&mut write, UID, limit).await.unwrap();
    write.commit().await.unwrap();
}

async fn used(db: &Database) -> Option<u64> {
    let mut snapshot = db.read().await.unwrap();
    quotas::lookup(&mut snapshot, UID)
        .await
        .unwrap()
        .map(|q| q.used)
}

async fn what_is_committed_stays_and_what_is_dropped_does_not(db: &Database) {
    let mut write = db.write().await.unwrap();
    quotas::set_limit(&mut write, UID, 10).await.unwrap();
    assert!(quotas::lookup(&mut write, UID).await.unwrap().is_some());
    drop(write);
    assert_eq!(used(db).await, None);
    set_quota(db, 10).await;
    assert_eq!(used(db).await, Some(0));
}

async fn a_snapshot_does_not_move(db: &Database) {
    let mut snapshot = db.read().await.unwrap();
    assert!(quotas::lookup(&mut snapshot, UID).await.unwrap().is_none());
    set_quota(db, 10).await;
    assert!(quotas::lookup(&mut snapshot, UID).await.unwrap().is_none());
    drop(snapshot);
    assert_eq!(used(db).await, Some(0));
}

async fn lists_of_any_length_work(db: &Database) {
    for len in [0_u16, 1, 15, 16, 17, 128, 500, 1300] {
        let files: Vec<_> = (0..len)
            .map(|n| {
                let mut name = [0; 16];
                name[..2].copy_from_slice(&n.to_be_bytes());
                BlockName::new(name)
            })
            .collect();
        let mut write = db.write().await.unwrap();
        garbage::discard(&mut write, files.iter().copied())
            .await
            .unwrap();
        let values = files.iter().map(|name| (*name).into()).collect();
        let mut found = garbage::discarded_among(&mut write, values).await.unwrap();
        found.sort();
        assert_eq!(found, files);
        garbage::forget(&mut write, files.into_iter())
            .await
            .unwrap();
        assert!(garbage::discarded(&mut write, 9).await.unwrap().is_empty());
        write.commit().await.unwrap();
    }
}

async fn an_upsert_replaces_or_leaves(db: &Database) {
    set_quota(db, 10).await;
    let mut write = db.write().await.unwrap();
    assert!(quotas::charge(&mut write, UID, 4).await.unwrap());
    write.commit().await.unwrap();
    set_quota(db, 20).await;
    let mut snapshot = db.read().await.unwrap();
    let quota = quotas::lookup(&mut snapshot, UID).await.unwrap().unwrap();
    assert_eq!((quota.limit, quota.used), (20, 4));
}

async fn a_taken_key_is_its_own_error(db: &Database) {
    let mut write = db.write().await.unwrap();
    let id = ContentId::new([1; 16]);
    contents::insert_upload(&mut write, id, UID, 0, 0)
        .await
        .unwrap();
    let again = contents::insert_upload(&mut write, id, UID, 0, 0).await;
    assert!(matches!(again, Err(Error::Exists)), "{again:?}");
}

async fn units_of_work_do_not_lose_updates(db: &Database) {
    set_quota(db, 1000).await;
    let workers = (0..8).map(|_| {
        let db = db.clone();
        tokio::spawn(async move {
            for _ in 0..25 {
                db.retry(|| add_one(&db)).await.unwrap();
            }
        })
    });
    for worker in futures::future::join_all(workers).await {
        worker.unwrap();
    }
    assert_eq!(used(db).await, Some(200));
}

async fn add_one(db: &Database) -> Result<(), Error> {
    let mut write = db.write().await?;
    let sql = "SELECT used_bytes FROM quotas WHERE uid = ? FOR UPDATE";
    let row = write.lookup(sql, args![UID]).await?;
    let used: u64 = row.unwrap().take(0)?;
    let sql = "UPDATE quotas SET used_bytes = ? WHERE uid = ?";
    write.execute(sql, args![used + 1, UID]).await?;
    write.commit().await
}

async fn every_kind_of_value_comes_back(db: &Database) {
    let mut write = db.write().await.unwrap();
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let (longest, empty) = (i64::MAX, Vec::<u8>::new());
    let insert = "INSERT INTO blocks (content_id, idx, len, hash, file, data) \
                  VALUES (?, ?, ?, ?, ?, ?)";
    let id = ContentId::new([0; 16]);
    let hash = [255_u8; 32];
    write
        .insert(
            insert,
            vec![
                args![id, 0_u32, longest, hash, None::<BlockName>, bytes.clone()],
                args![id, 1_u32, -1_i64, hash, BlockName::new([9; 16]), empty],
            ],
        )
        .await
        .unwrap();
    let text = "zo\u{eb} \u{1f512}";
    let lease = "INSERT INTO leases (name, holder, until_ms) VALUES (?, ?, ?)";
    let values = args![text, [0_u8; 16], 0_i64];
    write.execute(lease, values).await.unwrap();
    write.commit().await.unwrap();

    let mut snapshot = db.read().await.unwrap();
    let select = "SELECT len, hash, file, data, LENGTH(data) FROM blocks WHERE content_id = ? \
                  ORDER BY idx LIMIT ?";
    let rows = snapshot.query(select, args![id, 9_u32]).await.unwrap();
    let [mut first, mut second] = <[_; 2]>::try_from(rows).unwrap();
    assert_eq!(first.take::<i64>(0).unwrap(), i64::MAX);
    assert_eq!(first.take::<[u8; 32]>(1).unwrap(), hash);
    assert_eq!(first.take::<Option<BlockName>>(2).unwrap(), None);
    assert_eq!(first.take::<Vec<u8>>(3).unwrap(), bytes);
    assert_eq!(first.take::<usize>(4).unwrap(), bytes.len());
    assert_eq!(second.take::<i64>(0).unwrap(), -1);
    assert!(second.take::<Vec<u8>>(3).unwrap().is_empty());
    let select = "SELECT name, holder FROM leases WHERE name = ?";
    let row = snapshot.lookup(select, args![text]).await.unwrap();
    let mut row = row.unwrap();
    assert_eq!(row.take::<String>(0).unwrap(), text);
    assert_eq!(row.take::<[u8; 16]>(1).unwrap(), [0; 16]);
    // Upper and lower case are two keys, on every engine.
    let upper = snapshot.lookup(select, args![text.to_uppercase()]).await;
    assert!(upper.unwrap().is_none());
}

async fn what_a_lock_protects_is_read_as_it_is_now(db: &Database) {
    set_quota(db, 10).await;
    let mut first = db.write().await.unwrap();
    let lock = "SELECT quota_bytes FROM quotas WHERE uid = ? FOR UPDATE";
    first.lookup(lock, args![UID]).await.unwrap();
    let second = tokio::spawn({
        let db = db.clone();
        async move {
            let mut second = db.write().await.unwrap();
            second.lookup(lock, args![UID]).await.unwrap();
            // Not locked itself: what the first wrote under the same lock.
            contents::lookup(&mut second, ContentId::new([1; 16]))
                .await
                .unwrap()
        }
    });
    let id = ContentId::new([1; 16]);
    contents::insert_upload(&mut first, id, UID, 0, 0)
        .await
        .unwrap();
    // Time for the second to wait for the lock; without it, it proves less.
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    first.commit().await.unwrap();
    assert!(second.await.unwrap().is_some());
}

async fn a_charge_never_passes_the_limit(db: &Database) {
    set_quota(db, 10).await;
    let mut write = db.write().await.unwrap();
    assert!(quotas::charge(&mut write, UID, 10).await.unwrap());
    assert!(!quotas::charge(&mut write, UID, 1).await.unwrap());
    quotas::release(&mut write, UID, 3).await.unwrap();
    assert!(!quotas::charge(&mut write, UID, 4).await.unwrap());
    assert!(quotas::charge(&mut write, UID, 3).await.unwrap());
    assert!(!quotas::charge(&mut write, VaultId::ZERO, 0).await.unwrap());
}

async fn a_lease_has_one_holder(db: &Database) {
    let mut write = db.write().await.unwrap();
    let name = leases::BLOCK_REMOVAL;
    let (a, b) = ([1; 16], [2; 16]);
    for (holder, now, held) in [(a, 0, true), (b, 9, false), (a, 9, true), (b, 19, true)] {
        let claimed = leases::claim(&mut write, name, holder, now, now + 10).await;
        assert_eq!(claimed.unwrap(), held, "{holder:?} at {now}");
    }
    leases::release(&mut write, name, a).await.unwrap();
    assert!(!leases::claim(&mut write, name, a, 20, 30).await.unwrap());
    leases::release(&mut write, name, b).await.unwrap();
    assert!(leases::claim(&mut write, name, a, 20, 30).await.unwrap());
}

async fn a_commit_compares_the_revision(db: &Database) {
    let added = crate::author::content(1, &[b"x"]);
    let id = added.content_id;
    let mut write = db.write().await.unwrap();
    contents::insert_upload(&mut write, id, UID, 0, 0)
        .await
        .unwrap();
    contents::grow(&mut write, id, 1, 1, 9).await.unwrap();
    assert!(!contents::commit(&mut write, &added, 0).await.unwrap());
    assert!(contents::commit(&mut write, &added, 1).await.unwrap());
    assert!(!contents::commit(&mut write, &added, 1).await.unwrap());
    let content = contents::lookup(&mut write, id).await.unwrap().unwrap();
    assert!(content.is_committed_as(&added));
}

#[tokio::test]
async fn files_are_their_owners_alone_and_a_newer_schema_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("data").join("vault.db");
    let db = Database::open(&url(&path)).await.unwrap();
    set_quota(&db, 1).await;
    for entry in std::fs::read_dir(path.parent().unwrap()).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let mode = path
        .parent()
        .unwrap()
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
    let mut snapshot = db.read().await.unwrap();
    let denied = "DELETE FROM quotas";
    assert!(
        snapshot.query(denied, args![]).await.is_err(),
        "readers only read"
    );
    drop(snapshot);
    let mut write = db.write().await.unwrap();
    let journal = write.query("PRAGMA journal_mode", args![]).await.unwrap();
    assert_eq!(
        journal
            .into_iter()
            .next()
            .unwrap()
            .take::<String>(0)
            .unwrap(),
        "wal"
    );
    let pragma = |sql| async move {
        let mut write = db.write().await.unwrap();
        let value = write
            .lookup(sql, args![])
            .await
            .unwrap()
            .unwrap()
            .take::<i64>(0);
        (db, value.unwrap())
    };
    drop(write);
    let (db, synchronous) = pragma("PRAGMA synchronous").await;
    assert_eq!(synchronous, 2, "FULL");
    let mut write = db.write().await.unwrap();
    write
        .execute("PRAGMA user_version = 999", args![])
        .await
        .unwrap();
    write.commit().await.unwrap();
    db.close().await;
    let newer = Database::open(&url(&path)).await;
    assert!(
        matches!(newer, Err(Error::NewerSchema { found: 999, .. })),
        "{newer:?}"
    );
}
