//! A35: hidden, planted and resurrected records in the list that a new
//! device starts from.

use sv_ledger::apply::Reject;
use sv_ledger::entry::Ops;
use sv_ledger::id::{Hash, NodeId};
use sv_ledger::state::{Leaf, Role};

use crate::fixture::*;

/// Fails without the digest comparison in `MembershipChain::checkpoint`.
#[test]
fn a35_a_dropped_leaf_is_missed() {
    let log = honest();
    let chain = log.chain();
    for at in 1..=log.entries.len() {
        let leaves = log.moments[at].leaf_list();
        let rest = &log.entries[at..];
        assert_eq!(
            log.bootstrap(&chain, at, &leaves, rest).as_ref(),
            Ok(log.now())
        );
        for gone in 0..leaves.len() {
            let mut fewer = leaves.clone();
            fewer.remove(gone);
            let verdict = log.bootstrap(&chain, at, &fewer, rest);
            assert_eq!(verdict, Err(Reject::Digest), "{gone} at {at}");
        }
    }
}

/// Fails without the digest comparison in `MembershipChain::checkpoint`.
#[test]
fn a35_a_deleted_leaf_stays_deleted() {
    let log = honest();
    let chain = log.chain();
    let deleted = log.moments[4].leaves[&node(2)];
    for at in [5, 6] {
        let mut leaves = log.moments[at].leaves.clone();
        assert_eq!(leaves.insert(node(2), deleted), None);
        let leaves: Vec<_> = leaves.into_iter().collect();
        let verdict = log.bootstrap(&chain, at, &leaves, &log.entries[at..]);
        assert_eq!(verdict, Err(Reject::Digest));
    }
}

/// Fails without the digest comparison, or without the vault, node, creator
/// and creator's role in the leaf's element.
#[test]
fn a35_a_planted_or_altered_leaf_is_seen() {
    let log = honest();
    let (chain, honest) = (log.chain(), log.now().leaf_list());
    type Change<'a> = &'a dyn Fn(&mut Vec<(NodeId, Leaf)>);
    let verdict = |change: Change<'_>| {
        let mut leaves = honest.clone();
        change(&mut leaves);
        log.bootstrap(&chain, 6, &leaves, &[]).map(drop)
    };
    assert_eq!(verdict(&|_| ()), Ok(()));
    for refused in [
        verdict(&|l| l.push((node(200), l[0].1))),
        verdict(&|l| l[0].0 = NodeId::new([0; 16])),
        verdict(&|l| l[0].1.creator = Author::new(66).id),
        verdict(&|l| l[0].1.creator_role = Role::Contributor),
        verdict(&|l| l[0].1.record_hash = l[1].1.record_hash),
        verdict(&|l| {
            let first = l[0].1;
            l[0].1 = l[1].1;
            l[1].1 = first;
        }),
    ] {
        assert_eq!(refused, Err(Reject::Digest));
    }
}

/// Fails without the strict order in `MembershipChain::checkpoint`: the sum
/// is modulo 2^16, so 65 536 copies of any leaf add up to nothing.
#[test]
fn a35_copies_that_cancel_out_are_refused() {
    let log = honest();
    let (chain, leaves) = (log.chain(), log.now().leaf_list());
    let planted = (node(200), leaves[0].1);
    let mut many = leaves.clone();
    many.extend(std::iter::repeat_n(planted, 1 << 16));
    let verdict = log.bootstrap(&chain, 6, &many, &[]);
    assert_eq!(verdict, Err(Reject::LeafOrder));
    let mut doubled = leaves.clone();
    doubled.insert(1, leaves[0]);
    let verdict = log.bootstrap(&chain, 6, &doubled, &[]);
    assert_eq!(verdict, Err(Reject::LeafOrder));
    let mut swapped = leaves.clone();
    swapped.swap(0, 1);
    let verdict = log.bootstrap(&chain, 6, &swapped, &[]);
    assert_eq!(verdict, Err(Reject::LeafOrder));
}

/// Fails without the digest comparison in `apply`: a device that was served
/// other leaves notices with the next entry at the latest.
#[test]
fn a35_a_replica_that_was_lied_to_stops_at_the_next_entry() {
    let log = honest();
    let next = log.owner.sign(log.compose(Ops::state(vec![put(1, 4)])));
    assert!(log.now().step(&next).is_ok());
    let mut lied = log.now().clone();
    lied.leaves.get_mut(&node(1)).unwrap().record_hash = Hash::new([9; 32]);
    assert_eq!(lied.step(&next).map(drop), Err(Reject::Digest));
    let mut hidden = log.now().clone();
    hidden.leaves.remove(&node(1));
    assert_eq!(hidden.step(&next).map(drop), Err(Reject::Revision));
}
