//! What the block store port promises, for every implementation.

use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use sv_backends::s3::ObjectStore;
use sv_ledger::sealed::SEALED_BLOCK_LEN;
use sv_server::args;
use sv_server::blocks::{
    BlockName, BlockStore, DatabaseBlocks, Error, FileBlocks, S3Blocks, S3Credentials, S3Location,
};
use sv_server::clock::Clock;
use sv_server::db::Query;
use tempfile::TempDir;
use tokio::sync::Notify;

use crate::world::{database, pieces};

macro_rules! block_store {
    ($name:ident, $open:expr, [$($test:ident),* $(,)?]) => {
        mod $name {
            use super::*;
            $(
                #[tokio::test]
                async fn $test() {
                    let (_keep, store) = $open;
                    super::$test(&store).await;
                }
            )*
        }
    };
    ($name:ident, $open:expr) => {
        block_store!($name, $open, [
            gives_back_what_it_took,
            refuses_and_forgets_what_is_too_long_or_breaks_off,
            a_put_that_is_dropped_is_not_there,
            lists_and_deletes_by_name,
            a_reader_reads_to_the_end_or_to_an_error,
            puts_at_once_do_not_mix,
            exports_to_a_new_file_only,
        ]);
    };
}

block_store!(files, {
    let folder = TempDir::new().unwrap();
    let store = FileBlocks::open(folder.path()).unwrap();
    (folder, store)
});

block_store!(database_on_sqlite, {
    let folder = TempDir::new().unwrap();
    let db = database(folder.path()).await;
    (folder, DatabaseBlocks::new(db, Clock::system()))
});

block_store!(s3, {
    let objects = ObjectStore::start().await.unwrap();
    let store = bucket(&objects);
    (objects, store)
});

/// A store in the bucket of an object store.
pub(crate) fn bucket(objects: &ObjectStore) -> S3Blocks {
    S3Blocks::open_as(&location(objects), &key(objects.credentials())).unwrap()
}

fn location(objects: &ObjectStore) -> S3Location {
    objects.url().parse().unwrap()
}

fn key((id, secret): (&str, &str)) -> S3Credentials {
    S3Credentials::Key {
        id: id.to_owned(),
        secret: secret.to_owned(),
        token: None,
    }
}

fn name(n: u8) -> BlockName {
    BlockName::new([n; 16])
}

async fn whole(store: &dyn BlockStore, name: BlockName) -> Vec<u8> {
    let body = store.read(name).await.unwrap();
    let pieces: Vec<Bytes> = body.bytes.try_collect().await.unwrap();
    pieces.concat()
}

async fn names(store: &dyn BlockStore) -> Vec<BlockName> {
    let mut names = Vec::new();
    for shard in 0..=u8::MAX {
        names.extend(store.list(shard).await.unwrap().iter().map(|b| b.name));
    }
    names
}

async fn gives_back_what_it_took(store: &dyn BlockStore) {
    for (n, len) in [0, 1, 300_000, SEALED_BLOCK_LEN].into_iter().enumerate() {
        let (name, bytes) = (name(n as u8), vec![n as u8; len]);
        let stored = store.put(name, pieces(&bytes)).await.unwrap();
        assert_eq!(stored.len, len as u64);
        assert_eq!(stored.hash.as_bytes(), blake3::hash(&bytes).as_bytes());
        assert_eq!(whole(store, name).await, bytes);
    }
}

async fn refuses_and_forgets_what_is_too_long_or_breaks_off(store: &dyn BlockStore) {
    let too_long = vec![0; SEALED_BLOCK_LEN + 1];
    let refused = store.put(name(1), pieces(&too_long)).await;
    assert!(matches!(refused, Err(Error::TooLarge)));
    let broken = [Ok(Bytes::from(vec![0; 600_000])), Err(Error::Interrupted)];
    let refused = store.put(name(2), stream::iter(broken).boxed()).await;
    assert!(matches!(refused, Err(Error::Interrupted)));
    assert!(names(store).await.is_empty());
    assert!(matches!(
        store.read(name(1)).await.err(),
        Some(Error::NotFound)
    ));
    assert_eq!(store.unfinished(u64::MAX).await.unwrap(), []);
}

async fn lists_and_deletes_by_name(store: &dyn BlockStore) {
    for n in [3, 1, 255] {
        store.put(name(n), pieces(&[n])).await.unwrap();
    }
    assert_eq!(names(store).await, [name(1), name(3), name(255)]);
    store.delete(name(3)).await.unwrap();
    store.delete(name(3)).await.unwrap();
    assert_eq!(names(store).await, [name(1), name(255)]);
    assert!(matches!(
        store.read(name(3)).await.err(),
        Some(Error::NotFound)
    ));
}

/// What is left of it can be found and removed.
async fn a_put_that_is_dropped_is_not_there(store: &dyn BlockStore) {
    let reached = Notify::new();
    let endless = stream::iter([Ok(Bytes::from(vec![0; 2_000_000]))])
        .chain(stream::once(async {
            reached.notify_one();
            std::future::pending().await
        }))
        .boxed();
    tokio::select! {
        _ = store.put(name(1), endless) => unreachable!("it does not end"),
        () = reached.notified() => {}
    }
    assert!(names(store).await.is_empty());
    assert!(matches!(
        store.read(name(1)).await.err(),
        Some(Error::NotFound)
    ));
    store.put(name(2), pieces(&[1; 2_000_000])).await.unwrap();
    for name in store.unfinished(u64::MAX).await.unwrap() {
        assert_eq!(store.unfinished(1).await.unwrap(), [], "too young");
        store.delete(name).await.unwrap();
    }
    assert_eq!(store.unfinished(u64::MAX).await.unwrap(), []);
    assert_eq!(names(store).await, [name(2)]);
}

async fn a_reader_reads_to_the_end_or_to_an_error(store: &dyn BlockStore) {
    let bytes = vec![7; 3_000_000];
    store.put(name(1), pieces(&bytes)).await.unwrap();
    let reader = store.read(name(1)).await.unwrap();
    assert_eq!(reader.len, bytes.len() as u64);
    store.delete(name(1)).await.unwrap();
    let read: Result<Vec<Bytes>, Error> = reader.bytes.try_collect().await;
    if let Ok(read) = read {
        assert_eq!(read.concat(), bytes);
    }
}

async fn puts_at_once_do_not_mix(store: &dyn BlockStore) {
    let bytes = |n: u8| vec![n; 600_000 + usize::from(n)];
    let puts = (0..12).map(|n| async move { store.put(name(n), pieces(&bytes(n))).await });
    for stored in futures::future::join_all(puts).await {
        stored.unwrap();
    }
    for n in 0..12 {
        assert_eq!(whole(store, name(n)).await, bytes(n));
    }
}

async fn exports_to_a_new_file_only(store: &dyn BlockStore) {
    let folder = TempDir::new().unwrap();
    let target = folder.path().join("copy");
    store.put(name(1), pieces(b"bytes")).await.unwrap();
    store.export(name(1), &target).await.unwrap();
    assert_eq!(std::fs::read(&target).unwrap(), b"bytes");
    assert!(store.export(name(1), &target).await.is_err());
    let missing = store.export(name(2), &folder.path().join("other")).await;
    assert!(matches!(missing, Err(Error::NotFound)));
}

#[tokio::test]
async fn a_file_is_read_to_its_end_though_it_is_deleted() {
    let folder = TempDir::new().unwrap();
    let store = FileBlocks::open(folder.path()).unwrap();
    store.put(name(1), pieces(&[7; 3_000_000])).await.unwrap();
    let reader = store.read(name(1)).await.unwrap();
    store.delete(name(1)).await.unwrap();
    let read: Vec<Bytes> = reader.bytes.try_collect().await.unwrap();
    assert_eq!(read.concat(), [7; 3_000_000]);
}

/// No row, and so no unit of work, is larger than TiDB takes when over quota.
#[tokio::test]
async fn a_full_block_is_eight_rows_in_the_database() {
    let folder = TempDir::new().unwrap();
    let db = database(folder.path()).await;
    let store = DatabaseBlocks::new(db.clone(), Clock::system());
    let full = vec![1; SEALED_BLOCK_LEN];
    store.put(name(1), pieces(&full)).await.unwrap();
    let mut snapshot = db.read().await.unwrap();
    let sql = "SELECT LENGTH(data) FROM block_parts ORDER BY idx";
    let rows = snapshot.query(sql, args![]).await.unwrap();
    let lengths: Vec<u64> = rows
        .into_iter()
        .map(|mut row| row.take(0).unwrap())
        .collect();
    assert_eq!(lengths.len(), 8);
    assert!(lengths.iter().all(|len| *len <= 513 * 1024));
    assert_eq!(lengths.iter().sum::<u64>(), SEALED_BLOCK_LEN as u64);
}

/// A part that is gone is an error, and not the end.
#[tokio::test]
async fn a_block_that_lost_a_part_does_not_end_early() {
    let folder = TempDir::new().unwrap();
    let db = database(folder.path()).await;
    let store = DatabaseBlocks::new(db.clone(), Clock::system());
    store.put(name(1), pieces(&[1; 2_000_000])).await.unwrap();
    let mut write = db.write().await.unwrap();
    let sql = "DELETE FROM block_parts WHERE idx = 3";
    assert_eq!(write.execute(sql, args![]).await.unwrap(), 1);
    write.commit().await.unwrap();
    let body = store.read(name(1)).await.unwrap();
    let read: Result<Vec<Bytes>, Error> = body.bytes.try_collect().await;
    assert!(matches!(read, Err(Error::NotFound)));
}

#[tokio::test]
async fn a_bucket_is_listed_beyond_one_page() {
    let objects = ObjectStore::start().await.unwrap();
    let store = bucket(&objects);
    let all: Vec<_> = (0..1100_u16)
        .map(|n| {
            let mut name = [9; 16];
            name[14..].copy_from_slice(&n.to_be_bytes());
            BlockName::new(name)
        })
        .collect();
    stream::iter(&all)
        .map(|name| store.put(*name, pieces(b"x")))
        .buffer_unordered(16)
        .try_for_each(|_| async { Ok(()) })
        .await
        .unwrap();
    let mut listed: Vec<_> = store.list(9).await.unwrap();
    listed.sort_by_key(|block| block.name);
    assert!(listed.iter().map(|block| block.name).eq(all));
    assert!(store.list(8).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_object_store_that_fails_is_tried_again_and_then_reported() {
    let mut objects = ObjectStore::start().await.unwrap();
    let store = bucket(&objects);
    objects.refuse(2);
    store.put(name(1), pieces(b"one")).await.unwrap();
    objects.refuse(2);
    assert_eq!(whole(&store, name(1)).await, b"one");

    objects.refuse(usize::MAX);
    let refused = store.put(name(2), pieces(b"two")).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    objects.refuse(0);
    assert_eq!(names(&store).await, [name(1)]);

    objects.stop().await;
    let refused = store.put(name(3), pieces(b"three")).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    let refused = store.read(name(1)).await.err();
    assert!(matches!(refused, Some(Error::Unavailable(_))));
    objects.restart().await.unwrap();
    assert_eq!(whole(&store, name(1)).await, b"one");
    store.put(name(3), pieces(b"three")).await.unwrap();
    assert_eq!(names(&store).await, [name(1), name(3)]);
}

/// Gone in the middle of a PUT: nothing is there, and what comes later is.
#[tokio::test]
async fn an_object_store_that_dies_under_a_put_has_nothing_of_it() {
    let mut objects = ObjectStore::start().await.unwrap();
    let store = bucket(&objects);
    objects.delay(Duration::from_secs(3600));
    let before = objects.requests();
    let bytes = vec![1; 3_000_000];
    let put = store.put(name(1), pieces(&bytes));
    let dies = async {
        while objects.requests() == before {
            tokio::task::yield_now().await;
        }
        objects.stop().await;
    };
    let (refused, ()) = futures::future::join(put, dies).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    objects.delay(Duration::ZERO);
    objects.restart().await.unwrap();
    assert!(names(&store).await.is_empty());
    store.put(name(2), pieces(&bytes)).await.unwrap();
    assert_eq!(names(&store).await, [name(2)]);
}

#[tokio::test]
async fn whoever_has_the_wrong_key_or_bucket_is_told_and_nothing_is_shown() {
    let objects = ObjectStore::start().await.unwrap();
    let (id, secret) = objects.credentials();
    for wrong in [(id, "not-the-secret"), ("nobody", secret)] {
        let store = S3Blocks::open_as(&location(&objects), &key(wrong)).unwrap();
        let refused = store.put(name(1), pieces(b"x")).await.unwrap_err();
        assert!(matches!(refused, Error::Denied(_)), "{refused:?}");
        for text in [refused.to_string(), format!("{refused:?} {store:?}")] {
            assert!(!text.contains(wrong.0) && !text.contains(wrong.1), "{text}");
        }
    }
    let elsewhere = objects.url().replace("s3://vault/", "s3://other/");
    let store = S3Blocks::open_as(&elsewhere.parse().unwrap(), &key((id, secret))).unwrap();
    let refused = store.list(0).await.unwrap_err();
    assert!(refused.to_string().contains("NoSuchBucket"), "{refused}");
}
