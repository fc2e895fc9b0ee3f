//! The vectors of `docs/spec/vectors`, checked by a plain function so that a
//! browser build can run it too. A file is a list of cases, separated by blank
//! lines, each of lines `name: value`; values are hexadecimal unless the
//! file's head says otherwise.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use rand_core::{Infallible, TryCryptoRng, TryRng};
use sv_ledger::id::{ContentId, InstanceId, NodeId, SessionId, UnlockerId, VaultId};

use crate::account::AccountKeys;
use crate::content::{ContentSuite, open_block, seal_block};
use crate::local::{Purpose, open_local, seal_local};
use crate::record::{RecordContext, open_record, seal_record};
use crate::secret::{AccountRootKey, ContentKey, DeviceKey, Kek, LocalKey, SecretKey, VaultKey};
use crate::unlock::*;
use crate::vault_key::{open_envelope, peek_envelope, seal_envelope};

mod fernet;

/// Every vector file of this crate in its own format, by name.
pub const FILES: [(&str, &str); 3] = [
    (
        "core-keys.txt",
        include_str!("../../../docs/spec/vectors/core-keys.txt"),
    ),
    (
        "core-records.txt",
        include_str!("../../../docs/spec/vectors/core-records.txt"),
    ),
    (
        "core-content.txt",
        include_str!("../../../docs/spec/vectors/core-content.txt"),
    ),
];

/// Runs every case and says how many there were.
///
/// # Errors
/// The first case whose verdict is not the file's.
pub fn run_vectors() -> Result<usize, String> {
    let mut count = fernet::run()?;
    for (file, text) in FILES {
        for case in parse(text) {
            run(&case).map_err(|what| format!("{file}, {}: {what}", case.text("case")))?;
            count += 1;
        }
    }
    Ok(count)
}

/// The cases of a file; lines that start with `#` are comments.
fn parse(text: &str) -> Vec<Case<'_>> {
    text.split("\n\n")
        .map(|block| block.lines().filter(|line| !line.starts_with('#')))
        .map(|lines| Case(lines.filter_map(|line| line.split_once(": ")).collect()))
        .filter(|case| !case.0.is_empty())
        .collect()
}

struct Case<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Case<'a> {
    fn text(&self, field: &str) -> &'a str {
        self.0.get(field).copied().unwrap_or_default()
    }

    fn bytes(&self, field: &str) -> Result<Vec<u8>, String> {
        HEXLOWER
            .decode(self.text(field).as_bytes())
            .map_err(|_| format!("{field} is not hex"))
    }

    fn array<const N: usize>(&self, field: &str) -> Result<[u8; N], String> {
        self.bytes(field)?
            .try_into()
            .map_err(|_| format!("{field} has another length"))
    }

    fn number(&self, field: &str) -> Result<u64, String> {
        self.text(field)
            .parse()
            .map_err(|_| format!("{field} is no number"))
    }

    fn small(&self, field: &str) -> Result<u32, String> {
        self.number(field)?
            .try_into()
            .map_err(|_| format!("{field} is too large"))
    }

    fn key<K: SecretKey>(&self, field: &str) -> Result<K, String> {
        K::from_bytes(&self.bytes(field)?).map_err(|_| format!("{field} is no key"))
    }

    fn expect(&self, field: &str, actual: &[u8]) -> Result<(), String> {
        if self.bytes(field)? == actual {
            Ok(())
        } else {
            Err(format!("{field} differs"))
        }
    }

    /// Compares what was opened with the verdict and `plaintext`, and, if the
    /// case has a seed, what sealing gives with `sealed`.
    fn judge(
        &self,
        opened: Option<&[u8]>,
        seal: impl FnOnce(&mut SeededRng) -> Result<Vec<u8>, crate::error::SealError>,
    ) -> Result<(), String> {
        match (self.text("verdict"), opened) {
            ("ok", Some(plaintext)) => self.expect("plaintext", plaintext)?,
            ("reject", None) => {}
            _ => return Err("another verdict".to_owned()),
        }
        if self.text("seed").is_empty() {
            return Ok(());
        }
        let sealed = seal(&mut SeededRng::new(self.text("seed"))).map_err(|e| e.to_string())?;
        self.expect("sealed", &sealed)
    }
}

fn run(case: &Case<'_>) -> Result<(), String> {
    match case.text("op") {
        "account" => account(case),
        "recovery" => recovery(case),
        "wrap" => wrap(case),
        "at-rest" => at_rest(case),
        "previous" => previous(case),
        "envelope" => envelope(case),
        "record" => record(case),
        "local" => local(case),
        "block" => block(case),
        _ => Err("unknown op".to_owned()),
    }
}

fn account(case: &Case<'_>) -> Result<(), String> {
    let ark = case.key::<AccountRootKey>("ark")?;
    let keys = AccountKeys::derive(&ark, case.small("generation")?);
    case.expect("sign_pk", keys.public().sign_pk.as_bytes())?;
    case.expect("kem_hash", keys.public().kem_pk.hash().as_bytes())?;
    case.expect("account_vk", keys.vault_key().expose())?;
    case.expect("local", keys.local_key().expose())
}

fn recovery(case: &Case<'_>) -> Result<(), String> {
    let parsed = RecoveryKey::parse(case.text("words"));
    let Ok(key) = parsed else {
        return if case.text("verdict") == "reject" {
            Ok(())
        } else {
            Err("refused".to_owned())
        };
    };
    case.expect("entropy", key.expose())?;
    case.expect("kek", key.kek().expose())?;
    case.expect("auth_pk", key.auth().public().as_bytes())
}

fn wrap(case: &Case<'_>) -> Result<(), String> {
    let kek = match case.text("export_key") {
        "" => case.key::<Kek>("kek")?,
        _ => Kek::from_export_key(&case.array("export_key")?).map_err(|e| e.to_string())?,
    };
    let kind = if case.text("kind") == "1" {
        UnlockerKind::Password
    } else {
        UnlockerKind::Recovery
    };
    let ctx = WrapContext {
        uid: VaultId::new(case.array("uid")?),
        unlocker_id: UnlockerId::new(case.array("unlocker_id")?),
        kind,
        generation: case.small("generation")?,
    };
    let opened = unwrap_root_key(&kek, &case.bytes("sealed")?, &ctx).ok();
    case.judge(opened.as_ref().map(|ark| ark.expose().as_slice()), |rng| {
        let ark = opened.as_ref().ok_or(crate::error::SealError::Cipher)?;
        wrap_root_key(&kek, ark, &ctx, rng)
    })
}

fn at_rest(case: &Case<'_>) -> Result<(), String> {
    let device = case.key::<DeviceKey>("device_key")?;
    let ctx = RestContext {
        instance_id: InstanceId::new(case.array("instance_id")?),
        uid: VaultId::new(case.array("uid")?),
        generation: case.small("generation")?,
        holder: Holder::Session(SessionId::new(case.array("session_id")?)),
    };
    let opened = open_root_at_rest(&device, &case.bytes("sealed")?, &ctx).ok();
    case.judge(opened.as_ref().map(|ark| ark.expose().as_slice()), |rng| {
        let ark = opened.as_ref().ok_or(crate::error::SealError::Cipher)?;
        seal_root_at_rest(&device, ark, &ctx, rng)
    })
}

fn previous(case: &Case<'_>) -> Result<(), String> {
    let key = case.key::<VaultKey>("vault_key")?;
    let (vault_id, epoch) = (VaultId::new(case.array("vault_id")?), case.small("epoch")?);
    let commitment = sv_ledger::id::Hash::new(case.array("commitment")?);
    let opened = key
        .open_previous(
            &case.bytes("sealed")?,
            &vault_id,
            epoch,
            [(epoch.saturating_sub(1), commitment)],
        )
        .map(|(_, key)| key)
        .ok();
    case.judge(opened.as_ref().map(|key| key.expose().as_slice()), |rng| {
        let previous = opened.as_ref().ok_or(crate::error::SealError::Cipher)?;
        key.seal_previous(previous, &vault_id, epoch, rng)
            .map(|sealed| sealed.to_vec())
    })
}

/// `expected` is the header from the log, as the first bytes of an envelope.
fn envelope(case: &Case<'_>) -> Result<(), String> {
    let receiver = case.key::<VaultKey>("receiver_vault_key")?.kem();
    let mut expected = case.bytes("expected")?;
    expected.resize(crate::vault_key::ENVELOPE_LEN, 0);
    let expected = peek_envelope(&expected).map_err(|e| e.to_string())?;
    let opened = open_envelope(&expected, &receiver, &case.bytes("sealed")?).ok();
    case.judge(opened.as_ref().map(|key| key.expose().as_slice()), |rng| {
        let key = opened.as_ref().ok_or(crate::error::SealError::Cipher)?;
        seal_envelope(&expected, receiver.public(), key, rng)
    })
}

fn record(case: &Case<'_>) -> Result<(), String> {
    let key = case.key::<VaultKey>("vault_key")?;
    let ctx = RecordContext {
        vault_id: VaultId::new(case.array("vault_id")?),
        node_id: NodeId::new(case.array("node_id")?),
        epoch: case.small("epoch")?,
        rev: case.number("rev")?,
        content_suite: ContentSuite::Blocks,
    };
    let opened = open_record(&key, &ctx, &case.bytes("sealed")?).ok();
    let cbor = opened.as_ref().and_then(|payload| payload.encode().ok());
    case.judge(cbor.as_ref().map(|cbor| cbor.as_slice()), |rng| {
        let payload = opened.as_ref().ok_or(crate::error::SealError::Cipher)?;
        seal_record(&key, &ctx, payload, rng)
    })
}

fn local(case: &Case<'_>) -> Result<(), String> {
    let (key, context) = (case.key::<LocalKey>("local_key")?, case.bytes("context")?);
    let opened = open_local(&key, Purpose::Resume, &context, &case.bytes("sealed")?).ok();
    case.judge(
        opened.as_ref().map(|plaintext| plaintext.as_slice()),
        |rng| {
            seal_local(
                &key,
                Purpose::Resume,
                &context,
                &case.bytes("plaintext").unwrap_or_default(),
                rng,
            )
        },
    )
}

/// A long block is given by its length, as bytes 0, 1, … 250, 0, …, and by the
/// BLAKE3 of what it seals to.
fn block(case: &Case<'_>) -> Result<(), String> {
    let key = case.key::<ContentKey>("content_key")?;
    let content_id = ContentId::new(case.array("content_id")?);
    let index = case.number("index")?;
    if case.text("len").is_empty() {
        let opened = open_block(&key, &content_id, index, &case.bytes("sealed")?).ok();
        return case.judge(opened.as_deref(), |rng| {
            seal_block(
                &key,
                &content_id,
                index,
                &case.bytes("plaintext").unwrap_or_default(),
                rng,
            )
        });
    }
    let plaintext: Vec<u8> = (0..=250)
        .cycle()
        .take(case.small("len")? as usize)
        .collect();
    let mut rng = SeededRng::new(case.text("seed"));
    let sealed =
        seal_block(&key, &content_id, index, &plaintext, &mut rng).map_err(|e| e.to_string())?;
    case.expect("sealed_blake3", blake3::hash(&sealed).as_bytes())?;
    let opened = open_block(&key, &content_id, index, &sealed).map_err(|e| e.to_string())?;
    if opened == plaintext {
        Ok(())
    } else {
        Err("opens to something else".to_owned())
    }
}

/// Deterministic randomness for vectors and tests: BLAKE3's output stream over
/// a seed. It exists in no shipped build.
#[derive(Debug)]
pub struct SeededRng(blake3::OutputReader);

impl SeededRng {
    /// The stream of that seed.
    pub fn new(seed: &str) -> Self {
        Self(blake3::Hasher::new().update(seed.as_bytes()).finalize_xof())
    }
}

impl TryRng for SeededRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for SeededRng {}
