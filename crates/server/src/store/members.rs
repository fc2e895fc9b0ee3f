//! Who is a member of which vault: the index of what the states say. A
//! membership that has expired is none to anybody who is served.

use std::collections::BTreeMap;

use sv_ledger::id::VaultId;
use sv_ledger::state::{Member, Role};

use super::corrupt;
use crate::args;
use crate::db::{Query, Result, Row, Value, Write};

/// For ever, as the column says it.
const NEVER: u64 = i64::MAX.unsigned_abs();

/// A member as the index has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredMember {
    /// Who.
    pub principal: VaultId,
    /// What it may do.
    pub role: Role,
    /// Until when, Unix milliseconds.
    pub expires_ms: u64,
}

impl StoredMember {
    /// The row of a member.
    pub fn new(principal: VaultId, member: &Member) -> Self {
        Self {
            principal,
            role: member.role,
            expires_ms: match member.expires_ms {
                0 => NEVER,
                time => time,
            },
        }
    }
}

/// Those of some principals that are members of a vault, with their roles.
///
/// # Errors
/// [`crate::db::Error`], as for all of these.
pub async fn roles(
    q: &mut impl Query,
    vault_id: VaultId,
    principals: impl Iterator<Item = VaultId> + Send,
    now_ms: u64,
) -> Result<BTreeMap<VaultId, Role>> {
    let rows = q
        .query_list(
            "SELECT principal, role FROM members WHERE vault_id = ? AND expires_ms > ? \
             AND principal IN (?..)",
            args![vault_id, now_ms],
            principals.map(Value::from).collect(),
        )
        .await?;
    rows.into_iter()
        .map(|mut row| Ok((row.take(0)?, role(&mut row, 1)?)))
        .collect()
}

/// The vaults that some principals are members of and that are themselves
/// members of others: (principal, vault, role).
pub async fn groups_of(
    q: &mut impl Query,
    principals: impl Iterator<Item = VaultId> + Send,
    now_ms: u64,
) -> Result<Vec<(VaultId, VaultId, Role)>> {
    let rows = q
        .query_list(
            "SELECT m.principal, m.vault_id, m.role FROM members m WHERE m.expires_ms > ? \
             AND EXISTS (SELECT 1 FROM members g WHERE g.principal = m.vault_id \
             AND g.vault_id <> m.vault_id) AND m.principal IN (?..)",
            args![now_ms],
            principals.map(Value::from).collect(),
        )
        .await?;
    rows.into_iter()
        .map(|mut row| Ok((row.take(0)?, row.take(1)?, role(&mut row, 2)?)))
        .collect()
}

/// Those of some vaults that a principal is a member of.
pub async fn among(
    q: &mut impl Query,
    principal: VaultId,
    vaults: impl Iterator<Item = VaultId> + Send,
    now_ms: u64,
) -> Result<Vec<VaultId>> {
    let rows = q
        .query_list(
            "SELECT vault_id FROM members WHERE principal = ? AND expires_ms > ? \
             AND vault_id IN (?..)",
            args![principal, now_ms],
            vaults.map(Value::from).collect(),
        )
        .await?;
    rows.into_iter().map(|mut row| row.take(0)).collect()
}

/// The vaults that some vaults are members of, themselves aside, also where
/// their time is over.
pub async fn vaults_of(
    q: &mut impl Query,
    members: impl Iterator<Item = VaultId> + Send,
) -> Result<Vec<VaultId>> {
    let rows = q
        .query_list(
            "SELECT DISTINCT vault_id FROM members WHERE vault_id <> principal \
             AND principal IN (?..)",
            args![],
            members.map(Value::from).collect(),
        )
        .await?;
    rows.into_iter().map(|mut row| row.take(0)).collect()
}

/// The members of some vaults that are themselves vaults or people: who must
/// be told when something changes there.
pub async fn of_vaults(
    q: &mut impl Query,
    vaults: impl Iterator<Item = VaultId> + Send,
    now_ms: u64,
) -> Result<Vec<VaultId>> {
    let rows = q
        .query_list(
            "SELECT DISTINCT principal FROM members WHERE expires_ms > ? AND vault_id IN (?..)",
            args![now_ms],
            vaults.map(Value::from).collect(),
        )
        .await?;
    rows.into_iter().map(|mut row| row.take(0)).collect()
}

/// Those of some vaults that have more than one member.
pub async fn shared_among(
    q: &mut impl Query,
    vaults: impl Iterator<Item = VaultId> + Send,
) -> Result<Vec<VaultId>> {
    let rows = q
        .query_list(
            "SELECT vault_id FROM members WHERE vault_id IN (?..) \
             GROUP BY vault_id HAVING COUNT(*) > 1",
            args![],
            vaults.map(Value::from).collect(),
        )
        .await?;
    rows.into_iter().map(|mut row| row.take(0)).collect()
}

/// Every member of a vault, by id, also those that have expired.
pub async fn of_vault(q: &mut impl Query, vault_id: VaultId) -> Result<Vec<StoredMember>> {
    let rows = q
        .query(
            "SELECT principal, role, expires_ms FROM members WHERE vault_id = ? ORDER BY principal",
            args![vault_id],
        )
        .await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(StoredMember {
                principal: row.take(0)?,
                role: role(&mut row, 1)?,
                expires_ms: row.take(2)?,
            })
        })
        .collect()
}

/// Makes the index say what the membership says: what differs from `before`
/// is removed, changed or added.
pub async fn replace(
    write: &mut Write,
    vault_id: VaultId,
    before: &BTreeMap<VaultId, Member>,
    after: &BTreeMap<VaultId, Member>,
) -> Result<()> {
    let gone = before.keys().filter(|id| !after.contains_key(id));
    write
        .execute_list(
            "DELETE FROM members WHERE vault_id = ? AND principal IN (?..)",
            args![vault_id],
            gone.copied().map(Value::from).collect(),
        )
        .await?;
    let rows = after
        .iter()
        .map(|(principal, member)| StoredMember::new(*principal, member))
        .filter(|member| {
            let old = before.get(&member.principal);
            old.map(|old| StoredMember::new(member.principal, old)) != Some(*member)
        })
        .map(|m| args![m.principal, vault_id, m.role.tag(), m.expires_ms])
        .collect();
    write
        .insert(
            "INSERT INTO members (principal, vault_id, role, expires_ms) VALUES (?, ?, ?, ?) \
             UPSERT (principal, vault_id) SET role, expires_ms",
            rows,
        )
        .await
}

/// Removes all members of a vault.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn remove_vault(write: &mut Write, vault_id: VaultId) -> Result<()> {
    write
        .execute("DELETE FROM members WHERE vault_id = ?", args![vault_id])
        .await?;
    Ok(())
}

fn role(row: &mut Row, column: usize) -> Result<Role> {
    Role::from_tag(row.take(column)?).map_err(|_| corrupt("role"))
}
