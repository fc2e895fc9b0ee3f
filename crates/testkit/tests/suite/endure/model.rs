//! Several devices, each with its own idea of what is there, against a model
//! file system: a device that was away acts on what it saw last, and lands on
//! what is there by now.

use std::collections::{BTreeMap, BTreeSet};

use sv_client::account::Session;
use sv_client::drive::Drive;
use sv_client::error::Result;
use sv_client::tree::{LOST_AND_FOUND, with_suffix};
use sv_client::vault::Vault;
use sv_core::record::Kind;
use sv_ledger::id::NodeId;
use sv_testkit::{Actor, Dice, TestPlatform, TestServer, dated_file, put, run, scaled};

use super::seen::{PutId, Seen, SeenNode, bytes_of, read_all, seen, time_of};

const DEVICES: usize = 3;
const STEPS: usize = 250;

/// A file system as the model keeps it: nodes, and when each was last changed.
#[derive(Debug, Clone, Default)]
struct Model {
    nodes: BTreeMap<NodeId, SeenNode>,
    changed: BTreeMap<NodeId, u64>,
    clock: u64,
}

/// What a device does, with nodes instead of paths: as it sees them.
#[derive(Debug, Clone)]
enum Act {
    /// Puts a file to a path: where nothing is, a new one; on a file, a version.
    Put {
        path: String,
        put: PutId,
    },
    MakeFolder(String),
    Rename(String, String),
    Copy(String, String),
    Trash(String),
    Untrash(NodeId),
    Remove(String),
    RestoreVersion(String, usize),
}

/// The model says no.
struct No;

#[test]
fn every_device_comes_to_the_state_of_the_model() {
    run(async {
        let mut dice = Dice::thrown("model");
        let mut done = BTreeMap::new();
        for _ in 0..scaled(3, 60) {
            run_schedule(&mut dice, &mut done).await;
        }
        println!("{done:?}");
    });
}

struct Device {
    drive: Drive<'static, TestPlatform>,
    /// The model when this device last looked.
    view: Model,
}

async fn run_schedule(dice: &mut Dice, done: &mut BTreeMap<String, usize>) {
    let server = TestServer::start().await;
    let (actor, first) = Actor::sign_up(&server, "alice").await;
    let mut sessions = vec![first];
    while sessions.len() < DEVICES {
        sessions.push(actor.log_in(&server).await);
    }
    let mut devices = Vec::new();
    for session in sessions {
        devices.push(Device::open(session).await);
    }
    let (mut truth, mut lens) = (Model::default(), BTreeMap::new());
    for step in 0..STEPS as u64 {
        let device = &mut devices[dice.below(DEVICES)];
        match dice.below(100) {
            0..22 => device.drive.refresh().await.unwrap(),
            22..25 => device.restart(&truth).await,
            25..27 => device.forget().await,
            _ => {
                let act = device.think(dice, step);
                let head = device.head();
                let outcome = device.act(&act, dice, &mut lens).await;
                let wanted = truth.act(&act, &device.view, &seen(&device.drive));
                let text = format!("step {step}: {act:?}: {outcome:?}");
                assert_eq!(outcome.is_ok(), wanted.is_ok(), "{text}");
                let name = format!("{act:?}");
                let name = name.split(['(', ' ']).next().unwrap_or_default();
                let result = if outcome.is_ok() { "" } else { " refused" };
                *done.entry(format!("{name}{result}")).or_default() += 1;
                if device.head() == head {
                    // Refused before anything was sent: it still sees what it saw.
                    assert!(outcome.is_err(), "{text}");
                    assert_eq!(seen(&device.drive), device.view.seen(), "{text}");
                    continue;
                }
            }
        }
        device.view = truth.clone();
        assert_eq!(seen(&device.drive), truth.seen(), "step {step}");
    }
    for device in &mut devices {
        device.drive.refresh().await.unwrap();
        assert_eq!(seen(&device.drive), truth.seen());
        let found = read_all(&device.drive).await;
        assert_eq!(found.keys().copied().collect::<BTreeSet<_>>(), truth.puts());
        assert!(found.iter().all(|(put, len)| lens[put] == *len));
    }
    let database = server.server().app().db();
    let blocks = sv_server::blocks::FileBlocks::open(&server.data().join("blocks")).unwrap();
    let blocks: std::sync::Arc<dyn sv_server::blocks::BlockStore> = std::sync::Arc::new(blocks);
    let report = sv_server::check::check(database, &blocks).await.unwrap();
    assert_eq!(report.findings, []);
}

impl Device {
    async fn open(session: Session<TestPlatform>) -> Self {
        // A test's devices live as long as the test.
        let session: &'static Session<TestPlatform> = Box::leak(Box::new(session));
        Self {
            drive: Drive::open(session).await.unwrap(),
            view: Model::default(),
        }
    }

    fn platform(&self) -> &TestPlatform {
        self.drive.vault().session().platform()
    }

    /// Starts again from its cache; what that holds is what it saw last.
    async fn restart(&mut self, truth: &Model) {
        let session = Session::resume(self.platform().clone()).await.unwrap();
        let cached = Vault::open_cached(&session, self.drive.vault().id()).await;
        let cached = cached.unwrap();
        let nodes = cached.replica().nodes().iter();
        let nodes: BTreeMap<_, _> = nodes
            .map(|(id, node)| (*id, SeenNode::of(node.record().unwrap())))
            .collect();
        assert_eq!(nodes, self.view.nodes, "{truth:?}");
        *self = Self::open(session).await;
    }

    /// Becomes a new device of the account.
    async fn forget(&mut self) {
        let twin = self.platform().without_caches();
        *self = Self::open(Session::resume(twin).await.unwrap()).await;
    }

    fn head(&self) -> u64 {
        self.drive.vault().replica().state().head.seq
    }

    /// Decides on something that makes sense on what it sees, mostly.
    fn think(&self, dice: &mut Dice, step: u64) -> Act {
        let seen = self.view.seen();
        let paths: Vec<&String> = seen.paths.keys().collect();
        let is_folder = |path: &&&String| self.view.nodes[&seen.paths[**path]].kind == Kind::Folder;
        let folders: Vec<&String> = paths.iter().filter(is_folder).copied().collect();
        let files: Vec<&String> = paths.iter().filter(|p| !is_folder(p)).copied().collect();
        let one_of = |paths: &[&String], dice: &mut Dice| {
            dice.pick(paths)
                .map_or("/x", |path| path.as_str())
                .to_owned()
        };
        let any = |dice: &mut Dice| one_of(&paths, dice);
        let new = |dice: &mut Dice| {
            let name = ["a", "b", "c.txt", "d", LOST_AND_FOUND, "é"][dice.below(6)];
            match dice.pick(&folders) {
                Some(folder) if dice.chance(65) => format!("{folder}/{name}"),
                _ => format!("/{name}"),
            }
        };
        match dice.below(100) {
            0..25 => Act::Put {
                path: new(dice),
                put: step + 1,
            },
            25..35 => Act::Put {
                path: any(dice),
                put: step + 1,
            },
            35..50 => Act::MakeFolder(new(dice)),
            50..58 => Act::Rename(any(dice), new(dice)),
            58..66 => Act::Rename(any(dice), any(dice)),
            66..72 => Act::Copy(one_of(&files, dice), new(dice)),
            72..82 => Act::Trash(any(dice)),
            82..88 => match dice.pick(&self.view.only_in_trash()) {
                Some(node) => Act::Untrash(*node),
                None => Act::Trash(any(dice)),
            },
            88..95 => Act::Remove(any(dice)),
            _ => Act::RestoreVersion(one_of(&files, dice), 1),
        }
    }

    async fn act(
        &mut self,
        act: &Act,
        dice: &mut Dice,
        lens: &mut BTreeMap<PutId, usize>,
    ) -> Result<()> {
        let drive = &mut self.drive;
        match act {
            Act::Put { path, put: id } => {
                let len = [0, 10, 3_000, 80_000][dice.below(4)];
                lens.insert(*id, len);
                let (folder, name) = path.rsplit_once('/').unwrap();
                let file = dated_file(name, bytes_of(*id, len), time_of(*id));
                let folder = if folder.is_empty() { "/" } else { folder };
                put(drive, folder, vec![file]).await.map(drop)
            }
            Act::MakeFolder(path) => drive.make_folder(&path.parse()?, false).await,
            Act::Rename(from, to) => drive.rename(&from.parse()?, &to.parse()?).await.map(drop),
            Act::Copy(from, to) => drive.copy(&from.parse()?, &to.parse()?).await.map(drop),
            Act::Trash(path) => drive.trash(&path.parse()?).await,
            Act::Untrash(node) => {
                let name = self.view.nodes[node].name.clone();
                drive.untrash(&name).await.map(drop)
            }
            Act::Remove(path) => drive.remove(&path.parse()?).await,
            Act::RestoreVersion(path, number) => {
                drive.restore_version(&path.parse()?, *number).await
            }
        }
    }
}

impl Model {
    /// Does what a device wants that sees `view`; `after` is what it sees then,
    /// for the ids of new nodes alone. What is looked up by path is looked up
    /// in the view, what is changed is what is there by now.
    fn act(&mut self, act: &Act, view: &Self, after: &Seen) -> Result<(), No> {
        self.clock += 1;
        match act {
            Act::Put { path, put } => {
                let (folder, name) = path.rsplit_once('/').unwrap();
                let parent = view.folder(folder)?;
                let new = SeenNode {
                    parent,
                    name: name.to_owned(),
                    kind: Kind::File,
                    trashed: false,
                    versions: Vec::new(),
                };
                let there = view
                    .find(path)
                    .filter(|id| view.nodes[id].kind != Kind::Folder);
                let id = there.unwrap_or_else(|| self.new_id(after));
                // An edit beats a removal.
                let node = self.nodes.entry(id).or_insert(new);
                node.versions.push(*put);
                node.trashed = false;
                self.touch(id);
            }
            Act::MakeFolder(path) => {
                if view.is_taken(path) {
                    return Err(No);
                }
                let (folder, name) = path.rsplit_once('/').unwrap();
                let parent = view.folder(folder)?;
                self.require_folder(parent)?;
                let id = self.new_id(after);
                let new = SeenNode {
                    parent,
                    name: name.to_owned(),
                    kind: Kind::Folder,
                    trashed: false,
                    versions: Vec::new(),
                };
                self.nodes.insert(id, new);
                self.touch(id);
            }
            Act::Rename(from, to) => {
                let id = view.find(from).ok_or(No)?;
                let (parent, name) = view.destination(to, &view.nodes[&id].name)?;
                for model in [view, &*self] {
                    model.nodes.get(&id).ok_or(No)?;
                    model.require_folder(parent)?;
                    if parent.is_some_and(|into| into == id || model.inside(id).contains(&into)) {
                        return Err(No);
                    }
                }
                let node = self.nodes.get_mut(&id).ok_or(No)?;
                (node.parent, node.name) = (parent, name);
                self.touch(id);
            }
            Act::Copy(from, to) => {
                let original = view.nodes[&view.find(from).ok_or(No)?].clone();
                let (parent, name) = view.destination(to, &original.name)?;
                self.require_folder(parent)?;
                let id = self.new_id(after);
                let copy = SeenNode {
                    parent,
                    name,
                    kind: original.kind,
                    trashed: false,
                    versions: original.versions.last().copied().into_iter().collect(),
                };
                self.nodes.insert(id, copy);
                self.touch(id);
            }
            Act::Trash(path) => {
                let id = view.find(path).ok_or(No)?;
                if let Some(node) = self.nodes.get_mut(&id) {
                    node.trashed = true;
                    self.touch(id);
                }
            }
            Act::Untrash(id) => {
                let home = view.nodes[id].parent;
                let shown: BTreeSet<NodeId> = view.seen().paths.into_values().collect();
                let node = self.nodes.get_mut(id).ok_or(No)?;
                node.trashed = false;
                if home.is_some_and(|home| !shown.contains(&home)) {
                    node.parent = None;
                }
                self.touch(*id);
            }
            Act::Remove(path) => {
                let id = view.find(path).ok_or(No)?;
                let mut gone = view.inside(id);
                gone.insert(id);
                for id in gone {
                    // What somebody has changed since stays.
                    if self.changed.get(&id) == view.changed.get(&id) {
                        self.nodes.remove(&id);
                        self.changed.remove(&id);
                    }
                }
            }
            Act::RestoreVersion(path, number) => {
                let id = view.find(path).ok_or(No)?;
                let version = view.nodes[&id].versions[number - 1];
                let node = self.nodes.get_mut(&id).ok_or(No)?;
                if !node.versions.contains(&version) {
                    return Err(No);
                }
                node.versions.push(version);
                self.touch(id);
            }
        }
        Ok(())
    }

    fn touch(&mut self, id: NodeId) {
        self.changed.insert(id, self.clock);
    }

    /// The one node that the device has and the model does not know.
    fn new_id(&self, after: &Seen) -> NodeId {
        let mut new = after
            .nodes
            .keys()
            .filter(|id| !self.nodes.contains_key(*id));
        let id = *new.next().expect("a new node");
        assert_eq!(new.next(), None);
        id
    }

    fn find(&self, path: &str) -> Option<NodeId> {
        self.seen().paths.get(path).copied()
    }

    fn is_taken(&self, path: &str) -> bool {
        let paths = self.seen().paths;
        let lost = format!("/{LOST_AND_FOUND}");
        let has_lost = paths
            .keys()
            .any(|path| path.starts_with(&format!("{lost}/")));
        paths.contains_key(path) || path == lost && has_lost
    }

    /// The folder at a path, `None` for the root.
    fn folder(&self, path: &str) -> Result<Option<NodeId>, No> {
        if path.is_empty() {
            return Ok(None);
        }
        let id = self.find(path).ok_or(No)?;
        match self.nodes[&id].kind {
            Kind::Folder => Ok(Some(id)),
            _ => Err(No),
        }
    }

    fn require_folder(&self, folder: Option<NodeId>) -> Result<(), No> {
        let Some(id) = folder else { return Ok(()) };
        match self.nodes.get(&id) {
            Some(node) if node.kind == Kind::Folder && !node.trashed => Ok(()),
            _ => Err(No),
        }
    }

    /// Into a folder that is there, or to a name that is not.
    fn destination(&self, to: &str, own: &str) -> Result<(Option<NodeId>, String), No> {
        match self.find(to) {
            Some(id) if self.nodes[&id].kind == Kind::Folder => {
                match self.is_taken(&format!("{to}/{own}")) {
                    true => Err(No),
                    false => Ok((Some(id), own.to_owned())),
                }
            }
            _ if self.is_taken(to) => Err(No),
            _ => {
                let (folder, name) = to.rsplit_once('/').unwrap();
                Ok((self.folder(folder)?, name.to_owned()))
            }
        }
    }

    /// Everything below a node, whether or not in the trash.
    fn inside(&self, id: NodeId) -> BTreeSet<NodeId> {
        let mut found = BTreeSet::from([id]);
        loop {
            let next = self
                .nodes
                .iter()
                .filter(|(_, node)| node.parent.is_some_and(|parent| found.contains(&parent)));
            let next: BTreeSet<NodeId> = next.map(|(id, _)| *id).collect();
            if next.is_subset(&found) {
                found.remove(&id);
                return found;
            }
            found.extend(next);
        }
    }

    /// Nodes in the trash that can be named without saying more.
    fn only_in_trash(&self) -> Vec<NodeId> {
        let trashed = || self.nodes.iter().filter(|(_, node)| node.trashed);
        let is_only = |name: &str| trashed().filter(|(_, node)| node.name == name).count() == 1;
        let only = trashed().filter(|(_, node)| is_only(&node.name));
        only.map(|(id, _)| *id).collect()
    }

    fn puts(&self) -> BTreeSet<PutId> {
        self.nodes
            .values()
            .flat_map(|node| node.versions.clone())
            .collect()
    }

    /// What every device is to show: children of what is gone under lost and
    /// found, of equal names the smallest id first and the others numbered.
    fn seen(&self) -> Seen {
        let mut paths = BTreeMap::new();
        let lost = format!("/{LOST_AND_FOUND}");
        self.show(None, "", &mut paths);
        let is_lost = |node: &&SeenNode| {
            let folder = node.parent.map(|parent| self.nodes.get(&parent));
            matches!(folder, Some(folder) if folder.is_none_or(|f| f.kind != Kind::Folder))
        };
        let lost_ids = self.nodes.iter().filter(|(_, node)| is_lost(node));
        self.show_all(lost_ids.map(|(id, _)| *id).collect(), &lost, &mut paths);
        Seen {
            nodes: self.nodes.clone(),
            paths,
        }
    }

    fn show(&self, folder: Option<NodeId>, path: &str, paths: &mut BTreeMap<String, NodeId>) {
        let children = self.nodes.iter().filter(|(_, node)| node.parent == folder);
        self.show_all(children.map(|(id, _)| *id).collect(), path, paths);
    }

    fn show_all(&self, ids: Vec<NodeId>, path: &str, paths: &mut BTreeMap<String, NodeId>) {
        let own: BTreeSet<&str> = ids.iter().map(|id| self.nodes[id].name.as_str()).collect();
        let mut taken = BTreeSet::new();
        if path.is_empty() {
            taken.insert(LOST_AND_FOUND.to_owned());
        }
        for id in ids {
            let node = &self.nodes[&id];
            if node.trashed {
                continue;
            }
            let numbered = (2..).map(|number| with_suffix(&node.name, number));
            let numbered = numbered.filter(|name| !own.contains(name.as_str()));
            let mut names = std::iter::once(node.name.clone()).chain(numbered);
            let name = names.find(|name| !taken.contains(name)).unwrap();
            let path = format!("{path}/{name}");
            taken.insert(name);
            paths.insert(path.clone(), id);
            if node.kind == Kind::Folder {
                self.show(Some(id), &path, paths);
            }
        }
    }
}
