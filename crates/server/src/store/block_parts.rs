//! Blocks that rest in the database, in parts.

use crate::args;
use crate::blocks::{BlockName, Listed};
use crate::db::{Query, Result, Write};

/// A part of a block.
#[derive(Debug, Clone)]
pub struct NewPart {
    /// Its place in the block.
    pub index: u32,
    /// In part 0 the length of the whole block, else 0.
    pub block_len: u64,
    /// When, Unix milliseconds.
    pub stored_ms: u64,
    /// Its bytes.
    pub data: Vec<u8>,
}

/// Adds a part. Names are never used twice, so one that is there is this one,
/// of an attempt whose answer was lost.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn insert(write: &mut Write, file: BlockName, part: NewPart) -> Result<()> {
    write
        .execute(
            "INSERT INTO block_parts (file, idx, block_len, stored_ms, data) \
             VALUES (?, ?, ?, ?, ?) UPSERT (file, idx) NOTHING",
            args![file, part.index, part.block_len, part.stored_ms, part.data],
        )
        .await?;
    Ok(())
}

/// The length of a block and its first part, if it is finished.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn first(q: &mut impl Query, file: BlockName) -> Result<Option<(u64, Vec<u8>)>> {
    let row = q
        .lookup(
            "SELECT block_len, data FROM block_parts WHERE file = ? AND idx = 0",
            args![file],
        )
        .await?;
    row.map(|mut row| Ok((row.take(0)?, row.take(1)?)))
        .transpose()
}

/// One part.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn lookup(q: &mut impl Query, file: BlockName, index: u32) -> Result<Option<Vec<u8>>> {
    let row = q
        .lookup(
            "SELECT data FROM block_parts WHERE file = ? AND idx = ?",
            args![file, index],
        )
        .await?;
    row.map(|mut row| row.take(0)).transpose()
}

/// Finished blocks between two names, ascending.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn finished(
    q: &mut impl Query,
    first: BlockName,
    last: BlockName,
) -> Result<Vec<Listed>> {
    let rows = q
        .query(
            "SELECT file, stored_ms FROM block_parts \
             WHERE idx = 0 AND file >= ? AND file <= ? ORDER BY file",
            args![first, last],
        )
        .await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(Listed {
                name: row.take(0)?,
                stored_ms: row.take(1)?,
            })
        })
        .collect()
}

/// Blocks of which there are parts from before a time, but not the first.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn unfinished(q: &mut impl Query, before_ms: u64) -> Result<Vec<BlockName>> {
    let rows = q
        .query(
            "SELECT DISTINCT p.file FROM block_parts p LEFT JOIN block_parts f \
             ON f.file = p.file AND f.idx = 0 \
             WHERE p.idx > 0 AND p.stored_ms < ? AND f.file IS NULL",
            args![before_ms],
        )
        .await?;
    rows.into_iter().map(|mut row| row.take(0)).collect()
}

/// Removes every part of a block: at most eight rows, as many as a
/// transaction may hold that is to stay small.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn remove(write: &mut Write, file: BlockName) -> Result<()> {
    write
        .execute("DELETE FROM block_parts WHERE file = ?", args![file])
        .await?;
    Ok(())
}
