//! Which node of which vault refers to which content.

use std::collections::{BTreeMap, BTreeSet};

use sv_ledger::id::{ContentId, NodeId, VaultId};

use crate::args;
use crate::db::{Query, Result, Value, Write};

/// How many references an owner has to a content.
pub type Counts = BTreeMap<(ContentId, VaultId), i64>;

/// The references of some nodes.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn of_nodes(
    q: &mut impl Query,
    vault_id: VaultId,
    nodes: impl Iterator<Item = NodeId> + Send,
) -> Result<BTreeSet<(NodeId, ContentId)>> {
    let rows = q
        .query_list(
            "SELECT node_id, content_id FROM content_refs WHERE vault_id = ? AND node_id IN (?..)",
            args![vault_id],
            nodes.map(Value::from).collect(),
        )
        .await?;
    rows.into_iter()
        .map(|mut row| Ok((row.take(0)?, row.take(1)?)))
        .collect()
}

/// How many references each owner has to each of some contents, which must be
/// locked: only then do the counts hold until the end of the unit of work.
/// Locked themselves, so that they are of now and not of its beginning.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn counts(
    write: &mut Write,
    contents: impl Iterator<Item = ContentId> + Send,
) -> Result<Counts> {
    let rows = write
        .query_list(
            "SELECT content_id, owner FROM content_refs WHERE content_id IN (?..) FOR UPDATE",
            args![],
            contents.map(Value::from).collect(),
        )
        .await?;
    let mut counts = Counts::new();
    for mut row in rows {
        *counts.entry((row.take(0)?, row.take(1)?)).or_default() += 1;
    }
    Ok(counts)
}

/// Those of some contents that a vault refers to.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn in_vault(
    q: &mut impl Query,
    vault_id: VaultId,
    contents: impl Iterator<Item = ContentId> + Send,
) -> Result<BTreeSet<ContentId>> {
    let rows = q
        .query_list(
            "SELECT DISTINCT content_id FROM content_refs WHERE vault_id = ? AND content_id IN (?..)",
            args![vault_id],
            contents.map(Value::from).collect(),
        )
        .await?;
    rows.into_iter().map(|mut row| row.take(0)).collect()
}

/// Those of some contents that some vault of a principal refers to.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn readable_by(
    q: &mut impl Query,
    principal: VaultId,
    contents: impl Iterator<Item = ContentId> + Send,
    now_ms: u64,
) -> Result<BTreeSet<ContentId>> {
    let rows = q
        .query_list(
            "SELECT DISTINCT r.content_id FROM content_refs r JOIN members m \
             ON m.vault_id = r.vault_id WHERE m.principal = ? AND m.expires_ms > ? \
             AND r.content_id IN (?..)",
            args![principal, now_ms],
            contents.map(Value::from).collect(),
        )
        .await?;
    rows.into_iter().map(|mut row| row.take(0)).collect()
}

/// The next contents of a vault beyond one, ascending, each with how often the
/// vault refers to it.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn contents_of(
    q: &mut impl Query,
    vault_id: VaultId,
    after: ContentId,
    limit: u32,
) -> Result<Vec<(ContentId, i64)>> {
    let rows = q
        .query(
            "SELECT content_id, COUNT(*) FROM content_refs WHERE vault_id = ? AND content_id > ? \
             GROUP BY content_id ORDER BY content_id LIMIT ?",
            args![vault_id, after, limit],
        )
        .await?;
    rows.into_iter()
        .map(|mut row| Ok((row.take(0)?, row.take(1)?)))
        .collect()
}

/// Notes another owner with all of a vault's references.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn set_owner(write: &mut Write, vault_id: VaultId, owner: VaultId) -> Result<()> {
    let sql = "UPDATE content_refs SET owner = ? WHERE vault_id = ?";
    write.execute(sql, args![owner, vault_id]).await?;
    Ok(())
}

/// Adds references.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn insert(
    write: &mut Write,
    vault_id: VaultId,
    owner: VaultId,
    references: impl Iterator<Item = (NodeId, ContentId)> + Send,
) -> Result<()> {
    write
        .insert(
            "INSERT INTO content_refs (vault_id, node_id, content_id, owner) VALUES (?, ?, ?, ?)",
            references
                .map(|(node, content)| args![vault_id, node, content, owner])
                .collect(),
        )
        .await
}

/// Removes one reference.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn remove(
    write: &mut Write,
    vault_id: VaultId,
    node_id: NodeId,
    content_id: ContentId,
) -> Result<()> {
    write
        .execute(
            "DELETE FROM content_refs WHERE vault_id = ? AND node_id = ? AND content_id = ?",
            args![vault_id, node_id, content_id],
        )
        .await?;
    Ok(())
}

/// Removes every reference of some nodes.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn remove_nodes(
    write: &mut Write,
    vault_id: VaultId,
    nodes: impl Iterator<Item = NodeId> + Send,
) -> Result<()> {
    write
        .execute_list(
            "DELETE FROM content_refs WHERE vault_id = ? AND node_id IN (?..)",
            args![vault_id],
            nodes.map(Value::from).collect(),
        )
        .await?;
    Ok(())
}

/// Some of a vault's references.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn of_vault(
    q: &mut impl Query,
    vault_id: VaultId,
    limit: u32,
) -> Result<Vec<(NodeId, ContentId)>> {
    let rows = q
        .query(
            "SELECT node_id, content_id FROM content_refs WHERE vault_id = ? LIMIT ?",
            args![vault_id, limit],
        )
        .await?;
    rows.into_iter()
        .map(|mut row| Ok((row.take(0)?, row.take(1)?)))
        .collect()
}

/// References to contents that are not there or not committed: none, in a
/// database that is whole.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn dangling(q: &mut impl Query, vault_id: VaultId) -> Result<Vec<ContentId>> {
    let rows = q
        .query(
            "SELECT DISTINCT r.content_id FROM content_refs r LEFT JOIN contents c \
             ON c.content_id = r.content_id WHERE r.vault_id = ? \
             AND (c.committed IS NULL OR c.committed = 0)",
            args![vault_id],
        )
        .await?;
    rows.into_iter().map(|mut row| row.take(0)).collect()
}
