//! Blocks in the database, in rows of 513 KiB: a full block is eight. Each row
//! is a unit of work of its own, so that none is larger than the smallest
//! limit on one (1 MiB, engines.md §1.5). The first part is written last and
//! makes the block appear.

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use sv_ledger::id::Hash;
use sv_ledger::sealed::SEALED_BLOCK_LEN;

use super::{
    BlockBody, BlockName, BlockStore, BlockStream, Error, Listed, Owner, OwnerMark, Result, Stored,
};
use crate::clock::Clock;
use crate::db::Database;
use crate::store::block_parts::{self, NewPart};

/// Bytes of a part; the last is shorter. Above 100 KiB, below which TLS to
/// MySQL stalls, and with a sealed block in exactly eight.
const PART_LEN: usize = 513 * 1024;
const _: () = assert!(SEALED_BLOCK_LEN.div_ceil(PART_LEN) == 8);

/// Blocks in the database.
#[derive(Debug, Clone)]
pub struct DatabaseBlocks {
    db: Database,
    clock: Clock,
}

impl DatabaseBlocks {
    /// On a database that is open.
    pub const fn new(db: Database, clock: Clock) -> Self {
        Self { db, clock }
    }

    async fn store(&self, name: BlockName, mut bytes: BlockStream<'_>) -> Result<Stored> {
        let mut hasher = blake3::Hasher::new();
        let (mut waiting, mut first, mut index) = (BytesMut::new(), None, 1);
        while let Some(piece) = bytes.try_next().await? {
            hasher.update(&piece);
            if hasher.count() > SEALED_BLOCK_LEN as u64 {
                return Err(Error::TooLarge);
            }
            waiting.extend_from_slice(&piece);
            while waiting.len() >= PART_LEN {
                let part = waiting.split_to(PART_LEN);
                if first.is_none() {
                    first = Some(part);
                } else {
                    self.insert(name, index, 0, &part).await?;
                    index += 1;
                }
            }
        }
        let len = hasher.count();
        let first = match first {
            None => waiting,
            Some(first) => {
                if !waiting.is_empty() {
                    self.insert(name, index, 0, &waiting).await?;
                }
                first
            }
        };
        self.insert(name, 0, len, &first).await?;
        let hash = Hash::new(*hasher.finalize().as_bytes());
        Ok(Stored { len, hash })
    }

    async fn insert(&self, name: BlockName, index: u32, block_len: u64, data: &[u8]) -> Result<()> {
        let stored_ms = self.clock.now_ms();
        let work = || async move {
            let mut write = self.db.write().await?;
            let part = NewPart {
                index,
                block_len,
                stored_ms,
                data: data.to_vec(),
            };
            block_parts::insert(&mut write, name, part).await?;
            write.commit().await
        };
        Ok(self.db.retry(work).await?)
    }

    async fn remove(&self, name: BlockName) -> Result<()> {
        let work = || async move {
            let mut write = self.db.write().await?;
            block_parts::remove(&mut write, name).await?;
            write.commit().await
        };
        Ok(self.db.retry(work).await?)
    }

    /// Each part in a snapshot of its own: a download may take long, and a
    /// snapshot that stays open lets the write-ahead log grow.
    async fn open(&self, name: BlockName) -> Result<BlockBody> {
        let mut snapshot = self.db.read().await?;
        let first = block_parts::first(&mut snapshot, name).await?;
        drop(snapshot);
        let (len, first) = first.ok_or(Error::NotFound)?;
        let rest = Rest {
            db: self.db.clone(),
            name,
            next: 1,
            missing: len.saturating_sub(first.len() as u64),
        };
        let first = stream::iter([Ok(Bytes::from(first))]);
        let rest = stream::try_unfold(rest, Rest::next);
        let bytes = first.chain(rest).boxed();
        Ok(BlockBody { len, bytes })
    }
}

impl BlockStore for DatabaseBlocks {
    fn put<'a>(&'a self, name: BlockName, bytes: BlockStream<'a>) -> BoxFuture<'a, Result<Stored>> {
        async move {
            let done = self.store(name, bytes).await;
            if done.is_err() {
                // What cannot be removed now, a job finds as unfinished.
                let _ = self.remove(name).await;
            }
            done
        }
        .boxed()
    }

    fn read(&self, name: BlockName) -> BoxFuture<'_, Result<BlockBody>> {
        self.open(name).boxed()
    }

    fn delete(&self, name: BlockName) -> BoxFuture<'_, Result<()>> {
        self.remove(name).boxed()
    }

    fn list(&self, shard: u8) -> BoxFuture<'_, Result<Vec<Listed>>> {
        async move {
            let (mut first, mut last) = ([0; 16], [u8::MAX; 16]);
            (first[0], last[0]) = (shard, shard);
            let (first, last) = (BlockName::new(first), BlockName::new(last));
            let mut snapshot = self.db.read().await?;
            Ok(block_parts::finished(&mut snapshot, first, last).await?)
        }
        .boxed()
    }

    /// A database is one installation's.
    fn owner(&self, _: OwnerMark) -> BoxFuture<'_, Result<Owner>> {
        async { Ok(Owner::Us) }.boxed()
    }

    fn unfinished(&self, before_ms: u64) -> BoxFuture<'_, Result<Vec<BlockName>>> {
        async move {
            let mut snapshot = self.db.read().await?;
            Ok(block_parts::unfinished(&mut snapshot, before_ms).await?)
        }
        .boxed()
    }
}

/// What is still to be read of a block.
struct Rest {
    db: Database,
    name: BlockName,
    next: u32,
    missing: u64,
}

impl Rest {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>> {
        if self.missing == 0 {
            return Ok(None);
        }
        let mut snapshot = self.db.read().await?;
        let part = block_parts::lookup(&mut snapshot, self.name, self.next).await?;
        drop(snapshot);
        let part = Bytes::from(part.ok_or(Error::NotFound)?);
        self.next += 1;
        self.missing = self.missing.saturating_sub(part.len() as u64);
        Ok(Some((part, self)))
    }
}
