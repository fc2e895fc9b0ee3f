//! Vaults that the logs of others name, now or ever. Whoever opens a vault has
//! to verify the logs that its log names, and those that they name: so they
//! are shown, and kept, as long as somebody may need them, and a log takes in
//! no more names than clients follow.

use std::collections::{BTreeMap, BTreeSet};

use sv_ledger::entry::Entry;
use sv_ledger::id::VaultId;
use sv_ledger::limits::{NAMED_VAULTS, NAMING_VAULTS};
use sv_ledger::membership_op::MembershipOp;
use tokio::task::spawn_blocking;

use super::prepare::rejected;
use crate::db::{self, Query};
use crate::service::Result;
use crate::store::{members, named_vaults};

/// Vaults that are looked at for one entry. Each takes some hundred bytes.
const LOOKED_AT: usize = 64 * 1024;

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

    /// One step further out. Ends where no honest log leads.
    pub(crate) async fn go_on(&mut self, q: &mut impl Query) -> db::Result<()> {
        if self.seen.len() > NAMING_VAULTS {
            self.level.clear();
            return Ok(());
        }
        let level = self.level.iter().copied();
        let mut next = named_vaults::naming(q, level).await?;
        next.retain(|id| self.seen.insert(*id));
        self.level = next;
        Ok(())
    }
}

/// Refuses an entry that makes a vault a member if after it the log of any
/// vault leads to more others than clients follow. It looks at a snapshot: two
/// entries at once may go over by what each brings, which clients allow for.
///
/// # Errors
/// [`sv_api::ErrorCode::Rejected`].
pub(super) async fn check_names(q: &mut impl Query, entry: &Entry) -> Result<()> {
    let new: BTreeSet<VaultId> = entry
        .membership_ops()
        .iter()
        .filter_map(|op| match op {
            MembershipOp::Grant(op) if op.keys.is_vault() => Some(op.principal),
            _ => None,
        })
        .collect();
    if new.is_empty() {
        return Ok(());
    }
    let vault_id = entry.body().vault_id;
    let mut naming = Naming::of(q, vault_id).await?;
    while !naming.level().is_empty() {
        naming.go_on(q).await?;
    }
    let above = naming.seen;
    if above.len() > NAMING_VAULTS {
        return Err(rejected(
            "this is shared in too many places to take in another group",
        ));
    }
    let mut names: BTreeMap<VaultId, BTreeSet<VaultId>> = BTreeMap::new();
    let mut level: BTreeSet<VaultId> = above.union(&new).copied().collect();
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
    names.entry(vault_id).or_default().extend(new);
    let fits = move || above.iter().all(|vault| leads_to_few(vault, &names));
    match spawn_blocking(fits).await? {
        true => Ok(()),
        false => Err(rejected(TOO_MANY)),
    }
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
