//! A device writes under the key that it knows, and learns from the refusal
//! that somebody has lost access and there is another. The record that it
//! sent is refused, but it was sent: the keys of contents in it open to whoever
//! had the older key, should the server have kept it. So no content stays that
//! such a key opens.

use std::cell::Cell;
use std::collections::BTreeSet;

use sv_api::endpoint::{AppendEntry, GetEntries, PutBlock};
use sv_api::vault::AppendRequest;
use sv_api::{Endpoint, Wire};
use sv_client::ClientError;
use sv_client::account::Session;
use sv_client::drive::Drive;
use sv_client::port::Unreachable;
use sv_client::progress::Reporter;
use sv_client::sharing::{self, Last};
use sv_client::transfer::{UploadItem, renew};
use sv_client::vault::{Change, Vault};
use sv_core::content::{BlocksRoot, ContentSecret};
use sv_core::record::{Kind, Payload, Record, Version};
use sv_core::{ContentKey, Name};
use sv_ledger::entry::{ContentAdded, StateOp};
use sv_ledger::id::{ContentId, NodeId, VaultId};
use sv_ledger::limits::{BLOCK_GRACE_MS, UPLOAD_TTL_MS};
use sv_ledger::sealed::content_len;
use sv_ledger::state::Role;
use sv_testkit::{Actor, Dice, Exchange, TestPlatform, TestServer, file, folder, get, put, run};

use crate::at_once::{accept, share};

type People = Session<TestPlatform>;

/// Longer than a block, so that it is resumed block by block.
const LONG: usize = 9_000_000;

/// Anna shares a folder with bob, who contributes, and with carol.
struct Scene {
    server: TestServer,
    anna: People,
    bob: People,
    carol: VaultId,
    work: VaultId,
    long: Vec<u8>,
}

impl Scene {
    async fn new() -> Self {
        let server = TestServer::start().await;
        let (_, anna) = Actor::sign_up(&server, "anna").await;
        let (_, bob) = Actor::sign_up(&server, "bob").await;
        let (_, carol) = Actor::sign_up(&server, "carol").await;
        let mut drive = Drive::open(&anna).await.unwrap();
        let files = vec![folder("work"), file("work/first", "before")];
        put(&mut drive, "/", files).await.unwrap();
        drop(drive);
        let work = share(&anna, "/work", &["bob"], Role::Contributor)
            .await
            .unwrap();
        share(&anna, "/work", &["carol"], Role::Viewer)
            .await
            .unwrap();
        accept(&bob, work, "work").await;
        Self {
            server,
            anna,
            bob,
            carol: carol.uid(),
            work,
            long: Dice::seeded(20).bytes(LONG),
        }
    }

    /// Another device of anna's removes carol.
    async fn remove_carol(&self) {
        let account = Vault::account(&self.anna).await.unwrap();
        let mut vault = account.open_beside(self.work).await.unwrap();
        vault.revoke(self.carol).await.unwrap();
        self.anna.platform().network.take_recording();
    }

    /// Files that travel with their entry, and ahead of it in one or more
    /// blocks.
    fn files(&self) -> Vec<(UploadItem, Vec<u8>)> {
        vec![
            file("short", "after"),
            file("middle", vec![3; 200_000]),
            file("long", self.long.clone()),
        ]
    }

    /// Anna's long file lands after it left under the older key, and she is
    /// cut off before it is replaced.
    async fn land_early(&self) -> BTreeSet<ContentId> {
        let mut stale = open(&self.anna, "/work").await;
        self.remove_carol().await;
        let landed = Cell::new(0);
        let network = &self.anna.platform().network;
        network.rewrite(move |asked: &Exchange, answer| {
            landed.set(landed.get() + u32::from(asked.is::<AppendEntry>()));
            match asked.is::<PutBlock>() && landed.get() > 1 {
                true => Err(Unreachable("the line is cut".to_owned())),
                false => Ok(answer),
            }
        });
        let long = vec![file("long", self.long.clone())];
        put(&mut stale, "/", long).await.unwrap();
        sent(&self.anna, 1)
    }

    /// Bob puts a file that comes before all others and says something else of
    /// a content.
    async fn name_wrongly(&self, contents: &BTreeSet<ContentId>, is_shorter: bool) {
        let mut drive = open(&self.bob, "shared:work").await;
        let versions = versions(&drive);
        let mut versions = versions.into_iter();
        let there = versions.find(|version| contents.contains(&version.content_id));
        let mut version = there.unwrap();
        let added = ContentAdded {
            content_id: version.content_id,
            sealed_len: content_len(version.size).unwrap(),
            block_count: 3,
            blocks_root: version.blocks_root,
        };
        match is_shorter {
            true => (version.size, version.blocks_root) = (0, BlocksRoot::new().root()),
            false => {
                version.key =
                    ContentSecret::Blocks(ContentKey::from_local_payload(&[7; 32]).unwrap())
            }
        }
        let mut record = Record::new(Kind::File, Name::parse("decoy").unwrap(), None, 1);
        record.versions = vec![version];
        let payload = Box::new(Payload::Node(record));
        let mut first = [0; NodeId::LEN];
        first[NodeId::LEN - 1] = 1;
        let plan = move |_: &_| {
            Ok(vec![Change::Put {
                node_id: NodeId::new(first),
                payload: payload.clone(),
                added: vec![added],
                dropped: Vec::new(),
            }])
        };
        drive.vault_mut().commit(&[], plan).await.unwrap();
    }

    async fn assert_read(&self, session: &People, path: &str) {
        let got = get(&open(session, path).await, "/").await.unwrap();
        assert_eq!(got["short"], b"after");
        assert_eq!(got["middle"], vec![3; 200_000]);
        assert!(got["long"] == self.long);
    }

    /// Whether the server has anything of some contents.
    async fn keeps(&self, contents: &BTreeSet<ContentId>) -> bool {
        self.server.clock().advance(UPLOAD_TTL_MS + BLOCK_GRACE_MS);
        self.server.clean_up().await;
        let rows = self.server.database().await.rows("contents").await;
        let mut ids = rows.iter().map(|row| row.blob("content_id"));
        ids.any(|id| contents.iter().any(|one| one.as_bytes() == id))
    }
}

async fn open<'s>(session: &'s People, path: &str) -> Drive<'s, TestPlatform> {
    let path = path.parse().unwrap();
    let opened = sharing::open_at(session, &path, Last::Through).await;
    opened.unwrap().0
}

/// Contents whose keys somebody sent under a key of the vault, since it was
/// last asked.
fn sent(session: &People, epoch: u32) -> BTreeSet<ContentId> {
    let requests = session.platform().network.take_recording().requests;
    let entries = requests.iter().filter(|asked| asked.is::<AppendEntry>());
    let entries = entries.map(|asked| AppendRequest::parse(&asked.body).unwrap().entry);
    let mut contents = BTreeSet::new();
    for entry in entries.filter(|entry| entry.body().epoch == epoch) {
        for op in entry.state_ops() {
            if let StateOp::Put(put) = op {
                contents.extend(put.added.iter().map(|added| added.content_id));
            }
        }
    }
    contents
}

fn versions(drive: &Drive<'_, TestPlatform>) -> Vec<Version> {
    let nodes = drive.vault().replica().nodes().values();
    let records = nodes.filter_map(|node| node.record());
    records.flat_map(|record| record.versions.clone()).collect()
}

fn contents(drive: &Drive<'_, TestPlatform>) -> BTreeSet<ContentId> {
    let versions = versions(drive).into_iter();
    versions.map(|version| version.content_id).collect()
}

async fn get_one(drive: &Drive<'_, TestPlatform>, path: &str) -> Vec<u8> {
    let got = get(drive, path).await.unwrap();
    got.into_values().next().unwrap()
}

/// No answer comes any more to what is asked of an endpoint.
fn cut<E: Endpoint>(session: &People) {
    session
        .platform()
        .network
        .rewrite(|asked: &Exchange, answer| match asked.is::<E>() {
            true => Err(Unreachable("the line is cut".to_owned())),
            false => Ok(answer),
        });
}

/// Fails if what was sent under the older key stays, for one who may change
/// everything and for one who may change only their own.
#[test]
fn a20_a_key_that_left_before_a_new_one_is_replaced() {
    run(async {
        for by_owner in [true, false] {
            let scene = Scene::new().await;
            let (session, path) = match by_owner {
                true => (&scene.anna, "/work"),
                false => (&scene.bob, "shared:work"),
            };
            let mut stale = open(session, path).await;
            let before = contents(&stale);
            scene.remove_carol().await;
            session.platform().network.take_recording();
            put(&mut stale, "/", scene.files()).await.unwrap();
            let early = sent(session, 1);
            assert!(!early.is_empty());
            let now = contents(&stale);
            assert!(now.is_disjoint(&early) && now.is_superset(&before));
            assert_eq!(now.len(), before.len() + 3);
            scene.assert_read(&scene.anna, "/work").await;
            scene.assert_read(&scene.bob, "shared:work").await;
            assert!(!scene.keeps(&early).await);
            scene.assert_read(&scene.anna, "/work").await;
            // Nothing is left to be replaced.
            put(&mut stale, "/", vec![file("more", "x")]).await.unwrap();
            assert!(contents(&stale).is_superset(&now));
        }
    });
}

/// Fails if a rebase under the same key stores everything twice, or if a copy
/// of what was there is taken for new.
#[test]
fn what_nobody_new_could_read_is_not_replaced() {
    run(async {
        let scene = Scene::new().await;
        let mut stale = open(&scene.anna, "/work").await;
        let mut other = open(&scene.bob, "shared:work").await;
        put(&mut other, "/", vec![file("of bob", "meanwhile")])
            .await
            .unwrap();
        scene.anna.platform().network.take_recording();
        put(&mut stale, "/", scene.files()).await.unwrap();
        assert!(contents(&stale).is_superset(&sent(&scene.anna, 1)));

        let mut stale = open(&scene.anna, "/work").await;
        scene.remove_carol().await;
        let (from, to) = ("/long".parse().unwrap(), "/copy".parse().unwrap());
        let before = contents(&stale);
        stale.copy(&from, &to).await.unwrap();
        assert!(!sent(&scene.anna, 1).is_empty());
        assert_eq!(contents(&stale), before);
    });
}

/// Fails if a device that is cut off, and another run of the program on it,
/// forgets what has left.
#[test]
fn a20_a_key_that_left_is_replaced_by_the_next_run() {
    run(async {
        // Refused, and cut off before it learns why.
        let mut scene = Scene::new().await;
        let mut stale = open(&scene.anna, "/work").await;
        scene.remove_carol().await;
        cut::<GetEntries>(&scene.anna);
        let refused = put(&mut stale, "/", scene.files()).await;
        assert!(
            matches!(refused, Err(ClientError::Offline(_))),
            "{refused:?}"
        );
        drop(stale);
        let early = sent(&scene.anna, 1);
        scene.anna = again(&scene.anna).await;
        let mut drive = open(&scene.anna, "/work").await;
        put(&mut drive, "/", scene.files()).await.unwrap();
        assert!(!sent(&scene.anna, 2).is_disjoint(&early), "it was resumed");
        assert!(contents(&drive).is_disjoint(&early));
        scene.assert_read(&scene.anna, "/work").await;
        assert!(!scene.keeps(&early).await);

        // Landed, and cut off before it was replaced.
        let mut scene = Scene::new().await;
        let early = scene.land_early().await;
        scene.anna = again(&scene.anna).await;
        let mut drive = open(&scene.anna, "/work").await;
        assert!(!contents(&drive).is_disjoint(&early));
        put(&mut drive, "/", vec![file("else", "x")]).await.unwrap();
        assert!(contents(&drive).is_disjoint(&early));
        assert!(get(&drive, "/").await.unwrap()["long"] == scene.long);
        assert!(!scene.keeps(&early).await);
    });
}

/// Nobody saw it land: no answer came. Fails if what has landed is told by the
/// answer, for the device that goes on and for another run.
#[test]
fn a20_a_key_that_left_is_replaced_although_nobody_saw_it_land() {
    run(async {
        for goes_on in [true, false] {
            let mut scene = Scene::new().await;
            let mut stale = open(&scene.anna, "/work").await;
            scene.remove_carol().await;
            let sent_before = Cell::new(0);
            let network = &scene.anna.platform().network;
            network.rewrite(move |asked: &Exchange, answer| {
                sent_before.set(sent_before.get() + u32::from(asked.is::<AppendEntry>()));
                match asked.is::<AppendEntry>() && sent_before.get() > 1 {
                    true => Err(Unreachable("the line is cut".to_owned())),
                    false => Ok(answer),
                }
            });
            let cut = put(&mut stale, "/", scene.files()).await;
            assert!(matches!(cut, Err(ClientError::Offline(_))), "{cut:?}");
            let early = sent(&scene.anna, 1);
            network.be_honest();
            if goes_on {
                stale.refresh().await.unwrap();
                assert!(contents(&stale).is_superset(&early), "it has landed");
                put(&mut stale, "/", vec![file("else", "x")]).await.unwrap();
                assert!(contents(&stale).is_disjoint(&early));
            }
            drop(stale);
            if !goes_on {
                scene.anna = again(&scene.anna).await;
                let mut drive = open(&scene.anna, "/work").await;
                assert!(contents(&drive).is_superset(&early), "it has landed");
                put(&mut drive, "/", vec![file("else", "x")]).await.unwrap();
                assert!(contents(&drive).is_disjoint(&early));
            }
            scene.assert_read(&scene.anna, "/work").await;
            assert!(!scene.keeps(&early).await);
        }
    });
}

/// A copy is sent again with the same key by another run. Fails if only what
/// is uploaded is noted.
#[test]
fn a20_a_copied_key_that_left_is_replaced() {
    run(async {
        let mut scene = Scene::new().await;
        let mut own = Drive::open(&scene.anna).await.unwrap();
        put(&mut own, "/", vec![file("note", "short")])
            .await
            .unwrap();
        let nodes = own.vault().replica().nodes().iter();
        let mut notes = nodes.filter(|(_, node)| {
            let record = node.record();
            record.is_some_and(|record| record.name.to_string() == "note")
        });
        let note = *notes.next().unwrap().0;
        drop(notes);
        let mut stale = open(&scene.anna, "/work").await;
        scene.remove_carol().await;
        cut::<GetEntries>(&scene.anna);
        let refused = stale.copy_nodes_from(&own, &[note], None).await;
        assert!(
            matches!(refused, Err(ClientError::Offline(_))),
            "{refused:?}"
        );
        let early = sent(&scene.anna, 1);
        assert_eq!(early.len(), 1);
        drop((own, stale));
        scene.anna = again(&scene.anna).await;
        let own = Drive::open(&scene.anna).await.unwrap();
        let mut drive = open(&scene.anna, "/work").await;
        drive.copy_nodes_from(&own, &[note], None).await.unwrap();
        assert_eq!(sent(&scene.anna, 2).intersection(&early).count(), 1);
        assert!(contents(&drive).is_disjoint(&early));
        assert_eq!(get(&drive, "/").await.unwrap()["note"], b"short");
        assert_eq!(contents(&own), early);
    });
}

/// Whoever may add something names the content of another as something else:
/// shorter, or with another key. Fails if the one is read and put in the place
/// of the other, by `--reencrypt` as well.
#[test]
fn a34_nobody_exchanges_what_is_put_anew() {
    run(async {
        for is_shorter in [true, false] {
            let mut scene = Scene::new().await;
            let early = scene.land_early().await;
            scene.name_wrongly(&early, is_shorter).await;
            scene.anna = again(&scene.anna).await;
            let mut drive = open(&scene.anna, "/work").await;
            put(&mut drive, "/", vec![file("else", "x")]).await.unwrap();
            let got = get_one(&drive, "/long").await;
            assert!(got == scene.long);
            let before = contents(&drive);
            let renewed = renew(&mut drive, &Reporter::silent()).await;
            // One whose key is another's is damaged, and is said to be: after
            // everything else was put anew.
            assert_eq!(renewed.is_ok(), is_shorter, "{renewed:?}");
            let now = contents(&drive);
            let kept: BTreeSet<ContentId> = now.intersection(&before).copied().collect();
            assert_eq!(kept.is_empty(), is_shorter, "{kept:?}");
            assert!(kept.is_subset(&early));
            assert!(get_one(&drive, "/long").await == scene.long);
        }
    });
}

/// Another run of the program.
async fn again(session: &People) -> People {
    session.platform().network.be_honest();
    session.platform().network.take_recording();
    Session::resume(session.platform().clone()).await.unwrap()
}
