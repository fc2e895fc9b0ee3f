//! Somebody with an account who does what no client of ours does: signs
//! entries of any kind, and tries every key they ever had on everything that
//! a server was ever given.

use std::collections::BTreeMap;

use sv_api::account::{NewVault, SignupFinishRequest};
use sv_api::endpoint::{AppendEntry, CreateVault, PutBlock, SignupFinish};
use sv_api::vault::AppendRequest;
use sv_api::{Base64, Wire};
use sv_client::account::Session;
use sv_client::port::{Keychain, Platform};
use sv_core::content::{ContentSecret, open_block};
use sv_core::record::{Payload, Record, RecordContext, open_record};
use sv_core::unlock::{Holder, RestContext, open_root_at_rest};
use sv_core::vault_key::{open_envelope, peek_envelope};
use sv_core::{AccountKeys, KemSecretKey, VaultKey};
use sv_ledger::apply::{Touched, next_leaves};
use sv_ledger::enc::Statement;
use sv_ledger::entry::{Entry, EntryBody, Ops, StateOp, Via};
use sv_ledger::genesis::Genesis;
use sv_ledger::id::{ContentId, Hash, NodeId, VaultId};
use sv_ledger::sealed::ENVELOPE_LEN;
use sv_ledger::state::{Leaf, Role, VaultState};

use crate::network::Exchange;
use crate::platform::TestPlatform;

/// An account's owner, with the keys in hand.
pub struct Insider {
    uid: VaultId,
    keys: AccountKeys,
}

/// Everything that a server was given, by anybody, at any time: whatever it
/// holds, held, or could be made to give out is in it.
#[derive(Default)]
pub struct Dump {
    geneses: BTreeMap<VaultId, Genesis>,
    entries: Vec<Entry>,
    bodies: BTreeMap<Hash, Vec<u8>>,
    blocks: BTreeMap<(ContentId, u32), Vec<u8>>,
}

/// What somebody could open.
#[derive(Default)]
pub struct Opened {
    /// The keys of vaults, by epoch and commitment: of an entry that the server
    /// refused there may be one as well.
    pub keys: BTreeMap<(VaultId, u32, Hash), VaultKey>,
    /// Every revision of every file, folder and note.
    pub records: BTreeMap<(VaultId, NodeId, u64), Record>,
    /// Contents of files.
    pub contents: BTreeMap<ContentId, Vec<u8>>,
}

impl Insider {
    /// Takes the keys out of a device.
    pub async fn of(session: &Session<TestPlatform>) -> Self {
        let profile = session.profile();
        let device_key = session.platform().keychain().load().await;
        let device_key = device_key.expect("a keychain").expect("a device key");
        let context = RestContext {
            instance_id: profile.instance.id,
            uid: profile.uid,
            generation: profile.generation,
            holder: Holder::Device(profile.device_id),
        };
        let root = open_root_at_rest(&device_key, &profile.sealed_root.0, &context);
        Self {
            uid: profile.uid,
            keys: AccountKeys::derive(&root.expect("our own root key"), profile.generation),
        }
    }

    /// The account.
    pub const fn uid(&self) -> VaultId {
        self.uid
    }

    /// Its keys.
    pub const fn keys(&self) -> &AccountKeys {
        &self.keys
    }

    /// The same keys, under another's name.
    #[must_use]
    pub fn posing_as(self, uid: VaultId) -> Self {
        Self { uid, ..self }
    }

    /// An entry that does `ops` after `state`, correct in everything but
    /// perhaps the right to do so. `touched` are the leaves that it changes.
    pub fn entry(
        &self,
        state: &VaultState,
        via: Vec<Via>,
        ops: Ops,
        touched: &Touched,
        now_ms: u64,
    ) -> Entry {
        let vault_id = state.vault_id();
        let mut accumulator = state.accumulator.clone();
        let mut epoch = state.membership.epoch;
        match &ops {
            Ops::State(ops) => {
                let leaves = claimed_leaves(state, ops, touched, self.uid);
                for (node, leaf) in leaves {
                    if let Some(old) = touched.get(&node) {
                        accumulator.remove(&vault_id, &node, old);
                    }
                    if let Some(new) = leaf {
                        accumulator.insert(&vault_id, &node, &new);
                    }
                }
            }
            Ops::Membership(ops) => {
                let is_epoch =
                    |op: &_| matches!(op, sv_ledger::membership_op::MembershipOp::Epoch(_));
                epoch += u32::from(ops.iter().any(is_epoch));
            }
        }
        let body = EntryBody {
            vault_id,
            seq: state.head.seq + 1,
            prev_hash: state.head.hash,
            member_seq: state.membership.head.seq,
            member_hash: state.membership.head.hash,
            epoch,
            author: self.uid,
            author_generation: self.keys.generation(),
            via,
            timestamp_ms: now_ms,
            ops,
            state_digest: accumulator.digest(&vault_id),
        };
        let signature = self.keys.sign(Statement::Entry, &body.hash());
        body.with_signature(signature)
    }

    /// Opens what can be opened: every envelope to a key at hand, every older
    /// key inside a newer one, and so on until nothing more gives way; then
    /// every record and every content.
    ///
    /// What a device keeps is sealed under the account's keys or made of what
    /// it was sent, so nothing that it ever knew is missing. The account vault
    /// has no files and is left out.
    pub fn open(&self, dump: &Dump) -> Opened {
        let mut opened = Opened::default();
        let mut receivers: BTreeMap<Hash, KemSecretKey> = BTreeMap::new();
        while dump.open_envelopes(&mut opened, self.keys.kem(), &mut receivers)
            || dump.open_older(&mut opened)
        {}
        dump.open_records(&mut opened);
        dump.open_contents(&mut opened);
        opened
    }
}

/// What operations come to if their author may do them, whether they may or
/// not. Of what is impossible whatever one's role is it is nothing.
pub fn claimed_leaves(
    state: &VaultState,
    ops: &[StateOp],
    touched: &Touched,
    author: VaultId,
) -> Vec<(NodeId, Option<Leaf>)> {
    let member = state.membership.members.get(&author);
    let role = member.map_or(Role::Editor, |member| member.role);
    let honest = next_leaves(ops, touched, author, role);
    let claimed = honest.or_else(|_| next_leaves(ops, touched, author, Role::Editor));
    claimed.unwrap_or_default()
}

impl Opened {
    /// The names of everything that could be read.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.records.values().map(|record| record.name.as_str())
    }
}

impl Dump {
    /// What is in the requests that clients sent.
    pub fn of<'r>(requests: impl IntoIterator<Item = &'r Exchange>) -> Self {
        let mut dump = Self::default();
        for request in requests {
            dump.take(request);
        }
        dump
    }

    /// A vault's birth and entries, in order.
    pub fn log_of(&self, vault_id: &VaultId) -> (Genesis, Vec<Entry>) {
        let genesis = self.geneses[vault_id].clone();
        let mut entries: Vec<Entry> = self.entries_of(vault_id).cloned().collect();
        entries.sort_by_key(|entry| entry.body().seq);
        entries.dedup();
        (genesis, entries)
    }

    /// Records and envelopes, by hash.
    pub const fn bodies(&self) -> &BTreeMap<Hash, Vec<u8>> {
        &self.bodies
    }

    fn take(&mut self, request: &Exchange) {
        if request.is::<SignupFinish>() {
            let new = SignupFinishRequest::parse(&request.body).expect("our own request");
            self.born(&new.account);
            self.born(&new.drive);
        } else if request.is::<CreateVault>() {
            self.born(&NewVault::parse(&request.body).expect("our own request"));
        } else if request.is::<AppendEntry>() {
            let append = AppendRequest::parse(&request.body).expect("our own request");
            self.entries.push(append.entry);
            append.bodies.into_iter().for_each(|body| self.keep(body));
            for content in append.inline {
                self.blocks.insert((content.content_id, 0), content.block);
            }
        } else if request.is::<PutBlock>() {
            let parts: Vec<&str> = request.path.split('/').collect();
            let place = (parts[3].parse().ok()).zip(parts[5].parse().ok());
            let place = place.expect("a content and an index");
            self.blocks.insert(place, request.body.clone());
        }
    }

    fn born(&mut self, new: &NewVault) {
        let genesis = Genesis::parse(&new.genesis.0).expect("our own genesis");
        self.geneses.insert(genesis.vault_id(), genesis);
        for Base64(bytes) in &new.entries {
            self.entries
                .push(Entry::parse(bytes).expect("our own entry"));
        }
        for Base64(bytes) in &new.bodies {
            self.keep(bytes.clone());
        }
    }

    fn keep(&mut self, body: Vec<u8>) {
        self.bodies.insert(Statement::Body.hash(&body), body);
    }

    fn entries_of(&self, vault_id: &VaultId) -> impl Iterator<Item = &Entry> {
        let all = self.entries.iter();
        all.filter(move |entry| entry.body().vault_id == *vault_id)
    }

    fn open_envelopes(
        &self,
        opened: &mut Opened,
        own: &KemSecretKey,
        receivers: &mut BTreeMap<Hash, KemSecretKey>,
    ) -> bool {
        let before = opened.keys.len();
        let own_hash = own.public().hash();
        for body in self.bodies.values().filter(|b| b.len() == ENVELOPE_LEN) {
            let Ok(header) = peek_envelope(body) else {
                continue;
            };
            let place = (header.vault_id, header.epoch, header.vk_commit);
            let receiver = match header.kem_hash == own_hash {
                true => Some(own),
                false => receivers.get(&header.kem_hash),
            };
            let Some(receiver) = receiver.filter(|_| !opened.keys.contains_key(&place)) else {
                continue;
            };
            if let Ok(key) = open_envelope(&header, receiver, body) {
                let kem = key.kem();
                receivers.insert(kem.public().hash(), kem);
                opened.keys.insert(place, key);
            }
        }
        opened.keys.len() > before
    }

    fn open_older(&self, opened: &mut Opened) -> bool {
        let before = opened.keys.len();
        for entry in &self.entries {
            let (vault_id, epoch) = (entry.body().vault_id, entry.body().epoch);
            let Some(op) = entry.epoch_op() else { continue };
            let key = opened.keys.get(&(vault_id, epoch, op.commitment));
            let (Some(sealed), Some(key)) = (op.previous_key, key) else {
                continue;
            };
            let mut commitments: Vec<(u32, Hash)> = self
                .entries_of(&vault_id)
                .filter_map(|entry| Some((entry.body().epoch, entry.epoch_op()?.commitment)))
                .collect();
            commitments.reverse();
            let found = key.open_previous(&sealed, &vault_id, epoch, commitments);
            if let Ok((at, key)) = found {
                let place = (vault_id, at, key.commitment(&vault_id, at));
                opened.keys.entry(place).or_insert(key);
            }
        }
        opened.keys.len() > before
    }

    fn open_records(&self, opened: &mut Opened) {
        for entry in &self.entries {
            let (vault_id, epoch) = (entry.body().vault_id, entry.body().epoch);
            let of_epoch =
                (vault_id, epoch, Hash::new([0; 32]))..=(vault_id, epoch, Hash::new([0xff; 32]));
            let keys: Vec<&VaultKey> = opened.keys.range(of_epoch).map(|(_, key)| key).collect();
            for op in entry.state_ops() {
                let StateOp::Put(put) = op else { continue };
                let Some(sealed) = self.bodies.get(&put.record_hash) else {
                    continue;
                };
                let context = RecordContext {
                    vault_id,
                    node_id: put.node_id,
                    epoch,
                    rev: put.rev,
                    content_suite: self.geneses[&vault_id].body().content_suite,
                };
                let tries = keys.iter().map(|key| open_record(key, &context, sealed));
                for payload in tries.flatten() {
                    if let Payload::Node(record) = payload {
                        let place = (vault_id, put.node_id, put.rev);
                        opened.records.insert(place, record);
                    }
                }
            }
        }
    }

    fn open_contents(&self, opened: &mut Opened) {
        for version in opened.records.values().flat_map(|r| &r.versions) {
            let ContentSecret::Blocks(key) = &version.key else {
                continue;
            };
            let mut content = Vec::new();
            for index in 0.. {
                let Some(block) = self.blocks.get(&(version.content_id, index)) else {
                    break;
                };
                let opened = open_block(key, &version.content_id, u64::from(index), block);
                content.extend(opened.expect("the block of a record that opened"));
            }
            opened.contents.insert(version.content_id, content);
        }
    }
}
