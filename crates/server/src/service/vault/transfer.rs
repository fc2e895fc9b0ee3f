//! Another owner: from now on charged for the vault's contents and its log.

use sv_api::ErrorCode;
use sv_ledger::id::{ContentId, VaultId};

use crate::db::Write;
use crate::service::Result;
use crate::store::{contents, quotas, references, vaults};

/// Contents looked at together.
const PAGE: u32 = 1000;

/// Moves all charges of a locked vault.
///
/// # Errors
/// [`ErrorCode::QuotaExceeded`] if they do not fit the new owner's quota.
pub(super) async fn transfer(
    write: &mut Write,
    vault_id: VaultId,
    from: VaultId,
    to: VaultId,
) -> Result<()> {
    let log = vaults::log_bytes(write, vault_id).await?;
    let (mut more, mut less) = (log, log);
    let mut after = ContentId::new([0; ContentId::LEN]);
    loop {
        let page = references::contents_of(write, vault_id, after, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after = *last;
        let ids: Vec<_> = page.iter().map(|(id, _)| *id).collect();
        // Locked: nobody counts references to them meanwhile.
        let there = contents::lock_all(write, ids.iter().copied()).await?;
        let counts = references::counts(write, ids.into_iter()).await?;
        for (id, here) in page {
            let len = there.get(&id).map_or(0, |content| content.sealed_len);
            let count = |owner| counts.get(&(id, owner)).copied().unwrap_or(0);
            if count(from) <= here {
                less += len;
            }
            if count(to) == 0 {
                more += len;
            }
        }
    }
    references::set_owner(write, vault_id, to).await?;
    vaults::set_owner(write, vault_id, to).await?;
    quotas::release(write, from, less).await?;
    match quotas::charge(write, to, more, 0).await? {
        true => Ok(()),
        false => Err(ErrorCode::QuotaExceeded.into()),
    }
}
