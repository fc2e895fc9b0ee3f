//! Contents and records put anew: every content of a vault, in all its
//! versions, is read, sealed under a fresh key as another content, and takes
//! the place of the old one; every record that is sealed under an older key of
//! the vault is sealed under the newest. Of what whoever has lost access
//! remembers, nothing opens what is stored then.
//!
//! What is interrupted goes on: which contents are old is noted once, at the
//! beginning; what is done is no longer referred to.

mod again;
mod land;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, LocalBoxStream, StreamExt, TryStreamExt};
use sv_api::ErrorCode;
use sv_api::vault::InlineContent;
use sv_core::content::{BlocksRoot, ContentSecret, ContentSuite};
use sv_core::local::Purpose;
use sv_core::record::{Payload, Version};
use sv_ledger::codec::{ParseError, Reader, Writer};
use sv_ledger::entry::ContentAdded;
use sv_ledger::id::{ContentId, NodeId, VaultId};
use sv_ledger::limits::{BLOCK_LEN, OPS_PER_ENTRY};
use sv_ledger::state::Role;

use self::again::{Again, Once};
use self::land::{Replacements, choose, refers_to};
use super::FILES_AT_ONCE;
use super::content::{Sender, Sent, is_inline};
use super::fetch::{Fetcher, altered};
use super::resume::UploadResume;
use super::upload::INLINE_BATCH_LEN;
use crate::account::Session;
use crate::drive::Drive;
use crate::error::{ClientError, Result, Tamper};
use crate::journal::Journal;
use crate::port::Platform;
use crate::progress::{Progress, Reporter};
use crate::vault::{Change, Replica, Vault};

/// Short contents that are read together, and their bytes.
const SHORT_AT_ONCE: usize = 256;
const SHORT_BYTES: u64 = 3 * 1024 * 1024;

/// What was put anew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renewed {
    /// Contents that this run sealed anew.
    pub contents: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Every content that was old when it began, also in an earlier run.
    pub old: BTreeSet<ContentId>,
    /// Files that a newer program wrote, and this one must not rewrite.
    pub left_alone: usize,
}

impl Renewed {
    /// Adds what was put anew in another vault.
    pub fn add(&mut self, mut other: Self) {
        self.contents += other.contents;
        self.bytes += other.bytes;
        self.old.append(&mut other.old);
        self.left_alone += other.left_alone;
    }
}

/// Seals every content and record of a vault anew.
///
/// # Errors
/// [`ClientError::Misuse`] for whoever may not change everything in it, any
/// [`Tamper`], or those of a call. The same call goes on from there.
pub async fn renew<P: Platform>(drive: &mut Drive<'_, P>, reporter: &Reporter) -> Result<Renewed> {
    drive
        .commit_only(async |vault| vault.settle().await)
        .await?;
    if drive
        .vault()
        .access()
        .is_none_or(|path| path.role < Role::Editor)
    {
        return Err(ClientError::misuse(
            "only who may change everything in it can put its contents anew",
        ));
    }
    let session = drive.vault().session();
    let begun = Begun::load(drive).await?;
    let mut outcome = Renewed {
        left_alone: read_only(drive.vault().replica()),
        old: begun.old.clone(),
        ..Renewed::default()
    };
    let all = |_: &NodeId| true;
    let first = old_contents(drive.vault().replica(), &begun.old, all);
    reporter.report(Progress::Planned {
        files: first.len() as u64,
        bytes: first.iter().map(|old| old.version.size).sum(),
    });
    let mut failed = Failed::default();
    loop {
        // Others may refer to old contents once more meanwhile, by copying.
        let look =
            |vault: &Vault<'_, P>| failed.out_of(old_contents(vault.replica(), &begun.old, all));
        if look(drive.vault()).is_empty() {
            break;
        }
        let (done, more) = Renewal::of(drive, reporter)
            .as_many_as_can(drive, &look, &mut outcome)
            .await;
        failed.0.extend(more);
        if let Err(error) = done {
            if !concerns_one(&error) {
                return Err(error);
            }
            failed.1.get_or_insert(error);
        }
    }
    try_to_replace(drive, reporter).await?;
    seal_records(drive).await?;
    if let Some(error) = failed.1 {
        return Err(error);
    }
    begun.journal.remove(session).await?;
    Ok(outcome)
}

/// What could not be put anew, and why the first of it.
#[derive(Default)]
struct Failed(Vec<Version>, Option<ClientError>);

impl Failed {
    fn out_of(&self, mut left: Vec<Old>) -> Vec<Old> {
        left.retain(|old| {
            let mut failed = self.0.iter();
            !failed.any(|version| version.is_of_same_content(&old.version))
        });
        left
    }
}

/// Seals those contents anew whose keys left under an older key of the vault
/// than the one under which they landed, as far as this account may. What does
/// not succeed now, since there is no room or no network, or since it is
/// damaged, is noted and tried by the next run: what has landed has landed.
///
/// # Errors
/// Any [`Tamper`] but that of one content.
pub(crate) async fn replace_exposed<P: Platform>(
    drive: &mut Drive<'_, P>,
    reporter: &Reporter,
) -> Result<()> {
    match try_to_replace(drive, reporter).await {
        Err(error @ ClientError::Tampered(_)) if !concerns_one(&error) => Err(error),
        _ => Ok(()),
    }
}

/// The same, and says what did not succeed first.
async fn try_to_replace<P: Platform>(drive: &mut Drive<'_, P>, reporter: &Reporter) -> Result<()> {
    let mut first = Ok(());
    loop {
        // What takes their place may have left too early as well.
        let exposed = drive.vault.exposed().await?;
        if exposed.is_empty() {
            return first;
        }
        let look = |vault: &Vault<'_, P>| own_contents(vault, &exposed);
        let mut outcome = Renewed::default();
        let (done, _) = Renewal::of(drive, reporter)
            .as_many_as_can(drive, &look, &mut outcome)
            .await;
        drive.vault.tried_to_replace(exposed);
        first = first.and(done);
    }
}

/// Whether a failure says something of one content, and nothing of the others.
fn concerns_one(error: &ClientError) -> bool {
    match error {
        ClientError::Tampered(tamper) => matches!(tamper, Tamper::Content(_) | Tamper::Damaged),
        ClientError::Refused(refusal) => matches!(
            refusal.code,
            ErrorCode::BlocksMissing
                | ErrorCode::Rejected
                | ErrorCode::NotFound
                | ErrorCode::TooLarge
                | ErrorCode::FileTooLarge
        ),
        _ => false,
    }
}

/// Those of some contents that are in what this account may change.
fn own_contents<P: Platform>(vault: &Vault<'_, P>, contents: &BTreeSet<ContentId>) -> Vec<Old> {
    let role = vault.access().map(|path| path.role);
    let me = vault.session().uid();
    let replica = vault.replica();
    let may_change = |id: &NodeId| match role {
        Some(role) if role >= Role::Editor => true,
        Some(Role::Contributor) => {
            let node = replica.nodes().get(id);
            node.is_some_and(|node| node.leaf().creator == me)
        }
        _ => false,
    };
    old_contents(replica, contents, may_change)
}

/// A content that is to be sealed anew.
struct Old {
    version: Version,
    path: String,
    nodes: BTreeSet<NodeId>,
}

/// A content that was, and is to take the place of the old one.
struct Fresh {
    old: Version,
    nodes: BTreeSet<NodeId>,
    path: String,
    key: ContentSecret,
    added: ContentAdded,
    inline: Option<InlineContent>,
    resume: Option<UploadResume>,
}

/// Which contents were old when the renewal began.
struct Begun {
    journal: Journal,
    old: BTreeSet<ContentId>,
}

impl Begun {
    /// Takes up a renewal in the same key epoch; in another one somebody has
    /// lost access since, and what was renewed before is old again.
    async fn load<P: Platform>(drive: &Drive<'_, P>) -> Result<Self> {
        let (session, replica) = (drive.vault().session(), drive.vault().replica());
        let epoch = replica.state().membership.epoch;
        let id = data_encoding::HEXLOWER.encode(drive.vault().id().as_bytes());
        let name = format!("renewal/{id}");
        let (mut journal, frames) = Journal::load(session, name, Purpose::Resume).await?;
        if let Some(frame) = frames.first() {
            let (noted, old) = parse(frame).map_err(|_| Tamper::LocalState("renewal"))?;
            if noted == epoch {
                return Ok(Self { journal, old });
            }
        }
        let records = replica.nodes().values().filter_map(|node| node.record());
        let records = records.filter(|record| !record.is_read_only());
        let versions = records.flat_map(|record| &record.versions);
        let old: BTreeSet<ContentId> = versions.map(|version| version.content_id).collect();
        let mut w = Writer::new();
        w.u32(epoch);
        old.iter().for_each(|id| {
            w.raw(id.as_bytes());
        });
        journal.rewrite(session, &w.into_bytes()).await?;
        Ok(Self { journal, old })
    }
}

fn parse(frame: &[u8]) -> Result<(u32, BTreeSet<ContentId>), ParseError> {
    let mut r = Reader::new(frame);
    let epoch = r.u32()?;
    let mut old = BTreeSet::new();
    while !r.rest().is_empty() {
        old.insert(r.content_id()?);
    }
    Ok((epoch, old))
}

/// Those of `old` that some nodes still refer to; one twice, if they do not say
/// the same of it.
fn old_contents(
    replica: &Replica,
    old: &BTreeSet<ContentId>,
    is_looked_at: impl Fn(&NodeId) -> bool,
) -> Vec<Old> {
    let mut found: BTreeMap<ContentId, Vec<Old>> = BTreeMap::new();
    for (id, node) in replica.nodes().iter().filter(|(id, _)| is_looked_at(id)) {
        let Some(record) = node.record().filter(|record| !record.is_read_only()) else {
            continue;
        };
        for version in record
            .versions
            .iter()
            .filter(|v| old.contains(&v.content_id))
        {
            let known = found.entry(version.content_id).or_default();
            let same = known
                .iter_mut()
                .find(|one| one.version.is_of_same_content(version));
            if let Some(same) = same {
                same.nodes.insert(*id);
                continue;
            }
            known.push(Old {
                version: version.clone(),
                path: record.name.to_string(),
                nodes: BTreeSet::from([*id]),
            });
        }
    }
    found.into_values().flatten().collect()
}

fn read_only(replica: &Replica) -> usize {
    let payloads = replica.nodes().values().map(|node| node.payload());
    payloads
        .filter(|p| p.is_none_or(Payload::is_read_only))
        .count()
}

/// Seals records under the newest key that are under an older one: names, and
/// keys of contents.
async fn seal_records<P: Platform>(drive: &mut Drive<'_, P>) -> Result<()> {
    let is_old = |replica: &Replica, id: &NodeId| {
        let epoch = replica.state().membership.epoch;
        replica.sealed_in(id).is_some_and(|sealed| sealed < epoch)
    };
    let replica = drive.vault().replica();
    let nodes: Vec<NodeId> = replica.nodes().keys().copied().collect();
    let plan = |replica: &Replica, id: &NodeId| {
        let payload = replica.nodes().get(id).and_then(|node| node.payload());
        let payload = payload.filter(|p| !p.is_read_only() && is_old(replica, id));
        Ok(payload.map(|payload| Change::put(*id, payload.clone())))
    };
    drive
        .commit_only(async |vault| vault.commit_each(&nodes, plan).await)
        .await
}

struct Renewal<'a, P> {
    session: &'a Session<P>,
    vault_id: VaultId,
    suite: ContentSuite,
    reporter: &'a Reporter,
}

/// What lands together.
#[derive(Default)]
struct Batch {
    fresh: Vec<Fresh>,
    inline_len: usize,
}

impl<'a, P: Platform> Renewal<'a, P> {
    fn of(drive: &Drive<'a, P>, reporter: &'a Reporter) -> Self {
        Self {
            session: drive.vault().session(),
            vault_id: drive.vault().id(),
            suite: drive.vault().replica().content_suite(),
            reporter,
        }
    }

    /// All that `look` finds; if that fails, one by one, so that one that
    /// cannot be put anew is in nobody else's way. Gives the first failure, and
    /// what it and others like it are of.
    async fn as_many_as_can(
        &self,
        drive: &mut Drive<'_, P>,
        look: &dyn Fn(&Vault<'_, P>) -> Vec<Old>,
        outcome: &mut Renewed,
    ) -> (Result<()>, Vec<Version>) {
        let (mut first, mut failed) = (Ok(()), Vec::new());
        let all = look(drive.vault());
        let done = self.all(drive, &all, outcome).await;
        if !done.as_ref().is_err_and(concerns_one) {
            return (done, failed);
        }
        for old in look(drive.vault()) {
            match self.all(drive, std::slice::from_ref(&old), outcome).await {
                Ok(()) => {}
                Err(error) if concerns_one(&error) => {
                    failed.push(old.version);
                    first = first.and(Err(error));
                }
                Err(error) => return (Err(error), failed),
            }
        }
        (first, failed)
    }

    async fn all(
        &self,
        drive: &mut Drive<'_, P>,
        left: &[Old],
        outcome: &mut Renewed,
    ) -> Result<()> {
        let is_short = |old: &&Old| is_inline(self.suite, old.version.size);
        let (short, rest): (Vec<&Old>, Vec<&Old>) = left.iter().partition(is_short);
        let (middle, long): (Vec<&Old>, Vec<&Old>) = rest
            .into_iter()
            .partition(|old| old.version.size <= BLOCK_LEN as u64);
        let mut batch = Batch::default();
        for some in groups(&short) {
            for fresh in self.short(some).await? {
                self.take(drive, &mut batch, fresh, outcome).await?;
            }
        }
        let mut sent = std::pin::pin!(
            stream::iter(middle)
                .map(|old| self.one(old))
                .buffered(FILES_AT_ONCE)
        );
        while let Some(fresh) = sent.try_next().await? {
            self.take(drive, &mut batch, fresh, outcome).await?;
        }
        self.land(drive, std::mem::take(&mut batch)).await?;
        for old in long {
            let fresh = self.one(old).await?;
            self.take(drive, &mut batch, fresh, outcome).await?;
            self.land(drive, std::mem::take(&mut batch)).await?;
        }
        Ok(())
    }

    async fn take(
        &self,
        drive: &mut Drive<'_, P>,
        batch: &mut Batch,
        fresh: (Fresh, u64),
        outcome: &mut Renewed,
    ) -> Result<()> {
        let (fresh, size) = fresh;
        outcome.contents += 1;
        outcome.bytes += size;
        batch.inline_len += fresh.inline.as_ref().map_or(0, |inline| inline.block.len());
        batch.fresh.push(fresh);
        if batch.fresh.len() >= OPS_PER_ENTRY || batch.inline_len >= INLINE_BATCH_LEN {
            self.land(drive, std::mem::take(batch)).await?;
        }
        Ok(())
    }

    /// Contents that are read with one request, or more where the server stops
    /// early.
    async fn short(&self, some: &[&Old]) -> Result<Vec<(Fresh, u64)>> {
        let (fetcher, sender) = (self.fetcher(), self.sender());
        let mut done = Vec::new();
        while let Some(rest) = some.get(done.len()..).filter(|rest| !rest.is_empty()) {
            let wanted: Vec<(&Version, &str)> = rest
                .iter()
                .map(|old| (&old.version, old.path.as_str()))
                .collect();
            for (plaintext, old) in fetcher.short(&wanted).await?.into_iter().zip(rest) {
                let size = plaintext.len() as u64;
                let sent = match self.suite {
                    ContentSuite::Blocks => sender.send_short(plaintext).await?,
                    ContentSuite::Fernet => sender.send_token(Once(Some(plaintext))).await?,
                };
                done.push((Fresh::new(old, sent)?, size));
            }
        }
        Ok(done)
    }

    /// A content of any length, block by block.
    async fn one(&self, old: &Old) -> Result<(Fresh, u64)> {
        let size = old.version.size;
        let is_long = self.suite == ContentSuite::Blocks && size > BLOCK_LEN as u64;
        let resume = match is_long {
            false => None,
            true => {
                let resume = UploadResume::begin_again(self.session, &self.vault_id, &old.version);
                Some(resume.await?)
            }
        };
        let (fetcher, failed) = (self.fetcher(), Cell::new(None));
        let source = Again {
            blocks: self.plaintext(&fetcher, old).await?,
            text: Vec::new(),
            failed: &failed,
        };
        let sent = self.sender().send_from(source, resume).await;
        // What the source could only call a failure of reading.
        if let Some(error) = failed.take() {
            return Err(error);
        }
        Ok((Fresh::new(old, sent?)?, size))
    }

    /// The verified bytes of a content. That they are all, and the right ones,
    /// is known when they have come to their end.
    async fn plaintext<'f>(
        &self,
        fetcher: &'f Fetcher<'f, P>,
        old: &'f Old,
    ) -> Result<LocalBoxStream<'f, Result<Vec<u8>>>> {
        let Old { version, path, .. } = old;
        match &version.key {
            ContentSecret::Fernet(key) => {
                let token = fetcher.token(version, key, path).await?;
                let own = Fetcher {
                    session: fetcher.session,
                    vault: fetcher.vault,
                };
                Ok(token.plaintext(own, version, path).boxed_local())
            }
            ContentSecret::Blocks(key) => {
                let blocks = fetcher.blocks(version, key, path, 0).boxed_local();
                let state = (blocks, BlocksRoot::new());
                let rooted = stream::try_unfold(state, move |(mut blocks, mut root)| async move {
                    match blocks.try_next().await? {
                        Some((hashes, plaintext)) => {
                            root.push_hash(&hashes.sealed);
                            Ok(Some((plaintext, (blocks, root))))
                        }
                        None if root.root() == version.blocks_root => Ok(None),
                        None => Err(altered(path)),
                    }
                });
                Ok(rooted.boxed_local())
            }
        }
    }

    /// Puts contents in the place of the old ones, wherever those are referred
    /// to by now, in as few entries as possible.
    async fn land(&self, drive: &mut Drive<'_, P>, batch: Batch) -> Result<()> {
        let fresh = Replacements::of(&batch.fresh);
        let nodes: BTreeSet<NodeId> = batch.fresh.iter().flat_map(|f| &f.nodes).copied().collect();
        let nodes: Vec<NodeId> = nodes.into_iter().collect();
        let (mut landed, mut most) = (BTreeSet::new(), OPS_PER_ENTRY);
        loop {
            let replica = drive.vault().replica();
            let chosen = choose(replica, &nodes, &fresh, &landed, most)?;
            if chosen.changes.is_empty() {
                break;
            }
            let count = chosen.changes.len();
            let inline: Vec<InlineContent> = chosen.inline(&batch.fresh);
            let plan = |replica: &Replica| {
                let now = choose(replica, &nodes, &fresh, &landed, most)?;
                // What travels along must be what is referred to: where others
                // have changed that, it is chosen anew.
                match now.used == chosen.used {
                    true => Ok(now.changes),
                    false => Ok(Vec::new()),
                }
            };
            let head = replica.state().head;
            let done = drive
                .commit_only(async |vault| vault.commit(&inline, plan).await)
                .await;
            match done {
                Err(error) if error.is_refusal(ErrorCode::TooLarge) && count > 1 => {
                    most = count / 2;
                }
                Err(error) => return Err(error),
                Ok(()) => {
                    let replica = drive.vault().replica();
                    let is_there = |id: &&ContentId| refers_to(replica, &nodes, id);
                    if replica.state().head != head {
                        landed.extend(chosen.used.iter().filter(is_there));
                    }
                }
            }
        }
        for fresh in batch.fresh {
            if let Some(resume) = fresh.resume {
                resume.done(self.session).await?;
            }
            self.reporter.report(Progress::Done(fresh.path));
        }
        Ok(())
    }

    const fn fetcher(&self) -> Fetcher<'_, P> {
        Fetcher {
            session: self.session,
            vault: self.vault_id,
        }
    }

    const fn sender(&self) -> Sender<'_, P> {
        Sender {
            session: self.session,
            vault_id: self.vault_id,
            suite: self.suite,
            reporter: self.reporter,
        }
    }
}

impl Fresh {
    fn new(old: &Old, sent: Sent) -> Result<Self> {
        // The records go on saying how long it is.
        if sent.size != old.version.size {
            return Err(altered(&old.path));
        }
        Ok(Self {
            old: old.version.clone(),
            nodes: old.nodes.clone(),
            path: old.path.clone(),
            key: sent.key,
            added: sent.added,
            inline: sent.inline,
            resume: sent.resume,
        })
    }
}

/// Groups short contents into requests.
fn groups<'a, 'o>(short: &'a [&'o Old]) -> Vec<&'a [&'o Old]> {
    let (mut groups, mut rest) = (Vec::new(), short);
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |old: &&&Old| {
            bytes += old.version.size;
            bytes <= SHORT_BYTES
        };
        let count = rest.iter().take(SHORT_AT_ONCE).take_while(fits).count();
        let (group, after) = rest.split_at(count.max(1));
        groups.push(group);
        rest = after;
    }
    groups
}
