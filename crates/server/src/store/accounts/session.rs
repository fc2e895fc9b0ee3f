//! Sessions, kept by the hash of their token.

use sv_ledger::id::{SessionId, VaultId};

use crate::args;
use crate::db::{Query, Result, Row, Value, Write};

/// A session, complete or on the way there.
#[derive(Debug, Clone)]
pub(crate) struct StoredSession {
    pub(crate) token_hash: [u8; 32],
    pub(crate) session_id: SessionId,
    pub(crate) uid: VaultId,
    pub(crate) kind: u8,
    pub(crate) device_label: String,
    /// The known device it was opened on.
    pub(crate) device: Option<[u8; 32]>,
    pub(crate) created_ms: u64,
    pub(crate) last_used_ms: u64,
    pub(crate) expires_ms: u64,
    pub(crate) proved_until_ms: u64,
}

fn session(row: &mut Row) -> Result<StoredSession> {
    Ok(StoredSession {
        token_hash: row.take(0)?,
        session_id: row.take(1)?,
        uid: row.take(2)?,
        kind: row.take(3)?,
        device_label: row.take(4)?,
        device: row.take(5)?,
        created_ms: row.take(6)?,
        last_used_ms: row.take(7)?,
        expires_ms: row.take(8)?,
        proved_until_ms: row.take(9)?,
    })
}

pub(crate) async fn insert(w: &mut Write, s: StoredSession) -> Result<()> {
    w.execute(
        "INSERT INTO sessions (token_hash, session_id, uid, kind, device_label, device_hash, \
         created_ms, last_used_ms, expires_ms, proved_until_ms) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        args![
            s.token_hash,
            s.session_id,
            s.uid,
            s.kind,
            s.device_label,
            s.device,
            s.created_ms,
            s.last_used_ms,
            s.expires_ms,
            s.proved_until_ms,
        ],
    )
    .await?;
    Ok(())
}

/// What a session's account may.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Standing {
    pub(crate) disabled: bool,
    pub(crate) administrator: bool,
}

/// A live session, and how its account stands.
pub(crate) async fn lookup(
    q: &mut impl Query,
    token_hash: [u8; 32],
    now_ms: u64,
) -> Result<Option<(StoredSession, Standing)>> {
    let row = q
        .lookup(
            "SELECT s.token_hash, s.session_id, s.uid, s.kind, s.device_label, s.device_hash, \
             s.created_ms, s.last_used_ms, s.expires_ms, s.proved_until_ms, a.disabled, a.administrator \
             FROM sessions s LEFT JOIN accounts a ON a.uid = s.uid \
             WHERE s.token_hash = ? AND s.expires_ms > ?",
            args![token_hash, now_ms],
        )
        .await?;
    row.map(|mut row| {
        // There is no account yet while it is signed up for.
        let (disabled, administrator): (Option<bool>, Option<bool>) =
            (row.take(10)?, row.take(11)?);
        let standing = Standing {
            disabled: disabled.unwrap_or(false),
            administrator: administrator.unwrap_or(false),
        };
        Ok((session(&mut row)?, standing))
    })
    .transpose()
}

/// Those of some sessions, by their tokens' hashes, that are alive.
pub(crate) async fn alive_among(
    q: &mut impl Query,
    token_hashes: Vec<Value>,
    now_ms: u64,
) -> Result<Vec<[u8; 32]>> {
    q.query_list(
        "SELECT s.token_hash FROM sessions s JOIN accounts a ON a.uid = s.uid \
         WHERE a.disabled = 0 AND s.expires_ms > ? AND s.token_hash IN (?..)",
        args![now_ms],
        token_hashes,
    )
    .await?
    .into_iter()
    .map(|mut row| row.take(0))
    .collect()
}

pub(crate) async fn list(
    q: &mut impl Query,
    uid: VaultId,
    kind: u8,
    now_ms: u64,
) -> Result<Vec<StoredSession>> {
    q.query(
        "SELECT token_hash, session_id, uid, kind, device_label, device_hash, created_ms, \
         last_used_ms, expires_ms, proved_until_ms FROM sessions \
         WHERE uid = ? AND kind = ? AND expires_ms > ? ORDER BY last_used_ms DESC",
        args![uid, kind, now_ms],
    )
    .await?
    .iter_mut()
    .map(session)
    .collect()
}

pub(crate) async fn touch(
    w: &mut Write,
    token_hash: [u8; 32],
    now_ms: u64,
    expires_ms: u64,
) -> Result<()> {
    w.execute(
        "UPDATE sessions SET last_used_ms = ?, expires_ms = ? \
         WHERE token_hash = ? AND last_used_ms < ?",
        args![now_ms, expires_ms, token_hash, now_ms],
    )
    .await?;
    Ok(())
}

pub(crate) async fn set_proved(w: &mut Write, token_hash: [u8; 32], until_ms: u64) -> Result<()> {
    w.execute(
        "UPDATE sessions SET proved_until_ms = ? WHERE token_hash = ?",
        args![until_ms, token_hash],
    )
    .await?;
    Ok(())
}

/// Gives a session its half; false if it has ended.
pub(crate) async fn set_half(w: &mut Write, token_hash: [u8; 32], sealed: Vec<u8>) -> Result<bool> {
    let met = w
        .execute(
            "UPDATE sessions SET half = ? WHERE token_hash = ?",
            args![sealed, token_hash],
        )
        .await?;
    Ok(met == 1)
}

/// The half of a session, sealed; none if it never got one, or has ended.
pub(crate) async fn half(q: &mut impl Query, token_hash: [u8; 32]) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT half FROM sessions WHERE token_hash = ?";
    let row = q.lookup(sql, args![token_hash]).await?;
    Ok(row.map(|mut row| row.take(0)).transpose()?.flatten())
}

/// Ends one session; false if it had ended before.
pub(crate) async fn delete(w: &mut Write, token_hash: [u8; 32]) -> Result<bool> {
    let met = w
        .execute(
            "DELETE FROM sessions WHERE token_hash = ?",
            args![token_hash],
        )
        .await?;
    Ok(met == 1)
}

/// Ends a session of an account by its id; false if it has none such.
pub(crate) async fn delete_by_id(w: &mut Write, uid: VaultId, id: SessionId) -> Result<bool> {
    let met = w
        .execute(
            "DELETE FROM sessions WHERE uid = ? AND session_id = ?",
            args![uid, id],
        )
        .await?;
    Ok(met == 1)
}

/// Ends every session of an account but one.
pub(crate) async fn delete_others(
    w: &mut Write,
    uid: VaultId,
    keep_token_hash: [u8; 32],
) -> Result<()> {
    w.execute(
        "DELETE FROM sessions WHERE uid = ? AND token_hash <> ?",
        args![uid, keep_token_hash],
    )
    .await?;
    Ok(())
}

pub(crate) async fn delete_all(w: &mut Write, uid: VaultId) -> Result<()> {
    w.execute("DELETE FROM sessions WHERE uid = ?", args![uid])
        .await?;
    Ok(())
}
