//! Fernet tokens: every boundary, and everything that must be refused.

use data_encoding::{BASE64URL, BASE64URL_NOPAD};
use hmac::Mac;
use proptest::prelude::*;
use sv_ledger::limits::{BLOCK_LEN, FERNET_LEN};
use sv_ledger::sealed::{token_blocks, token_len};

use super::support::*;
use crate::error::{FernetError, SealError};
use crate::fernet::*;
use crate::secret::FernetKey;

const NOW: u64 = 1_700_000_000;

fn token(key: &FernetKey, plaintext: &[u8]) -> Vec<u8> {
    seal_token(key, NOW, plaintext, &mut rng("token")).unwrap()
}

fn plaintext(size: usize) -> Vec<u8> {
    (0..=250).cycle().take(size).collect()
}

fn open(key: &FernetKey, token: &[u8]) -> Result<Vec<u8>, FernetError> {
    open_token(&key.clone().into(), token).map(|plaintext| plaintext.to_vec())
}

/// A token of any bytes at all with a right signature: what whoever has the
/// signing half can make.
fn signed(key: &FernetKey, bytes: &[u8]) -> Vec<u8> {
    let mut mac = key.mac();
    mac.update(bytes);
    let whole = [bytes, &mac.finalize().into_bytes()[..]].concat();
    BASE64URL.encode(&whole).into_bytes()
}

fn round_trip(size: usize, piece: usize) {
    let (key, plaintext) = (key::<FernetKey>(7), plaintext(size));
    let mut token = Vec::new();
    let mut writer = TokenWriter::with_iv(&key, NOW, &[9; 16]).unwrap();
    for piece in plaintext.chunks(piece) {
        writer.push(piece, &mut token).unwrap();
    }
    writer.finish(&mut token).unwrap();
    assert_eq!(token_len(size as u64), Some(token.len() as u64), "{size}");
    let blocks = token.chunks(BLOCK_LEN);
    assert_eq!(token_blocks(size as u64), Some(blocks.len() as u32));
    let keys = key.into();
    let mut verifier = Verifier::new(&keys);
    for block in blocks.clone() {
        verifier.push(block).unwrap();
    }
    let verified = verifier.finish().unwrap();
    assert_eq!(
        (verified.size(), verified.timestamp_s()),
        (size as u64, NOW)
    );
    let mut reader = verified.into_reader();
    let (mut opened, mut piece) = (Vec::new(), Vec::new());
    for block in blocks {
        reader.open_next(block, &mut piece).unwrap();
        opened.extend_from_slice(&piece);
    }
    reader.finish().unwrap();
    assert!(opened == plaintext, "{size}");
}

#[test]
fn sizes_next_to_every_boundary_of_a_token() {
    // A block of text has 3 MiB of bytes, of which 25 are the first one's
    // header, and 32 the last one's signature.
    let edges: [usize; 7] = [0, 16, 32, 3 << 20, (3 << 20) - 25, (3 << 20) - 57, 6 << 20];
    for edge in edges {
        for size in [
            edge.saturating_sub(17),
            edge.saturating_sub(1),
            edge,
            edge + 1,
            edge + 16,
        ] {
            round_trip(size, 1 << 20);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_token_in_any_pieces(size in 0..5_000usize, piece in 1..700usize) {
        round_trip(size, piece);
    }

    #[test]
    fn no_bytes_at_all_make_a_fernet_reader_panic(text in "[A-Za-z0-9_=-]{0,300}") {
        let _ = open(&key(7), text.as_bytes());
        let like_one = format!("gAAA{text}");
        prop_assert!(open(&key(7), like_one.as_bytes()).is_err());
    }
}

/// Needs the comparison of the signature.
#[test]
fn a21_every_bit_of_a_fernet_token_counts() {
    let key = key(7);
    let token = token(&key, b"forty bytes of plaintext, a little more.");
    for at in 0..token.len() {
        for bit in 0..8 {
            let mut altered = token.clone();
            altered[at] ^= 1 << bit;
            assert!(open(&key, &altered).is_err(), "byte {at}, bit {bit}");
        }
        assert!(open(&key, &token[..at]).is_err());
    }
    let more: [&[u8]; 4] = [b"=", b"A", b"AAAA", &token];
    for more in more {
        assert!(open(&key, &[&token, more].concat()).is_err());
    }
    assert!(open(&key, &token).is_ok());
}

/// Base64 that says the same otherwise: padding in the middle or left out, or
/// bits that are cut off, would give one token many texts.
#[test]
fn a21_a_token_has_one_text() {
    let key = key(7);
    for size in [0, 16, 32] {
        let whole = token(&key, &plaintext(size));
        let bytes = BASE64URL.decode(&whole).unwrap();
        let (start, end) = bytes.split_at(40);
        let text = [BASE64URL.encode(start), BASE64URL.encode(end)].concat();
        assert_eq!(open(&key, text.as_bytes()), Err(FernetError::Tampered));
        let bare = BASE64URL_NOPAD.encode(&bytes).into_bytes();
        if bare != whole {
            assert_eq!(open(&key, &bare), Err(FernetError::Tampered));
            let mut stray = whole.clone();
            let last = whole.iter().rposition(|c| *c != b'=').unwrap();
            stray[last] += 1;
            assert_eq!(open(&key, &stray), Err(FernetError::Tampered));
        }
    }
}

/// Wrong in five ways behind a right signature, and once without one: nothing
/// but one answer.
#[test]
fn a21_fernet_is_no_padding_oracle() {
    let key = key(7);
    let good = BASE64URL.decode(&token(&key, &plaintext(40))).unwrap();
    let body = &good[..good.len() - 32];
    let mut causes = vec![
        signed(&key, &body[..body.len() - 16]),
        signed(&key, &body[..body.len() - 1]),
        signed(&key, &body[..25]),
        signed(&key, &body[..9]),
    ];
    for last in 0..8 {
        let mut altered = body.to_vec();
        let at = altered.len() - 17;
        altered[at] ^= 0x80 | last;
        causes.push(signed(&key, &altered));
    }
    causes.push(token(&super::support::key(8), &plaintext(40)));
    for cause in causes {
        assert_eq!(open(&key, &cause), Err(FernetError::Tampered));
    }
    assert!(open(&key, &signed(&key, body)).is_ok());
}

/// Needs the hash of each block: a file can be changed between two passes.
#[test]
fn a21_what_changes_after_the_first_pass_is_not_decrypted() {
    let keys = key::<FernetKey>(7).into();
    let whole = token(&key(7), &plaintext(7 << 20));
    let blocks: Vec<_> = whole.chunks(BLOCK_LEN).collect();
    let read = |second: &[&[u8]]| {
        let mut verifier = Verifier::new(&keys);
        blocks
            .iter()
            .for_each(|block| verifier.push(block).unwrap());
        let mut reader = verifier.finish().unwrap().into_reader();
        let mut plaintext = vec![1; 9];
        for block in second {
            if let Err(error) = reader.open_next(block, &mut plaintext) {
                assert!(plaintext.is_empty());
                return Err(error);
            }
        }
        reader.finish()
    };
    assert_eq!(read(&blocks), Ok(()));
    let mut altered = blocks[1].to_vec();
    altered[100_000] ^= 1;
    let wrong: [&[&[u8]]; 4] = [
        &[blocks[0], &altered, blocks[2]],
        &[blocks[1], blocks[0], blocks[2]],
        &[blocks[0], blocks[1]],
        &[blocks[0], blocks[1], blocks[2], blocks[2]],
    ];
    for second in wrong {
        assert_eq!(read(second), Err(FernetError::Tampered));
    }
}

#[test]
fn several_keys_are_tried_in_order() {
    let keys = FernetKeys::new(vec![key(7), key(8), key(8)]).unwrap();
    for (byte, index) in [(7, 0), (8, 1)] {
        let token = token(&key(byte), b"hello");
        let mut verifier = Verifier::new(&keys);
        verifier.push(&token).unwrap();
        assert_eq!(verifier.finish().unwrap().key_index(), index);
        assert_eq!(open_token(&keys, &token).unwrap().as_slice(), b"hello");
    }
    let other = token(&key(9), b"hello");
    assert_eq!(open_token(&keys, &other).err(), Some(FernetError::Tampered));
    assert_eq!(
        FernetKeys::new(Vec::new()).err(),
        Some(FernetError::NotAKey)
    );
}

/// The signature says nothing about the encryption half: with one signing half
/// and two encryption halves a token has two contents. Asked for together, the
/// keys are refused.
#[test]
fn a53_keys_that_share_their_signing_half_are_refused() {
    use crate::secret::SecretKey;
    let first = FernetKey::from_bytes(&[7; 32]).unwrap();
    let halves = [[7; 16], [8; 16]].concat();
    let second = FernetKey::from_bytes(&halves).unwrap();
    // One in 2^16 has a padding under both keys.
    let two_faced = (0..1u32 << 21).find_map(|nth| {
        let drawn = blake3::hash(&nth.to_be_bytes());
        let bytes = [&[0x80][..], &NOW.to_be_bytes()[..], drawn.as_bytes()].concat();
        let token = signed(&first, &bytes);
        Some((open(&first, &token).ok()?, open(&second, &token).ok()?))
    });
    let (one, two) = two_faced.unwrap();
    assert_ne!(one, two);
    let both = FernetKeys::new(vec![first.clone(), second]);
    assert_eq!(both.err(), Some(FernetError::AmbiguousKeys));
    assert!(FernetKeys::new(vec![first.clone(), first]).is_ok());
}

#[test]
fn a_token_has_an_age_only_if_one_is_asked_for() {
    let keys = key::<FernetKey>(7).into();
    let whole = token(&key(7), b"hello");
    let mut verifier = Verifier::new(&keys);
    verifier.push(&whole).unwrap();
    let verified = verifier.finish().unwrap();
    for (ttl_s, now_s, verdict) in [
        (60, NOW + 60, Ok(())),
        (60, NOW + 61, Err(FernetError::Expired)),
        (60, NOW - 60, Ok(())),
        (60, NOW - 61, Err(FernetError::FromTheFuture)),
        (u64::MAX, u64::MAX, Ok(())),
        (0, NOW, Ok(())),
    ] {
        assert_eq!(verified.check_age(ttl_s, now_s), verdict, "{ttl_s} {now_s}");
    }
}

#[test]
fn keys_are_read_strictly_and_written_back() {
    let text = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
    let key = FernetKey::parse(&format!("  {text}\n")).unwrap();
    assert_eq!(key.to_text().as_str(), text);
    let zeros = "A".repeat(43) + "=";
    for wrong in ["", "cw_0", &text[..43], &text.replace('_', "/"), &zeros] {
        assert_eq!(
            FernetKey::parse(wrong).err(),
            Some(FernetError::NotAKey),
            "{wrong}"
        );
    }
    assert!(!format!("{key:?}").contains("cw_0"));
}

/// Refused by length, before anything is kept.
#[test]
fn a_token_over_the_limit_is_refused() {
    let key = key::<FernetKey>(7);
    let mut writer = TokenWriter::new(&key, NOW, &mut rng("large")).unwrap();
    let mut text = Vec::new();
    let over = writer.push(&vec![0; FERNET_LEN + 1], &mut text);
    assert_eq!(over, Err(SealError::TooLarge("Fernet token")));
    writer.push(&[0; 5], &mut text).unwrap();
    let over = writer.push(&vec![0; FERNET_LEN - 4], &mut text);
    assert_eq!(over, Err(SealError::TooLarge("Fernet token")));

    let keys = key.into();
    let mut verifier = Verifier::new(&keys);
    let mut block = vec![b'A'; BLOCK_LEN];
    block[..4].copy_from_slice(b"gAAA");
    let refused = (0..=171).find_map(|_| verifier.push(&block).err());
    assert_eq!(refused, Some(FernetError::TooLarge));
}
