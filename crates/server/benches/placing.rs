//! Where a short block should rest: in a row of the database, durable with
//! the entry that adds it, or as a file of its own. What the limit
//! `INLINE_LEN` was chosen by (docs/decisions/0005). Wants a quiet disk;
//! `TMPDIR` says which.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark that cannot run has failed"
)]

use std::time::Instant;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use sv_ledger::id::{ContentId, Hash};
use sv_server::blocks::{BlockName, BlockStore, FileBlocks};
use sv_server::db::Database;
use sv_server::store::blocks::{self, Block, Place, PlacedBlock};
use tempfile::TempDir;

/// Blocks of one entry.
const BATCH: usize = 50;
const BATCHES: usize = 8;
const KIB: [usize; 6] = [4, 16, 64, 128, 256, 512];

#[tokio::main]
async fn main() {
    println!("KiB     rows: store   read   files: store   read  MiB/s");
    for kib in KIB {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite://{}", folder.path().join("vault.db").display());
        let db = Database::open(&url).await.unwrap();
        let files = FileBlocks::open(folder.path()).unwrap();
        let bytes = Bytes::from(vec![0xa5; kib * 1024]);
        let mib = (BATCH * BATCHES * kib) as f64 / 1024.0;

        let start = Instant::now();
        for batch in 0..BATCHES {
            let rows = (0..BATCH).map(|n| block(batch, n, &bytes, Place::Row(bytes.to_vec())));
            commit(&db, rows.collect()).await;
        }
        let store_rows = mib / start.elapsed().as_secs_f64();
        let start = Instant::now();
        for batch in 0..BATCHES {
            for n in 0..BATCH {
                let mut snapshot = db.read().await.unwrap();
                let (id, _) = block(batch, n, &bytes, Place::Row(Vec::new()));
                let found = blocks::lookup(&mut snapshot, id, 0).await.unwrap();
                assert!(
                    matches!(found.unwrap().place, Place::Row(row) if row.len() == bytes.len())
                );
            }
        }
        let read_rows = mib / start.elapsed().as_secs_f64();

        let start = Instant::now();
        for batch in 0..BATCHES {
            // As a client sends them: several at once, each durable on its own.
            let puts = stream::iter(0..BATCH).map(|n| put(&files, name(batch, n), &bytes));
            let placed: Vec<BlockName> = puts.buffer_unordered(4).collect().await;
            let rows = placed
                .into_iter()
                .enumerate()
                .map(|(n, name)| block(batch + BATCHES, n, &bytes, Place::File(name)));
            commit(&db, rows.collect()).await;
        }
        let store_files = mib / start.elapsed().as_secs_f64();
        let start = Instant::now();
        for batch in 0..BATCHES {
            for n in 0..BATCH {
                let body = files.read(name(batch, n)).await.unwrap();
                let pieces: Vec<Bytes> = body.bytes.try_collect().await.unwrap();
                assert_eq!(pieces.concat().len(), bytes.len());
            }
        }
        let read_files = mib / start.elapsed().as_secs_f64();
        println!(
            "{kib:3}          {store_rows:8.1} {read_rows:6.0}       {store_files:8.1} {read_files:6.0}         rows/files {:.2}",
            store_rows / store_files
        );
    }
}

fn name(batch: usize, n: usize) -> BlockName {
    let hash = blake3::hash(&[batch as u8, n as u8]);
    BlockName::new(*hash.as_bytes().first_chunk().unwrap())
}

async fn put(files: &FileBlocks, name: BlockName, bytes: &Bytes) -> BlockName {
    let bytes = stream::iter([Ok(bytes.clone())]).boxed();
    files.put(name, bytes).await.unwrap();
    name
}

fn block(batch: usize, n: usize, bytes: &Bytes, place: Place) -> (ContentId, PlacedBlock) {
    let mut id = [0; 16];
    id[0] = batch as u8;
    id[1] = n as u8;
    let block = Block {
        index: 0,
        len: bytes.len() as u64,
        hash: Hash::new(*blake3::hash(bytes).as_bytes()),
    };
    (ContentId::new(id), PlacedBlock { block, place })
}

async fn commit(db: &Database, rows: Vec<(ContentId, PlacedBlock)>) {
    let mut write = db.write().await.unwrap();
    blocks::insert(&mut write, rows.into_iter()).await.unwrap();
    write.commit().await.unwrap();
}
