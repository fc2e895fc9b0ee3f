//! Where sealed blocks rest.

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
