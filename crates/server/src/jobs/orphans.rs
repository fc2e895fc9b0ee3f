//! Files that were stored but whose row was never committed.

use std::collections::BTreeSet;

use super::{Jobs, NAMES};
use crate::blocks::BlockName;
use crate::db::Value;
use crate::service::Result;
use crate::store::{blocks, garbage};

/// Longer than any request lives.
const ORPHAN_AGE_MS: u64 = 24 * 60 * 60 * 1000;

impl Jobs {
    /// Removes orphans and what broken-off attempts have left; how many each.
    pub(super) async fn remove_orphans(&self, holder: [u8; 16]) -> Result<(u64, u64)> {
        let before_ms = self.clock.now_ms().saturating_sub(ORPHAN_AGE_MS);
        let unfinished = self.blocks.remove_unfinished(before_ms).await?;
        let mut orphans = 0;
        for shard in 0..=u8::MAX {
            let listed = self.blocks.list(shard).await?;
            let old: Vec<_> = listed
                .into_iter()
                .filter(|block| block.stored_ms < before_ms)
                .map(|block| block.name)
                .collect();
            for names in old.chunks(NAMES) {
                if !self.claim_removal(holder).await? {
                    return Ok((orphans, unfinished));
                }
                for name in self.unnamed(names).await? {
                    self.blocks.delete(name).await?;
                    orphans += 1;
                }
            }
        }
        Ok((orphans, unfinished))
    }

    /// Those of some files that no row names.
    async fn unnamed(&self, names: &[BlockName]) -> Result<BTreeSet<BlockName>> {
        let values: Vec<_> = names.iter().map(|name| Value::from(*name)).collect();
        let mut snapshot = self.db.read().await?;
        let mut unnamed: BTreeSet<_> = names.iter().copied().collect();
        for name in blocks::named_files(&mut snapshot, values.clone()).await? {
            unnamed.remove(&name);
        }
        for name in garbage::discarded_among(&mut snapshot, values).await? {
            unnamed.remove(&name);
        }
        Ok(unnamed)
    }
}
