//! Vaults: genesis, state and head.

use sv_ledger::genesis::{Genesis, VaultKind};
use sv_ledger::id::VaultId;
use sv_ledger::state::{Head, Membership, VaultState};

use super::corrupt;
use crate::args;
use crate::db::{Query, Result, Row, Value, Write};

/// A vault as it stands.
#[derive(Debug, Clone)]
pub struct StoredVault {
    /// Who is charged for it.
    pub owner: VaultId,
    /// Its state.
    pub state: VaultState,
    /// The newest entry by an editor or higher.
    pub checkpoint_seq: u64,
    /// Leaves are complete for every entry from this one on.
    pub leaves_from: u64,
}

/// Adds a vault as its genesis makes it.
///
/// # Errors
/// [`crate::db::Error::Exists`] if it is there.
pub async fn insert(
    write: &mut Write,
    genesis: &Genesis,
    state: &VaultState,
    now_ms: u64,
) -> Result<()> {
    write
        .execute(
            "INSERT INTO vaults (vault_id, kind, owner, genesis, state, head_seq, head_hash, \
             checkpoint_seq, leaves_from, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            args![
                genesis.vault_id(),
                genesis.body().kind.tag(),
                genesis.owner(),
                genesis.to_bytes(),
                state.to_bytes(),
                state.head.seq,
                state.head.hash,
                0_u64,
                0_u64,
                now_ms,
            ],
        )
        .await?;
    Ok(())
}

/// A vault as it stands.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn lookup(q: &mut impl Query, vault_id: VaultId) -> Result<Option<StoredVault>> {
    let row = q
        .lookup(
            "SELECT owner, state, checkpoint_seq, leaves_from FROM vaults WHERE vault_id = ?",
            args![vault_id],
        )
        .await?;
    let Some(mut row) = row else { return Ok(None) };
    let state = row.take::<Vec<u8>>(1)?;
    Ok(Some(StoredVault {
        owner: row.take(0)?,
        state: VaultState::parse(&state).map_err(|_| corrupt("state of a vault"))?,
        checkpoint_seq: row.take(2)?,
        leaves_from: row.take(3)?,
    }))
}

/// Its head, locked until the end of the unit of work.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn lock_head(write: &mut Write, vault_id: VaultId) -> Result<Option<Head>> {
    let row = write
        .lookup(
            "SELECT head_seq, head_hash FROM vaults WHERE vault_id = ? FOR UPDATE",
            args![vault_id],
        )
        .await?;
    row.map(|mut row| {
        Ok(Head {
            seq: row.take(0)?,
            hash: row.take(1)?,
        })
    })
    .transpose()
}

/// What a vault is for.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn kind(q: &mut impl Query, vault_id: VaultId) -> Result<Option<VaultKind>> {
    let row = q
        .lookup(
            "SELECT kind FROM vaults WHERE vault_id = ?",
            args![vault_id],
        )
        .await?;
    row.map(|mut row| VaultKind::from_tag(row.take(0)?).map_err(|_| corrupt("kind of a vault")))
        .transpose()
}

/// Who has access to some vaults, as they stand.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn memberships(
    q: &mut impl Query,
    vaults: impl Iterator<Item = VaultId> + Send,
) -> Result<Vec<Membership>> {
    let rows = q
        .query_list(
            "SELECT state FROM vaults WHERE vault_id IN (?..)",
            args![],
            vaults.map(Value::from).collect(),
        )
        .await?;
    rows.into_iter().map(membership).collect()
}

/// The same, locked until the end of the unit of work.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn lock_memberships(
    write: &mut Write,
    vaults: impl Iterator<Item = VaultId> + Send,
) -> Result<Vec<Membership>> {
    let rows = write
        .query_list(
            "SELECT state FROM vaults WHERE vault_id IN (?..) FOR UPDATE",
            args![],
            vaults.map(Value::from).collect(),
        )
        .await?;
    rows.into_iter().map(membership).collect()
}

/// Bytes of a vault's entries, records and envelopes.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn log_bytes(q: &mut impl Query, vault_id: VaultId) -> Result<u64> {
    let mut bytes = 0;
    for sql in [
        "SELECT CAST(SUM(LENGTH(bytes)) AS SIGNED) FROM entries WHERE vault_id = ?",
        "SELECT CAST(SUM(LENGTH(bytes)) AS SIGNED) FROM bodies WHERE vault_id = ?",
    ] {
        if let Some(mut row) = q.lookup(sql, args![vault_id]).await? {
            bytes += row.take::<Option<u64>>(0)?.unwrap_or(0);
        }
    }
    Ok(bytes)
}

/// Notes who is charged for a locked vault from now on.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn set_owner(write: &mut Write, vault_id: VaultId, owner: VaultId) -> Result<()> {
    let sql = "UPDATE vaults SET owner = ? WHERE vault_id = ?";
    write.execute(sql, args![owner, vault_id]).await?;
    Ok(())
}

/// Moves a locked vault to its next state.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn advance(write: &mut Write, state: &VaultState, is_checkpoint: bool) -> Result<()> {
    let Head { seq, hash } = state.head;
    write
        .execute(
            "UPDATE vaults SET state = ?, head_seq = ?, head_hash = ?, \
             checkpoint_seq = CASE WHEN ? = 1 THEN ? ELSE checkpoint_seq END WHERE vault_id = ?",
            args![
                state.to_bytes(),
                seq,
                hash,
                is_checkpoint,
                seq,
                state.vault_id()
            ],
        )
        .await?;
    Ok(())
}

/// Notes that leaves are complete only from `seq` on.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn raise_leaves_from(write: &mut Write, vault_id: VaultId, seq: u64) -> Result<()> {
    write
        .execute(
            "UPDATE vaults SET leaves_from = ? WHERE vault_id = ? AND leaves_from < ?",
            args![seq, vault_id, seq],
        )
        .await?;
    Ok(())
}

/// The heads of every vault that each of some principals is a member of.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn heads_of_all(
    q: &mut impl Query,
    principals: impl Iterator<Item = VaultId> + Send,
    now_ms: u64,
) -> Result<Vec<(VaultId, VaultId, Head)>> {
    let rows = q
        .query_list(
            "SELECT m.principal, v.vault_id, v.head_seq, v.head_hash FROM members m \
             JOIN vaults v ON v.vault_id = m.vault_id \
             WHERE m.expires_ms > ? AND m.principal IN (?..)",
            args![now_ms],
            principals.map(Value::from).collect(),
        )
        .await?;
    rows.into_iter()
        .map(|mut row| {
            let (seq, hash) = (row.take(2)?, row.take(3)?);
            Ok((row.take(0)?, row.take(1)?, Head { seq, hash }))
        })
        .collect()
}

/// A vault's signed genesis.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn genesis(q: &mut impl Query, vault_id: VaultId) -> Result<Option<Genesis>> {
    let row = q
        .lookup(
            "SELECT genesis FROM vaults WHERE vault_id = ?",
            args![vault_id],
        )
        .await?;
    let Some(mut row) = row else { return Ok(None) };
    Genesis::parse(&row.take::<Vec<u8>>(0)?)
        .map(Some)
        .map_err(|_| corrupt("genesis"))
}

/// How many there are.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn count(q: &mut impl Query) -> Result<u64> {
    let row = q.lookup("SELECT COUNT(*) FROM vaults", args![]).await?;
    row.map_or(Ok(0), |mut row| row.take(0))
}

/// Those of some that are there.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn existing(
    q: &mut impl Query,
    vaults: impl Iterator<Item = VaultId> + Send,
) -> Result<Vec<VaultId>> {
    let rows = q
        .query_list(
            "SELECT vault_id FROM vaults WHERE vault_id IN (?..)",
            args![],
            vaults.map(Value::from).collect(),
        )
        .await?;
    rows.into_iter().map(|mut row| row.take(0)).collect()
}

/// Those that an account is charged for.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn owned_by(q: &mut impl Query, owner: VaultId) -> Result<Vec<VaultId>> {
    let sql = "SELECT vault_id FROM vaults WHERE owner = ?";
    let rows = q.query(sql, args![owner]).await?;
    rows.into_iter().map(|mut row| row.take(0)).collect()
}

/// Removes one; its rows elsewhere are somebody else's to remove.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn remove(write: &mut Write, vault_id: VaultId) -> Result<()> {
    write
        .execute("DELETE FROM vaults WHERE vault_id = ?", args![vault_id])
        .await?;
    Ok(())
}

/// Ids beyond `after`, ascending.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn page(q: &mut impl Query, after: VaultId, limit: u32) -> Result<Vec<VaultId>> {
    let rows = q
        .query(
            "SELECT vault_id FROM vaults WHERE vault_id > ? ORDER BY vault_id LIMIT ?",
            args![after, limit],
        )
        .await?;
    rows.into_iter().map(|mut row| row.take(0)).collect()
}

fn membership(mut row: Row) -> Result<Membership> {
    let state = VaultState::parse(&row.take::<Vec<u8>>(0)?);
    Ok(state.map_err(|_| corrupt("state of a vault"))?.membership)
}
