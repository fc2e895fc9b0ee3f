//! Moving bytes: uploads that survive interruption, downloads that release
//! nothing unverified under its final name. Memory is bounded whatever the
//! size: a handful of 4 MiB blocks are under way at a time (spec: `content.md`).

#![allow(
    async_fn_in_trait,
    reason = "shells decide about Send; flows run on one task"
)]

mod content;
mod download;
mod fetch;
mod plan;
mod raw;
mod resume;
mod upload;

pub use download::{DownloadItem, DownloadPlan, LocalTarget, Sink};
pub use plan::{Conflict, LocalFiles, OnConflict, Source, UploadItem, UploadPlan};
pub use raw::save_raw;
pub use upload::UploadOutcome;

/// Blocks of one file under way at a time.
const BLOCKS_AT_ONCE: usize = 4;
/// Files of at most one block under way at a time.
const FILES_AT_ONCE: usize = 4;
/// Blocks after which the state of a long transfer is made durable: what an
/// interruption may cost again.
const BLOCKS_PER_NOTE: usize = 8;
