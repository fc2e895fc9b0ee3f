//! Invitations: each lets one person sign up.

use sv_api::admin::Invitation;
use sv_ledger::id::{InvitationId, VaultId};

use crate::args;
use crate::db::{Query, Result, Write};

/// A new invitation.
pub(crate) struct NewInvitation {
    pub(crate) code_hash: [u8; 32],
    /// By which an administrator names it.
    pub(crate) invitation_id: InvitationId,
    /// Whether whoever uses it becomes an administrator.
    pub(crate) administrator: bool,
    /// Whether it is the one printed at start.
    pub(crate) is_first: bool,
    pub(crate) created_ms: u64,
    pub(crate) expires_ms: u64,
}

pub(crate) async fn insert(w: &mut Write, new: &NewInvitation) -> Result<()> {
    w.execute(
        "INSERT INTO invitations (code_hash, invitation_id, administrator, is_first, created_ms, \
         expires_ms, taken_by) VALUES (?, ?, ?, ?, ?, ?, NULL)",
        args![
            new.code_hash,
            new.invitation_id,
            new.administrator,
            new.is_first,
            new.created_ms,
            new.expires_ms
        ],
    )
    .await?;
    Ok(())
}

/// Those that are still good, the next to end first.
pub(crate) async fn list(q: &mut impl Query, now_ms: u64) -> Result<Vec<Invitation>> {
    q.query(
        "SELECT invitation_id, administrator, created_ms, expires_ms, \
         CASE WHEN taken_by IS NULL THEN 0 ELSE 1 END \
         FROM invitations WHERE expires_ms > ? ORDER BY expires_ms, invitation_id",
        args![now_ms],
    )
    .await?
    .into_iter()
    .map(|mut row| {
        Ok(Invitation {
            invitation_id: row.take(0)?,
            administrator: row.take(1)?,
            created_ms: row.take(2)?,
            expires_ms: row.take(3)?,
            is_taken: row.take(4)?,
        })
    })
    .collect()
}

/// Revokes one that nobody has taken; false if there is none such.
pub(crate) async fn revoke(w: &mut Write, id: InvitationId) -> Result<bool> {
    let sql = "DELETE FROM invitations WHERE invitation_id = ? AND taken_by IS NULL";
    Ok(w.execute(sql, args![id]).await? == 1)
}

/// Whether a code may still be taken.
pub(crate) async fn is_open(q: &mut impl Query, hash: [u8; 32], now_ms: u64) -> Result<bool> {
    let sql = "SELECT 1 FROM invitations \
               WHERE code_hash = ? AND taken_by IS NULL AND expires_ms > ?";
    Ok(q.lookup(sql, args![hash, now_ms]).await?.is_some())
}

/// Takes an invitation for a sign-up; false if it is gone.
pub(crate) async fn take(w: &mut Write, hash: [u8; 32], uid: VaultId, now_ms: u64) -> Result<bool> {
    let met = w
        .execute(
            "UPDATE invitations SET taken_by = ? \
             WHERE code_hash = ? AND taken_by IS NULL AND expires_ms > ?",
            args![uid, hash, now_ms],
        )
        .await?;
    Ok(met == 1)
}

/// Gives back what a sign-up that came to nothing had taken.
pub(crate) async fn release(w: &mut Write, uid: VaultId) -> Result<()> {
    w.execute(
        "UPDATE invitations SET taken_by = NULL WHERE taken_by = ?",
        args![uid],
    )
    .await?;
    Ok(())
}

/// Whether the invitation that a sign-up took makes an administrator; and
/// uses it up.
pub(crate) async fn consume(w: &mut Write, uid: VaultId) -> Result<bool> {
    let sql = "SELECT administrator FROM invitations WHERE taken_by = ?";
    let administrator = match w.lookup(sql, args![uid]).await? {
        Some(mut row) => row.take(0)?,
        None => false,
    };
    w.execute("DELETE FROM invitations WHERE taken_by = ?", args![uid])
        .await?;
    Ok(administrator)
}

/// Forgets the invitations printed at earlier starts that nobody took.
pub(crate) async fn forget_first(w: &mut Write) -> Result<()> {
    w.execute(
        "DELETE FROM invitations WHERE is_first = 1 AND taken_by IS NULL",
        args![],
    )
    .await?;
    Ok(())
}
