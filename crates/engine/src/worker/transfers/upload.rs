//! Uploads: planned, started, queued one behind the other, taken up after the
//! server was away or the page was loaded again.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::rc::Rc;

use futures::StreamExt;
use futures::channel::mpsc;
use futures::future::{Either, join, select};
use js_sys::{Function, Promise, Reflect};
use sv_client::ClientError;
use sv_client::path::RemotePath;
use sv_client::port::{Platform, StorageError};
use sv_client::progress::{Progress, Reporter};
use sv_client::transfer::{
    LocalFiles, OnConflict, Source, UnfinishedUpload, UnfinishedUploads, UploadItem, UploadOutcome,
    UploadPlan,
};
use sv_core::Name;
use sv_core::record::Kind;
use sv_ledger::limits::BLOCK_LEN;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

use super::super::fernet::Token;
use super::super::open::{Job, Open};
use super::super::outlet::Outlet;
use super::super::platform::{Database, now_ms};
use super::super::service::read_slice;
use super::tokens::TokenSource;
use super::{Transfer, new_row};
use crate::worker::failure::Failure;
use sv_bridge::{
    ConflictChoice, DropUpload, FailureKind, ForgetInterrupted, InterruptedUpload, Place,
    PlanUpload, PlannedUpload, ResumeInterrupted, RetryTransfer, ShareId, StartUpload,
    TransferKind, TransferRow, TransferState, UploadConflict, UploadEntry,
};

/// Milliseconds between tries while the server is away.
const AGAIN_MS: u64 = 2_000;
/// Where handles to local files are kept, before the upload's id.
const HANDLE: &str = "file/";

/// An upload that was looked at and not started.
pub(crate) struct Planned {
    upload: Upload,
    /// Paths of the conflicts, by index.
    conflicts: HashMap<usize, String>,
}

/// What an upload is made of, as often as it has to be begun again.
pub(super) struct Upload {
    /// With its vault before it, unless that is the drive.
    folder: RemotePath,
    /// Where that is, for a person.
    shown: String,
    items: Vec<UploadItem>,
    files: Rc<HashMap<PathBuf, Local>>,
    /// Decisions, by path.
    decisions: BTreeMap<String, OnConflict>,
    /// Paths that are complete.
    done: BTreeSet<String>,
}

/// A local file.
#[derive(Clone)]
pub(super) struct Local {
    pub(super) file: File,
    /// What finds it again after the page was loaded again.
    handle: Option<JsValue>,
    /// What is stored is what is in this token, which the file is.
    pub(super) token: Option<Rc<Token>>,
}

impl Open<'_> {
    pub(crate) async fn plan_upload(
        &self,
        call: PlanUpload,
        objects: Vec<JsValue>,
    ) -> Result<PlannedUpload, Failure> {
        let folder = self.destination(call.into).await?;
        let gathered = gather(&call.entries, objects).await?;
        self.plan(folder, gathered).await
    }

    pub(super) async fn plan(
        &self,
        folder: RemotePath,
        gathered: Gathered,
    ) -> Result<PlannedUpload, Failure> {
        let Gathered {
            items,
            files,
            refused,
        } = gathered;
        let share = vault_of(&folder)?;
        let plan = {
            let space = self.space(share).await?;
            let mut drive = space.drive().await;
            drive.rebuild();
            UploadPlan::new(&drive, &folder, items.clone())?
        };
        let shown = self.shown_folder(&folder).await;
        let conflicts = plan.conflicts();
        let open_bytes: u64 = conflicts
            .iter()
            .filter_map(|conflict| items.get(conflict.index)?.size)
            .sum();
        let (count, bytes) = plan.size();
        let file_count = items
            .iter()
            .filter(|item| item.kind != Kind::Folder)
            .count() as u64;
        let open_count = conflicts.len() as u64;
        let number = 1 + self.plans.borrow().keys().max().copied().unwrap_or(0);
        let answer = PlannedUpload {
            plan: number,
            files: count + open_count,
            bytes: bytes + open_bytes,
            unchanged: file_count - count - open_count,
            conflicts: conflicts
                .iter()
                .map(|conflict| UploadConflict {
                    index: conflict.index,
                    path: shown_path(&folder, &shown, &conflict.path),
                    replaceable: conflict.replaceable,
                })
                .collect(),
            refused,
        };
        let planned = Planned {
            upload: Upload {
                folder,
                shown,
                items,
                files: Rc::new(files),
                decisions: BTreeMap::new(),
                done: BTreeSet::new(),
            },
            conflicts: conflicts
                .into_iter()
                .map(|conflict| (conflict.index, conflict.path))
                .collect(),
        };
        self.plans.borrow_mut().insert(number, planned);
        Ok(answer)
    }

    pub(crate) fn start_upload(&self, call: StartUpload) -> Result<u64, Failure> {
        let planned = self.plans.borrow_mut().remove(&call.plan);
        let Planned {
            mut upload,
            conflicts,
        } = planned.ok_or(Failure::new(FailureKind::OutOfOrder))?;
        for (index, choice) in call.decisions {
            let Some(path) = conflicts.get(&index) else {
                return Err(Failure::new(FailureKind::OutOfOrder));
            };
            let choice = match choice {
                ConflictChoice::KeepBoth => OnConflict::Rename,
                ConflictChoice::Replace => OnConflict::Replace,
                ConflictChoice::Skip => OnConflict::Skip,
            };
            upload.decisions.insert(path.clone(), choice);
        }
        if upload.decisions.len() < conflicts.len() {
            return Err(Failure::new(FailureKind::OutOfOrder));
        }
        Ok(self.enqueue(upload))
    }

    fn enqueue(&self, upload: Upload) -> u64 {
        let files = || upload.items.iter().filter(|item| item.kind != Kind::Folder);
        let first = files().next().or_else(|| upload.items.first());
        let name = first.and_then(|item| item.names.last());
        let name = name.map_or_else(String::new, Name::to_string);
        let within = upload.shown.clone();
        let (count, bytes) = (
            files().count() as u64,
            files().filter_map(|item| item.size).sum(),
        );
        let transfer = self.transfers.add(
            &self.outlet,
            |id| TransferRow {
                files: count,
                bytes,
                ..new_row(id, TransferKind::Upload, name, within)
            },
            Some(upload),
        );
        self.start(Job::Upload);
        transfer.id()
    }

    pub(crate) fn drop_upload(&self, call: DropUpload) -> Result<(), Failure> {
        self.plans.borrow_mut().remove(&call.plan);
        Ok(())
    }

    pub(crate) fn retry_upload(&self, call: RetryTransfer) -> Result<(), Failure> {
        let found = self.transfers.each(Some(call.id)).into_iter().next();
        let transfer = found.filter(|one| one.upload.is_some() && !one.is_alive());
        let transfer = transfer.ok_or(Failure::new(FailureKind::OutOfOrder))?;
        transfer.row.borrow_mut().left_out.clear();
        transfer.become_now(&self.outlet, TransferState::Waiting);
        self.start(Job::Upload);
        Ok(())
    }

    /// Carries out what waits, one after the other. One task does it.
    pub(crate) async fn upload_all(&self) {
        if self.transfers.is_uploading.replace(true) {
            return;
        }
        loop {
            let waiting = self
                .transfers
                .each(None)
                .into_iter()
                .find(|one| one.upload.is_some() && one.is(&TransferState::Waiting));
            let Some(transfer) = waiting else {
                break;
            };
            self.upload(&transfer).await;
        }
        self.transfers.is_uploading.set(false);
    }

    async fn upload(&self, transfer: &Rc<Transfer>) {
        let Some(upload) = &transfer.upload else {
            return;
        };
        let Some((outlet, cancelled)) = transfer.begin() else {
            return;
        };
        let open = {
            let share = vault_of(&upload.borrow().folder);
            share.ok().and_then(|share| self.open_space(share))
        };
        let (done, _held) = {
            let run = std::pin::pin!(self.upload_patiently(transfer, upload, &outlet));
            match select(run, cancelled).await {
                Either::Left((done, _)) => (Some(done), None),
                // Not in the middle of landing something: the vault and what
                // is kept of it on this device would differ. Who has the vault
                // knows that the upload has not.
                Either::Right((_, run)) => match &open {
                    None => (None, None),
                    Some(space) => {
                        let drive = std::pin::pin!(space.drive());
                        match select(run, drive).await {
                            Either::Left((done, _)) => (Some(done), None),
                            Either::Right((held, _)) => (None, Some(held)),
                        }
                    }
                },
            }
        };
        let Some(done) = done else {
            // What was landed is to be seen; how it stands has been told.
            if let Some(space) = &open {
                self.renew_later(space);
            }
            return;
        };
        match done {
            Ok(outcome) => {
                for (path, error) in outcome.unreadable {
                    let failure = Failure::with_detail(FailureKind::UnreadableFile, error.0);
                    let path = {
                        let upload = upload.borrow();
                        shown_path(&upload.folder, &upload.shown, &path)
                    };
                    transfer
                        .row
                        .borrow_mut()
                        .left_out
                        .push((path, failure.into()));
                }
                transfer.complete(&outlet);
            }
            Err(failure) => {
                self.notice(&failure);
                transfer.fail(&outlet, failure);
            }
        }
    }

    /// Uploads; while the server is away it waits and goes on.
    async fn upload_patiently(
        &self,
        transfer: &Rc<Transfer>,
        upload: &RefCell<Upload>,
        outlet: &Outlet,
    ) -> Result<UploadOutcome, Failure> {
        loop {
            transfer.gate.pass().await;
            match self.upload_once(transfer, upload, outlet).await {
                Err(failure) if failure.kind == FailureKind::Offline => {
                    transfer.stall(outlet);
                    self.browser().sleep(AGAIN_MS).await;
                    transfer.running(outlet);
                }
                done => return done,
            }
        }
    }

    async fn upload_once(
        &self,
        transfer: &Rc<Transfer>,
        upload: &RefCell<Upload>,
        outlet: &Outlet,
    ) -> Result<UploadOutcome, Failure> {
        let (folder, items, files, done) = {
            let upload = upload.borrow();
            (
                upload.folder.clone(),
                upload.items.clone(),
                upload.files.clone(),
                upload.done.clone(),
            )
        };
        let is_left = |item: &UploadItem| {
            item.kind == Kind::Folder || !done.contains(&folder.join_all(&item.names).to_string())
        };
        let left: Vec<UploadItem> = items.into_iter().filter(is_left).collect();
        self.note_begun(&folder, &left, &files).await?;
        let space = self.space(vault_of(&folder)?).await?;
        let mut plan = {
            let mut drive = space.drive().await;
            drive.rebuild();
            UploadPlan::new(&drive, &folder, left.clone())?
        };
        for conflict in plan.conflicts() {
            let decided = upload.borrow().decisions.get(&conflict.path).copied();
            // What came to be there meanwhile is not replaced unasked.
            plan.decide(conflict.index, decided.unwrap_or(OnConflict::Rename))?;
        }
        transfer.count_again(&done, &plan);
        let (sender, mut steps) = mpsc::unbounded();
        let drive = space.shared();
        let files = PageFiles {
            files,
            transfer: transfer.clone(),
        };
        let run = async {
            let reporter = Reporter::to(sender);
            plan.run_beside(self.session, drive, &files, &reporter)
                .await
        };
        let watch = async {
            while let Some(step) = steps.next().await {
                match step {
                    Progress::Planned { .. } => {}
                    Progress::Bytes(bytes) => {
                        transfer.running(outlet);
                        transfer.moved(outlet, bytes);
                    }
                    Progress::Done(path) => {
                        self.landed(transfer, upload, outlet, &folder, &left, path)
                            .await;
                        self.renew_later(&space);
                    }
                }
            }
        };
        let (outcome, ()) = join(run, watch).await;
        self.renew_later(&space);
        outcome.map_err(|error| self.failed(space.share, error))
    }

    async fn landed(
        &self,
        transfer: &Rc<Transfer>,
        upload: &RefCell<Upload>,
        outlet: &Outlet,
        folder: &RemotePath,
        left: &[UploadItem],
        path: String,
    ) {
        let item = left
            .iter()
            .find(|item| folder.join_all(&item.names).to_string() == path);
        if item.is_some_and(|item| item.kind != Kind::Folder) {
            transfer.file_done(outlet);
        }
        if let Some(item) = item.filter(|item| is_long(item)) {
            // If this fails it is offered again, and found to be there.
            let _ = self.forget_of(folder, item).await;
        }
        upload.borrow_mut().done.insert(path);
    }

    /// Notes what is long enough to be worth going on with later.
    async fn note_begun(
        &self,
        folder: &RemotePath,
        items: &[UploadItem],
        files: &HashMap<PathBuf, Local>,
    ) -> Result<(), ClientError> {
        let is_token = |item: &UploadItem| {
            let local = files.get(&item.local);
            local.is_some_and(|local| local.token.is_some())
        };
        // The keys of a token are gone after a reload.
        let is_noted = |item: &&UploadItem| is_long(item) && !is_token(item);
        if !items.iter().any(|item| is_noted(&item)) {
            return Ok(());
        }
        let mut list = UnfinishedUploads::load(self.session).await?;
        for item in items.iter().filter(is_noted) {
            let random: [u8; 12] = self.browser().random_bytes();
            let noted = UnfinishedUpload {
                id: data_encoding::BASE64URL_NOPAD.encode(&random),
                folder: folder.to_string(),
                path: path_of(item),
                local: item.local.to_string_lossy().into_owned(),
                size: item.size.unwrap_or(0),
                modified_ms: item.modified_ms,
            };
            let id = list.add(self.session, noted).await?;
            let handle = files
                .get(&item.local)
                .and_then(|local| local.handle.clone());
            if let Some(handle) = handle {
                self.database()
                    .keep_object(&format!("{HANDLE}{id}"), &handle)
                    .await?;
            }
        }
        Ok(())
    }

    async fn forget_of(&self, folder: &RemotePath, item: &UploadItem) -> Result<(), ClientError> {
        let list = UnfinishedUploads::load(self.session).await?;
        let (folder, path) = (folder.to_string(), path_of(item));
        let found = list
            .list()
            .iter()
            .find(|one| one.folder == folder && one.path == path);
        match found.map(|one| one.id.clone()) {
            Some(id) => self.forget_unfinished(&id).await,
            None => Ok(()),
        }
    }

    async fn forget_unfinished(&self, id: &str) -> Result<(), ClientError> {
        let mut list = UnfinishedUploads::load(self.session).await?;
        list.remove(self.session, id).await?;
        self.database()
            .forget_object(&format!("{HANDLE}{id}"))
            .await?;
        Ok(())
    }

    fn database(&self) -> &Database {
        self.browser().storage().database()
    }

    pub(crate) async fn interrupted(&self) -> Result<Vec<InterruptedUpload>, Failure> {
        let list = UnfinishedUploads::load(self.session).await?;
        let running: BTreeSet<(String, String)> = self
            .transfers
            .each(None)
            .iter()
            .filter(|one| one.is_alive())
            .filter_map(|one| Some(one.upload.as_ref()?.borrow().places()))
            .flatten()
            .collect();
        let mut rows = Vec::new();
        for one in list.list() {
            if running.contains(&(one.folder.clone(), one.path.clone())) {
                continue;
            }
            let handle = self
                .database()
                .object(&format!("{HANDLE}{}", one.id))
                .await?;
            let (parents, name) = match one.path.rsplit_once('/') {
                Some((parents, name)) => (format!("/{parents}"), name),
                None => (String::new(), one.path.as_str()),
            };
            let folder = self.shown_folder(&one.folder.parse()?).await;
            rows.push(InterruptedUpload {
                id: one.id.clone(),
                name: name.to_owned(),
                within: match folder.as_str() {
                    "/" if !parents.is_empty() => parents,
                    folder => format!("{folder}{parents}"),
                },
                size: one.size,
                modified_ms: one.modified_ms,
                has_handle: handle.is_some(),
            });
        }
        Ok(rows)
    }

    pub(crate) async fn resume_interrupted(
        &self,
        call: ResumeInterrupted,
        objects: Vec<JsValue>,
    ) -> Result<u64, Failure> {
        let list = UnfinishedUploads::load(self.session).await?;
        let found = list.list().iter().find(|one| one.id == call.id).cloned();
        let one = found.ok_or(Failure::new(FailureKind::Gone))?;
        let object = match objects.into_iter().next() {
            Some(object) => object,
            None => {
                let kept = self
                    .database()
                    .object(&format!("{HANDLE}{}", one.id))
                    .await?;
                kept.ok_or(Failure::new(FailureKind::UnreadableFile))?
            }
        };
        let entry = UploadEntry {
            path: one.path.clone(),
            is_folder: false,
        };
        let mut gathered = gather(&[entry], vec![object]).await?;
        let is_same = gathered
            .items
            .last()
            .is_some_and(|item| item.size == Some(one.size) && item.modified_ms == one.modified_ms);
        if !is_same {
            return Err(Failure::new(FailureKind::UnreadableFile));
        }
        gathered.rename_local(PathBuf::from(&one.local));
        let planned = self.plan(one.folder.parse()?, gathered).await?;
        let decisions = planned.conflicts.iter();
        self.start_upload(StartUpload {
            plan: planned.plan,
            decisions: decisions
                .map(|conflict| (conflict.index, ConflictChoice::KeepBoth))
                .collect(),
        })
    }

    /// Where the destination of an upload is, for a person.
    async fn shown_folder(&self, folder: &RemotePath) -> String {
        let inside = folder.inside().to_string();
        match vault_of(folder) {
            Ok(Some(share)) => {
                let root = self.view().await.path(Place::Share(share));
                shown_path(&RemotePath::ROOT, &root, inside.trim_end_matches('/'))
            }
            _ => inside,
        }
    }

    pub(crate) async fn forget_interrupted(&self, call: ForgetInterrupted) -> Result<(), Failure> {
        Ok(self.forget_unfinished(&call.id).await?)
    }
}

/// The vault that the destination of an upload is in.
fn vault_of(folder: &RemotePath) -> Result<Option<ShareId>, Failure> {
    let vault = folder.vault().map(|vault| vault.as_str().parse());
    let vault = vault.transpose();
    vault.map_err(|_| Failure::new(FailureKind::Gone))
}

/// A path below a destination as a person knows it.
fn shown_path(folder: &RemotePath, shown: &str, path: &str) -> String {
    let folder = folder.to_string();
    let below = path.strip_prefix(folder.trim_end_matches('/'));
    format!("{}{}", shown.trim_end_matches('/'), below.unwrap_or(path))
}

impl Upload {
    /// Destination folder and path of each file.
    fn places(&self) -> Vec<(String, String)> {
        let folder = self.folder.to_string();
        let files = self.items.iter();
        files.map(|item| (folder.clone(), path_of(item))).collect()
    }
}

impl Transfer {
    /// Starts counting where an earlier try has come to.
    fn count_again(&self, done: &BTreeSet<String>, plan: &UploadPlan) {
        let (files, bytes) = plan.size();
        let mut row = self.row.borrow_mut();
        let before = row.bytes.saturating_sub(bytes);
        if done.is_empty() {
            (row.files, row.bytes) = (files, bytes);
            (row.files_done, row.bytes_done) = (0, 0);
        } else {
            row.files_done = row.files.saturating_sub(files);
            row.bytes_done = before;
        }
        self.marks.borrow_mut().clear();
    }
}

/// Local files and folders, ready to be planned.
pub(super) struct Gathered {
    pub(super) items: Vec<UploadItem>,
    pub(super) files: HashMap<PathBuf, Local>,
    pub(super) refused: Vec<(String, sv_bridge::Failure)>,
}

impl Gathered {
    /// Names the only file as it was named before.
    fn rename_local(&mut self, local: PathBuf) {
        if let Some(item) = self.items.last_mut()
            && let Some(file) = self.files.remove(&item.local)
        {
            item.local = local.clone();
            self.files.insert(local, file);
        }
    }
}

/// Brings entries and the objects beside them together, with the folders that
/// are only named in paths.
pub(super) async fn gather(
    entries: &[UploadEntry],
    objects: Vec<JsValue>,
) -> Result<Gathered, Failure> {
    let mut gathered = Gathered {
        items: Vec::new(),
        files: HashMap::new(),
        refused: Vec::new(),
    };
    let mut folders = BTreeSet::new();
    let mut objects = objects.into_iter();
    for entry in entries {
        let object = match entry.is_folder {
            true => None,
            false => objects.next(),
        };
        let parsed: Result<Vec<Name>, _> = entry
            .path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(Name::parse)
            .collect();
        let names = match parsed {
            Ok(names) if !names.is_empty() => names,
            Ok(_) => continue,
            Err(error) => {
                gathered
                    .refused
                    .push((entry.path.clone(), Failure::from(error).into()));
                continue;
            }
        };
        let depth = names.len() - usize::from(!entry.is_folder);
        for end in 1..=depth {
            let above: Vec<Name> = names.iter().take(end).cloned().collect();
            if folders.insert(above.clone()) {
                gathered.items.push(folder_item(above));
            }
        }
        if entry.is_folder {
            continue;
        }
        match local(object.unwrap_or(JsValue::UNDEFINED)).await {
            Ok(local) => gathered.add(names, &entry.path, local),
            Err(failure) => gathered.refused.push((entry.path.clone(), failure.into())),
        }
    }
    // Folders before what they hold; both in the order they came.
    gathered.items.sort_by_key(|item| item.kind != Kind::Folder);
    Ok(gathered)
}

impl Gathered {
    fn add(&mut self, names: Vec<Name>, path: &str, local: Local) {
        let mut place = PathBuf::from(path);
        while self.files.contains_key(&place) {
            place.as_mut_os_string().push("#");
        }
        self.items.push(UploadItem {
            names,
            kind: Kind::File,
            size: Some(local.file.size() as u64),
            modified_ms: local.file.last_modified() as u64,
            executable: false,
            local: place.clone(),
        });
        self.files.insert(place, local);
    }
}

fn folder_item(names: Vec<Name>) -> UploadItem {
    UploadItem {
        names,
        kind: Kind::Folder,
        size: None,
        modified_ms: now_ms(),
        executable: false,
        local: PathBuf::new(),
    }
}

/// The file that came beside a call, itself or by a handle.
async fn local(object: JsValue) -> Result<Local, Failure> {
    let unreadable = |_| Failure::new(FailureKind::UnreadableFile);
    if let Some(file) = object.dyn_ref::<File>() {
        return Ok(Local {
            file: file.clone(),
            handle: None,
            token: None,
        });
    }
    let get: Function = Reflect::get(&object, &"getFile".into())
        .and_then(|get| get.dyn_into())
        .map_err(unreadable)?;
    let promise: Promise = get
        .call0(&object)
        .and_then(|promise| promise.dyn_into())
        .map_err(unreadable)?;
    let file = JsFuture::from(promise).await.map_err(unreadable)?;
    Ok(Local {
        file: file.dyn_into().map_err(unreadable)?,
        handle: Some(object),
        token: None,
    })
}

fn path_of(item: &UploadItem) -> String {
    let names: Vec<&str> = item.names.iter().map(Name::as_str).collect();
    names.join("/")
}

fn is_long(item: &UploadItem) -> bool {
    item.size.is_some_and(|size| size > BLOCK_LEN as u64)
}

/// Files that the page handed over, read slice by slice.
struct PageFiles {
    files: Rc<HashMap<PathBuf, Local>>,
    transfer: Rc<Transfer>,
}

/// One of them, as it is or opened on the way.
enum PageFile {
    Plain(File, Rc<Transfer>),
    Token(Box<TokenSource>, Rc<Transfer>),
}

impl LocalFiles for PageFiles {
    type Source = PageFile;

    async fn open(&self, item: &UploadItem) -> Result<PageFile, StorageError> {
        let local = self.files.get(&item.local);
        let local = local.ok_or_else(|| StorageError("the file is gone".to_owned()))?;
        let transfer = self.transfer.clone();
        Ok(match &local.token {
            None => PageFile::Plain(local.file.clone(), transfer),
            Some(token) => PageFile::Token(Box::new(TokenSource::of(token)), transfer),
        })
    }
}

impl Source for PageFile {
    async fn read_block(&mut self, index: u64) -> Result<Vec<u8>, StorageError> {
        let (Self::Plain(_, transfer) | Self::Token(_, transfer)) = self;
        transfer.gate.pass().await;
        let bytes = match self {
            Self::Token(token, _) => token.next_block().await,
            Self::Plain(file, _) => {
                let from = index * BLOCK_LEN as u64;
                let to = (from + BLOCK_LEN as u64).min(file.size() as u64);
                if from >= to {
                    return Ok(Vec::new());
                }
                read_slice(file, from, to).await
            }
        };
        bytes.map_err(|failure| StorageError(failure.0.detail))
    }
}
