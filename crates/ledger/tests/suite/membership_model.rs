//! Random membership operations, right and wrong, against a map and a few
//! lines of rules; and whatever comes of it, a chain gives the same.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sv_ledger::apply::Reject;
use sv_ledger::entry::Ops;
use sv_ledger::genesis::VaultKind;
use sv_ledger::membership_op::MembershipOp;
use sv_ledger::state::Role;

use crate::fixture::*;

#[derive(Debug, Clone, Copy)]
enum Try {
    Grant(u8, Role),
    Role(u8, Role),
    Revoke(u8),
    Leave,
    Transfer(u8),
    Bump,
    Put,
}

fn role() -> impl Strategy<Value = Role> {
    (1..=4_u8).prop_map(|tag| Role::from_tag(tag).unwrap())
}

/// Who tries what; people are 1 to 6, and 1 is the first owner.
fn tries() -> impl Strategy<Value = (u8, Try)> {
    let who = || 1..7_u8;
    let what = prop_oneof![
        4 => (who(), role()).prop_map(|(who, role)| Try::Grant(who, role)),
        2 => (who(), role()).prop_map(|(who, role)| Try::Role(who, role)),
        2 => who().prop_map(Try::Revoke),
        1 => Just(Try::Leave),
        1 => who().prop_map(Try::Transfer),
        2 => Just(Try::Bump),
        3 => Just(Try::Put),
    ];
    let author = prop_oneof![1 => Just(1_u8), 1 => who()];
    (author, what)
}

#[derive(Debug, Clone)]
struct Model {
    members: BTreeMap<u8, Role>,
    is_due: bool,
    epoch: u32,
}

impl Model {
    fn next(&self, author: u8, what: Try) -> Result<Self, Reject> {
        let role = *self.members.get(&author).ok_or(Reject::NotAMember)?;
        let mut next = self.clone();
        let least = match what {
            Try::Grant(..) | Try::Role(..) | Try::Revoke(_) => Role::Manager,
            Try::Leave => Role::Viewer,
            Try::Transfer(_) => Role::Owner,
            Try::Bump | Try::Put => Role::Contributor,
        };
        if matches!(what, Try::Put) && self.is_due {
            return Err(Reject::Due);
        }
        if role < least || matches!(what, Try::Revoke(who) if who == author) {
            return Err(Reject::Role);
        }
        let target = |who| match self.members.get(&who) {
            Some(role) if *role != Role::Owner => Ok(()),
            _ => Err(Reject::Operation),
        };
        match what {
            Try::Grant(who, role) => {
                if next.members.insert(who, role).is_some() {
                    return Err(Reject::Operation);
                }
            }
            Try::Role(who, role) => {
                target(who)?;
                next.members.insert(who, role);
            }
            Try::Revoke(who) => {
                target(who)?;
                next.members.remove(&who);
                (next.epoch, next.is_due) = (next.epoch + 1, false);
            }
            Try::Leave => {
                target(author)?;
                next.members.remove(&author);
                next.is_due = true;
            }
            Try::Transfer(who) => {
                target(who)?;
                next.members.insert(author, Role::Manager);
                next.members.insert(who, Role::Owner);
            }
            Try::Bump => (next.epoch, next.is_due) = (next.epoch + 1, false),
            Try::Put => {}
        }
        Ok(next)
    }
}

fn ops(log: &Log, what: Try) -> Ops {
    let membership = log.membership();
    let count = membership.members.len();
    let id = |who| Author::new(who).id;
    Ops::Membership(match what {
        Try::Grant(who, role) => vec![grant(&Author::new(who), role)],
        Try::Role(who, role) => vec![role_op(id(who), role)],
        Try::Revoke(who) => {
            let rest = count - usize::from(membership.members.contains_key(&id(who)));
            vec![MembershipOp::Revoke(id(who)), epoch_op(rest, false)]
        }
        Try::Leave => vec![MembershipOp::Leave],
        Try::Transfer(who) => vec![MembershipOp::Transfer(id(who))],
        Try::Bump => vec![epoch_op(count, false)],
        Try::Put => {
            let rev = log
                .now()
                .leaves
                .get(&node(1))
                .map_or(1, |leaf| leaf.rev + 1);
            return Ops::state(vec![put(1, rev)]);
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn membership_follows_the_rules(steps in proptest::collection::vec(tries(), 1..40)) {
        let mut log = Log::of_kind(VaultKind::Shared, 1);
        let members = BTreeMap::from([(1, Role::Owner)]);
        let mut model = Model { members, is_due: false, epoch: 1 };
        for (author, what) in steps {
            // Node 1 belongs to nobody a contributor could be confused with.
            let is_own = log.now().leaves.get(&node(1)).is_none_or(|l| l.creator == Author::new(author).id);
            if matches!(what, Try::Put) && !is_own && model.members.get(&author) == Some(&Role::Contributor) {
                continue;
            }
            let author_keys = Author::new(author);
            let entry = author_keys.sign(log.now().compose(&author_keys, ops(&log, what)));
            match (log.now().step(&entry), model.next(author, what)) {
                (Ok(_), Ok(next)) => {
                    log.push(entry);
                    model = next;
                    let membership = log.membership();
                    let got: BTreeMap<_, _> = membership.members.iter().map(|(id, m)| (id.as_bytes()[0], m.role)).collect();
                    prop_assert_eq!(&got, &model.members);
                    prop_assert_eq!((membership.is_due, membership.epoch), (model.is_due, model.epoch));
                    prop_assert_eq!(got.values().filter(|r| **r == Role::Owner).count(), 1);
                }
                (got, want) => prop_assert_eq!(got.map(drop), want.map(drop), "{} {:?}", author, what),
            }
        }
        let chain = log.chain();
        prop_assert_eq!(chain.latest(), Ok(log.membership()));
        prop_assert_eq!(chain.confirm(&log.now().state), Ok(()));
        let written = log.now().state.to_bytes();
        let read = sv_ledger::state::VaultState::parse(&written);
        prop_assert_eq!(read.as_ref(), Ok(&log.now().state));
    }
}
