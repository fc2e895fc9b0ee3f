//! Every binary body has one form: whatever bytes come, the parser refuses
//! them or writes the same ones back. It never panics.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set its stage has to stop"
)]

use std::sync::LazyLock;

use data_encoding::HEXLOWER;
use proptest::prelude::*;
use sv_api::Wire;
use sv_api::vault::{
    AppendRequest, Bodies, BodiesRequest, Contents, ContentsRequest, EntryPage, InlineContent,
    LeafPage, MembershipLog,
};
use sv_ledger::entry::Entry;
use sv_ledger::genesis::Genesis;
use sv_ledger::id::{ContentId, Hash, NodeId, VaultId};
use sv_ledger::state::{Leaf, Role};

/// Objects that are signed, as the specification has them.
const OBJECTS: &str = include_str!("../../../docs/spec/vectors/ledger-objects.txt");

type Rewrite = fn(&[u8]) -> Option<Vec<u8>>;

/// A body of every type, with what reads it and writes it back.
static BODIES: LazyLock<Vec<(Vec<u8>, Rewrite)>> = LazyLock::new(|| {
    let objects = || {
        let lines = OBJECTS
            .lines()
            .filter_map(|line| line.strip_prefix("bytes: "));
        lines.filter_map(|hex| HEXLOWER.decode(hex.as_bytes()).ok())
    };
    let entries: Vec<Entry> = objects().filter_map(|b| Entry::parse(&b).ok()).collect();
    let genesis = objects().find_map(|b| Genesis::parse(&b).ok()).unwrap();
    let leaf = Leaf {
        rev: 3,
        record_hash: Hash::new([1; 32]),
        creator: VaultId::new([2; 32]),
        creator_role: Role::Editor,
    };
    let inline = |n| InlineContent {
        content_id: ContentId::new([n; 16]),
        block: vec![n; 100],
    };
    vec![
        body(&MembershipLog {
            genesis,
            entries: entries.clone(),
            more: false,
            is_gone: true,
        }),
        body(&AppendRequest {
            entry: entries.first().unwrap().clone(),
            bodies: vec![vec![7; 50], Vec::new()],
            inline: vec![inline(1), inline(2)],
        }),
        body(&EntryPage {
            entries,
            more: true,
        }),
        body(&LeafPage {
            leaves: [1, 2].map(|n| (NodeId::new([n; 16]), leaf)).to_vec(),
            more: false,
        }),
        body(&BodiesRequest {
            hashes: vec![Hash::new([1; 32]), Hash::new([2; 32])],
        }),
        body(&Bodies {
            bodies: vec![vec![1; 10], vec![2; 300]],
        }),
        body(&ContentsRequest {
            content_ids: vec![ContentId::new([1; 16])],
        }),
        body(&Contents {
            contents: vec![inline(3), inline(4)],
        }),
    ]
});

fn body<T: Wire>(body: &T) -> (Vec<u8>, Rewrite) {
    let rewrite: Rewrite = |bytes| T::parse(bytes).ok().map(|body| body.to_bytes());
    (body.to_bytes(), rewrite)
}

#[test]
fn bodies_round_trip_and_end_where_they_end() {
    for (bytes, rewrite) in BODIES.iter() {
        assert_eq!(rewrite(bytes).as_ref(), Some(bytes));
        for end in 0..bytes.len() {
            assert_eq!(rewrite(&bytes[..end]), None, "cut at {end}");
        }
        assert_eq!(rewrite(&[&bytes[..], &[0]].concat()), None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4000) })]

    /// Bytes spliced into a body, so that counts and lengths go wild.
    #[test]
    fn no_bytes_make_a_body_panic_or_have_a_second_form(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        noise in proptest::collection::vec(any::<u8>(), 0..64),
        cut in 0..64_usize,
    ) {
        let (bytes, rewrite) = &BODIES[which.index(BODIES.len())];
        let at = at.index(bytes.len());
        let rest = bytes.get(at + cut..).unwrap_or(&[]);
        let spliced = [&bytes[..at], &noise, rest].concat();
        if let Some(written) = rewrite(&spliced) {
            prop_assert_eq!(written, spliced);
        }
    }

    /// Any bytes at all, to every parser.
    #[test]
    fn any_bytes_are_no_body_or_the_only_form(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        for (_, rewrite) in BODIES.iter() {
            if let Some(written) = rewrite(&bytes) {
                prop_assert_eq!(&written, &bytes);
            }
        }
    }
}
