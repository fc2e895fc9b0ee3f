//! Vaults that are members of other vaults: groups, and shares inside shares
//! (spec: `log.md` §4.3). Who reaches a vault through which others, and when
//! a change in one of them makes a new key due in those it is a member of.

use std::collections::{BTreeMap, BTreeSet};

use crate::entry::Via;
use crate::id::VaultId;
use crate::limits::NESTING;
use crate::state::{Head, Member, Membership, Role, is_past};

/// Verified memberships of other vaults, at the heads that entries name. The
/// caller vouches for them: a client from chains it verified, the server from
/// the states it stored.
#[derive(Debug, Clone, Default)]
pub struct Principals(BTreeMap<(VaultId, u64), Membership>);

impl Principals {
    /// No other vault: enough for every entry that names none.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Adds a vault's membership as it was, or is, at its head.
    pub fn insert(&mut self, membership: Membership) {
        let key = (membership.vault_id, membership.head.seq);
        self.0.insert(key, membership);
    }

    /// A vault's membership at exactly that head.
    pub fn at(&self, vault_id: &VaultId, head: &Head) -> Option<&Membership> {
        let found = self.0.get(&(*vault_id, head.seq))?;
        (found.head == *head).then_some(found)
    }

    /// The same without those of some vaults.
    #[must_use]
    pub fn without(&self, vaults: &BTreeSet<VaultId>) -> Self {
        let others = self.0.iter().filter(|((id, _), _)| !vaults.contains(id));
        Self(others.map(|(key, one)| (*key, one.clone())).collect())
    }

    /// The newest membership that is here of a vault.
    pub fn newest(&self, vault_id: &VaultId) -> Option<&Membership> {
        let all = (*vault_id, 0)..=(*vault_id, u64::MAX);
        self.0.range(all).next_back().map(|(_, found)| found)
    }
}

impl FromIterator<Membership> for Principals {
    fn from_iter<T: IntoIterator<Item = Membership>>(memberships: T) -> Self {
        let mut all = Self::new();
        memberships.into_iter().for_each(|one| all.insert(one));
        all
    }
}

/// One way in which somebody has access to a vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// What they may do on it: the least role of all its steps.
    pub role: Role,
    /// When it ends, Unix milliseconds; 0 for never.
    pub expires_ms: u64,
    /// The vaults it leads through, as an entry names them.
    pub via: Vec<Via>,
}

impl Path {
    /// Whether it has ended at `now_ms`.
    pub const fn is_expired(&self, now_ms: u64) -> bool {
        is_past(self.expires_ms, now_ms)
    }

    /// Whether it is at least as good as another in everything: it allows as
    /// much, for as long, and is not longer.
    fn covers(&self, other: &Self) -> bool {
        self.role >= other.role
            && self.via.len() <= other.via.len()
            && lasting(self.expires_ms) >= lasting(other.expires_ms)
    }
}

/// Keeps a path unless another covers it, and drops those that it covers. For
/// each role and length one is left at most, the one that lasts longest: so
/// never more than there are roles times lengths.
fn keep(paths: &mut Vec<Path>, path: Path) {
    if !paths.iter().any(|known| known.covers(&path)) {
        paths.retain(|known| !path.covers(known));
        paths.push(path);
    }
}

/// What was found out about vaults further in, so that each is looked at once
/// for each number of steps that are left, however many ways lead to it.
struct Survey<'a, T> {
    principals: &'a Principals,
    /// The vault it begins in: no way leads back into it.
    root: VaultId,
    known: BTreeMap<(VaultId, usize), T>,
}

impl<'a, T: Clone> Survey<'a, T> {
    const fn of(root: &Membership, principals: &'a Principals) -> Self {
        Self {
            principals,
            root: root.vault_id,
            known: BTreeMap::new(),
        }
    }

    /// What holds of a vault that is a member, with `left` more steps inwards
    /// from it; `None` if its membership is not here.
    fn inside(
        &mut self,
        id: &VaultId,
        left: usize,
        look: impl FnOnce(&mut Self, &Membership) -> T,
    ) -> Option<T> {
        let principals = self.principals;
        let inner = principals.newest(id)?;
        if let Some(known) = self.known.get(&(*id, left)) {
            return Some(known.clone());
        }
        let found = look(self, inner);
        self.known.insert((*id, left), found.clone());
        Some(found)
    }
}

impl Survey<'_, Vec<Path>> {
    /// The best ways of a person into a vault. One that passes a vault twice
    /// is covered by the one without the detour, so none is left.
    fn paths(&mut self, vault: &Membership, uid: &VaultId, left: usize) -> Vec<Path> {
        let mut paths: Vec<Path> = Vec::new();
        if let Some(member) = vault.members.get(uid).filter(|m| !m.keys.is_vault()) {
            paths.push(Path {
                role: member.role,
                expires_ms: member.expires_ms,
                via: Vec::new(),
            });
        }
        for (id, member) in vault.vault_members() {
            for path in self.paths_through(id, member, uid, left) {
                keep(&mut paths, path);
            }
        }
        paths
    }

    /// The best of those that pass one member first.
    fn paths_through(
        &mut self,
        id: &VaultId,
        member: &Member,
        uid: &VaultId,
        left: usize,
    ) -> Vec<Path> {
        let Some(left) = left.checked_sub(1).filter(|_| *id != self.root) else {
            return Vec::new();
        };
        let inside = self.inside(id, left, |survey, inner| survey.paths(inner, uid, left));
        let Some(inner) = self.principals.newest(id) else {
            return Vec::new();
        };
        let first = Via {
            vault_id: *id,
            head: inner.head,
        };
        let through = |path: Path| Path {
            role: member.role.min(path.role),
            expires_ms: earlier(member.expires_ms, path.expires_ms),
            via: std::iter::once(first).chain(path.via).collect(),
        };
        inside.into_iter().flatten().map(through).collect()
    }
}

impl Survey<'_, bool> {
    fn needs_key(&mut self, vault: &Membership, left: usize) -> bool {
        let is_changed = |(id, member): (&VaultId, &Member)| {
            let Some(rest) = left.checked_sub(1) else {
                return true;
            };
            let is_open = self.inside(id, rest, |survey, inner| survey.needs_key(inner, rest));
            let (Some(is_open), Some(inner)) = (is_open, self.principals.newest(id)) else {
                return true;
            };
            if member.is_sealed {
                is_open || inner.epoch != member.keys.generation
            } else {
                // Left out for a key of its own, or for no reason at all.
                !is_open
            }
        };
        vault.is_due || vault.vault_members().any(is_changed)
    }
}

impl Survey<'_, Option<usize>> {
    fn depth(&mut self, vault: &Membership, left: usize) -> Option<usize> {
        vault.vault_members().try_fold(0, |deepest, (id, _)| {
            let rest = left.checked_sub(1)?;
            let below = self.inside(id, rest, |survey, inner| survey.depth(inner, rest));
            Some(deepest.max(below.unwrap_or(Some(0))? + 1))
        })
    }
}

impl Membership {
    /// The ways in which a person has access, by the newest memberships of
    /// the vaults that are members; of those that another covers in role,
    /// time and length, none. A vault of which `principals` has none leads
    /// nowhere.
    pub fn paths(&self, uid: &VaultId, principals: &Principals) -> Vec<Path> {
        Survey::of(self, principals).paths(self, uid, NESTING)
    }

    /// The strongest of [`Self::paths`] that has not ended, and of several
    /// the shortest.
    pub fn best_path(&self, uid: &VaultId, principals: &Principals, now_ms: u64) -> Option<Path> {
        let mut paths = self.paths(uid, principals);
        paths.retain(|path| !path.is_expired(now_ms));
        paths.sort_by_key(|path| (std::cmp::Reverse(path.role), path.via.len()));
        paths.into_iter().next()
    }

    /// The members that are vaults and lead to a person, whatever their role
    /// and whether or not it has ended; those with the shortest way first.
    pub fn entrances(&self, uid: &VaultId, principals: &Principals) -> Vec<VaultId> {
        let mut survey = Survey::of(self, principals);
        let mut found: Vec<(usize, VaultId)> = self
            .vault_members()
            .filter_map(|(id, member)| {
                let paths = survey.paths_through(id, member, uid, NESTING);
                let shortest = paths.iter().map(|path| path.via.len()).min()?;
                Some((shortest, *id))
            })
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(_, id)| id).collect()
    }

    /// Members that are vaults.
    pub fn vault_members(&self) -> impl Iterator<Item = (&VaultId, &Member)> {
        self.members.iter().filter(|(_, m)| m.keys.is_vault())
    }

    /// Whether a new key is due before anything is written: because of this
    /// vault's own log, or because a member that is a vault has the present
    /// key and lost a member or has a new key, or has not the present key and
    /// needs none itself. A vault of which
    /// `principals` has none counts as changed, and so does one more than
    /// `NESTING` steps further in.
    pub fn needs_key(&self, principals: &Principals) -> bool {
        Survey::of(self, principals).needs_key(self, NESTING)
    }

    /// How many vaults stand one inside the other below this one: 0 without
    /// members that are vaults. `None` if more than `NESTING`, which every
    /// cycle is.
    pub fn depth(&self, principals: &Principals) -> Option<usize> {
        Survey::of(self, principals).depth(self, NESTING)
    }
}

/// A time of expiry as one that can be compared: never is the latest.
const fn lasting(expires_ms: u64) -> u64 {
    match expires_ms {
        0 => u64::MAX,
        time => time,
    }
}

const fn earlier(a: u64, b: u64) -> u64 {
    if lasting(a) < lasting(b) { a } else { b }
}

#[cfg(test)]
mod tests;
