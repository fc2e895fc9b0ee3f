//! What is in the drive, as rows for people and as JSON for programs.

use serde::Serialize;
use sv_client::drive::{Item, Trashed, VersionInfo};
use sv_core::record::Kind;

use crate::human;

/// One file, note or folder.
#[derive(Debug, Serialize)]
pub struct ItemView<'a> {
    path: &'a str,
    name: &'a str,
    kind: &'static str,
    size: u64,
    modified_ms: u64,
    versions: usize,
    executable: bool,
}

impl<'a> From<&'a Item> for ItemView<'a> {
    fn from(item: &'a Item) -> Self {
        Self {
            path: &item.path,
            name: &item.name,
            kind: kind(item.kind),
            size: item.size,
            modified_ms: item.modified_ms,
            versions: item.versions,
            executable: item.executable,
        }
    }
}

/// Something in the trash.
#[derive(Debug, Serialize)]
pub struct TrashedView<'a> {
    #[serde(flatten)]
    item: ItemView<'a>,
    trashed_ms: u64,
    from: Option<&'a str>,
}

impl<'a> From<&'a Trashed> for TrashedView<'a> {
    fn from(trashed: &'a Trashed) -> Self {
        Self {
            item: (&trashed.item).into(),
            trashed_ms: trashed.at_ms,
            from: trashed.from.as_deref(),
        }
    }
}

/// One version of a file.
#[derive(Debug, Serialize)]
pub struct VersionView<'a> {
    version: usize,
    content_id: String,
    size: u64,
    modified_ms: u64,
    saved_ms: u64,
    author: String,
    device: Option<&'a str>,
    current: bool,
}

impl<'a> From<&'a VersionInfo> for VersionView<'a> {
    fn from(version: &'a VersionInfo) -> Self {
        Self {
            version: version.number,
            content_id: version.content_id.to_string(),
            size: version.size,
            modified_ms: version.modified_ms,
            saved_ms: version.saved_ms,
            author: version.author.to_string(),
            device: version.device.as_deref(),
            current: version.current,
        }
    }
}

/// A kind, as a word.
pub const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Folder => "folder",
        Kind::File => "file",
        Kind::Note => "note",
        Kind::Mount => "shared",
    }
}

/// The name, folders with a slash.
pub fn name(item: &Item) -> String {
    let slash = match item.kind {
        Kind::Folder => "/",
        Kind::Mount => "@",
        Kind::File | Kind::Note => "",
    };
    format!("{}{slash}", item.name)
}

/// A row with everything: kind, size, time, versions, and `name`.
pub fn long_row(item: &Item, name: &str) -> String {
    let kind = match item.kind {
        Kind::Folder => "folder",
        Kind::Note => "note  ",
        Kind::Mount => "shared",
        Kind::File if item.executable => "file *",
        Kind::File => "file  ",
    };
    let size = match item.kind {
        Kind::Folder | Kind::Mount => "-".to_owned(),
        Kind::File | Kind::Note => human::size(item.size),
    };
    let versions = match item.versions {
        0 | 1 => String::new(),
        many => format!("v{many}"),
    };
    format!(
        "{kind}  {size:>10}  {:16}  {versions:>4}  {name}\n",
        human::time(item.modified_ms)
    )
}
