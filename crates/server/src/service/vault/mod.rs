//! Vaults: append, read, uploads, downloads.
//!
//! Who may do what is decided once, by [`Vaults::authorise`]; what it answers
//! with, [`Access`], is what reading and writing take.

mod access;
mod admission;
mod append;
mod create;
mod downloads;
mod prepare;
mod read;
mod references;
pub(crate) mod uploads;

use std::sync::Arc;

use sv_ledger::id::VaultId;
use sv_ledger::state::Head;
use tokio::sync::broadcast;

pub use access::{Access, Mode, Read, Vault, Write};
pub use create::{PreparedVault, create_vault};
pub use downloads::BlockBody;

use crate::blocks::BlockStore;
use crate::clock::Clock;
use crate::db::Database;
use crate::random::Random;
use sv_ledger::limits;

/// Bytes of records, entries or blocks in one answer, about.
const ANSWER_LEN: u64 = 4 * 1024 * 1024;
/// Changes kept for a listener that is slow.
const CHANGES: usize = 1024;

/// A vault that has a new head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The vault.
    pub vault_id: VaultId,
    /// Its head now.
    pub head: Head,
}

/// Everything about vaults. Clones share the same database and blocks.
#[derive(Debug, Clone)]
pub struct Vaults {
    db: Database,
    blocks: Arc<dyn BlockStore>,
    clock: Clock,
    random: Random,
    changes: broadcast::Sender<Change>,
}

impl Vaults {
    /// On a database and a block store.
    pub fn new(db: Database, blocks: Arc<dyn BlockStore>, clock: Clock, random: Random) -> Self {
        Self {
            db,
            blocks,
            clock,
            random,
            changes: broadcast::Sender::new(CHANGES),
        }
    }

    /// Every change from now on, of every vault: ask [`Self::is_visible`]
    /// before telling anybody. A receiver that lags loses the oldest.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Tells listeners of a new head, after it was committed.
    fn announce(&self, vault_id: VaultId, head: Head) {
        // Nobody listening is no error.
        let _ = self.changes.send(Change { vault_id, head });
    }
}

/// The sender's clock is right enough.
fn is_timely(timestamp_ms: u64, now_ms: u64) -> bool {
    timestamp_ms.abs_diff(now_ms) <= limits::CLOCK_SKEW_MS
}
