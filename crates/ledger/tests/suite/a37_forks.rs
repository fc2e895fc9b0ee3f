//! A37: one log told in two ways. Both are authentic up to their ends, so
//! neither device notices alone; what must never happen is that they merge.

use proptest::prelude::*;
use sv_ledger::apply::Reject;
use sv_ledger::entry::{Entry, Ops};

use crate::fixture::*;

/// Two logs that are equal up to some entry and both go on from there.
fn fork(common: &[Step], left: &[Step], right: &[Step]) -> (Log, Log, usize) {
    let log = Log::scheduled(common);
    let at = log.entries.len();
    let (mut a, mut b) = (log.clone(), log);
    // Something that only one side has, whatever the schedules say.
    a.append(Ops::state(vec![put(100, 1)]));
    b.append(Ops::state(vec![put(101, 1)]));
    left.iter().for_each(|s| a.take(s));
    right.iter().for_each(|s| b.take(s));
    (a, b, at)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    /// Fails without `prev_hash` in `apply`: any order of entries of both
    /// sides stops at the first one that belongs to the other side.
    #[test]
    fn a37_two_histories_never_merge(
        common in schedule(0..3),
        left in schedule(0..3),
        right in schedule(0..3),
        picks in proptest::collection::vec(any::<bool>(), 1..8),
    ) {
        let (a, b, at) = fork(&common, &left, &right);
        let (mut tails, mut side) = ([a.entries[at..].iter(), b.entries[at..].iter()], None);
        let mut now = a.moments[at].clone();
        for pick in picks {
            let Some(entry) = tails[usize::from(pick)].next() else { continue };
            let first = *side.get_or_insert(pick);
            match now.step(entry) {
                Ok(next) => {
                    prop_assert_eq!(first, pick, "an entry of the other side was accepted");
                    now = next;
                }
                Err(verdict) => {
                    prop_assert_ne!(first, pick, "an entry of its own side was refused");
                    prop_assert_eq!(verdict, Reject::NotNext);
                }
            }
        }
    }
}

/// Fails without `member_hash` in `Membership::author` and without
/// `MembershipChain::confirm`: a checkpoint of one side with the membership
/// entries of the other.
#[test]
fn a37_a_new_device_is_not_given_half_of_each() {
    let (mut a, mut b, at) = fork(&[Step::Bump], &[], &[]);
    a.bump();
    a.append(Ops::state(vec![put(102, 1)]));
    b.append(Ops::state(vec![put(103, 1)]));
    b.bump();
    b.append(Ops::state(vec![put(104, 1)]));
    for log in [&a, &b] {
        let n = log.entries.len();
        let done = log.bootstrap(&log.chain(), n, &log.now().leaf_list(), &[]);
        assert_eq!(done.as_ref(), Ok(log.now()));
    }
    for (ours, theirs) in [(&a, &b), (&b, &a)] {
        let chain = theirs.chain();
        for k in 1..=ours.entries.len() {
            let leaves = ours.moments[k].leaf_list();
            let own = ours.bootstrap(&chain, k, &leaves, &ours.entries[k..]);
            assert_eq!(own, Err(Reject::Membership), "own rest after {k}");
            if k > at {
                let rest: &[Entry] = theirs.entries.get(k..).unwrap_or(&[]);
                let mixed = ours.bootstrap(&chain, k, &leaves, rest);
                assert!(mixed.is_err(), "their rest after {k}");
            }
        }
    }
}
