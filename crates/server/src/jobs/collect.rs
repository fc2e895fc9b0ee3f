//! Contents that nobody refers to, and files that no row names.

use sv_ledger::id::ContentId;

use super::{BATCH, Jobs};
use crate::blocks::BlockName;
use crate::db::Write;
use crate::service::Result;
use crate::store::{blocks, contents, garbage, references};

impl Jobs {
    /// Removes contents whose grace is over: dead first, so that no append
    /// takes them up again, then their blocks, then the row.
    pub(super) async fn collect_contents(&self) -> Result<u64> {
        let mut collected = 0;
        while let Some(is_gone) = self.db.retry(|| self.collect_next()).await? {
            collected += u64::from(is_gone);
        }
        Ok(collected)
    }

    /// Removes some of the next content; whether it is gone now. None if none
    /// is due.
    async fn collect_next(&self) -> Result<Option<bool>> {
        let mut write = self.db.write().await?;
        let due = garbage::due(&mut write, self.clock.now_ms(), 1).await?;
        let Some(id) = due.into_iter().next() else {
            return Ok(None);
        };
        let is_gone = collect_some(&mut write, id).await?;
        write.commit().await?;
        Ok(Some(is_gone))
    }

    /// Removes discarded files. A file whose row of being discarded outlives
    /// it is removed again, which is no error.
    pub(super) async fn remove_discarded(&self, holder: [u8; 16]) -> Result<u64> {
        let mut removed = 0;
        while self.claim_removal(holder).await? {
            let mut snapshot = self.db.read().await?;
            let files = garbage::discarded(&mut snapshot, BATCH).await?;
            drop(snapshot);
            if files.is_empty() {
                break;
            }
            for name in &files {
                self.blocks.delete(*name).await?;
            }
            removed += files.len() as u64;
            self.db.retry(|| self.forget(&files)).await?;
        }
        Ok(removed)
    }
}

impl Jobs {
    async fn forget(&self, files: &[BlockName]) -> Result<()> {
        let mut write = self.db.write().await?;
        garbage::forget(&mut write, files.iter().copied()).await?;
        Ok(write.commit().await?)
    }
}

/// Removes some blocks of a content; whether it is gone now.
async fn collect_some(write: &mut Write, id: ContentId) -> Result<bool> {
    let content = contents::lock(write, id).await?;
    let counts = references::counts(write, [id].into_iter()).await?;
    let Some(content) = content.filter(|_| counts.is_empty()) else {
        garbage::unmark(write, [id].into_iter()).await?;
        return Ok(false);
    };
    if !content.is_dead() {
        contents::kill(write, id).await?;
    }
    let (removed, files) = blocks::remove_some(write, id, BATCH).await?;
    garbage::discard(write, files.into_iter()).await?;
    if removed == BATCH as usize {
        return Ok(false);
    }
    contents::remove(write, id).await?;
    garbage::unmark(write, [id].into_iter()).await?;
    Ok(true)
}
