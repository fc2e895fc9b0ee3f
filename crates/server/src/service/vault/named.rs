//! Vaults that the logs of others name, now or ever. Whoever opens a vault has
//! to verify the logs that its log names, and those that they name: so they
//! are shown, and kept, as long as somebody may need them, and a log takes in
//! no more names than clients follow.

use std::collections::{BTreeMap, BTreeSet};

use sv_api::ErrorCode;
use sv_ledger::entry::Entry;
use sv_ledger::id::VaultId;
use sv_ledger::limits::{NAMED_VAULTS, NAMING_VAULTS};
use sv_ledger::membership_op::MembershipOp;
use tokio::task::spawn_blocking;

use super::prepare::rejected;
use crate::db::{self, Query, Write};
use crate::service::Result;
use crate::store::accounts::instance;
use crate::store::{members, named_vaults};

/// Vaults that are looked at for one entry. Each takes some hundred bytes.
const LOOKED_AT: usize = 64 * 1024;
/// Vaults that are followed from one, as clients do.
const FOLLOWED: usize = 2 * NAMED_VAULTS;

/// Whether a log leads to another vault: it is the one, or names it or ever
/// named it, or names one that does; or has the person whose account it is as
/// a member, or names one that does.
///
/// From the log outwards, so that it costs what its members made of it. How
/// many others name the one that is looked for is for anybody to decide.
pub(super) async fn leads_to(
    q: &mut impl Query,
    vault_id: VaultId,
    other: VaultId,
) -> db::Result<bool> {
    let mut seen = BTreeSet::from([vault_id]);
    let mut level = seen.clone();
    while !level.is_empty() && seen.len() <= FOLLOWED + 1 {
        // Also where their time is over.
        let has_member = members::among(q, other, level.iter().copied(), 0);
        if level.contains(&other) || !has_member.await?.is_empty() {
            return Ok(true);
        }
        let named = named_vaults::named_by(q, level.into_iter()).await?;
        let named = named.into_iter().map(|(_, id)| id);
        level = named.filter(|id| seen.insert(*id)).collect();
    }
    Ok(false)
}

/// The vaults that name one, those that name these, and so on outwards.
pub(crate) struct Naming {
    seen: BTreeSet<VaultId>,
    level: BTreeSet<VaultId>,
}

impl Naming {
    /// Begins with those that name a vault or have it, or the person whose
    /// account it is, as a member.
    pub(crate) async fn of(q: &mut impl Query, vault_id: VaultId) -> db::Result<Self> {
        let mut level = named_vaults::naming(q, [vault_id].into_iter()).await?;
        level.extend(members::vaults_of(q, [vault_id].into_iter()).await?);
        level.remove(&vault_id);
        let mut seen = level.clone();
        seen.insert(vault_id);
        Ok(Self { seen, level })
    }

    /// Those that were found last; none once all were.
    pub(crate) const fn level(&self) -> &BTreeSet<VaultId> {
        &self.level
    }

    /// One step further out.
    pub(crate) async fn go_on(&mut self, q: &mut impl Query) -> db::Result<()> {
        let level = self.level.iter().copied();
        let mut next = named_vaults::naming(q, level).await?;
        next.retain(|id| self.seen.insert(*id));
        self.level = next;
        Ok(())
    }
}

/// What was looked at before an entry that makes vaults members, to find that
/// after it no log leads to more others than clients follow.
#[derive(Debug)]
pub(super) struct Names {
    vault_id: VaultId,
    /// Vaults that it makes members.
    new: BTreeSet<VaultId>,
    /// The vault, and those whose logs lead to it.
    above: BTreeSet<VaultId>,
    /// All to which those and the new ones lead, and they themselves.
    looked_at: BTreeSet<VaultId>,
    /// How many such entries there were then.
    nestings: u64,
}

impl Names {
    /// Looks at a snapshot; none for an entry that makes no vault a member.
    /// Costly for many vaults, so it comes before the unit of work;
    /// [`Self::hold`] makes sure that it still holds there.
    ///
    /// # Errors
    /// [`ErrorCode::Rejected`] if after the entry some log led to too many.
    pub(super) async fn check(q: &mut impl Query, entry: &Entry) -> Result<Option<Self>> {
        let ops = entry.membership_ops().iter();
        let new: BTreeSet<VaultId> = ops
            .filter_map(|op| match op {
                MembershipOp::Grant(op) if op.keys.is_vault() => Some(op.principal),
                _ => None,
            })
            .collect();
        if new.is_empty() {
            return Ok(None);
        }
        let vault_id = entry.body().vault_id;
        let nestings = instance::nestings(q).await?;
        let above = above(q, vault_id).await?;
        let mut names = names_of(q, above.union(&new).copied().collect()).await?;
        names.entry(vault_id).or_default().extend(&new);
        let count = move || {
            let fits = above.iter().all(|vault| leads_to_few(vault, &names));
            fits.then(|| (above, names.into_keys().collect()))
        };
        let (above, looked_at) = spawn_blocking(count)
            .await?
            .ok_or_else(|| rejected(TOO_MANY))?;
        Ok(Some(Self {
            vault_id,
            new,
            above,
            looked_at,
            nestings,
        }))
    }

    /// Notes what the vault names from now on, if nothing has changed since
    /// what was looked at. Others that make vaults members wait until the unit
    /// of work ends: two at once could make a circle that neither sees, or be
    /// too many together.
    ///
    /// What came in elsewhere does not matter: if it did, anybody could keep
    /// all others from taking in groups by never ceasing to.
    ///
    /// # Errors
    /// [`ErrorCode::Conflict`] if it has changed.
    pub(super) async fn hold(&self, write: &mut Write) -> Result<()> {
        let nesting = instance::count_nesting(write).await?;
        let since = named_vaults::since(write, self.nestings).await?;
        let mut since = since.iter();
        if since.any(|(by, named)| self.looked_at.contains(by) || self.above.contains(named)) {
            return Err(ErrorCode::Conflict.into());
        }
        let new = self.new.iter().copied();
        Ok(named_vaults::insert(write, self.vault_id, new, nesting).await?)
    }
}

/// A vault, and those whose logs lead to it.
async fn above(q: &mut impl Query, vault_id: VaultId) -> Result<BTreeSet<VaultId>> {
    let mut naming = Naming::of(q, vault_id).await?;
    while !naming.level().is_empty() {
        if naming.seen.len() > NAMING_VAULTS {
            return Err(rejected(
                "this is shared in too many places to take in another group",
            ));
        }
        naming.go_on(q).await?;
    }
    Ok(naming.seen)
}

/// What some vaults name, and what those do, and so on.
async fn names_of(
    q: &mut impl Query,
    vaults: BTreeSet<VaultId>,
) -> Result<BTreeMap<VaultId, BTreeSet<VaultId>>> {
    let mut names: BTreeMap<VaultId, BTreeSet<VaultId>> = BTreeMap::new();
    let mut level = vaults;
    while !level.is_empty() {
        if names.len() + level.len() > LOOKED_AT {
            return Err(rejected(TOO_MANY));
        }
        let found = named_vaults::named_by(q, level.iter().copied()).await?;
        for id in level {
            names.entry(id).or_default();
        }
        for (vault, named) in &found {
            names.entry(*vault).or_default().insert(*named);
        }
        level = found.into_iter().map(|(_, named)| named).collect();
        level.retain(|id| !names.contains_key(id));
    }
    Ok(names)
}

const TOO_MANY: &str = "groups and shared folders lead to at most 512 others, counting those that \
                        were members once";

fn leads_to_few(vault: &VaultId, names: &BTreeMap<VaultId, BTreeSet<VaultId>>) -> bool {
    let mut seen = BTreeSet::from([*vault]);
    let mut left = vec![*vault];
    while let Some(id) = left.pop() {
        let named = names.get(&id).into_iter().flatten();
        left.extend(named.filter(|id| seen.insert(**id)));
        if seen.len() > NAMED_VAULTS + 1 {
            return false;
        }
    }
    true
}
