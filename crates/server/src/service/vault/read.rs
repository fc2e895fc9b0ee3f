//! Reading a vault: heads, membership, checkpoint, leaves, entries, bodies.
//! Lists are cut by number and by bytes; a client asks on.

use std::collections::BTreeMap;

use sv_api::vault::{
    Bodies, BodiesRequest, EntryPage, LeafPage, MembershipLog, VaultHead, VaultHeads,
};
use sv_api::{Base64, ErrorCode};
use sv_ledger::id::{NodeId, VaultId};
use sv_ledger::limits::PAGE;

use super::access::{Access, Read, Vault};
use super::named::leads_to;
use super::reach::Reach;
use super::{ANSWER_LEN, Vaults, leading};
use crate::service::Result;
use crate::store::{bodies, entries, leaves, remains, vaults};

impl Vaults {
    /// The heads of every vault that a user may read.
    ///
    /// # Errors
    /// [`crate::service::Error::Database`], as for all that read.
    pub async fn heads(&self, uid: VaultId) -> Result<VaultHeads> {
        let mut snapshot = self.db.read().await?;
        let now_ms = self.clock.now_ms();
        let reach = Reach::of(&mut snapshot, &[uid], now_ms).await?;
        let heads = vaults::heads_of_all(&mut snapshot, reach.principals(), now_ms).await?;
        let heads: BTreeMap<_, _> = heads.into_iter().map(|(_, id, head)| (id, head)).collect();
        let vaults = heads
            .into_iter()
            .map(|(vault_id, head)| VaultHead {
                vault_id,
                seq: head.seq,
                hash: Base64::from(*head.hash.as_bytes()),
            })
            .collect();
        Ok(VaultHeads { vaults })
    }

    /// Genesis, and membership entries from place `from` in the log on: of the
    /// vault itself, or of another that is needed to verify who has access to
    /// it. Also of one that is gone.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for any other, whether or not there is such a
    /// vault.
    pub async fn membership(
        &self,
        access: &Access<Read, Vault>,
        of: VaultId,
        from: u64,
    ) -> Result<MembershipLog> {
        let mut snapshot = self.db.read().await?;
        if !leads_to(&mut snapshot, access.vault_id(), of).await? {
            return Err(ErrorCode::NotFound.into());
        }
        let mut genesis = vaults::genesis(&mut snapshot, of).await?;
        let is_gone = genesis.is_none();
        if is_gone {
            genesis = remains::genesis(&mut snapshot, of).await?;
        }
        let genesis = genesis.ok_or(ErrorCode::NotFound)?;
        let (entries, more) =
            entries::membership_page(&mut snapshot, of, from, PAGE, ANSWER_LEN).await?;
        Ok(MembershipLog {
            genesis,
            entries,
            more,
            is_gone,
        })
    }

    /// The newest entry by an editor or higher, alone.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for a vault without one.
    pub async fn checkpoint(&self, access: &Access<Read, Vault>) -> Result<EntryPage> {
        let vault_id = access.vault_id();
        let mut snapshot = self.db.read().await?;
        let vault = vaults::lookup(&mut snapshot, vault_id)
            .await?
            .ok_or(ErrorCode::NotFound)?;
        let seq = vault.checkpoint_seq;
        let entries = entries::page(&mut snapshot, vault_id, seq, 1, ANSWER_LEN).await?;
        if entries.is_empty() {
            return Err(ErrorCode::NotFound.into());
        }
        let more = seq < vault.state.head.seq;
        Ok(EntryPage { entries, more })
    }

    /// The leaves after entry `at`, beyond node `after`.
    ///
    /// # Errors
    /// [`ErrorCode::CheckpointGone`] if they are no longer kept,
    /// [`ErrorCode::NotFound`] if the log is not that long.
    pub async fn leaves(
        &self,
        access: &Access<Read, Vault>,
        at: u64,
        after: NodeId,
    ) -> Result<LeafPage> {
        let vault_id = access.vault_id();
        let mut snapshot = self.db.read().await?;
        let vault = vaults::lookup(&mut snapshot, vault_id)
            .await?
            .ok_or(ErrorCode::NotFound)?;
        if at > vault.state.head.seq {
            return Err(ErrorCode::NotFound.into());
        }
        if at < vault.leaves_from {
            return Err(ErrorCode::CheckpointGone.into());
        }
        let mut leaves = leaves::page(&mut snapshot, vault_id, at, after, PAGE + 1).await?;
        let more = leaves.len() > PAGE;
        leaves.truncate(PAGE);
        Ok(LeafPage { leaves, more })
    }

    /// Entries from `from` on; none at or beyond the end.
    ///
    /// # Errors
    /// See [`Self::heads`].
    pub async fn entries(&self, access: &Access<Read, Vault>, from: u64) -> Result<EntryPage> {
        let vault_id = access.vault_id();
        let mut snapshot = self.db.read().await?;
        let vault = vaults::lookup(&mut snapshot, vault_id)
            .await?
            .ok_or(ErrorCode::NotFound)?;
        let entries = entries::page(&mut snapshot, vault_id, from, PAGE, ANSWER_LEN).await?;
        let last = entries.last().map_or(u64::MAX, |e| e.body().seq);
        let more = last < vault.state.head.seq;
        Ok(EntryPage { entries, more })
    }

    /// Records and envelopes, in the order of the request; stops before the
    /// first that is not there, or when the answer is long enough.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] if the first is not there.
    pub async fn bodies(
        &self,
        access: &Access<Read, Vault>,
        request: &BodiesRequest,
    ) -> Result<Bodies> {
        let vault_id = access.vault_id();
        let mut snapshot = self.db.read().await?;
        let there = bodies::stored(&mut snapshot, vault_id, &request.hashes).await?;
        let lengths = there.iter().map(|(hash, body)| (*hash, body.len));
        let wanted = leading(&request.hashes, &lengths.collect());
        if wanted.is_empty() && !request.hashes.is_empty() {
            return Err(ErrorCode::NotFound.into());
        }
        let found = bodies::find(&mut snapshot, vault_id, wanted).await?;
        let bodies = wanted
            .iter()
            .map_while(|hash| found.get(hash).cloned())
            .collect();
        Ok(Bodies { bodies })
    }
}
