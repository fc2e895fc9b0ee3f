//! Who is a member of which vault: the index of what the states say.

use std::collections::BTreeMap;

use sv_ledger::id::VaultId;
use sv_ledger::state::{Member, Role};

use super::corrupt;
use crate::args;
use crate::db::{Query, Result, Write};

/// A principal's role in a vault, if it is a member.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn role(
    q: &mut impl Query,
    vault_id: VaultId,
    principal: VaultId,
) -> Result<Option<Role>> {
    let row = q
        .lookup(
            "SELECT role FROM members WHERE principal = ? AND vault_id = ?",
            args![principal, vault_id],
        )
        .await?;
    row.map(|mut row| Role::from_tag(row.take(0)?).map_err(|_| corrupt("role")))
        .transpose()
}

/// Every member of a vault, by id.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn of_vault(q: &mut impl Query, vault_id: VaultId) -> Result<Vec<(VaultId, u8)>> {
    let rows = q
        .query(
            "SELECT principal, role FROM members WHERE vault_id = ? ORDER BY principal",
            args![vault_id],
        )
        .await?;
    rows.into_iter()
        .map(|mut row| Ok((row.take(0)?, row.take(1)?)))
        .collect()
}

/// Makes the index say what the membership says.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn replace(
    write: &mut Write,
    vault_id: VaultId,
    members: &BTreeMap<VaultId, Member>,
) -> Result<()> {
    write
        .execute("DELETE FROM members WHERE vault_id = ?", args![vault_id])
        .await?;
    let rows = members
        .iter()
        .map(|(principal, member)| args![*principal, vault_id, member.role.tag()])
        .collect();
    write
        .insert(
            "INSERT INTO members (principal, vault_id, role) VALUES (?, ?, ?)",
            rows,
        )
        .await
}
