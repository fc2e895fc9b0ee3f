//! Files that were stored but whose row was never committed.
//!
//! A file is reserved, named by a row, discarded, and then nothing; it never
//! goes back (`store/reservations.rs`). So what was in the store before a
//! snapshot, and is nothing in the snapshot, is nothing for ever. The age is
//! a courtesy to whoever starts an older database by mistake.

use std::collections::BTreeSet;

use super::{Jobs, NAMES};
use crate::blocks::{BlockName, Owner, OwnerMark};
use crate::db::Value;
use crate::service::Result;
use crate::store::accounts::instance;
use crate::store::{blocks, garbage, leases, reservations};

/// How old an orphan is before it goes.
const ORPHAN_AGE_MS: u64 = 24 * 60 * 60 * 1000;
/// How often the store is looked through: listing a bucket costs money.
const SWEEP_PERIOD_MS: u64 = 6 * 60 * 60 * 1000;

impl Jobs {
    /// Ends reservations that nobody used in time.
    pub(super) async fn expire_reservations(&self) -> Result<()> {
        let expire = || async {
            let mut write = self.db.write().await?;
            reservations::expire(&mut write, self.clock.now_ms()).await?;
            Ok(write.commit().await?)
        };
        self.db.retry(expire).await
    }

    /// Removes orphans and what broken-off attempts have left, now and then;
    /// how many each.
    pub(super) async fn remove_orphans(&self) -> Result<(u64, u64)> {
        if !self.is_sweep_due().await? {
            return Ok((0, 0));
        }
        match self.blocks.owner(self.mark().await?).await? {
            Owner::Us => {}
            // Another one may have marked it at the same time: the next look
            // shows who was last.
            Owner::New => return Ok((0, 0)),
            Owner::Other => {
                tracing::error!(
                    "the block store belongs to another database: use a folder or prefix of its \
                     own for each; nothing that looks like garbage is removed here"
                );
                return Ok((0, 0));
            }
        }
        let before_ms = self.clock.now_ms().saturating_sub(ORPHAN_AGE_MS);
        let unfinished = self.blocks.unfinished(before_ms).await?;
        let unfinished = self.remove_unnamed(&unfinished).await?;
        let mut orphans = 0;
        for shard in 0..=u8::MAX {
            let listed = self.blocks.list(shard).await?;
            let old: Vec<_> = listed
                .into_iter()
                .filter(|block| block.stored_ms < before_ms)
                .map(|block| block.name)
                .collect();
            orphans += self.remove_unnamed(&old).await?;
        }
        Ok((orphans, unfinished))
    }

    /// Removes those of some files that are nothing. They must have been in
    /// the store before this.
    async fn remove_unnamed(&self, files: &[BlockName]) -> Result<u64> {
        let mut removed = 0;
        for names in files.chunks(NAMES) {
            let unnamed = self.unnamed(names).await?;
            removed += unnamed.len() as u64;
            self.delete_all(unnamed).await?;
        }
        Ok(removed)
    }

    /// Those of some files that no row names, in the order in which a file
    /// goes through the tables: none slips through between two looks.
    async fn unnamed(&self, names: &[BlockName]) -> Result<BTreeSet<BlockName>> {
        let values: Vec<_> = names.iter().map(|name| Value::from(*name)).collect();
        let mut snapshot = self.db.read().await?;
        let mut known = reservations::among(&mut snapshot, values.clone()).await?;
        known.extend(blocks::named_files(&mut snapshot, values.clone()).await?);
        known.extend(garbage::discarded_among(&mut snapshot, values).await?);
        let mut unnamed: BTreeSet<_> = names.iter().copied().collect();
        for name in known {
            unnamed.remove(&name);
        }
        Ok(unnamed)
    }

    /// What tells this installation from another.
    async fn mark(&self) -> Result<OwnerMark> {
        let mut snapshot = self.db.read().await?;
        let instance = instance::lookup(&mut snapshot).await?;
        Ok(instance.map_or([0; 32], |instance| instance.nonce))
    }

    /// Whether it is time, and this server is the first to notice.
    async fn is_sweep_due(&self) -> Result<bool> {
        let (holder, now_ms) = (self.random.bytes()?, self.clock.now_ms());
        let until_ms = now_ms.saturating_add(SWEEP_PERIOD_MS);
        let name = leases::ORPHAN_SWEEP;
        let claim = || async {
            let mut write = self.db.write().await?;
            let is_due = leases::claim(&mut write, name, holder, now_ms, until_ms).await?;
            write.commit().await?;
            Ok(is_due)
        };
        self.db.retry(claim).await
    }
}
