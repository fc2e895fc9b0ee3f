//! Accounts and the wraps of their root keys.

use sv_api::admin::Person;
use sv_ledger::id::{UnlockerId, VaultId};

use crate::args;
use crate::db::{Query, Result, Row, Value, Write};

/// An account.
pub(crate) struct Account {
    pub(crate) uid: VaultId,
    pub(crate) handle: String,
    pub(crate) administrator: bool,
    pub(crate) disabled: bool,
    pub(crate) created_ms: u64,
    pub(crate) password_record: Vec<u8>,
    pub(crate) unlockers: Vec<u8>,
    pub(crate) unlockers_version: u64,
    /// Sealed; none between a reset and the next set-up.
    pub(crate) totp: Option<Vec<u8>>,
    /// Sealed, and not in force yet.
    pub(crate) new_totp: Option<Vec<u8>>,
    pub(crate) new_totp_until_ms: u64,
    /// From when on it may be deleted, as its owner has asked.
    pub(crate) deleted_from_ms: Option<u64>,
}

/// A wrapped root key.
#[derive(Debug, Clone)]
pub(crate) struct StoredWrap {
    pub(crate) unlocker_id: UnlockerId,
    pub(crate) sealed: Vec<u8>,
}

fn account(mut row: Row) -> Result<Account> {
    Ok(Account {
        uid: row.take(0)?,
        handle: row.take(1)?,
        administrator: row.take(2)?,
        disabled: row.take(3)?,
        created_ms: row.take(4)?,
        password_record: row.take(5)?,
        unlockers: row.take(6)?,
        unlockers_version: row.take(7)?,
        totp: row.take(8)?,
        new_totp: row.take(9)?,
        new_totp_until_ms: row.take(10)?,
        deleted_from_ms: row.take(11)?,
    })
}

pub(crate) async fn lookup(q: &mut impl Query, uid: VaultId) -> Result<Option<Account>> {
    q.lookup(
        "SELECT uid, handle, administrator, disabled, created_ms, password_record, unlockers, \
         unlockers_version, totp, new_totp, new_totp_until_ms, deleted_from_ms FROM accounts WHERE uid = ?",
        args![uid],
    )
    .await?
    .map(account)
    .transpose()
}

/// The uids of those of some handles, in normal form, that somebody has.
pub(crate) async fn uids_of(
    q: &mut impl Query,
    handles: impl Iterator<Item = &str> + Send,
) -> Result<Vec<(String, VaultId)>> {
    let rows = q
        .query_list(
            "SELECT handle, uid FROM accounts WHERE handle IN (?..)",
            args![],
            handles.map(Value::from).collect(),
        )
        .await?;
    rows.into_iter()
        .map(|mut row| Ok((row.take(0)?, row.take(1)?)))
        .collect()
}

/// An account, locked until the end of the unit of work: nobody swaps what
/// opens it, locks it out or ends its sessions meanwhile.
pub(crate) async fn lock(w: &mut Write, uid: VaultId) -> Result<Option<Account>> {
    w.lookup(
        "SELECT uid, handle, administrator, disabled, created_ms, password_record, unlockers, \
         unlockers_version, totp, new_totp, new_totp_until_ms, deleted_from_ms FROM accounts \
         WHERE uid = ? FOR UPDATE",
        args![uid],
    )
    .await?
    .map(account)
    .transpose()
}

pub(crate) async fn lookup_by_handle(q: &mut impl Query, handle: &str) -> Result<Option<Account>> {
    q.lookup(
        "SELECT uid, handle, administrator, disabled, created_ms, password_record, unlockers, \
         unlockers_version, totp, new_totp, new_totp_until_ms, deleted_from_ms FROM accounts WHERE handle = ?",
        args![handle],
    )
    .await?
    .map(account)
    .transpose()
}

/// The handle of everybody.
pub(crate) async fn handles(q: &mut impl Query) -> Result<Vec<(VaultId, String)>> {
    q.query("SELECT uid, handle FROM accounts", args![])
        .await?
        .into_iter()
        .map(|mut row| Ok((row.take(0)?, row.take(1)?)))
        .collect()
}

/// Everybody by handle, with what they store; `full` is the kind of a
/// complete session, `no_limit` the quota that is none.
pub(crate) async fn list(q: &mut impl Query, full: u8, no_limit: u64) -> Result<Vec<Person>> {
    q.query(
        "SELECT a.uid, a.handle, a.administrator, a.disabled, \
         CASE WHEN a.totp IS NULL THEN 0 ELSE 1 END, a.created_ms, \
         (SELECT MAX(s.last_used_ms) FROM sessions s WHERE s.uid = a.uid AND s.kind = ?), \
         a.deleted_from_ms, q.used_bytes, q.quota_bytes \
         FROM accounts a LEFT JOIN quotas q ON q.uid = a.uid ORDER BY a.handle",
        args![full],
    )
    .await?
    .into_iter()
    .map(|mut row| {
        let used_bytes: Option<i64> = row.take(8)?;
        let quota_bytes: Option<u64> = row.take(9)?;
        Ok(Person {
            uid: row.take(0)?,
            handle: row.take(1)?,
            administrator: row.take(2)?,
            disabled: row.take(3)?,
            has_authenticator: row.take(4)?,
            created_ms: row.take(5)?,
            last_seen_ms: row.take(6)?,
            deleted_from_ms: row.take(7)?,
            used_bytes: used_bytes.unwrap_or(0).max(0).unsigned_abs(),
            quota_bytes: quota_bytes.filter(|bytes| *bytes < no_limit),
        })
    })
    .collect()
}

/// How many accounts there are, and how many of them are locked out.
pub(crate) async fn count(q: &mut impl Query) -> Result<(u64, u64)> {
    let sql = "SELECT COUNT(*), COUNT(CASE WHEN disabled = 1 THEN 1 END) FROM accounts";
    match q.lookup(sql, args![]).await? {
        Some(mut row) => Ok((row.take(0)?, row.take(1)?)),
        None => Ok((0, 0)),
    }
}

pub(crate) async fn has_administrator(q: &mut impl Query) -> Result<bool> {
    let sql = "SELECT 1 FROM accounts WHERE administrator = 1 AND disabled = 0 LIMIT 1";
    Ok(q.lookup(sql, args![]).await?.is_some())
}

/// Adds an account; `totp_last_step` is the step of its first code.
pub(crate) async fn insert(w: &mut Write, a: Account, totp_last_step: u64) -> Result<()> {
    w.execute(
        "INSERT INTO accounts (uid, handle, administrator, disabled, created_ms, \
         password_record, unlockers, unlockers_version, totp, totp_last_step, new_totp, \
         new_totp_until_ms, deleted_from_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        args![
            a.uid,
            a.handle,
            a.administrator,
            a.disabled,
            a.created_ms,
            a.password_record,
            a.unlockers,
            a.unlockers_version,
            a.totp,
            totp_last_step,
            a.new_totp,
            a.new_totp_until_ms,
            a.deleted_from_ms,
        ],
    )
    .await?;
    Ok(())
}

/// Swaps what opens an account, if the list it replaces is still in force.
pub(crate) async fn replace_unlockers(
    w: &mut Write,
    uid: VaultId,
    password_record: &[u8],
    unlockers: &[u8],
    version: u64,
) -> Result<bool> {
    let met = w
        .execute(
            "UPDATE accounts SET password_record = ?, unlockers = ?, unlockers_version = ? \
             WHERE uid = ? AND unlockers_version = ?",
            args![
                password_record,
                unlockers,
                version,
                uid,
                version.saturating_sub(1)
            ],
        )
        .await?;
    Ok(met == 1)
}

pub(crate) async fn replace_wraps(
    w: &mut Write,
    uid: VaultId,
    wraps: Vec<StoredWrap>,
) -> Result<()> {
    w.execute("DELETE FROM wraps WHERE uid = ?", args![uid])
        .await?;
    let rows = wraps
        .into_iter()
        .map(|wrap| args![uid, wrap.unlocker_id, wrap.sealed])
        .collect();
    w.insert(
        "INSERT INTO wraps (uid, unlocker_id, sealed) VALUES (?, ?, ?)",
        rows,
    )
    .await
}

pub(crate) async fn wraps(q: &mut impl Query, uid: VaultId) -> Result<Vec<StoredWrap>> {
    q.query(
        "SELECT unlocker_id, sealed FROM wraps WHERE uid = ? ORDER BY unlocker_id",
        args![uid],
    )
    .await?
    .into_iter()
    .map(|mut row| {
        Ok(StoredWrap {
            unlocker_id: row.take(0)?,
            sealed: row.take(1)?,
        })
    })
    .collect()
}

pub(crate) async fn set_disabled(w: &mut Write, uid: VaultId, disabled: bool) -> Result<()> {
    w.execute(
        "UPDATE accounts SET disabled = ? WHERE uid = ?",
        args![disabled, uid],
    )
    .await?;
    Ok(())
}

/// Uses up a step: false if it, or a later one, was used before.
pub(crate) async fn use_totp_step(w: &mut Write, uid: VaultId, step: u64) -> Result<bool> {
    let met = w
        .execute(
            "UPDATE accounts SET totp_last_step = ? WHERE uid = ? AND totp_last_step < ?",
            args![step, uid, step],
        )
        .await?;
    Ok(met == 1)
}

pub(crate) async fn offer_totp(
    w: &mut Write,
    uid: VaultId,
    sealed: Vec<u8>,
    until_ms: u64,
) -> Result<()> {
    w.execute(
        "UPDATE accounts SET new_totp = ?, new_totp_until_ms = ? WHERE uid = ?",
        args![sealed, until_ms, uid],
    )
    .await?;
    Ok(())
}

/// Puts the offered secret in force: false if it is not that one any more.
pub(crate) async fn adopt_totp(
    w: &mut Write,
    uid: VaultId,
    sealed: Vec<u8>,
    step: u64,
) -> Result<bool> {
    let met = w
        .execute(
            "UPDATE accounts SET totp = ?, totp_last_step = ?, new_totp = NULL, \
             new_totp_until_ms = 0 WHERE uid = ? AND new_totp = ?",
            args![sealed.clone(), step, uid, sealed],
        )
        .await?;
    Ok(met == 1)
}

pub(crate) async fn remove_totp(w: &mut Write, uid: VaultId) -> Result<()> {
    w.execute(
        "UPDATE accounts SET totp = NULL, new_totp = NULL, new_totp_until_ms = 0 WHERE uid = ?",
        args![uid],
    )
    .await?;
    Ok(())
}

/// Has an account deleted from a time on, or no more.
pub(crate) async fn set_deleted_from(
    w: &mut Write,
    uid: VaultId,
    from_ms: Option<u64>,
) -> Result<()> {
    w.execute(
        "UPDATE accounts SET deleted_from_ms = ? WHERE uid = ?",
        args![from_ms, uid],
    )
    .await?;
    Ok(())
}

/// An account whose time to be deleted has come.
pub(crate) async fn next_deleted(q: &mut impl Query, now_ms: u64) -> Result<Option<VaultId>> {
    let sql = "SELECT uid FROM accounts WHERE deleted_from_ms <= ? LIMIT 1";
    let row = q.lookup(sql, args![now_ms]).await?;
    row.map(|mut row| row.take(0)).transpose()
}

/// Removes an account with everything by which somebody could come in.
pub(crate) async fn remove(w: &mut Write, uid: VaultId) -> Result<()> {
    for sql in [
        "DELETE FROM wraps WHERE uid = ?",
        "DELETE FROM backup_codes WHERE uid = ?",
        "DELETE FROM sessions WHERE uid = ?",
        "DELETE FROM devices WHERE uid = ?",
        "DELETE FROM logins WHERE uid = ?",
        "DELETE FROM quotas WHERE uid = ?",
        "DELETE FROM accounts WHERE uid = ?",
    ] {
        w.execute(sql, args![uid]).await?;
    }
    Ok(())
}
