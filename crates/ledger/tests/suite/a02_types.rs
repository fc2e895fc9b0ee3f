//! A2: no signed object passes for one of another type.

use sv_ledger::codec::ParseError;
use sv_ledger::enc::Statement;
use sv_ledger::entry::Entry;
use sv_ledger::genesis::{Genesis, verify};
use sv_ledger::id::Hash;
use sv_ledger::state::VaultState;
use sv_ledger::unlock::Unlockers;

use crate::fixture::*;

/// Fails without the type label in the signing input
/// (`Statement::signature_label`).
#[test]
fn a02_a_signature_is_good_for_one_type_only() {
    let (author, hash) = (Author::new(1), Hash::new([7; 32]));
    for made in Statement::ALL {
        let signature = author.signature(made, &hash);
        for asked in Statement::ALL {
            let good = verify(asked, &hash, &author.sign_pk(), &signature);
            assert_eq!(good, made == asked, "{made:?} as {asked:?}");
        }
    }
}

/// Fails without the type label in the hash (`Statement::hash_label`).
#[test]
fn a02_a_hash_is_that_of_one_type_only() {
    let hashes: std::collections::BTreeSet<_> =
        Statement::ALL.iter().map(|s| s.hash(b"same")).collect();
    assert_eq!(hashes.len(), Statement::ALL.len());
}

/// Fails without `Reader::finish` and the fixed layouts.
#[test]
fn a02_bytes_of_one_type_do_not_parse_as_another() {
    let log = honest();
    let unlockers = log.owner.sign_unlockers(unlockers_body(log.owner.id));
    let objects = [
        log.genesis.to_bytes(),
        log.entries[1].to_bytes(),
        unlockers.to_bytes(),
        log.now().state.to_bytes(),
    ];
    type Parser = fn(&[u8]) -> Result<(), ParseError>;
    let parsers: [Parser; 4] = [
        |b| Genesis::parse(b).map(drop),
        |b| Entry::parse(b).map(drop),
        |b| Unlockers::parse(b).map(drop),
        |b| VaultState::parse(b).map(drop),
    ];
    for (i, object) in objects.iter().enumerate() {
        for (k, parse) in parsers.iter().enumerate() {
            assert_eq!(parse(object).is_ok(), i == k, "object {i} by parser {k}");
        }
    }
}
