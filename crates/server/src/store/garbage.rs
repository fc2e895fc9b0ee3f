//! What is to go: contents without a reference, and files without a row.

use sv_ledger::id::ContentId;

use crate::args;
use crate::blocks::BlockName;
use crate::db::{Query, Result, Value, Write};

/// Marks contents as unreferenced, to be collected not before a time.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn mark(
    write: &mut Write,
    contents: impl Iterator<Item = ContentId> + Send,
    not_before_ms: u64,
) -> Result<()> {
    write
        .insert(
            "INSERT INTO unreferenced_contents (content_id, not_before_ms) VALUES (?, ?) \
             UPSERT (content_id) SET not_before_ms",
            contents.map(|id| args![id, not_before_ms]).collect(),
        )
        .await
}

/// Takes the mark from contents that are referenced again or are gone.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn unmark(
    write: &mut Write,
    contents: impl Iterator<Item = ContentId> + Send,
) -> Result<()> {
    write
        .execute_list(
            "DELETE FROM unreferenced_contents WHERE content_id IN (?..)",
            args![],
            contents.map(Value::from).collect(),
        )
        .await?;
    Ok(())
}

/// Marked contents whose time has come.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn due(q: &mut impl Query, now_ms: u64, limit: u32) -> Result<Vec<ContentId>> {
    let rows = q
        .query(
            "SELECT content_id FROM unreferenced_contents WHERE not_before_ms <= ? LIMIT ?",
            args![now_ms, limit],
        )
        .await?;
    rows.into_iter().map(|mut row| row.take(0)).collect()
}

/// Discards files that no row names any more.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn discard(
    write: &mut Write,
    files: impl Iterator<Item = BlockName> + Send,
) -> Result<()> {
    write
        .insert(
            "INSERT INTO discarded_files (file) VALUES (?) UPSERT (file) NOTHING",
            files.map(|name| args![name]).collect(),
        )
        .await
}

/// Discarded files.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn discarded(q: &mut impl Query, limit: u32) -> Result<Vec<BlockName>> {
    let rows = q
        .query("SELECT file FROM discarded_files LIMIT ?", args![limit])
        .await?;
    rows.into_iter().map(|mut row| row.take(0)).collect()
}

/// Those of some files that are discarded.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn discarded_among(q: &mut impl Query, files: Vec<Value>) -> Result<Vec<BlockName>> {
    let rows = q
        .query_list(
            "SELECT file FROM discarded_files WHERE file IN (?..)",
            args![],
            files,
        )
        .await?;
    rows.into_iter().map(|mut row| row.take(0)).collect()
}

/// Forgets discarded files that have been removed.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn forget(
    write: &mut Write,
    files: impl Iterator<Item = BlockName> + Send,
) -> Result<()> {
    write
        .execute_list(
            "DELETE FROM discarded_files WHERE file IN (?..)",
            args![],
            files.map(Value::from).collect(),
        )
        .await?;
    Ok(())
}
