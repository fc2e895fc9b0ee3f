//! A new device comes to the same state as one that saw everything, and to
//! none other.

use proptest::prelude::*;
use sv_ledger::apply::Reject;
use sv_ledger::bootstrap::MembershipChain;
use sv_ledger::entry::{Entry, EntryBody, Ops};
use sv_ledger::id::{Hash, VaultId};
use sv_ledger::principals::Principals;

use crate::fixture::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn from_any_checkpoint_the_state_is_that_of_full_replay(steps in schedule(0..10)) {
        let log = Log::scheduled(&steps);
        let chain = log.chain();
        prop_assert_eq!(chain.latest(), Ok(&log.now().state.membership));
        for at in 1..=log.entries.len() {
            let leaves = log.moments[at].leaf_list();
            let done = log.bootstrap(&chain, at, &leaves, &log.entries[at..]);
            prop_assert_eq!(done.as_ref(), Ok(log.now()));
        }
    }

    /// Fails without the comparison of (`member_seq`, `member_hash`) in
    /// `Membership::authority` and without `MembershipChain::confirm`.
    #[test]
    fn a_membership_entry_left_out_is_noticed(steps in schedule(0..10)) {
        let log = Log::scheduled(&steps);
        let honest = log.membership_entries();
        for gone in 0..honest.len() {
            let mut fewer = honest.clone();
            fewer.remove(gone);
            for at in 1..=log.entries.len() {
                let rest = &log.entries[at..];
                let leaves = log.moments[at].leaf_list();
                let verdict = log
                    .chain_of(&fewer)
                    .and_then(|chain| log.bootstrap(&chain, at, &leaves, rest));
                prop_assert!(verdict.is_err(), "without {gone} from {at}");
            }
        }
    }

    /// The same, with an entry that its owner did sign, on a fork.
    #[test]
    fn a_membership_entry_too_many_is_noticed(
        steps in schedule(0..8),
        place in any::<prop::sample::Index>(),
    ) {
        let log = Log::scheduled(&steps);
        let k = place.index(log.entries.len()) + 1;
        let bump = Ops::Membership(vec![epoch_op(1, false)]);
        let mut extra = log.moments[k].compose(&log.owner, bump);
        extra.timestamp_ms += 1;
        let extra = log.owner.sign(extra);
        let below = log.membership_entries().into_iter().filter(|e| e.body().seq <= k as u64);
        let chain = log.chain_of(&below.chain([extra]).collect::<Vec<_>>()).unwrap();
        for at in 1..=log.entries.len() {
            let leaves = log.moments[at].leaf_list();
            let verdict = log.bootstrap(&chain, at, &leaves, &log.entries[at..]);
            prop_assert!(verdict.is_err(), "extra after {k} from {at}");
        }
    }
}

fn chain_verdict(change: impl FnOnce(&mut Vec<Entry>, &Log)) -> Result<(), Reject> {
    let mut log = Log::drive(1);
    log.bump();
    log.append(Ops::state(vec![put(1, 1)]));
    log.bump();
    let mut entries = log.membership_entries();
    assert_eq!(entries.len(), 3);
    change(&mut entries, &log);
    log.chain_of(&entries).map(drop)
}

fn signed(log: &Log, entry: &Entry, change: impl FnOnce(&mut EntryBody)) -> Entry {
    let mut body = entry.body().clone();
    change(&mut body);
    log.owner.sign(body)
}

/// Each line fails without the check of the same name in
/// `MembershipChain::verify` or `Membership::step`.
#[test]
fn a_chain_is_verified_link_by_link() {
    assert_eq!(chain_verdict(|_, _| ()), Ok(()));
    assert_eq!(
        chain_verdict(|e, _| e.swap(1, 2)),
        Err(Reject::Membership),
        "order"
    );
    assert_eq!(
        chain_verdict(|e, _| e[2] = e[1].clone()),
        Err(Reject::NotNext),
        "duplicate"
    );
    assert_eq!(
        chain_verdict(|e, log| e[2] = log.entries[2].clone()),
        Err(Reject::Operation),
        "state entry"
    );
    assert_eq!(
        chain_verdict(|e, log| e[0] = signed(log, &e[0], |b| b.seq = 2)),
        Err(Reject::NotNext),
        "entry 1"
    );
    for k in [0, 1] {
        assert_eq!(
            chain_verdict(|e, log| {
                e[k] = signed(log, &e[k], |b| b.prev_hash = Hash::new([9; 32]));
            }),
            Err(Reject::NotNext),
            "predecessor of an adjacent entry"
        );
        assert_eq!(
            chain_verdict(|e, log| {
                e[k] = signed(log, &e[k], |b| b.state_digest = Hash::new([9; 32]));
            }),
            Err(Reject::Digest),
            "digest of an adjacent entry"
        );
    }
    assert_eq!(
        chain_verdict(|e, log| e[1] = signed(log, &e[1], |b| b.epoch += 1)),
        Err(Reject::Epoch),
        "epoch"
    );
    assert_eq!(
        chain_verdict(|e, _| e[1] = Author::new(66).sign(e[1].body().clone())),
        Err(Reject::Signature),
        "signature"
    );
}

/// Fails without the comparison of the genesis with the id that was asked for.
#[test]
fn a_genesis_that_does_not_hash_to_the_id_is_refused() {
    let log = honest();
    let entries = log.membership_entries();
    let other = VaultId::new([9; 32]);
    let verdict = MembershipChain::verify(&other, &log.genesis, &entries, &Principals::new());
    assert_eq!(verdict.map(drop), Err(Reject::WrongVault));
    let stranger = Log::drive(66);
    let verdict = MembershipChain::verify(
        &log.genesis.vault_id(),
        &stranger.genesis,
        &stranger.membership_entries(),
        &Principals::new(),
    );
    assert_eq!(verdict.map(drop), Err(Reject::WrongVault));
}

#[test]
fn without_entry_1_nothing_can_be_written() {
    let log = honest();
    let chain = log.chain_of(&[]).unwrap();
    assert_eq!(chain.latest().map(drop), Err(Reject::Membership));
    let state = &log.moments[0].state;
    assert_eq!(chain.confirm(state), Err(Reject::Membership));
    let first = chain.checkpoint(&log.entries[0], &[], &Principals::new());
    assert_eq!(first.map(drop), Err(Reject::Membership));
}

/// Fails without the comparison of the entry with the chain's own at that
/// place, of the predecessor of an adjacent entry, and of the epoch.
#[test]
fn a_checkpoint_stands_where_the_chain_has_it() {
    let log = honest();
    let chain = log.chain();
    let verdict = |change: &dyn Fn(&mut EntryBody), at: usize| {
        let entry = signed(&log, &log.entries[at - 1], change);
        let leaves = log.moments[at].leaf_list();
        chain
            .checkpoint(&entry, &leaves, &Principals::new())
            .map(drop)
    };
    for at in 1..=log.entries.len() {
        assert_eq!(verdict(&|_| (), at), Ok(()));
        assert_eq!(
            verdict(&|b| b.vault_id = VaultId::new([9; 32]), at),
            Err(Reject::WrongVault)
        );
        let later = verdict(&|b| b.timestamp_ms += 1, at);
        let stands = log.entries[at - 1].is_membership();
        assert_eq!(
            later,
            if stands {
                Err(Reject::Membership)
            } else {
                Ok(())
            }
        );
    }
    assert_eq!(verdict(&|b| b.epoch += 1, 3), Err(Reject::Membership));
    assert_eq!(verdict(&|b| b.seq = 0, 3), Err(Reject::Membership));
    assert_eq!(
        verdict(&|b| b.prev_hash = Hash::new([9; 32]), 2),
        Err(Reject::NotNext)
    );
    // A membership entry at a place where the chain has none, and the reverse.
    assert_eq!(verdict(&|b| b.seq = 5, 4), Err(Reject::Membership));
    assert_eq!(verdict(&|b| b.seq = 4, 3), Err(Reject::Membership));
}

#[test]
fn a_checkpoint_by_nobody_is_refused() {
    let log = honest();
    let chain = log.chain();
    let leaves = log.now().leaf_list();
    let body = log.entries[5].body().clone();
    let forged = Author::new(66).sign(body.clone());
    assert_eq!(
        chain
            .checkpoint(&forged, &leaves, &Principals::new())
            .map(drop),
        Err(Reject::Signature)
    );
    let stranger = Author::new(66);
    let strange = stranger.sign(EntryBody {
        author: stranger.id,
        ..body
    });
    assert_eq!(
        chain
            .checkpoint(&strange, &leaves, &Principals::new())
            .map(drop),
        Err(Reject::NotAMember)
    );
}
