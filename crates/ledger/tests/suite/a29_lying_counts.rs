//! A29: a few bytes that claim to be many things. Refused at once, and
//! without memory for what is not there.

use std::time::{Duration, Instant};

use sv_ledger::codec::{ParseError, Reader};
use sv_ledger::entry::{Entry, Ops};
use sv_ledger::limits::ENTRY_LEN;
use sv_ledger::state::VaultState;
use sv_ledger::unlock::Unlockers;

use crate::fixture::*;

/// Bytes of an entry before its operations.
const ENTRY_HEAD: usize = 1 + 32 + 8 + 32 + 8 + 32 + 4 + 32 + 4 + 1 + 8;

fn at_once<T>(what: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let value = what();
    assert!(start.elapsed() < Duration::from_secs(1));
    value
}

/// The first entry of a kind, cut off after `keep` bytes of its operations,
/// and then `tail`.
fn entry(is_membership: bool, keep: usize, tail: &[u8]) -> Result<(), ParseError> {
    let log = honest();
    let of_kind = |e: &&Entry| e.is_membership() == is_membership;
    let bytes = log.entries.iter().find(of_kind).unwrap().to_bytes();
    let mut cut = bytes[..ENTRY_HEAD + keep].to_vec();
    cut.extend_from_slice(tail);
    at_once(|| Entry::parse(&cut).map(drop))
}

/// Fails without the limits in `Ops::read`, `read_list`, `MembershipOp::read`
/// and `Reader::bytes`.
#[test]
fn a29_lists_of_an_entry() {
    let too_large = |what| Err(ParseError::TooLarge(what));
    let ops = too_large("number of operations");
    assert_eq!(entry(false, 0, &[2, 0xFF, 0xFF]), ops);
    assert_eq!(entry(false, 0, &[2, 0x01, 0xF5]), ops);
    assert_eq!(entry(true, 0, &[1, 0xFF, 0xFF]), ops);
    assert_eq!(entry(true, 0, &[1, 0x10, 0x01]), ops);
    for (is_membership, at_limit) in [(false, [2, 0x01, 0xF4]), (true, [1, 0x10, 0x00])] {
        let verdict = entry(is_membership, 0, &at_limit);
        assert_eq!(verdict, Err(ParseError::Truncated));
    }
    // One put, and then its lists.
    let put = 3 + 1 + 16 + 8 + 32;
    let added = too_large("contents added");
    assert_eq!(entry(false, put, &[0xFF, 0xFF]), added);
    assert_eq!(entry(false, put, &[0, 17]), added);
    assert_eq!(entry(false, put, &[0, 16]), Err(ParseError::Truncated));
    let dropped = too_large("contents dropped");
    assert_eq!(entry(false, put, &[0, 0, 0xFF, 0xFF]), dropped);
    assert_eq!(entry(false, put, &[0, 0, 0, 129]), dropped);
    // A new epoch, and then its envelopes.
    let epoch = 3 + 1 + 32 + 1216 + 1;
    let envelopes = too_large("number of envelopes");
    assert_eq!(entry(true, epoch, &[0xFF, 0xFF]), envelopes);
    assert_eq!(entry(true, epoch, &[0x10, 0x01]), envelopes);
    let handle = too_large("handle");
    assert_eq!(
        entry(true, 0, &[1, 0, 1, 2, 0xFF, 0xFF, 0xFF, 0xFF]),
        handle
    );
    assert_eq!(entry(true, 0, &[1, 0, 1, 2, 0, 0, 0, 65]), handle);
}

/// Fails without the limits in `Unlockers::parse` and `VaultState::parse`.
#[test]
fn a29_lists_of_other_objects() {
    let log = honest();
    let unlockers = log.owner.sign_unlockers(unlockers_body(log.owner.id));
    let mut bytes = unlockers.to_bytes()[..1 + 32 + 8 + 4 + 32 + 32].to_vec();
    bytes.extend([0xFF, 0xFF]);
    let refused = at_once(|| Unlockers::parse(&bytes));
    assert_eq!(refused, Err(ParseError::TooLarge("number of unlockers")));

    let state = log.now().state.to_bytes();
    let mut bytes = state[..state.len() - MEMBER_LEN - 4].to_vec();
    bytes.extend([0xFF; 4]);
    let refused = at_once(|| VaultState::parse(&bytes));
    assert_eq!(refused, Err(ParseError::TooLarge("number of members")));
}

/// Fails without the limit in `Reader::bytes`.
#[test]
fn a29_a_field_longer_than_its_limit() {
    let bytes = [0xFF; 4];
    let refused = Reader::new(&bytes).bytes(16, "field");
    assert_eq!(refused, Err(ParseError::TooLarge("field")));
    let refused = Reader::new(&bytes).bytes(usize::MAX, "field");
    assert_eq!(refused, Err(ParseError::Truncated));
}

/// Fails without the length check in front of `Entry::parse`.
#[test]
fn a29_an_entry_over_its_length() {
    let log = honest();
    let mut long = log.entries[1].to_bytes();
    long.resize(ENTRY_LEN + 1, 0);
    let refused = at_once(|| Entry::parse(&long));
    assert_eq!(refused, Err(ParseError::TooLarge("entry")));
    long.truncate(ENTRY_LEN);
    assert_eq!(Entry::parse(&long), Err(ParseError::Trailing));
}

/// The largest honest entry is far from slow.
#[test]
fn a29_the_most_operations_are_handled_at_once() {
    let mut log = honest();
    let ops: Vec<_> = (0..500_u16)
        .map(|n| {
            let sv_ledger::entry::StateOp::Put(mut op) = put(9, 1) else {
                unreachable!()
            };
            let mut id = [9; 16];
            id[..2].copy_from_slice(&n.to_be_bytes());
            op.node_id = sv_ledger::id::NodeId::new(id);
            sv_ledger::entry::StateOp::Put(op)
        })
        .collect();
    let entry = at_once(|| log.append(Ops::state(ops)));
    let parsed = at_once(|| Entry::parse(&entry.to_bytes()));
    assert_eq!(parsed, Ok(entry));
}
