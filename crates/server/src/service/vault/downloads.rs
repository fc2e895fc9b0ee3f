//! Downloads: blocks of contents that a vault refers to.

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream};
use sv_api::ErrorCode;
use sv_api::vault::{Contents, ContentsRequest, InlineContent};
use sv_ledger::id::ContentId;

use super::access::{Access, Read, Vault};
use super::{Vaults, leading};
use crate::blocks::BlockStream;
use crate::service::Result;
use crate::store::blocks::{Place, PlacedBlock};
use crate::store::{blocks, references};

/// A block on its way to a client.
pub struct BlockBody {
    /// Bytes.
    pub len: u64,
    /// Those, in pieces.
    pub bytes: BlockStream<'static>,
}

impl Vaults {
    /// One block of a content.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] if the vault does not refer to the content, or
    /// the content has no such block.
    pub async fn block(
        &self,
        access: &Access<Read, Vault>,
        content: ContentId,
        index: u32,
    ) -> Result<BlockBody> {
        let mut snapshot = self.db.read().await?;
        let vault_id = access.vault_id();
        let readable = references::in_vault(&mut snapshot, vault_id, [content].into_iter()).await?;
        if readable.is_empty() {
            return Err(ErrorCode::NotFound.into());
        }
        let placed = blocks::lookup(&mut snapshot, content, index)
            .await?
            .ok_or(ErrorCode::NotFound)?;
        // A reader that stays open would let the write-ahead log grow.
        drop(snapshot);
        Ok(BlockBody {
            len: placed.block.len,
            bytes: self.open(placed.place).await?,
        })
    }

    /// First blocks of contents, in the order of the request; stops before
    /// the first that is not there or has none, or when the answer is long
    /// enough.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] if the first is not there.
    pub async fn contents(
        &self,
        access: &Access<Read, Vault>,
        request: &ContentsRequest,
    ) -> Result<Contents> {
        let ids = &request.content_ids;
        let mut snapshot = self.db.read().await?;
        let readable =
            references::in_vault(&mut snapshot, access.vault_id(), ids.iter().copied()).await?;
        let mut lengths = blocks::first_lengths(&mut snapshot, ids).await?;
        lengths.retain(|id, _| readable.contains(id));
        let wanted = leading(ids, &lengths);
        if wanted.is_empty() && !ids.is_empty() {
            return Err(ErrorCode::NotFound.into());
        }
        let mut firsts = blocks::firsts(&mut snapshot, wanted).await?;
        drop(snapshot);
        let mut contents = Vec::with_capacity(wanted.len());
        for content_id in wanted.iter().copied() {
            let Some(first) = firsts.remove(&content_id) else {
                break;
            };
            let block = self.whole(first).await?;
            contents.push(InlineContent { content_id, block });
        }
        Ok(Contents { contents })
    }

    async fn open(&self, place: Place) -> Result<BlockStream<'static>> {
        match place {
            Place::Row(bytes) => Ok(stream::iter([Ok(Bytes::from(bytes))]).boxed()),
            Place::File(name) => Ok(self.blocks.read(name).await?),
        }
    }

    async fn whole(&self, placed: PlacedBlock) -> Result<Vec<u8>> {
        if let Place::Row(bytes) = placed.place {
            return Ok(bytes);
        }
        let mut stream = self.open(placed.place).await?;
        let mut whole = BytesMut::new();
        while let Some(piece) = stream.try_next().await? {
            whole.extend_from_slice(&piece);
        }
        Ok(whole.to_vec())
    }
}
