//! Envelopes that came ahead of an entry which never came.

use std::collections::BTreeSet;

use sv_ledger::id::{Hash, VaultId};
use sv_ledger::limits::PAGE;

use super::{BATCH, Jobs};
use crate::db::{Value, Write};
use crate::service::Result;
use crate::store::{bodies, entries, envelopes_ahead, leaves, quotas, vaults};

/// Bytes of entries that are looked through together.
const LOOKED_THROUGH: u64 = 4 * 1024 * 1024;

impl Jobs {
    /// Removes those that nothing names.
    pub(super) async fn remove_left_envelopes(&self) -> Result<u64> {
        let mut removed = 0;
        loop {
            let mut snapshot = self.db.read().await?;
            let due = envelopes_ahead::due_vault(&mut snapshot, self.clock.now_ms()).await?;
            drop(snapshot);
            let Some(vault_id) = due else {
                return Ok(removed);
            };
            let remove = || self.remove_some_envelopes(vault_id);
            removed += self.db.retry(remove).await?;
        }
    }

    async fn remove_some_envelopes(&self, vault_id: VaultId) -> Result<u64> {
        let mut write = self.db.write().await?;
        // Locked, so that nothing names one while it is removed, and no more come.
        vaults::lock_head(&mut write, vault_id).await?;
        let now_ms = self.clock.now_ms();
        let due = envelopes_ahead::due(&mut write, vault_id, now_ms, BATCH).await?;
        let mut left = unnamed(&mut write, vault_id, &due).await?;
        // Somebody may have made a record of the same bytes: that is all it is now.
        let values = left.iter().map(|hash| Value::from(*hash)).collect();
        let records = leaves::named_records(&mut write, vault_id, values).await?;
        bodies::keep_as_records(&mut write, vault_id, &records).await?;
        left.retain(|hash| !records.contains(hash));
        let freed = bodies::remove_envelopes(&mut write, vault_id, &left).await?;
        // Of a vault that is gone nothing is charged any more.
        if let Some(vault) = vaults::lookup(&mut write, vault_id).await? {
            quotas::release(&mut write, vault.owner, freed).await?;
        }
        let looked_at: Vec<Hash> = due.into_iter().map(|(hash, _)| hash).collect();
        envelopes_ahead::forget(&mut write, vault_id, &looked_at).await?;
        write.commit().await?;
        Ok(left.len() as u64)
    }
}

/// Those of some envelopes that no entry names which could.
async fn unnamed(write: &mut Write, vault_id: VaultId, due: &[(Hash, u64)]) -> Result<Vec<Hash>> {
    let mut left: BTreeSet<Hash> = due.iter().map(|(hash, _)| *hash).collect();
    let mut from = due.iter().map(|(_, seq)| *seq).min();
    while let Some(seq) = from {
        let (log, more) =
            entries::membership_page(write, vault_id, seq, PAGE, LOOKED_THROUGH).await?;
        for hash in log.iter().flat_map(|entry| entry.body_hashes()) {
            left.remove(&hash);
        }
        let last = log.last().filter(|_| more);
        from = last.map(|entry| entry.body().seq + 1);
    }
    Ok(left.into_iter().collect())
}
