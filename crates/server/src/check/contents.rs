//! Every content: its list of blocks, and every block's bytes; then what the
//! block store holds beyond that.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::TryStreamExt;
use sv_ledger::id::{ContentId, Hash};
use sv_ledger::limits::BLOCKS_PER_CONTENT;

use super::{Finding, PAGE, Report};
use crate::blocks::{BlockStore, Error as BlockError};
use crate::db::{Database, Value};
use crate::service::Result;
use crate::store::blocks::Place;
use crate::store::contents::Content;
use crate::store::{blocks, contents, garbage, reservations};

pub(super) async fn check(
    db: &Database,
    store: &Arc<dyn BlockStore>,
    report: &mut Report,
) -> Result<()> {
    let mut after = ContentId::new([0; ContentId::LEN]);
    loop {
        let mut snapshot = db.read().await?;
        let page = contents::page(&mut snapshot, after, PAGE).await?;
        drop(snapshot);
        let Some(last) = page.last() else { break };
        after = last.content_id;
        for content in page.iter().filter(|content| !content.is_dead()) {
            check_content(db, store, content, report).await?;
        }
    }
    for shard in 0..=u8::MAX {
        let listed = store.list(shard).await?;
        let names: Vec<_> = listed.iter().map(|block| block.name).collect();
        let values: Vec<_> = names.iter().map(|name| Value::from(*name)).collect();
        let mut snapshot = db.read().await?;
        let mut known = blocks::named_files(&mut snapshot, values.clone()).await?;
        let reserved = reservations::among(&mut snapshot, values.clone()).await?;
        report.reserved += reserved.len() as u64;
        known.extend(reserved);
        known.extend(garbage::discarded_among(&mut snapshot, values).await?);
        let known: BTreeSet<_> = known.into_iter().collect();
        let orphans = names.into_iter().filter(|name| !known.contains(name));
        report.orphans.extend(orphans);
    }
    Ok(())
}

async fn check_content(
    db: &Database,
    store: &Arc<dyn BlockStore>,
    content: &Content,
    report: &mut Report,
) -> Result<()> {
    let content_id = content.content_id;
    let mut snapshot = db.read().await?;
    let listed = blocks::page(&mut snapshot, content_id, 0, BLOCKS_PER_CONTENT).await?;
    drop(snapshot);
    let (mut root, mut total) = (blake3::Hasher::new(), 0);
    let mut in_order = true;
    for (block, place) in listed.iter().zip(0_u32..) {
        in_order &= !content.committed || block.index == place;
        root.update(block.hash.as_bytes());
        total += block.len;
    }
    let root = Hash::new(*root.finalize().as_bytes());
    let is_whole = in_order
        && total == content.sealed_len
        && listed.len() == content.block_count as usize
        && (!content.committed || content.blocks_root == Some(root));
    // A server beside us may have changed an upload since it was looked up.
    if !is_whole && content.committed {
        report.findings.push(Finding::Content { content_id });
    }
    for block in listed {
        let index = block.index;
        let mut snapshot = db.read().await?;
        let placed = blocks::lookup(&mut snapshot, content_id, index).await?;
        drop(snapshot);
        let Some(placed) = placed else { continue };
        report.blocks += 1;
        report.block_bytes += placed.block.len;
        let finding = match block_hash(store, &placed.place).await {
            Ok(found) if found == (placed.block.len, placed.block.hash) => continue,
            Ok(_) => Finding::BlockDamaged { content_id, index },
            Err(BlockError::NotFound) => Finding::BlockMissing { content_id, index },
            Err(error) => return Err(error.into()),
        };
        // A server beside us may have taken the block away or put another
        // in its place while it was read.
        let mut snapshot = db.read().await?;
        let now = blocks::lookup(&mut snapshot, content_id, index).await?;
        if now.is_some_and(|now| now.place == placed.place) {
            report.findings.push(finding);
        }
    }
    Ok(())
}

async fn block_hash(store: &Arc<dyn BlockStore>, place: &Place) -> Result<(u64, Hash), BlockError> {
    let mut hasher = blake3::Hasher::new();
    match place {
        Place::Row(bytes) => {
            hasher.update(bytes);
        }
        Place::File(name) => {
            let mut body = store.read(*name).await?;
            while let Some(piece) = body.bytes.try_next().await? {
                hasher.update(&piece);
            }
        }
    }
    Ok((hasher.count(), Hash::new(*hasher.finalize().as_bytes())))
}
