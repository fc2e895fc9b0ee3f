//! A7: how a vault keeps its contents is its creator's choice, once, in the
//! genesis that its id is the hash of.

use sv_ledger::apply::Reject;
use sv_ledger::bootstrap::MembershipChain;
use sv_ledger::codec::ParseError;
use sv_ledger::entry::{ContentAdded, Entry, Ops, StateOp};
use sv_ledger::genesis::{Genesis, VaultKind};
use sv_ledger::sealed::ContentSuite;
use sv_ledger::state::VaultState;

use crate::fixture::*;

const SUITES: [ContentSuite; 2] = [ContentSuite::Blocks, ContentSuite::Fernet];

fn shared(suite: ContentSuite) -> Log {
    let owner = Author::new(1);
    let mut body = genesis_body(VaultKind::Shared, &owner);
    body.content_suite = suite;
    let genesis = owner.sign_genesis(body);
    let mut log = Log::begin(owner, genesis);
    log.append(Ops::Membership(vec![epoch_op(1, true)]));
    log
}

/// Only a shared vault has the choice. Fails without the look at the kind.
#[test]
fn a07_only_a_shared_vault_may_keep_tokens() {
    for kind in [
        VaultKind::Account,
        VaultKind::Drive,
        VaultKind::Shared,
        VaultKind::Group,
    ] {
        let owner = Author::new(1);
        let mut body = genesis_body(kind, &owner);
        body.content_suite = ContentSuite::Fernet;
        let parsed = Genesis::parse(&owner.sign_genesis(body).to_bytes());
        match kind {
            VaultKind::Shared => assert!(parsed.is_ok()),
            _ => assert_eq!(parsed.err(), Some(ParseError::UnsupportedSuite(2))),
        }
    }
}

/// Whoever is not the creator has no other genesis for the same vault: another
/// suite is another id, and the signature covers it. Fails without the
/// signature of the genesis, or without the id that is its hash.
#[test]
fn a07_nobody_else_switches_the_suite_of_a_vault() {
    for suite in SUITES {
        let log = shared(suite);
        let id = log.genesis.vault_id();
        let mut bytes = log.genesis.to_bytes();
        assert_eq!(bytes[2], suite.tag());
        bytes[2] = 3 - suite.tag();
        let switched = Genesis::parse(&bytes).unwrap();
        assert_ne!(switched.vault_id(), id);
        assert!(log.genesis.is_signed() && !switched.is_signed());
        assert_eq!(VaultState::begin(&switched).err(), Some(Reject::Signature));
        let follow = |genesis: &Genesis| {
            MembershipChain::verify(&id, genesis, &log.entries, &log.principals)
        };
        assert!(follow(&log.genesis).is_ok());
        let refused = follow(&switched);
        assert_eq!(refused.err(), Some(Reject::WrongVault));
        // What is kept of it keeps the suite.
        let kept = VaultState::parse(&log.now().state.to_bytes()).unwrap();
        assert_eq!(kept.membership.content_suite, suite);
    }
}

/// A content of the other form is refused by everyone who follows the log.
/// Fails without `have_shape` in `apply`.
#[test]
fn a07_contents_have_a_shape_of_the_vaults_suite() {
    // Of this size the two differ in the number of blocks; lengths that both can
    // have are many, and tell nothing.
    let size = 6_291_650;
    let of = |suite: ContentSuite| ContentAdded {
        sealed_len: suite.content_len(size).unwrap(),
        block_count: suite.block_count(size).unwrap(),
        ..content(7, 1)
    };
    for suite in SUITES {
        let log = shared(suite);
        for other in SUITES {
            let StateOp::Put(mut op) = put(1, 1) else {
                unreachable!()
            };
            op.added = vec![of(other)];
            let ops = Ops::State(vec![StateOp::Put(op)]);
            let entry = log.owner.sign(log.compose(ops));
            // An entry alone does not say of which suite its vault is.
            assert!(Entry::parse(&entry.to_bytes()).is_ok());
            let verdict = log.now().step(&entry).map(drop);
            let expected = if other == suite {
                Ok(())
            } else {
                Err(Reject::Operation)
            };
            assert_eq!(verdict, expected, "{suite:?} {other:?}");
        }
    }
}
