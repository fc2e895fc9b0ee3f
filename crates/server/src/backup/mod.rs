//! Consistent copies of a server, and how they come back.
//!
//! A backup is a folder: `vault.db`, `blocks/ab/<name>`, `keys/<name>` and,
//! written last, `manifest.json`; without it the folder is no backup. The
//! manifest covers the database and the keys, and the database holds length
//! and hash of every block.

mod files;
mod manifest;
mod restore;
mod take;

pub use manifest::{FileDigest, Manifest};
pub use restore::{Restore, restore};
pub use take::{Backup, backup};

use std::path::PathBuf;

use crate::{blocks, db, random};

/// The database's file in a backup.
const DATABASE: &str = "vault.db";
/// The folder of keys in a backup.
const KEYS: &str = "keys";
/// The folder of blocks in a backup.
const BLOCKS: &str = "blocks";
/// Blocks listed together.
const PAGE: u32 = 512;

/// Why a backup or a restore did not happen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It would overwrite something.
    #[error("{0} exists already and is not overwritten")]
    Exists(PathBuf),
    /// The database is a server's.
    #[error(
        "this database is on a server: copy it with the server's own tools (mysqldump \
         --single-transaction, TiDB's BR, or your provider's backups), and keep a copy of the key"
    )]
    NoFile,
    /// Another backup is running, or files are being removed.
    #[error("another backup is running, or files are being removed: try again in a few minutes")]
    Busy,
    /// The lease ran out, so files of the snapshot may have been removed.
    #[error("the backup took too long between two steps and may lack files: start again")]
    LeaseLost,
    /// No backup, or one that did not finish.
    #[error("{0} is not a complete backup")]
    NotABackup(PathBuf),
    /// A file of the backup is not what was saved.
    #[error("{0} is damaged: its bytes are not those that were saved")]
    Damaged(String),
    /// The database failed.
    #[error("database: {0}")]
    Database(#[from] db::Error),
    /// The block store failed.
    #[error("blocks: {0}")]
    Blocks(#[from] blocks::Error),
    /// A file failed.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// How.
        error: std::io::Error,
    },
    /// No randomness.
    #[error(transparent)]
    Random(#[from] random::NoRandomness),
    /// A task was lost.
    #[error("a background task did not finish")]
    Task,
}

/// What backups answer with.
pub type Result<T, E = Error> = std::result::Result<T, E>;
