//! What is kept of vaults that are gone while others name them: genesis and
//! state, beside their membership entries. It proves who was in them and with
//! which keys, and gives nobody access to anything.

use sv_ledger::genesis::{Genesis, VaultKind};
use sv_ledger::id::VaultId;
use sv_ledger::state::{Membership, VaultState};

use super::corrupt;
use crate::args;
use crate::db::{Query, Result, Value, Write};

/// Keeps what there is of a vault that is about to go.
///
/// # Errors
/// [`crate::db::Error`], as for all of these.
pub async fn keep(write: &mut Write, vault_id: VaultId) -> Result<()> {
    let sql = "SELECT kind, genesis, state FROM vaults WHERE vault_id = ?";
    let Some(mut row) = write.lookup(sql, args![vault_id]).await? else {
        return Ok(());
    };
    let (kind, genesis, state): (u64, Vec<u8>, Vec<u8>) =
        (row.take(0)?, row.take(1)?, row.take(2)?);
    write
        .execute(
            "INSERT INTO remains (vault_id, kind, genesis, state) VALUES (?, ?, ?, ?)",
            args![vault_id, kind, genesis, state],
        )
        .await?;
    Ok(())
}

/// What the vault was for, if something is kept of it.
pub async fn kind(q: &mut impl Query, vault_id: VaultId) -> Result<Option<VaultKind>> {
    let sql = "SELECT kind FROM remains WHERE vault_id = ?";
    let row = q.lookup(sql, args![vault_id]).await?;
    row.map(|mut row| VaultKind::from_tag(row.take(0)?).map_err(|_| corrupt("kind of a vault")))
        .transpose()
}

/// Its signed genesis.
pub async fn genesis(q: &mut impl Query, vault_id: VaultId) -> Result<Option<Genesis>> {
    let sql = "SELECT genesis FROM remains WHERE vault_id = ?";
    let Some(mut row) = q.lookup(sql, args![vault_id]).await? else {
        return Ok(None);
    };
    Genesis::parse(&row.take::<Vec<u8>>(0)?)
        .map(Some)
        .map_err(|_| corrupt("genesis"))
}

/// Who had access to some vaults when they went.
pub async fn memberships(
    q: &mut impl Query,
    vaults: impl Iterator<Item = VaultId> + Send,
) -> Result<Vec<Membership>> {
    let rows = q
        .query_list(
            "SELECT state FROM remains WHERE vault_id IN (?..)",
            args![],
            vaults.map(Value::from).collect(),
        )
        .await?;
    rows.into_iter()
        .map(|mut row| {
            let state = VaultState::parse(&row.take::<Vec<u8>>(0)?);
            Ok(state.map_err(|_| corrupt("state of a vault"))?.membership)
        })
        .collect()
}

/// Ids beyond `after`, ascending.
pub async fn page(q: &mut impl Query, after: VaultId, limit: u32) -> Result<Vec<VaultId>> {
    let rows = q
        .query(
            "SELECT vault_id FROM remains WHERE vault_id > ? ORDER BY vault_id LIMIT ?",
            args![after, limit],
        )
        .await?;
    rows.into_iter().map(|mut row| row.take(0)).collect()
}

/// Gives them up.
pub async fn remove(write: &mut Write, vault_id: VaultId) -> Result<()> {
    let sql = "DELETE FROM remains WHERE vault_id = ?";
    write.execute(sql, args![vault_id]).await?;
    Ok(())
}
