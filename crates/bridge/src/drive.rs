//! Folders, files, notes, versions and the trash.

use serde::{Deserialize, Serialize};

use super::{ItemId, Place, Role, ShareMark};

/// What something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ItemKind {
    /// Has rows.
    Folder,
    /// Bytes.
    File,
    /// A titled text.
    Note,
}

/// How rows are sorted. Folders always come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Order {
    /// By what.
    pub by: SortKey,
    /// The other way round.
    pub descending: bool,
}

/// By what rows are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SortKey {
    /// The name, numbers in it by value, in any case.
    Name,
    /// The time of the last change.
    Modified,
    /// Bytes.
    Size,
    /// The ending of the name.
    Kind,
}

/// Rows of a folder: those from `from` on, `count` at most. A long folder is
/// read window by window.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListFolder {
    /// Which.
    pub folder: Place,
    /// How sorted.
    pub order: Order,
    /// The first row's index.
    pub from: usize,
    /// Rows at most.
    pub count: usize,
}

/// A window of rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The state of the drive that it shows, see [`super::Event::Drive`].
    pub revision: u64,
    /// The folders above and the folder itself, without the drive; empty for
    /// the drive itself and for a search. Through a mount it runs on into the
    /// shared vault; one that is mounted nowhere begins with its own name.
    pub trail: Vec<Crumb>,
    /// The shared vault that the folder is in; none in the drive and for a
    /// search.
    pub share: Option<ShareMark>,
    /// Whether the trail begins in a shared vault and not in the drive.
    pub is_beside: bool,
    /// Whether this person may add something here.
    pub may_add: bool,
    /// Rows in all.
    pub total: usize,
    /// Those of them that [`EmptyTrash`] would remove; 0 but for the trash.
    pub own: usize,
    /// Those of the window.
    pub rows: Vec<Row>,
}

/// A step of a breadcrumb trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crumb {
    /// Where it leads.
    pub place: Place,
    /// Its name.
    pub name: String,
}

/// A row of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The item; `None` for the row of [`Place::LostAndFound`].
    pub id: Option<ItemId>,
    /// The name to show: its own, or with a number where two have the same.
    pub name: String,
    /// What it is.
    pub kind: ItemKind,
    /// Bytes; 0 for a folder.
    pub size: u64,
    /// When it was last changed, Unix milliseconds.
    pub modified_ms: u64,
    /// How many versions there are.
    pub versions: usize,
    /// The path of the folder it is in, with a leading slash: in searches,
    /// recent items and trash; empty in a folder's own listing. In a shared
    /// vault that is mounted nowhere it begins with the vault's name and has no
    /// slash.
    pub within: String,
    /// The shared vault that is mounted here, if this is a mount; the one it
    /// belongs to, if it is the row of a [`Place::LostAndFound`].
    pub share: Option<ShareMark>,
    /// Whether this person may rename, move and remove it.
    pub may_change: bool,
    /// Whether this person may share it on its own: part of something shared
    /// only a manager of that does.
    pub may_share: bool,
    /// Set in a listing of the trash.
    pub trashed: Option<TrashMark>,
}

impl Row {
    /// Whether this person may change what is in it: of a mount of one file,
    /// that file.
    pub fn may_edit(&self) -> bool {
        match self.share {
            Some(mark) => mark.role.is_some_and(|role| role >= Role::Editor),
            None => self.may_change,
        }
    }

    /// What the row leads into, if it has rows itself.
    pub fn inside(&self) -> Option<Place> {
        match (self.kind, self.id, self.share) {
            (ItemKind::Folder, None, mark) => {
                Some(Place::LostAndFound(mark.map(|mark| mark.share)))
            }
            (ItemKind::Folder, Some(_), Some(mark)) => Some(Place::Share(mark.share)),
            (ItemKind::Folder, Some(id), None) => Some(Place::Folder(id)),
            (ItemKind::File | ItemKind::Note, ..) => None,
        }
    }
}

/// Every row's item, in order: for "select all" where not all rows are there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListIds {
    /// Which folder.
    pub folder: Place,
    /// How sorted.
    pub order: Order,
}

/// Everything whose name contains all words of `text`, in any case, best
/// first. Works on names alone and at once, also offline; in the drive and in
/// the shared vaults that are open.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Search {
    /// As typed.
    pub text: String,
    /// The first row's index.
    pub from: usize,
    /// Rows at most.
    pub count: usize,
}

/// Files and notes that were changed last, newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListRecent {
    /// Rows at most.
    pub count: usize,
}

/// Notes of the drive and of the shared vaults that are open, newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListNotes {
    /// Rows at most.
    pub count: usize,
}

/// One item.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GetItem {
    /// Which.
    pub id: ItemId,
}

/// One item, with where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemDetail {
    /// As in a list.
    pub row: Row,
    /// The folders above it, without the drive.
    pub trail: Vec<Crumb>,
    /// When it was made, Unix milliseconds.
    pub created_ms: u64,
    /// Media type by its name; `application/octet-stream` if unknown.
    pub mime: String,
    /// Whether it is in the trash, or in something that is.
    pub in_trash: bool,
}

/// What a place holds in all.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GetUsage {
    /// Which.
    pub folder: Place,
}

/// Sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageInfo {
    /// Files and notes.
    pub files: u64,
    /// Folders.
    pub folders: u64,
    /// Bytes of newest versions.
    pub bytes: u64,
    /// Bytes of all versions.
    pub all_versions_bytes: u64,
}

/// Makes a folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewFolder {
    /// Where.
    pub parent: Place,
    /// Its name.
    pub name: String,
}

/// Gives an item another name, in its folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rename {
    /// Which.
    pub id: ItemId,
    /// The new name.
    pub name: String,
}

/// Moves items into a folder; those of a name that is taken there get a number.
/// Into another vault they are copied first and then removed. Gives what they
/// are called from then on: items that changed their vault are others.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Move {
    /// Which.
    pub ids: Vec<ItemId>,
    /// Where to.
    pub into: Place,
}

/// Copies items into a folder, folders with all that is in them; names that
/// are taken get a number. No bytes move. Gives the copies.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Copy {
    /// Which.
    pub ids: Vec<ItemId>,
    /// Where to.
    pub into: Place,
}

/// Puts items into the trash, with all that is in them. [`Untrash`] undoes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Trash {
    /// Which.
    pub ids: Vec<ItemId>,
}

/// Takes items out of the trash: back to their folder, or to the top of the
/// drive where that is gone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Untrash {
    /// Which.
    pub ids: Vec<ItemId>,
}

/// What is in the trash, newest first: of the drive, and of the shared vaults
/// that are open and in which this person may change something.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListTrash {
    /// The first row's index.
    pub from: usize,
    /// Rows at most.
    pub count: usize,
}

/// That a row is in the trash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrashMark {
    /// When it will be removed for good, Unix milliseconds.
    pub expires_ms: u64,
    /// Whether the folder it was in is gone.
    pub home_is_gone: bool,
    /// What the shared vault is called whose trash it is in; none for the
    /// drive's.
    pub share_name: Option<String>,
}

/// Removes items for good, with all that is in them and every version.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Remove {
    /// Which.
    pub ids: Vec<ItemId>,
}

/// Removes everything for good that is in the drive's trash. Gives how many
/// items that were. What others put into the trash of a shared vault stays.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EmptyTrash {}

/// Every version of a file or note, newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListVersions {
    /// Of which.
    pub id: ItemId,
}

/// A version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRow {
    /// Names it for good, unlike its number.
    pub version: String,
    /// Counted from 1, the oldest kept.
    pub number: usize,
    /// Bytes.
    pub size: u64,
    /// The file's own time of change, Unix milliseconds.
    pub modified_ms: u64,
    /// When it was saved here, Unix milliseconds.
    pub saved_ms: u64,
    /// From which device.
    pub device: Option<String>,
    /// Whether it is the newest.
    pub current: bool,
}

/// Makes an old version the newest again; nothing is lost.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RestoreVersion {
    /// Of which.
    pub id: ItemId,
    /// From [`VersionRow`].
    pub version: String,
}

/// Reads a note, or a file as text: UTF-8 of at most `limit` bytes, else
/// [`super::FailureKind::TooLarge`] or [`super::FailureKind::NotText`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReadText {
    /// Which.
    pub id: ItemId,
    /// From [`VersionRow`]; none for the newest.
    pub version: Option<String>,
    /// Bytes at most.
    pub limit: u64,
}

/// A text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextContent {
    /// The version that was read: give it to [`SaveText`].
    pub version: String,
    /// The text.
    pub text: String,
}

/// Makes a note.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewNote {
    /// Where.
    pub parent: Place,
    /// Its title: the name it has in the folder.
    pub title: String,
    /// The text.
    pub text: String,
}

/// Saves a text as the newest version.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SaveText {
    /// Of which.
    pub id: ItemId,
    /// The text.
    pub text: String,
    /// The version that was edited. If another one is the newest by now,
    /// refused with `Conflict`; none to save in any case (both stay in the
    /// history).
    pub edited: Option<String>,
}
