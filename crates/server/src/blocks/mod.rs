//! Where sealed blocks rest. A name is drawn afresh for every attempt to
//! store one and never written twice, so a store needs no locks and no
//! conditional writes: the database row alone says which name counts.

mod files;
mod fs;

use std::path::Path;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use sv_ledger::id::Hash;

pub use files::FileBlocks;
pub use fs::{Fs, SystemFs};

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
    /// Anything else.
    #[error("{0}")]
    Io(#[source] std::io::Error),
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

/// The port. `tests/suite/blocks_conformance.rs` says what it promises.
pub trait BlockStore: Send + Sync + std::fmt::Debug + 'static {
    /// Takes a block in. When this returns it is durable; if it fails or is
    /// dropped, there is nothing, or an orphan that [`Self::list`] shows.
    ///
    /// # Errors
    /// [`Error::TooLarge`] beyond a sealed block's length, [`Error::Full`],
    /// or whatever the stream gave.
    fn put<'a>(&'a self, name: BlockName, bytes: BlockStream<'a>) -> BoxFuture<'a, Result<Stored>>;

    /// A block's bytes.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    fn read(&self, name: BlockName) -> BoxFuture<'_, Result<BlockBody>>;

    /// Removes a block; one that is not there is no error.
    ///
    /// # Errors
    /// [`Error`].
    fn delete(&self, name: BlockName) -> BoxFuture<'_, Result<()>>;

    /// Every block whose name begins with that byte.
    ///
    /// # Errors
    /// [`Error`].
    fn list(&self, shard: u8) -> BoxFuture<'_, Result<Vec<Listed>>>;

    /// Removes what broken-off attempts before that time have left, and says
    /// how many there were.
    ///
    /// # Errors
    /// [`Error`].
    fn remove_unfinished(&self, before_ms: u64) -> BoxFuture<'_, Result<u64>>;

    /// Makes a block appear as a file that must not exist yet. Blocks never
    /// change, so it may share its bytes with the store's own.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    fn export<'a>(&'a self, name: BlockName, target: &'a Path) -> BoxFuture<'a, Result<()>>;
}
