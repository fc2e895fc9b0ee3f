//! Names under which a block may be stored. A file of the block store is
//! reserved, then named by a row of `blocks`, then discarded, then nothing;
//! it never goes back. So what is nothing may be removed at any time, and a
//! server that wakes up too late finds its reservation gone.

use crate::args;
use crate::blocks::BlockName;
use crate::db::{Query, Result, Value, Write};

/// Reserves names.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn reserve(write: &mut Write, files: &[BlockName], expires_ms: u64) -> Result<()> {
    write
        .insert(
            "INSERT INTO reserved_files (file, expires_ms) VALUES (?, ?)",
            files.iter().map(|name| args![*name, expires_ms]).collect(),
        )
        .await
}

/// Gives a reservation up; whether it was still there.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn take(write: &mut Write, file: BlockName) -> Result<bool> {
    let met = write
        .execute("DELETE FROM reserved_files WHERE file = ?", args![file])
        .await?;
    Ok(met == 1)
}

/// Ends reservations that expired before a time.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn expire(write: &mut Write, now_ms: u64) -> Result<()> {
    write
        .execute(
            "DELETE FROM reserved_files WHERE expires_ms <= ?",
            args![now_ms],
        )
        .await?;
    Ok(())
}

/// Those of some files that are reserved.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn among(q: &mut impl Query, files: Vec<Value>) -> Result<Vec<BlockName>> {
    let rows = q
        .query_list(
            "SELECT file FROM reserved_files WHERE file IN (?..)",
            args![],
            files,
        )
        .await?;
    rows.into_iter().map(|mut row| row.take(0)).collect()
}
