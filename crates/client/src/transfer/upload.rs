//! Carrying out an upload plan: short files go in batches, one entry for
//! hundreds; long ones on their own, resumable.

use std::borrow::BorrowMut;
use std::collections::BTreeSet;

use futures::lock::Mutex;
use futures::stream::{self, StreamExt};
use sv_api::ErrorCode;
use sv_api::vault::InlineContent;
use sv_core::record::{Kind, Payload, Record, Version};
use sv_ledger::id::ContentId;
use sv_ledger::limits::{BLOCK_LEN, OPS_PER_ENTRY};

use super::FILES_AT_ONCE;
use super::content::{Sender, Sent};
use super::plan::{Action, LocalFiles, Step, UploadPlan};
use super::renew::replace_exposed;
use super::resume::UploadResume;
use crate::account::Session;
use crate::drive::{Drive, dropped};
use crate::error::{ClientError, Result};
use crate::port::{Platform, StorageError};
use crate::progress::{Progress, Reporter};
use crate::vault::{BODIES_LEN, Change, Replica};

/// Bytes of contents that travel with one entry.
pub(super) const INLINE_BATCH_LEN: usize = 6 * 1024 * 1024;

/// What an upload did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UploadOutcome {
    /// Files sent.
    pub uploaded: u64,
    /// Folders made.
    pub folders: u64,
    /// Files that were there already.
    pub unchanged: u64,
    /// Files left alone by decision.
    pub skipped: u64,
    /// Bytes of the files sent.
    pub bytes: u64,
    /// Files that could not be read, or are larger than the server takes, and
    /// why; the others are stored.
    pub unreadable: Vec<(String, StorageError)>,
}

/// Nodes that land with one entry.
#[derive(Default)]
struct Batch<'a> {
    ready: Vec<Ready<'a>>,
    inline: Vec<InlineContent>,
    inline_len: usize,
    /// Bytes of the records, as they would be on what is there now.
    bodies_len: usize,
    resumes: Vec<UploadResume>,
}

/// A step whose bytes are sent.
struct Ready<'a> {
    step: &'a Step,
    content: Option<(Version, sv_ledger::entry::ContentAdded)>,
}

impl UploadPlan {
    /// Carries the plan out. What is interrupted goes on when the same files
    /// are put to the same place again.
    ///
    /// # Errors
    /// [`ClientError::Misuse`] while a conflict is undecided, any
    /// [`crate::Tamper`], those of a call, or those of reading a file.
    pub async fn run<P: Platform, F: LocalFiles>(
        self,
        drive: &mut Drive<'_, P>,
        files: &F,
        reporter: &Reporter,
    ) -> Result<UploadOutcome> {
        let session = drive.vault.session();
        self.run_beside(session, &Mutex::new(drive), files, reporter)
            .await
    }

    /// The same on a drive that others use meanwhile: it is held only while
    /// something lands in it. `session` is the one it is open in.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn run_beside<'s, P: Platform + 's, F: LocalFiles, D: BorrowMut<Drive<'s, P>>>(
        self,
        session: &'s Session<P>,
        drive: &Mutex<D>,
        files: &F,
        reporter: &Reporter,
    ) -> Result<UploadOutcome> {
        if !self.conflicts().is_empty() {
            return Err(ClientError::misuse(
                "decide first what to do with existing files",
            ));
        }
        let (planned_files, bytes) = self.size();
        reporter.report(Progress::Planned {
            files: planned_files,
            bytes,
        });
        let done = self.carry_out(session, drive, files, reporter).await;
        let mut held = drive.lock().await;
        let drive: &mut Drive<'s, P> = (*held).borrow_mut();
        drive.rebuild();
        // Of an upload that failed, something may have landed. It is no part of
        // what was planned, nor of its bytes.
        let replaced = Box::pin(replace_exposed(drive, &Reporter::silent())).await;
        let done = done?;
        replaced.map(|()| done)
    }

    async fn carry_out<'s, P: Platform + 's, F: LocalFiles, D: BorrowMut<Drive<'s, P>>>(
        &self,
        session: &'s Session<P>,
        drive: &Mutex<D>,
        files: &F,
        reporter: &Reporter,
    ) -> Result<UploadOutcome> {
        let mut outcome = UploadOutcome::default();
        for step in &self.steps {
            match step.action {
                Action::Unchanged if step.item.kind != Kind::Folder => outcome.unchanged += 1,
                Action::Skip => outcome.skipped += 1,
                _ => {}
            }
        }
        let mut held = drive.lock().await;
        let opened: &mut Drive<'s, P> = (*held).borrow_mut();
        let suite = opened.vault.replica().content_suite();
        let vault_id = opened.vault.id();
        drop(held);
        let sender = Sender {
            session,
            vault_id,
            suite,
            reporter,
        };
        let due = || self.steps.iter().filter(|step| step.is_due());
        let mut batch = Batch::default();
        for step in due().filter(|step| step.item.kind == Kind::Folder) {
            outcome.folders += 1;
            let content = None;
            let mut held = drive.lock().await;
            batch.push((*held).borrow_mut(), Ready { step, content })?;
            drop(held);
            self.land_if_full(drive, &mut batch, reporter).await?;
        }
        let is_short = |step: &&Step| step.item.size.is_some_and(|size| size <= BLOCK_LEN as u64);
        let short = due()
            .filter(|step| step.item.kind != Kind::Folder)
            .filter(is_short);
        let sender_ref = &sender;
        let mut sent = std::pin::pin!(
            stream::iter(short)
                .map(|step| async move { (step, sender_ref.send(files, step).await) })
                .buffered(FILES_AT_ONCE)
        );
        while let Some((step, content)) = sent.next().await {
            let mut held = drive.lock().await;
            outcome.take(step, content, |sent| {
                batch.add((*held).borrow_mut(), step, sent)
            })?;
            drop(held);
            self.land_if_full(drive, &mut batch, reporter).await?;
        }
        let long = due()
            .filter(|step| step.item.kind != Kind::Folder)
            .filter(|s| !is_short(s));
        for step in long {
            let content = sender.send(files, step).await;
            let mut held = drive.lock().await;
            outcome.take(step, content, |sent| {
                batch.add((*held).borrow_mut(), step, sent)
            })?;
            drop(held);
            land(drive, std::mem::take(&mut batch), reporter).await?;
        }
        land(drive, batch, reporter).await?;
        Ok(outcome)
    }

    async fn land_if_full<'a, 's, P: Platform + 's, D: BorrowMut<Drive<'s, P>>>(
        &'a self,
        drive: &Mutex<D>,
        batch: &mut Batch<'a>,
        reporter: &Reporter,
    ) -> Result<()> {
        if batch.is_full() {
            land(drive, std::mem::take(batch), reporter).await?;
        }
        Ok(())
    }
}

impl UploadOutcome {
    /// Books a file; one that cannot be stored does not stop the others.
    fn take(
        &mut self,
        step: &Step,
        sent: Result<Sent>,
        add: impl FnOnce(Sent) -> Result<u64>,
    ) -> Result<()> {
        match sent {
            Ok(sent) => {
                self.bytes += add(sent)?;
                self.uploaded += 1;
            }
            Err(ClientError::Local(error)) => {
                self.unreadable.push((step.path.to_string(), error));
            }
            Err(ClientError::Refused(refusal)) if refusal.code == ErrorCode::FileTooLarge => {
                let error = StorageError(refusal.message);
                self.unreadable.push((step.path.to_string(), error));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

impl<'a> Batch<'a> {
    /// Adds a file whose bytes are sent; gives how many those are.
    fn add<P: Platform>(
        &mut self,
        drive: &Drive<'_, P>,
        step: &'a Step,
        sent: Sent,
    ) -> Result<u64> {
        let session = drive.vault.session();
        let size = sent.size;
        let version = Version {
            content_id: sent.added.content_id,
            key: sent.key,
            size,
            blocks_root: sent.added.blocks_root,
            modified_ms: step.item.modified_ms,
            saved_ms: drive.now_ms(),
            author: session.uid(),
            device: Some(session.profile().device_label.clone()),
            unknown: Default::default(),
        };
        if let Some(inline) = sent.inline {
            self.inline_len += inline.block.len();
            self.inline.push(inline);
        }
        self.resumes.extend(sent.resume);
        let content = Some((version, sent.added));
        self.push(drive, Ready { step, content })?;
        Ok(size)
    }

    fn push<P: Platform>(&mut self, drive: &Drive<'_, P>, ready: Ready<'a>) -> Result<()> {
        let change = ready.change(drive.vault.replica(), drive.now_ms());
        self.bodies_len += change.len()?.body;
        self.ready.push(ready);
        Ok(())
    }

    /// Whether it is to land before another file is added.
    const fn is_full(&self) -> bool {
        self.ready.len() >= OPS_PER_ENTRY
            || self.inline_len >= INLINE_BATCH_LEN
            || self.inline_len + self.bodies_len >= BODIES_LEN
    }
}

/// Commits a batch; in halves, if the server can take less at a time, as on a
/// database over its quota.
async fn land<'s, P: Platform + 's, D: BorrowMut<Drive<'s, P>>>(
    drive: &Mutex<D>,
    batch: Batch<'_>,
    reporter: &Reporter,
) -> Result<()> {
    let mut held = drive.lock().await;
    let drive: &mut Drive<'s, P> = (*held).borrow_mut();
    let now_ms = drive.now_ms();
    let Batch {
        ready,
        inline,
        resumes,
        ..
    } = batch;
    let mut waiting = vec![(ready.as_slice(), inline.as_slice())];
    while let Some((ready, inline)) = waiting.pop() {
        let plan =
            |replica: &Replica| Ok(ready.iter().map(|r| r.change(replica, now_ms)).collect());
        match drive.vault.commit(inline, plan).await {
            Err(error) if error.is_refusal(ErrorCode::TooLarge) && ready.len() > 1 => {
                let (first, second) = ready.split_at(ready.len() / 2);
                let (of_first, of_second) = split_inline(inline, first);
                waiting.extend([(second, of_second), (first, of_first)]);
            }
            done => done?,
        }
    }
    for resume in resumes {
        resume.done(drive.vault.session()).await?;
    }
    for ready in &ready {
        reporter.report(Progress::Done(ready.step.path.to_string()));
    }
    Ok(())
}

/// Those contents that belong to the first files, and the rest: both are in
/// the order in which they were added.
fn split_inline<'i>(
    inline: &'i [InlineContent],
    first: &[Ready<'_>],
) -> (&'i [InlineContent], &'i [InlineContent]) {
    let ids: BTreeSet<ContentId> = first
        .iter()
        .filter_map(|ready| Some(ready.content.as_ref()?.1.content_id))
        .collect();
    inline.split_at(inline.partition_point(|content| ids.contains(&content.content_id)))
}

impl Ready<'_> {
    /// The change that makes it so on whatever is there by now. An edit beats
    /// a removal: a file that is gone comes back.
    fn change(&self, replica: &Replica, now_ms: u64) -> Change {
        let step = self.step;
        let old = replica.record(&step.node_id);
        let mut record = old
            .cloned()
            .unwrap_or_else(|| Record::new(step.item.kind, step.name.clone(), step.parent, now_ms));
        record.trashed = None;
        record.modified_ms = step.item.modified_ms;
        record.executable = step.item.executable;
        let mut added = Vec::new();
        if let Some((version, content)) = &self.content {
            crate::drive::add_version(&mut record, version.clone());
            added.push(*content);
        }
        let dropped = old.map(|old| dropped(old, &record)).unwrap_or_default();
        let payload = Box::new(Payload::Node(record));
        Change::Put {
            node_id: step.node_id,
            payload,
            added,
            dropped,
        }
    }
}
