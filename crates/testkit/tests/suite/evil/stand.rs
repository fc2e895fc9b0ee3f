//! A vault as a server of bad will shows it: an honest log up to some entry,
//! and after that whatever insiders sign. What is not about this vault comes
//! from the honest server.

use std::collections::BTreeMap;
use std::rc::Rc;

use sv_api::endpoint::{
    AppendEntry, GetBodies, GetCheckpoint, GetEntries, GetLeaves, GetMembership,
};
use sv_api::vault::{Appended, Bodies, BodiesRequest, EntryPage, LeafPage, MembershipLog};
use sv_api::{ApiError, ErrorCode, Wire};
use sv_client::account::Session;
use sv_client::drive::Drive;
use sv_client::error::Result;
use sv_client::port::{HttpResponse, Platform as _};
use sv_client::sharing::{self, Invitee, Last, Terms};
use sv_client::vault::Vault;
use sv_core::record::{Kind, Payload, Record, RecordContext, seal_record};
use sv_core::{Name, VaultKey};
use sv_ledger::apply::{Touched, apply};
use sv_ledger::enc::Statement;
use sv_ledger::entry::{Entry, Ops, PutOp, StateOp};
use sv_ledger::genesis::Genesis;
use sv_ledger::handle::Handle;
use sv_ledger::id::{Hash, NodeId, VaultId};
use sv_ledger::principals::Principals;
use sv_ledger::state::{Head, Leaf, Role, VaultState};
use sv_testkit::{
    Actor, Dump, Exchange, Insider, TestPlatform, TestServer, claimed_leaves, file, folder, put,
};

pub(super) type Person = Session<TestPlatform>;

/// A log that grows as its insiders like.
#[derive(Clone)]
pub(crate) struct Stand {
    pub(super) vault_id: VaultId,
    genesis: Genesis,
    entries: Vec<Entry>,
    pub(super) bodies: BTreeMap<Hash, Vec<u8>>,
    leaves: BTreeMap<NodeId, Leaf>,
    /// As the last entry would have it.
    state: VaultState,
}

impl Stand {
    /// The honest log, as it was written.
    pub(crate) fn honest(dump: &Dump, vault_id: VaultId) -> Self {
        let (genesis, entries) = dump.log_of(&vault_id);
        let mut stand = Self {
            vault_id,
            state: VaultState::begin(&genesis).unwrap(),
            genesis,
            entries: Vec::new(),
            bodies: dump.bodies().clone(),
            leaves: BTreeMap::new(),
        };
        for entry in entries {
            let touched = stand.touched(entry.state_ops());
            let step = apply(&stand.state, &touched, &Principals::new(), &entry).unwrap();
            stand.state = step.state;
            for (node, leaf) in step.leaves {
                stand.set(node, leaf);
            }
            stand.entries.push(entry);
        }
        stand
    }

    fn set(&mut self, node: NodeId, leaf: Option<Leaf>) {
        match leaf {
            Some(leaf) => self.leaves.insert(node, leaf),
            None => self.leaves.remove(&node),
        };
    }

    fn touched(&self, ops: &[StateOp]) -> Touched {
        let nodes = ops.iter().map(StateOp::node_id);
        nodes
            .filter_map(|id| Some((*id, *self.leaves.get(id)?)))
            .collect()
    }

    /// The state that the next entry follows.
    pub(crate) const fn state(&self) -> &VaultState {
        &self.state
    }

    /// Some node of somebody.
    pub(super) fn node_of(&self, creator: &VaultId) -> NodeId {
        let mut all = self.leaves.iter();
        *all.find(|(_, leaf)| leaf.creator == *creator).unwrap().0
    }

    /// Takes an entry in as if it were valid.
    pub(super) fn push(&mut self, entry: Entry) {
        let touched = self.touched(entry.state_ops());
        let author = entry.body().author;
        for (node, leaf) in claimed_leaves(&self.state, entry.state_ops(), &touched, author) {
            if let Some(old) = touched.get(&node) {
                self.state.accumulator.remove(&self.vault_id, &node, old);
            }
            if let Some(new) = leaf {
                self.state.accumulator.insert(&self.vault_id, &node, &new);
            }
            self.set(node, leaf);
        }
        self.state.head = Head {
            seq: entry.body().seq,
            hash: entry.hash(),
        };
        self.entries.push(entry);
    }

    /// What an insider writes, whether they may or not.
    pub(crate) fn write(&mut self, insider: &Insider, ops: Ops, now_ms: u64) {
        let state_ops = match &ops {
            Ops::State(ops) => ops.clone(),
            Ops::Membership(_) => Vec::new(),
        };
        let touched = self.touched(&state_ops);
        let entry = insider.entry(&self.state, Vec::new(), ops, &touched, now_ms);
        self.push(entry);
    }

    /// A folder's record under the true key of the vault, put at a node.
    pub(super) fn put(&mut self, node_id: NodeId, key: &VaultKey, name: &str) -> Ops {
        let rev = self.leaves.get(&node_id).map_or(0, |leaf| leaf.rev) + 1;
        let context = RecordContext {
            vault_id: self.vault_id,
            node_id,
            epoch: self.state.membership.epoch,
            rev,
            content_suite: self.state.membership.content_suite,
        };
        let record = Record::new(Kind::Folder, Name::parse(name).unwrap(), None, 1);
        let mut random = rand_core::UnwrapErr(getrandom::SysRng);
        let sealed = seal_record(key, &context, &Payload::Node(record), &mut random).unwrap();
        let record_hash = self.keep(sealed);
        Ops::state(vec![StateOp::Put(PutOp {
            node_id,
            rev,
            record_hash,
            added: Vec::new(),
            dropped: Vec::new(),
        })])
    }

    /// Keeps a body; its hash.
    pub(crate) fn keep(&mut self, body: Vec<u8>) -> Hash {
        let hash = Statement::Body.hash(&body);
        self.bodies.insert(hash, body);
        hash
    }

    /// From now on a device is shown this. What it writes to the vault is
    /// acknowledged, and lost.
    pub(super) fn show(self, device: &TestPlatform) {
        let stand = Rc::new(self);
        device
            .network
            .rewrite(move |asked, honest| Ok(stand.answer(asked).unwrap_or(honest)));
    }

    /// What the server says instead, if it is asked about this vault.
    pub(crate) fn answer(&self, asked: &Exchange) -> Option<HttpResponse> {
        if !asked.path.contains(&self.vault_id.to_string()) {
            return None;
        }
        let last = || asked.path.rsplit('/').next().unwrap_or_default();
        let body = if asked.is::<GetMembership>() {
            let from: u64 = last().parse().ok()?;
            // Who is in it, the honest server says.
            let of: VaultId = asked.path.rsplit('/').nth(1)?.parse().ok()?;
            if of != self.vault_id {
                return None;
            }
            let all = self.entries.iter().filter(|e| e.body().seq >= from);
            let entries = all.filter(|entry| entry.is_membership()).cloned();
            MembershipLog {
                genesis: self.genesis.clone(),
                entries: entries.collect(),
                more: false,
                is_gone: false,
            }
            .into_bytes()
        } else if asked.is::<GetCheckpoint>() {
            page(self.entries.last().cloned().into_iter().collect())
        } else if asked.is::<GetLeaves>() {
            let after: NodeId = last().parse().ok()?;
            let leaves = self.leaves.iter().filter(|(node, _)| **node > after);
            LeafPage {
                leaves: leaves.map(|(node, leaf)| (*node, *leaf)).collect(),
                more: false,
            }
            .into_bytes()
        } else if asked.is::<GetEntries>() {
            let from: u64 = last().parse().ok()?;
            let entries = self.entries.iter().filter(|e| e.body().seq >= from);
            page(entries.cloned().collect())
        } else if asked.is::<GetBodies>() {
            let wanted = BodiesRequest::parse(&asked.body).ok()?.hashes;
            let found = wanted.iter().map_while(|h| self.bodies.get(h).cloned());
            let bodies: Vec<Vec<u8>> = found.collect();
            if bodies.is_empty() {
                let error = ApiError::new(ErrorCode::NotFound);
                return Some(HttpResponse {
                    status: error.code.status(),
                    body: error.into_bytes(),
                });
            }
            Bodies { bodies }.into_bytes()
        } else if asked.is::<AppendEntry>() {
            let seq = self.state.head.seq + 1;
            Appended { seq }.into_bytes()
        } else {
            return None;
        };
        Some(HttpResponse { status: 200, body })
    }
}

fn page(entries: Vec<Entry>) -> Vec<u8> {
    EntryPage {
        entries,
        more: false,
    }
    .into_bytes()
}

/// Anna shares a folder with bob; dave was an editor there and is no more;
/// mallory has nothing to do with it.
pub(super) struct Shared {
    pub(super) server: TestServer,
    pub(super) anna: Person,
    pub(super) bob: Person,
    pub(super) dave: Person,
    pub(super) mallory: Person,
    pub(super) vault_id: VaultId,
    /// Anna's second device, which has never opened anything.
    fresh: TestPlatform,
    /// What everybody sent before there was anybody of bad will.
    sent: Vec<Exchange>,
}

impl Shared {
    pub(super) async fn with(role: Role) -> Self {
        let server = TestServer::start().await;
        let (annas, anna) = Actor::sign_up(&server, "anna").await;
        let (_, bob) = Actor::sign_up(&server, "bob").await;
        let (_, dave) = Actor::sign_up(&server, "dave").await;
        let (_, mallory) = Actor::sign_up(&server, "mallory").await;
        let mut drive = Drive::open(&anna).await.unwrap();
        let files = vec![folder("work"), file("work/a.txt", "hello")];
        put(&mut drive, "/", files).await.unwrap();
        drop(drive);
        share(&anna, "/work", "dave", Role::Contributor).await;
        let vault_id = share(&anna, "/work", "bob", role).await;
        let mut account = Vault::account(&anna).await.unwrap();
        let handle = Handle::parse("dave").unwrap();
        let uid = account.find_person(&handle).await.unwrap().identity.uid;
        let mut vault = account.open_beside(vault_id).await.unwrap();
        vault.revoke(uid).await.unwrap();
        drop(vault);
        let fresh = server.device();
        annas.try_log_in(&server, fresh.clone()).await.unwrap();
        let mut sent = Vec::new();
        for session in [&anna, &bob, &dave, &mallory] {
            sent.extend(session.platform().network.take_recording().requests);
        }
        Self {
            server,
            anna,
            bob,
            dave,
            mallory,
            vault_id,
            fresh,
            sent,
        }
    }

    /// Everything that the server was given.
    pub(super) fn dump(&self) -> Dump {
        Dump::of(&self.sent)
    }

    pub(super) fn stand(&self) -> Stand {
        Stand::honest(&self.dump(), self.vault_id)
    }

    /// The key of the vault, as bob has it.
    pub(super) async fn key(&self) -> VaultKey {
        let mut opened = Insider::of(&self.bob).await.open(&self.dump());
        let newest = opened.keys.keys().filter(|(id, ..)| *id == self.vault_id);
        let newest = *newest.max().unwrap();
        opened.keys.remove(&newest).unwrap()
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.server.clock().now_ms()
    }

    /// Anna's devices: one that knows the folder, one that has yet to see it.
    pub(super) fn annas(&self) -> [TestPlatform; 2] {
        let url = self.server.url();
        [self.anna.platform().copy(&url), self.fresh.copy(&url)]
    }

    /// Shows a log to both of anna's devices, who want to add something. Gives
    /// what comes of it, and whether anything was written.
    pub(super) async fn show(&self, stand: &Stand) -> Vec<(Result<Vec<String>>, bool)> {
        let mut outcomes = Vec::new();
        for device in self.annas() {
            stand.clone().show(&device);
            let seen = look_and_add(&device).await;
            let sent = device.network.take_recording().requests;
            let has_written = sent.iter().any(|asked| asked.is::<AppendEntry>());
            if seen.is_err() {
                device.network.be_honest();
                let names = look_and_add(&device).await;
                assert!(names.is_ok(), "the honest server is believed again");
            }
            outcomes.push((seen, has_written));
        }
        outcomes
    }
}

/// The names in the folder, before a folder is added.
async fn look_and_add(device: &TestPlatform) -> Result<Vec<String>> {
    let session = Session::resume(device.clone()).await?;
    let path = "/work".parse()?;
    let (mut drive, root) = sharing::open_at(&session, &path, Last::Through).await?;
    let items = drive.walk(&root)?;
    let mark = NodeId::new(session.platform().random_bytes());
    let name = format!("/new {mark}");
    drive.make_folder(&name.parse()?, false).await?;
    Ok(items.into_iter().map(|item| item.name).collect())
}

pub(super) async fn share(session: &Person, path: &str, with: &str, role: Role) -> VaultId {
    let mut account = Vault::account(session).await.unwrap();
    let invitees = sharing::invitees(&mut account, &[with.to_owned()])
        .await
        .unwrap();
    assert!(matches!(invitees[0], Invitee::Person(_)));
    let terms = Terms {
        role,
        expires_ms: 0,
        with_history: false,
    };
    let path = path.parse().unwrap();
    let done = sharing::share(session, &mut account, &path, &invitees, &terms).await;
    done.unwrap().vault_id.unwrap()
}
