//! Chains that name one another, verified together.

use sv_ledger::apply::Reject;
use sv_ledger::bootstrap::Chains;
use sv_ledger::entry::{Ops, Via};
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::Hash;
use sv_ledger::membership_op::{GrantOp, MembershipOp, PrincipalKeys};
use sv_ledger::principals::Principals;
use sv_ledger::state::{Head, Role};

use crate::fixture::*;

/// A share with a group with a group, each of which has a life of its own,
/// and entries through both.
fn nested() -> [Log; 3] {
    let person = Author::new(50);
    let mut inner = Log::of_kind(VaultKind::Group, 60);
    inner.admit(&person, Role::Manager);
    let mut outer = Log::of_kind(VaultKind::Group, 61);
    outer.admit_vault(&inner, Role::Manager);
    let mut share = Log::of_kind(VaultKind::Shared, 1);
    share.admit_vault(&outer, Role::Manager);
    share.principals.insert(inner.membership().clone());
    let path = vec![via(outer.membership()), via(inner.membership())];
    let ops = Ops::Membership(vec![grant(&Author::new(70), Role::Editor)]);
    let body = share
        .now()
        .compose_as(&person, Some(Role::Manager), path.clone(), ops);
    share.push(person.sign(body));
    let ops = Ops::state(vec![put(1, 1)]);
    let body = share
        .now()
        .compose_as(&person, Some(Role::Manager), path, ops);
    share.push(person.sign(body));
    inner.bump();
    [inner, outer, share]
}

/// Fails without the waiting in `Chains::verify`: the order of the list must
/// not matter.
#[test]
fn chains_are_verified_in_the_order_that_they_need() {
    let logs = nested();
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1]] {
        let shown = order.map(|k| logs[k].shown()).to_vec();
        let chains = Chains::verify(shown, []).unwrap();
        for log in &logs {
            let chain = chains.of(&log.genesis.vault_id()).unwrap();
            assert_eq!(chain.latest(), Ok(log.membership()));
        }
        let newest = chains.principals().newest(&logs[0].genesis.vault_id());
        assert_eq!(newest, Some(logs[0].membership()));
    }
}

#[test]
fn a_checkpoint_through_vaults_is_verified_with_them() {
    let [inner, outer, share] = nested();
    let last = share.entries.last().unwrap();
    let shown = vec![share.shown(), outer.shown(), inner.shown()];
    let chains = Chains::verify(shown, last.named_heads()).unwrap();
    let chain = chains.of(&share.genesis.vault_id()).unwrap();
    let leaves = share.now().leaf_list();
    let state = chain.checkpoint(last, &leaves, chains.principals());
    assert_eq!(state.as_ref(), Ok(&share.now().state));
    let blind = chain.checkpoint(last, &leaves, &Principals::new());
    assert_eq!(blind.map(drop), Err(Reject::Principal));
}

/// Each missing or cut chain, and each other one in its place, is refused.
#[test]
fn what_a_chain_names_has_to_be_shown() {
    let logs = nested();
    for gone in [0, 1] {
        let rest = (0..3).filter(|k| *k != gone).map(|k| logs[k].shown());
        let verdict = Chains::verify(rest.collect(), []);
        assert_eq!(verdict.map(drop), Err(Reject::Principal), "without {gone}");
        let mut shown: Vec<_> = logs.iter().map(Log::shown).collect();
        shown[gone].entries.truncate(1);
        let verdict = Chains::verify(shown, []);
        assert_eq!(verdict.map(drop), Err(Reject::Principal), "cut {gone}");
        let mut shown: Vec<_> = logs.iter().map(Log::shown).collect();
        shown[gone].genesis = Log::of_kind(VaultKind::Group, 99).genesis;
        let verdict = Chains::verify(shown, []);
        assert_eq!(verdict.map(drop), Err(Reject::WrongVault), "other {gone}");
    }
}

/// Fails without the last look in `Chains::verify`: heads that others name are
/// found, or the chains are worth nothing to them.
#[test]
fn heads_that_others_name_have_to_be_there() {
    let logs = nested();
    let shown = || logs.iter().map(Log::shown).collect::<Vec<_>>();
    let newest = via(logs[0].membership());
    assert!(Chains::verify(shown(), [newest]).is_ok());
    let changed: [fn(&mut Via); 3] = [
        |via| via.head.seq += 1,
        |via| via.head.hash = Hash::new([9; 32]),
        |via| via.vault_id = Author::new(9).id,
    ];
    for change in changed {
        let mut named = newest;
        change(&mut named);
        let verdict = Chains::verify(shown(), [newest, named]);
        assert_eq!(verdict.map(drop), Err(Reject::Principal));
    }
}

/// Two groups that were members of each other, one after the other.
#[test]
fn at_different_times_two_may_have_been_members_of_each_other() {
    let mut a = Log::of_kind(VaultKind::Group, 1);
    let mut b = Log::of_kind(VaultKind::Group, 2);
    let (a_id, b_id) = (a.genesis.vault_id(), b.genesis.vault_id());
    a.admit_vault(&b, Role::Viewer);
    a.revoke(b_id);
    b.admit_vault(&a, Role::Viewer);
    b.revoke(a_id);
    a.admit_vault(&b, Role::Viewer);
    let chains = Chains::verify(vec![a.shown(), b.shown()], []).unwrap();
    assert_eq!(chains.of(&a_id).unwrap().latest(), Ok(a.membership()));
    assert_eq!(a.membership().depth(chains.principals()), Some(1));
}

/// Fails without `Membership::check_principal`: a vault's keys are its own.
#[test]
fn a_vault_is_granted_access_with_its_own_keys() {
    let group = Log::of_kind(VaultKind::Group, 60);
    let mut share = Log::of_kind(VaultKind::Shared, 1);
    let drive = Log::drive(7);
    for log in [&group, &drive, &Log::account(8, "zoë")] {
        share.principals.insert(log.membership().clone());
    }
    let verdict = |principal, keys| {
        let op = grant_op(principal, keys, Role::Viewer);
        let entry = share.owner.sign(share.compose(Ops::Membership(vec![op])));
        share.now().step_among(&entry, &share.principals).map(drop)
    };
    let (id, keys) = (group.genesis.vault_id(), group.membership().principal());
    assert_eq!(verdict(id, keys), Ok(()));
    let changed: [fn(&mut PrincipalKeys); 4] = [
        |k| k.kem_hash = Hash::new([9; 32]),
        |k| k.generation += 1,
        |k| {
            k.head = Head {
                seq: 1,
                hash: Hash::new([9; 32]),
            }
        },
        |k| k.head.seq += 1,
    ];
    for change in changed {
        let mut keys = keys;
        change(&mut keys);
        assert_eq!(verdict(id, keys), Err(Reject::Principal));
    }
    // Not another's keys, not one's own vault, not a drive, not an account as a vault.
    let other = Author::new(9).id;
    assert_eq!(verdict(other, keys), Err(Reject::Principal));
    let drive_keys = drive.membership().principal();
    assert_eq!(
        verdict(drive.genesis.vault_id(), drive_keys),
        Err(Reject::Principal)
    );
}

#[test]
fn a_vault_is_no_member_of_itself() {
    let mut share = Log::of_kind(VaultKind::Shared, 1);
    let own = share.membership().clone();
    share.principals.insert(own.clone());
    let op = grant_op(own.vault_id, own.principal(), Role::Viewer);
    let entry = share.owner.sign(share.compose(Ops::Membership(vec![op])));
    let verdict = share.now().step_among(&entry, &share.principals);
    assert_eq!(verdict.map(drop), Err(Reject::Principal));
}

/// A vault's re-key wants a newer key of its own, and no proof.
#[test]
fn a_vault_is_re_keyed_forwards_only() {
    let mut group = Log::of_kind(VaultKind::Group, 60);
    let old = group.membership().clone();
    group.bump();
    let mut share = Log::of_kind(VaultKind::Shared, 1);
    share.admit_vault(&group, Role::Viewer);
    share.principals.insert(old.clone());
    let verdict = |share: &Log, op| {
        let entry = share.owner.sign(share.compose(Ops::Membership(vec![op])));
        share.now().step_among(&entry, &share.principals).map(drop)
    };
    assert_eq!(verdict(&share, rekey_vault(&old)), Err(Reject::Operation));
    let same = rekey_vault(group.membership());
    assert_eq!(verdict(&share, same), Err(Reject::Operation));
    group.bump();
    share.principals.insert(group.membership().clone());
    assert_eq!(verdict(&share, rekey_vault(group.membership())), Ok(()));
    let MembershipOp::Rekey(mut op) = rekey_vault(group.membership()) else {
        unreachable!()
    };
    op.proof = [1; 64];
    assert_eq!(
        verdict(&share, MembershipOp::Rekey(op)),
        Err(Reject::Operation)
    );
}

/// What is not a person never signs, whoever claims its id.
#[test]
fn a_vault_signs_nothing() {
    let mut share = Log::of_kind(VaultKind::Shared, 1);
    let group = Log::of_kind(VaultKind::Group, 60);
    share.admit_vault(&group, Role::Manager);
    let mut as_group = Author::new(90);
    as_group.id = group.genesis.vault_id();
    let entry = as_group.sign(share.now().compose(&as_group, Ops::state(vec![put(1, 1)])));
    assert_eq!(share.now().step(&entry).map(drop), Err(Reject::NotAMember));
    // And a person is no vault that one could act through.
    share.admit(&Author::new(50), Role::Manager);
    let path = vec![sv_ledger::entry::Via {
        vault_id: Author::new(50).id,
        head: group.membership().head,
    }];
    let body = share
        .now()
        .compose_as(&share.owner, None, path, Ops::state(vec![put(1, 1)]));
    let verdict = share.now().step(&share.owner.sign(body));
    assert_eq!(verdict.map(drop), Err(Reject::NotAMember));
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut log = Log::of_kind(VaultKind::Shared, 1);
    let (member, stranger) = (Author::new(50), Author::new(51));
    log.admit(&member, Role::Editor);
    let verdict = |ops: Vec<MembershipOp>| {
        let entry = log.owner.sign(log.compose(Ops::Membership(ops)));
        log.now().step(&entry).map(drop)
    };
    let MembershipOp::Grant(op) = grant(&stranger, Role::Viewer) else {
        unreachable!()
    };
    let granted = |change: fn(&mut GrantOp)| {
        let mut op = op;
        change(&mut op);
        verdict(vec![MembershipOp::Grant(op)])
    };
    assert_eq!(granted(|_| ()), Ok(()));
    assert_eq!(granted(|op| op.role = Role::Owner), Err(Reject::Operation));
    assert_eq!(granted(|op| op.expires_ms = 1), Err(Reject::Operation));
    assert_eq!(granted(|op| op.keys.generation = 0), Err(Reject::Operation));
    assert_eq!(
        granted(|op| op.principal = sv_ledger::id::VaultId::ZERO),
        Err(Reject::Operation)
    );
    let owner = log.owner.id;
    for refused in [
        vec![grant(&member, Role::Viewer)],
        vec![role_op(stranger.id, Role::Viewer)],
        vec![role_op(owner, Role::Manager)],
        vec![role_op(member.id, Role::Owner)],
        vec![MembershipOp::Revoke(stranger.id), epoch_op(2, false)],
        vec![MembershipOp::Revoke(member.id)],
        vec![MembershipOp::Expire(member.id), epoch_op(1, false)],
        vec![MembershipOp::Transfer(owner)],
        vec![MembershipOp::Transfer(stranger.id)],
        vec![grant(&stranger, Role::Viewer), epoch_op(3, false)],
        vec![MembershipOp::Leave, epoch_op(1, false)],
        vec![handle_op("zoë")],
    ] {
        assert_eq!(
            verdict(refused.clone()),
            Err(Reject::Operation),
            "{refused:?}"
        );
    }
    let mut drive = Log::drive(1);
    let op = Ops::Membership(vec![grant(&stranger, Role::Viewer)]);
    let entry = drive.owner.sign(drive.compose(op));
    assert_eq!(drive.now().step(&entry).map(drop), Err(Reject::Operation));
    drive.owner.generation = 1;
    let newer = drive.owner.rotated();
    let ops = vec![
        rekey_person(drive.genesis.vault_id(), &newer),
        epoch_op(1, false),
    ];
    drive.append(Ops::Membership(ops));
    assert_eq!(drive.membership().members[&newer.id].keys.generation, 2);
}

#[test]
fn ownership_passes_on() {
    let mut log = Log::of_kind(VaultKind::Shared, 1);
    let next = Author::new(50);
    let ops = vec![grant_until(&next, Role::Viewer, START_MS + 100)];
    log.append(Ops::Membership(ops));
    log.append(Ops::Membership(vec![MembershipOp::Transfer(next.id)]));
    let members = &log.membership().members;
    assert_eq!(log.membership().owner(), Some(&next.id));
    assert_eq!(
        (members[&next.id].role, members[&next.id].expires_ms),
        (Role::Owner, 0)
    );
    assert_eq!(members[&log.owner.id].role, Role::Manager);
    assert!(!log.membership().is_due);
    log.append(Ops::Membership(vec![MembershipOp::Leave]));
}
