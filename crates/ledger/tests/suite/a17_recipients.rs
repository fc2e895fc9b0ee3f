//! A16 and A17: an envelope is for whom the log says, under the role and by
//! the granter that it says, and for nobody else.

use std::collections::BTreeSet;

use sv_ledger::entry::Ops;
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::Hash;
use sv_ledger::membership_op::{GrantOp, MembershipOp};
use sv_ledger::state::Role;

use crate::fixture::*;

fn epoch_with(envelopes: Vec<Hash>) -> MembershipOp {
    let MembershipOp::Epoch(mut op) = epoch_op(0, false) else {
        unreachable!()
    };
    op.envelopes = envelopes;
    MembershipOp::Epoch(op)
}

/// The envelope of a member is that of its grant, or of the last new key at
/// its place; its header has what stood in the log then. Fails with an
/// off-by-one in `MembershipChain::envelope`.
#[test]
fn a17_each_member_has_one_envelope_and_its_context() {
    let mut log = Log::of_kind(VaultKind::Shared, 1);
    let (first, second) = (Author::new(50), Author::new(40));
    let grant_with = |person: &Author, n: u8| {
        let MembershipOp::Grant(op) = grant(person, Role::Editor) else {
            unreachable!()
        };
        let envelope = Hash::new([n; 32]);
        Ops::Membership(vec![MembershipOp::Grant(GrantOp { envelope, ..op })])
    };
    log.append(grant_with(&first, 0xA1));
    let before = log.membership().head.hash;
    log.append(grant_with(&second, 0xA2));
    let named = log.chain().envelope(&second.id).unwrap();
    assert_eq!((named.hash, named.epoch), (Hash::new([0xA2; 32]), 1));
    assert_eq!((named.granter, named.member_hash), (log.owner.id, before));
    assert_eq!(named.commitment, log.membership().commitment);

    log.append_by(
        &first,
        vec![epoch_with((1..=3).map(|n| Hash::new([n; 32])).collect())],
    );
    log.append(Ops::Membership(vec![role_op(second.id, Role::Viewer)]));
    let chain = log.chain();
    for (place, person) in [&log.owner, &second, &first].into_iter().enumerate() {
        let named = chain.envelope(&person.id).unwrap();
        assert_eq!(named.hash, Hash::new([place as u8 + 1; 32]));
        assert_eq!((named.epoch, named.granter), (2, first.id));
        assert_eq!(named.member.keys, person.keys());
    }
    // The role when it was sealed, not the present one.
    assert_eq!(
        chain.envelope(&second.id).unwrap().member.role,
        Role::Editor
    );
    assert_eq!(log.membership().members[&second.id].role, Role::Viewer);
    assert_eq!(chain.envelope(&Author::new(99).id), None);
}

/// Whoever is removed has no place among the recipients, and whoever is
/// there has exactly one.
#[test]
fn a17_recipients_are_exactly_the_members() {
    let mut log = Log::of_kind(VaultKind::Shared, 1);
    for seed in [30, 20, 40, 10] {
        log.admit(&Author::new(seed), Role::Contributor);
    }
    log.revoke(Author::new(20).id);
    log.append_by(&Author::new(40), vec![MembershipOp::Leave]);
    let rest = log.membership().members.len();
    let envelopes: Vec<_> = (0..rest).map(|n| Hash::new([n as u8 + 1; 32])).collect();
    log.append(Ops::Membership(vec![epoch_with(envelopes)]));
    let chain = log.chain();
    let named: BTreeSet<_> = [1, 10, 20, 30, 40]
        .into_iter()
        .filter_map(|seed| chain.envelope(&Author::new(seed).id))
        .map(|named| (named.principal, named.hash))
        .collect();
    let members: BTreeSet<_> = log.membership().members.keys().copied().collect();
    assert_eq!(
        named.iter().map(|(id, _)| *id).collect::<BTreeSet<_>>(),
        members
    );
    assert_eq!(named.len(), 3);
}
