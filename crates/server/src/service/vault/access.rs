//! Evidence that somebody may do something: only [`Vaults::authorise`] makes
//! it, and code that reads or writes a vault takes nothing less.

use std::marker::PhantomData;

use sv_api::ErrorCode;
use sv_ledger::id::VaultId;
use sv_ledger::state::Role;

use super::Vaults;
use crate::service::Result;
use crate::store::members;

/// May read.
#[derive(Debug, Clone, Copy)]
pub enum Read {}
/// May add and change, as far as its role goes: `apply` decides.
#[derive(Debug, Clone, Copy)]
pub enum Write {}

/// What somebody may do.
pub trait Mode {
    /// The least role that may.
    const LEAST: Role;
}

impl Mode for Read {
    const LEAST: Role = Role::Viewer;
}

impl Mode for Write {
    const LEAST: Role = Role::Contributor;
}

/// The vault that the evidence is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vault(VaultId);

/// Evidence that a principal may do `M` with `R`.
#[derive(Debug, Clone, Copy)]
pub struct Access<M, R> {
    principal: VaultId,
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
        self.resource.0
    }
}

impl Vaults {
    /// Whether a session's user may do `M` with a vault.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] if the user is no member, whether or not there
    /// is such a vault; [`ErrorCode::Forbidden`] if the role is too low.
    pub async fn authorise<M: Mode>(
        &self,
        uid: VaultId,
        vault_id: VaultId,
    ) -> Result<Access<M, Vault>> {
        let mut snapshot = self.db.read().await?;
        let role = members::role(&mut snapshot, vault_id, uid)
            .await?
            .ok_or(ErrorCode::NotFound)?;
        if role < M::LEAST {
            return Err(ErrorCode::Forbidden.into());
        }
        Ok(Access {
            principal: uid,
            resource: Vault(vault_id),
            mode: PhantomData,
        })
    }
}
