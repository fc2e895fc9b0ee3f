//! Sign-ups that wait for their first code.

use sv_ledger::id::VaultId;

use crate::args;
use crate::db::{Query, Result, Write};

/// A sign-up that waits.
#[derive(Clone)]
pub(crate) struct PendingSignup {
    pub(crate) uid: VaultId,
    pub(crate) handle: String,
    /// As it came.
    pub(crate) request: Vec<u8>,
    /// Sealed.
    pub(crate) totp: Vec<u8>,
    /// Hashes, one after the other.
    pub(crate) backup_codes: Vec<u8>,
    pub(crate) expires_ms: u64,
}

pub(crate) async fn insert(w: &mut Write, signup: PendingSignup) -> Result<()> {
    w.execute(
        "INSERT INTO signups (uid, handle, request, totp, backup_codes, expires_ms) \
         VALUES (?, ?, ?, ?, ?, ?)",
        args![
            signup.uid,
            signup.handle,
            signup.request,
            signup.totp,
            signup.backup_codes,
            signup.expires_ms,
        ],
    )
    .await?;
    Ok(())
}

pub(crate) async fn lookup(
    q: &mut impl Query,
    uid: VaultId,
    now_ms: u64,
) -> Result<Option<PendingSignup>> {
    let sql = "SELECT uid, handle, request, totp, backup_codes, expires_ms FROM signups \
               WHERE uid = ? AND expires_ms > ?";
    q.lookup(sql, args![uid, now_ms])
        .await?
        .map(|mut row| {
            Ok(PendingSignup {
                uid: row.take(0)?,
                handle: row.take(1)?,
                request: row.take(2)?,
                totp: row.take(3)?,
                backup_codes: row.take(4)?,
                expires_ms: row.take(5)?,
            })
        })
        .transpose()
}

/// Whether somebody has the handle, or is about to.
pub(crate) async fn is_taken(q: &mut impl Query, handle: &str, now_ms: u64) -> Result<bool> {
    let account = "SELECT 1 FROM accounts WHERE handle = ?";
    let pending = "SELECT 1 FROM signups WHERE handle = ? AND expires_ms > ?";
    Ok(q.lookup(account, args![handle]).await?.is_some()
        || q.lookup(pending, args![handle, now_ms]).await?.is_some())
}

/// Forgets one; false if it was not there.
pub(crate) async fn delete(w: &mut Write, uid: VaultId) -> Result<bool> {
    let met = w
        .execute("DELETE FROM signups WHERE uid = ?", args![uid])
        .await?;
    Ok(met == 1)
}

/// Forgets one whose time is over; false if it is not, any more.
pub(crate) async fn delete_expired(w: &mut Write, uid: VaultId, now_ms: u64) -> Result<bool> {
    let met = w
        .execute(
            "DELETE FROM signups WHERE uid = ? AND expires_ms <= ?",
            args![uid, now_ms],
        )
        .await?;
    Ok(met == 1)
}

/// Whoever waited too long.
pub(crate) async fn expired(q: &mut impl Query, now_ms: u64) -> Result<Vec<VaultId>> {
    let sql = "SELECT uid FROM signups WHERE expires_ms <= ? LIMIT 200";
    q.query(sql, args![now_ms])
        .await?
        .into_iter()
        .map(|mut row| row.take(0))
        .collect()
}
