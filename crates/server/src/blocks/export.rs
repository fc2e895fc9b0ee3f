//! A block as a file of its own.

use std::path::Path;

use futures::TryStreamExt;
use tokio::fs::OpenOptions;
use tokio::io::AsyncWriteExt;

use super::{BlockBody, Error, Result};

/// Writes a block to a file that must not exist, and makes it durable.
pub(super) async fn copy(block: impl Future<Output = Result<BlockBody>>, to: &Path) -> Result<()> {
    let BlockBody { len, mut bytes } = block.await?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .await?;
    let mut written = 0;
    while let Some(piece) = bytes.try_next().await? {
        file.write_all(&piece).await?;
        written += piece.len() as u64;
    }
    file.flush().await?;
    file.sync_all().await?;
    match written == len {
        true => Ok(()),
        false => Err(Error::Unavailable(
            "a block ended before its end".to_owned(),
        )),
    }
}
