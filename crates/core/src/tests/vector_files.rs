//! The vector files: regenerated and compared, then run. To write them anew
//! after a change of format, run with `SV_WRITE_VECTORS=1`.

use std::fmt::Write;
use std::path::Path;

use data_encoding::HEXLOWER;

use super::support::*;
use crate::account::AccountKeys;
use crate::content::seal_block;
use crate::local::{Purpose, seal_local};
use crate::record::seal_record;
use crate::secret::{AccountRootKey, SecretKey, VaultKey};
use crate::unlock::*;
use crate::vault_key::{ENVELOPE_LEN, seal_envelope, seal_unchecked};
use crate::vectors::{FILES, run_vectors};

#[test]
fn vector_files_are_what_this_code_makes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors");
    for ((name, stored), made) in FILES.iter().zip([keys(), records(), contents()]) {
        if std::env::var_os("SV_WRITE_VECTORS").is_some() {
            std::fs::write(folder.join(name), &made).unwrap();
        } else {
            assert!(*stored == made, "{name} differs from what this code makes");
        }
    }
}

#[test]
fn vectors_run() {
    if std::env::var_os("SV_WRITE_VECTORS").is_none() {
        assert!(run_vectors().unwrap() >= 60);
    }
}

/// A file being written.
struct File(String);

impl File {
    fn new(about: &str) -> Self {
        Self(format!(
            "# {about} Made by crates/core, checked by its `run_vectors`.\n\
             # Hexadecimal, but for case, op, verdict, words and seed, and decimal numbers.\n\
             # `sealed` of a case with a seed is what sealing gives with that seed.\n"
        ))
    }

    fn case(&mut self, name: &str, op: &str, verdict: &str, fields: &[(&str, String)]) {
        write!(self.0, "\ncase: {name}\nop: {op}\nverdict: {verdict}\n").unwrap();
        for (field, value) in fields {
            writeln!(self.0, "{field}: {value}").unwrap();
        }
    }

    /// One case that opens, and one for each damage to it.
    fn sealed(
        &mut self,
        op: &str,
        ctx: &[(&str, String)],
        plaintext: &[u8],
        seal: impl Fn(&mut SeededRng) -> Vec<u8>,
        changed: &[(&str, String)],
    ) {
        let seed = format!("vector {op} {}", self.0.len());
        let good = seal(&mut rng(&seed));
        let opens = [
            ctx,
            &[
                ("seed", seed),
                ("sealed", HEXLOWER.encode(&good)),
                ("plaintext", HEXLOWER.encode(plaintext)),
            ],
        ];
        self.case(&format!("{op} opens"), op, "ok", &opens.concat());
        let last = 8 * good.len() - 8;
        let damages = [
            ("first bit", flipped(&good, 0)),
            ("last byte", flipped(&good, last)),
            ("cut", good[..good.len() - 1].to_vec()),
            ("extended", [good.as_slice(), &[0]].concat()),
        ];
        for (what, bytes) in damages {
            let fields = [ctx, &[("sealed", HEXLOWER.encode(&bytes))]].concat();
            self.case(&format!("{op}, {what}"), op, "reject", &fields);
        }
        for (field, value) in changed {
            let mut fields = ctx.to_vec();
            fields
                .iter_mut()
                .filter(|(f, _)| f == field)
                .for_each(|(_, v)| *v = value.clone());
            fields.push(("sealed", HEXLOWER.encode(&good)));
            self.case(&format!("{op}, other {field}"), op, "reject", &fields);
        }
    }
}

fn repeated(byte: u8, len: usize) -> String {
    HEXLOWER.encode(&vec![byte; len])
}

fn keys() -> String {
    let mut file = File::new("Accounts, recovery keys, wraps and envelopes.");
    for generation in [1, 2, u32::MAX] {
        let keys = AccountKeys::derive(&key(7), generation);
        let fields = [
            ("ark", repeated(7, 32)),
            ("generation", generation.to_string()),
            ("sign_pk", HEXLOWER.encode(keys.public().sign_pk.as_bytes())),
            (
                "kem_hash",
                HEXLOWER.encode(keys.public().kem_pk.hash().as_bytes()),
            ),
            ("account_vk", HEXLOWER.encode(keys.vault_key().expose())),
            ("local", HEXLOWER.encode(keys.local_key().expose())),
        ];
        file.case(
            &format!("generation {generation}"),
            "account",
            "ok",
            &fields,
        );
    }
    recovery_cases(&mut file);

    let ctx = wrap_context();
    let wrap_fields = |unlocker: (&'static str, String), kind: u8| {
        [
            unlocker,
            ("uid", HEXLOWER.encode(ctx.uid.as_bytes())),
            ("unlocker_id", HEXLOWER.encode(ctx.unlocker_id.as_bytes())),
            ("kind", kind.to_string()),
            ("generation", "1".to_owned()),
        ]
    };
    let export_key = [5; 64];
    let by_password = crate::secret::Kek::from_export_key(&export_key).unwrap();
    file.sealed(
        "wrap",
        &wrap_fields(("export_key", repeated(5, 64)), 1),
        &[7; 32],
        |rng| wrap_root_key(&by_password, &key(7), &ctx, rng).unwrap(),
        &[
            ("export_key", repeated(6, 64)),
            ("uid", repeated(0x12, 32)),
            ("unlocker_id", repeated(0x56, 16)),
            ("kind", "2".to_owned()),
            ("generation", "2".to_owned()),
        ],
    );
    let recovery_ctx = WrapContext {
        kind: UnlockerKind::Recovery,
        ..ctx
    };
    let kek = key::<RecoveryKey>(0x7f).kek();
    file.sealed(
        "wrap",
        &wrap_fields(("kek", HEXLOWER.encode(kek.expose())), 2),
        &[7; 32],
        |rng| wrap_root_key(&kek, &key(7), &recovery_ctx, rng).unwrap(),
        &[("kind", "1".to_owned())],
    );
    let rest = rest_context();
    file.sealed(
        "at-rest",
        &[
            ("device_key", repeated(8, 32)),
            ("instance_id", HEXLOWER.encode(rest.instance_id.as_bytes())),
            ("uid", HEXLOWER.encode(rest.uid.as_bytes())),
            ("generation", "1".to_owned()),
            ("session_id", repeated(0x55, 16)),
        ],
        &[7; 32],
        |rng| seal_root_at_rest(&key(8), &key::<AccountRootKey>(7), &rest, rng).unwrap(),
        &[
            ("instance_id", repeated(0x67, 32)),
            ("uid", repeated(0x12, 32)),
            ("generation", "2".to_owned()),
            ("session_id", repeated(0x56, 16)),
        ],
    );
    vault_key_cases(&mut file);
    file.0
}

fn recovery_cases(file: &mut File) {
    let recovery = key::<RecoveryKey>(0x7f);
    let words = recovery.to_words();
    let fields = |words: &str| {
        [
            ("words", words.to_owned()),
            ("entropy", HEXLOWER.encode(recovery.expose())),
            ("kek", HEXLOWER.encode(recovery.kek().expose())),
            (
                "auth_pk",
                HEXLOWER.encode(recovery.auth().public().as_bytes()),
            ),
        ]
    };
    file.case("24 words", "recovery", "ok", &fields(&words));
    file.case(
        "in capitals",
        "recovery",
        "ok",
        &fields(&words.to_uppercase()),
    );
    let refused = [
        ("23 words", words.trim_end_matches(" title").to_owned()),
        ("an unknown word", words.replacen("winner", "winer", 1)),
        (
            "a wrong checksum",
            words.replacen("legal winner", "winner legal", 1),
        ),
        ("an all-zero key", format!("{}art", "abandon ".repeat(23))),
    ];
    for (name, words) in refused {
        file.case(name, "recovery", "reject", &[("words", words)]);
    }
}

fn vault_key_cases(file: &mut File) {
    let (new, old) = (key::<VaultKey>(4), key::<VaultKey>(3));
    let commitment =
        |key: &VaultKey, epoch| HEXLOWER.encode(key.commitment(&VAULT, epoch).as_bytes());
    file.sealed(
        "previous",
        &[
            ("vault_key", repeated(4, 32)),
            ("vault_id", HEXLOWER.encode(VAULT.as_bytes())),
            ("epoch", "2".to_owned()),
            ("commitment", commitment(&old, 1)),
        ],
        &[3; 32],
        |rng| new.seal_previous(&old, &VAULT, 2, rng).unwrap().to_vec(),
        &[
            ("vault_key", repeated(3, 32)),
            ("vault_id", HEXLOWER.encode(UID.as_bytes())),
            ("epoch", "3".to_owned()),
            ("commitment", commitment(&new, 1)),
        ],
    );
    let receiver = key::<VaultKey>(2).kem();
    let header = envelope_header(&new, receiver.public().hash());
    let sealed = seal_envelope(&header, receiver.public(), &new, &mut rng("header")).unwrap();
    let header_len = ENVELOPE_LEN - 1120 - 48;
    let expected = &sealed[..header_len];
    let ctx = [
        ("receiver_vault_key", repeated(2, 32)),
        ("expected", HEXLOWER.encode(expected)),
    ];
    // The least bit of each field of the header: vault, epoch, granter and its
    // generation, principal and its generation, KEM hash, role, commitment, member hash.
    let fields = [32, 36, 68, 72, 104, 108, 140, 141, 173, 205];
    let changed: Vec<_> = fields
        .iter()
        .map(|byte| ("expected", HEXLOWER.encode(&flipped(expected, 8 * byte))))
        .chain([("receiver_vault_key", repeated(5, 32))])
        .collect();
    let seal = |rng: &mut SeededRng| seal_envelope(&header, receiver.public(), &new, rng).unwrap();
    file.sealed("envelope", &ctx, &[4; 32], seal, &changed);
    let lying = seal_unchecked(&header, receiver.public(), &old, &mut rng("lying")).unwrap();
    let fields = [ctx.as_slice(), &[("sealed", HEXLOWER.encode(&lying))]].concat();
    file.case("envelope around another key", "envelope", "reject", &fields);
}

fn records() -> String {
    let mut file = File::new("Records and local state.");
    let place = record_context();
    let ctx = [
        ("vault_key", repeated(7, 32)),
        ("vault_id", HEXLOWER.encode(place.vault_id.as_bytes())),
        ("node_id", HEXLOWER.encode(place.node_id.as_bytes())),
        ("epoch", "1".to_owned()),
        ("rev", "1".to_owned()),
    ];
    let changed = [
        ("vault_key", repeated(8, 32)),
        ("vault_id", HEXLOWER.encode(UID.as_bytes())),
        ("node_id", repeated(0x34, 16)),
        ("epoch", "2".to_owned()),
        ("rev", "2".to_owned()),
    ];
    for (index, payload) in payloads().iter().enumerate() {
        let cbor = payload.encode().unwrap();
        let seal = |rng: &mut SeededRng| seal_record(&key(7), &place, payload, rng).unwrap();
        // All damages once; for the other kinds the one good case says enough.
        if index == 0 {
            file.sealed("record", &ctx, &cbor, seal, &changed);
        } else {
            file.case(
                "record",
                "record",
                "ok",
                &good_record(&ctx, index, &cbor, seal),
            );
        }
    }
    let local = [
        ("local_key", repeated(9, 32)),
        ("context", HEXLOWER.encode(b"upload 1")),
    ];
    let seal = |rng: &mut SeededRng| {
        seal_local(&key(9), Purpose::Resume, b"upload 1", b"state", rng).unwrap()
    };
    let changed = [
        ("local_key", repeated(8, 32)),
        ("context", HEXLOWER.encode(b"upload 2")),
    ];
    file.sealed("local", &local, b"state", seal, &changed);
    file.0
}

fn good_record(
    ctx: &[(&'static str, String)],
    index: usize,
    cbor: &[u8],
    seal: impl Fn(&mut SeededRng) -> Vec<u8>,
) -> Vec<(&'static str, String)> {
    let seed = format!("vector record {index}");
    let sealed = seal(&mut rng(&seed));
    let more = [
        ("seed", seed),
        ("sealed", HEXLOWER.encode(&sealed)),
        ("plaintext", HEXLOWER.encode(cbor)),
    ];
    [ctx, &more].concat()
}

fn contents() -> String {
    let mut file = File::new("Blocks of contents.");
    let ctx = [
        ("content_key", repeated(1, 32)),
        ("content_id", HEXLOWER.encode(CONTENT.as_bytes())),
        ("index", "3".to_owned()),
    ];
    let changed = [
        ("content_key", repeated(2, 32)),
        ("content_id", repeated(0x45, 16)),
        ("index", "4".to_owned()),
    ];
    let seal = |rng: &mut SeededRng| seal_block(&key(1), &CONTENT, 3, b"hello", rng).unwrap();
    file.sealed("block", &ctx, b"hello", seal, &changed);
    for len in [1, 262_143, 262_144, 262_145, 524_288, 4_194_304] {
        let seed = format!("vector block {len}");
        let plaintext: Vec<u8> = (0..=250).cycle().take(len).collect();
        let sealed = seal_block(&key(1), &CONTENT, 3, &plaintext, &mut rng(&seed)).unwrap();
        let more = [
            ("len", len.to_string()),
            ("seed", seed),
            ("sealed_blake3", blake3::hash(&sealed).to_hex().to_string()),
        ];
        file.case(
            &format!("block of {len}"),
            "block",
            "ok",
            &[ctx.as_slice(), &more].concat(),
        );
    }
    file.0
}
