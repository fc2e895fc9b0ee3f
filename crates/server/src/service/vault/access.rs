//! Evidence that somebody may do something: only [`Vaults::authorise`] makes
//! it, and code that reads or writes a vault takes nothing less.

use std::marker::PhantomData;

use sv_api::ErrorCode;
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::VaultId;
use sv_ledger::state::Role;

use super::Vaults;
use super::reach::Reach;
use crate::db::Query;
use crate::service::Result;
use crate::store::{members, vaults};

/// May read.
#[derive(Debug, Clone, Copy)]
pub enum Read {}
/// May append, as far as its role goes: `apply` decides, and lets a viewer
/// leave.
#[derive(Debug, Clone, Copy)]
pub enum Write {}
/// May read, and with a role that sees more, see more.
#[derive(Debug, Clone, Copy)]
pub enum Oversee {}

/// What somebody may do.
pub trait Mode {
    /// The role beyond which a higher one makes no difference, so that nobody
    /// looks for it.
    const ENOUGH: Role;
}

impl Mode for Read {
    const ENOUGH: Role = Role::Viewer;
}

impl Mode for Write {
    const ENOUGH: Role = Role::Contributor;
}

impl Mode for Oversee {
    const ENOUGH: Role = Role::Manager;
}

/// The vault that the evidence is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vault {
    id: VaultId,
    kind: VaultKind,
}

/// Evidence that a principal may do `M` with `R`.
#[derive(Debug, Clone, Copy)]
pub struct Access<M, R> {
    principal: VaultId,
    role: Role,
    resource: R,
    mode: PhantomData<fn() -> M>,
}

impl<M> Access<M, Vault> {
    /// Who may.
    pub const fn principal(&self) -> VaultId {
        self.principal
    }

    /// With which vault.
    pub const fn vault_id(&self) -> VaultId {
        self.resource.id
    }

    /// Whether others may have access to it, too.
    pub(super) const fn is_shared(&self) -> bool {
        self.resource.kind.is_shareable()
    }

    /// Whether the role is that or a higher one.
    pub(super) fn is_at_least(&self, role: Role) -> bool {
        self.role >= role
    }
}

impl Vaults {
    /// Whether a session's user may do `M` with a vault: as a member, or
    /// through vaults that are members, now.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] if the user may not, whether or not there is
    /// such a vault.
    pub async fn authorise<M: Mode>(
        &self,
        uid: VaultId,
        vault_id: VaultId,
    ) -> Result<Access<M, Vault>> {
        let now_ms = self.clock.now_ms();
        let mut snapshot = self.db.read().await?;
        let kind = vaults::kind(&mut snapshot, vault_id)
            .await?
            .ok_or(ErrorCode::NotFound)?;
        let role = role_of(&mut snapshot, vault_id, kind, uid, now_ms, M::ENOUGH)
            .await?
            .ok_or(ErrorCode::NotFound)?;
        Ok(Access {
            principal: uid,
            role,
            resource: Vault { id: vault_id, kind },
            mode: PhantomData,
        })
    }
}

/// The highest role somebody has, by any way; no higher one is looked for
/// beyond `enough`.
async fn role_of(
    q: &mut impl Query,
    vault_id: VaultId,
    kind: VaultKind,
    uid: VaultId,
    now_ms: u64,
    enough: Role,
) -> Result<Option<Role>> {
    let direct = members::roles(q, vault_id, [uid].into_iter(), now_ms).await?;
    let direct = direct.get(&uid).copied();
    if !kind.is_shareable() || direct.is_some_and(|role| role >= enough) {
        return Ok(direct);
    }
    let reach = Reach::of(q, &[uid], now_ms).await?;
    let members = members::roles(q, vault_id, reach.principals(), now_ms).await?;
    Ok(reach.role(&members))
}
