//! What a backup holds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The only format.
pub(super) const FORMAT: u32 = 1;
/// Its name in a backup.
pub(super) const MANIFEST: &str = "manifest.json";

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format.
    pub format: u32,
    /// When the snapshot was taken, Unix milliseconds.
    pub taken_ms: u64,
    /// Version of the server that took it.
    pub server: String,
    /// The database.
    pub database: FileDigest,
    /// Keys by name.
    pub keys: BTreeMap<String, FileDigest>,
    /// Where the blocks are.
    pub blocks: BlocksAt,
    /// How many files hold blocks.
    pub block_files: u64,
    /// Their bytes.
    pub block_bytes: u64,
}

/// Where a backup has its blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlocksAt {
    /// In its folder of blocks.
    Files,
    /// In its database, where they were.
    Database,
}

/// A file's length and hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileDigest {
    /// Bytes.
    pub len: u64,
    /// BLAKE3, in hexadecimal.
    pub blake3: String,
}
