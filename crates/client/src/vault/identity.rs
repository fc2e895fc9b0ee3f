//! Is the account that the server shows the one whose root key we hold?

use sv_core::AccountKeys;
use sv_ledger::bootstrap::MembershipChain;
use sv_ledger::genesis::VaultKind;
use sv_ledger::handle::Handle;
use sv_ledger::id::{InstanceId, VaultId};
use sv_ledger::principals::Principals;

use super::others::membership;
use crate::call::Server;
use crate::error::{Result, Tamper};
use crate::port::Platform;

/// Fetches an account's chain and checks that it hashes to `uid`, was made on
/// this server, and has one member, itself, with exactly the keys we derived.
/// Gives the handle that it signed.
///
/// # Errors
/// [`Tamper::Identity`] or [`Tamper::Log`].
pub async fn verify_identity<P: Platform>(
    server: &Server<'_, P>,
    uid: VaultId,
    keys: &AccountKeys,
    instance: &InstanceId,
) -> Result<Handle> {
    let log = membership(server, uid, uid).await?;
    let chain = MembershipChain::verify(&uid, &log.genesis, &log.entries, &Principals::new())?;
    let latest = chain.latest()?;
    let public = keys.public();
    let itself = latest.members.get(&uid).ok_or(Tamper::Identity)?;
    let is_ours = latest.kind == VaultKind::Account
        && log.genesis.body().instance_id == *instance
        && latest.members.len() == 1
        && itself.keys.generation == keys.generation()
        && itself.keys.sign_pk == public.sign_pk
        && itself.keys.kem_hash == public.kem_pk.hash();
    let handle = log
        .entries
        .iter()
        .filter_map(|entry| entry.handle_op())
        .next_back();
    match handle {
        Some(handle) if is_ours => Ok(handle.clone()),
        _ => Err(Tamper::Identity.into()),
    }
}
