//! Backup codes, and the reset codes that administrators give out.

use sv_ledger::id::VaultId;

use crate::args;
use crate::db::{Query, Result, Write};

/// A keyed hash of a code.
pub(crate) type CodeHash = [u8; 32];

/// What became of a code that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CodeUse {
    /// It was good, and is no more.
    Backup,
    /// It was an administrator's, and is no more.
    Reset,
    /// It was good once.
    Spent,
    /// There is no such code.
    Unknown,
}

/// Replaces all codes of an account.
pub(crate) async fn replace(
    w: &mut Write,
    uid: VaultId,
    hashes: impl IntoIterator<Item = CodeHash>,
    is_reset: bool,
) -> Result<()> {
    w.execute("DELETE FROM backup_codes WHERE uid = ?", args![uid])
        .await?;
    let rows = hashes
        .into_iter()
        .map(|hash| args![uid, hash, is_reset, None::<u64>])
        .collect();
    w.insert(
        "INSERT INTO backup_codes (uid, code_hash, is_reset, used_ms) VALUES (?, ?, ?, ?)",
        rows,
    )
    .await
}

/// Uses a code up, once.
pub(crate) async fn spend(
    w: &mut Write,
    uid: VaultId,
    hash: CodeHash,
    now_ms: u64,
) -> Result<CodeUse> {
    let sql = "SELECT is_reset FROM backup_codes WHERE uid = ? AND code_hash = ?";
    let Some(mut row) = w.lookup(sql, args![uid, hash]).await? else {
        return Ok(CodeUse::Unknown);
    };
    let met = w
        .execute(
            "UPDATE backup_codes SET used_ms = ? \
             WHERE uid = ? AND code_hash = ? AND used_ms IS NULL",
            args![now_ms, uid, hash],
        )
        .await?;
    Ok(match (met, row.take(0)?) {
        (1, false) => CodeUse::Backup,
        (1, true) => CodeUse::Reset,
        _ => CodeUse::Spent,
    })
}

/// Makes an account's reset code good again.
pub(crate) async fn give_back_reset(w: &mut Write, uid: VaultId) -> Result<()> {
    w.execute(
        "UPDATE backup_codes SET used_ms = NULL WHERE uid = ? AND is_reset = 1",
        args![uid],
    )
    .await?;
    Ok(())
}

pub(crate) async fn count_left(q: &mut impl Query, uid: VaultId) -> Result<u32> {
    let sql = "SELECT COUNT(*) FROM backup_codes WHERE uid = ? AND used_ms IS NULL";
    match q.lookup(sql, args![uid]).await? {
        Some(mut row) => row.take(0),
        None => Ok(0),
    }
}
