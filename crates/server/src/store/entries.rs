//! Log entries, byte for byte as they were signed.

use sv_ledger::entry::Entry;
use sv_ledger::id::{Hash, VaultId};

use super::corrupt;
use crate::args;
use crate::db::{Query, Result, Row, Write};

/// Adds an entry.
///
/// # Errors
/// [`crate::db::Error::Exists`] if its place is taken.
pub async fn insert(write: &mut Write, entry: &Entry) -> Result<()> {
    let body = entry.body();
    write
        .execute(
            "INSERT INTO entries (vault_id, seq, hash, is_membership, bytes) VALUES (?, ?, ?, ?, ?)",
            args![
                body.vault_id,
                body.seq,
                entry.hash(),
                entry.is_membership(),
                entry.to_bytes()
            ],
        )
        .await?;
    Ok(())
}

/// The hash of the entry at a place.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn hash_at(q: &mut impl Query, vault_id: VaultId, seq: u64) -> Result<Option<Hash>> {
    let row = q
        .lookup(
            "SELECT hash FROM entries WHERE vault_id = ? AND seq = ?",
            args![vault_id, seq],
        )
        .await?;
    row.map(|mut row| row.take(0)).transpose()
}

/// At most `limit` consecutive entries from `from` on, of about `bytes`
/// bytes together, but at least one if there is one.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn page(
    q: &mut impl Query,
    vault_id: VaultId,
    from: u64,
    limit: usize,
    bytes: u64,
) -> Result<Vec<Entry>> {
    let sizes = q
        .query(
            "SELECT seq, LENGTH(bytes) FROM entries WHERE vault_id = ? AND seq >= ? \
             ORDER BY seq LIMIT ?",
            args![vault_id, from, limit],
        )
        .await?;
    let last = last_that_fits(sizes, bytes)?;
    let Some(last) = last else {
        return Ok(Vec::new());
    };
    let rows = q
        .query(
            "SELECT bytes FROM entries WHERE vault_id = ? AND seq >= ? AND seq <= ? ORDER BY seq",
            args![vault_id, from, last],
        )
        .await?;
    rows.into_iter().map(parse).collect()
}

/// At most `limit` membership entries from place `from` on, of about `bytes`
/// bytes together, but at least one if there is one; and whether there are
/// more.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn membership_page(
    q: &mut impl Query,
    vault_id: VaultId,
    from: u64,
    limit: usize,
    bytes: u64,
) -> Result<(Vec<Entry>, bool)> {
    let sizes = q
        .query(
            "SELECT seq, LENGTH(bytes) FROM entries WHERE vault_id = ? AND is_membership = 1 \
             AND seq >= ? ORDER BY seq LIMIT ?",
            args![vault_id, from, limit + 1],
        )
        .await?;
    let found = sizes.len();
    let sizes = sizes.into_iter().take(limit).collect();
    let Some(last) = last_that_fits(sizes, bytes)? else {
        return Ok((Vec::new(), false));
    };
    let rows = q
        .query(
            "SELECT bytes FROM entries WHERE vault_id = ? AND is_membership = 1 \
             AND seq >= ? AND seq <= ? ORDER BY seq",
            args![vault_id, from, last],
        )
        .await?;
    let entries: Vec<Entry> = rows.into_iter().map(parse).collect::<Result<_>>()?;
    let more = entries.len() < found;
    Ok((entries, more))
}

/// The last of some places that fits into so many bytes with those before it;
/// at least the first.
fn last_that_fits(sizes: Vec<Row>, bytes: u64) -> Result<Option<u64>> {
    let (mut total, mut last) = (0_u64, None);
    for mut row in sizes {
        let (seq, len): (u64, u64) = (row.take(0)?, row.take(1)?);
        total += len;
        if last.is_some() && total > bytes {
            break;
        }
        last = Some(seq);
    }
    Ok(last)
}

/// Every membership entry, in order.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn of_membership(q: &mut impl Query, vault_id: VaultId) -> Result<Vec<Entry>> {
    let rows = q
        .query(
            "SELECT bytes FROM entries WHERE vault_id = ? AND is_membership = 1 ORDER BY seq",
            args![vault_id],
        )
        .await?;
    rows.into_iter().map(parse).collect()
}

fn parse(mut row: Row) -> Result<Entry> {
    Entry::parse(&row.take::<Vec<u8>>(0)?).map_err(|_| corrupt("log entry"))
}
