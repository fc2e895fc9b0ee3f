//! Leaves, present and superseded: one row for each run of entries during
//! which a node's record stayed the same.

use sv_ledger::apply::Touched;
use sv_ledger::id::{Hash, NodeId, VaultId};
use sv_ledger::state::{Leaf, Role};

use super::corrupt;
use crate::args;
use crate::db::{Query, Result, Row, Value, Write};

/// `until_seq` of a leaf that nothing has superseded.
const CURRENT: i64 = i64::MAX;

/// The present leaves of some nodes.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn current(
    q: &mut impl Query,
    vault_id: VaultId,
    nodes: impl Iterator<Item = NodeId> + Send,
) -> Result<Touched> {
    let rows = q
        .query_list(
            "SELECT node_id, rev, record_hash, creator, creator_role FROM leaves \
             WHERE vault_id = ? AND until_seq = ? AND node_id IN (?..)",
            args![vault_id, CURRENT],
            nodes.map(Value::from).collect(),
        )
        .await?;
    rows.into_iter().map(leaf).collect()
}

/// The leaves after entry `at` beyond node `after`, ascending.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn page(
    q: &mut impl Query,
    vault_id: VaultId,
    at: u64,
    after: NodeId,
    limit: usize,
) -> Result<Vec<(NodeId, Leaf)>> {
    let rows = q
        .query(
            "SELECT node_id, rev, record_hash, creator, creator_role FROM leaves \
             WHERE vault_id = ? AND node_id > ? AND since_seq <= ? AND until_seq > ? \
             ORDER BY node_id LIMIT ?",
            args![vault_id, after, at, at, limit],
        )
        .await?;
    rows.into_iter().map(leaf).collect()
}

/// Ends the present leaves of some nodes at entry `seq`.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn supersede(
    write: &mut Write,
    vault_id: VaultId,
    nodes: impl Iterator<Item = NodeId> + Send,
    seq: u64,
    now_ms: u64,
) -> Result<()> {
    write
        .execute_list(
            "UPDATE leaves SET until_seq = ?, until_ms = ? \
             WHERE vault_id = ? AND until_seq = ? AND node_id IN (?..)",
            args![seq, now_ms, vault_id, CURRENT],
            nodes.map(Value::from).collect(),
        )
        .await?;
    Ok(())
}

/// Adds present leaves that begin at entry `seq`.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn insert(
    write: &mut Write,
    vault_id: VaultId,
    seq: u64,
    leaves: impl Iterator<Item = (NodeId, Leaf)> + Send,
) -> Result<()> {
    let rows = leaves
        .map(|(node, leaf)| {
            args![
                vault_id,
                node,
                seq,
                CURRENT,
                CURRENT,
                leaf.rev,
                leaf.record_hash,
                leaf.creator,
                leaf.creator_role.tag(),
            ]
        })
        .collect();
    write
        .insert(
            "INSERT INTO leaves (vault_id, node_id, since_seq, until_seq, until_ms, rev, \
             record_hash, creator, creator_role) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        .await
}

/// A leaf that was superseded.
#[derive(Debug, Clone)]
pub struct Superseded {
    /// The node.
    pub node_id: NodeId,
    /// The entry from which it held.
    pub since_seq: u64,
    /// The entry from which it no longer held.
    pub until_seq: u64,
    /// The record it named.
    pub record_hash: Hash,
}

/// Vaults with leaves that were superseded before a time.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn vaults_superseded_before(q: &mut impl Query, ms: u64) -> Result<Vec<VaultId>> {
    let rows = q
        .query(
            "SELECT DISTINCT vault_id FROM leaves WHERE until_ms < ?",
            args![ms],
        )
        .await?;
    rows.into_iter().map(|mut row| row.take(0)).collect()
}

/// Leaves of a vault that were superseded before a time and by entry `seq`.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn superseded(
    q: &mut impl Query,
    vault_id: VaultId,
    before_ms: u64,
    seq: u64,
    limit: u32,
) -> Result<Vec<Superseded>> {
    let rows = q
        .query(
            "SELECT node_id, since_seq, until_seq, record_hash FROM leaves \
             WHERE vault_id = ? AND until_ms < ? AND until_seq <= ? LIMIT ?",
            args![vault_id, before_ms, seq, limit],
        )
        .await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(Superseded {
                node_id: row.take(0)?,
                since_seq: row.take(1)?,
                until_seq: row.take(2)?,
                record_hash: row.take(3)?,
            })
        })
        .collect()
}

/// Removes a superseded leaf.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn remove(
    write: &mut Write,
    vault_id: VaultId,
    node_id: NodeId,
    since_seq: u64,
) -> Result<()> {
    write
        .execute(
            "DELETE FROM leaves WHERE vault_id = ? AND node_id = ? AND since_seq = ?",
            args![vault_id, node_id, since_seq],
        )
        .await?;
    Ok(())
}

/// Those of some records that a kept leaf still names.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn named_records(
    q: &mut impl Query,
    vault_id: VaultId,
    records: Vec<Value>,
) -> Result<Vec<Hash>> {
    let rows = q
        .query_list(
            "SELECT DISTINCT record_hash FROM leaves WHERE vault_id = ? AND record_hash IN (?..)",
            args![vault_id],
            records,
        )
        .await?;
    rows.into_iter().map(|mut row| row.take(0)).collect()
}

fn leaf(mut row: Row) -> Result<(NodeId, Leaf)> {
    Ok((
        row.take(0)?,
        Leaf {
            rev: row.take(1)?,
            record_hash: row.take(2)?,
            creator: row.take(3)?,
            creator_role: Role::from_tag(row.take(4)?).map_err(|_| corrupt("role"))?,
        },
    ))
}
