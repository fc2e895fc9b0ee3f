//! Vaults that are members of other vaults: groups, and shares inside shares
//! (spec: `log.md` §4.3). Who reaches a vault through which others, and when
//! a change in one of them makes a new key due in those it is a member of.

use std::collections::BTreeMap;

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
}

impl Membership {
    /// Every way in which a person has access, by the newest memberships of
    /// the vaults that are members. A vault of which `principals` has none
    /// leads nowhere.
    pub fn paths(&self, uid: &VaultId, principals: &Principals) -> Vec<Path> {
        let start = Path {
            role: Role::Owner,
            expires_ms: 0,
            via: Vec::new(),
        };
        let mut found = Vec::new();
        self.walk(uid, principals, &start, &mut found);
        found
    }

    /// The strongest of [`Self::paths`] that has not ended, and of several
    /// the shortest.
    pub fn best_path(&self, uid: &VaultId, principals: &Principals, now_ms: u64) -> Option<Path> {
        let mut paths = self.paths(uid, principals);
        paths.retain(|path| !path.is_expired(now_ms));
        paths.sort_by_key(|path| (std::cmp::Reverse(path.role), path.via.len()));
        paths.into_iter().next()
    }

    fn walk(&self, uid: &VaultId, principals: &Principals, so_far: &Path, found: &mut Vec<Path>) {
        let through = |member: &Member| Path {
            role: so_far.role.min(member.role),
            expires_ms: earlier(so_far.expires_ms, member.expires_ms),
            via: so_far.via.clone(),
        };
        if let Some(member) = self.members.get(uid).filter(|m| !m.keys.is_vault()) {
            found.push(through(member));
        }
        if so_far.via.len() == NESTING {
            return;
        }
        for (id, member) in self.vault_members() {
            let is_on_path = *id == self.vault_id || so_far.via.iter().any(|v| v.vault_id == *id);
            let Some(inner) = principals.newest(id).filter(|_| !is_on_path) else {
                continue;
            };
            let mut path = through(member);
            path.via.push(Via {
                vault_id: *id,
                head: inner.head,
            });
            inner.walk(uid, principals, &path, found);
        }
    }

    /// Members that are vaults.
    pub fn vault_members(&self) -> impl Iterator<Item = (&VaultId, &Member)> {
        self.members.iter().filter(|(_, m)| m.keys.is_vault())
    }

    /// Whether a new key is due before anything is written: because of this
    /// vault's own log, or because a member that is a vault and has the
    /// present key lost a member or has a new key. A vault of which
    /// `principals` has none counts as changed.
    pub fn needs_key(&self, principals: &Principals) -> bool {
        self.needs_key_within(principals, NESTING)
    }

    fn needs_key_within(&self, principals: &Principals, depth: usize) -> bool {
        let is_changed = |(id, member): (&VaultId, &Member)| {
            let Some(inner) = principals.newest(id).filter(|_| depth > 0) else {
                return true;
            };
            let is_newer = inner.epoch != member.keys.generation;
            let is_open = inner.needs_key_within(principals, depth - 1);
            if member.is_sealed {
                is_newer || is_open
            } else {
                is_newer && !is_open
            }
        };
        self.is_due || self.vault_members().any(is_changed)
    }

    /// How many vaults stand one inside the other below this one: 0 without
    /// members that are vaults. `None` if more than `NESTING`, which every
    /// cycle is.
    pub fn depth(&self, principals: &Principals) -> Option<usize> {
        self.depth_within(principals, NESTING)
    }

    fn depth_within(&self, principals: &Principals, most: usize) -> Option<usize> {
        self.vault_members().try_fold(0, |deepest, (id, _)| {
            let rest = most.checked_sub(1)?;
            let below = match principals.newest(id) {
                Some(inner) => inner.depth_within(principals, rest)?,
                None => 0,
            };
            Some(deepest.max(below + 1))
        })
    }
}

const fn earlier(a: u64, b: u64) -> u64 {
    match (a, b) {
        (0, other) | (other, 0) => other,
        (a, b) => {
            if a < b {
                a
            } else {
                b
            }
        }
    }
}
