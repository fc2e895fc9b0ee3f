//! Moving bytes: uploads that survive interruption, downloads that release
//! nothing unverified under its final name. Memory is bounded whatever the
//! size: a handful of 4 MiB blocks are under way at a time (spec: `content.md`).

#![allow(
    async_fn_in_trait,
    reason = "shells decide about Send; flows run on one task"
)]

mod content;
mod download;
mod fernet;
mod fetch;
mod mark;
mod plan;
mod raw;
mod read;
mod renew;
mod resume;
mod unfinished;
mod upload;

use crate::port::Platform;

pub(crate) use content::described;
pub use download::{DownloadItem, DownloadPlan, LocalTarget, Part, Sink};
pub use plan::{Conflict, LocalFiles, OnConflict, Source, UploadItem, UploadPlan};
pub use raw::{raw_key, save_raw};
pub use read::{Reading, Seekable, SoFar};
pub(crate) use renew::replace_exposed;
pub use renew::{Renewed, renew};
pub use unfinished::{UnfinishedUpload, UnfinishedUploads};
pub use upload::UploadOutcome;

/// Blocks of one file under way at a time.
const BLOCKS_AT_ONCE: usize = 3;
/// Files of at most one block under way at a time.
const FILES_AT_ONCE: usize = 4;
/// Blocks after which the state of a long transfer is made durable: what an
/// interruption may cost again.
const BLOCKS_PER_NOTE: usize = 8;
/// Milliseconds after which it is made durable with fewer: on a slow line
/// that many blocks are minutes of work, and a line that breaks before they
/// are noted would never get a file across.
const NOTE_AFTER_MS: u64 = 100;

/// When the state of a long transfer was made durable last.
struct LastNote(u64);

impl LastNote {
    fn now<P: Platform>(platform: &P) -> Self {
        Self(platform.now_ms())
    }

    /// Whether so many blocks more are to be noted now.
    fn is_due<P: Platform>(&mut self, platform: &P, blocks: usize) -> bool {
        let now_ms = platform.now_ms();
        let late = now_ms.abs_diff(self.0) >= NOTE_AFTER_MS;
        let is_due = blocks >= BLOCKS_PER_NOTE || (late && blocks > 0);
        if is_due {
            self.0 = now_ms;
        }
        is_due
    }
}
