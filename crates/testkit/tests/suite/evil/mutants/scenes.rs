//! The sessions that are recorded: somebody looks at a drive, or at what is
//! shared with them directly or through groups, or changes who has access.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use sv_api::Wire as _;
use sv_api::endpoint::{AppendEntry, GetEntries};
use sv_api::vault::{AppendRequest, EntryPage};
use sv_client::account::Session;
use sv_client::error::Result;
use sv_client::progress::Reporter;
use sv_client::sharing::{self, Last, MemberInfo};
use sv_client::transfer::DownloadPlan;
use sv_client::vault::Vault;
use sv_client::{ClientError, Tamper};
use sv_core::vault_key::{EnvelopeHeader, peek_envelope};
use sv_ledger::entry::StateOp;
use sv_ledger::id::{Hash, VaultId};
use sv_ledger::membership_op::MembershipOp;
use sv_ledger::state::Role;
use sv_testkit::{Exchange, MemoryTarget, Recording, TestPlatform, TestServer};

use super::cast::Cast;
use super::changes::{Lie, Pool};
use crate::evil::a26_exchange::answers;
use crate::evil::world::{self, World, says_who};

/// No look takes longer than this, whatever is answered.
const HANG: Duration = Duration::from_secs(120);

/// What a person does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// Looks at their own drive and gets everything in it.
    Drive,
    /// Looks at a folder that somebody shares, at who has access and at what
    /// was done there, and gets everything in it.
    Share,
    /// Gives somebody access whom they did not know.
    Grant,
    /// Takes access away, with the new key that this needs.
    Revoke,
}

/// What a person has got to know, and has told others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Everything that was shown, as text.
    shown: Vec<String>,
    /// What the account could reach, by the server's word alone.
    listed: Vec<String>,
    /// What was written to vaults, but for what is drawn at random.
    written: Vec<Deed>,
    files: BTreeMap<String, Vec<u8>>,
}

/// One entry that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Deed {
    what: String,
    /// The vault, and the entry that it follows.
    after: (VaultId, Hash),
}

/// How a mutant ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Everything was as it is with an honest server.
    WithoutEffect,
    /// Something was left out of a list that is the server's to give.
    Withheld,
    /// What was true before the last entry of the log, of which this device
    /// had not heard, was shown; or the same was done there, which an honest
    /// server refuses. No other can be kept from it.
    Behind,
    /// The client stopped, with this error.
    Caught(String),
    /// The person was shown, or did, something else; or was told nothing that
    /// helps.
    Accepted(String),
}

/// A recorded session, and the device that it was of.
pub(super) struct Scene {
    pub(super) what: What,
    /// Where the server is that the recording is of.
    url: String,
    device: TestPlatform,
    honest: Seen,
    /// What it was once, as honest servers showed it then.
    earlier: Option<Seen>,
    pub(super) recording: Rc<Recording>,
    pub(super) pool: Rc<Pool>,
    /// Every entry that was shown.
    log: BTreeSet<(VaultId, Hash)>,
}

impl Scene {
    /// Records what a copy of a device does at the server at `url`; afterwards
    /// what is not in the recording is asked at `home`.
    async fn record(what: What, device: &TestPlatform, url: &str, home: &str) -> (Self, Recording) {
        let then = device.copy(url);
        let target = MemoryTarget::default();
        let mut honest = what.done(&then, &target).await.expect("an honest session");
        let recording = then.network.take_recording();
        honest.written = written(&recording.requests);
        let scene = Self {
            log: entries(&recording),
            what,
            url: home.to_owned(),
            device: device.copy(home),
            honest,
            earlier: None,
            recording: Rc::new(recording.clone()),
            pool: Rc::default(),
        };
        (scene, recording)
    }

    /// The session again, from the recording, with one answer replaced.
    pub(super) async fn try_out(&self, lie: Option<(&Exchange, Lie)>) -> (Outcome, TestPlatform) {
        let device = self.device.copy(&self.url);
        device.network.play_back(self.recording.clone());
        if let Some((request, lie)) = lie {
            let (path, method) = (request.path.clone(), request.method);
            let body = (!request.is_write()).then(|| request.body.clone());
            device.network.rewrite(move |asked, mut answer| {
                let is_it = asked.path == path
                    && asked.method == method
                    && body.as_ref().is_none_or(|body| *body == asked.body);
                if is_it {
                    answer.status = lie.status;
                    answer.body.clone_from(&lie.body);
                }
                Ok(answer)
            });
        }
        (self.judge(&device).await, device)
    }

    /// A device that asks the server itself.
    pub(super) fn live(&self) -> TestPlatform {
        self.device.copy(&self.url)
    }

    /// What comes of what a device is shown.
    pub(super) async fn judge(&self, device: &TestPlatform) -> Outcome {
        device.network.take_recording();
        let target = MemoryTarget::default();
        let done = tokio::time::timeout(HANG, self.what.done(device, &target)).await;
        let written = written(&device.network.take_recording().requests);
        let is_forged = |(name, bytes): (&String, &Vec<u8>)| {
            let honest = self.honest.files.get(name);
            honest.is_none_or(|honest| !honest.starts_with(bytes))
        };
        if target.files.borrow().iter().any(is_forged)
            || target.partial.borrow().iter().any(is_forged)
        {
            return Outcome::Accepted("other bytes".to_owned());
        }
        let Ok(done) = done else {
            return Outcome::Accepted("hangs".to_owned());
        };
        let is_behind = |deed: &Deed| {
            let mut honest = self.honest.written.iter();
            honest.any(|h| h.what == deed.what) && self.log.contains(&deed.after)
        };
        let other = |deed: &&Deed| !self.honest.written.contains(deed);
        if let Some(other) = written.iter().find(other) {
            return match is_behind(other) {
                true => Outcome::Behind,
                false => Outcome::Accepted(format!("wrote {other:?}")),
            };
        }
        match done {
            Ok(seen) => self.compare(Seen { written, ..seen }),
            Err(error) if self.says_enough(&error) => Outcome::Caught(name_of(&error)),
            Err(error) => Outcome::Accepted(format!("stopped by {error:?}")),
        }
    }

    fn compare(&self, seen: Seen) -> Outcome {
        if seen == self.honest {
            return Outcome::WithoutEffect;
        }
        let honest = &self.honest;
        // What nobody has accepted yet is said to be unreadable, one by one.
        let is_refused = |one: &&String| one.contains("state: Unreadable");
        let (refused, listed): (Vec<_>, Vec<_>) = seen.listed.iter().partition(is_refused);
        // The list is looked at by itself: what is shown of one vault says
        // nothing of the others. A row that is moved from one log to another
        // keeps the newest entry of the one from the device, and spoils or
        // withholds the other.
        let is_but_for_list = |once: &Seen| {
            let as_listed = Seen {
                listed: once.listed.clone(),
                ..seen.clone()
            };
            as_listed == *once
                && listed.len() <= once.listed.len()
                && listed.iter().all(|one| is_listed(one, &once.listed))
        };
        let is_behind = self.earlier.as_ref().is_some_and(is_but_for_list);
        if is_behind || is_but_for_list(honest) {
            return match (refused.is_empty(), is_behind) {
                (false, _) => Outcome::Caught("Unreadable".to_owned()),
                (true, true) => Outcome::Behind,
                (true, false) => Outcome::Withheld,
            };
        }
        let differs = |a: &[String], b: &[String]| {
            let other = a.iter().find(|one| !b.contains(one));
            other.map_or_else(|| "less than there is".to_owned(), Clone::clone)
        };
        Outcome::Accepted(format!(
            "shown {}; listed {}; written {} for {}",
            differs(&seen.shown, &honest.shown),
            differs(&seen.listed, &honest.listed),
            seen.written.len(),
            honest.written.len()
        ))
    }

    /// Whether an error says that it is the server's doing.
    fn says_enough(&self, error: &ClientError) -> bool {
        let is_about_access = matches!(error, ClientError::NoAccess);
        // A server that always says that others were faster is told so.
        let is_too_fast = matches!(error, ClientError::Misuse(text) if text.contains("too fast"));
        // Nobody has a name that the server's directory does not know.
        let is_unknown = matches!(error, ClientError::NoSuchPerson(_)) && self.what == What::Grant;
        says_who(error) || is_about_access || is_too_fast || is_unknown
    }
}

/// Whether a share is in a list, as it is or without its owner: that somebody's
/// account is gone is the server's word, and such a share cannot be accepted.
fn is_listed(share: &str, list: &[String]) -> bool {
    let unowned = share.split_once("owner_name: None, trust: None,");
    list.iter().any(|listed| {
        listed == share
            || unowned.is_some_and(|(before, after)| {
                listed.starts_with(before) && listed.ends_with(after)
            })
    })
}

/// The name of an error; of tampering, of which kind.
fn name_of(error: &ClientError) -> String {
    let text = match error {
        ClientError::Tampered(tamper) => format!("{tamper:?}"),
        ClientError::Refused(error) => return format!("Refused {:?}", error.code),
        other => format!("{other:?}"),
    };
    // Of the reasons for a bad log each is a check of its own.
    let name = match text.strip_prefix("Log(") {
        Some(_) => text.as_str(),
        None => text
            .split(|c: char| !c.is_alphanumeric())
            .next()
            .unwrap_or_default(),
    };
    name.to_owned()
}

impl What {
    /// Whether a server is changed by it.
    pub(super) const fn writes(self) -> bool {
        matches!(self, Self::Grant | Self::Revoke)
    }

    async fn done(self, device: &TestPlatform, into: &MemoryTarget) -> Result<Seen> {
        match self {
            Self::Drive => {
                let seen = world::look(device, into).await?;
                Ok(Seen {
                    shown: vec![
                        format!("{:?}", seen.items),
                        format!("{:?}", seen.trashed),
                        format!("{:?}", seen.histories),
                        format!("{} unreadable", seen.unreadable),
                    ],
                    files: seen.files,
                    ..Seen::default()
                })
            }
            Self::Share => look_at_share(device, into).await,
            Self::Grant => {
                let session = Session::resume(device.clone()).await?;
                let mut account = Vault::account(&session).await?;
                let with = sharing::invitees(&mut account, &["erin".to_owned()]).await?;
                let mut vault = open_work(&account).await?;
                let done =
                    sharing::give_access(&mut account, &mut vault, &with, Role::Editor, 0).await?;
                if done.granted.is_empty() {
                    // Somebody who is waited for: nobody has that name, it was said.
                    return Err(ClientError::NoSuchPerson("erin".to_owned()));
                }
                Ok(Seen {
                    shown: done.granted,
                    ..Seen::default()
                })
            }
            Self::Revoke => {
                let session = Session::resume(device.clone()).await?;
                let account = Vault::account(&session).await?;
                let mut vault = open_work(&account).await?;
                let members = &vault.replica().state().membership.members;
                let people = members.iter().filter(|(_, m)| !m.keys.is_vault());
                let mut others = people.filter(|(id, _)| **id != session.uid());
                let (other, _) = others.next().expect("somebody else");
                let other = *other;
                vault.revoke(other).await?;
                Ok(Seen::default())
            }
        }
    }
}

async fn open_work<'s>(account: &Vault<'s, TestPlatform>) -> Result<Vault<'s, TestPlatform>> {
    account.open_beside(named(account, "work")).await
}

pub(super) fn named(account: &Vault<'_, TestPlatform>, name: &str) -> VaultId {
    let shared = account.shared_vaults().into_iter();
    let mut shared = shared.filter(|(_, vault)| vault.name.as_str() == name);
    shared
        .next()
        .expect("the account vault is verified")
        .1
        .vault_id
}

pub(super) async fn look_at_share(device: &TestPlatform, into: &MemoryTarget) -> Result<Seen> {
    let session = Session::resume(device.clone()).await?;
    let mut account = Vault::account(&session).await?;
    let listed = sharing::shares(&session, &account).await?;
    let path = "shared:work".parse()?;
    let (drive, root) = sharing::open_at(&session, &path, Last::Through).await?;
    let members = sharing::members(&mut account, drive.vault()).await?;
    // Said of one member, so that the rest goes on: noticed all the same.
    let is_unmet = |member: &&MemberInfo| !member.is_vault && member.trust.is_none();
    if let Some(unmet) = members.iter().find(is_unmet) {
        return Err(Tamper::Contact(unmet.name.clone()).into());
    }
    let state = drive.vault().replica().state();
    let mut shown = vec![
        format!("{:?}", drive.walk(&root)?),
        format!("{:?}", drive.vault().title()),
        format!("{:?}", drive.vault().activity(100).await?),
        format!("{:?}", drive.vault().access()),
        format!("{:?} {:?}", state.head, state.membership),
        format!("{} unreadable", drive.quarantined().len()),
    ];
    shown.extend(members.iter().map(|member| format!("{member:?}")));
    let plan = DownloadPlan::new(&drive, &root, None)?;
    plan.run(&drive, into, &Reporter::silent()).await?;
    Ok(Seen {
        shown,
        listed: listed.iter().map(|share| format!("{share:?}")).collect(),
        written: Vec::new(),
        files: into.files.borrow().clone(),
    })
}

/// What requests do to vaults, but for ids, keys and times that are drawn or
/// read anew each time.
fn written(requests: &[Exchange]) -> Vec<Deed> {
    let appends = requests.iter().filter(|asked| asked.is::<AppendEntry>());
    let mut found: Vec<Deed> = appends.map(deed).collect();
    // Asked again since others were faster, or the answer was lost.
    found.dedup();
    found
}

fn deed(request: &Exchange) -> Deed {
    let append = AppendRequest::parse(&request.body).expect("our own request");
    let body = append.entry.body();
    let mut ops: Vec<String> = Vec::new();
    for op in append.entry.state_ops() {
        ops.push(match op {
            StateOp::Put(put) if put.rev == 1 => format!("new with {}", put.added.len()),
            op => format!("{op:?}"),
        });
    }
    for op in append.entry.membership_ops() {
        ops.push(match op {
            MembershipOp::Epoch(op) => format!("a key for {}", op.envelopes.len()),
            MembershipOp::Grant(op) => {
                format!(
                    "{} gets {:?} until {} with {:?}",
                    op.principal, op.role, op.expires_ms, op.keys
                )
            }
            op => format!("{op:?}"),
        });
    }
    let envelopes = append.bodies.iter().filter_map(|b| peek_envelope(b).ok());
    let headers = envelopes.map(|header| EnvelopeHeader {
        vk_commit: Hash::ZERO,
        ..header
    });
    let headers: Vec<_> = headers.collect();
    Deed {
        what: format!(
            "{}: {ops:?} by {} through {:?} at {} {}, {headers:?}",
            request.path, body.author, body.via, body.member_seq, body.member_hash,
        ),
        after: (body.vault_id, body.prev_hash),
    }
}

/// Every entry that answers show.
fn entries(recording: &Recording) -> BTreeSet<(VaultId, Hash)> {
    let pages = answers::<GetEntries>(recording).into_iter();
    let pages = pages.filter_map(|(_, body)| EntryPage::parse(&body).ok());
    pages
        .flat_map(|page| page.entries)
        .map(|entry| (entry.body().vault_id, entry.hash()))
        .collect()
}

/// Every scene, and the servers that they are of.
pub(super) struct Scenes {
    pub(super) all: Vec<Scene>,
    /// On a server of its own, whose rows may be changed.
    pub(super) rows: Vec<(TestServer, Scene)>,
    _servers: Vec<TestServer>,
}

impl Scenes {
    pub(super) async fn set() -> Self {
        let mut drives = World::new().await;
        let drive_url = drives.server.url();
        let mut all = Vec::new();
        for device in [&drives.fresh, &drives.behind] {
            all.push(Scene::record(What::Drive, device, &drive_url, &drive_url).await);
        }
        let mut cast = Cast::new().await;
        let url = cast.server.url();
        let [bobs, carols] = cast.earlier.clone();
        for (device, earlier) in [
            (&cast.bob, bobs.clone()),
            (&cast.bob_behind, bobs),
            (&cast.carol, carols.clone()),
        ] {
            let (mut scene, recording) = Scene::record(What::Share, device, &url, &url).await;
            scene.earlier = Some(earlier);
            all.push((scene, recording));
        }
        let mut servers = Vec::new();
        let snapshot = cast.server.snapshot().await;
        for what in [What::Grant, What::Revoke] {
            let fork = snapshot.fork(&cast.server).await;
            all.push(Scene::record(what, &cast.anna, &fork.url(), &url).await);
            servers.push(fork);
        }
        let recordings = all.iter().map(|(_, recording)| recording);
        let recordings: Vec<_> = recordings.chain([&drives.older, &cast.older]).collect();
        let pool = Rc::new(Pool::of(&recordings));

        let mut rows = Vec::new();
        let shared = snapshot.fork(&cast.server).await;
        let at = shared.url();
        let (mut scene, _) = Scene::record(What::Share, &cast.carol, &url, &at).await;
        scene.earlier = Some(carols);
        rows.push((shared, scene));
        let drive = drives.server.snapshot().await.fork(&drives.server).await;
        let (scene, _) = Scene::record(What::Drive, &drives.fresh, &drive_url, &drive.url()).await;
        rows.push((drive, scene));

        servers.extend([drives.server, cast.server]);
        let all = all.into_iter().map(|(scene, _)| Scene {
            pool: pool.clone(),
            ..scene
        });
        Self {
            all: all.collect(),
            rows,
            _servers: servers,
        }
    }
}
