//! What the server does on its own: expiry, collection, pruning. Every job
//! is a run of short units of work that decide anew what they remove, so any
//! interleaving with appends and uploads, and any crash, is safe.

mod collect;
mod orphans;
mod prune;

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use sv_ledger::limits::PAGE;

use crate::blocks::{BlockName, BlockStore};
use crate::clock::Clock;
use crate::db::{Database, Write};
use crate::random::Random;
use crate::service::Result;
use crate::service::vault::uploads::discard_upload;
use crate::store::{contents, leases};

/// Rows that one unit of work removes.
const BATCH: u32 = 500;
/// How long a run may keep the lease on removing blocks without renewing it.
const LEASE_MS: u64 = 10 * 60 * 1000;

/// What a run of the jobs did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Uploads that had expired.
    pub expired_uploads: u64,
    /// Contents that nobody referred to any more.
    pub collected_contents: u64,
    /// Files that were discarded.
    pub removed_files: u64,
    /// Files that no row has ever named.
    pub orphans: u64,
    /// What broken-off uploads had left.
    pub unfinished: u64,
    /// Superseded leaves.
    pub pruned_leaves: u64,
    /// Removing files waits for a backup to end.
    pub removal_paused: bool,
}

/// The jobs of one server.
#[derive(Debug, Clone)]
pub struct Jobs {
    db: Database,
    blocks: Arc<dyn BlockStore>,
    clock: Clock,
    random: Random,
}

impl Jobs {
    /// On a database and a block store.
    pub fn new(db: Database, blocks: Arc<dyn BlockStore>, clock: Clock, random: Random) -> Self {
        Self {
            db,
            blocks,
            clock,
            random,
        }
    }

    /// Runs every job once.
    ///
    /// # Errors
    /// The first that fails; the others run at the next time.
    pub async fn run(&self) -> Result<Report> {
        let mut report = Report {
            expired_uploads: self.expire_uploads().await?,
            collected_contents: self.collect_contents().await?,
            pruned_leaves: self.prune().await?,
            ..Report::default()
        };
        self.expire_reservations().await?;
        (report.orphans, report.unfinished) = self.remove_orphans().await?;
        let holder = self.random.bytes()?;
        let mut write = self.db.write().await?;
        report.removal_paused = !self.claim_removal(&mut write, holder).await?;
        write.commit().await?;
        if !report.removal_paused {
            report.removed_files = self.remove_discarded(holder).await?;
            let mut write = self.db.write().await?;
            leases::release(&mut write, leases::BLOCK_REMOVAL, holder).await?;
            write.commit().await?;
        }
        Ok(report)
    }

    /// Runs every job, now and then every `period`, until dropped.
    pub async fn run_forever(&self, period: Duration) {
        let mut ticks = tokio::time::interval(period);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match self.run().await {
                Ok(report) if report == Report::default() => {}
                Ok(report) => tracing::info!(?report, "jobs"),
                Err(error) => tracing::error!(%error, "jobs"),
            }
        }
    }

    /// Gives up uploads whose time is over.
    async fn expire_uploads(&self) -> Result<u64> {
        let mut expired = 0;
        loop {
            let now_ms = self.clock.now_ms();
            let mut write = self.db.write().await?;
            let due = contents::expired_uploads(&mut write, now_ms, BATCH).await?;
            for id in &due {
                let upload = contents::lock(&mut write, *id).await?;
                if let Some(upload) = upload.filter(|u| !u.committed && u.expires_ms <= now_ms) {
                    discard_upload(&mut write, &upload, now_ms).await?;
                    expired += 1;
                }
            }
            write.commit().await?;
            if due.len() < BATCH as usize {
                return Ok(expired);
            }
        }
    }

    /// Removes files, a few at once.
    async fn delete_all(&self, names: impl IntoIterator<Item = BlockName>) -> Result<()> {
        let names = names.into_iter();
        let deletions: Vec<_> = names.map(|name| self.blocks.delete(name)).collect();
        stream::iter(deletions)
            .buffer_unordered(DELETES_AT_ONCE)
            .try_collect::<()>()
            .await?;
        Ok(())
    }

    /// Takes or renews the lease under which files are removed. A backup
    /// takes it too, so that no file of its snapshot goes.
    async fn claim_removal(&self, write: &mut Write, holder: [u8; 16]) -> Result<bool> {
        let now_ms = self.clock.now_ms();
        let until_ms = now_ms.saturating_add(LEASE_MS);
        let name = leases::BLOCK_REMOVAL;
        Ok(leases::claim(write, name, holder, now_ms, until_ms).await?)
    }
}

/// Files that are removed at once.
const DELETES_AT_ONCE: usize = 8;
/// How many names are looked up together.
const NAMES: usize = PAGE;
