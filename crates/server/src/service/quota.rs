//! How much an account may store, and how much it does.

use sv_api::ErrorCode;
use sv_ledger::id::VaultId;

pub use crate::store::quotas::Quota;

use super::Result;
use crate::db::{Query, Write};
use crate::store::quotas;

/// Sets how much an account may store, whether or not it stores more. A new
/// account needs this before its first vault.
///
/// # Errors
/// [`super::Error::Database`].
pub async fn set_limit(write: &mut Write, uid: VaultId, limit: u64) -> Result<()> {
    Ok(quotas::set_limit(write, uid, limit).await?)
}

/// How much an account stores, and how much it may.
///
/// # Errors
/// [`ErrorCode::NotFound`] for nobody's.
pub async fn of_account(q: &mut impl Query, uid: VaultId) -> Result<Quota> {
    let quota = quotas::lookup(q, uid).await?;
    quota.ok_or_else(|| ErrorCode::NotFound.into())
}
