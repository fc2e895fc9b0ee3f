//! Downloads: what goes where, short files in batches, long ones resumable.
//! A file gets its final name only after the last check.

use futures::stream::{self, TryStreamExt};
use sv_core::FernetKey;
use sv_core::Name;
use sv_core::content::{BlocksRoot, ContentSecret, ContentSuite};
use sv_core::record::{Kind, Record, Version};
use sv_ledger::limits::BLOCK_LEN;

use super::content::is_inline;
use super::fetch::{Fetcher, altered};
use super::mark::Marks;
use super::resume::DownloadResume;
use super::{FILES_AT_ONCE, LastNote};
use crate::drive::Drive;
use crate::error::{ClientError, Result};
use crate::path::RemotePath;
use crate::port::{Platform, StorageError};
use crate::progress::{Progress, Reporter};
use crate::tree::{LOST_AND_FOUND, Place};

/// Short files that are asked for together.
const SHORT_AT_ONCE: usize = 256;
/// Their bytes.
const SHORT_BYTES: u64 = 3 * 1024 * 1024;

/// Something to be written locally.
#[derive(Debug, Clone)]
pub struct DownloadItem {
    /// Its names below what was asked for; its own last. Shown names: two
    /// rows of one folder never share one.
    pub names: Vec<String>,
    /// Where it is in the drive.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// Bytes.
    pub size: u64,
    /// When it was last changed, Unix milliseconds.
    pub modified_ms: u64,
    /// Whether it may be executed.
    pub executable: bool,
    version: Option<Version>,
}

/// The unfinished file of a download, which a later run can find again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Random text that tells it from any other file, of hex digits.
    pub mark: String,
    /// Whether an earlier run may have made it; else there is none yet.
    pub is_begun: bool,
    /// Whether a download goes on in it; else what is in it counts for nothing.
    pub is_resumable: bool,
}

/// Takes one file.
pub trait Sink {
    /// Block `index` of 4 MiB of what an earlier run wrote; shorter or empty
    /// where less is there. Asked for before anything is written.
    async fn written(&mut self, index: u64) -> Result<Vec<u8>, StorageError>;
    /// Cuts off all but the first `len` bytes of it, and goes on there.
    async fn keep(&mut self, len: u64) -> Result<(), StorageError>;
    /// Takes the next verified bytes.
    async fn write(&mut self, bytes: Vec<u8>) -> Result<(), StorageError>;
    /// Makes what was written so far durable, if [`Self::written`] is to find
    /// it after a crash.
    async fn sync(&mut self) -> Result<(), StorageError> {
        Ok(())
    }
    /// All bytes came and were verified: gives the file its final name.
    async fn finish(self) -> Result<(), StorageError>;
    /// The bytes are not what they should be: nothing of them may stay.
    async fn abandon(self) -> Result<(), StorageError>;
}

/// Where files go.
pub trait LocalTarget {
    /// Takes one file.
    type Sink: Sink;
    /// Makes a folder, if it is not there.
    async fn folder(&self, item: &DownloadItem) -> Result<(), StorageError>;
    /// Starts a file, with `part` one that a later run can find again; `None` to leave it out (it is there already). Nothing is made
    /// before the sink is first used.
    async fn file(
        &self,
        item: &DownloadItem,
        part: Option<&Part>,
    ) -> Result<Option<Self::Sink>, StorageError>;
    /// Names the place of a file, so that a later run finds what this one
    /// left; `None` where that is not possible.
    fn resume_key(&self, item: &DownloadItem) -> Option<String>;
}

/// What a download is going to do; folders before what they hold.
#[derive(Debug, Clone, Default)]
pub struct DownloadPlan {
    items: Vec<DownloadItem>,
}

impl DownloadPlan {
    /// A file or note, in its newest or another version (numbered from 1, the
    /// oldest kept), or a folder with all that is in it.
    ///
    /// # Errors
    /// [`ClientError::NotFound`].
    pub fn new<P: Platform>(
        drive: &Drive<'_, P>,
        path: &RemotePath,
        version: Option<usize>,
    ) -> Result<Self> {
        if version.is_some() || drive.find_file(path).is_ok() {
            let (_, record) = drive.find_file(path)?;
            let chosen = match version {
                None => record.current(),
                Some(number) => number.checked_sub(1).and_then(|i| record.versions.get(i)),
            };
            let chosen =
                chosen.ok_or_else(|| ClientError::NotFound(format!("{path}, that version")))?;
            let names = path
                .names()
                .last()
                .map(Name::to_string)
                .into_iter()
                .collect();
            return Ok(Self {
                items: vec![item(
                    names,
                    format!("{}{path}", drive.base),
                    record,
                    Some(chosen),
                )],
            });
        }
        let place = drive.find_place(path)?;
        let mut items = Vec::new();
        if place == Place::Root && !drive.tree().rows(Place::LostAndFound).is_empty() {
            items.push(lost_and_found(drive.now_ms()));
        }
        for (names, id) in drive
            .tree()
            .walk(place)
            .into_iter()
            .filter(|(n, _)| !n.is_empty())
        {
            let record = drive.record(&id)?;
            if record.kind == Kind::Mount {
                // What is behind it is another vault, and fetched by its own path.
                continue;
            }
            let shown = drive.tree().path(&id).unwrap_or_default();
            let shown = format!("{}{shown}", drive.base);
            items.push(item(names, shown, record, record.current()));
        }
        Ok(Self { items })
    }

    /// Every version of everything, the trash included: to check that all of
    /// it can be read.
    pub fn everything<P: Platform>(drive: &Drive<'_, P>) -> Self {
        let nodes = drive.vault().replica().nodes().iter();
        let items = nodes
            .filter_map(|(id, node)| Some((id, node.record()?)))
            .flat_map(|(id, record)| {
                let name = record.name.to_string();
                let path = match drive.tree().path(id) {
                    Some(path) => format!("{}{path}", drive.base),
                    None => format!("{}/{name} (in the trash)", drive.base),
                };
                let versions = record.versions.iter();
                versions.map(move |version| {
                    item(vec![name.clone()], path.clone(), record, Some(version))
                })
            });
        Self {
            items: items.collect(),
        }
    }

    /// Puts all of it below some names: into a folder that is made for it, or
    /// as the one file under the last of them.
    pub(crate) fn move_below(&mut self, names: &[String], at: (&str, u64), is_folder: bool) {
        let (shown, modified_ms) = at;
        for item in &mut self.items {
            match is_folder {
                true => item
                    .names
                    .splice(0..0, names.iter().cloned())
                    .for_each(drop),
                false => {
                    item.names = names.to_vec();
                    item.path = shown.to_owned();
                }
            }
        }
        if is_folder {
            let folder = DownloadItem {
                names: names.to_vec(),
                path: shown.to_owned(),
                ..lost_and_found(modified_ms)
            };
            self.items.insert(0, folder);
        }
    }

    /// One plan for each item, to go on with the others where one fails.
    pub fn each(&self) -> impl Iterator<Item = Self> {
        let items = self.items.iter().cloned();
        items.map(|item| Self { items: vec![item] })
    }

    /// Leaves out what `keep` is false for.
    pub fn retain(&mut self, keep: impl FnMut(&DownloadItem) -> bool) {
        self.items.retain(keep);
    }

    /// What there is, folders before what they hold.
    pub fn items(&self) -> &[DownloadItem] {
        &self.items
    }

    /// Carries the plan out.
    ///
    /// # Errors
    /// [`crate::Tamper::Content`] at the first file that is not what it should
    /// be, those of a call, or those of the target.
    pub async fn run<P: Platform, T: LocalTarget>(
        &self,
        drive: &Drive<'_, P>,
        target: &T,
        reporter: &Reporter,
    ) -> Result<()> {
        let files = || self.items.iter().filter(|item| item.kind != Kind::Folder);
        let bytes = files().map(|item| item.size).sum();
        reporter.report(Progress::Planned {
            files: files().count() as u64,
            bytes,
        });
        for folder in self.items.iter().filter(|item| item.kind == Kind::Folder) {
            target.folder(folder).await?;
        }
        let session = drive.vault().session();
        let marks = match files().any(|item| target.resume_key(item).is_some()) {
            true => Some(Marks::load(session).await?),
            false => None,
        };
        let get = Getter {
            fetcher: Fetcher {
                session,
                vault: drive.vault().id(),
            },
            target,
            marks,
            reporter,
        };
        let is_short = |item: &&DownloadItem| {
            let suite = item.version.as_ref().map(|version| version.key.suite());
            suite.is_some_and(|suite| is_inline(suite, item.size))
        };
        let short: Vec<&DownloadItem> = files().filter(is_short).collect();
        let batches = batches(&short);
        stream::iter(batches.into_iter().map(Ok))
            .try_for_each_concurrent(2, |batch| get.short(batch))
            .await?;
        let (long, middle): (Vec<_>, Vec<_>) = files()
            .filter(|item| !is_short(item))
            .partition(|item| item.size > BLOCK_LEN as u64);
        stream::iter(middle.into_iter().map(Ok))
            .try_for_each_concurrent(FILES_AT_ONCE, |item| get.long(item))
            .await?;
        for item in long {
            get.long(item).await?;
        }
        Ok(())
    }
}

/// The folder that no record is of; its contents come down in it.
fn lost_and_found(now_ms: u64) -> DownloadItem {
    DownloadItem {
        names: vec![LOST_AND_FOUND.to_owned()],
        path: format!("/{LOST_AND_FOUND}"),
        kind: Kind::Folder,
        size: 0,
        modified_ms: now_ms,
        executable: false,
        version: None,
    }
}

fn item(
    names: Vec<String>,
    path: String,
    record: &Record,
    version: Option<&Version>,
) -> DownloadItem {
    DownloadItem {
        names,
        path,
        kind: record.kind,
        size: version.map_or(0, |version| version.size),
        modified_ms: version.map_or(record.modified_ms, |version| version.modified_ms),
        executable: record.executable,
        version: version.cloned(),
    }
}

/// Groups short files into requests.
fn batches<'i>(items: &[&'i DownloadItem]) -> Vec<Vec<&'i DownloadItem>> {
    let mut batches: Vec<Vec<&DownloadItem>> = Vec::new();
    let mut bytes = 0;
    for item in items {
        match batches.last_mut() {
            Some(batch) if batch.len() < SHORT_AT_ONCE && bytes + item.size <= SHORT_BYTES => {
                bytes += item.size;
                batch.push(item);
            }
            _ => {
                bytes = item.size;
                batches.push(vec![item]);
            }
        }
    }
    batches
}

struct Getter<'a, P, T> {
    fetcher: Fetcher<'a, P>,
    target: &'a T,
    /// None for a target that names no place.
    marks: Option<Marks>,
    reporter: &'a Reporter,
}

impl<P: Platform, T: LocalTarget> Getter<'_, P, T> {
    async fn short(&self, items: Vec<&DownloadItem>) -> Result<()> {
        let mut sinks = Vec::new();
        for item in items {
            let part = self.part(item);
            match (self.target.file(item, part.as_ref()).await?, &item.version) {
                (Some(sink), Some(version)) => sinks.push((item, version, sink)),
                _ => self.done(item),
            }
        }
        let mut sinks = sinks.into_iter();
        while !sinks.as_slice().is_empty() {
            let wanted: Vec<(&Version, &str)> = sinks
                .as_slice()
                .iter()
                .map(|(item, version, _)| (*version, item.path.as_str()))
                .collect();
            match self.fetcher.short(&wanted).await {
                Ok(contents) => {
                    for (plaintext, (item, _, mut sink)) in contents.into_iter().zip(&mut sinks) {
                        sink.write(plaintext).await?;
                        sink.finish().await?;
                        self.done(item);
                    }
                }
                Err(error) => {
                    for (_, _, sink) in sinks {
                        sink.abandon().await?;
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    async fn long(&self, item: &DownloadItem) -> Result<()> {
        let Some(version) = &item.version else {
            self.done(item);
            return Ok(());
        };
        let session = self.fetcher.session;
        // A token is of no use before its last block came.
        let is_resumable =
            item.size > BLOCK_LEN as u64 && version.key.suite() == ContentSuite::Blocks;
        let key = self.target.resume_key(item).filter(|_| is_resumable);
        let mut resume = match key {
            Some(key) => Some(DownloadResume::find(session, &version.content_id, &key).await?),
            None => None,
        };
        let part = resume.as_ref().map(DownloadResume::part);
        let part = part.or_else(|| self.part(item));
        let Some(mut sink) = self.target.file(item, part.as_ref()).await? else {
            self.done(item);
            return Ok(());
        };
        match self.stream(item, version, &mut sink, &mut resume).await {
            Ok(()) => sink.finish().await?,
            Err(error) => {
                if matches!(error, ClientError::Tampered(_)) {
                    sink.abandon().await?;
                    if let Some(resume) = resume {
                        resume.done(session).await?;
                    }
                }
                return Err(error);
            }
        }
        if let Some(resume) = resume {
            resume.done(session).await?;
        }
        self.reporter.report(Progress::Done(item.path.clone()));
        Ok(())
    }

    /// The unfinished file of an item that is not taken up.
    fn part(&self, item: &DownloadItem) -> Option<Part> {
        let (marks, version) = (self.marks.as_ref()?, item.version.as_ref()?);
        let place = self.target.resume_key(item)?;
        Some(marks.part(&version.content_id, &place))
    }

    async fn stream(
        &self,
        item: &DownloadItem,
        version: &Version,
        sink: &mut T::Sink,
        resume: &mut Option<DownloadResume>,
    ) -> Result<()> {
        let key = match &version.key {
            ContentSecret::Blocks(key) => key,
            ContentSecret::Fernet(key) => return self.stream_token(item, version, key, sink).await,
        };
        let session = self.fetcher.session;
        let (mut root, mut kept) = (BlocksRoot::new(), 0);
        if let Some(resume) = resume {
            resume.begin(session).await?;
            resume.keep_unaltered(session, sink).await?;
            let blocks = &resume.written;
            blocks
                .iter()
                .for_each(|block| root.push_hash(&block.sealed));
            kept = blocks.len() as u64;
            let len = (kept * BLOCK_LEN as u64).min(item.size);
            sink.keep(len).await?;
            self.reporter.report(Progress::Bytes(len));
        }
        let (mut fresh, mut noted) = (Vec::new(), LastNote::now(session.platform()));
        let mut blocks = std::pin::pin!(self.fetcher.blocks(version, key, &item.path, kept));
        loop {
            let next = blocks.try_next().await;
            // What came before an interruption is not to be fetched again.
            let is_cut = next.is_err() && !fresh.is_empty();
            if is_cut || noted.is_due(session.platform(), fresh.len()) {
                if let Some(resume) = resume {
                    sink.sync().await?;
                    resume.wrote(session, &fresh).await?;
                }
                fresh.clear();
            }
            let Some((hashes, plaintext)) = next? else {
                break;
            };
            let len = plaintext.len() as u64;
            root.push_hash(&hashes.sealed);
            sink.write(plaintext).await?;
            fresh.push(hashes);
            self.reporter.report(Progress::Bytes(len));
        }
        if root.root() == version.blocks_root {
            Ok(())
        } else {
            Err(altered(&item.path))
        }
    }

    /// Writes what is in a token, all of which was verified before.
    async fn stream_token(
        &self,
        item: &DownloadItem,
        version: &Version,
        key: &FernetKey,
        sink: &mut T::Sink,
    ) -> Result<()> {
        let token = self.fetcher.token(version, key, &item.path).await?;
        let mut pieces = std::pin::pin!(token.plaintext(self.fetcher, version, &item.path));
        while let Some(plaintext) = pieces.try_next().await? {
            let len = plaintext.len() as u64;
            sink.write(plaintext).await?;
            self.reporter.report(Progress::Bytes(len));
        }
        Ok(())
    }

    fn done(&self, item: &DownloadItem) {
        self.reporter.report(Progress::Bytes(item.size));
        self.reporter.report(Progress::Done(item.path.clone()));
    }
}
