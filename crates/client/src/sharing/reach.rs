//! A path with everything below it, also in the vaults that are mounted
//! there: one stretch for each vault, opened one after the other.

use std::collections::{BTreeSet, VecDeque};

use sv_core::record::{Kind, Mount};
use sv_ledger::id::{NodeId, VaultId};
use sv_ledger::limits::TREE_DEPTH;

use super::mounts::{Last, follow};
use crate::account::Session;
use crate::drive::{Drive, Item, Usage};
use crate::error::{ClientError, Result};
use crate::path::RemotePath;
use crate::port::Platform;
use crate::transfer::DownloadPlan;
use crate::tree::Place;
use crate::vault::Vault;

/// Mounts that are gone through at most. Others could make folders that lead
/// to one another in more ways than anybody can walk.
pub(super) const MOUNTS: usize = 1024;

/// What lies in one vault of what is below a path.
pub struct Stretch<'s, P> {
    drive: Drive<'s, P>,
    /// Where it begins in its vault.
    inside: RemotePath,
    lead: Lead,
    /// Nodes of it that were shown elsewhere already.
    without: BTreeSet<NodeId>,
}

/// How something is reached.
struct Lead {
    /// The names that lead to it from where the whole begins.
    names: Vec<String>,
    /// The path under which it is shown.
    shown: String,
    /// When that was last changed, Unix milliseconds.
    modified_ms: u64,
    /// The vaults from the path's own to the one it is in.
    trail: Vec<VaultId>,
}

/// A mount that is not gone through, or a vault that does not open.
#[derive(Debug, Clone)]
pub struct Closed {
    /// Where it is shown.
    pub path: String,
    /// Why.
    pub why: Why,
}

/// Why a mount is not gone through.
#[derive(Debug, Clone)]
pub enum Why {
    /// This account has not accepted the vault, or has declined it.
    NotAccepted,
    /// It leads back into a vault that leads to it.
    Circle,
    /// The vault is there, and what was mounted of it is not.
    Gone,
    /// More mounts than are gone through.
    TooMany,
    /// The vault does not open: it was altered, or access was taken away.
    Failed(ClientError),
}

/// The next of what is below a path.
pub enum Step<'s, P> {
    /// A part of it.
    Open(Box<Stretch<'s, P>>),
    /// One that is left out.
    Closed(Closed),
}

/// Everything below a path.
pub struct Reach<'s, P> {
    session: &'s Session<P>,
    account: Vault<'s, P>,
    waiting: VecDeque<Waiting>,
    /// Of everything: the vaults beside the drive that come after it.
    beside: Vec<VaultId>,
    /// Vaults that were shown as a whole, and nodes that were shown alone.
    whole: BTreeSet<VaultId>,
    alone: BTreeSet<(VaultId, NodeId)>,
    /// Mounts that are still gone through.
    left: usize,
    follows_mounts: bool,
}

enum Waiting {
    Path(RemotePath),
    Mount(Mount, Lead),
}

impl<'s, P: Platform> Reach<'s, P> {
    /// What is at a path and below it.
    ///
    /// # Errors
    /// Those of opening the account.
    pub async fn below(session: &'s Session<P>, path: &RemotePath) -> Result<Self> {
        let account = Vault::account(session).await?;
        Ok(Self {
            session,
            account,
            waiting: VecDeque::from([Waiting::Path(path.clone())]),
            beside: Vec::new(),
            whole: BTreeSet::new(),
            alone: BTreeSet::new(),
            left: MOUNTS,
            follows_mounts: true,
        })
    }

    /// The drive, and after it every vault beside it that this account made or
    /// accepted, without what was mounted in the drive already.
    ///
    /// # Errors
    /// Those of opening the account.
    pub async fn everything(session: &'s Session<P>) -> Result<Self> {
        let mut reach = Self::below(session, &RemotePath::ROOT).await?;
        let known = reach.account.shared_vaults().into_iter();
        let known = known.filter(|(_, vault)| !vault.is_declined);
        reach.beside = known.map(|(_, vault)| vault.vault_id).collect();
        Ok(reach)
    }

    /// Every vault of [`Self::everything`] once, as a whole: no mount leads to
    /// another one.
    ///
    /// # Errors
    /// Those of opening the account.
    pub async fn each_vault(session: &'s Session<P>) -> Result<Self> {
        Ok(Self {
            follows_mounts: false,
            ..Self::everything(session).await?
        })
    }

    /// The next part, folders before what they hold.
    ///
    /// # Errors
    /// Those of the path itself, and those of a call; a vault that does not
    /// open is a [`Step::Closed`].
    pub async fn next(&mut self) -> Result<Option<Step<'s, P>>> {
        if let Some(next) = self.waiting.pop_front() {
            let step = match next {
                Waiting::Mount(mount, lead) => self.through(mount, lead).await?,
                Waiting::Path(path) => {
                    let (drive, inside, trail) = follow(self.session, &path, Last::Through).await?;
                    let lead = Lead {
                        names: Vec::new(),
                        shown: path.to_string(),
                        modified_ms: drive.now_ms(),
                        trail,
                    };
                    self.open(drive, inside, lead)?
                }
            };
            return Ok(Some(step));
        }
        while let Some(vault_id) = self.beside.pop() {
            if let Some(step) = self.whole_vault(vault_id).await? {
                return Ok(Some(step));
            }
        }
        Ok(None)
    }

    async fn through(&mut self, mount: Mount, mut lead: Lead) -> Result<Step<'s, P>> {
        let shown = lead.shown.clone();
        let closed = |why| {
            let path = shown.clone();
            Ok(Step::Closed(Closed { path, why }))
        };
        if !self.account.knows(&mount.vault_id) {
            return closed(Why::NotAccepted);
        }
        if lead.trail.contains(&mount.vault_id) || lead.trail.len() > TREE_DEPTH {
            return closed(Why::Circle);
        }
        let Some(left) = self.left.checked_sub(1) else {
            return closed(Why::TooMany);
        };
        self.left = left;
        let vault = match self.account.open_beside(mount.vault_id).await {
            Ok(vault) => vault,
            Err(error) => return closed(Why::Failed(failed(error)?)),
        };
        let drive = Drive::of(vault, shown.clone());
        let inside = match mount.node {
            None => Some(RemotePath::ROOT),
            Some(node) => drive.tree().path(&node).and_then(|path| path.parse().ok()),
        };
        let Some(inside) = inside else {
            return closed(Why::Gone);
        };
        lead.trail.push(mount.vault_id);
        self.open(drive, inside, lead)
    }

    /// A vault beside the drive, as far as it was not shown in the drive.
    async fn whole_vault(&mut self, vault_id: VaultId) -> Result<Option<Step<'s, P>>> {
        if self.whole.contains(&vault_id) {
            return Ok(None);
        }
        let known = self.account.shared_vaults().into_iter();
        let mut known = known.filter(|(_, vault)| vault.vault_id == vault_id);
        let Some((_, known)) = known.next() else {
            return Ok(None);
        };
        let shown = format!("shared:{}", known.name);
        let vault = match self.account.open_beside(vault_id).await {
            Ok(vault) => vault,
            Err(error) => {
                let why = Why::Failed(failed(error)?);
                return Ok(Some(Step::Closed(Closed { path: shown, why })));
            }
        };
        let drive = Drive::of(vault, shown.clone());
        let lead = Lead {
            names: vec![known.name.to_string()],
            shown,
            modified_ms: drive.now_ms(),
            trail: vec![vault_id],
        };
        self.open(drive, RemotePath::ROOT, lead).map(Some)
    }

    /// Takes a part of a vault in, and notes the mounts in it.
    fn open(&mut self, drive: Drive<'s, P>, inside: RemotePath, lead: Lead) -> Result<Step<'s, P>> {
        let vault_id = drive.vault().id();
        let place = drive.find_place(&inside)?;
        let alone = self.alone.iter().filter(|(vault, _)| *vault == vault_id);
        let stretch = Stretch {
            drive,
            inside,
            lead,
            without: match place {
                Place::Root => alone.map(|(_, node)| *node).collect(),
                _ => BTreeSet::new(),
            },
        };
        match place {
            Place::Root => {
                self.whole.insert(vault_id);
            }
            Place::Node(node) => {
                self.alone.insert((vault_id, node));
            }
            Place::LostAndFound => {}
        }
        if self.follows_mounts {
            self.note_mounts(&stretch)?;
        }
        Ok(Step::Open(Box::new(stretch)))
    }
}

impl<'s, P: Platform> Reach<'s, P> {
    fn note_mounts(&mut self, stretch: &Stretch<'s, P>) -> Result<()> {
        for (below, id) in stretch.walk()? {
            let record = stretch.drive.record(&id)?;
            let Some(mount) = record.mount else { continue };
            let lead = Lead {
                names: [stretch.lead.names.as_slice(), &below].concat(),
                shown: stretch.path_of(&below),
                modified_ms: record.modified_ms,
                trail: stretch.lead.trail.clone(),
            };
            self.waiting.push_back(Waiting::Mount(mount, lead));
        }
        Ok(())
    }
}

/// What a vault that does not open means for the rest: only what concerns it
/// alone leaves the rest standing.
pub(super) fn failed(error: ClientError) -> Result<ClientError> {
    match error {
        ClientError::Tampered(_) | ClientError::NoAccess | ClientError::Misuse(_) => Ok(error),
        error => Err(error),
    }
}

impl<'s, P: Platform> Stretch<'s, P> {
    /// The vault's files.
    pub const fn drive(&self) -> &Drive<'s, P> {
        &self.drive
    }

    /// The same, to change them.
    pub fn into_drive(self) -> Drive<'s, P> {
        self.drive
    }

    /// Where it is shown.
    pub fn shown(&self) -> &str {
        &self.lead.shown
    }

    /// The vault in which the way to it begins.
    pub fn root(&self) -> VaultId {
        let first = self.lead.trail.first().copied();
        first.unwrap_or(self.drive.vault().id())
    }

    /// Whether it is what the path itself leads to, and not behind a mount.
    pub const fn is_first(&self) -> bool {
        self.lead.names.is_empty()
    }

    /// Everything in it, folders before what they hold; behind a mount of one
    /// file, that file.
    ///
    /// # Errors
    /// [`ClientError::NotFound`].
    pub fn items(&self) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        for (below, id) in self.walk()? {
            if below.is_empty() && (self.is_first() || self.is_folder()) {
                continue;
            }
            let mut item = self.drive.item(id)?;
            item.path = self.path_of(&below);
            let name = below.last().or(self.lead.names.last());
            item.name = name.cloned().unwrap_or(item.name);
            items.push(item);
        }
        Ok(items)
    }

    /// What is in it, added up. A mounted folder counts as a folder.
    ///
    /// # Errors
    /// [`ClientError::NotFound`].
    pub fn usage(&self) -> Result<Usage> {
        let mut usage = self.drive.usage(&self.inside)?;
        usage.folders += u64::from(!self.is_first() && self.is_folder());
        Ok(usage)
    }

    /// A download of it, below the names that lead to it; these below `above`.
    ///
    /// # Errors
    /// [`ClientError::NotFound`].
    pub fn plan(&self, above: &[String]) -> Result<DownloadPlan> {
        let mut plan = DownloadPlan::new(&self.drive, &self.inside, None)?;
        let shown_elsewhere: BTreeSet<String> = self
            .without
            .iter()
            .filter_map(|node| self.drive.tree().path(node))
            .map(|path| format!("{}{path}", self.drive.base))
            .collect();
        plan.retain(|item| !shown_elsewhere.contains(&item.path));
        if plan.items().is_empty() && !shown_elsewhere.is_empty() {
            return Ok(plan);
        }
        if !self.is_first() {
            let names = [above, &self.lead.names].concat();
            let at = (self.lead.shown.as_str(), self.lead.modified_ms);
            plan.move_below(&names, at, self.is_folder());
        }
        Ok(plan)
    }

    fn is_folder(&self) -> bool {
        self.drive.find_file(&self.inside).is_err()
    }

    fn walk(&self) -> Result<Vec<(Vec<String>, NodeId)>> {
        let mut found = self.drive.tree().walk(self.drive.find_place(&self.inside)?);
        found.retain(|(_, id)| !self.without.contains(id));
        Ok(found)
    }

    fn path_of(&self, below: &[String]) -> String {
        let shown = &self.lead.shown;
        let start = shown.strip_suffix('/').unwrap_or(shown);
        match below.is_empty() {
            true => shown.clone(),
            false => format!("{start}/{}", below.join("/")),
        }
    }
}

/// What is below a path, as rows.
#[derive(Debug, Default)]
pub struct Listing {
    /// Folders before what they hold, and what is mounted where it is.
    pub items: Vec<Item>,
    /// All of it, added up.
    pub usage: Usage,
    /// What is left out.
    pub closed: Vec<Closed>,
}

impl Listing {
    /// Lists all that is left to go through.
    ///
    /// # Errors
    /// As [`Reach::next`].
    pub async fn of<P: Platform>(reach: &mut Reach<'_, P>) -> Result<Self> {
        let mut listing = Self::default();
        while let Some(step) = reach.next().await? {
            match step {
                Step::Closed(closed) => listing.closed.push(closed),
                Step::Open(stretch) => {
                    listing.usage += stretch.usage()?;
                    listing.splice(stretch.shown(), stretch.items()?, stretch.is_folder());
                }
            }
        }
        Ok(listing)
    }

    /// Puts what is behind a mount where the mount is.
    fn splice(&mut self, shown: &str, items: Vec<Item>, is_folder: bool) {
        let is_mount = |item: &Item| item.kind == Kind::Mount && item.path == shown;
        match self.items.iter().position(is_mount) {
            None => self.items.extend(items),
            Some(at) if is_folder => drop(self.items.splice(at + 1..at + 1, items)),
            Some(at) => drop(self.items.splice(at..=at, items)),
        }
    }
}
