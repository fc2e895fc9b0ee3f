//! Who fetched what from shared vaults, as this server saw it. Blocks are
//! counted in memory and written together a little later, so that reading
//! never waits for a write; a crash loses the last seconds of it. There is one
//! note for each person, content and day, and of each vault the newest
//! [`ACCESSES`] are kept. Vaults that nobody shares have no such list.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sv_api::share::{AccessPage, ContentAccess};
use sv_ledger::id::{AccessId, ContentId, VaultId};
use sv_ledger::limits::ACCESSES;
use sv_ledger::state::Role;

use super::Vaults;
use super::access::{Access, Oversee, Read, Vault};
use crate::db::{self, Write as WriteUnit};
use crate::service::Result;
use crate::store::accesses::{self as store, StoredAccess};
use crate::store::members;

/// A download that paused so long is over.
const IDLE_MS: u64 = 3_000;
/// One that lasts longer is written down in parts.
const LONGEST_MS: u64 = 60_000;
/// Downloads in memory; with more, all are written at once.
const KEPT: usize = 10_000;
/// How often is looked for those that are over.
const PAUSE: Duration = Duration::from_secs(1);
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Accesses in one answer.
const PAGE: usize = 500;

/// Vault, principal, content.
type Key = (VaultId, VaultId, ContentId);

/// Downloads that are not written down yet. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Accesses(Arc<Mutex<BTreeMap<Key, Counted>>>);

#[derive(Debug, Clone, Copy)]
struct Counted {
    first_ms: u64,
    last_ms: u64,
    blocks: u64,
}

impl Accesses {
    /// Counts a block of each of some contents.
    fn count(&self, vault_id: VaultId, principal: VaultId, contents: &[ContentId], now_ms: u64) {
        let mut kept = self.lock();
        for content_id in contents {
            let fresh = Counted {
                first_ms: now_ms,
                last_ms: now_ms,
                blocks: 0,
            };
            let counted = kept
                .entry((vault_id, principal, *content_id))
                .or_insert(fresh);
            counted.last_ms = counted.last_ms.max(now_ms);
            counted.blocks += 1;
        }
    }

    /// Takes out those that are over, or all.
    fn take(&self, now_ms: u64, all: bool) -> Vec<(Key, Counted)> {
        let mut kept = self.lock();
        let all = all || kept.len() > KEPT;
        let is_over = |counted: &Counted| {
            all || counted.last_ms.saturating_add(IDLE_MS) <= now_ms
                || counted.first_ms.saturating_add(LONGEST_MS) <= now_ms
        };
        let over: Vec<_> = kept
            .iter()
            .filter(|(_, counted)| is_over(counted))
            .map(|(key, counted)| (*key, *counted))
            .collect();
        over.iter().for_each(|(key, _)| {
            kept.remove(key);
        });
        over
    }

    /// Keeps what was taken out and could not be written down, beside what was
    /// counted since. It does not grow without end: blocks are answered with
    /// only where the database answers.
    fn put_back(&self, taken: &[(Key, Counted)]) {
        let mut kept = self.lock();
        for (key, counted) in taken {
            let since = kept.get(key).copied();
            let whole = since.map_or(*counted, |since| Counted {
                first_ms: counted.first_ms.min(since.first_ms),
                last_ms: counted.last_ms.max(since.last_ms),
                blocks: counted.blocks + since.blocks,
            });
            kept.insert(*key, whole);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Counted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Vaults {
    /// Counts blocks that are about to be answered with.
    pub(super) fn count_access(&self, access: &Access<Read, Vault>, contents: &[ContentId]) {
        if access.is_shared() {
            let now_ms = self.clock.now_ms();
            self.accesses
                .count(access.vault_id(), access.principal(), contents, now_ms);
        }
    }

    /// Accesses before `before`, newest first: all of them for whoever
    /// decides who has access, for anybody else their own.
    ///
    /// # Errors
    /// [`crate::service::Error::Database`].
    pub async fn accesses(
        &self,
        access: &Access<Oversee, Vault>,
        before: AccessId,
    ) -> Result<AccessPage> {
        let only = (!access.is_at_least(Role::Manager)).then_some(access.principal());
        let mut snapshot = self.db.read().await?;
        let vault_id = access.vault_id();
        let mut page = store::page(&mut snapshot, vault_id, before, only, PAGE + 1).await?;
        let more = page.len() > PAGE;
        page.truncate(PAGE);
        let accesses = page.into_iter().map(|stored| ContentAccess {
            access_id: stored.access_id,
            uid: stored.principal,
            content_id: stored.content_id,
            first_ms: stored.first_ms,
            last_ms: stored.last_ms,
            blocks: stored.blocks,
        });
        Ok(AccessPage {
            accesses: accesses.collect(),
            more,
        })
    }

    /// Writes down the downloads that are over, or all; how many.
    ///
    /// # Errors
    /// [`crate::service::Error`]; they are tried again then.
    pub async fn write_accesses(&self, all: bool) -> Result<usize> {
        let over = self.accesses.take(self.clock.now_ms(), all);
        if over.is_empty() {
            return Ok(0);
        }
        let done = self.store_accesses(&over).await;
        if done.is_err() {
            self.accesses.put_back(&over);
        }
        done.map(|()| over.len())
    }

    async fn store_accesses(&self, over: &[(Key, Counted)]) -> Result<()> {
        let mut by_vault: BTreeMap<VaultId, Vec<StoredAccess>> = BTreeMap::new();
        for ((vault_id, principal, content_id), counted) in over {
            let access = StoredAccess {
                vault_id: *vault_id,
                access_id: access_id(counted.first_ms, self.random.bytes()?),
                principal: *principal,
                content_id: *content_id,
                first_ms: counted.first_ms,
                last_ms: counted.last_ms,
                blocks: counted.blocks,
            };
            by_vault.entry(*vault_id).or_default().push(access);
        }
        let noted = || async {
            let mut write = self.db.write().await?;
            // Whoever is alone somewhere knows what they fetched.
            let vaults = by_vault.keys().copied();
            for vault_id in members::shared_among(&mut write, vaults).await? {
                if let Some(accesses) = by_vault.get(&vault_id) {
                    note_of_vault(&mut write, vault_id, accesses).await?;
                }
            }
            write.commit().await
        };
        Ok(self.db.retry(noted).await?)
    }

    /// Writes downloads down as they end, until dropped.
    pub(crate) async fn write_accesses_forever(&self) {
        let mut is_failing = false;
        loop {
            tokio::time::sleep(PAUSE).await;
            let done = self.write_accesses(false).await;
            if let (Err(error), false) = (&done, is_failing) {
                tracing::warn!(%error, "downloads cannot be written down; they are kept and tried again");
            }
            is_failing = done.is_err();
        }
    }
}

/// Adds what was fetched from one vault to what is noted of the same day.
/// Several servers at once may make two notes of one, and nothing worse.
async fn note_of_vault(
    write: &mut WriteUnit,
    vault_id: VaultId,
    accesses: &[StoredAccess],
) -> db::Result<()> {
    let days = accesses.iter().map(|access| day(access.first_ms));
    let from = access_id(days.min().unwrap_or(0) * DAY_MS, [0; 8]);
    let contents: BTreeSet<ContentId> = accesses.iter().map(|a| a.content_id).collect();
    let known = store::since(write, vault_id, from, contents.into_iter()).await?;
    let place = |access: &StoredAccess| {
        let day = day(access.first_ms);
        (access.principal, access.content_id, day)
    };
    let mut noted: BTreeMap<_, _> = known.into_iter().map(|a| (place(&a), a)).collect();
    let mut changed = BTreeSet::new();
    for access in accesses {
        let key = place(access);
        changed.insert(key);
        let note = noted.entry(key).or_insert(StoredAccess {
            blocks: 0,
            ..*access
        });
        note.last_ms = note.last_ms.max(access.last_ms);
        note.blocks += access.blocks;
    }
    noted.retain(|key, _| changed.contains(key));
    let notes: Vec<_> = noted.into_values().collect();
    store::put(write, &notes).await?;
    let count = store::count(write, vault_id).await?;
    match count.checked_sub(ACCESSES) {
        None | Some(0) => Ok(()),
        Some(over) => store::forget_oldest(write, vault_id, over).await,
    }
}

/// Ids are in the order of the first block.
fn access_id(first_ms: u64, random: [u8; 8]) -> AccessId {
    let mut id = [0; AccessId::LEN];
    let bytes = first_ms.to_be_bytes().into_iter().chain(random);
    id.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    AccessId::new(id)
}

const fn day(at_ms: u64) -> u64 {
    at_ms / DAY_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    const VAULT: VaultId = VaultId::new([1; 32]);
    const WHO: VaultId = VaultId::new([2; 32]);

    #[test]
    fn a_download_is_one_access_once_it_is_over() {
        let accesses = Accesses::default();
        let content = ContentId::new([3; 16]);
        for moment_ms in [1_000, 2_000, 3_000] {
            accesses.count(VAULT, WHO, &[content], moment_ms);
        }
        assert!(accesses.take(3_000 + IDLE_MS - 1, false).is_empty());
        let over = accesses.take(3_000 + IDLE_MS, false);
        let [(_, counted)] = over.as_slice() else {
            panic!("{over:?}");
        };
        assert_eq!(
            (counted.first_ms, counted.last_ms, counted.blocks),
            (1_000, 3_000, 3)
        );
        assert!(accesses.take(u64::MAX, true).is_empty());
    }

    #[test]
    fn a_long_download_and_too_many_are_written_at_once() {
        let accesses = Accesses::default();
        let content = ContentId::new([3; 16]);
        accesses.count(VAULT, WHO, &[content], 0);
        accesses.count(VAULT, WHO, &[content], LONGEST_MS);
        assert_eq!(accesses.take(LONGEST_MS, false).len(), 1);
        let many: Vec<_> = (0..=KEPT as u128)
            .map(|n| ContentId::new(n.to_be_bytes()))
            .collect();
        accesses.count(VAULT, WHO, &many, 5);
        assert_eq!(accesses.take(5, false).len(), many.len());
    }

    #[test]
    fn what_could_not_be_written_is_counted_with_what_came_since() {
        let accesses = Accesses::default();
        let content = ContentId::new([3; 16]);
        for moment_ms in [1_000, 2_000] {
            accesses.count(VAULT, WHO, &[content], moment_ms);
        }
        let taken = accesses.take(0, true);
        accesses.count(VAULT, WHO, &[content], 9_000);
        accesses.put_back(&taken);
        let over = accesses.take(0, true);
        let [(_, counted)] = over.as_slice() else {
            panic!("{over:?}");
        };
        assert_eq!(
            (counted.first_ms, counted.last_ms, counted.blocks),
            (1_000, 9_000, 3)
        );
    }
}
