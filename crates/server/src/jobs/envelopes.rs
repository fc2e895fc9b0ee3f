//! Envelopes that came ahead of an entry which never came.

use std::collections::BTreeSet;

use sv_ledger::id::{Hash, VaultId};

use super::{BATCH, Jobs};
use crate::db;
use crate::service::Result;
use crate::store::{bodies, entries, envelopes_ahead, quotas, vaults};

impl Jobs {
    /// Removes those that no entry names.
    pub(super) async fn remove_left_envelopes(&self) -> Result<u64> {
        let mut removed = 0;
        loop {
            let mut snapshot = self.db.read().await?;
            let due = envelopes_ahead::due(&mut snapshot, self.clock.now_ms(), BATCH).await?;
            drop(snapshot);
            if due.is_empty() {
                return Ok(removed);
            }
            for vault_id in due {
                let remove = || self.remove_some_envelopes(vault_id);
                while let Some(some) = self.db.retry(remove).await? {
                    removed += some;
                }
            }
        }
    }

    /// How many it removed; none if there is nothing left to remove.
    async fn remove_some_envelopes(&self, vault_id: VaultId) -> Result<Option<u64>> {
        let mut write = self.db.write().await?;
        // Locked, so that no entry names one while it is removed, and no more come.
        vaults::lock_head(&mut write, vault_id).await?;
        if !envelopes_ahead::is_due(&mut write, vault_id, self.clock.now_ms()).await? {
            return Ok(None);
        }
        let left = left_envelopes(&mut write, vault_id).await?;
        let some = left.get(..BATCH as usize).unwrap_or(&left);
        let freed = bodies::remove_envelopes(&mut write, vault_id, some).await?;
        if let Some(vault) = vaults::lookup(&mut write, vault_id).await? {
            quotas::release(&mut write, vault.owner, freed).await?;
        }
        let is_last = some.len() == left.len();
        if is_last {
            envelopes_ahead::forget(&mut write, vault_id).await?;
        }
        write.commit().await?;
        Ok(Some(some.len() as u64))
    }
}

/// Envelopes of a locked vault that no entry names. Of a vault that is gone
/// they go with everything else of it.
async fn left_envelopes(write: &mut db::Write, vault_id: VaultId) -> Result<Vec<Hash>> {
    let log = entries::of_membership(write, vault_id).await?;
    let named: BTreeSet<Hash> = log.iter().flat_map(|entry| entry.body_hashes()).collect();
    let all = bodies::envelopes(write, vault_id).await?;
    Ok(all
        .into_iter()
        .filter(|hash| !named.contains(hash))
        .collect())
}
