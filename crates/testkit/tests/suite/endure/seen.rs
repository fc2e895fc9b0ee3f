//! What a device shows of a drive, to be held against what another shows.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use sv_client::drive::Drive;
use sv_client::path::RemotePath;
use sv_client::progress::Reporter;
use sv_client::transfer::DownloadPlan;
use sv_core::record::{Kind, Record};
use sv_ledger::id::NodeId;
use sv_testkit::{ContentTarget, Dice, TestPlatform};

/// The times of change of test files begin here and count up, so that each
/// names what was put, and with it the bytes.
const FIRST_MS: u64 = 1_600_000_000_000;

/// Something that was put, once.
pub(super) type PutId = u64;

/// One node, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SeenNode {
    pub(super) parent: Option<NodeId>,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) trashed: bool,
    pub(super) versions: Vec<PutId>,
}

/// A whole drive, without bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) nodes: BTreeMap<NodeId, SeenNode>,
    pub(super) paths: BTreeMap<String, NodeId>,
}

impl SeenNode {
    pub(super) fn of(record: &Record) -> Self {
        let versions = record.versions.iter();
        Self {
            parent: record.parent,
            name: record.name.to_string(),
            kind: record.kind,
            trashed: record.trashed.is_some(),
            versions: versions.map(|v| put_of(v.modified_ms)).collect(),
        }
    }
}

/// The time of change that names a put.
pub(super) const fn time_of(put: PutId) -> u64 {
    FIRST_MS + put
}

const fn put_of(modified_ms: u64) -> PutId {
    modified_ms - FIRST_MS
}

/// The bytes of a put.
pub(super) fn bytes_of(put: PutId, len: usize) -> Vec<u8> {
    Dice::seeded(put).bytes(len)
}

/// Everything that is in a drive.
pub(super) fn seen(drive: &Drive<'_, TestPlatform>) -> Seen {
    assert_eq!(drive.quarantined(), []);
    let nodes = drive.vault().replica().nodes().iter();
    let items = drive.walk(&RemotePath::ROOT).unwrap().into_iter();
    Seen {
        nodes: nodes
            .map(|(id, node)| (*id, SeenNode::of(node.record().unwrap())))
            .collect(),
        paths: items
            .map(|item| (item.path, item.node_id.unwrap()))
            .collect(),
    }
}

/// Reads every version of everything, the trash included, and gives how long
/// each put's bytes are, after comparing them with what was put.
pub(super) async fn read_all(drive: &Drive<'_, TestPlatform>) -> BTreeMap<PutId, usize> {
    let found = Rc::new(RefCell::new(BTreeMap::new()));
    let target = ContentTarget::new({
        let found = found.clone();
        move |modified_ms, bytes: Vec<u8>| {
            let put = put_of(modified_ms);
            assert!(
                bytes == bytes_of(put, bytes.len()),
                "put {put} has other bytes"
            );
            let before = found.borrow_mut().insert(put, bytes.len());
            assert!(
                before.is_none_or(|len| len == bytes.len()),
                "put {put} is cut"
            );
        }
    });
    let plan = DownloadPlan::everything(drive);
    plan.run(drive, &target, &Reporter::silent()).await.unwrap();
    found.take()
}
