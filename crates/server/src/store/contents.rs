//! Contents, uploading or committed.

use std::collections::BTreeMap;

use sv_ledger::entry::ContentAdded;
use sv_ledger::id::{ContentId, Hash, VaultId};

use crate::args;
use crate::db::{Query, Result, Row, Value, Write};

/// A content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Its id.
    pub content_id: ContentId,
    /// Who uploads or uploaded it.
    pub uploader: VaultId,
    /// Whether an entry has named it; it never changes from then on.
    pub committed: bool,
    /// How often it changed.
    pub revision: u64,
    /// Bytes of its blocks; while uploading, of those that are there.
    pub sealed_len: u64,
    /// How many blocks those are.
    pub block_count: u32,
    /// BLAKE3 over the BLAKE3 of each block, once committed.
    pub blocks_root: Option<Hash>,
    /// When it is given up, while uploading.
    pub expires_ms: u64,
}

impl Content {
    /// Whether it only waits for its blocks to be removed.
    pub const fn is_dead(&self) -> bool {
        self.committed && self.blocks_root.is_none()
    }

    /// Whether it is committed with exactly these bytes.
    pub fn is_committed_as(&self, added: &ContentAdded) -> bool {
        self.committed
            && self.sealed_len == added.sealed_len
            && self.block_count == added.block_count
            && self.blocks_root == Some(added.blocks_root)
    }
}

/// A content, locked until the end of the unit of work.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn lock(write: &mut Write, id: ContentId) -> Result<Option<Content>> {
    let row = write
        .lookup(
            "SELECT content_id, uploader, committed, revision, sealed_len, block_count, blocks_root, \
             expires_ms FROM contents WHERE content_id = ? FOR UPDATE",
            args![id],
        )
        .await?;
    row.map(content).transpose()
}

/// A content.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn lookup(q: &mut impl Query, id: ContentId) -> Result<Option<Content>> {
    Ok(find(q, [id].into_iter()).await?.remove(&id))
}

/// Those of some contents that are there.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn find(
    q: &mut impl Query,
    ids: impl Iterator<Item = ContentId> + Send,
) -> Result<BTreeMap<ContentId, Content>> {
    let rows = q
        .query_list(
            "SELECT content_id, uploader, committed, revision, sealed_len, block_count, blocks_root, \
             expires_ms FROM contents WHERE content_id IN (?..)",
            args![],
            ids.map(Value::from).collect(),
        )
        .await?;
    rows.into_iter()
        .map(|row| content(row).map(|c| (c.content_id, c)))
        .collect()
}

/// The same as they are now, locked until the end of the unit of work.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn lock_all(
    write: &mut Write,
    ids: impl Iterator<Item = ContentId> + Send,
) -> Result<BTreeMap<ContentId, Content>> {
    let rows = write
        .query_list(
            "SELECT content_id, uploader, committed, revision, sealed_len, block_count, blocks_root, \
             expires_ms FROM contents WHERE content_id IN (?..) FOR UPDATE",
            args![],
            ids.map(Value::from).collect(),
        )
        .await?;
    rows.into_iter()
        .map(|row| content(row).map(|c| (c.content_id, c)))
        .collect()
}

/// How many contents are whole, and their bytes as sealed.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn total(q: &mut impl Query) -> Result<(u64, u64)> {
    let sql = "SELECT COUNT(*), CAST(SUM(sealed_len) AS SIGNED) FROM contents \
               WHERE committed = 1 AND blocks_root IS NOT NULL";
    let Some(mut row) = q.lookup(sql, args![]).await? else {
        return Ok((0, 0));
    };
    let bytes: Option<u64> = row.take(1)?;
    Ok((row.take(0)?, bytes.unwrap_or(0)))
}

/// Adds an upload without blocks.
///
/// # Errors
/// [`crate::db::Error::Exists`] if the id is taken.
pub async fn insert_upload(
    write: &mut Write,
    id: ContentId,
    uploader: VaultId,
    now_ms: u64,
    expires_ms: u64,
) -> Result<()> {
    write
        .execute(
            "INSERT INTO contents (content_id, uploader, committed, revision, sealed_len, \
             block_count, blocks_root, created_ms, expires_ms) VALUES (?, ?, 0, 0, 0, 0, NULL, ?, ?)",
            args![id, uploader, now_ms, expires_ms],
        )
        .await?;
    Ok(())
}

/// Adds contents that are committed at once.
///
/// # Errors
/// [`crate::db::Error::Exists`] if an id is taken.
pub async fn insert_committed(
    write: &mut Write,
    uploader: VaultId,
    contents: impl Iterator<Item = ContentAdded> + Send,
    now_ms: u64,
) -> Result<()> {
    let rows = contents
        .map(|c| {
            args![
                c.content_id,
                uploader,
                c.sealed_len,
                c.block_count,
                c.blocks_root,
                now_ms
            ]
        })
        .collect();
    write
        .insert(
            "INSERT INTO contents (content_id, uploader, sealed_len, block_count, blocks_root, \
             created_ms, committed, revision, expires_ms) VALUES (?, ?, ?, ?, ?, ?, 1, 0, 0)",
            rows,
        )
        .await
}

/// Notes that a block of an upload came or was replaced.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn grow(
    write: &mut Write,
    id: ContentId,
    sealed_len: u64,
    block_count: u32,
    expires_ms: u64,
) -> Result<()> {
    write
        .execute(
            "UPDATE contents SET revision = revision + 1, sealed_len = ?, block_count = ?, \
             expires_ms = ? WHERE content_id = ? AND committed = 0",
            args![sealed_len, block_count, expires_ms, id],
        )
        .await?;
    Ok(())
}

/// Commits an upload, if it is still at the revision that was verified.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn commit(write: &mut Write, content: &ContentAdded, revision: u64) -> Result<bool> {
    let met = write
        .execute(
            "UPDATE contents SET committed = 1, sealed_len = ?, block_count = ?, blocks_root = ?, \
             expires_ms = 0 WHERE content_id = ? AND committed = 0 AND revision = ?",
            args![
                content.sealed_len,
                content.block_count,
                content.blocks_root,
                content.content_id,
                revision
            ],
        )
        .await?;
    Ok(met == 1)
}

/// Makes sure that nobody refers to a content or adds to it again, while its
/// blocks are removed bit by bit.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn kill(write: &mut Write, id: ContentId) -> Result<()> {
    write
        .execute(
            "UPDATE contents SET committed = 1, blocks_root = NULL WHERE content_id = ?",
            args![id],
        )
        .await?;
    Ok(())
}

/// Removes a content's row.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn remove(write: &mut Write, id: ContentId) -> Result<()> {
    write
        .execute("DELETE FROM contents WHERE content_id = ?", args![id])
        .await?;
    Ok(())
}

/// Uploads that expired before a time.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn expired_uploads(
    q: &mut impl Query,
    now_ms: u64,
    limit: u32,
) -> Result<Vec<ContentId>> {
    let rows = q
        .query(
            "SELECT content_id FROM contents WHERE committed = 0 AND expires_ms <= ? LIMIT ?",
            args![now_ms, limit],
        )
        .await?;
    rows.into_iter().map(|mut row| row.take(0)).collect()
}

/// Contents beyond `after`, ascending.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn page(q: &mut impl Query, after: ContentId, limit: u32) -> Result<Vec<Content>> {
    let rows = q
        .query(
            "SELECT content_id, uploader, committed, revision, sealed_len, block_count, blocks_root, \
             expires_ms FROM contents WHERE content_id > ? ORDER BY content_id LIMIT ?",
            args![after, limit],
        )
        .await?;
    rows.into_iter().map(content).collect()
}

fn content(mut row: Row) -> Result<Content> {
    Ok(Content {
        content_id: row.take(0)?,
        uploader: row.take(1)?,
        committed: row.take(2)?,
        revision: row.take(3)?,
        sealed_len: row.take(4)?,
        block_count: row.take(5)?,
        blocks_root: row.take(6)?,
        expires_ms: row.take(7)?,
    })
}
