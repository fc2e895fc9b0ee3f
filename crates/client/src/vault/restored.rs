//! After a restore from a backup the server has less than this person's
//! devices have seen, which no device can tell from an attack. A person can:
//! they are shown what would be given up, and on their word, given for this
//! one restore, the device starts over from what the server has
//! (spec: `log.md` §9).

use std::collections::{BTreeMap, BTreeSet};

use sv_core::Name;
use sv_core::record::{Kind, Payload, Record};
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::{ContentId, VaultId};
use sv_ledger::state::{Head, Member, Role};

use super::cache::CacheFile;
use super::pins::{LocalPin, PUBLISHED};
use super::replica::Replica;
use super::seen::Seen;
use super::{Vault, bootstrap};
use crate::account::{RestoreClaim, Session, shown_unlockers_version};
use crate::error::{ClientError, Result, Tamper};
use crate::port::{Platform, Storage};
use crate::tree::Tree;

/// What accepting a restore would give up, for a person to decide on.
pub struct RestoreReview {
    claim: RestoreClaim,
    setbacks: Vec<Setback>,
    older_unlockers: Option<u64>,
    /// All vaults, also those of which nothing is lost.
    vaults: Vec<VaultId>,
}

/// A vault of which the server shows less, or something else, than this
/// device has seen.
pub struct Setback {
    /// The vault.
    pub vault_id: VaultId,
    /// What it is.
    pub kind: VaultKind,
    /// What this account calls it, of a vault beside the drive.
    pub name: Option<Name>,
    /// The newest entry that the server shows.
    pub shown: u64,
    /// The newest entry that this device has seen.
    pub seen: u64,
    /// Whether this device still knows what it has seen, and so what is lost.
    pub is_known: bool,
    /// What differs in a drive or a vault beside it, by path; of the account,
    /// vaults that it does not record any more.
    pub losses: Vec<Loss>,
    /// Who has access again, not any more, or otherwise.
    pub access: Vec<AccessChange>,
    replica: Replica,
    /// The newest membership head of it and of vaults that its log leads to.
    members: Vec<(VaultId, Head)>,
}

/// Somebody whose access is another one on the server than this device has
/// seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessChange {
    /// Who.
    pub principal: VaultId,
    /// By which name this account knows them.
    pub name: String,
    /// Their role as this device has seen it; none if they had no access.
    pub seen: Option<Role>,
    /// Their role as the server shows it.
    pub shown: Option<Role>,
}

/// Something that is different on the server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Loss {
    /// Where it was; in the trash, its name alone.
    pub path: String,
    /// What it was.
    pub what: Lost,
    /// Versions that are not there any more.
    pub versions: usize,
    /// Bytes of these.
    pub bytes: u64,
}

/// How something is different.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lost {
    /// A file or note is not there.
    File,
    /// A folder is not there.
    Folder,
    /// Newer versions of a file or note are not there.
    Versions,
    /// Another name, place or other property than this device has seen.
    Change,
    /// It is there, and this device has seen that it was not, or not yet.
    Returns,
}

impl RestoreReview {
    /// Compares what this device has seen with what the server shows; `None`
    /// if the one is part of the other. Changes nothing here.
    ///
    /// # Errors
    /// The [`Tamper::Rollback`] or [`Tamper::Fork`] itself if the server does
    /// not say that it was restored, or if this very restore was accepted here
    /// before; any other [`Tamper`]; those of a call.
    pub async fn of<P: Platform>(session: &Session<P>) -> Result<Option<Self>> {
        let server = session.server();
        let claim = session.profile().instance.restore_claim(&server).await?;
        let uid = session.uid();
        let (account, account_differs) = match Vault::account(session).await {
            Ok(vault) => (vault, false),
            Err(error) => {
                excuse(session, uid, error, claim).await?;
                let pin = LocalPin::detached(uid);
                let mut vault = look(session, uid, pin).await?;
                vault.confirm_own_pins().await?;
                (vault, true)
            }
        };
        let (drive, drive_differs) = match account.open_drive().await {
            Ok(vault) => (vault, false),
            Err(error) => {
                let id = account.drive_id()?;
                excuse(session, id, error, claim).await?;
                let pin = LocalPin::detached(id).with_others(account.shared_heads(id));
                let mut vault = look(session, id, pin).await?;
                vault.require_own_drive()?;
                account.check_shared_pin(&mut vault).await?;
                (vault, true)
            }
        };
        let shown = shown_unlockers_version(session).await?;
        let older_unlockers = (shown < session.profile().unlockers_version).then_some(shown);
        if older_unlockers.is_some() {
            excuse(session, uid, Tamper::Unlockers.into(), claim).await?;
        }
        let names = names(&account);
        let mut beside = Vec::new();
        for (_, known) in account.shared_vaults() {
            let id = known.vault_id;
            let (vault, differs) = match account.open_held(id).await {
                Ok(vault) => (vault, false),
                // What was taken away is not given up here.
                Err(ClientError::NoAccess) => continue,
                Err(error) => {
                    excuse(session, id, error, claim).await?;
                    let pin = LocalPin::detached(id).with_others(account.shared_heads(id));
                    let mut vault = look(session, id, pin).await?;
                    account.check_shared_pin(&mut vault).await?;
                    (vault, true)
                }
            };
            beside.push((vault, differs, Some(known.name)));
        }
        let own = [
            (account, account_differs, None),
            (drive, drive_differs, None),
        ];
        let (mut vaults, mut setbacks) = (Vec::new(), Vec::new());
        for (vault, differs, name) in own.into_iter().chain(beside) {
            vaults.push(vault.id());
            if differs {
                setbacks.push(Setback::of(vault, name, &names).await?);
            }
        }
        let differs = !setbacks.is_empty() || older_unlockers.is_some();
        Ok(claim.filter(|_| differs).map(|claim| Self {
            claim,
            setbacks,
            older_unlockers,
            vaults,
        }))
    }

    /// What the server says of the restore.
    pub const fn claim(&self) -> &RestoreClaim {
        &self.claim
    }

    /// The vaults of which it shows less, or something else.
    pub fn setbacks(&self) -> &[Setback] {
        &self.setbacks
    }

    /// Whether password and recovery key are older ones again.
    pub const fn has_older_unlockers(&self) -> bool {
        self.older_unlockers.is_some()
    }

    /// Starts over from what was reviewed: a person says that the restore was
    /// honest. Only for this restore: an older state still is refused again.
    ///
    /// # Errors
    /// [`ClientError::Local`]; then it is to be done again.
    pub async fn accept<P: Platform>(self, session: &mut Session<P>) -> Result<()> {
        for Setback {
            vault_id,
            replica,
            members,
            ..
        } in self.setbacks
        {
            // The pin first: while the cache is still ahead of it, nothing
            // opens, and the review can be repeated with all it needs.
            let pin = LocalPin::at(vault_id, replica.state().head);
            pin.save(session).await?;
            let mut cache = CacheFile::new(&vault_id);
            cache.rewrite(session, &replica.to_frame()).await?;
            for (id, head) in members {
                Seen::start_over(session, id, head).await?;
            }
        }
        if let Some(version) = self.older_unlockers {
            session.start_over_at_unlockers(version).await?;
        }
        for vault_id in self.vaults {
            let pin = LocalPin::load(session, vault_id).await?;
            pin.accepting(self.claim.restore_id).save(session).await?;
        }
        Ok(session.platform().storage().remove(PUBLISHED).await?)
    }
}

impl Setback {
    async fn of<P: Platform>(
        vault: Vault<'_, P>,
        name: Option<Name>,
        names: &BTreeMap<VaultId, String>,
    ) -> Result<Self> {
        let (session, vault_id) = (vault.session, vault.id());
        let members = vault.member_heads()?;
        let replica = vault.replica;
        let state = replica.state();
        let pinned = LocalPin::load(session, vault_id).await?.head();
        let known = CacheFile::load(session, &vault_id).await?;
        let known = known.map(|(known, _)| known);
        let kind = state.membership.kind;
        let (mut losses, mut access) = (Vec::new(), Vec::new());
        if let Some(known) = &known {
            // In a vault of others these may have gone on since.
            if !kind.is_shareable() {
                require_no_other_members(known, &replica)?;
            }
            losses = match kind {
                VaultKind::Account => forgotten(known, &replica),
                _ => compare(known, &replica),
            };
            access = compare_access(known, &replica, names);
        }
        let cached = known.as_ref().map(|known| known.state().head.seq);
        Ok(Self {
            vault_id,
            kind,
            name,
            shown: state.head.seq,
            seen: cached.max(pinned.map(|head| head.seq)).unwrap_or(0),
            is_known: known.is_some(),
            losses,
            access,
            replica,
            members,
        })
    }
}

impl<P: Platform> Vault<'_, P> {
    /// Who is in this vault, and in those that its log leads to, by the head of
    /// each: as they are shown.
    fn member_heads(&self) -> Result<Vec<(VaultId, Head)>> {
        let own = &self.replica.state().membership;
        let mut heads = Vec::new();
        if own.kind.is_shareable() {
            heads.push((own.vault_id, own.head));
        }
        for chain in self.others.iter() {
            let newest = chain.latest()?;
            heads.push((newest.vault_id, newest.head));
        }
        Ok(heads)
    }
}

/// A replica as a new device would make it, of which nothing is kept.
async fn look<P: Platform>(
    session: &Session<P>,
    vault_id: VaultId,
    pin: LocalPin,
) -> Result<Vault<'_, P>> {
    bootstrap::bootstrap(session, CacheFile::detached(), vault_id, pin).await
}

/// Lets only an older or another state of a server pass that says it was
/// restored, and each restore only once.
async fn excuse<P: Platform>(
    session: &Session<P>,
    vault_id: VaultId,
    error: ClientError,
    claim: Option<RestoreClaim>,
) -> Result<()> {
    let is_older = matches!(
        error,
        ClientError::Tampered(Tamper::Rollback { .. } | Tamper::Fork(_) | Tamper::Unlockers)
    );
    let accepted = LocalPin::load(session, vault_id).await?.accepted();
    match claim {
        Some(claim) if is_older && accepted != Some(claim.restore_id) => Ok(()),
        _ => Err(error),
    }
}

/// Who has access is never given up here: the membership that the server
/// shows must be what this device has seen, or the beginning of it.
fn require_no_other_members(known: &Replica, shown: &Replica) -> Result<()> {
    if known.chain.starts_with(&shown.chain) {
        return Ok(());
    }
    let same = known.chain.iter().zip(&shown.chain);
    let common = same.take_while(|(known, shown)| known == shown).count();
    let seq = shown.chain.get(common).map(|entry| entry.body().seq);
    Err(Tamper::Fork(seq.unwrap_or(0)).into())
}

/// How this account calls people and groups.
fn names<P: Platform>(account: &Vault<'_, P>) -> BTreeMap<VaultId, String> {
    let contacts = account.contacts().into_iter();
    let people = contacts.map(|contact| (contact.identity.uid, contact.handle.to_string()));
    let vaults = account.shared_vaults().into_iter();
    let vaults = vaults.map(|(_, vault)| (vault.vault_id, vault.name.to_string()));
    let mut names: BTreeMap<VaultId, String> = people.chain(vaults).collect();
    names.insert(account.id(), "you".to_owned());
    names
}

/// Vaults beside the drive that an account vault does not record any more.
fn forgotten(known: &Replica, shown: &Replica) -> Vec<Loss> {
    let recorded = |replica: &Replica| -> BTreeMap<VaultId, Name> {
        let payloads = replica.nodes().values().filter_map(|node| node.payload());
        let vaults = payloads.filter_map(|payload| match payload {
            Payload::SharedVault(vault) if !vault.is_declined => Some(vault),
            _ => None,
        });
        vaults.map(|v| (v.vault_id, v.name.clone())).collect()
    };
    let there = recorded(shown);
    let gone = recorded(known).into_iter();
    let gone = gone.filter(|(id, _)| !there.contains_key(id));
    gone.map(|(_, name)| Loss {
        path: format!("shared:{name}"),
        what: Lost::Folder,
        versions: 0,
        bytes: 0,
    })
    .collect()
}

fn compare_access(
    known: &Replica,
    shown: &Replica,
    names: &BTreeMap<VaultId, String>,
) -> Vec<AccessChange> {
    let (seen, now) = (
        &known.state().membership.members,
        &shown.state().membership.members,
    );
    let all: BTreeSet<&VaultId> = seen.keys().chain(now.keys()).collect();
    let role = |members: &BTreeMap<VaultId, Member>, id| members.get(id).map(|m| m.role);
    let changes = all.into_iter().map(|id| AccessChange {
        principal: *id,
        name: names.get(id).cloned().unwrap_or_else(|| id.to_string()),
        seen: role(seen, id),
        shown: role(now, id),
    });
    changes
        .filter(|change| change.seen != change.shown)
        .collect()
}

fn compare(known: &Replica, shown: &Replica) -> Vec<Loss> {
    let (known_tree, shown_tree) = (Tree::build(known), Tree::build(shown));
    let mut losses: Vec<Loss> = known
        .nodes()
        .iter()
        .filter_map(|(id, node)| {
            let record = node.record()?;
            let there = shown.nodes().get(id);
            let (what, (versions, bytes)) = match there.and_then(|there| there.record()) {
                None => (gone(record.kind), lacking(record, None)),
                Some(now) => match lacking(record, Some(now)) {
                    (0, _) if there.map(|there| there.leaf()) == Some(node.leaf()) => return None,
                    (0, _) => (Lost::Change, (0, 0)),
                    some => (Lost::Versions, some),
                },
            };
            Some(Loss {
                path: path(&known_tree, id, record),
                what,
                versions,
                bytes,
            })
        })
        .collect();
    losses.extend(shown.nodes().iter().filter_map(|(id, node)| {
        let record = node.record().filter(|_| !known.nodes().contains_key(id))?;
        Some(Loss {
            path: path(&shown_tree, id, record),
            what: Lost::Returns,
            versions: 0,
            bytes: 0,
        })
    }));
    losses.sort_unstable();
    losses
}

const fn gone(kind: Kind) -> Lost {
    match kind {
        Kind::Folder => Lost::Folder,
        Kind::File | Kind::Note | Kind::Mount => Lost::File,
    }
}

/// How many versions of a record are not in another, and their bytes.
fn lacking(record: &Record, other: Option<&Record>) -> (usize, u64) {
    let there: BTreeSet<ContentId> = other
        .iter()
        .flat_map(|other| &other.versions)
        .map(|version| version.content_id)
        .collect();
    let lacking = record
        .versions
        .iter()
        .filter(|version| !there.contains(&version.content_id));
    lacking.fold((0, 0), |(count, bytes), version| {
        (count + 1, bytes + version.size)
    })
}

fn path(tree: &Tree, id: &sv_ledger::id::NodeId, record: &Record) -> String {
    tree.path(id).unwrap_or_else(|| record.name.to_string())
}
