//! A15: no key comes in but by an entry of somebody who may write, to
//! everyone.

use sv_ledger::apply::Reject;
use sv_ledger::entry::Ops;
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::Hash;
use sv_ledger::membership_op::{GrantOp, MembershipOp};
use sv_ledger::state::Role;

use crate::fixture::*;

/// Fails without the role of `epoch`, the signature, the number of envelopes
/// and the zero envelope in `Membership::enter_epoch`.
#[test]
fn a15_a_new_key_is_signed_by_a_writer_and_sealed_to_all() {
    let mut log = Log::of_kind(VaultKind::Shared, 1);
    let (viewer, contributor) = (Author::new(50), Author::new(51));
    log.admit(&viewer, Role::Viewer);
    log.admit(&contributor, Role::Contributor);
    let bump = |envelopes| Ops::Membership(vec![epoch_op(envelopes, false)]);
    let by = |author: &Author, ops| {
        let entry = author.sign(log.now().compose(author, ops));
        log.now().step(&entry).map(drop)
    };
    assert_eq!(by(&contributor, bump(3)), Ok(()));
    assert_eq!(by(&viewer, bump(3)), Err(Reject::Role));
    assert_eq!(by(&Author::new(90), bump(3)), Err(Reject::NotAMember));
    let forged = Author::new(90).sign(log.now().compose(&contributor, bump(3)));
    assert_eq!(log.now().step(&forged).map(drop), Err(Reject::Signature));
    for envelopes in [0, 1, 2, 4] {
        assert_eq!(by(&contributor, bump(envelopes)), Err(Reject::Operation));
    }
    for left_out in 0..3 {
        let MembershipOp::Epoch(mut op) = epoch_op(3, false) else {
            unreachable!()
        };
        op.envelopes[left_out] = Hash::ZERO;
        let ops = Ops::Membership(vec![MembershipOp::Epoch(op)]);
        assert_eq!(by(&contributor, ops), Err(Reject::Operation));
    }
}

#[test]
fn a15_a_grant_without_an_envelope_is_none() {
    let log = Log::of_kind(VaultKind::Shared, 1);
    let MembershipOp::Grant(op) = grant(&Author::new(50), Role::Viewer) else {
        unreachable!()
    };
    let verdict = |envelope| {
        let op = MembershipOp::Grant(GrantOp { envelope, ..op });
        let entry = log.owner.sign(log.compose(Ops::Membership(vec![op])));
        log.now().step(&entry).map(drop)
    };
    assert_eq!(verdict(op.envelope), Ok(()));
    assert_eq!(verdict(Hash::ZERO), Err(Reject::Operation));
}
