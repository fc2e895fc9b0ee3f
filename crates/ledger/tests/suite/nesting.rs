//! Vaults in vaults: who reaches what, how deep, and when a key is due.

use sv_ledger::genesis::VaultKind;
use sv_ledger::limits::NESTING;
use sv_ledger::principals::Principals;
use sv_ledger::state::{Membership, Role};

use crate::fixture::*;

/// `count` vaults, each a member of the next; the first has a person.
fn tower(count: usize, person: &Author) -> Vec<Log> {
    let mut first = Log::of_kind(VaultKind::Group, 100);
    first.admit(person, Role::Editor);
    let mut tower = vec![first];
    for seed in 101..100 + count as u8 {
        let mut next = Log::of_kind(VaultKind::Shared, seed);
        next.admit_vault(tower.last().unwrap(), Role::Editor);
        tower.push(next);
    }
    tower
}

fn all(logs: &[Log]) -> Principals {
    logs.iter().map(|log| log.membership().clone()).collect()
}

#[test]
fn access_reaches_through_four_vaults_and_no_more() {
    let person = Author::new(50);
    let tower = tower(NESTING + 2, &person);
    let all = all(&tower);
    for (below, log) in tower.iter().enumerate() {
        let paths = log.membership().paths(&person.id, &all);
        assert_eq!(paths.len(), usize::from(below <= NESTING), "{below}");
        let depth = log.membership().depth(&all);
        assert_eq!(depth, (below <= NESTING).then_some(below));
    }
}

#[test]
fn a_cycle_ends_and_has_no_depth() {
    let person = Author::new(50);
    let mut logs = tower(2, &person);
    // What no honest server admits: the outer as a member of the inner.
    let outer = logs[1].clone();
    logs[0].admit_vault(&outer, Role::Editor);
    let all = all(&logs);
    assert_eq!(logs[0].membership().depth(&all), None);
    assert_eq!(logs[1].membership().depth(&all), None);
    assert_eq!(logs[1].membership().paths(&person.id, &all).len(), 1);
    assert!(logs[1].membership().needs_key(&all));
}

#[test]
fn the_strongest_path_that_has_not_ended_counts() {
    let person = Author::new(50);
    let mut weak = Log::of_kind(VaultKind::Group, 60);
    weak.admit(&person, Role::Viewer);
    let mut strong = Log::of_kind(VaultKind::Group, 61);
    strong.append(sv_ledger::entry::Ops::Membership(vec![grant_until(
        &person,
        Role::Manager,
        START_MS + 100,
    )]));
    let mut share = Log::of_kind(VaultKind::Shared, 1);
    share.admit_vault(&weak, Role::Manager);
    share.admit_vault(&strong, Role::Editor);
    let all = all(&[weak, strong]);
    let best = |membership: &Membership, now_ms| {
        let best = membership.best_path(&person.id, &all, now_ms);
        best.map(|path| (path.role, path.expires_ms, path.via.len()))
    };
    let early = best(share.membership(), START_MS + 99);
    assert_eq!(early, Some((Role::Editor, START_MS + 100, 1)));
    let late = best(share.membership(), START_MS + 100);
    assert_eq!(late, Some((Role::Viewer, 0, 1)));
    // One's own membership goes before an equal one through a vault.
    share.admit(&person, Role::Editor);
    let own = best(share.membership(), START_MS);
    assert_eq!(own, Some((Role::Editor, 0, 0)));
}

/// A change three vaults below makes every key above it due.
#[test]
fn a_removal_far_below_makes_every_key_due() {
    let person = Author::new(50);
    let mut logs = tower(4, &person);
    assert!(
        logs.iter()
            .all(|log| !log.membership().needs_key(&all(&logs)))
    );
    logs[0].revoke(person.id);
    let known = all(&logs);
    let due: Vec<_> = logs
        .iter()
        .map(|log| log.membership().needs_key(&known))
        .collect();
    assert_eq!(due, [false, true, true, true]);
    // From the inside out each brings what is inside up to date.
    for k in 1..4 {
        let inner = logs[k - 1].membership().clone();
        logs[k].principals.insert(inner.clone());
        let ops = vec![rekey_vault(&inner), epoch_op(2, false)];
        logs[k].append(sv_ledger::entry::Ops::Membership(ops));
    }
    let known = all(&logs);
    assert!(logs.iter().all(|log| !log.membership().needs_key(&known)));
    // A vault that is not known may have changed.
    assert!(logs[1].membership().needs_key(&Principals::new()));
}
