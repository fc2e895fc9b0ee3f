//! Stored contents as sources of others.

use std::cell::Cell;

use futures::stream::{LocalBoxStream, TryStreamExt};
use sv_ledger::limits::BLOCK_LEN;

use crate::error::{ClientError, Result};
use crate::port::StorageError;
use crate::transfer::plan::Source;

/// A content as the source of another.
pub(super) struct Again<'a> {
    pub(super) blocks: LocalBoxStream<'a, Result<Vec<u8>>>,
    /// Bytes that came and are not handed on yet.
    pub(super) text: Vec<u8>,
    /// Why reading failed: a source can only say that it did.
    pub(super) failed: &'a Cell<Option<ClientError>>,
}

impl Source for Again<'_> {
    async fn read_block(&mut self, _: u64) -> Result<Vec<u8>, StorageError> {
        while self.text.len() < BLOCK_LEN {
            match self.blocks.try_next().await {
                Ok(Some(mut more)) if self.text.is_empty() => {
                    std::mem::swap(&mut self.text, &mut more);
                }
                Ok(Some(more)) => self.text.extend_from_slice(&more),
                Ok(None) => break,
                Err(error) => {
                    let shown = StorageError(error.to_string());
                    self.failed.set(Some(error));
                    return Err(shown);
                }
            }
        }
        let rest = self.text.split_off(self.text.len().min(BLOCK_LEN));
        Ok(std::mem::replace(&mut self.text, rest))
    }
}

/// One block that is there already.
pub(super) struct Once(pub(super) Option<Vec<u8>>);

impl Source for Once {
    async fn read_block(&mut self, _: u64) -> Result<Vec<u8>, StorageError> {
        Ok(self.0.take().unwrap_or_default())
    }
}
