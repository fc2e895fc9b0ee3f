//! Uploads: blocks of contents that no entry has named yet. They count
//! against the uploader's quota from the moment they are durable.

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream};
use sv_api::vault::BlockPage;
use sv_api::{ApiError, ErrorCode};
use sv_ledger::id::{ContentId, Hash, VaultId};
use sv_ledger::limits::{BLOCKS_PER_CONTENT, INLINE_LEN, PAGE, UPLOAD_TTL_MS};
use sv_ledger::sealed::{SEALED_BLOCK_LEN, is_block_len};

use super::Vaults;
use crate::blocks::{BlockName, BlockStream, Stored};
use crate::db::{self, Write};
use crate::service::{Error, Result, taken_meanwhile};
use crate::store::blocks::{Block, Place, PlacedBlock};
use crate::store::contents::Content;
use crate::store::{blocks, contents, garbage, quotas, reservations};

impl Vaults {
    /// Stores a block of an upload, which begins with its first block. When
    /// this returns the block is durable; one with the same index that was
    /// there before is replaced. Bytes are passed on as they come.
    ///
    /// # Errors
    /// [`ErrorCode::Conflict`] if the content is committed or somebody
    /// else's; `BadRequest`, `TooLarge`, `QuotaExceeded` or `StorageFull`.
    pub async fn put_block(
        &self,
        uid: VaultId,
        content_id: ContentId,
        index: u32,
        bytes: BlockStream<'_>,
    ) -> Result<()> {
        if index >= BLOCKS_PER_CONTENT {
            return Err(ErrorCode::BadRequest.into());
        }
        self.require_room(uid, content_id, index).await?;
        let placed = self.place(index, bytes).await?;
        let file = match &placed.place {
            Place::File(name) => Some(*name),
            Place::Row(_) => None,
        };
        let done = self
            .db
            .retry(|| self.record(uid, content_id, placed.clone()))
            .await;
        if let (Err(Error::Refused(_)), Some(name)) = (&done, file) {
            self.abandon(name).await;
        }
        done
    }

    /// What is durable of an upload, from block `from` on.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] if the user has no such upload.
    pub async fn upload(
        &self,
        uid: VaultId,
        content_id: ContentId,
        from: u32,
    ) -> Result<BlockPage> {
        let mut snapshot = self.db.read().await?;
        contents::lookup(&mut snapshot, content_id)
            .await?
            .filter(|content| is_upload_of(content, uid))
            .ok_or(ErrorCode::NotFound)?;
        page_of(&mut snapshot, content_id, from).await
    }

    /// Gives an upload up.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] if the user has no such upload.
    pub async fn cancel_upload(&self, uid: VaultId, content_id: ContentId) -> Result<()> {
        self.db
            .retry(|| async {
                let mut write = self.db.write().await?;
                let upload = contents::lock(&mut write, content_id)
                    .await?
                    .filter(|content| is_upload_of(content, uid))
                    .ok_or(ErrorCode::NotFound)?;
                discard_upload(&mut write, &upload, self.clock.now_ms()).await?;
                Ok(write.commit().await?)
            })
            .await
    }

    /// Refuses early, before bytes are taken in, what would be refused later.
    async fn require_room(&self, uid: VaultId, content_id: ContentId, index: u32) -> Result<()> {
        // All blocks but the last are full.
        self.require_small(u64::from(index) * SEALED_BLOCK_LEN as u64 + 1)?;
        let mut snapshot = self.db.read().await?;
        let content = contents::lookup(&mut snapshot, content_id).await?;
        if content.is_some_and(|content| !is_upload_of(&content, uid)) {
            return Err(ErrorCode::Conflict.into());
        }
        let quota = quotas::lookup(&mut snapshot, uid).await?;
        if quota.is_none_or(|quota| quota.free() == 0) {
            return Err(ErrorCode::QuotaExceeded.into());
        }
        Ok(())
    }

    /// Refuses a content of more sealed bytes than the largest file has.
    fn require_small(&self, sealed_len: u64) -> Result<()> {
        match self.max_file {
            Some(max) if sealed_len > max.sealed_len => {
                Err(Error::Refused(ApiError::file_too_large(max.bytes)))
            }
            _ => Ok(()),
        }
    }

    /// Takes a block in: a short one in memory, for its row; any other goes
    /// through to the block store.
    async fn place(&self, index: u32, mut bytes: BlockStream<'_>) -> Result<PlacedBlock> {
        let mut head = BytesMut::new();
        while let Some(piece) = bytes.try_next().await? {
            if head.len() + piece.len() > SEALED_BLOCK_LEN {
                return Err(ErrorCode::TooLarge.into());
            }
            head.extend_from_slice(&piece);
            if head.len() > INLINE_LEN {
                return self.place_file(index, head.freeze(), bytes).await;
            }
        }
        let stored = Stored {
            len: head.len() as u64,
            hash: Hash::new(*blake3::hash(&head).as_bytes()),
        };
        placed(index, stored, Place::Row(head.to_vec()))
    }

    async fn place_file(
        &self,
        index: u32,
        head: Bytes,
        rest: BlockStream<'_>,
    ) -> Result<PlacedBlock> {
        let name = self.names.next(&self.db, &self.clock, &self.random).await?;
        let whole = stream::once(async { Ok(head) }).chain(rest).boxed();
        let stored = self.blocks.put(name, whole).await?;
        let done = placed(index, stored, Place::File(name));
        if done.is_err() {
            self.abandon(name).await;
        }
        done
    }

    /// Removes a file that no row will name, once it is certain that none can.
    /// Where this fails, a job does it later.
    async fn abandon(&self, name: BlockName) {
        let give_up = || async {
            let mut write = self.db.write().await?;
            let is_ours = reservations::take(&mut write, name).await?;
            write.commit().await?;
            Ok::<_, db::Error>(is_ours)
        };
        if let Ok(true) = self.db.retry(give_up).await {
            let _ = self.blocks.delete(name).await;
        }
    }

    /// Makes the row say that the block is there.
    async fn record(&self, uid: VaultId, id: ContentId, placed: PlacedBlock) -> Result<()> {
        let now_ms = self.clock.now_ms();
        let expires_ms = now_ms.saturating_add(UPLOAD_TTL_MS);
        let (index, len) = (placed.block.index, placed.block.len);
        let mut write = self.db.write().await?;
        let (sealed_len, block_count) = match contents::lock(&mut write, id).await? {
            Some(content) if is_upload_of(&content, uid) => {
                (content.sealed_len, content.block_count)
            }
            Some(_) => return Err(ErrorCode::Conflict.into()),
            None => {
                contents::insert_upload(&mut write, id, uid, now_ms, expires_ms)
                    .await
                    .map_err(taken_meanwhile)?;
                (0, 0)
            }
        };
        let old = blocks::lock(&mut write, id, index).await?;
        if let Place::File(name) = &placed.place {
            if old.as_ref().is_some_and(|old| old.place == placed.place) {
                // By an earlier attempt, whose answer was lost.
                return Ok(());
            }
            if !reservations::take(&mut write, *name).await? {
                // So late that the file may be gone.
                self.names.forget().await;
                return Err(ErrorCode::Unavailable.into());
            }
        }
        let old_len = old.as_ref().map_or(0, |old| old.block.len);
        if len > old_len && !quotas::charge(&mut write, uid, len - old_len, 0).await? {
            return Err(ErrorCode::QuotaExceeded.into());
        }
        if old_len > len {
            quotas::release(&mut write, uid, old_len - len).await?;
        }
        let grown = sealed_len.saturating_sub(old_len).saturating_add(len);
        self.require_small(grown)?;
        let count = block_count + u32::from(old.is_none());
        if let Some(Place::File(name)) = old.map(|old| old.place) {
            garbage::discard(&mut write, [name].into_iter()).await?;
        }
        blocks::put(&mut write, id, placed).await?;
        contents::grow(&mut write, id, grown, count, expires_ms).await?;
        Ok(write.commit().await?)
    }
}

/// Gives an upload's bytes back and leaves its rows and files to collection.
/// Its row must be locked.
///
/// # Errors
/// [`Error::Database`].
pub(crate) async fn discard_upload(write: &mut Write, upload: &Content, now_ms: u64) -> Result<()> {
    let id = upload.content_id;
    contents::kill(write, id).await?;
    garbage::mark(write, [id].into_iter(), now_ms).await?;
    quotas::release(write, upload.uploader, upload.sealed_len).await?;
    Ok(())
}

/// Blocks of a content from an index on, as many as go into a page.
///
/// # Errors
/// [`Error::Database`].
pub(super) async fn page_of(
    q: &mut impl db::Query,
    content_id: ContentId,
    from: u32,
) -> Result<BlockPage> {
    let mut there = blocks::page(q, content_id, from, PAGE as u32 + 1).await?;
    let more = there.len() > PAGE;
    there.truncate(PAGE);
    let blocks = there.into_iter().map(|block| (block.index, block.hash));
    Ok(BlockPage {
        blocks: blocks.collect(),
        more,
    })
}

fn is_upload_of(content: &Content, uid: VaultId) -> bool {
    !content.committed && content.uploader == uid
}

fn placed(index: u32, stored: Stored, place: Place) -> Result<PlacedBlock> {
    if !is_block_len(stored.len) {
        let message = "No sealed block has this length.";
        return Err(Error::refused_because(ErrorCode::BadRequest, message));
    }
    let Stored { len, hash } = stored;
    Ok(PlacedBlock {
        block: Block { index, len, hash },
        place,
    })
}
