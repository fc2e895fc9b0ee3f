//! Accounts whose time is over, and their vaults. Account and vaults go in
//! one unit of work, after which nobody reaches them; what is left of the
//! vaults in other tables follows in short ones.

use std::collections::{BTreeMap, BTreeSet};

use sv_ledger::id::{ContentId, VaultId};
use sv_ledger::limits::BLOCK_GRACE_MS;

use super::{BATCH, Jobs};
use crate::db::{Query, Write};
use crate::service::Result;
use crate::service::audit::{self, Event, Kind};
use crate::service::vault::named::Naming;
use crate::store::accounts::account;
use crate::store::{contents, garbage, members, named_vaults, references, remains};
use crate::store::{removed_vaults, vaults};

impl Jobs {
    /// Deletes accounts as their owners have asked, after their grace.
    pub(super) async fn delete_accounts(&self) -> Result<u64> {
        let mut deleted = 0;
        while let Some(is_gone) = self.db.retry(|| self.delete_next()).await? {
            deleted += u64::from(is_gone);
        }
        Ok(deleted)
    }

    /// Whether the next account is gone now; none if no account is due.
    async fn delete_next(&self) -> Result<Option<bool>> {
        let now_ms = self.clock.now_ms();
        let mut write = self.db.write().await?;
        let Some(uid) = account::next_deleted(&mut write, now_ms).await? else {
            return Ok(None);
        };
        let account = account::lock(&mut write, uid).await?;
        // A log-in may have called it off since it was found.
        let is_due = |from_ms: u64| from_ms <= now_ms;
        if !account.is_some_and(|a| a.deleted_from_ms.is_some_and(is_due)) {
            return Ok(Some(false));
        }
        for vault_id in vaults::owned_by(&mut write, uid).await? {
            // Locked, so that no append is under way.
            vaults::lock_head(&mut write, vault_id).await?;
            removed_vaults::insert(&mut write, vault_id).await?;
            // Until it is clear that nobody needs them.
            remains::keep(&mut write, vault_id).await?;
            members::remove_vault(&mut write, vault_id).await?;
            vaults::remove(&mut write, vault_id).await?;
        }
        account::remove(&mut write, uid).await?;
        let event = Event::by_nobody(Kind::Deleted).about(*uid.as_bytes());
        audit::note(&mut write, now_ms, event).await?;
        write.commit().await?;
        Ok(Some(true))
    }

    /// Gives up what remains of vaults that nobody names any more.
    pub(super) async fn collect_remains(&self) -> Result<()> {
        let mut after = VaultId::ZERO;
        loop {
            let mut snapshot = self.db.read().await?;
            let page = remains::page(&mut snapshot, after, BATCH).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = *last;
            let mut unneeded = Vec::new();
            for vault_id in page {
                if !is_needed(&mut snapshot, vault_id).await? {
                    unneeded.push(vault_id);
                }
            }
            drop(snapshot);
            // Nothing that is gone is named anew, so what was not needed then
            // never will be.
            for vault_id in unneeded {
                self.db.retry(|| self.give_up(vault_id)).await?;
            }
        }
    }

    async fn give_up(&self, vault_id: VaultId) -> Result<()> {
        let mut write = self.db.write().await?;
        remains::remove(&mut write, vault_id).await?;
        named_vaults::remove_vault(&mut write, vault_id).await?;
        removed_vaults::insert(&mut write, vault_id).await?;
        write.commit().await?;
        Ok(())
    }

    /// Removes what is left of vaults that are gone.
    pub(super) async fn remove_vaults(&self) -> Result<u64> {
        let mut removed = 0;
        while let Some(is_gone) = self.db.retry(|| self.remove_next()).await? {
            removed += u64::from(is_gone);
        }
        Ok(removed)
    }

    /// Removes some of the next vault; whether nothing is left. None if there
    /// is no such vault.
    async fn remove_next(&self) -> Result<Option<bool>> {
        let mut write = self.db.write().await?;
        let Some(vault_id) = removed_vaults::next(&mut write).await? else {
            return Ok(None);
        };
        let until_ms = self.clock.now_ms().saturating_add(BLOCK_GRACE_MS);
        let mut left = remove_references(&mut write, vault_id, until_ms).await?;
        if !left {
            left = removed_vaults::remove_some(&mut write, vault_id, BATCH).await?;
        }
        if !left {
            removed_vaults::forget(&mut write, vault_id).await?;
        }
        write.commit().await?;
        Ok(Some(!left))
    }
}

/// Whether a vault that is there has this one as a member or leads to it by
/// what its log names. However many do: what is needed and given up is lost.
async fn is_needed(q: &mut impl Query, vault_id: VaultId) -> Result<bool> {
    let mut naming = Naming::of(q, vault_id).await?;
    while !naming.level().is_empty() {
        let level = naming.level().iter().copied();
        if !vaults::existing(q, level).await?.is_empty() {
            return Ok(true);
        }
        naming.go_on(q).await?;
    }
    Ok(false)
}

/// Removes some references, and marks contents that have no other; whether
/// there were any.
async fn remove_references(write: &mut Write, vault_id: VaultId, until_ms: u64) -> Result<bool> {
    let some = references::of_vault(write, vault_id, BATCH).await?;
    let named: BTreeSet<ContentId> = some.iter().map(|(_, content)| *content).collect();
    // Locked, as whoever takes one up again locks it.
    contents::lock_all(write, named.iter().copied()).await?;
    let mut left: BTreeMap<ContentId, i64> = BTreeMap::new();
    for ((content, _), count) in references::counts(write, named.iter().copied()).await? {
        *left.entry(content).or_default() += count;
    }
    for (node, content) in &some {
        references::remove(write, vault_id, *node, *content).await?;
        *left.entry(*content).or_default() -= 1;
    }
    let unreferenced = left.iter().filter(|(_, count)| **count <= 0);
    garbage::mark(write, unreferenced.map(|(content, _)| *content), until_ms).await?;
    Ok(!some.is_empty())
}
