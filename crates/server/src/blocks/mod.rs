//! Where sealed blocks rest. A name is drawn afresh for every attempt to
//! store one and never written twice, so a store needs no locks and no
//! conditional writes: the database row alone says which name counts.

mod database;
mod export;
mod files;
mod fs;
mod location;
mod s3;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use sv_ledger::id::Hash;

pub use database::DatabaseBlocks;
pub use files::FileBlocks;
pub use fs::{Fs, SystemFs};
pub use location::{BlocksUrl, BlocksUrlError};
pub use s3::{S3Blocks, S3Credentials, S3Location};

use crate::clock::Clock;
use crate::db::{self, Database};
use crate::random::{NoRandomness, Random};

/// What block stores answer with.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Bytes of a block, in pieces.
pub type BlockStream<'a> = BoxStream<'a, Result<Bytes>>;

/// A block on its way out, as it is there: only its reader can judge whether
/// it is as it should be.
pub struct BlockBody {
    /// How many bytes there are.
    pub len: u64,
    /// Those, in pieces.
    pub bytes: BlockStream<'static>,
}

/// What went wrong in a block store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// More bytes than a block may have.
    #[error("the block is too long")]
    TooLarge,
    /// The sender broke off.
    #[error("the transfer was interrupted")]
    Interrupted,
    /// No such block.
    #[error("no such block")]
    NotFound,
    /// The store does not answer, or has too much to do: try again.
    #[error("the block store is not available: {0}")]
    Unavailable(String),
    /// The store does not let this server in, or has no such bucket.
    #[error("the block store refuses: {0}")]
    Denied(String),
    /// Anything else.
    #[error("{0}")]
    Io(#[source] std::io::Error),
}

impl From<db::Error> for Error {
    fn from(error: db::Error) -> Self {
        match error {
            db::Error::Full => Self::Full,
            db::Error::Conflict | db::Error::Unavailable(_) => Self::Unavailable(error.to_string()),
            error => Self::Io(std::io::Error::other(error)),
        }
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full,
            std::io::ErrorKind::NotFound => Self::NotFound,
            _ => Self::Io(error),
        }
    }
}

/// The name of a stored block.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockName([u8; 16]);

impl BlockName {
    /// Wraps raw bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Draws a new one.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn generate(random: &Random) -> Result<Self, NoRandomness> {
        random.bytes().map(Self)
    }

    /// Reads what [`Self`]'s `Display` wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// The raw bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The part of the store it lies in.
    pub const fn shard(&self) -> u8 {
        self.0[0]
    }
}

impl std::fmt::Display for BlockName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl std::fmt::Debug for BlockName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BlockName({self})")
    }
}

/// What a store took in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Its length in bytes.
    pub len: u64,
    /// Its BLAKE3.
    pub hash: Hash,
}

/// A block that a store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: BlockName,
    /// When it was stored, Unix milliseconds.
    pub stored_ms: u64,
}

/// Whose a store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Whoever asked.
    Us,
    /// Until now nobody's, from now on whoever asked's.
    New,
    /// Somebody else's.
    Other,
}

/// What tells one installation from another in a store.
pub type OwnerMark = [u8; 32];

/// The port. `tests/suite/blocks_conformance.rs` says what it promises.
pub trait BlockStore: Send + Sync + std::fmt::Debug + 'static {
    /// Takes a block in. When this returns it is durable; if it fails or is
    /// dropped, [`Self::read`] finds nothing, and what may remain is shown by
    /// [`Self::list`] or [`Self::unfinished`].
    ///
    /// # Errors
    /// [`Error::TooLarge`] beyond a sealed block's length, [`Error::Full`],
    /// or whatever the stream gave.
    fn put<'a>(&'a self, name: BlockName, bytes: BlockStream<'a>) -> BoxFuture<'a, Result<Stored>>;

    /// A block's bytes. If the block is deleted meanwhile, they come to their
    /// end or to an error, never to an early end that looks like the end.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    fn read(&self, name: BlockName) -> BoxFuture<'_, Result<BlockBody>>;

    /// Removes a block, finished or not; one that is not there is no error.
    ///
    /// # Errors
    /// [`Error`].
    fn delete(&self, name: BlockName) -> BoxFuture<'_, Result<()>>;

    /// Every finished block whose name begins with that byte.
    ///
    /// # Errors
    /// [`Error`].
    fn list(&self, shard: u8) -> BoxFuture<'_, Result<Vec<Listed>>>;

    /// Blocks whose storing began before that time and did not end.
    ///
    /// # Errors
    /// [`Error`].
    fn unfinished(&self, before_ms: u64) -> BoxFuture<'_, Result<Vec<BlockName>>>;

    /// Whose the store is; a store that is nobody's is marked as the asker's.
    /// Asked before anything is removed because no row names it: a store that
    /// two installations share by mistake holds the blocks of both.
    ///
    /// # Errors
    /// [`Error`].
    fn owner(&self, us: OwnerMark) -> BoxFuture<'_, Result<Owner>>;

    /// Makes a block appear as a file that must not exist yet. Blocks never
    /// change, so it may share its bytes with the store's own.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    fn export<'a>(&'a self, name: BlockName, target: &'a Path) -> BoxFuture<'a, Result<()>> {
        Box::pin(export::copy(self.read(name), target))
    }
}

/// By the mark that was found.
fn owner_by(mark: &[u8], us: &OwnerMark) -> Owner {
    match mark == us {
        true => Owner::Us,
        false => Owner::Other,
    }
}

/// Opens the store that a URL names.
///
/// # Errors
/// [`Error`] if it cannot be opened. That an object store answers is seen at
/// the first use.
pub fn open(url: &BlocksUrl, db: &Database, clock: &Clock) -> Result<Arc<dyn BlockStore>> {
    Ok(match url {
        BlocksUrl::Files(folder) => Arc::new(FileBlocks::open(folder)?),
        BlocksUrl::Database => Arc::new(DatabaseBlocks::new(db.clone(), clock.clone())),
        BlocksUrl::S3(location) => Arc::new(S3Blocks::open(location)?),
    })
}
