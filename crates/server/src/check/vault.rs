//! One vault: log, state, members, leaves, bodies, references.

use std::collections::{BTreeMap, BTreeSet};

use sv_ledger::bootstrap::MembershipChain;
use sv_ledger::enc::Statement;
use sv_ledger::entry::Entry;
use sv_ledger::id::{NodeId, VaultId};
use sv_ledger::principals::Principals;
use sv_ledger::state::Leaf;
use tokio::task::spawn_blocking;

use super::replay::Replay;
use super::{Finding, PAGE, Report};
use crate::db::{Database, Read};
use crate::service::Result;
use crate::store::members::{self, StoredMember};
use crate::store::{bodies, entries, leaves, named_vaults, references, remains, vaults};

/// Bytes of entries played together.
const PLAY_LEN: u64 = 8 * 1024 * 1024;
/// Leaves read together.
const LEAVES: usize = 4096;

/// All of it in one snapshot, so that a running server does not disturb.
pub(super) async fn check(db: &Database, vault_id: VaultId, report: &mut Report) -> Result<()> {
    let mut snapshot = db.read().await?;
    let Some(vault) = vaults::lookup(&mut snapshot, vault_id).await? else {
        return Ok(());
    };
    report.vaults += 1;
    let genesis = vaults::genesis(&mut snapshot, vault_id).await?;
    let genesis = genesis.filter(|genesis| genesis.vault_id() == vault_id);
    let Some(mut replay) = genesis.and_then(|genesis| Replay::begin(&genesis).ok()) else {
        report.findings.push(Finding::Genesis { vault_id });
        return Ok(());
    };
    let head = vault.state.head.seq;
    let mut named: BTreeSet<VaultId> = BTreeSet::new();
    while replay.state.head.seq < head {
        let next = replay.state.head.seq + 1;
        let mut page = entries::page(&mut snapshot, vault_id, next, LEAVES, PLAY_LEN).await?;
        let in_place = page.iter().zip(next..);
        let unbroken = in_place.take_while(|(entry, seq)| entry.body().seq == *seq);
        page.truncate(unbroken.count());
        if page.is_empty() {
            let seq = next;
            report
                .findings
                .push(Finding::EntryMissing { vault_id, seq });
            return Ok(());
        }
        report.entries += page.len() as u64;
        let heads = page.iter().flat_map(Entry::named_heads);
        named.extend(heads.map(|via| via.vault_id));
        let principals = named_memberships(&mut snapshot, &page).await?;
        let (played, outcome) = spawn_blocking(move || {
            let outcome = replay.play(&page, &principals);
            (replay, outcome)
        })
        .await?;
        replay = played;
        if let Err((seq, reason)) = outcome {
            report.findings.push(Finding::Entry {
                vault_id,
                seq,
                reason,
            });
            return Ok(());
        }
    }
    if replay.state != vault.state || replay.accumulator() != vault.state.accumulator {
        report.findings.push(Finding::State { vault_id });
    }
    let stored = members::of_vault(&mut snapshot, vault_id).await?;
    let replayed = &replay.state.membership.members;
    let replayed = replayed.iter().map(|(id, m)| StoredMember::new(*id, m));
    if !stored.into_iter().eq(replayed) {
        report.findings.push(Finding::Members { vault_id });
    }
    let noted = named_vaults::named_by(&mut snapshot, [vault_id].into_iter()).await?;
    if noted.into_iter().map(|(_, id)| id).collect::<BTreeSet<_>>() != named {
        report.findings.push(Finding::Named { vault_id });
    }
    check_leaves(&mut snapshot, &replay, report).await?;
    check_bodies(&mut snapshot, &replay, report).await?;
    for content_id in references::dangling(&mut snapshot, vault_id).await? {
        let finding = Finding::ContentMissing {
            vault_id,
            content_id,
        };
        report.findings.push(finding);
    }
    Ok(())
}

/// The memberships of other vaults that entries name, as their own logs make
/// them. Whether those logs are valid is found where their vaults are checked.
async fn named_memberships(snapshot: &mut Read, entries: &[Entry]) -> Result<Principals> {
    let mut wanted: BTreeMap<VaultId, BTreeSet<u64>> = BTreeMap::new();
    for via in entries.iter().flat_map(Entry::named_heads) {
        wanted.entry(via.vault_id).or_default().insert(via.head.seq);
    }
    let mut principals = Principals::new();
    for (vault_id, heads) in wanted {
        let mut genesis = vaults::genesis(snapshot, vault_id).await?;
        if genesis.is_none() {
            genesis = remains::genesis(snapshot, vault_id).await?;
        }
        let Some(genesis) = genesis else {
            continue;
        };
        let log = entries::of_membership(snapshot, vault_id).await?;
        let found = spawn_blocking(move || {
            let chain = MembershipChain::resume(&genesis, log).ok()?;
            let counts = heads
                .into_iter()
                .filter_map(|seq| usize::try_from(seq).ok());
            Some(
                counts
                    .filter_map(|count| chain.after(count))
                    .collect::<Vec<_>>(),
            )
        });
        for membership in found.await?.unwrap_or_default() {
            principals.insert(membership);
        }
    }
    Ok(principals)
}

/// What is kept of a vault that is gone: its membership entries add up to the
/// membership it ended with.
pub(super) async fn check_remains(
    snapshot: &mut Read,
    vault_id: VaultId,
    report: &mut Report,
) -> Result<()> {
    let genesis = remains::genesis(snapshot, vault_id).await?;
    let genesis = genesis.filter(|genesis| genesis.vault_id() == vault_id);
    let log = entries::of_membership(snapshot, vault_id).await?;
    report.entries += log.len() as u64;
    let kept = remains::memberships(snapshot, [vault_id].into_iter()).await?;
    let is_whole = spawn_blocking(move || {
        let chain = MembershipChain::resume(&genesis?, log).ok()?;
        Some(chain.latest().ok()? == kept.first()?)
    });
    if is_whole.await? != Some(true) {
        report.findings.push(Finding::Remains { vault_id });
    }
    Ok(())
}

async fn check_leaves(snapshot: &mut Read, replay: &Replay, report: &mut Report) -> Result<()> {
    let vault_id = replay.state.vault_id();
    let mut stored: BTreeMap<NodeId, Leaf> = BTreeMap::new();
    let mut after = NodeId::new([0; NodeId::LEN]);
    loop {
        let seq = replay.state.head.seq;
        let page = leaves::page(snapshot, vault_id, seq, after, LEAVES).await?;
        let Some((last, _)) = page.last() else { break };
        after = *last;
        stored.extend(page);
    }
    let nodes = stored.keys().chain(replay.leaves.keys());
    let mut wrong: Vec<_> = nodes
        .filter(|node| stored.get(node) != replay.leaves.get(node))
        .collect();
    wrong.sort();
    wrong.dedup();
    for node_id in wrong {
        let node_id = *node_id;
        report.findings.push(Finding::Leaf { vault_id, node_id });
    }
    Ok(())
}

async fn check_bodies(snapshot: &mut Read, replay: &Replay, report: &mut Report) -> Result<()> {
    let vault_id = replay.state.vault_id();
    for hashes in replay.bodies().chunks(PAGE as usize / 4) {
        let found = bodies::find(snapshot, vault_id, hashes).await?;
        for hash in hashes.iter().copied() {
            report.bodies += 1;
            match found.get(&hash) {
                None => report
                    .findings
                    .push(Finding::BodyMissing { vault_id, hash }),
                Some(bytes) if Statement::Body.hash(bytes) != hash => {
                    report
                        .findings
                        .push(Finding::BodyDamaged { vault_id, hash });
                }
                Some(_) => {}
            }
        }
    }
    Ok(())
}
