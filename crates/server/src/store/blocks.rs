//! Blocks of contents: where each is, how long, and its hash.

use std::collections::BTreeMap;

use sv_ledger::id::{ContentId, Hash};

use crate::args;
use crate::blocks::BlockName;
use crate::db::{FromValue, Query, Result, Row, Value, Write};

/// Where a block's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the block store, under this name.
    File(BlockName),
    /// In the row.
    Row(Vec<u8>),
}

/// A block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Its place in the content.
    pub index: u32,
    /// Bytes.
    pub len: u64,
    /// BLAKE3.
    pub hash: Hash,
}

/// A block with its bytes' whereabouts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedBlock {
    /// What it is.
    pub block: Block,
    /// Where it is.
    pub place: Place,
}

/// Adds a block, or puts it in the place of the one with its index.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn put(write: &mut Write, content_id: ContentId, block: PlacedBlock) -> Result<()> {
    write
        .execute(
            "INSERT INTO blocks (content_id, idx, len, hash, file, data) VALUES (?, ?, ?, ?, ?, ?) \
             UPSERT (content_id, idx) SET len, hash, file, data",
            values(content_id, block),
        )
        .await?;
    Ok(())
}

/// Adds blocks that are not there.
///
/// # Errors
/// [`crate::db::Error::Exists`] if one is.
pub async fn insert(
    write: &mut Write,
    blocks: impl Iterator<Item = (ContentId, PlacedBlock)> + Send,
) -> Result<()> {
    write
        .insert(
            "INSERT INTO blocks (content_id, idx, len, hash, file, data) VALUES (?, ?, ?, ?, ?, ?)",
            blocks.map(|(id, block)| values(id, block)).collect(),
        )
        .await
}

/// A content's blocks from an index on, without their bytes.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn page(
    q: &mut impl Query,
    content_id: ContentId,
    from: u32,
    limit: u32,
) -> Result<Vec<Block>> {
    let rows = q
        .query(
            "SELECT idx, len, hash FROM blocks WHERE content_id = ? AND idx >= ? \
             ORDER BY idx LIMIT ?",
            args![content_id, from, limit],
        )
        .await?;
    rows.into_iter().map(block).collect()
}

/// One block and where it is.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn lookup(
    q: &mut impl Query,
    content_id: ContentId,
    index: u32,
) -> Result<Option<PlacedBlock>> {
    let row = q
        .lookup(
            "SELECT idx, len, hash, file, data FROM blocks WHERE content_id = ? AND idx = ?",
            args![content_id, index],
        )
        .await?;
    row.map(placed).transpose()
}

/// The same as it is now, locked until the end of the unit of work.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn lock(
    write: &mut Write,
    content_id: ContentId,
    index: u32,
) -> Result<Option<PlacedBlock>> {
    let row = write
        .lookup(
            "SELECT idx, len, hash, file, data FROM blocks WHERE content_id = ? AND idx = ? \
             FOR UPDATE",
            args![content_id, index],
        )
        .await?;
    row.map(placed).transpose()
}

/// Lengths of the first blocks of some contents.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn first_lengths(
    q: &mut impl Query,
    contents: &[ContentId],
) -> Result<BTreeMap<ContentId, u64>> {
    let rows = q
        .query_list(
            "SELECT content_id, len FROM blocks WHERE idx = 0 AND content_id IN (?..)",
            args![],
            contents.iter().map(|id| Value::from(*id)).collect(),
        )
        .await?;
    rows.into_iter()
        .map(|mut row| Ok((row.take(0)?, row.take(1)?)))
        .collect()
}

/// First blocks of some contents and where they are.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn firsts(
    q: &mut impl Query,
    contents: &[ContentId],
) -> Result<BTreeMap<ContentId, PlacedBlock>> {
    let rows = q
        .query_list(
            "SELECT idx, len, hash, file, data, content_id FROM blocks \
             WHERE idx = 0 AND content_id IN (?..)",
            args![],
            contents.iter().map(|id| Value::from(*id)).collect(),
        )
        .await?;
    rows.into_iter()
        .map(|mut row| Ok((row.take(5)?, placed(row)?)))
        .collect()
}

/// Those of some names that a row holds.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn named_files(q: &mut impl Query, names: Vec<Value>) -> Result<Vec<BlockName>> {
    let rows = q
        .query_list(
            "SELECT file FROM blocks WHERE file IN (?..)",
            args![],
            names,
        )
        .await?;
    rows.into_iter().map(|mut row| row.take(0)).collect()
}

/// Names beyond `after`, ascending, with length and hash: what a backup copies.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn files_page(
    q: &mut impl Query,
    after: BlockName,
    limit: u32,
) -> Result<Vec<(BlockName, u64, Hash)>> {
    let rows = q
        .query(
            "SELECT file, len, hash FROM blocks WHERE file > ? ORDER BY file LIMIT ?",
            args![after, limit],
        )
        .await?;
    rows.into_iter()
        .map(|mut row| Ok((row.take(0)?, row.take(1)?, row.take(2)?)))
        .collect()
}

/// Removes at most `limit` of a content's rows; how many, and the names in
/// the block store that they held.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn remove_some(
    write: &mut Write,
    content_id: ContentId,
    limit: u32,
) -> Result<(usize, Vec<BlockName>)> {
    let rows = write
        .query(
            "SELECT idx, file FROM blocks WHERE content_id = ? ORDER BY idx LIMIT ? FOR UPDATE",
            args![content_id, limit],
        )
        .await?;
    let (mut indices, mut files) = (Vec::new(), Vec::new());
    for mut row in rows {
        indices.push(Value::from(row.take::<u32>(0)?));
        files.extend(row.take::<Option<BlockName>>(1)?);
    }
    let removed = indices.len();
    write
        .execute_list(
            "DELETE FROM blocks WHERE content_id = ? AND idx IN (?..)",
            args![content_id],
            indices,
        )
        .await?;
    Ok((removed, files))
}

impl FromValue for BlockName {
    const NAME: &'static str = "name of a block";

    fn from_value(value: Value) -> Option<Self> {
        FromValue::from_value(value).map(Self::new)
    }
}

impl From<BlockName> for Value {
    fn from(name: BlockName) -> Self {
        Self::from(*name.as_bytes())
    }
}

fn values(content_id: ContentId, placed: PlacedBlock) -> Vec<Value> {
    let (file, data) = match placed.place {
        Place::File(name) => (Some(name), None),
        Place::Row(bytes) => (None, Some(bytes)),
    };
    let Block { index, len, hash } = placed.block;
    args![content_id, index, len, hash, file, data]
}

fn block(mut row: Row) -> Result<Block> {
    Ok(Block {
        index: row.take(0)?,
        len: row.take(1)?,
        hash: row.take(2)?,
    })
}

fn placed(mut row: Row) -> Result<PlacedBlock> {
    let place = match (row.take(3)?, row.take(4)?) {
        (Some(name), None) => Place::File(name),
        (None, Some(bytes)) => Place::Row(bytes),
        _ => return Err(super::corrupt("place of a block")),
    };
    let block = block(row)?;
    Ok(PlacedBlock { block, place })
}
