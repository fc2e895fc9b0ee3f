//! A12: old keys do not come back, and nobody else's come in their place.

use sv_ledger::apply::Reject;
use sv_ledger::entry::Ops;
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::{Hash, SignPublicKey};
use sv_ledger::membership_op::{MembershipOp, RekeyOp};
use sv_ledger::state::Role;

use crate::fixture::*;

fn shared() -> (Log, Author) {
    let mut log = Log::of_kind(VaultKind::Shared, 1);
    let person = Author::new(50);
    log.admit(&person, Role::Contributor);
    (log, person)
}

fn verdict(log: &Log, author: &Author, ops: Vec<MembershipOp>) -> Result<(), Reject> {
    let entry = author.sign(log.now().compose(author, Ops::Membership(ops)));
    log.now().step(&entry).map(drop)
}

/// Fails without the proof in `Membership::rekey`: who holds the old keys
/// could put in keys of their own choice without holding those.
#[test]
fn a12_new_keys_are_proved_by_themselves() {
    let (log, person) = shared();
    let id = log.genesis.vault_id();
    assert_eq!(
        verdict(&log, &person, vec![rekey_person(id, &person.rotated())]),
        Ok(())
    );
    let MembershipOp::Rekey(honest) = rekey_person(id, &person.rotated()) else {
        unreachable!()
    };
    let with = |change: &dyn Fn(&mut RekeyOp)| {
        let mut op = honest;
        change(&mut op);
        verdict(&log, &person, vec![MembershipOp::Rekey(op)])
    };
    assert_eq!(with(&|op| op.proof = [0; 64]), Err(Reject::Operation));
    assert_eq!(
        with(&|op| op.keys.kem_hash = Hash::new([9; 32])),
        Err(Reject::Operation)
    );
    assert_eq!(
        with(&|op| op.keys.sign_pk = Author::new(9).sign_pk()),
        Err(Reject::Operation)
    );
    assert_eq!(with(&|op| op.keys.generation = 3), Err(Reject::Operation));
    // A proof for another vault, and for a person who would become a vault.
    let other = rekey_person(Log::drive(3).genesis.vault_id(), &person.rotated());
    assert_eq!(verdict(&log, &person, vec![other]), Err(Reject::Operation));
    let as_vault = with(&|op| op.keys.sign_pk = SignPublicKey::ZERO);
    assert_eq!(as_vault, Err(Reject::Principal));
}

/// Fails without the comparison of generations in `Membership::rekey`.
#[test]
fn a12_generations_only_rise() {
    let (mut log, person) = shared();
    let id = log.genesis.vault_id();
    let newer = person.rotated();
    let members = log.membership().members.len();
    let ops = vec![rekey_person(id, &newer), epoch_op(members, false)];
    log.append_by(&person, ops);
    let keys = log.membership().members[&person.id].keys;
    assert_eq!((keys.generation, keys.sign_pk), (2, newer.sign_pk()));
    // The old keys sign nothing now, and cannot be brought back by the new.
    let old = verdict(&log, &person, vec![MembershipOp::Leave]);
    assert_eq!(old, Err(Reject::Generation));
    let back = verdict(&log, &newer, vec![rekey_person(id, &person)]);
    assert_eq!(back, Err(Reject::Operation));
    let mut same = person.rotated();
    same.generation = newer.generation;
    assert_eq!(
        verdict(&log, &newer, vec![rekey_person(id, &same)]),
        Err(Reject::Operation)
    );
}

/// An account's epoch and generation stay one number.
#[test]
fn a12_an_account_rotates_by_one_with_both_signatures() {
    let account = Log::account(2, "zoë");
    let owner = &account.owner;
    let id = account.genesis.vault_id();
    let newer = owner.rotated();
    let good = vec![rekey_person(id, &newer), account_epoch(&newer, false)];
    assert_eq!(verdict(&account, owner, good.clone()), Ok(()));
    assert_eq!(
        verdict(&account, &newer, good.clone()),
        Err(Reject::Generation)
    );
    assert_eq!(
        verdict(&account, owner, vec![good[0].clone()]),
        Err(Reject::Operation)
    );
    assert_eq!(
        verdict(&account, owner, vec![good[1].clone()]),
        Err(Reject::Operation)
    );
    // What others would seal to is in the account's own log.
    let other = vec![good[0].clone(), account_epoch(owner, false)];
    assert_eq!(verdict(&account, owner, other), Err(Reject::Operation));
    let mut far = newer.clone();
    far.generation += 1;
    let far = vec![rekey_person(id, &far), account_epoch(&newer, false)];
    assert_eq!(verdict(&account, owner, far), Err(Reject::Operation));
}
