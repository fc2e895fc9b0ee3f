//! Who fetched which content from a shared vault, as the server saw it.

use sv_ledger::id::{AccessId, ContentId, VaultId};

use crate::args;
use crate::db::{Query, Result, Row, Value, Write};

/// A content that somebody fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredAccess {
    /// The vault it was fetched from.
    pub vault_id: VaultId,
    /// Begins with the time of the first block.
    pub access_id: AccessId,
    /// Who.
    pub principal: VaultId,
    /// What.
    pub content_id: ContentId,
    /// When the first block was asked for, Unix milliseconds.
    pub first_ms: u64,
    /// When the last was.
    pub last_ms: u64,
    /// How many.
    pub blocks: u64,
}

/// Those of one vault from a time on that are of some contents.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn since(
    q: &mut impl Query,
    vault_id: VaultId,
    from: AccessId,
    contents: impl Iterator<Item = ContentId> + Send,
) -> Result<Vec<StoredAccess>> {
    let rows = q
        .query_list(
            "SELECT access_id, principal, content_id, first_ms, last_ms, blocks FROM accesses \
             WHERE vault_id = ? AND access_id >= ? AND content_id IN (?..)",
            args![vault_id, from],
            contents.map(Value::from).collect(),
        )
        .await?;
    rows.into_iter().map(|row| stored(vault_id, row)).collect()
}

/// How many are kept of a vault.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn count(q: &mut impl Query, vault_id: VaultId) -> Result<u64> {
    let sql = "SELECT COUNT(*) FROM accesses WHERE vault_id = ?";
    let row = q.lookup(sql, args![vault_id]).await?;
    row.map_or(Ok(0), |mut row| row.take(0))
}

/// Forgets the oldest of a vault.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn forget_oldest(write: &mut Write, vault_id: VaultId, count: u64) -> Result<()> {
    let rows = write
        .query(
            "SELECT access_id FROM accesses WHERE vault_id = ? ORDER BY access_id LIMIT ?",
            args![vault_id, count],
        )
        .await?;
    let ids: Result<Vec<Value>> = rows.into_iter().map(|mut row| row.take(0)).collect();
    write
        .execute_list(
            "DELETE FROM accesses WHERE vault_id = ? AND access_id IN (?..)",
            args![vault_id],
            ids?,
        )
        .await
        .map(drop)
}

/// Adds some, or puts them in the place of those with the same id.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn put(write: &mut Write, accesses: &[StoredAccess]) -> Result<()> {
    let row = |a: &StoredAccess| {
        args![
            a.vault_id,
            a.access_id,
            a.principal,
            a.content_id,
            a.first_ms,
            a.last_ms,
            a.blocks
        ]
    };
    write
        .insert(
            "INSERT INTO accesses (vault_id, access_id, principal, content_id, first_ms, last_ms, \
             blocks) VALUES (?, ?, ?, ?, ?, ?, ?) \
             UPSERT (vault_id, access_id) SET first_ms, last_ms, blocks",
            accesses.iter().map(row).collect(),
        )
        .await
}

/// Those of a vault before one, newest first; of one principal, if it is named.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn page(
    q: &mut impl Query,
    vault_id: VaultId,
    before: AccessId,
    principal: Option<VaultId>,
    limit: usize,
) -> Result<Vec<StoredAccess>> {
    let any = principal.is_none();
    let rows = q
        .query(
            "SELECT access_id, principal, content_id, first_ms, last_ms, blocks FROM accesses \
             WHERE vault_id = ? AND access_id < ? AND (? = 1 OR principal = ?) \
             ORDER BY access_id DESC LIMIT ?",
            args![
                vault_id,
                before,
                any,
                principal.unwrap_or(VaultId::ZERO),
                limit
            ],
        )
        .await?;
    rows.into_iter().map(|row| stored(vault_id, row)).collect()
}

fn stored(vault_id: VaultId, mut row: Row) -> Result<StoredAccess> {
    Ok(StoredAccess {
        vault_id,
        access_id: row.take(0)?,
        principal: row.take(1)?,
        content_id: row.take(2)?,
        first_ms: row.take(3)?,
        last_ms: row.take(4)?,
        blocks: row.take(5)?,
    })
}

/// Forgets some of those that ended before a time; how many.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn expire(write: &mut Write, before_ms: u64, limit: u32) -> Result<usize> {
    let rows = write
        .query(
            "SELECT vault_id, access_id FROM accesses WHERE last_ms < ? LIMIT ?",
            args![before_ms, limit],
        )
        .await?;
    let count = rows.len();
    for mut row in rows {
        let (vault_id, access_id): (VaultId, Value) = (row.take(0)?, row.take(1)?);
        write
            .execute(
                "DELETE FROM accesses WHERE vault_id = ? AND access_id = ?",
                args![vault_id, access_id],
            )
            .await?;
    }
    Ok(count)
}
