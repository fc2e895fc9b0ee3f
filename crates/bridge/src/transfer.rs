//! Uploads, downloads, and URLs that the service worker answers.

use serde::{Deserialize, Serialize};

use super::{Failure, ItemId, Place};

/// Looks at what an upload would do. The `File` objects travel beside the call,
/// in the order of `entries` without the folders; a `FileSystemFileHandle` may
/// stand for any of them: then the upload can be taken up after a reload
/// without choosing the file again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlanUpload {
    /// Where to.
    pub into: Place,
    /// What; folders before what they hold. Folders that are named by a file's
    /// path may be left out.
    pub entries: Vec<UploadEntry>,
}

/// A file or folder to upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadEntry {
    /// Names below the destination with slashes between: `photos/2024/a.jpg`.
    pub path: String,
    /// Whether it is a folder.
    pub is_folder: bool,
}

/// What an upload would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedUpload {
    /// For [`StartUpload`] or [`DropUpload`].
    pub plan: u64,
    /// Files to send.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that are there already, with the same size and time.
    pub unchanged: u64,
    /// To be decided.
    pub conflicts: Vec<UploadConflict>,
    /// Entries that cannot be stored under their name, and why.
    pub refused: Vec<(String, Failure)>,
}

/// A file that is there already, and differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadConflict {
    /// For the decision.
    pub index: usize,
    /// The path in question.
    pub path: String,
    /// Whether [`ConflictChoice::Replace`] is possible.
    pub replaceable: bool,
}

/// What to do about a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConflictChoice {
    /// Keep both: the new one gets a number.
    KeepBoth,
    /// A new version of the file that is there.
    Replace,
    /// Leave it as it is.
    Skip,
}

/// Starts a planned upload, one transfer. Gives its id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StartUpload {
    /// From [`PlannedUpload`].
    pub plan: u64,
    /// For each conflict.
    pub decisions: Vec<(usize, ConflictChoice)>,
}

/// Gives a plan up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DropUpload {
    /// From [`PlannedUpload`].
    pub plan: u64,
}

/// Uploads that a reload or crash of this browser interrupted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListInterrupted {}

/// An interrupted upload of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterruptedUpload {
    /// For the calls below.
    pub id: String,
    /// The file's name.
    pub name: String,
    /// The path of the folder it goes to.
    pub within: String,
    /// Bytes.
    pub size: u64,
    /// When the file was last changed, Unix milliseconds.
    pub modified_ms: u64,
    /// Whether the browser kept a handle to it: no need to choose it again,
    /// though it may ask for permission (call from a click).
    pub has_handle: bool,
}

/// Goes on with an interrupted upload. The same `File` travels beside the call,
/// or nothing where there is a handle. Gives the transfer's id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ResumeInterrupted {
    /// Which.
    pub id: String,
}

/// Gives an interrupted upload up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ForgetInterrupted {
    /// Which.
    pub id: String,
}

/// Every row of the transfer panel, newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListTransfers {}

/// A row of the transfer panel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferRow {
    /// For the calls below.
    pub id: u64,
    /// What it does.
    pub kind: TransferKind,
    /// The file's name, or that of the first of several.
    pub name: String,
    /// The path it comes from or goes to.
    pub within: String,
    /// Files in all.
    pub files: u64,
    /// Files that are complete.
    pub files_done: u64,
    /// Bytes in all.
    pub bytes: u64,
    /// Bytes that have gone across.
    pub bytes_done: u64,
    /// Bytes a second, over the last seconds; 0 unless running.
    pub bytes_per_second: u64,
    /// How it stands.
    pub state: TransferState,
    /// Files that could not be read or are too large, and why: the others are
    /// stored.
    pub left_out: Vec<(String, Failure)>,
}

/// What a transfer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransferKind {
    /// Files to the vault.
    Upload,
    /// One file to this device.
    Download,
    /// Several as one zip.
    Zip,
    /// One file as it is stored.
    Raw,
    /// One file as a Fernet token.
    Token,
    /// A sealed file of this device, opened here.
    Decrypt,
}

/// How a transfer stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransferState {
    /// Others are before it.
    Waiting,
    /// Bytes move.
    Running,
    /// By the person; [`ResumeTransfer`].
    Paused,
    /// The server is away; goes on by itself.
    Stalled,
    /// Complete.
    Done,
    /// Ended early; [`RetryTransfer`] unless it is tampering.
    Failed(Failure),
    /// By the person.
    Cancelled,
}

/// Pauses a transfer: uploads and downloads alike.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PauseTransfer {
    /// Which; none for all.
    pub id: Option<u64>,
}

/// Goes on with a paused transfer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ResumeTransfer {
    /// Which; none for all.
    pub id: Option<u64>,
}

/// Ends a transfer; what was stored of it stays, the rest is given up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CancelTransfer {
    /// Which; none for all.
    pub id: Option<u64>,
}

/// Tries a failed or cancelled upload again; goes on where it was. A download
/// is begun anew by [`Download`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RetryTransfer {
    /// Which.
    pub id: u64,
}

/// Takes rows that have ended out of the list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClearTransfers {}

/// Makes a URL to save items under: one file as it is, several or a folder as
/// a zip. Click an `<a download href>` with it. The transfer shows in the panel.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Download {
    /// Which.
    pub ids: Vec<ItemId>,
    /// One version of a single file, from [`super::VersionRow`].
    pub version: Option<String>,
}

/// A URL of this page's own origin that the service worker answers from the
/// engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The URL's path.
    pub url: String,
    /// The name to save it under.
    pub name: String,
    /// Media type it is served with: for files of the vault always one that
    /// cannot run.
    pub mime: String,
    /// Bytes, where they are known beforehand.
    pub size: Option<u64>,
}

/// Makes a URL to save a file as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DownloadRaw {
    /// Which.
    pub id: ItemId,
    /// From [`super::VersionRow`]; none for the newest.
    pub version: Option<String>,
}

/// A sealed file, and what opens it.
#[derive(Clone, Serialize, Deserialize)]
pub struct RawLink {
    /// Where to get it.
    pub link: Link,
    /// Its key as text. Whoever has both can read the file.
    pub key: String,
}

/// Makes a URL to save everything under, as one zip.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExportEverything {}

/// Makes a URL to show a file under: `<img>`, `<audio>`, `<video>` (ranges
/// work: only the blocks that are needed are read), or `fetch` for a PDF. Good
/// for any number of requests until [`CloseLink`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OpenFile {
    /// Which.
    pub id: ItemId,
    /// From [`super::VersionRow`]; none for the newest.
    pub version: Option<String>,
}

/// Ends a URL of [`OpenFile`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CloseLink {
    /// The URL's path.
    pub url: String,
}
