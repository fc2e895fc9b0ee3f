//! The part of an append that needs the database: contents durable and
//! allowed, references, quota; then every row, in one unit of work.

use std::collections::{BTreeMap, BTreeSet};

use sv_api::ErrorCode;
use sv_ledger::entry::{ContentAdded, Entry, StateOp};
use sv_ledger::id::{ContentId, Hash, VaultId};
use sv_ledger::limits::{BLOCK_GRACE_MS, LOG_RESERVE};
use sv_ledger::state::Member;

use super::bodies::NewBodies;
use super::prepare::{PreparedEntry, rejected};
use super::reach::Reach;
use super::references::{Effects, ReferenceChanges};
use super::transfer::transfer;
use crate::db::{Query, Write};
use crate::service::audit::{self, Detail, Event, Kind};
use crate::service::{Result, taken_meanwhile};
use crate::store::contents::Content;
use crate::store::{blocks, contents, entries, garbage, leaves, members, named_vaults};
use crate::store::{quotas, references, vaults};

/// Blocks looked at together.
const BLOCKS_PAGE: u32 = 4096;
/// As far beyond a limit as there are numbers.
const ANY: u64 = i64::MAX as u64;

/// The revision at which each upload was found to be exactly what the entry
/// adds. [`contents::commit`] compares it, so hashing needs no lock.
pub(super) type Verified = BTreeMap<ContentId, u64>;

/// Compares uploads, block for block, with what an entry adds. Contents that
/// are committed already, or are somebody else's, are left to [`admit`].
///
/// # Errors
/// [`ErrorCode::BlocksMissing`] if blocks are missing or are others.
pub(super) async fn verify_uploads(
    q: &mut impl Query,
    prepared: &PreparedEntry,
    uid: VaultId,
) -> Result<Verified> {
    let ids: Vec<_> = prepared.uploaded().map(|c| c.content_id).collect();
    let there = contents::find(q, ids.into_iter()).await?;
    let suite = prepared.transition.state.membership.content_suite;
    let full_len = suite.full_block_len() as u64;
    let mut verified = Verified::new();
    for added in prepared.uploaded() {
        let upload = there.get(&added.content_id);
        let Some(upload) = upload.filter(|u| !u.committed && u.uploader == uid) else {
            continue;
        };
        let has_shape =
            upload.sealed_len == added.sealed_len && upload.block_count == added.block_count;
        if !has_shape || !has_blocks(q, added, full_len).await? {
            return Err(ErrorCode::BlocksMissing.into());
        }
        verified.insert(added.content_id, upload.revision);
    }
    Ok(verified)
}

/// Whether a content's blocks are exactly those of an addition: every index
/// once, all but the last full, and together the root.
async fn has_blocks(q: &mut impl Query, added: &ContentAdded, full_len: u64) -> Result<bool> {
    let last = added.block_count.saturating_sub(1);
    let (mut root, mut next, mut total) = (blake3::Hasher::new(), 0, 0);
    while next < added.block_count {
        let page = blocks::page(q, added.content_id, next, BLOCKS_PAGE).await?;
        if page.is_empty() {
            return Ok(false);
        }
        for block in page {
            let is_full = block.len == full_len;
            if block.index != next || (block.index < last && !is_full) {
                return Ok(false);
            }
            root.update(block.hash.as_bytes());
            total += block.len;
            next += 1;
        }
    }
    let root = Hash::new(*root.finalize().as_bytes());
    Ok(next == added.block_count && total == added.sealed_len && root == added.blocks_root)
}

/// Admits a valid entry and writes everything it brings. The vault's row must
/// be locked and its head be the one the entry was prepared against.
///
/// # Errors
/// A refusal: nothing of the unit of work may be kept then.
pub(super) async fn admit(
    write: &mut Write,
    prepared: &PreparedEntry,
    verified: &Verified,
    uid: VaultId,
    owner: VaultId,
    now_ms: u64,
) -> Result<()> {
    let vault_id = prepared.vault_id();
    let mut bill = Bill::default();
    if !prepared.entry.state_ops().is_empty() {
        bill = admit_contents(write, prepared, verified, uid, owner, now_ms).await?;
    }
    let new_bodies = NewBodies::find(write, prepared, &prepared.bodies).await?;
    let log = new_bodies.bytes() + prepared.entry.to_bytes().len() as u64;
    settle(write, prepared, &bill, log, owner).await?;
    let body = prepared.entry.body();
    let next = &prepared.transition.state;
    let superseded = prepared.superseded.iter().copied();
    leaves::supersede(write, vault_id, superseded, body.seq, now_ms).await?;
    let new_leaves = prepared.transition.leaves.iter();
    let new_leaves = new_leaves.filter_map(|(node, leaf)| leaf.map(|leaf| (*node, leaf)));
    leaves::insert(write, vault_id, body.seq, new_leaves).await?;
    new_bodies.insert(write).await?;
    entries::insert(write, &prepared.entry).await?;
    let named: BTreeSet<_> = prepared.entry.named_heads().map(|v| v.vault_id).collect();
    named_vaults::insert(write, vault_id, named.into_iter(), 0).await?;
    let (before, after) = (&prepared.members_before, prepared.members_after());
    members::replace(write, vault_id, before, after).await?;
    let changes = member_changes(vault_id, body.author, before, after);
    audit::note_all(write, now_ms, changes).await?;
    vaults::advance(write, next, prepared.is_checkpoint).await?;
    let new_owner = next.membership.owner().copied().filter(|new| *new != owner);
    if let Some(new_owner) = new_owner {
        transfer(write, vault_id, owner, new_owner).await?;
    }
    Ok(())
}

/// What the audit log says of a membership entry.
fn member_changes(
    vault_id: VaultId,
    author: VaultId,
    before: &BTreeMap<VaultId, Member>,
    after: &BTreeMap<VaultId, Member>,
) -> Vec<Event> {
    let event = |kind, principal: &VaultId, member: &Member| {
        let detail = Detail::Member {
            vault_id,
            role: member.role,
            expires_ms: member.expires_ms,
        };
        Event::by(author, kind)
            .about(*principal.as_bytes())
            .with(detail)
    };
    let gone = before.iter().filter(|(id, _)| !after.contains_key(id));
    let gone = gone.map(|(id, old)| event(Kind::MemberRemoved, id, old));
    let now = after.iter().filter_map(|(id, new)| match before.get(id) {
        None => Some(event(Kind::MemberAdded, id, new)),
        Some(old) if (old.role, old.expires_ms) != (new.role, new.expires_ms) => {
            Some(event(Kind::RoleChanged, id, new))
        }
        Some(_) => None,
    });
    gone.chain(now).collect()
}

async fn admit_contents(
    write: &mut Write,
    prepared: &PreparedEntry,
    verified: &Verified,
    uid: VaultId,
    owner: VaultId,
    now_ms: u64,
) -> Result<Bill> {
    let vault_id = prepared.vault_id();
    let nodes = prepared.entry.state_ops().iter().map(|op| *op.node_id());
    let existing = references::of_nodes(write, vault_id, nodes).await?;
    let changes = ReferenceChanges::new(&prepared.entry, &existing)?;
    let touched = changes.contents();
    if touched.is_empty() {
        return Ok(Bill::default());
    }
    // Locked: nobody collects them, or counts references to them, meanwhile.
    let there = contents::lock_all(write, touched.iter().copied()).await?;
    let plan = ContentPlan::new(prepared, &there, verified, uid)?;
    require_readable(write, &plan.foreign, uid, now_ms).await?;

    let counts = references::counts(write, touched.iter().copied()).await?;
    let effects = changes.effects(&counts, owner);
    let bill = Bill::new(&plan, &effects, &there, uid, owner);

    let fresh = plan.fresh.iter().copied();
    contents::insert_committed(write, uid, fresh, now_ms)
        .await
        .map_err(taken_meanwhile)?;
    let inline = prepared.inline.iter();
    blocks::insert(write, inline.map(|(id, block)| (*id, block.clone()))).await?;
    for (upload, revision) in &plan.uploads {
        if !contents::commit(write, upload, *revision).await? {
            return Err(ErrorCode::BlocksMissing.into());
        }
    }
    for (node, content) in &changes.dropped {
        references::remove(write, vault_id, *node, *content).await?;
    }
    references::remove_nodes(write, vault_id, changes.deleted.iter().copied()).await?;
    references::insert(write, vault_id, owner, changes.added.iter().copied()).await?;
    garbage::unmark(write, effects.revived.iter().copied()).await?;
    let until = now_ms.saturating_add(BLOCK_GRACE_MS);
    garbage::mark(write, effects.unreferenced.iter().copied(), until).await?;
    Ok(bill)
}

/// Contents that somebody else uploaded are taken only from where one may
/// read them, directly or through other vaults.
async fn require_readable(
    write: &mut Write,
    foreign: &BTreeSet<ContentId>,
    uid: VaultId,
    now_ms: u64,
) -> Result<()> {
    let mut left = foreign.clone();
    if left.is_empty() {
        return Ok(());
    }
    let own = references::readable_by(write, uid, left.iter().copied(), now_ms).await?;
    left.retain(|content| !own.contains(content));
    if left.is_empty() {
        return Ok(());
    }
    let reach = Reach::of(write, &[uid], now_ms).await?;
    for principal in reach.principals() {
        let through = left.iter().copied();
        let found = references::readable_by(write, principal, through, now_ms).await?;
        left.retain(|content| !found.contains(content));
    }
    match left.is_empty() {
        true => Ok(()),
        false => Err(ErrorCode::BlocksMissing.into()),
    }
}

/// What becomes of each content an entry adds.
#[derive(Debug, Default)]
struct ContentPlan {
    /// New, with the entry or empty.
    fresh: Vec<ContentAdded>,
    /// Uploads to commit, with the revision that was verified.
    uploads: Vec<(ContentAdded, u64)>,
    /// Committed, by somebody else.
    foreign: BTreeSet<ContentId>,
}

impl ContentPlan {
    fn new(
        prepared: &PreparedEntry,
        there: &BTreeMap<ContentId, Content>,
        verified: &Verified,
        uid: VaultId,
    ) -> Result<Self> {
        let mut plan = Self::default();
        for added in prepared.added.values() {
            let id = added.content_id;
            let came_along = prepared.inline.contains_key(&id);
            match there.get(&id) {
                None if came_along || added.block_count == 0 => plan.fresh.push(*added),
                // Whether it never was, or is nothing of this user's, looks the same.
                None => return Err(ErrorCode::BlocksMissing.into()),
                Some(_) if came_along => {
                    return Err(rejected(
                        "a content that came with the entry exists already",
                    ));
                }
                Some(content) if !content.committed => {
                    let revision = verified.get(&id).ok_or(ErrorCode::BlocksMissing)?;
                    plan.uploads.push((*added, *revision));
                }
                Some(content) if content.is_committed_as(added) => {
                    if content.uploader != uid {
                        plan.foreign.insert(id);
                    }
                }
                Some(_) => return Err(ErrorCode::BlocksMissing.into()),
            }
        }
        Ok(plan)
    }
}

/// Bytes of contents that accounts are charged for from now on, and no longer.
#[derive(Debug, Default)]
struct Bill(BTreeMap<VaultId, Change>);

#[derive(Debug, Default, Clone, Copy)]
struct Change {
    more: u64,
    less: u64,
}

impl Bill {
    /// Turns the uploader's reservations into the owner's charges, and gives
    /// back what the owner no longer refers to.
    fn new(
        plan: &ContentPlan,
        effects: &Effects,
        there: &BTreeMap<ContentId, Content>,
        uid: VaultId,
        owner: VaultId,
    ) -> Self {
        let fresh: BTreeMap<_, _> = plan
            .fresh
            .iter()
            .map(|c| (c.content_id, c.sealed_len))
            .collect();
        let len = |id: &ContentId| {
            let committed = there.get(id).map(|content| content.sealed_len);
            committed.or_else(|| fresh.get(id).copied()).unwrap_or(0)
        };
        let mut changes: BTreeMap<VaultId, Change> = BTreeMap::new();
        let charged = changes.entry(owner).or_default();
        charged.more = effects.charged.iter().map(len).sum();
        charged.less = effects.released.iter().map(len).sum();
        changes.entry(uid).or_default().less +=
            plan.uploads.iter().map(|(c, _)| c.sealed_len).sum::<u64>();
        Self(changes)
    }
}

/// Charges for contents, and the owner for `log` bytes of the entry and what
/// is new of its bodies too. An entry that brings no more contents than it takes away may go
/// over the limit by [`LOG_RESERVE`], and one that only deletes by any length:
/// whoever has no room left must be able to make some.
async fn settle(
    write: &mut Write,
    prepared: &PreparedEntry,
    bill: &Bill,
    log: u64,
    owner: VaultId,
) -> Result<()> {
    let mut changes = bill.0.clone();
    changes.entry(owner).or_default();
    for (account, Change { more, less }) in changes {
        let log = if account == owner { log } else { 0 };
        let beyond = if only_deletes(&prepared.entry) {
            ANY
        } else if more <= less {
            LOG_RESERVE
        } else {
            0
        };
        let more = more.saturating_add(log);
        if less > more {
            quotas::release(write, account, less - more).await?;
        } else if more > less && !quotas::charge(write, account, more - less, beyond).await? {
            return Err(ErrorCode::QuotaExceeded.into());
        }
    }
    Ok(())
}

/// Whether an entry does nothing but delete: there are never more of those
/// than of the entries that were paid for.
fn only_deletes(entry: &Entry) -> bool {
    let ops = entry.state_ops();
    !ops.is_empty() && ops.iter().all(|op| matches!(op, StateOp::Delete(_)))
}
