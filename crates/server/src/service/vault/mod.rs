//! Vaults: append, read, uploads, downloads.
//!
//! Who may do what is decided once, by [`Vaults::authorise`]; what it answers
//! with, [`Access`], is what reading and writing take.

mod access;
mod accesses;
mod admission;
mod append;
pub(crate) mod bodies;
mod create;
mod downloads;
pub(crate) mod named;
mod names;
mod prepare;
mod principals;
pub(in crate::service) mod reach;
mod read;
mod references;
mod transfer;
pub(crate) mod uploads;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sv_ledger::id::VaultId;
use sv_ledger::limits::{CLOCK_SKEW_MS, NESTING};
use sv_ledger::sealed::content_len;
use sv_ledger::state::VaultState;

pub use access::{Access, Mode, Oversee, Read, Vault, Write};
pub use create::{PreparedVault, create_vault};

use accesses::Accesses;
use names::Names;

use crate::blocks::BlockStore;
use crate::clock::Clock;
use crate::db::Database;
use crate::random::Random;
use crate::service::Result;
use crate::service::listeners::Listeners;
use crate::store::members;

/// Bytes of records, entries or blocks in one answer, about.
const ANSWER_LEN: u64 = 4 * 1024 * 1024;

/// The largest file that is taken.
#[derive(Debug, Clone, Copy)]
struct MaxFile {
    bytes: u64,
    /// The same sealed, which is all that a server sees: it does not know for
    /// which vault a block is. A Fernet token, a third larger than what is in
    /// it, reaches this at three quarters of the bytes.
    sealed_len: u64,
}

/// Everything about vaults. Clones share the same database and blocks.
#[derive(Debug, Clone)]
pub struct Vaults {
    db: Database,
    blocks: Arc<dyn BlockStore>,
    clock: Clock,
    random: Random,
    names: Names,
    max_file: Option<MaxFile>,
    listeners: Listeners,
    accesses: Accesses,
}

impl Vaults {
    /// On a database and a block store.
    pub fn new(db: Database, blocks: Arc<dyn BlockStore>, clock: Clock, random: Random) -> Self {
        Self {
            db,
            blocks,
            clock,
            random,
            names: Names::default(),
            max_file: None,
            listeners: Listeners::default(),
            accesses: Accesses::default(),
        }
    }

    /// The same, but files of more than `bytes` are refused.
    pub fn with_max_file(mut self, bytes: Option<u64>) -> Self {
        self.max_file = bytes.map(|bytes| MaxFile {
            bytes,
            sealed_len: content_len(bytes).unwrap_or(u64::MAX),
        });
        self
    }

    /// Bytes of the largest file that is taken; none for no limit.
    pub fn max_file_bytes(&self) -> Option<u64> {
        self.max_file.map(|max| max.bytes)
    }

    pub(crate) const fn listeners(&self) -> &Listeners {
        &self.listeners
    }

    /// Tells the members who listen here of a new head, after it was committed;
    /// those who are members through other vaults, too. What cannot be read
    /// now is found by the next look.
    async fn announce(&self, state: &VaultState) {
        if !self.listeners.has_any() {
            return;
        }
        let now_ms = self.clock.now_ms();
        // Whose time is over hears no more of it.
        let members = state.membership.members.iter();
        let members = members.filter(|(_, member)| !member.is_expired(now_ms));
        let mut inside = BTreeSet::new();
        for (id, member) in members {
            self.listeners.tell(*id, state.vault_id(), state.head);
            if member.keys.is_vault() {
                inside.insert(*id);
            }
        }
        for member in self.inside(inside).await.unwrap_or_default() {
            self.listeners.tell(member, state.vault_id(), state.head);
        }
    }

    /// The members of some vaults, and of vaults among those.
    async fn inside(&self, vaults: BTreeSet<VaultId>) -> Result<BTreeSet<VaultId>> {
        let mut all = BTreeSet::new();
        let mut level = vaults;
        for _ in 0..NESTING {
            if level.is_empty() {
                break;
            }
            let now_ms = self.clock.now_ms();
            let mut snapshot = self.db.read().await?;
            let members = members::of_vaults(&mut snapshot, level.into_iter(), now_ms).await?;
            level = members.into_iter().filter(|id| all.insert(*id)).collect();
        }
        Ok(all)
    }
}

/// The sender's clock is right enough.
fn is_timely(timestamp_ms: u64, now_ms: u64) -> bool {
    timestamp_ms.abs_diff(now_ms) <= CLOCK_SKEW_MS
}

/// The first of `keys` that are there and fit in one answer; at least one, if
/// the first is there.
fn leading<'k, K: Ord>(keys: &'k [K], lengths: &BTreeMap<K, u64>) -> &'k [K] {
    let mut total = 0;
    let count = keys
        .iter()
        .map_while(|key| lengths.get(key))
        .zip(0..)
        .take_while(|(len, place)| {
            total += **len + 4;
            *place == 0 || total <= ANSWER_LEN
        })
        .count();
    keys.get(..count).unwrap_or(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_stops_early_but_never_skips() {
        let lengths = BTreeMap::from([(1, ANSWER_LEN + 9), (2, 5), (3, ANSWER_LEN), (4, 0)]);
        assert_eq!(leading(&[1, 2], &lengths), [1]);
        assert_eq!(leading(&[2, 4, 3, 2], &lengths), [2, 4]);
        assert_eq!(leading(&[2, 9, 4], &lengths), [2]);
        assert!(leading(&[9, 2], &lengths).is_empty());
    }
}
