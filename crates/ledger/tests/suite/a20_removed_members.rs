//! A20: nothing is written under a key that somebody who was removed holds,
//! nor by them, also where they had access through a group.

use sv_ledger::apply::Reject;
use sv_ledger::entry::Ops;
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::VaultId;
use sv_ledger::membership_op::MembershipOp;
use sv_ledger::principals::Principals;
use sv_ledger::state::Role;

use crate::fixture::*;

fn one_put() -> Ops {
    Ops::state(vec![put(9, 1)])
}

fn through(log: &Log, group: &Log, author: &Author, all: &Principals) -> Result<(), Reject> {
    let path = vec![via(group.membership())];
    let body = log
        .now()
        .compose_as(author, Some(Role::Editor), path, one_put());
    log.now().step_among(&author.sign(body), all).map(drop)
}

#[test]
fn a20_the_old_epoch_is_over() {
    let mut log = Log::of_kind(VaultKind::Shared, 1);
    let (left, stays) = (Author::new(50), Author::new(51));
    log.admit(&left, Role::Editor);
    log.admit(&stays, Role::Editor);
    log.revoke(left.id);
    let mut body = log.now().compose(&stays, one_put());
    assert!(log.now().step(&stays.sign(body.clone())).is_ok());
    body.epoch -= 1;
    let stale = log.now().step(&stays.sign(body));
    assert_eq!(stale.map(drop), Err(Reject::Epoch));
    let gone = left.sign(log.now().compose(&left, one_put()));
    assert_eq!(log.now().step(&gone).map(drop), Err(Reject::NotAMember));
}

/// Fails without the check of `is_due` in `apply`.
#[test]
fn a20_after_a_leave_the_key_comes_first() {
    let mut log = Log::of_kind(VaultKind::Shared, 1);
    let person = Author::new(50);
    log.admit(&person, Role::Viewer);
    log.append_by(&person, vec![MembershipOp::Leave]);
    let early = log.owner.sign(log.compose(one_put()));
    assert_eq!(log.now().step(&early).map(drop), Err(Reject::Due));
    // Membership does not wait.
    log.admit(&Author::new(51), Role::Contributor);
    assert!(log.membership().is_due);
    let bump = vec![epoch_op(2, false)];
    log.append_by(&Author::new(51), bump);
    log.append(one_put());
}

/// A vault with a group, of which somebody is removed.
struct Removal {
    log: Log,
    group: Log,
    before: Log,
    left: Author,
    stays: Author,
}

fn removal() -> Removal {
    let (left, stays) = (Author::new(50), Author::new(51));
    let mut group = Log::of_kind(VaultKind::Group, 60);
    group.admit(&left, Role::Editor);
    group.admit(&stays, Role::Editor);
    let mut log = Log::of_kind(VaultKind::Shared, 1);
    log.admit_vault(&group, Role::Editor);
    let before = group.clone();
    group.revoke(left.id);
    log.principals.insert(group.membership().clone());
    Removal {
        log,
        group,
        before,
        left,
        stays,
    }
}

/// Fails without `is_current` in `apply`, and without the comparison of heads
/// in `Membership::authority`.
#[test]
fn a20_removed_from_a_group_is_removed_everywhere() {
    let Removal {
        mut log,
        group,
        before,
        left,
        stays,
    } = removal();
    let all = log.principals.clone();
    assert_eq!(through(&log, &group, &left, &all), Err(Reject::NotAMember));
    // Nobody writes through the group before the vault has a new key …
    assert_eq!(through(&log, &group, &stays, &all), Err(Reject::Due));
    assert!(log.membership().needs_key(&all));
    let members = log.membership().members.len();
    let ops = vec![rekey_vault(group.membership()), epoch_op(members, false)];
    log.append(Ops::Membership(ops));
    assert!(!log.membership().needs_key(&all));
    assert_eq!(through(&log, &group, &stays, &all), Ok(()));
    // … and from then on nobody names the group as it was.
    assert_eq!(through(&log, &before, &left, &all), Err(Reject::Principal));
    assert_eq!(through(&log, &before, &stays, &all), Err(Reject::Principal));
}

/// What `apply` alone cannot know: that there is a newer head than the one an
/// entry names. The honest server refuses it, and who knows the newer head
/// sees a fork.
#[test]
fn a20_until_then_only_a_server_that_withholds_the_removal_lets_them_write() {
    let Removal {
        log, before, left, ..
    } = removal();
    let all = &log.principals;
    assert_eq!(through(&log, &before, &left, all), Ok(()));
    assert!(log.membership().needs_key(all));
}

/// Fails without the check of `is_due` of the vaults on the way.
#[test]
fn a20_a_group_that_somebody_left_is_re_keyed_first() {
    let mut group = Log::of_kind(VaultKind::Group, 60);
    let (left, stays) = (Author::new(50), Author::new(51));
    group.admit(&left, Role::Viewer);
    group.admit(&stays, Role::Editor);
    let mut log = Log::of_kind(VaultKind::Shared, 1);
    log.admit_vault(&group, Role::Editor);
    group.append_by(&left, vec![MembershipOp::Leave]);
    let mut all = log.principals.clone();
    all.insert(group.membership().clone());
    assert_eq!(through(&log, &group, &stays, &all), Err(Reject::Due));
    assert!(log.membership().needs_key(&all));
    // Somebody outside the group leaves it out until it has its own new key.
    let MembershipOp::Epoch(mut op) = epoch_op(2, false) else {
        unreachable!()
    };
    let order = log.membership().members.keys();
    let group_id: VaultId = group.genesis.vault_id();
    let place = order.into_iter().position(|id| *id == group_id).unwrap();
    op.envelopes[place] = sv_ledger::id::Hash::ZERO;
    log.append(Ops::Membership(vec![MembershipOp::Epoch(op)]));
    assert!(!log.membership().needs_key(&all));
    assert_eq!(log.chain_among(&all).envelope(&group_id), None);
    log.append(one_put());
    group.bump();
    all.insert(group.membership().clone());
    assert!(
        log.membership().needs_key(&all),
        "its own key makes ours due"
    );
}
