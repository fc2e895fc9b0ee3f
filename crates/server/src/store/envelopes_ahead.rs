//! Envelopes that came ahead of their entry, which may never come.

use sv_ledger::id::{Hash, VaultId};

use crate::args;
use crate::db::{Query, Result, Value, Write};

/// Notes envelopes whose entry can have place `seq` in a vault's log, and is
/// waited for until a time.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn insert(
    write: &mut Write,
    vault_id: VaultId,
    seq: u64,
    until_ms: u64,
    hashes: impl Iterator<Item = Hash> + Send,
) -> Result<()> {
    let rows = hashes.map(|hash| args![vault_id, hash, seq, until_ms]);
    let sql = "INSERT INTO envelopes_ahead (vault_id, hash, seq, until_ms) VALUES (?, ?, ?, ?) \
               UPSERT (vault_id, hash) NOTHING";
    write.insert(sql, rows.collect()).await
}

/// A vault some of whose entries are waited for no longer.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn due_vault(q: &mut impl Query, now_ms: u64) -> Result<Option<VaultId>> {
    let sql = "SELECT vault_id FROM envelopes_ahead WHERE until_ms <= ? LIMIT 1";
    let row = q.lookup(sql, args![now_ms]).await?;
    row.map(|mut row| row.take(0)).transpose()
}

/// Envelopes of a vault whose entry is waited for no longer, each with the
/// first place that it could have.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn due(
    q: &mut impl Query,
    vault_id: VaultId,
    now_ms: u64,
    limit: u32,
) -> Result<Vec<(Hash, u64)>> {
    let sql = "SELECT hash, seq FROM envelopes_ahead WHERE vault_id = ? AND until_ms <= ? LIMIT ?";
    let rows = q.query(sql, args![vault_id, now_ms, limit]).await?;
    rows.into_iter()
        .map(|mut row| Ok((row.take(0)?, row.take(1)?)))
        .collect()
}

/// Forgets some of a vault.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn forget(write: &mut Write, vault_id: VaultId, hashes: &[Hash]) -> Result<()> {
    let hashes = hashes.iter().map(|hash| Value::from(*hash)).collect();
    let sql = "DELETE FROM envelopes_ahead WHERE vault_id = ? AND hash IN (?..)";
    write.execute_list(sql, args![vault_id], hashes).await?;
    Ok(())
}
