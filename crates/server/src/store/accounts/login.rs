//! What the server remembers between two messages of a log-in: OPAQUE state,
//! recovery nonces, and the devices that have logged in before.

use sv_ledger::id::{SessionId, VaultId};

use crate::args;
use crate::db::{Query, Result, Write};

/// A log-in between KE1 and KE3.
#[derive(Clone)]
pub(crate) struct PendingLogin {
    /// None for a handle that nobody has.
    pub(crate) uid: Option<VaultId>,
    /// Of a proof within a session.
    pub(crate) session_id: Option<SessionId>,
    /// Sealed.
    pub(crate) state: Vec<u8>,
    /// The known device it comes from.
    pub(crate) device: Option<[u8; 32]>,
    /// What it was counted in.
    pub(crate) buckets: Vec<u8>,
    pub(crate) expires_ms: u64,
}

pub(crate) async fn insert(w: &mut Write, login_id: [u8; 16], login: PendingLogin) -> Result<()> {
    w.execute(
        "INSERT INTO logins (login_id, uid, session_id, state, device, buckets, expires_ms) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
        args![
            login_id,
            login.uid,
            login.session_id,
            login.state,
            login.device,
            login.buckets,
            login.expires_ms,
        ],
    )
    .await?;
    Ok(())
}

/// A log-in between KE1 and KE3.
pub(crate) async fn lookup(
    q: &mut impl Query,
    login_id: [u8; 16],
    now_ms: u64,
) -> Result<Option<PendingLogin>> {
    let sql = "SELECT uid, session_id, state, device, buckets, expires_ms FROM logins \
               WHERE login_id = ? AND expires_ms > ?";
    let Some(mut row) = q.lookup(sql, args![login_id, now_ms]).await? else {
        return Ok(None);
    };
    Ok(Some(PendingLogin {
        uid: row.take(0)?,
        session_id: row.take(1)?,
        state: row.take(2)?,
        device: row.take(3)?,
        buckets: row.take(4)?,
        expires_ms: row.take(5)?,
    }))
}

/// Takes a log-in out; false for whoever comes second.
pub(crate) async fn take(w: &mut Write, login_id: [u8; 16]) -> Result<bool> {
    let met = w
        .execute("DELETE FROM logins WHERE login_id = ?", args![login_id])
        .await?;
    Ok(met == 1)
}

pub(crate) async fn insert_nonce(
    w: &mut Write,
    nonce: [u8; 32],
    handle: &str,
    expires_ms: u64,
) -> Result<()> {
    w.execute(
        "INSERT INTO recovery_nonces (nonce, handle, expires_ms) VALUES (?, ?, ?)",
        args![nonce, handle, expires_ms],
    )
    .await?;
    Ok(())
}

/// Uses a nonce up; false if it was not given out for this handle.
pub(crate) async fn take_nonce(
    w: &mut Write,
    nonce: [u8; 32],
    handle: &str,
    now_ms: u64,
) -> Result<bool> {
    let met = w
        .execute(
            "DELETE FROM recovery_nonces WHERE nonce = ? AND handle = ? AND expires_ms > ?",
            args![nonce, handle, now_ms],
        )
        .await?;
    Ok(met == 1)
}

pub(crate) async fn insert_device(
    w: &mut Write,
    token_hash: [u8; 32],
    uid: VaultId,
    now_ms: u64,
) -> Result<()> {
    w.execute(
        "INSERT INTO devices (token_hash, uid, last_used_ms) VALUES (?, ?, ?)",
        args![token_hash, uid, now_ms],
    )
    .await?;
    Ok(())
}

pub(crate) async fn delete_device(w: &mut Write, token_hash: [u8; 32]) -> Result<()> {
    w.execute(
        "DELETE FROM devices WHERE token_hash = ?",
        args![token_hash],
    )
    .await?;
    Ok(())
}

/// Whose device it is.
pub(crate) async fn device_owner(
    q: &mut impl Query,
    token_hash: [u8; 32],
) -> Result<Option<VaultId>> {
    let sql = "SELECT uid FROM devices WHERE token_hash = ?";
    q.lookup(sql, args![token_hash])
        .await?
        .map(|mut row| row.take(0))
        .transpose()
}

/// Forgets every log-in under way of an account.
pub(crate) async fn delete_all(w: &mut Write, uid: VaultId) -> Result<()> {
    w.execute("DELETE FROM logins WHERE uid = ?", args![uid])
        .await?;
    Ok(())
}
