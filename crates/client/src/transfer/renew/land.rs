//! Which records change with the next entry, and which contents come with it.

use std::collections::{BTreeMap, BTreeSet};

use sv_api::vault::InlineContent;
use sv_core::record::{Payload, Record, Version};
use sv_ledger::id::{ContentId, NodeId};
use sv_ledger::limits::CONTENTS_PER_OP;

use super::Fresh;
use crate::drive::dropped;
use crate::error::Result;
use crate::vault::{BODIES_LEN, Change, OPS_LEN, Replica};

/// What takes the place of which content.
pub(super) struct Replacements<'f>(BTreeMap<ContentId, Vec<&'f Fresh>>);

impl<'f> Replacements<'f> {
    pub(super) fn of(fresh: &'f [Fresh]) -> Self {
        let mut all: BTreeMap<ContentId, Vec<&Fresh>> = BTreeMap::new();
        for one in fresh {
            all.entry(one.old.content_id).or_default().push(one);
        }
        Self(all)
    }

    /// Only what was read as a version says may take its place.
    fn of_version(&self, version: &Version) -> Option<&'f Fresh> {
        let mut all = self.0.get(&version.content_id)?.iter();
        all.find(|fresh| fresh.old.is_of_same_content(version))
            .copied()
    }
}

/// Changes that fit one entry, and the new contents that it brings.
pub(super) struct Chosen {
    pub(super) changes: Vec<Change>,
    /// New contents that no entry has brought yet.
    pub(super) used: BTreeSet<ContentId>,
}

impl Chosen {
    /// The contents that travel with the entry.
    pub(super) fn inline(&self, fresh: &[Fresh]) -> Vec<InlineContent> {
        let inline = fresh.iter().filter_map(|fresh| fresh.inline.as_ref());
        let inline = inline.filter(|inline| self.used.contains(&inline.content_id));
        inline.cloned().collect()
    }
}

/// Chooses what can land now: of what was put by an earlier entry, nothing
/// travels along again.
pub(super) fn choose(
    replica: &Replica,
    nodes: &[NodeId],
    fresh: &Replacements<'_>,
    landed: &BTreeSet<ContentId>,
    most: usize,
) -> Result<Chosen> {
    let mut chosen = Chosen {
        changes: Vec::new(),
        used: BTreeSet::new(),
    };
    let (mut ops, mut bodies) = (0, 0);
    for id in nodes {
        let Some(old) = replica.record(id) else {
            continue;
        };
        let (record, added) = replaced(old, fresh);
        if added.is_empty() {
            continue;
        }
        let inline_len: usize = added
            .values()
            .filter(|fresh| !landed.contains(&fresh.added.content_id))
            .filter(|fresh| !chosen.used.contains(&fresh.added.content_id))
            .filter_map(|fresh| Some(fresh.inline.as_ref()?.block.len()))
            .sum();
        let change = Change::Put {
            node_id: *id,
            dropped: dropped(old, &record),
            payload: Box::new(Payload::Node(record)),
            added: added.values().map(|fresh| fresh.added).collect(),
        };
        let len = change.len()?;
        ops += len.op;
        bodies += len.body + inline_len;
        let is_full = chosen.changes.len() >= most || ops > OPS_LEN || bodies > BODIES_LEN;
        if is_full && !chosen.changes.is_empty() {
            break;
        }
        chosen.changes.push(change);
        let new = added.values().map(|fresh| fresh.added.content_id);
        chosen.used.extend(new.filter(|id| !landed.contains(id)));
    }
    Ok(chosen)
}

/// The record with as many old contents replaced as one operation can name,
/// and the new ones by their own ids.
fn replaced<'f>(
    old: &Record,
    fresh: &Replacements<'f>,
) -> (Record, BTreeMap<ContentId, &'f Fresh>) {
    let (mut record, mut added) = (old.clone(), BTreeMap::new());
    for version in &mut record.versions {
        let Some(fresh) = fresh.of_version(version) else {
            continue;
        };
        let new = fresh.added.content_id;
        if added.len() >= CONTENTS_PER_OP && !added.contains_key(&new) {
            continue;
        }
        added.insert(new, fresh);
        version.content_id = new;
        version.key = fresh.key.clone();
        version.blocks_root = fresh.added.blocks_root;
    }
    (record, added)
}

/// Whether one of some nodes refers to a content.
pub(super) fn refers_to(replica: &Replica, nodes: &[NodeId], content: &ContentId) -> bool {
    let records = nodes.iter().filter_map(|id| replica.record(id));
    let mut versions = records.flat_map(|record| &record.versions);
    versions.any(|version| version.content_id == *content)
}
