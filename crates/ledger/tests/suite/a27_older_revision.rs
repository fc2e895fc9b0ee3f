//! A27: an older authentic version of one record.

use sv_ledger::apply::Reject;
use sv_ledger::entry::Ops;

use crate::fixture::*;

/// Fails without the strict `rev` in `next_leaves`: then an entry that puts
/// an older revision back, signed by a member, would pass.
#[test]
fn a27_an_older_revision_is_not_put_back() {
    let log = honest();
    assert_eq!(log.now().leaves[&node(1)].rev, 3);
    for rev in 1..=3 {
        let entry = log.owner.sign(log.compose(Ops::state(vec![put(1, rev)])));
        assert_eq!(log.now().step(&entry).map(drop), Err(Reject::Revision));
    }
}

/// Fails without the digest comparison in `MembershipChain::checkpoint`, or
/// without `rev` and the record's hash in the leaf.
#[test]
fn a27_an_older_leaf_does_not_fit_the_checkpoint() {
    let log = honest();
    let (chain, leaves) = (log.chain(), log.now().leaf_list());
    assert_eq!(
        log.bootstrap(&chain, 6, &leaves, &[]).as_ref(),
        Ok(log.now())
    );
    let older = log.moments[..5].iter();
    let mut tried = 0;
    for old in older.filter_map(|m| m.leaves.get(&node(1))) {
        let mut leaves = leaves.clone();
        leaves[0].1 = *old;
        let verdict = log.bootstrap(&chain, 6, &leaves, &[]);
        assert_eq!(verdict, Err(Reject::Digest));
        let mut renumbered = leaves.clone();
        renumbered[0].1.rev = 3;
        let verdict = log.bootstrap(&chain, 6, &renumbered, &[]);
        assert_eq!(verdict, Err(Reject::Digest));
        tried += 1;
    }
    assert_eq!(tried, 3);
}
