//! Vaults with envelopes that came ahead of their entry, which may never come.

use sv_ledger::id::VaultId;

use crate::args;
use crate::db::{Query, Result, Write};

/// Notes that a vault has some, and until when their entry is waited for.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn expect(write: &mut Write, vault_id: VaultId, until_ms: u64) -> Result<()> {
    let sql = "INSERT INTO envelopes_ahead (vault_id, until_ms) VALUES (?, ?) \
               UPSERT (vault_id) SET until_ms";
    write.execute(sql, args![vault_id, until_ms]).await?;
    Ok(())
}

/// Whether a vault's entry is waited for no longer.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn is_due(q: &mut impl Query, vault_id: VaultId, now_ms: u64) -> Result<bool> {
    let sql = "SELECT 1 FROM envelopes_ahead WHERE vault_id = ? AND until_ms <= ?";
    Ok(q.lookup(sql, args![vault_id, now_ms]).await?.is_some())
}

/// Vaults whose entry is waited for no longer.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn due(q: &mut impl Query, now_ms: u64, limit: u32) -> Result<Vec<VaultId>> {
    let sql = "SELECT vault_id FROM envelopes_ahead WHERE until_ms <= ? LIMIT ?";
    let rows = q.query(sql, args![now_ms, limit]).await?;
    rows.into_iter().map(|mut row| row.take(0)).collect()
}

/// Forgets that a vault has some.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn forget(write: &mut Write, vault_id: VaultId) -> Result<()> {
    let sql = "DELETE FROM envelopes_ahead WHERE vault_id = ?";
    write.execute(sql, args![vault_id]).await?;
    Ok(())
}
