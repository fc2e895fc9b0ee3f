//! Every reason to refuse, each by a change to an honest entry that has no
//! other fault.

use sv_ledger::apply::{Reject, Touched, apply, next_leaves};
use sv_ledger::entry::{Entry, EntryBody, Ops};
use sv_ledger::genesis::{GenesisBody, VaultKind};
use sv_ledger::id::{Hash, VaultId};
use sv_ledger::membership_op::MembershipOp;
use sv_ledger::principals::Principals;
use sv_ledger::state::{Membership, Role};

use crate::fixture::*;

/// The verdict on the owner's next entry after `change`, properly signed.
fn changed(ops: Ops, change: impl FnOnce(&mut EntryBody)) -> Result<(), Reject> {
    let log = honest();
    let mut body = log.compose(ops);
    change(&mut body);
    log.now().step(&log.owner.sign(body)).map(drop)
}

fn one_put() -> Ops {
    Ops::state(vec![put(9, 1)])
}

fn bump() -> Ops {
    Ops::Membership(vec![epoch_op(1, false)])
}

#[test]
fn an_honest_run_is_accepted() {
    let log = honest();
    assert_eq!(log.entries.len(), 6);
    assert_eq!(
        Moment::begin(&log.genesis).unwrap().run(&log.entries),
        Ok(log.now().clone())
    );
    let account = Log::account(1, "zoë");
    assert_eq!(account.now().state.membership.epoch, 1);
    assert_eq!(account.entries[0].handle_op().unwrap().as_str(), "zoë");
    assert_eq!(changed(one_put(), |_| ()), Ok(()));
    assert_eq!(changed(bump(), |_| ()), Ok(()));
}

#[test]
fn wrong_vault() {
    for ops in [one_put(), bump()] {
        let verdict = changed(ops, |b| b.vault_id = VaultId::new([9; 32]));
        assert_eq!(verdict, Err(Reject::WrongVault));
    }
    let log = honest();
    let other = log.owner.sign({
        let mut body = log.compose(bump());
        body.vault_id = VaultId::new([9; 32]);
        body
    });
    let membership = &log.now().state.membership;
    assert_eq!(
        membership.step(&other, &Principals::new()),
        Err(Reject::WrongVault)
    );
}

#[test]
fn not_next() {
    for ops in [one_put(), bump()] {
        for change in [-2_i64, -1, 1, i64::MIN] {
            let verdict = changed(ops.clone(), |b| b.seq = b.seq.wrapping_add_signed(change));
            assert_eq!(verdict, Err(Reject::NotNext));
        }
        let verdict = changed(ops, |b| b.prev_hash = Hash::new([9; 32]));
        assert_eq!(verdict, Err(Reject::NotNext));
    }
}

#[test]
fn nothing_follows_the_last_number() {
    let mut log = honest();
    let mut body = log.compose(one_put());
    let last = log.moments.last_mut().unwrap();
    last.state.head.seq = u64::MAX;
    body.seq = 0;
    let verdict = log.now().step(&log.owner.sign(body));
    assert_eq!(verdict.map(drop), Err(Reject::NotNext));
}

#[test]
fn membership() {
    for ops in [one_put(), bump()] {
        let verdict = changed(ops.clone(), |b| b.member_seq += 1);
        assert_eq!(verdict, Err(Reject::Membership));
        let verdict = changed(ops, |b| b.member_hash = b.prev_hash);
        assert_eq!(verdict, Err(Reject::Membership));
    }
}

#[test]
fn not_a_member() {
    let (log, stranger) = (honest(), Author::new(66));
    for ops in [one_put(), bump()] {
        let entry = stranger.sign(log.now().compose(&stranger, ops));
        assert_eq!(log.now().step(&entry).map(drop), Err(Reject::NotAMember));
    }
}

#[test]
fn generation() {
    for ops in [one_put(), bump()] {
        for generation in [0, 2, u32::MAX] {
            let verdict = changed(ops.clone(), |b| b.author_generation = generation);
            assert_eq!(verdict, Err(Reject::Generation));
        }
    }
}

#[test]
fn signature() {
    let (log, stranger) = (honest(), Author::new(66));
    for ops in [one_put(), bump()] {
        let forged = stranger.sign(log.compose(ops.clone()));
        assert_eq!(log.now().step(&forged).map(drop), Err(Reject::Signature));
        let unsigned = log.compose(ops).with_signature([0; 64]);
        assert_eq!(log.now().step(&unsigned).map(drop), Err(Reject::Signature));
    }
    let body = genesis_body(VaultKind::Drive, &log.owner);
    let forged = stranger.sign_genesis(body);
    assert_eq!(Membership::begin(&forged), Err(Reject::Signature));
}

/// Without strict verification every one of these would pass for a key of
/// small order, whose "signatures" nobody needs a secret to make.
#[test]
fn a_key_of_small_order_signs_nothing() {
    let log = honest();
    let mut body = genesis_body(VaultKind::Drive, &log.owner);
    let mut identity = [0; 32];
    identity[0] = 1;
    body.sign_pk = sv_ledger::id::SignPublicKey::new(identity);
    let mut signature = [0; 64];
    signature[0] = 1;
    let genesis = body.with_signature(signature);
    assert_eq!(Membership::begin(&genesis), Err(Reject::Signature));
}

#[test]
fn creator() {
    let owner = Author::new(1);
    let verdict = |kind, change: fn(&mut GenesisBody)| {
        let mut body = genesis_body(kind, &owner);
        change(&mut body);
        Membership::begin(&owner.sign_genesis(body)).map(drop)
    };
    assert_eq!(verdict(VaultKind::Account, |_| ()), Ok(()));
    assert_eq!(verdict(VaultKind::Drive, |_| ()), Ok(()));
    assert_eq!(
        verdict(VaultKind::Drive, |b| b.creator_generation = 7),
        Ok(())
    );
    for refused in [
        verdict(VaultKind::Account, |b| b.creator = VaultId::new([1; 32])),
        verdict(VaultKind::Account, |b| b.creator_generation = 0),
        verdict(VaultKind::Account, |b| b.creator_generation = 2),
        verdict(VaultKind::Drive, |b| b.creator = VaultId::ZERO),
        verdict(VaultKind::Drive, |b| b.creator_generation = 0),
    ] {
        assert_eq!(refused, Err(Reject::Creator));
    }
}

/// A vault with a member of every role. Grants come with the sharing release,
/// so the members are put into the state by hand.
fn shared() -> (Log, [(Author, Role); 5]) {
    let mut log = honest();
    let members = [
        (Author::new(21), Role::Viewer),
        (Author::new(22), Role::Contributor),
        (Author::new(23), Role::Editor),
        (Author::new(24), Role::Manager),
        (log.owner.clone(), Role::Owner),
    ];
    let now = log.moments.last_mut().unwrap();
    for (author, role) in &members {
        let members = &mut now.state.membership.members;
        members.insert(author.id, author.member(*role));
    }
    (log, members)
}

#[test]
fn role() {
    let (log, members) = shared();
    let own = members.clone().map(|(author, _)| {
        let entry = author.sign(log.now().compose(&author, one_put()));
        log.now().step(&entry)
    });
    for ((author, role), own) in members.iter().zip(own) {
        let verdict = |moment: &Moment, ops| {
            let entry = author.sign(moment.compose(author, ops));
            moment.step(&entry).map(drop)
        };
        let (expected_own, expected_other) = match role {
            Role::Viewer => (Err(Reject::Role), Err(Reject::Role)),
            Role::Contributor => (Ok(()), Err(Reject::Role)),
            Role::Editor | Role::Manager | Role::Owner => (Ok(()), Ok(())),
        };
        let epoch = Ops::Membership(vec![epoch_op(5, false)]);
        assert_eq!(verdict(log.now(), one_put()), expected_own, "{role:?}");
        assert_eq!(verdict(log.now(), epoch), expected_own, "{role:?}");
        for others in [vec![put(1, 4)], vec![delete(1)], vec![put(1, 4), put(9, 1)]] {
            let verdict = verdict(log.now(), Ops::state(others));
            assert_eq!(verdict, expected_other, "{role:?}");
        }
        if let Ok(own) = own {
            assert_eq!(own.leaves[&node(9)].creator, author.id);
            assert_eq!(own.leaves[&node(9)].creator_role, *role);
            for again in [put(9, 2), delete(9)] {
                assert_eq!(verdict(&own, Ops::state(vec![again])), Ok(()), "{role:?}");
            }
        }
    }
}

#[test]
fn a_later_put_keeps_the_creator() {
    let (log, members) = shared();
    let [_, (contributor, _), (editor, _), ..] = &members;
    let made = contributor.sign(log.now().compose(contributor, one_put()));
    let made = log.now().step(&made).unwrap();
    let edited = editor.sign(made.compose(editor, Ops::state(vec![put(9, 2)])));
    let edited = made.step(&edited).unwrap();
    let leaf = edited.leaves[&node(9)];
    assert_eq!((leaf.rev, leaf.creator), (2, contributor.id));
    assert_eq!(leaf.creator_role, Role::Contributor);
}

#[test]
fn epoch() {
    for change in [-1_i32, 1, i32::MIN] {
        for ops in [one_put(), bump()] {
            let verdict = changed(ops, |b| b.epoch = b.epoch.wrapping_add_signed(change));
            assert_eq!(verdict, Err(Reject::Epoch));
        }
    }
    let owner = Author::new(1);
    let genesis = owner.sign_genesis(genesis_body(VaultKind::Drive, &owner));
    let log = Log::begin(owner, genesis);
    let keyless = log.owner.sign(log.compose(one_put()));
    assert_eq!(keyless.body().epoch, 0);
    assert_eq!(log.now().step(&keyless).map(drop), Err(Reject::Epoch));

    let mut last = honest();
    let state = &mut last.moments.last_mut().unwrap().state;
    state.membership.epoch = u32::MAX;
    let mut body = last.now().clone().compose(&last.owner, one_put());
    body.ops = bump();
    let verdict = last.now().step(&last.owner.sign(body));
    assert_eq!(verdict.map(drop), Err(Reject::Epoch));
}

#[test]
fn operation_of_a_drive() {
    let refused = |ops| assert_eq!(changed(ops, |_| ()), Err(Reject::Operation));
    refused(Ops::state(vec![delete(2)]));
    refused(Ops::state(vec![delete(77)]));
    for envelopes in [0, 2, 4096] {
        refused(Ops::Membership(vec![epoch_op(envelopes, false)]));
    }
    refused(Ops::Membership(vec![epoch_op(1, true)]));
    refused(Ops::Membership(vec![handle_op("zoë")]));
    refused(Ops::Membership(vec![epoch_op(1, false), handle_op("zoë")]));
    refused(Ops::Membership(vec![
        epoch_op(1, false),
        epoch_op(1, false),
    ]));
    refused(Ops::Membership(Vec::new()));

    let owner = Author::new(1);
    let genesis = owner.sign_genesis(genesis_body(VaultKind::Drive, &owner));
    let log = Log::begin(owner, genesis);
    for first in [
        vec![epoch_op(1, false)],
        vec![epoch_op(1, true), handle_op("zoë")],
    ] {
        let entry = log.owner.sign(log.compose(Ops::Membership(first)));
        assert_eq!(log.now().step(&entry).map(drop), Err(Reject::Operation));
    }
}

#[test]
fn operation_of_an_account() {
    let verdict = |log: &Log, ops: Vec<MembershipOp>| {
        let entry = log.owner.sign(log.compose(Ops::Membership(ops)));
        log.now().step(&entry).map(drop)
    };
    let account = Log::account(1, "zoë");
    let mut new = account.clone();
    new.moments.truncate(1);
    new.entries.clear();
    assert_eq!(
        verdict(
            &new,
            vec![account_epoch(&account.owner, true), handle_op("zoë")]
        ),
        Ok(())
    );
    for ops in [
        vec![account_epoch(&account.owner, true)],
        vec![handle_op("zoë")],
        vec![handle_op("zoë"), account_epoch(&account.owner, true)],
        vec![epoch_op(1, true), handle_op("zoë")],
        vec![account_epoch(&account.owner, false), handle_op("zoë")],
        vec![
            account_epoch(&account.owner, true),
            handle_op("zoë"),
            handle_op("zoë"),
        ],
    ] {
        assert_eq!(verdict(&new, ops), Err(Reject::Operation));
    }
    for ops in [
        vec![account_epoch(&account.owner, false)],
        vec![handle_op("zoe")],
        vec![account_epoch(&account.owner, false), handle_op("zoë")],
    ] {
        assert_eq!(verdict(&account, ops), Err(Reject::Operation));
    }
}

/// Without the check of the form in `next_leaves`, an author could sign
/// operations that no parser takes.
#[test]
fn operations_in_another_form_are_not_composed() {
    let log = honest();
    let verdict =
        |ops: &[_]| next_leaves(ops, &Touched::new(), log.owner.id, Role::Owner).map(drop);
    assert_eq!(verdict(&[put(5, 1), put(6, 1)]), Ok(()));
    assert_eq!(verdict(&[]), Err(Reject::Operation));
    assert_eq!(verdict(&[put(6, 1), put(5, 1)]), Err(Reject::Operation));
    assert_eq!(verdict(&[put(5, 1), put(5, 1)]), Err(Reject::Operation));
    assert_eq!(verdict(&[put(0, 1)]), Err(Reject::Operation));
    let many: Vec<_> = (0..501).map(|_| put(5, 1)).collect();
    assert_eq!(verdict(&many), Err(Reject::Operation));
}

#[test]
fn revision() {
    for (n, rev) in [
        (1, 0),
        (1, 1),
        (1, 3),
        (1, 5),
        (1, u64::MAX),
        (9, 0),
        (9, 2),
    ] {
        let verdict = changed(Ops::state(vec![put(n, rev)]), |_| ());
        assert_eq!(verdict, Err(Reject::Revision), "node {n} rev {rev}");
    }
    let mut log = honest();
    let leaves = &mut log.moments.last_mut().unwrap().leaves;
    leaves.get_mut(&node(1)).unwrap().rev = u64::MAX;
    let body = log.compose(Ops::state(vec![put(1, 0)]));
    let verdict = log.now().step(&log.owner.sign(body));
    assert_eq!(verdict.map(drop), Err(Reject::Revision));
}

#[test]
fn digest() {
    for ops in [one_put(), bump()] {
        let verdict = changed(ops, |b| b.state_digest = Hash::new([9; 32]));
        assert_eq!(verdict, Err(Reject::Digest));
    }
    // A list of touched leaves that hides one, or tells of another.
    let log = honest();
    let hidden = log.owner.sign({
        let mut body = log.compose(Ops::state(vec![put(1, 4)]));
        body.ops = Ops::state(vec![put(1, 1)]);
        body
    });
    let verdict = apply(
        &log.now().state,
        &Touched::new(),
        &Principals::new(),
        &hidden,
    );
    assert_eq!(verdict.map(drop), Err(Reject::Digest));
}

#[test]
fn leaf_order() {
    let log = honest();
    let mut leaves = log.now().leaf_list();
    leaves.reverse();
    let verdict = log.bootstrap(&log.chain(), 6, &leaves, &[]);
    assert_eq!(verdict, Err(Reject::LeafOrder));
}

/// `apply` changes nothing when it refuses, and the log goes on.
#[test]
fn after_a_refusal_the_honest_entry_still_follows() {
    let log = honest();
    let before = log.now().clone();
    let body = log.compose(one_put());
    let bad = log.owner.sign(EntryBody {
        state_digest: Hash::new([0; 32]),
        ..body.clone()
    });
    assert!(log.now().step(&bad).is_err());
    assert_eq!(*log.now(), before);
    let good: Entry = log.owner.sign(body);
    assert!(log.now().step(&good).is_ok());
}
