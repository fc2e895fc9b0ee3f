//! An entry's bodies: what is new of them, and key envelopes that go ahead of
//! the entry, where a transaction of the database does not hold all at once
//! (decision 65).

use std::collections::BTreeMap;

use sv_api::ErrorCode;
use sv_ledger::id::{Hash, VaultId};
use sv_ledger::limits::LOG_RESERVE;

use super::Vaults;
use super::append::is_next;
use super::prepare::PreparedEntry;
use crate::db::{Query, Write};
use crate::service::Result;
use crate::store::{bodies, envelopes_ahead, quotas, vaults};

/// How long envelopes wait for their entry. It comes at once, or never.
pub(crate) const AHEAD_MS: u64 = 60 * 60 * 1000;
/// Envelopes in one transaction: a quarter of a mebibyte.
const PART: usize = 180;

/// Those of some bodies that are not there yet.
pub(super) struct NewBodies<'a> {
    vault_id: VaultId,
    is_envelope: bool,
    bodies: Vec<&'a (Hash, Vec<u8>)>,
    bytes: u64,
}

impl<'a> NewBodies<'a> {
    /// Looks which of an entry's are new.
    pub(super) async fn find(
        q: &mut impl Query,
        prepared: &PreparedEntry,
        some: &'a [(Hash, Vec<u8>)],
    ) -> Result<Self> {
        let vault_id = prepared.vault_id();
        let is_envelope = prepared.entry.is_membership();
        let hashes: Vec<_> = some.iter().map(|(hash, _)| *hash).collect();
        let there = bodies::stored(q, vault_id, &hashes).await?;
        // One that is there as a record is charged for, but not kept as an envelope.
        let is_kept = |hash: &Hash| {
            there
                .get(hash)
                .is_some_and(|body| body.is_envelope || !is_envelope)
        };
        let fresh: BTreeMap<_, _> = some.iter().map(|(hash, body)| (hash, body.len())).collect();
        let fresh = fresh.iter().filter(|(hash, _)| !there.contains_key(hash));
        Ok(Self {
            vault_id,
            is_envelope,
            bytes: fresh.map(|(_, len)| *len as u64).sum(),
            bodies: some.iter().filter(|(hash, _)| !is_kept(hash)).collect(),
        })
    }

    /// Bytes for which nobody is charged yet.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Stores them.
    pub(super) async fn insert(self, write: &mut Write) -> Result<()> {
        let bodies = self.bodies.into_iter().cloned();
        Ok(bodies::insert(write, self.vault_id, self.is_envelope, bodies).await?)
    }
}

impl Vaults {
    /// Stores an entry's envelopes ahead of it, as far as they fit into a
    /// transaction of their own. If the entry never follows, a job removes
    /// what no entry names.
    pub(super) async fn send_ahead(
        &self,
        prepared: &PreparedEntry,
        owner: VaultId,
        now_ms: u64,
    ) -> Result<()> {
        for part in prepared.bodies.chunks(PART) {
            let send = || self.send_part(prepared, part, owner, now_ms);
            if !self.db.retry(send).await? {
                break;
            }
        }
        Ok(())
    }

    /// Whether the entry may still follow.
    async fn send_part(
        &self,
        prepared: &PreparedEntry,
        part: &[(Hash, Vec<u8>)],
        owner: VaultId,
        now_ms: u64,
    ) -> Result<bool> {
        let vault_id = prepared.vault_id();
        let mut write = self.db.write().await?;
        let head = vaults::lock_head(&mut write, vault_id)
            .await?
            .ok_or(ErrorCode::NotFound)?;
        if !is_next(&prepared.entry, head) {
            return Ok(false);
        }
        let hashes: Vec<_> = part.iter().map(|(hash, _)| *hash).collect();
        let there = bodies::stored(&mut write, vault_id, &hashes).await?;
        // What is there as a record stays one until the entry itself is there.
        let new = part.iter().filter(|(hash, _)| !there.contains_key(hash));
        let new: BTreeMap<Hash, Vec<u8>> = new.cloned().collect();
        let bytes = new.values().map(|body| body.len() as u64).sum();
        if !quotas::charge(&mut write, owner, bytes, LOG_RESERVE).await? {
            return Err(ErrorCode::QuotaExceeded.into());
        }
        let seq = prepared.entry.body().seq;
        let until_ms = now_ms.saturating_add(AHEAD_MS);
        let noted = new.keys().copied();
        envelopes_ahead::insert(&mut write, vault_id, seq, until_ms, noted).await?;
        bodies::insert(&mut write, vault_id, true, new.into_iter()).await?;
        write.commit().await?;
        Ok(true)
    }
}
