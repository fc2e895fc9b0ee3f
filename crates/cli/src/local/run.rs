//! What one download has written and what it has not, as its unfinished files
//! and the folders around them share it.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::output::Output;

/// One download.
#[derive(Debug, Clone)]
pub(super) struct Run {
    out: Output,
    state: Arc<Mutex<State>>,
}

/// What became of the files that were not written.
#[derive(Debug, Default)]
pub struct Kept {
    /// There already, with the same size and time.
    pub same: u64,
    /// Not written, which has been said.
    pub refused: u64,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) kept: Kept,
    /// Folders, whose times are set when nothing more is written into them.
    pub(super) folders: Vec<(PathBuf, u64)>,
    /// Folders that could not be made, with all that is in them.
    pub(super) closed: Vec<PathBuf>,
    /// Files that this run wrote, or found as it would have written them.
    own: BTreeSet<Identity>,
}

impl Run {
    pub(super) fn new(out: &Output) -> Self {
        Self {
            out: *out,
            state: Arc::default(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that something is not written, and why.
    pub(super) fn refuse(&self, what: &str, why: &str) {
        self.out.warn(&format!("not written: {what}: {why}"));
        self.state().kept.refused += 1;
    }
}

impl State {
    /// Notes a file that this run wrote.
    pub(super) fn own(&mut self, path: &Path, file: &Metadata) {
        self.own.insert(Identity::of(path, file));
    }

    /// Notes a file that is there as this run would have written it.
    pub(super) fn same(&mut self, path: &Path, file: &Metadata) {
        self.kept.same += 1;
        self.own(path, file);
    }

    /// Whether a file is one that this run wrote, under whatever name: many
    /// disks do not tell `A` and `a` apart, or two ways to write `ü`.
    pub(super) fn is_own(&self, path: &Path, file: &Metadata) -> bool {
        has_one_name(file) && self.own.contains(&Identity::of(path, file))
    }
}

/// Why a file is not written in the place of another of the same download.
pub(super) fn same_name(path: &Path) -> String {
    format!(
        "{} is another file of this download already; this disk does not tell their names apart",
        path.display()
    )
}

/// What tells a file from every other on this computer.
#[cfg(unix)]
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Identity(u64, u64);

/// What tells a file from every other on this computer: its name, on a disk
/// that does not tell upper and lower case apart.
#[cfg(not(unix))]
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Identity(String);

#[cfg(unix)]
impl Identity {
    fn of(_: &Path, file: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self(file.dev(), file.ino())
    }
}

#[cfg(not(unix))]
impl Identity {
    fn of(path: &Path, _: &Metadata) -> Self {
        Self(path.to_string_lossy().to_lowercase())
    }
}

/// A file with several names, each its own, is no clash of two names.
#[cfg(unix)]
pub(super) fn has_one_name(file: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(file) == 1
}

#[cfg(not(unix))]
pub(super) fn has_one_name(_: &Metadata) -> bool {
    true
}
