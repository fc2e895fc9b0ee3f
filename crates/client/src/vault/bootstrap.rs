//! A device's first sight of a vault: membership chain, checkpoint, leaves,
//! the entries after it, and then every record (spec: `log.md` §6).

use sv_api::ErrorCode;
use sv_api::endpoint::{GetCheckpoint, GetLeaves};
use sv_api::wire::Empty;
use sv_ledger::apply::Reject;
use sv_ledger::entry::Entry;
use sv_ledger::id::{NodeId, VaultId};
use sv_ledger::limits::OPS_PER_ENTRY;
use sv_ledger::state::Leaf;

use super::cache::CacheFile;
use super::keyring::Keyring;
use super::others::{self, Others};
use super::pins::LocalPin;
use super::replica::{Replica, Sealed};
use super::{Vault, withheld};
use crate::account::Session;
use crate::call::Repeat;
use crate::error::{ClientError, Result, Tamper};
use crate::port::Platform;

/// How often to start over when the vault moves on meanwhile.
const ATTEMPTS: u32 = 8;
/// Leaves that are read at most, whatever a server claims: they fit in memory.
const LEAVES: u64 = 2_000_000;

pub(super) async fn bootstrap<'s, P: Platform>(
    session: &'s Session<P>,
    cache: CacheFile,
    vault_id: VaultId,
    pin: LocalPin,
) -> Result<Vault<'s, P>> {
    for _ in 0..ATTEMPTS {
        let (sealed, leaves, shown, others) = match checkpoint(session, vault_id, &pin).await {
            Err(error) if error.is_refusal(ErrorCode::CheckpointGone) => continue,
            outcome => outcome?,
        };
        let Some(replica) = unseal(session, sealed, &leaves, &others).await? else {
            continue;
        };
        let mut vault = Vault {
            session,
            replica,
            cache,
            pin,
            others,
            leaving: None,
        };
        vault.hold_to_pin().await?;
        vault.sync().await?;
        // The log up to its head must hold exactly the membership that was
        // shown, and perhaps more by now.
        if !vault.replica.chain.starts_with(&shown) {
            vault.cache.remove(session).await?;
            return Err(Tamper::Missing("a change of who has access").into());
        }
        let frame = vault.replica.to_frame();
        vault.cache.rewrite(session, &frame).await?;
        return Ok(vault);
    }
    Err(ClientError::Misbehaved(
        "the vault never stood still long enough to read it".into(),
    ))
}

/// The verified state at the newest checkpoint, its leaves, and every
/// membership entry the server showed, also those above the checkpoint.
async fn checkpoint<P: Platform>(
    session: &Session<P>,
    vault: VaultId,
    pin: &LocalPin,
) -> Result<(Sealed, Vec<(NodeId, Leaf)>, Vec<Entry>, Others)> {
    let server = session.server();
    let mut look = others::look(session, vault, vault, pin.is_kept()).await?;
    // First, so that what the server hears next does not depend on what is
    // wrong with it.
    let chains = others::verify(
        session,
        vault,
        vec![look.clone()],
        Vec::new(),
        pin.is_kept(),
    )
    .await?;
    let page = server
        .call(&GetCheckpoint { vault }, Empty {}, Repeat::Safe)
        .await
        .map_err(withheld)?;
    let entry = page
        .entries
        .first()
        .ok_or(Tamper::Missing("the newest state"))?;
    let named: Vec<_> = entry.named_heads().collect();
    let is_behind = is_behind(&chains, entry);
    if is_behind {
        look = others::look(session, vault, vault, pin.is_kept()).await?;
    }
    let chains = match named.is_empty() && !is_behind {
        true => chains,
        false => others::verify(session, vault, vec![look.clone()], named, pin.is_kept()).await?,
    };
    let chain = chains.of(&vault).ok_or(Tamper::Missing("who has access"))?;
    for entry in chain.entries().iter().chain([entry]) {
        pin.check_named(entry)?;
    }
    let at = entry.body().seq;
    // A member signed that seq, and so bounds how many leaves there can be.
    match chain.checkpoint(entry, &[], chains.principals()) {
        Ok(_) | Err(Reject::Digest) => {}
        Err(reject) => return Err(reject.into()),
    }
    let most = at.saturating_mul(OPS_PER_ENTRY as u64).min(LEAVES);
    let mut leaves: Vec<(NodeId, Leaf)> = Vec::new();
    let mut after = NodeId::new([0; NodeId::LEN]);
    loop {
        let request = GetLeaves { vault, at, after };
        let page = server.call(&request, Empty {}, Repeat::Safe).await?;
        // Or a server could keep us reading for ever.
        let is_next = page.leaves.first().is_none_or(|(node, _)| *node > after)
            && page.leaves.is_sorted_by(|(a, _), (b, _)| a < b);
        leaves.extend(&page.leaves);
        if !is_next || leaves.len() as u64 > most {
            return Err(Tamper::Log(Reject::LeafOrder).into());
        }
        match page.leaves.last() {
            Some((node, _)) if page.more => after = *node,
            _ => break,
        }
    }
    let state = chain.checkpoint(entry, &leaves, chains.principals())?;
    // Membership that is newer than the checkpoint arrives with the log;
    // membership that the chain lacks means it was cut.
    if state.membership.head.seq > chain.latest()?.head.seq {
        return Err(Tamper::Missing("who has access").into());
    }
    let known = usize::try_from(state.membership.head.seq).unwrap_or(usize::MAX);
    let shown = chain.entries().to_vec();
    let sealed = Sealed {
        genesis: look.shown.genesis,
        chain: shown.iter().take(known).cloned().collect(),
        state,
    };
    Ok((sealed, leaves, shown, chains))
}

/// Whether who has access was changed between that question and the one for the
/// newest state, as it may be where others write. The server can tell as well.
fn is_behind(chains: &Others, entry: &Entry) -> bool {
    let body = entry.body();
    let changes = body.member_seq.saturating_add(entry.is_membership().into());
    let newest = chains.of(&body.vault_id).and_then(|c| c.latest().ok());
    newest.is_some_and(|m| m.kind.is_shareable() && m.head.seq < changes)
}

/// Opens keys and records; `None` if the server no longer has the records of
/// this checkpoint because there is a newer one.
async fn unseal<P: Platform>(
    session: &Session<P>,
    sealed: Sealed,
    leaves: &[(NodeId, Leaf)],
    others: &Others,
) -> Result<Option<Replica>> {
    let chain = sealed.chain()?;
    let keyring = others::open_keys(session, &chain, others).await?;
    if keyring.is_empty() {
        return Err(Tamper::VaultKey.into());
    }
    let mut replica = sealed.unseal(Keyring::default(), None)?;
    replica.keep_keys(session, &chain, keyring)?;
    if super::sync::admit_records(session, &mut replica, leaves).await? {
        return Ok(Some(replica));
    }
    let moved_on = super::sync::head_has_moved(session, &replica).await?;
    if moved_on {
        Ok(None)
    } else {
        Err(Tamper::Missing("records").into())
    }
}
