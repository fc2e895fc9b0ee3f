//! Superseded leaves, and records that no kept leaf names.

use std::collections::BTreeSet;

use sv_ledger::id::{Hash, VaultId};

use super::{BATCH, Jobs};
use crate::db::Value;
use crate::service::Result;
use crate::store::{bodies, leaves, vaults};

/// How long a new device may take to fetch the leaves of one checkpoint.
const CHECKPOINT_MS: u64 = 60 * 60 * 1000;

impl Jobs {
    /// Removes leaves that were superseded long enough ago and that neither
    /// the newest checkpoint nor anything after it needs.
    pub(super) async fn prune(&self) -> Result<u64> {
        let before_ms = self.clock.now_ms().saturating_sub(CHECKPOINT_MS);
        let mut snapshot = self.db.read().await?;
        let candidates = leaves::vaults_superseded_before(&mut snapshot, before_ms).await?;
        drop(snapshot);
        let mut pruned = 0;
        for vault_id in candidates {
            loop {
                let prune = || self.prune_some(vault_id, before_ms);
                let removed = self.db.retry(prune).await?;
                pruned += removed as u64;
                if removed < BATCH as usize {
                    break;
                }
            }
        }
        Ok(pruned)
    }

    async fn prune_some(&self, vault_id: VaultId, before_ms: u64) -> Result<usize> {
        let mut write = self.db.write().await?;
        // Locked, so that no append names a record while it is removed.
        vaults::lock_head(&mut write, vault_id).await?;
        let Some(vault) = vaults::lookup(&mut write, vault_id).await? else {
            return Ok(0);
        };
        let checkpoint = vault.checkpoint_seq;
        let superseded =
            leaves::superseded(&mut write, vault_id, before_ms, checkpoint, BATCH).await?;
        let mut records: BTreeSet<Hash> = BTreeSet::new();
        let mut complete_from = 0;
        for leaf in &superseded {
            leaves::remove(&mut write, vault_id, leaf.node_id, leaf.since_seq).await?;
            records.insert(leaf.record_hash);
            complete_from = complete_from.max(leaf.until_seq);
        }
        let values: Vec<_> = records.iter().map(|hash| Value::from(*hash)).collect();
        for named in leaves::named_records(&mut write, vault_id, values).await? {
            records.remove(&named);
        }
        let unnamed: Vec<_> = records.into_iter().collect();
        bodies::remove_records(&mut write, vault_id, &unnamed).await?;
        vaults::raise_leaves_from(&mut write, vault_id, complete_from).await?;
        write.commit().await?;
        Ok(superseded.len())
    }
}
