//! How much an account may store, and how much it does: every content that
//! its vaults refer to, once; every log entry, record and key envelope of
//! them; and every block of its unfinished uploads.

use std::collections::BTreeMap;

use sv_ledger::id::VaultId;

use crate::args;
use crate::db::{Query, Result, Row, Write};

/// An account's storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Bytes it may store.
    pub limit: u64,
    /// Bytes it does.
    pub used: u64,
}

impl Quota {
    /// Bytes that still fit.
    pub const fn free(&self) -> u64 {
        self.limit.saturating_sub(self.used)
    }
}

/// Sets how much an account may store; a new one stores nothing yet.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn set_limit(write: &mut Write, uid: VaultId, limit: u64) -> Result<()> {
    write
        .execute(
            "INSERT INTO quotas (uid, quota_bytes, used_bytes) VALUES (?, ?, ?) \
             UPSERT (uid) SET quota_bytes",
            args![uid, limit, 0_u64],
        )
        .await?;
    Ok(())
}

/// An account's storage.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn lookup(q: &mut impl Query, uid: VaultId) -> Result<Option<Quota>> {
    let row = q
        .lookup(
            "SELECT quota_bytes, used_bytes FROM quotas WHERE uid = ?",
            args![uid],
        )
        .await?;
    row.map(quota).transpose()
}

/// Charges bytes if they fit, or go over the limit by no more than `beyond`;
/// whether they did.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn charge(write: &mut Write, uid: VaultId, bytes: u64, beyond: u64) -> Result<bool> {
    let met = write
        .execute(
            "UPDATE quotas SET used_bytes = used_bytes + ? \
             WHERE uid = ? AND used_bytes + ? - ? <= quota_bytes",
            args![bytes, uid, bytes, beyond],
        )
        .await?;
    Ok(met == 1)
}

/// Gives bytes back.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn release(write: &mut Write, uid: VaultId, bytes: u64) -> Result<()> {
    write
        .execute(
            "UPDATE quotas SET used_bytes = used_bytes - ? WHERE uid = ?",
            args![bytes, uid],
        )
        .await?;
    Ok(())
}

/// Bytes that all accounts together are charged for.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn total(q: &mut impl Query) -> Result<u64> {
    let sql = "SELECT CAST(SUM(used_bytes) AS SIGNED) FROM quotas";
    let total: Option<i64> = match q.lookup(sql, args![]).await? {
        Some(mut row) => row.take(0)?,
        None => None,
    };
    Ok(total.unwrap_or(0).max(0).unsigned_abs())
}

/// Every account with its storage.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn all(q: &mut impl Query) -> Result<Vec<(VaultId, Quota)>> {
    let rows = q
        .query("SELECT quota_bytes, used_bytes, uid FROM quotas", args![])
        .await?;
    rows.into_iter()
        .map(|mut row| Ok((row.take(2)?, quota(row)?)))
        .collect()
}

/// What every account that stores anything stores, counted anew.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn counted(q: &mut impl Query) -> Result<BTreeMap<VaultId, u64>> {
    let referenced = q
        .query(
            "SELECT r.owner, CAST(SUM(c.sealed_len) AS SIGNED) FROM \
             (SELECT DISTINCT owner, content_id FROM content_refs) r \
             JOIN contents c ON c.content_id = r.content_id GROUP BY r.owner",
            args![],
        )
        .await?;
    let uploading = q
        .query(
            "SELECT uploader, CAST(SUM(sealed_len) AS SIGNED) FROM contents \
             WHERE committed = 0 GROUP BY uploader",
            args![],
        )
        .await?;
    let entries = q
        .query(
            "SELECT v.owner, CAST(SUM(LENGTH(e.bytes)) AS SIGNED) FROM entries e \
             JOIN vaults v ON v.vault_id = e.vault_id GROUP BY v.owner",
            args![],
        )
        .await?;
    let bodies = q
        .query(
            "SELECT v.owner, CAST(SUM(LENGTH(b.bytes)) AS SIGNED) FROM bodies b \
             JOIN vaults v ON v.vault_id = b.vault_id GROUP BY v.owner",
            args![],
        )
        .await?;
    let mut stored = BTreeMap::new();
    let sums = [referenced, uploading, entries, bodies];
    for mut row in sums.into_iter().flatten() {
        *stored.entry(row.take(0)?).or_default() += row.take::<u64>(1)?;
    }
    Ok(stored)
}

fn quota(mut row: Row) -> Result<Quota> {
    Ok(Quota {
        limit: row.take(0)?,
        used: row.take::<i64>(1)?.max(0).unsigned_abs(),
    })
}
