//! Versions: every save keeps the one before; old ones can come back.

use sv_core::record::{Kind, Payload, Record, Version};
use sv_ledger::id::{ContentId, NodeId, VaultId};
use sv_ledger::limits::VERSIONS;

use super::{Drive, record_in};
use crate::error::{ClientError, Result};
use crate::path::RemotePath;
use crate::port::Platform;
use crate::tree::Place;
use crate::vault::{Change, Replica};

/// One version of a file, numbered from 1, the oldest kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionInfo {
    /// Its number; it changes when older ones are thinned out.
    pub number: usize,
    /// Its content.
    pub content_id: ContentId,
    /// Bytes.
    pub size: u64,
    /// The file's own time of change, Unix milliseconds.
    pub modified_ms: u64,
    /// When it was saved here, Unix milliseconds.
    pub saved_ms: u64,
    /// Who saved it.
    pub author: VaultId,
    /// From which device.
    pub device: Option<String>,
    /// Whether it is the newest.
    pub current: bool,
}

/// What bringing an old state back did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Restored {
    /// Files that got an older version back.
    pub changed: usize,
    /// Files that had that version already.
    pub unchanged: usize,
    /// Files that did not exist then, and were left alone.
    pub newer: usize,
}

impl<P: Platform> Drive<'_, P> {
    /// Every version of a file, newest first.
    ///
    /// # Errors
    /// [`ClientError::NotFound`], or [`ClientError::Misuse`] for a folder.
    pub fn history(&self, path: &RemotePath) -> Result<Vec<VersionInfo>> {
        let (_, record) = self.find_file(path)?;
        let count = record.versions.len();
        let infos = record
            .versions
            .iter()
            .enumerate()
            .map(|(index, version)| VersionInfo {
                number: index + 1,
                content_id: version.content_id,
                size: version.size,
                modified_ms: version.modified_ms,
                saved_ms: version.saved_ms,
                author: version.author,
                device: version.device.clone(),
                current: index + 1 == count,
            });
        Ok(infos.rev().collect())
    }

    /// The file or note at a path.
    ///
    /// # Errors
    /// [`ClientError::NotFound`], or [`ClientError::Misuse`] for a folder.
    pub fn find_file(&self, path: &RemotePath) -> Result<(NodeId, &Record)> {
        let (id, record) = self.find_node(path)?;
        if matches!(record.kind, Kind::Folder | Kind::Mount) {
            return Err(ClientError::misuse(format!("{path}: is a folder")));
        }
        Ok((id, record))
    }

    /// Makes an old version the newest again. Nothing is lost: what was the
    /// newest is in the history.
    ///
    /// # Errors
    /// [`ClientError::NotFound`], also for a number that is not there.
    pub async fn restore_version(&mut self, path: &RemotePath, number: usize) -> Result<()> {
        let (id, record) = self.find_file(path)?;
        let content_id = number
            .checked_sub(1)
            .and_then(|index| record.versions.get(index))
            .map(|version| version.content_id)
            .ok_or_else(|| ClientError::NotFound(format!("{path}, version {number}")))?;
        self.bring_back(&[(id, content_id)]).await
    }

    /// Brings a file, or every file of a folder, back to how it was at a time.
    ///
    /// # Errors
    /// [`ClientError::NotFound`].
    pub async fn restore_at(&mut self, path: &RemotePath, at_ms: u64) -> Result<Restored> {
        let place = self.find_place(path)?;
        let mut outcome = Restored::default();
        let mut wanted = Vec::new();
        for (_, id) in self.tree.walk(place) {
            let record = self.record(&id)?;
            if matches!(record.kind, Kind::Folder | Kind::Mount) {
                continue;
            }
            match record
                .versions
                .iter()
                .rev()
                .find(|version| version.saved_ms <= at_ms)
            {
                None => outcome.newer += 1,
                Some(then)
                    if record.current().map(|now| now.content_id) == Some(then.content_id) =>
                {
                    outcome.unchanged += 1;
                }
                Some(then) => wanted.push((id, then.content_id)),
            }
        }
        if matches!(place, Place::Node(_)) && outcome.newer == 1 && wanted.is_empty() {
            let only_file = self.find_file(path).is_ok();
            if only_file {
                return Err(ClientError::NotFound(format!(
                    "{path}, as it was at that time"
                )));
            }
        }
        self.bring_back(&wanted).await?;
        outcome.changed = wanted.len();
        Ok(outcome)
    }

    pub(super) async fn bring_back(&mut self, wanted: &[(NodeId, ContentId)]) -> Result<()> {
        let now_ms = self.now_ms();
        let plan = |replica: &Replica, (id, content_id): &(NodeId, ContentId)| {
            let old = record_in(replica, id)?;
            let then = old.versions.iter().find(|v| v.content_id == *content_id);
            let then = then.ok_or_else(|| ClientError::misuse("that version was thinned out"))?;
            let mut record = old.clone();
            let again = Version {
                saved_ms: now_ms,
                ..then.clone()
            };
            record.modified_ms = again.modified_ms;
            add_version(&mut record, again);
            let dropped = super::dropped(old, &record);
            let payload = Box::new(Payload::Node(record));
            Ok(Some(Change::Put {
                node_id: *id,
                payload,
                added: Vec::new(),
                dropped,
            }))
        };
        self.commit(async |vault| vault.commit_each(wanted, plan).await)
            .await
    }
}

/// Adds a version as the newest. Above the limit, the one that is missed
/// least goes: whose neighbours in time are closest together.
pub(crate) fn add_version(record: &mut Record, version: Version) {
    record.versions.push(version);
    while record.versions.len() > VERSIONS {
        let gaps = record
            .versions
            .windows(3)
            .enumerate()
            .filter_map(|(index, window)| {
                let [before, _, after] = window else {
                    return None;
                };
                Some((after.saved_ms.saturating_sub(before.saved_ms), index + 1))
            });
        let Some((_, least_missed)) = gaps.min() else {
            break;
        };
        record.versions.remove(least_missed);
    }
}
