//! Through which vaults people have access: a group they are a member of, a
//! group that group is a member of, and so on. Through each, a role no higher
//! than the lowest on the way.

use std::collections::{BTreeMap, BTreeSet};

use sv_ledger::id::VaultId;
use sv_ledger::limits::NESTING;
use sv_ledger::state::Role;

use crate::db::{self, Query};
use crate::store::members;

/// What some people act as, and with which role at most: themselves, and
/// vaults through which they have access.
#[derive(Debug, Default)]
pub(in crate::service) struct Reach(BTreeMap<VaultId, BTreeMap<VaultId, Role>>);

impl Reach {
    /// Of each of some people.
    pub(in crate::service) async fn of(
        q: &mut impl Query,
        people: &[VaultId],
        now_ms: u64,
    ) -> db::Result<Self> {
        let own = people
            .iter()
            .map(|uid| (*uid, BTreeMap::from([(*uid, Role::Owner)])));
        let mut reach = Self(own.collect());
        let mut level: BTreeSet<VaultId> = people.iter().copied().collect();
        for _ in 0..NESTING {
            let rows = members::groups_of(q, level.iter().copied(), now_ms).await?;
            level.clear();
            for (principal, vault_id, role) in rows {
                if reach.enter(principal, vault_id, role) {
                    level.insert(vault_id);
                }
            }
            if level.is_empty() {
                break;
            }
        }
        Ok(reach)
    }

    /// Whoever acts as `principal` acts as `vault_id` too; whether that says
    /// anything new.
    fn enter(&mut self, principal: VaultId, vault_id: VaultId, role: Role) -> bool {
        let through = self.0.get(&principal).cloned().unwrap_or_default();
        let into = self.0.entry(vault_id).or_default();
        let mut is_new = false;
        for (uid, most) in through {
            let role = role.min(most);
            if into.get(&uid).is_none_or(|known| *known < role) {
                into.insert(uid, role);
                is_new = true;
            }
        }
        is_new
    }

    /// Everything that somebody acts as.
    pub(in crate::service) fn principals(&self) -> impl Iterator<Item = VaultId> {
        self.0.keys().copied()
    }

    /// Who acts as a principal, with which role at most.
    pub(in crate::service) fn people(
        &self,
        principal: VaultId,
    ) -> impl Iterator<Item = (VaultId, Role)> {
        let people = self.0.get(&principal).into_iter().flatten();
        people.map(|(uid, role)| (*uid, *role))
    }

    /// The highest role that a member's role gives to anybody here.
    pub(in crate::service) fn role(&self, members: &BTreeMap<VaultId, Role>) -> Option<Role> {
        let of_member = |(principal, role): (&VaultId, &Role)| {
            let most = self.people(*principal).map(|(_, most)| most).max()?;
            Some(most.min(*role))
        };
        members.iter().filter_map(of_member).max()
    }
}
