//! What the database port and the stores on it promise, for every engine.

use sv_ledger::id::{ContentId, VaultId};
use sv_server::args;
use sv_server::blocks::BlockName;
use sv_server::db::{Database, Error, Query};
use sv_server::store::{contents, garbage, leases, quotas};
use tempfile::TempDir;

use crate::world::{database, url};

macro_rules! store {
    ($name:ident, $open:expr, [$($test:ident),* $(,)?]) => {
        mod $name {
            use super::*;
            $(
                #[tokio::test]
                async fn $test() {
                    let (_keep, db) = $open;
                    super::$test(&db).await;
                }
            )*
        }
    };
}

store!(
    sqlite,
    {
        let folder = TempDir::new().unwrap();
        let db = database(folder.path()).await;
        (folder, db)
    },
    [
        what_is_committed_stays_and_what_is_dropped_does_not,
        a_snapshot_does_not_move,
        lists_of_any_length_work,
        an_upsert_replaces_or_leaves,
        a_taken_key_is_its_own_error,
        units_of_work_do_not_lose_updates,
        a_charge_never_passes_the_limit,
        a_lease_has_one_holder,
        a_commit_compares_the_revision,
        a_unit_of_work_sees_what_it_waited_for,
    ]
);

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
                let mut write = db.write().await.unwrap();
                let sql = "SELECT used_bytes FROM quotas WHERE uid = ? FOR UPDATE";
                let row = write.lookup(sql, args![UID]).await.unwrap();
                let used: u64 = row.unwrap().take(0).unwrap();
                let sql = "UPDATE quotas SET used_bytes = ? WHERE uid = ?";
                write.execute(sql, args![used + 1, UID]).await.unwrap();
                write.commit().await.unwrap();
            }
        })
    });
    futures::future::join_all(workers).await;
    assert_eq!(used(db).await, Some(200));
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

/// What was read before a lock was had may be old; what is read after it is
/// not. Counting references, blocks and codes relies on this.
async fn a_unit_of_work_sees_what_it_waited_for(db: &Database) {
    let id = ContentId::new([7; 16]);
    set_quota(db, 10).await;
    let mut write = db.write().await.unwrap();
    contents::insert_upload(&mut write, id, UID, 0, 1)
        .await
        .unwrap();
    write.commit().await.unwrap();

    let mut first = db.write().await.unwrap();
    contents::lock(&mut first, id).await.unwrap();
    let (has_read, is_there) = tokio::sync::oneshot::channel();
    let second = tokio::spawn({
        let db = db.clone();
        async move {
            let mut second = db.write().await.unwrap();
            quotas::lookup(&mut second, UID).await.unwrap();
            let _ = has_read.send(());
            contents::lock(&mut second, id).await.unwrap();
            let quota = quotas::lookup(&mut second, UID).await.unwrap();
            let content = contents::find(&mut second, [id].into_iter()).await.unwrap();
            (quota.unwrap().used, content[&id].revision)
        }
    });
    // An engine with one writer lets the second begin only afterwards.
    if db.path().is_none() {
        is_there.await.unwrap();
    }
    assert!(quotas::charge(&mut first, UID, 4).await.unwrap());
    contents::grow(&mut first, id, 4, 1, 1).await.unwrap();
    first.commit().await.unwrap();
    assert_eq!(second.await.unwrap(), (4, 1));
}
