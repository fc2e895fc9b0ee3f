//! Vaults that are gone, until their entries, records, leaves and references
//! are too. Nothing reads those of a vault that is not there.

use sv_ledger::id::VaultId;

use crate::args;
use crate::db::{Query, Result, Value, Write};

/// Notes a vault whose rows are to go.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn insert(write: &mut Write, vault_id: VaultId) -> Result<()> {
    write
        .execute(
            "INSERT INTO removed_vaults (vault_id) VALUES (?) UPSERT (vault_id) NOTHING",
            args![vault_id],
        )
        .await?;
    Ok(())
}

/// One of them.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn next(q: &mut impl Query) -> Result<Option<VaultId>> {
    let sql = "SELECT vault_id FROM removed_vaults LIMIT 1";
    let row = q.lookup(sql, args![]).await?;
    row.map(|mut row| row.take(0)).transpose()
}

/// Removes at most about `limit` rows of it; whether there were any.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn remove_some(write: &mut Write, vault_id: VaultId, limit: u32) -> Result<bool> {
    for (some, remove) in [
        (
            "SELECT DISTINCT node_id FROM leaves WHERE vault_id = ? LIMIT ?",
            "DELETE FROM leaves WHERE vault_id = ? AND node_id IN (?..)",
        ),
        (
            "SELECT hash FROM bodies WHERE vault_id = ? LIMIT ?",
            "DELETE FROM bodies WHERE vault_id = ? AND hash IN (?..)",
        ),
        (
            // Those that others need stay as long as something remains of it.
            "SELECT seq FROM entries WHERE vault_id = ? AND (is_membership = 0 OR NOT EXISTS \
             (SELECT 1 FROM remains WHERE remains.vault_id = entries.vault_id)) LIMIT ?",
            "DELETE FROM entries WHERE vault_id = ? AND seq IN (?..)",
        ),
        (
            "SELECT access_id FROM accesses WHERE vault_id = ? LIMIT ?",
            "DELETE FROM accesses WHERE vault_id = ? AND access_id IN (?..)",
        ),
    ] {
        let rows = write.query(some, args![vault_id, limit]).await?;
        let keys: Result<Vec<Value>> = rows.into_iter().map(|mut row| row.take(0)).collect();
        let keys = keys?;
        if !keys.is_empty() {
            write.execute_list(remove, args![vault_id], keys).await?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// Forgets a vault of which nothing is left.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn forget(write: &mut Write, vault_id: VaultId) -> Result<()> {
    write
        .execute(
            "DELETE FROM removed_vaults WHERE vault_id = ?",
            args![vault_id],
        )
        .await?;
    Ok(())
}
