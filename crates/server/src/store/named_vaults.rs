//! Which vaults a vault's log names, or ever named: whoever is to verify its
//! log needs theirs, also of those that are no members any more. Rows are only
//! ever added while the vault is there.

use std::collections::BTreeSet;

use sv_ledger::id::VaultId;

use crate::args;
use crate::db::{Query, Result, Value, Write};

/// Notes vaults that an entry names: as members that it takes in, with which
/// one of all such entries it is; else 0, since its log leads to them already.
///
/// # Errors
/// [`crate::db::Error`], as for all of these.
pub async fn insert(
    write: &mut Write,
    vault_id: VaultId,
    named: impl Iterator<Item = VaultId>,
    nesting: u64,
) -> Result<()> {
    let rows = named
        .map(|named_id| args![vault_id, named_id, nesting])
        .collect();
    write
        .insert(
            "INSERT INTO named_vaults (vault_id, named_id, nesting) VALUES (?, ?, ?) \
             UPSERT (vault_id, named_id) NOTHING",
            rows,
        )
        .await
}

/// What vaults came to name after a number of entries that took some in:
/// (vault, named vault).
pub async fn since(q: &mut impl Query, nestings: u64) -> Result<Vec<(VaultId, VaultId)>> {
    let sql = "SELECT vault_id, named_id FROM named_vaults WHERE nesting > ?";
    let rows = q.query(sql, args![nestings]).await?;
    rows.into_iter()
        .map(|mut row| Ok((row.take(0)?, row.take(1)?)))
        .collect()
}

/// What some vaults name: (vault, named vault).
pub async fn named_by(
    q: &mut impl Query,
    vaults: impl Iterator<Item = VaultId> + Send,
) -> Result<Vec<(VaultId, VaultId)>> {
    let rows = q
        .query_list(
            "SELECT vault_id, named_id FROM named_vaults WHERE vault_id IN (?..)",
            args![],
            vaults.map(Value::from).collect(),
        )
        .await?;
    rows.into_iter()
        .map(|mut row| Ok((row.take(0)?, row.take(1)?)))
        .collect()
}

/// The vaults that name some.
pub async fn naming(
    q: &mut impl Query,
    named: impl Iterator<Item = VaultId> + Send,
) -> Result<BTreeSet<VaultId>> {
    let rows = q
        .query_list(
            "SELECT DISTINCT vault_id FROM named_vaults WHERE named_id IN (?..)",
            args![],
            named.map(Value::from).collect(),
        )
        .await?;
    rows.into_iter().map(|mut row| row.take(0)).collect()
}

/// Removes what a vault that is gone named.
pub async fn remove_vault(write: &mut Write, vault_id: VaultId) -> Result<()> {
    let sql = "DELETE FROM named_vaults WHERE vault_id = ?";
    write.execute(sql, args![vault_id]).await?;
    Ok(())
}
