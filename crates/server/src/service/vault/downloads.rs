//! Downloads: blocks of contents that a vault refers to.

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream};
use sv_api::ErrorCode;
use sv_api::vault::{BlockPage, Contents, ContentsRequest, InlineContent};
use sv_ledger::id::ContentId;

use super::access::{Access, Read, Vault};
use super::uploads::page_of;
use super::{Vaults, leading};
use crate::blocks::{self, BlockBody};
use crate::service::Result;
use crate::store::blocks::{Place, PlacedBlock, first_lengths, firsts, lookup};
use crate::store::references;

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
        let placed = lookup(&mut snapshot, content, index)
            .await?
            .ok_or(ErrorCode::NotFound)?;
        // A reader that stays open would let the write-ahead log grow.
        drop(snapshot);
        self.count_access(access, &[content]);
        self.open(placed.place).await
    }

    /// Hashes of a content's blocks, from block `from` on.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] if the vault does not refer to the content.
    pub async fn block_hashes(
        &self,
        access: &Access<Read, Vault>,
        content: ContentId,
        from: u32,
    ) -> Result<BlockPage> {
        let mut snapshot = self.db.read().await?;
        let vault_id = access.vault_id();
        let readable = references::in_vault(&mut snapshot, vault_id, [content].into_iter()).await?;
        if readable.is_empty() {
            return Err(ErrorCode::NotFound.into());
        }
        page_of(&mut snapshot, content, from).await
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
        let mut lengths = first_lengths(&mut snapshot, ids).await?;
        lengths.retain(|id, _| readable.contains(id));
        let wanted = leading(ids, &lengths);
        if wanted.is_empty() && !ids.is_empty() {
            return Err(ErrorCode::NotFound.into());
        }
        let mut firsts = firsts(&mut snapshot, wanted).await?;
        drop(snapshot);
        let mut contents = Vec::with_capacity(wanted.len());
        for content_id in wanted.iter().copied() {
            let Some(first) = firsts.remove(&content_id) else {
                break;
            };
            let block = self.whole(first).await?;
            contents.push(InlineContent { content_id, block });
        }
        let given: Vec<_> = contents.iter().map(|c| c.content_id).collect();
        self.count_access(access, &given);
        Ok(Contents { contents })
    }

    /// What is there of a block. A file that is cut or gone is the client's to
    /// report, for it alone can tell damage from malice.
    async fn open(&self, place: Place) -> Result<BlockBody> {
        let name = match place {
            Place::Row(bytes) => {
                return Ok(BlockBody {
                    len: bytes.len() as u64,
                    bytes: stream::iter([Ok(Bytes::from(bytes))]).boxed(),
                });
            }
            Place::File(name) => name,
        };
        match self.blocks.read(name).await {
            Err(blocks::Error::NotFound) => {
                tracing::error!("the file of a block is gone: run securevaultd check");
                Err(ErrorCode::NotFound.into())
            }
            read => Ok(read?),
        }
    }

    async fn whole(&self, placed: PlacedBlock) -> Result<Vec<u8>> {
        if let Place::Row(bytes) = placed.place {
            return Ok(bytes);
        }
        let mut body = self.open(placed.place).await?;
        let mut whole = BytesMut::new();
        while let Some(piece) = body.bytes.try_next().await? {
            whole.extend_from_slice(&piece);
        }
        Ok(whole.to_vec())
    }
}
