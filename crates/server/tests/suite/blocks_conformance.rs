//! What the block store port promises, for every implementation.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use sv_ledger::sealed::SEALED_BLOCK_LEN;
use sv_server::blocks::{BlockName, BlockStore, Error};
use tempfile::TempDir;

use crate::world::pieces;

macro_rules! block_store {
    ($name:ident, $open:expr) => {
        mod $name {
            use super::*;

            #[tokio::test]
            async fn gives_back_what_it_took() {
                let (_keep, store) = $open;
                super::gives_back_what_it_took(&store).await;
            }

            #[tokio::test]
            async fn refuses_and_forgets_what_is_too_long_or_breaks_off() {
                let (_keep, store) = $open;
                super::refuses_and_forgets_what_is_too_long_or_breaks_off(&store).await;
            }

            #[tokio::test]
            async fn lists_and_deletes_by_name() {
                let (_keep, store) = $open;
                super::lists_and_deletes_by_name(&store).await;
            }

            #[tokio::test]
            async fn a_reader_that_began_reads_to_the_end() {
                let (_keep, store) = $open;
                super::a_reader_that_began_reads_to_the_end(&store).await;
            }

            #[tokio::test]
            async fn exports_to_a_new_file_only() {
                let (_keep, store) = $open;
                super::exports_to_a_new_file_only(&store).await;
            }
        }
    };
}

block_store!(files, {
    let folder = TempDir::new().unwrap();
    let store = sv_server::blocks::FileBlocks::open(folder.path()).unwrap();
    (folder, store)
});

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
    assert_eq!(store.remove_unfinished(u64::MAX).await.unwrap(), 0);
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

async fn a_reader_that_began_reads_to_the_end(store: &dyn BlockStore) {
    let bytes = vec![7; 3_000_000];
    store.put(name(1), pieces(&bytes)).await.unwrap();
    let reader = store.read(name(1)).await.unwrap();
    store.delete(name(1)).await.unwrap();
    assert_eq!(reader.len, bytes.len() as u64);
    let read: Vec<Bytes> = reader.bytes.try_collect().await.unwrap();
    assert_eq!(read.concat(), bytes);
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
