//! A7: there is one suite, and nothing to negotiate.

use sv_ledger::codec::ParseError;
use sv_ledger::entry::Entry;
use sv_ledger::genesis::Genesis;
use sv_ledger::state::VaultState;
use sv_ledger::unlock::Unlockers;

use crate::fixture::*;

fn with_byte(mut bytes: Vec<u8>, at: usize, value: u8) -> Vec<u8> {
    bytes[at] = value;
    bytes
}

/// Fails without `Reader::suite` in the parser of the object, or the check
/// of the content suite in `Genesis::parse`.
#[test]
fn a07_another_suite_is_unsupported_in_every_object() {
    let log = honest();
    let unlockers = log.owner.sign_unlockers(unlockers_body(log.owner.id));
    let state = &log.now().state;
    assert!(Genesis::parse(&log.genesis.to_bytes()).is_ok());
    assert!(Unlockers::parse(&unlockers.to_bytes()).is_ok());
    assert!(VaultState::parse(&state.to_bytes()).is_ok());
    for suite in [0, 2, 255] {
        let refused = ParseError::UnsupportedSuite(suite);
        for at in [0, 2] {
            let bytes = with_byte(log.genesis.to_bytes(), at, suite);
            assert_eq!(Genesis::parse(&bytes), Err(refused));
        }
        for entry in &log.entries {
            assert_eq!(Entry::parse(&entry.to_bytes()).as_ref(), Ok(entry));
            let bytes = with_byte(entry.to_bytes(), 0, suite);
            assert_eq!(Entry::parse(&bytes), Err(refused));
        }
        let bytes = with_byte(unlockers.to_bytes(), 0, suite);
        assert_eq!(Unlockers::parse(&bytes), Err(refused));
        let bytes = with_byte(state.to_bytes(), 0, suite);
        assert_eq!(VaultState::parse(&bytes), Err(refused));
    }
}
