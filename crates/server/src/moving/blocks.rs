//! The blocks that rows name, each against its length and hash.

use std::collections::BTreeSet;

use super::{Error, Result, Side};
use crate::blocks::{BlockName, Stored};
use crate::store::blocks::files_page;

/// Blocks looked up together.
const PAGE: u32 = 500;

/// Copies blocks that the target does not have yet; how many. A block is in a
/// store whole or not at all, and what is damaged `check` finds afterwards.
pub(super) async fn copy(from: &Side, to: &Side) -> Result<u64> {
    let mut there = BTreeSet::new();
    for shard in 0..=u8::MAX {
        let listed = to.blocks.list(shard).await?;
        there.extend(listed.into_iter().map(|block| block.name));
    }
    let mut copied = 0;
    let mut after = BlockName::new([0; 16]);
    loop {
        let mut snapshot = from.db.read().await?;
        let page = files_page(&mut snapshot, after, PAGE).await?;
        drop(snapshot);
        let Some((last, ..)) = page.last() else {
            return Ok(copied);
        };
        after = *last;
        for (name, len, hash) in page {
            if there.contains(&name) {
                continue;
            }
            let block = from
                .blocks
                .read(name)
                .await
                .map_err(|_| Error::Block(name))?;
            if to.blocks.put(name, block.bytes).await? != (Stored { len, hash }) {
                to.blocks.delete(name).await?;
                return Err(Error::Block(name));
            }
            copied += 1;
        }
    }
}
