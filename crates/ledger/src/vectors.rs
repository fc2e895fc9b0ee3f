//! The ledger's known answers, `docs/spec/vectors/ledger-*.txt`, as a plain
//! function: run natively by `cargo test` and as WebAssembly in a browser.
//!
//! A file of sections, `# kind, what it shows`, each with lines
//! `name: value`; values are hexadecimal but for numbers and verdicts. The
//! files are written by `tests/suite/generate.rs`.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;

use crate::apply::Reject;
use crate::bootstrap::{MembershipChain, replay};
use crate::codec::{ParseError, Reader};
use crate::digest::Accumulator;
use crate::enc::Statement;
use crate::entry::Entry;
use crate::genesis::Genesis;
use crate::handle::Handle;
use crate::id::{NodeId, VaultId};
use crate::principals::Principals;
use crate::sealed::{block_count, box_len, content_len, is_content_shape};
use crate::state::{Leaf, Role, VaultState};
use crate::unlock::{Unlockers, blob_hash, recovery_challenge};

const FILES: [(&str, &str); 5] = [
    (
        "ledger-objects.txt",
        include_str!("../../../docs/spec/vectors/ledger-objects.txt"),
    ),
    (
        "ledger-logs.txt",
        include_str!("../../../docs/spec/vectors/ledger-logs.txt"),
    ),
    (
        "ledger-digests.txt",
        include_str!("../../../docs/spec/vectors/ledger-digests.txt"),
    ),
    (
        "ledger-lengths.txt",
        include_str!("../../../docs/spec/vectors/ledger-lengths.txt"),
    ),
    (
        "ledger-handles.txt",
        include_str!("../../../docs/spec/vectors/ledger-handles.txt"),
    ),
];

/// Runs every vector. Gives their number, or what the first wrong one is.
///
/// # Errors
/// The file, the section and what is wrong with it.
pub fn run() -> Result<usize, String> {
    let mut count = 0;
    for (name, text) in FILES {
        let sections = parse(text);
        let mut told = Told::default();
        for (title, section) in &sections {
            run_one(title, section, &mut told).map_err(|why| format!("{name}, {title}: {why}"))?;
        }
        count += sections.len();
    }
    Ok(count)
}

/// What earlier sections of a file have told.
#[derive(Default)]
struct Told {
    log: Option<Log>,
    principals: Principals,
}

fn run_one(title: &str, s: &Section, told: &mut Told) -> Result<(), String> {
    let Told { log, principals } = told;
    let (kind, _) = title.split_once(", ").ok_or("no kind")?;
    match kind {
        "genesis" => genesis(s),
        "entry" => entry(s),
        "unlockers" => unlockers(s),
        "recovery challenge" => challenge(s),
        "body" => s.expect("hash", blob_hash(&s.bytes("bytes")?).as_bytes()),
        "malformed" => malformed(s),
        "log" => start_log(s, log),
        "apply" => log.as_mut().ok_or("no log")?.apply(s, principals),
        "checkpoint" => log.as_ref().ok_or("no log")?.checkpoint(s, principals),
        "principal" => principal(s, log.as_ref().ok_or("no log")?, principals),
        "leaves" => leaves(s),
        "box" => s.expect_number("sealed", box_len(s.number("plaintext")? as usize) as u64),
        "content" => content(s),
        "shape" => {
            let blocks = u32::try_from(s.number("blocks")?).map_err(|e| e.to_string())?;
            let is_shape = is_content_shape(s.number("sealed")?, blocks);
            s.verdict(if is_shape { Ok(()) } else { Err("Refused") })
        }
        "handle" => handle(s),
        other => Err(format!("unknown kind {other:?}")),
    }
}

fn genesis(s: &Section) -> Result<(), String> {
    let bytes = s.bytes("bytes")?;
    let genesis = Genesis::parse(&bytes).map_err(|e| e.to_string())?;
    same("written", &genesis.to_bytes(), &bytes)?;
    s.expect("hash", genesis.hash().as_bytes())?;
    s.expect("vault_id", genesis.vault_id().as_bytes())?;
    let input = Statement::Genesis.signing_input(&genesis.hash());
    s.expect("signing_input", &input)?;
    s.expect("kem_hash", genesis.body().kem_pk.hash().as_bytes())?;
    if genesis.is_signed() {
        Ok(())
    } else {
        Err("the signature is not valid".to_owned())
    }
}

fn entry(s: &Section) -> Result<(), String> {
    let bytes = s.bytes("bytes")?;
    let entry = Entry::parse(&bytes).map_err(|e| e.to_string())?;
    same("written", &entry.to_bytes(), &bytes)?;
    s.expect("hash", entry.hash().as_bytes())?;
    let input = Statement::Entry.signing_input(&entry.hash());
    s.expect("signing_input", &input)?;
    let key = Reader::new(&s.bytes("public_key")?)
        .sign_public_key()
        .map_err(|e| e.to_string())?;
    if entry.is_signed_by(&key) {
        Ok(())
    } else {
        Err("the signature is not valid".to_owned())
    }
}

fn unlockers(s: &Section) -> Result<(), String> {
    let bytes = s.bytes("bytes")?;
    let unlockers = Unlockers::parse(&bytes).map_err(|e| e.to_string())?;
    same("written", &unlockers.to_bytes(), &bytes)?;
    let hash = unlockers.claimed().hash();
    s.expect("hash", hash.as_bytes())?;
    s.expect("signing_input", &Statement::Unlockers.signing_input(&hash))?;
    let key = Reader::new(&s.bytes("public_key")?)
        .sign_public_key()
        .map_err(|e| e.to_string())?;
    unlockers
        .verify(&key)
        .map(drop)
        .ok_or("the signature is not valid".to_owned())
}

fn challenge(s: &Section) -> Result<(), String> {
    let (instance, nonce) = (s.bytes("instance_id")?, s.bytes("nonce")?);
    let instance = Reader::new(&instance).instance_id();
    let nonce = Reader::new(&nonce).array();
    let handle = s.text("handle").map(|text| Handle::parse(&text))?;
    let (Ok(instance), Ok(nonce), Ok(handle)) = (instance, nonce, handle) else {
        return Err("malformed".to_owned());
    };
    let hash = recovery_challenge(&instance, &handle, &nonce);
    s.expect("hash", hash.as_bytes())?;
    let input = Statement::RecoveryProof.signing_input(&hash);
    s.expect("signing_input", &input)
}

fn malformed(s: &Section) -> Result<(), String> {
    let bytes = s.bytes("bytes")?;
    let got: Result<(), ParseError> = match s.line("type")? {
        "genesis" => Genesis::parse(&bytes).map(drop),
        "entry" => Entry::parse(&bytes).map(drop),
        "unlockers" => Unlockers::parse(&bytes).map(drop),
        other => return Err(format!("unknown type {other:?}")),
    };
    s.verdict(got)
}

/// A log as far as the sections before have told it.
struct Log {
    genesis: Genesis,
    state: VaultState,
    leaves: BTreeMap<NodeId, Leaf>,
    entries: Vec<Entry>,
}

fn start_log(s: &Section, log: &mut Option<Log>) -> Result<(), String> {
    let genesis = Genesis::parse(&s.bytes("genesis")?).map_err(|e| e.to_string())?;
    let state = VaultState::begin(&genesis);
    s.verdict(state.as_ref().map(drop).map_err(|e| *e))?;
    *log = state.ok().map(|state| Log {
        genesis,
        state,
        leaves: BTreeMap::new(),
        entries: Vec::new(),
    });
    Ok(())
}

impl Log {
    fn apply(&mut self, s: &Section, principals: &Principals) -> Result<(), String> {
        let entry = Entry::parse(&s.bytes("entry")?).map_err(|e| e.to_string())?;
        let done = replay(
            &self.state,
            |n| self.leaves.get(n).copied(),
            principals,
            &entry,
        );
        s.verdict(done.as_ref().map(drop).map_err(|e| *e))?;
        let Ok(done) = done else { return Ok(()) };
        s.expect("state_digest", done.state.digest().as_bytes())?;
        self.state = done.state;
        for (node, leaf) in done.leaves {
            match leaf {
                Some(leaf) => self.leaves.insert(node, leaf),
                None => self.leaves.remove(&node),
            };
        }
        self.entries.push(entry);
        Ok(())
    }

    /// What a new device makes of this log from entry `at` on.
    fn checkpoint(&self, s: &Section, principals: &Principals) -> Result<(), String> {
        let leaves = read_leaves(&s.bytes("leaves")?)?;
        let at = s.number("at")?;
        let verdict = self.bootstrap(at, &leaves, principals);
        s.verdict(verdict)
    }

    fn bootstrap(
        &self,
        at: u64,
        leaves: &[(NodeId, Leaf)],
        principals: &Principals,
    ) -> Result<(), Reject> {
        let is_membership = |e: &&Entry| e.is_membership();
        let chain: Vec<_> = self.entries.iter().filter(is_membership).cloned().collect();
        let chain =
            MembershipChain::verify(&self.genesis.vault_id(), &self.genesis, &chain, principals)?;
        let mut entries = self.entries.iter().skip_while(|e| e.body().seq < at);
        let start = entries.next().ok_or(Reject::NotNext)?;
        let mut state = chain.checkpoint(start, leaves, principals)?;
        let mut known: BTreeMap<_, _> = leaves.iter().copied().collect();
        for entry in entries {
            let done = replay(&state, |n| known.get(n).copied(), principals, entry)?;
            state = done.state;
            for (node, leaf) in done.leaves {
                match leaf {
                    Some(leaf) => known.insert(node, leaf),
                    None => known.remove(&node),
                };
            }
        }
        chain.confirm(&state)?;
        if state == self.state {
            Ok(())
        } else {
            Err(Reject::Digest)
        }
    }
}

fn leaves(s: &Section) -> Result<(), String> {
    let vault = VaultId::from_slice(&s.bytes("vault_id")?).map_err(|e| e.to_string())?;
    let mut sum = Accumulator::default();
    for (node, leaf) in read_leaves(&s.bytes("leaves")?)? {
        sum.insert(&vault, &node, &leaf);
    }
    s.expect("accumulator", &sum.to_bytes())?;
    s.expect("state_digest", sum.digest(&vault).as_bytes())
}

/// Leaves as they travel: `wire.md` §3.
fn read_leaves(bytes: &[u8]) -> Result<Vec<(NodeId, Leaf)>, String> {
    let mut r = Reader::new(bytes);
    let mut leaves = Vec::new();
    while !r.rest().is_empty() {
        leaves.push(read_leaf(&mut r).map_err(|e| e.to_string())?);
    }
    Ok(leaves)
}

fn read_leaf(r: &mut Reader<'_>) -> Result<(NodeId, Leaf), ParseError> {
    let node = r.node_id()?;
    let leaf = Leaf {
        rev: r.u64()?,
        record_hash: r.hash()?,
        creator: r.vault_id()?,
        creator_role: Role::from_tag(r.u8()?)?,
    };
    Ok((node, leaf))
}

fn content(s: &Section) -> Result<(), String> {
    let size = s.number("size")?;
    match (content_len(size), block_count(size)) {
        (Some(sealed), Some(blocks)) => {
            s.verdict::<Reject>(Ok(()))?;
            s.expect_number("sealed", sealed)?;
            s.expect_number("blocks", blocks.into())
        }
        _ => s.verdict(Err("Refused")),
    }
}

fn handle(s: &Section) -> Result<(), String> {
    let handle = Handle::choose(&s.text("text")?);
    s.verdict(handle.as_ref().map(drop).map_err(|e| *e))?;
    match handle {
        Ok(handle) => s.expect("normal_form", handle.as_str().as_bytes()),
        Err(_) => Ok(()),
    }
}

/// The vault of the log above, as it stands, may be named by what follows.
fn principal(s: &Section, log: &Log, principals: &mut Principals) -> Result<(), String> {
    let membership = &log.state.membership;
    let keys = membership.principal();
    s.expect("vault_id", membership.vault_id.as_bytes())?;
    s.expect_number("generation", keys.generation.into())?;
    s.expect("kem_hash", keys.kem_hash.as_bytes())?;
    s.expect_number("head_seq", keys.head.seq)?;
    s.expect("head_hash", keys.head.hash.as_bytes())?;
    principals.insert(membership.clone());
    Ok(())
}

/// The lines of one section.
#[derive(Default)]
struct Section<'a>(BTreeMap<&'a str, &'a str>);

fn parse(file: &str) -> Vec<(&str, Section<'_>)> {
    let mut sections = Vec::<(&str, Section<'_>)>::new();
    for line in file.lines() {
        if let Some(title) = line.strip_prefix("# ") {
            sections.push((title, Section::default()));
        } else if let (Some((_, section)), Some((name, value))) =
            (sections.last_mut(), line.split_once(':'))
        {
            section.0.insert(name, value.trim_start());
        }
    }
    sections
}

impl Section<'_> {
    fn line(&self, name: &str) -> Result<&str, String> {
        self.0.get(name).copied().ok_or(format!("no {name}"))
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, String> {
        HEXLOWER
            .decode(self.line(name)?.as_bytes())
            .map_err(|e| format!("{name}: {e}"))
    }

    fn text(&self, name: &str) -> Result<String, String> {
        String::from_utf8(self.bytes(name)?).map_err(|e| format!("{name}: {e}"))
    }

    fn number(&self, name: &str) -> Result<u64, String> {
        self.line(name)?.parse().map_err(|e| format!("{name}: {e}"))
    }

    fn expect(&self, name: &str, got: &[u8]) -> Result<(), String> {
        same(name, got, &self.bytes(name)?)
    }

    fn expect_number(&self, name: &str, got: u64) -> Result<(), String> {
        let wanted = self.number(name)?;
        if got == wanted {
            Ok(())
        } else {
            Err(format!("{name} is {got}"))
        }
    }

    fn verdict<E: std::fmt::Debug>(&self, got: Result<(), E>) -> Result<(), String> {
        let got = got.map_or_else(|e| format!("{e:?}").replace('"', ""), |()| "Ok".to_owned());
        if got == self.line("verdict")? {
            Ok(())
        } else {
            Err(format!("the verdict is {got}"))
        }
    }
}

fn same(name: &str, got: &[u8], wanted: &[u8]) -> Result<(), String> {
    if got == wanted {
        Ok(())
    } else {
        Err(format!("{name} is {}", HEXLOWER.encode(got)))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_vector_holds() {
        assert!(super::run().unwrap() > 90);
    }
}
