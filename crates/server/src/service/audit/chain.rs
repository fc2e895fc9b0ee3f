//! Moves events that wait into the chain, and prunes its beginning.

use std::time::Duration;

use super::event::{Detail, Event, Kind, note};
use super::{Audit, row};
use crate::service::{Error, Result};
use crate::store::audit::{self as store, Place};

/// Events that one unit of work moves.
const BATCH: u32 = 500;
/// How soon an event finds its place, about.
const PAUSE: Duration = Duration::from_secs(1);
/// Pruning waits until so much would go, so that a row that says so is not
/// most of what is left.
const PRUNE_MS: u64 = 24 * 60 * 60 * 1000;

impl Audit {
    /// Moves everything that waits into the chain; how many events.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn chain(&self) -> Result<u64> {
        let mut moved = 0;
        loop {
            let some = self.db.retry(|| self.chain_some()).await?;
            moved += some as u64;
            if some < BATCH as usize {
                return Ok(moved);
            }
        }
    }

    /// One batch, under the lock of the chain's row: nobody waits for it but
    /// other servers that do the same.
    async fn chain_some(&self) -> Result<usize> {
        if !store::is_waiting(&mut self.db.read().await?).await? {
            return Ok(0);
        }
        let mut w = self.db.write().await?;
        let chain = store::lock_chain(&mut w).await?;
        let chain = chain.ok_or(Error::Internal("the audit log has no chain"))?;
        let waiting = store::waiting(&mut w, BATCH).await?;
        if waiting.is_empty() {
            return Ok(0);
        }
        let mut end = chain.end;
        let mut rows = Vec::with_capacity(waiting.len());
        let mut ids = Vec::with_capacity(waiting.len());
        for (id, event) in waiting {
            let row = row::row(&self.kek, &end, event);
            end = Place {
                seq: row.seq,
                hash: row.hash,
            };
            ids.push(id);
            rows.push(row);
        }
        let count = rows.len();
        store::append(&mut w, rows).await?;
        store::remove_waiting(&mut w, ids.into_iter()).await?;
        let now_ms = self.clock.now_ms();
        let checkpoint = row::checkpoint(&self.signer, &self.instance, end, now_ms);
        store::add_checkpoint(&mut w, checkpoint).await?;
        store::advance(&mut w, end).await?;
        w.commit().await?;
        Ok(count)
    }

    /// Removes rows that are older than `keep_ms`, up to a checkpoint, and
    /// says so in the chain; how many.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn prune(&self, keep_ms: u64) -> Result<u64> {
        self.db.retry(|| self.prune_once(keep_ms)).await
    }

    async fn prune_once(&self, keep_ms: u64) -> Result<u64> {
        let now_ms = self.clock.now_ms();
        let before_ms = now_ms.saturating_sub(keep_ms);
        let mut read = self.db.read().await?;
        let chain = store::chain(&mut read).await?;
        let chain = chain.ok_or(Error::Internal("the audit log has no chain"))?;
        let oldest = store::rows(&mut read, chain.pruned.seq, 1).await?;
        let oldest_ms = oldest.first().map_or(now_ms, |row| row.event.at_ms);
        let checkpoint = store::checkpoint_before(&mut read, before_ms).await?;
        drop(read);
        let is_due = oldest_ms.saturating_add(PRUNE_MS) <= before_ms;
        let Some(to) = checkpoint.filter(|to| is_due && to.seq > chain.pruned.seq) else {
            return Ok(0);
        };
        let mut w = self.db.write().await?;
        let chain = store::lock_chain(&mut w).await?;
        let chain = chain.ok_or(Error::Internal("the audit log has no chain"))?;
        if chain.pruned.seq >= to.seq {
            return Ok(0);
        }
        let place = Place {
            seq: to.seq,
            hash: to.hash,
        };
        store::prune(&mut w, place).await?;
        let event = Event::by_nobody(Kind::Pruned).with(Detail::Number(to.seq));
        note(&mut w, now_ms, event).await?;
        w.commit().await?;
        Ok(to.seq - chain.pruned.seq)
    }

    /// Chains again and again, until dropped.
    pub(crate) async fn chain_forever(&self) {
        let mut is_failing = false;
        loop {
            tokio::time::sleep(PAUSE).await;
            let done = self.chain().await;
            if let (Err(error), false) = (&done, is_failing) {
                tracing::warn!(%error, "events wait for their place in the audit log");
            }
            is_failing = done.is_err();
        }
    }
}
