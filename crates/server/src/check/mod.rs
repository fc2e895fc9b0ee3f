//! Proves that what is stored is whole: every log replayed from its genesis,
//! every digest and hash computed anew, every block read.

mod contents;
mod replay;
mod vault;

use std::sync::Arc;

use sv_ledger::apply::Reject;
use sv_ledger::id::{ContentId, Hash, NodeId, VaultId};

use crate::blocks::{BlockName, BlockStore};
use crate::db::{Database, Read};
use crate::service::Result;
use crate::service::audit::{BadRow, Verifier, verify_chain};
use crate::store::{self, quotas, remains, vaults};

/// Vaults, contents or hashes looked at together.
const PAGE: u32 = 256;

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// A genesis that does not make the vault it is stored for.
    #[error("vault {vault_id}: the genesis is not this vault's")]
    Genesis {
        /// The vault.
        vault_id: VaultId,
    },
    /// The log has a gap or ends before the head.
    #[error("vault {vault_id}: entry {seq} is missing")]
    EntryMissing {
        /// The vault.
        vault_id: VaultId,
        /// The place.
        seq: u64,
    },
    /// An entry that is not valid where it stands.
    #[error("vault {vault_id}: entry {seq}: {reason}")]
    Entry {
        /// The vault.
        vault_id: VaultId,
        /// The place.
        seq: u64,
        /// Why.
        reason: Reject,
    },
    /// The stored state is not what the log adds up to.
    #[error("vault {vault_id}: the stored state is not that of its log")]
    State {
        /// The vault.
        vault_id: VaultId,
    },
    /// The index of members is not what the log adds up to.
    #[error("vault {vault_id}: the stored members are not those of its log")]
    Members {
        /// The vault.
        vault_id: VaultId,
    },
    /// The index of vaults that the log names is not what it names.
    #[error("vault {vault_id}: the stored names of other vaults are not those in its log")]
    Named {
        /// The vault.
        vault_id: VaultId,
    },
    /// What is kept of a vault that is gone does not prove who was in it.
    #[error("vault {vault_id}, which is gone: what remains of it is damaged")]
    Remains {
        /// The vault.
        vault_id: VaultId,
    },
    /// A leaf that is missing, left over or another than the log says.
    #[error("vault {vault_id}: the leaf of node {node_id} is not that of its log")]
    Leaf {
        /// The vault.
        vault_id: VaultId,
        /// The node.
        node_id: NodeId,
    },
    /// A record or envelope that the log names and that is not there.
    #[error("vault {vault_id}: body {hash} is missing")]
    BodyMissing {
        /// The vault.
        vault_id: VaultId,
        /// Its hash.
        hash: Hash,
    },
    /// A record or envelope with other bytes than its hash says.
    #[error("vault {vault_id}: body {hash} is damaged")]
    BodyDamaged {
        /// The vault.
        vault_id: VaultId,
        /// Its hash.
        hash: Hash,
    },
    /// A content that a vault refers to and that is not there.
    #[error("vault {vault_id}: content {content_id} is missing")]
    ContentMissing {
        /// The vault.
        vault_id: VaultId,
        /// The content.
        content_id: ContentId,
    },
    /// The blocks of a content are not those that were committed.
    #[error("content {content_id}: its list of blocks is damaged")]
    Content {
        /// The content.
        content_id: ContentId,
    },
    /// A block that is not in the block store.
    #[error("content {content_id}: block {index} is missing")]
    BlockMissing {
        /// The content.
        content_id: ContentId,
        /// Which of its blocks.
        index: u32,
    },
    /// A block with other bytes than were stored.
    #[error("content {content_id}: block {index} is damaged")]
    BlockDamaged {
        /// The content.
        content_id: ContentId,
        /// Which of its blocks.
        index: u32,
    },
    /// The audit log is not as it was written.
    #[error("the audit log: {0}")]
    Audit(BadRow),
    /// What an account is charged for is not what it stores.
    #[error("account {uid}: charged for {charged} bytes, stores {stored}")]
    Quota {
        /// The account.
        uid: VaultId,
        /// As noted.
        charged: u64,
        /// As counted.
        stored: u64,
    },
}

/// What a check has looked at, and what it found.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Report {
    /// Vaults replayed.
    pub vaults: u64,
    /// Entries replayed.
    pub entries: u64,
    /// Records and envelopes hashed.
    pub bodies: u64,
    /// Blocks hashed.
    pub blocks: u64,
    /// Their bytes.
    pub block_bytes: u64,
    /// Files whose row is yet to come, or never will: their names are reserved
    /// so long.
    pub reserved: u64,
    /// Files that no row names. Harmless: a job removes them after a day.
    pub orphans: Vec<BlockName>,
    /// Everything that is not as it must be.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing was found.
    pub fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }

    /// What the command exits with: 0, or 2 if something was found.
    pub fn exit_code(&self) -> u8 {
        if self.is_whole() { 0 } else { 2 }
    }
}

/// Checks everything. It only reads, so it may run beside a server.
///
/// # Errors
/// Only if reading itself fails; what is wrong is in the report.
pub async fn check(db: &Database, blocks: &Arc<dyn BlockStore>) -> Result<Report> {
    let mut report = Report::default();
    let mut after = VaultId::ZERO;
    loop {
        let mut snapshot = db.read().await?;
        let ids = vaults::page(&mut snapshot, after, PAGE).await?;
        drop(snapshot);
        let Some(last) = ids.last() else { break };
        after = *last;
        for vault_id in ids {
            vault::check(db, vault_id, &mut report).await?;
        }
    }
    let mut after = VaultId::ZERO;
    loop {
        let mut snapshot = db.read().await?;
        let ids = remains::page(&mut snapshot, after, PAGE).await?;
        let Some(last) = ids.last() else { break };
        after = *last;
        for vault_id in ids {
            vault::check_remains(&mut snapshot, vault_id, &mut report).await?;
        }
    }
    contents::check(db, blocks, &mut report).await?;
    let mut snapshot = db.read().await?;
    let counted = quotas::counted(&mut snapshot).await?;
    for (uid, quota) in quotas::all(&mut snapshot).await? {
        let (charged, stored) = (quota.used, counted.get(&uid).copied().unwrap_or(0));
        if charged != stored {
            report.findings.push(Finding::Quota {
                uid,
                charged,
                stored,
            });
        }
    }
    if let Some(bad) = audit(&mut snapshot).await? {
        report.findings.push(Finding::Audit(bad));
    }
    Ok(report)
}

/// The audit log's hashes and signatures. Without the key a row that was
/// changed with all hashes after it shows at the next checkpoint; `audit
/// verify` has the key and names the row.
async fn audit(snapshot: &mut Read) -> Result<Option<BadRow>> {
    let (Some(chain), Some(instance)) = (
        store::audit::chain(snapshot).await?,
        store::accounts::instance::lookup(snapshot).await?,
    ) else {
        return Ok(None);
    };
    let verifier = Verifier {
        instance: instance.id(),
        public_key: chain.public_key,
        kek: None,
        noted: None,
    };
    Ok(verify_chain(snapshot, &verifier).await?.bad)
}
