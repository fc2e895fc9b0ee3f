//! Records and names: one encoding, and what it refuses.

use std::time::Instant;

use proptest::prelude::*;
use sv_ledger::id::NodeId;

use super::support::*;
use crate::error::{NameError, RecordError, SealError};
use crate::label::{Context, Label};
use crate::record::*;
use crate::secret::{SecretKey, VaultKey};

/// Seals any bytes as a record, as an author of bad will could.
fn seal_cbor(cbor: &[u8]) -> Vec<u8> {
    let mut padded = cbor.to_vec();
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(256), 0);
    seal_padded(&padded)
}

fn seal_padded(padded: &[u8]) -> Vec<u8> {
    let ctx = record_context();
    let key = crate::kdf::derive(Label::Records, key::<VaultKey>(7).expose(), &[]);
    let ctx = Context::Record.enc(&[
        ctx.vault_id.as_bytes(),
        ctx.node_id.as_bytes(),
        &ctx.epoch.to_be_bytes(),
        &ctx.rev.to_be_bytes(),
    ]);
    let mut record = vec![1, 0, 0, 0, 1];
    let sealed = crate::sealed_box::SMALL
        .seal(key.as_slice(), &ctx, padded, &mut rng("cbor"))
        .unwrap();
    record.extend(sealed);
    record
}

fn open_cbor(cbor: &[u8]) -> Result<Payload, RecordError> {
    open_record(&key(7), &record_context(), &seal_cbor(cbor))
}

fn cbor_of(payload: &Payload) -> Vec<u8> {
    payload.encode().unwrap().to_vec()
}

/// A folder "a" in the root, made and changed at 1.
const FOLDER: &[u8] = &[0xa4, 0, 1, 1, 0x61, b'a', 3, 1, 4, 1];

#[test]
fn every_kind_round_trips() {
    for payload in payloads() {
        let sealed = seal_record(&key(7), &record_context(), &payload, &mut rng("r")).unwrap();
        assert_eq!(sealed.len(), sealed_record_len(cbor_of(&payload).len()));
        assert_eq!((sealed.len() - 5 - 72) % 256, 0);
        let opened = open_record(&key(7), &record_context(), &sealed).unwrap();
        assert_eq!(cbor_of(&opened), cbor_of(&payload));
        assert!(!opened.is_read_only());
    }
}

/// Needs: the rules of `encoding.md` §2, one each.
#[test]
fn only_the_one_encoding_is_read() {
    assert!(open_cbor(FOLDER).is_ok());
    let refused: [(&str, &[u8]); 21] = [
        ("nothing", &[]),
        ("not a map", &[0x80]),
        (
            "a longer form of an integer",
            &[0xa4, 0, 0x18, 1, 1, 0x61, b'a', 3, 1, 4, 1],
        ),
        (
            "a longer form of a length",
            &[0xa4, 0, 1, 1, 0x78, 1, b'a', 3, 1, 4, 1],
        ),
        (
            "an indefinite map",
            &[0xbf, 0, 1, 1, 0x61, b'a', 3, 1, 4, 1, 0xff],
        ),
        (
            "an indefinite text",
            &[0xa4, 0, 1, 1, 0x7f, 0x61, b'a', 0xff, 3, 1, 4, 1],
        ),
        (
            "a key twice",
            &[0xa5, 0, 1, 1, 0x61, b'a', 3, 1, 3, 1, 4, 1],
        ),
        (
            "keys in another order",
            &[0xa4, 0, 1, 1, 0x61, b'a', 4, 1, 3, 1],
        ),
        (
            "a text key",
            &[0xa5, 0, 1, 1, 0x61, b'a', 3, 1, 4, 1, 0x61, b'x', 1],
        ),
        ("a missing field", &[0xa3, 0, 1, 1, 0x61, b'a', 3, 1]),
        (
            "bytes after the end",
            &[0xa4, 0, 1, 1, 0x61, b'a', 3, 1, 4, 1, 0],
        ),
        (
            "a float",
            &[0xa5, 0, 1, 1, 0x61, b'a', 3, 1, 4, 1, 0x10, 0xf9, 0, 0],
        ),
        (
            "a longer form inside the unknown",
            &[0xa5, 0, 1, 1, 0x61, b'a', 3, 1, 4, 1, 0x10, 0x18, 1],
        ),
        (
            "a longer form of an unknown key",
            &[0xa5, 0, 1, 1, 0x61, b'a', 3, 1, 4, 1, 0x18, 0x10, 1],
        ),
        (
            "a tag",
            &[0xa5, 0, 1, 1, 0x61, b'a', 3, 1, 4, 1, 0x10, 0xc1, 1],
        ),
        ("null", &[0xa5, 0, 1, 1, 0x61, b'a', 3, 1, 4, 1, 0x10, 0xf6]),
        (
            "a flag that is not set",
            &[0xa5, 0, 2, 1, 0x61, b'a', 3, 1, 4, 1, 6, 0xf4],
        ),
        (
            "an empty list",
            &[0xa5, 0, 2, 1, 0x61, b'a', 3, 1, 4, 1, 8, 0x80],
        ),
        (
            "text that is not UTF-8",
            &[0xa4, 0, 1, 1, 0x61, 0xff, 3, 1, 4, 1],
        ),
        (
            "a kind there is not",
            &[0xa4, 0, 9, 1, 0x61, b'a', 3, 1, 4, 1],
        ),
        (
            "a name there cannot be",
            &[0xa4, 0, 1, 1, 0x61, b'/', 3, 1, 4, 1],
        ),
    ];
    for (what, cbor) in refused {
        assert!(
            matches!(open_cbor(cbor), Err(RecordError::Malformed(_))),
            "{what}"
        );
    }
    // A name that is not in NFC would be written differently than it is read.
    let decomposed = [&[0xa4, 0, 1, 1, 0x63], "e\u{301}".as_bytes(), &[3, 1, 4, 1]].concat();
    let error = RecordError::Malformed("not the canonical form");
    assert_eq!(open_cbor(&decomposed).err(), Some(error));
}

#[test]
fn padding_has_one_form() {
    let mut padded = FOLDER.to_vec();
    padded.push(0x80);
    padded.resize(256, 0);
    assert!(open_record(&key(7), &record_context(), &seal_padded(&padded)).is_ok());
    let mut longer = padded.clone();
    longer.resize(512, 0);
    let mut other = padded.clone();
    other[255] = 1;
    let mut unmarked = padded.clone();
    unmarked[FOLDER.len()] = 0;
    for bad in [
        longer,
        other,
        unmarked,
        padded[..100].to_vec(),
        vec![0; 256],
        vec![],
    ] {
        assert!(open_record(&key(7), &record_context(), &seal_padded(&bad)).is_err());
    }
}

/// Needs: the split of unknown fields by sign.
#[test]
fn fields_of_a_newer_version() {
    // Key 30 with a nested value is carried along byte for byte.
    let unknown = [
        &[0xa5][..],
        &FOLDER[1..],
        &[0x18, 30, 0x82, 1, 0xa1, 5, 0x41, 9],
    ]
    .concat();
    let Ok(Payload::Node(mut record)) = open_cbor(&unknown) else {
        panic!("a record")
    };
    assert!(!record.is_read_only());
    record.name = Name::parse("b").unwrap();
    let rewritten = cbor_of(&Payload::Node(record));
    assert!(rewritten.ends_with(&unknown[FOLDER.len()..]));

    // Key -1 may be read and not written.
    let critical = [&[0xa5][..], &FOLDER[1..], &[0x20, 1]].concat();
    let payload = open_cbor(&critical).unwrap();
    assert!(payload.is_read_only());
    let refused = seal_record(&key(7), &record_context(), &payload, &mut rng("r"));
    assert_eq!(refused.err(), Some(SealError::ReadOnly));

    // Negative keys come last (RFC 8949 §4.2.1).
    let misplaced = [&[0xa5, 0x20, 1][..], &FOLDER[1..]].concat();
    assert!(open_cbor(&misplaced).is_err());
}

/// Needs: the depth limit, and that counts are not believed.
#[test]
fn a29_nested_and_lying_cbor_is_cheap() {
    let start = Instant::now();
    let head = [&[0xa5][..], &FOLDER[1..], &[0x18, 30]].concat();
    // The map is level 1: seven arrays inside it are allowed, eight are not.
    for (depth, ok) in [(7, true), (8, false), (100_000, false)] {
        let mut cbor = head.clone();
        cbor.extend(vec![0x81; depth]);
        cbor.push(0);
        assert_eq!(open_cbor(&cbor).is_ok(), ok, "depth {depth}");
    }
    for major in [0x40, 0x60, 0x80, 0xa0] {
        let mut cbor = head.clone();
        cbor.push(major | 27);
        cbor.extend((1_u64 << 60).to_be_bytes());
        assert!(open_cbor(&cbor).is_err());
        assert!(open_cbor(&cbor[head.len()..]).is_err());
    }
    assert!(start.elapsed().as_secs() < 1);
}

#[test]
fn limits_of_a_record() {
    let seal = |record: Record| {
        seal_record(
            &key(7),
            &record_context(),
            &Payload::Node(record),
            &mut rng("r"),
        )
    };
    let file = || Record::new(Kind::File, Name::parse("f").unwrap(), None, 1);
    assert!(
        seal(Record {
            versions: vec![version(1); 100],
            ..file()
        })
        .is_ok()
    );
    let refused = [
        Record {
            versions: vec![version(1); 101],
            ..file()
        },
        Record {
            created_ms: u64::MAX,
            ..file()
        },
        Record {
            trashed: Some(Trashed {
                at_ms: 253_402_300_800_000,
            }),
            ..file()
        },
        Record {
            mime: Some(String::new()),
            ..file()
        },
        Record {
            mime: Some("text plain".to_owned()),
            ..file()
        },
        Record {
            tags: vec!["\u{202e}".to_owned()],
            ..file()
        },
        Record {
            tags: vec!["t".to_owned(); 65],
            ..file()
        },
        Record {
            kind: Kind::Folder,
            versions: vec![version(1)],
            ..file()
        },
        Record {
            versions: vec![Version {
                size: (1 << 42) + 1,
                ..version(1)
            }],
            ..file()
        },
    ];
    for record in refused {
        assert!(matches!(seal(record), Err(SealError::Misuse(_))));
    }
    let big = |count: u8| {
        let pin = |i: u8, j: u8| Pin {
            vault_id: sv_ledger::id::VaultId::new([
                i, j, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                1, 1, 1, 1,
            ]),
            head: sv_ledger::state::Head {
                seq: 1,
                hash: sv_ledger::id::Hash::new([1; 32]),
            },
            state_digest: sv_ledger::id::Hash::new([1; 32]),
            epoch: 1,
        };
        let pins = (0..count)
            .flat_map(|i| (0..=255).map(move |j| pin(i, j)))
            .collect();
        Pins {
            pins,
            label: "d".to_owned(),
            device_id: sv_ledger::id::DeviceId::new([1; 16]),
            unknown: Unknown::default(),
        }
    };
    let seal = |pins| {
        seal_record(
            &key(7),
            &record_context(),
            &Payload::Pins(pins),
            &mut rng("r"),
        )
    };
    assert!(seal(big(16)).is_ok());
    assert!(seal(big(17)).is_err());
    let mut unsorted = big(1);
    unsorted.pins.swap(0, 1);
    assert!(seal(unsorted).is_err());
}

#[test]
fn names() {
    let ok = [
        "a",
        " -x ",
        ".hidden",
        "...",
        "a\\b",
        "naïve",
        "日本",
        "\u{200f}",
        &"x".repeat(255),
    ];
    for name in ok {
        assert_eq!(Name::parse(name).unwrap().as_str(), name);
    }
    assert_eq!(Name::parse("e\u{301}").unwrap().as_str(), "é");
    assert_eq!(Name::parse(""), Err(NameError::Empty));
    assert_eq!(Name::parse("."), Err(NameError::Reserved));
    assert_eq!(Name::parse(".."), Err(NameError::Reserved));
    assert_eq!(Name::parse(&"x".repeat(256)), Err(NameError::TooLong(256)));
    assert_eq!(Name::parse(&"é".repeat(128)), Err(NameError::TooLong(256)));
    for bad in [
        '/', '\0', '\n', '\u{7f}', '\u{85}', '\u{202e}', '\u{2066}', '\u{2069}', '\u{2028}',
    ] {
        assert_eq!(
            Name::parse(&format!("a{bad}b")),
            Err(NameError::Forbidden(bad))
        );
    }
}

fn any_record() -> impl Strategy<Value = Record> {
    let text = "[a-zA-Z0-9éß日 .-]{1,40}";
    (
        (
            0..3_u8,
            text,
            any::<Option<[u8; 16]>>(),
            0..1_u64 << 40,
            0..1_u64 << 40,
        ),
        (
            any::<Option<u32>>(),
            prop::collection::vec(1..=255_u8, 0..5),
        ),
        (
            any::<bool>(),
            prop::collection::vec("[^\\p{C}\u{2028}\u{2029}]{1,20}", 0..4),
        ),
    )
        .prop_filter_map(
            "a name",
            |((kind, name, parent, created, modified), rest, more)| {
                let kind = [Kind::Folder, Kind::File, Kind::Note][usize::from(kind)];
                let (trashed, versions) = rest;
                let mut record = Record::new(
                    kind,
                    Name::parse(&name).ok()?,
                    parent.map(NodeId::new),
                    created,
                );
                record.modified_ms = modified;
                record.trashed = trashed.map(|at_ms| Trashed {
                    at_ms: u64::from(at_ms),
                });
                record.tags = more.1;
                if kind != Kind::Folder {
                    record.versions = versions.into_iter().map(version).collect();
                    record.executable = more.0;
                }
                Some(record)
            },
        )
}

proptest! {
    #[test]
    fn records_round_trip(record in any_record()) {
        let payload = Payload::Node(record);
        let cbor = cbor_of(&payload);
        let read = Payload::decode(&cbor).unwrap();
        prop_assert_eq!(format!("{read:?}"), format!("{payload:?}"));
        prop_assert_eq!(cbor_of(&read), cbor);
    }

    /// What is read is what would be written; nothing else is, and nothing panics.
    #[test]
    fn damaged_records_are_refused_or_canonical(
        record in any_record(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut cbor = cbor_of(&Payload::Node(record));
        for (at, byte) in damage {
            let at = at.index(cbor.len());
            cbor[at] = byte;
        }
        if let Ok(read) = Payload::decode(&cbor) {
            prop_assert_eq!(cbor_of(&read), cbor);
        }
    }

    #[test]
    fn any_bytes_are_refused_or_canonical(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(read) = Payload::decode(&bytes) {
            prop_assert_eq!(cbor_of(&read), bytes);
        }
    }

    #[test]
    fn names_are_stable(text in "\\PC{0,80}") {
        if let Ok(name) = Name::parse(&text) {
            prop_assert_eq!(Name::parse(name.as_str()), Ok(name.clone()));
            prop_assert!((1..=255).contains(&name.as_str().len()));
        }
    }
}
