//! What the server does on its own: expiry, collection, pruning. Every job
//! is a run of short units of work that decide anew what they remove, so any
//! interleaving with appends and uploads, and any crash, is safe.

mod collect;
mod orphans;
mod prune;

use std::sync::Arc;
use std::time::Duration;

use sv_ledger::limits::PAGE;

use crate::blocks::BlockStore;
use crate::clock::Clock;
use crate::db::Database;
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
        let holder = self.random.bytes()?;
        if self.claim_removal(holder).await? {
            report.removed_files = self.remove_discarded(holder).await?;
            (report.orphans, report.unfinished) = self.remove_orphans(holder).await?;
            self.db.retry(|| self.end_removal(holder)).await?;
        } else {
            report.removal_paused = true;
        }
        self.db.tidy().await?;
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
        let mut total = 0;
        loop {
            let (due, expired) = self.db.retry(|| self.expire_some()).await?;
            total += expired;
            if due < BATCH as usize {
                return Ok(total);
            }
        }
    }

    /// How many were due, and how many of them given up.
    async fn expire_some(&self) -> Result<(usize, u64)> {
        let now_ms = self.clock.now_ms();
        let mut write = self.db.write().await?;
        let due = contents::expired_uploads(&mut write, now_ms, BATCH).await?;
        let mut expired = 0;
        for id in &due {
            let upload = contents::lock(&mut write, *id).await?;
            if let Some(upload) = upload.filter(|u| !u.committed && u.expires_ms <= now_ms) {
                discard_upload(&mut write, &upload, now_ms).await?;
                expired += 1;
            }
        }
        write.commit().await?;
        Ok((due.len(), expired))
    }

    /// Takes or renews the lease under which files are removed. A backup
    /// takes it too, so that no file of its snapshot goes.
    async fn claim_removal(&self, holder: [u8; 16]) -> Result<bool> {
        let name = leases::BLOCK_REMOVAL;
        let claim = || async {
            let now_ms = self.clock.now_ms();
            let until_ms = now_ms.saturating_add(LEASE_MS);
            let mut write = self.db.write().await?;
            let held = leases::claim(&mut write, name, holder, now_ms, until_ms).await?;
            write.commit().await?;
            Ok(held)
        };
        self.db.retry(claim).await
    }

    async fn end_removal(&self, holder: [u8; 16]) -> Result<()> {
        let mut write = self.db.write().await?;
        leases::release(&mut write, leases::BLOCK_REMOVAL, holder).await?;
        Ok(write.commit().await?)
    }
}

/// How many names are looked up together.
const NAMES: usize = PAGE;
