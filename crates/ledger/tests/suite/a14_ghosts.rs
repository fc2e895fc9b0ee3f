//! A14: nobody is a member but by an entry of a manager's.

use sv_ledger::apply::Reject;
use sv_ledger::entry::Ops;
use sv_ledger::genesis::VaultKind;
use sv_ledger::state::Role;

use crate::fixture::*;

/// Fails without the roles in `Membership::check_role`, and without the
/// signature in `Membership::authority`.
#[test]
fn a14_a_grant_is_by_a_manager_as_the_log_has_it() {
    let mut log = Log::of_kind(VaultKind::Shared, 1);
    let people = [Role::Viewer, Role::Contributor, Role::Editor, Role::Manager];
    let people = people.map(|role| (Author::new(50 + role.tag()), role));
    for (person, role) in &people {
        log.admit(person, *role);
    }
    let ghost = || Ops::Membership(vec![grant(&Author::new(90), Role::Viewer)]);
    let by = |log: &Log, author: &Author| {
        let entry = author.sign(log.now().compose(author, ghost()));
        log.now().step(&entry).map(drop)
    };
    let manager = &people[3].0;
    assert_eq!(by(&log, manager), Ok(()));
    for (person, _) in &people[..3] {
        assert_eq!(by(&log, person), Err(Reject::Role));
    }
    assert_eq!(by(&log, &Author::new(91)), Err(Reject::NotAMember));
    let unsigned = log.now().compose(manager, ghost()).with_signature([0; 64]);
    let unsigned = log.now().step(&unsigned);
    assert_eq!(unsigned.map(drop), Err(Reject::Signature));
    let forged = Author::new(91).sign(log.now().compose(manager, ghost()));
    assert_eq!(log.now().step(&forged).map(drop), Err(Reject::Signature));
    log.revoke(manager.id);
    assert_eq!(by(&log, manager), Err(Reject::NotAMember));
    // Nor by an entry that was good before the revocation.
    let late = manager.sign(log.moments[5].compose(manager, ghost()));
    assert_eq!(log.now().step(&late).map(drop), Err(Reject::NotNext));
}

/// Members that stand in a state, but in no entry, are none for whoever
/// verifies the chain: it gives another membership.
#[test]
fn a14_a_planted_member_is_not_in_the_chain() {
    let mut log = Log::of_kind(VaultKind::Shared, 1);
    log.admit(&Author::new(50), Role::Viewer);
    let chain = log.chain();
    assert_eq!(chain.confirm(&log.now().state), Ok(()));
    let ghost = Author::new(90);
    let mut planted = log.now().clone();
    let members = &mut planted.state.membership.members;
    members.insert(ghost.id, ghost.member(Role::Viewer));
    assert_eq!(chain.confirm(&planted.state), Err(Reject::Membership));
    assert_eq!(chain.envelope(&ghost.id), None);
}
