//! What the server does on its own: expiry, collection, pruning. Every job
//! is a run of short units of work that decide anew what they remove, so any
//! interleaving with appends and uploads, and any crash, is safe.

mod accounts;
mod collect;
mod envelopes;
mod orphans;
mod prune;

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use sv_ledger::limits::{ACCESS_TTL_MS, PAGE};

use crate::blocks::{BlockName, BlockStore};
use crate::clock::Clock;
use crate::db::{self, Database, Write};
use crate::metrics::Metrics;
use crate::random::Random;
use crate::service::Result;
use crate::service::vault::uploads::discard_upload;
use crate::store::{accesses, contents, leases};

/// Rows that one unit of work removes.
const BATCH: u32 = 500;
/// How long a run may keep a lease without renewing it. Servers' clocks must
/// agree far better than this.
const LEASE_MS: u64 = 10 * 60 * 1000;

/// What a run of the jobs did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Accounts that were deleted as their owners had asked.
    pub deleted_accounts: u64,
    /// Vaults of which nothing is left.
    pub removed_vaults: u64,
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
    /// Key envelopes whose entry never came.
    pub left_envelopes: u64,
    /// Notes of who fetched what, after their time.
    pub forgotten_accesses: u64,
    /// Removing files waits for a backup to end.
    pub removal_paused: bool,
    /// Another server is at it.
    pub done_elsewhere: bool,
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

    /// Runs every job once, unless another server does. A run that outlasts
    /// its lease may get company, which costs conflicts and nothing else.
    ///
    /// # Errors
    /// The first that fails; the others run at the next time.
    pub async fn run(&self) -> Result<Report> {
        let holder = self.random.bytes()?;
        if !self.claim(leases::JOBS, holder).await? {
            return Ok(Report {
                done_elsewhere: true,
                ..Report::default()
            });
        }
        let done = self.run_all(holder).await;
        self.end(leases::JOBS, holder).await?;
        done
    }

    async fn run_all(&self, holder: [u8; 16]) -> Result<Report> {
        let deleted_accounts = self.delete_accounts().await?;
        self.collect_remains().await?;
        let mut report = Report {
            deleted_accounts,
            removed_vaults: self.remove_vaults().await?,
            expired_uploads: self.expire_uploads().await?,
            collected_contents: self.collect_contents().await?,
            pruned_leaves: self.prune().await?,
            left_envelopes: self.remove_left_envelopes().await?,
            forgotten_accesses: self.forget_accesses().await?,
            ..Report::default()
        };
        self.expire_reservations().await?;
        (report.orphans, report.unfinished) = self.remove_orphans().await?;
        report.removal_paused = !self.claim(leases::BLOCK_REMOVAL, holder).await?;
        if !report.removal_paused {
            let removed = self.remove_discarded(holder).await;
            self.end(leases::BLOCK_REMOVAL, holder).await?;
            report.removed_files = removed?;
        }
        self.db.tidy().await?;
        Ok(report)
    }

    /// Runs every job, now and then every `period`, until dropped.
    pub(crate) async fn run_forever(&self, period: Duration, metrics: &Metrics) {
        let mut ticks = tokio::time::interval(period);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let outcome = self.run().await;
            metrics.job(&outcome);
            match outcome {
                Ok(report) if report == Report::default() || report.done_elsewhere => {}
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

    /// Forgets who fetched what, after its time.
    async fn forget_accesses(&self) -> Result<u64> {
        let before_ms = self.clock.now_ms().saturating_sub(ACCESS_TTL_MS);
        let mut total = 0;
        loop {
            let forget = || async {
                let mut write = self.db.write().await?;
                let forgotten = accesses::expire(&mut write, before_ms, BATCH).await?;
                write.commit().await?;
                Ok::<_, db::Error>(forgotten)
            };
            let forgotten = self.db.retry(forget).await?;
            total += forgotten as u64;
            if forgotten < BATCH as usize {
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

    async fn claim(&self, name: &'static str, holder: [u8; 16]) -> Result<bool> {
        let claim = || async {
            let mut write = self.db.write().await?;
            let is_held = self.claim_in(&mut write, name, holder).await?;
            write.commit().await?;
            Ok(is_held)
        };
        self.db.retry(claim).await
    }

    /// Takes or renews a lease. That on removing files is taken by a backup
    /// too, so that no file of its snapshot goes.
    async fn claim_in(
        &self,
        write: &mut Write,
        name: &'static str,
        holder: [u8; 16],
    ) -> Result<bool> {
        let now_ms = self.clock.now_ms();
        let until_ms = now_ms.saturating_add(LEASE_MS);
        Ok(leases::claim(write, name, holder, now_ms, until_ms).await?)
    }

    async fn end(&self, name: &'static str, holder: [u8; 16]) -> Result<()> {
        let end = || async {
            let mut write = self.db.write().await?;
            leases::release(&mut write, name, holder).await?;
            Ok(write.commit().await?)
        };
        self.db.retry(end).await
    }
}

/// Files that are removed at once.
const DELETES_AT_ONCE: usize = 8;
/// How many names are looked up together.
const NAMES: usize = PAGE;
