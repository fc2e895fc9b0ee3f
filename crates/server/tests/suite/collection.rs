//! Jobs: what nobody needs goes, and nothing else, in any interleaving.

use sv_api::ErrorCode;
use sv_api::vault::BodiesRequest;
use sv_ledger::id::NodeId;
use sv_ledger::limits::BLOCK_GRACE_MS;
use sv_server::args;
use sv_server::service::vault::Read;
use sv_server::store::garbage;

use crate::append::{append, refusal};
use crate::author::{Put, body_hash, content, content_id, node, record, sealed};
use crate::world::{World, pieces};

const HOUR_MS: u64 = 60 * 60 * 1000;

#[tokio::test]
pub(crate) async fn a_content_goes_a_grace_after_its_last_reference() {
    let world = World::new().await;
    let (person, mut log) = world.person(1).await;
    let big = sealed(100_000, 1);
    world.put(person.uid, content_id(1), 0, &big).await.unwrap();
    let puts = vec![
        Put::new(1, "a").adding(content(1, &[&big])),
        Put::new(2, "b").inline(2, sealed(10, 1)),
    ];
    let request = log.request(puts, &[], world.now_ms());
    append(&world, &mut log, request).await;
    let request = log.request(vec![], &[node(1), node(2)], world.now_ms());
    append(&world, &mut log, request).await;
    world.pass(BLOCK_GRACE_MS - 1);
    assert_eq!(world.jobs.run().await.unwrap().collected_contents, 0);
    world.pass(1);
    let report = world.jobs.run().await.unwrap();
    assert_eq!((report.collected_contents, report.removed_files), (2, 1));
    assert!(world.files().is_empty());
    let late = Put::new(3, "c").adding(content(1, &[&big]));
    let request = log.request(vec![late], &[], world.now_ms());
    assert_eq!(
        refusal(&world, &log, request).await,
        ErrorCode::BlocksMissing
    );
    world.assert_whole().await;
}

#[tokio::test]
pub(crate) async fn superseded_leaves_serve_their_checkpoint_for_an_hour() {
    let world = World::new().await;
    let (person, mut log) = world.person(1).await;
    let request = log.request(
        vec![Put::new(1, "a"), Put::new(2, "b")],
        &[],
        world.now_ms(),
    );
    append(&world, &mut log, request).await;
    let before: Vec<_> = log.leaves.clone().into_iter().collect();
    let request = log.request(vec![Put::new(1, "a2")], &[node(2)], world.now_ms());
    append(&world, &mut log, request).await;

    let read = world
        .vaults
        .authorise::<Read>(person.uid, log.vault_id())
        .await
        .unwrap();
    let start = NodeId::new([0; 16]);
    world.pass(HOUR_MS);
    assert_eq!(world.jobs.run().await.unwrap().pruned_leaves, 0);
    assert_eq!(
        world.vaults.leaves(&read, 2, start).await.unwrap().leaves,
        before
    );
    world.pass(1);
    assert_eq!(world.jobs.run().await.unwrap().pruned_leaves, 2);
    let gone = world.vaults.leaves(&read, 2, start).await.unwrap_err();
    assert_eq!(gone.code(), ErrorCode::CheckpointGone);
    let now: Vec<_> = log.leaves.clone().into_iter().collect();
    assert_eq!(
        world.vaults.leaves(&read, 3, start).await.unwrap().leaves,
        now
    );
    let beyond = world.vaults.leaves(&read, 4, start).await.unwrap_err();
    assert_eq!(beyond.code(), ErrorCode::NotFound);
    for (text, kept) in [("a", false), ("b", false), ("a2", true)] {
        let hashes = vec![body_hash(&record(text))];
        let found = world.vaults.bodies(&read, &BodiesRequest { hashes }).await;
        assert_eq!(found.is_ok(), kept, "{text}");
    }
    world.assert_whole().await;
}

#[tokio::test]
pub(crate) async fn a_record_that_a_kept_leaf_names_stays() {
    let world = World::new().await;
    let (person, mut log) = world.person(1).await;
    let request = log.request(
        vec![Put::new(1, "same"), Put::new(2, "same")],
        &[],
        world.now_ms(),
    );
    append(&world, &mut log, request).await;
    let request = log.request(vec![], &[node(1)], world.now_ms());
    append(&world, &mut log, request).await;
    world.pass(HOUR_MS + 1);
    assert_eq!(world.jobs.run().await.unwrap().pruned_leaves, 1);
    let read = world
        .vaults
        .authorise::<Read>(person.uid, log.vault_id())
        .await
        .unwrap();
    let hashes = vec![body_hash(&record("same"))];
    world
        .vaults
        .bodies(&read, &BodiesRequest { hashes })
        .await
        .unwrap();
    world.assert_whole().await;
}

#[tokio::test]
pub(crate) async fn leaves_that_the_newest_checkpoint_needs_stay() {
    let world = World::new().await;
    let (_, mut log) = world.person(1).await;
    for record in ["a", "a2", "a3"] {
        let request = log.request(vec![Put::new(1, record)], &[], world.now_ms());
        append(&world, &mut log, request).await;
    }
    // As if the last entry had been a contributor's.
    let mut write = world.db.write().await.unwrap();
    let sql = "UPDATE vaults SET checkpoint_seq = 3 WHERE vault_id = ?";
    write.execute(sql, args![log.vault_id()]).await.unwrap();
    write.commit().await.unwrap();
    world.pass(HOUR_MS + 1);
    assert_eq!(world.jobs.run().await.unwrap().pruned_leaves, 1);
    let read = world
        .vaults
        .authorise::<Read>(log.person.uid, log.vault_id());
    let read = read.await.unwrap();
    let start = NodeId::new([0; 16]);
    let leaves = world.vaults.leaves(&read, 3, start).await.unwrap().leaves;
    assert_eq!(leaves[0].1.record_hash, body_hash(&record("a2")));
}

#[tokio::test]
pub(crate) async fn a_mark_does_not_collect_what_is_referred_to() {
    let world = World::new().await;
    let (_, mut log) = world.person(1).await;
    let put = Put::new(1, "a").inline(1, sealed(10, 1));
    let request = log.request(vec![put], &[], world.now_ms());
    append(&world, &mut log, request).await;
    let mut write = world.db.write().await.unwrap();
    garbage::mark(&mut write, [content_id(1)].into_iter(), 0)
        .await
        .unwrap();
    write.commit().await.unwrap();
    assert_eq!(world.jobs.run().await.unwrap().collected_contents, 0);
    world.assert_whole().await;
}

#[tokio::test]
pub(crate) async fn orphans_go_after_a_day_and_named_files_stay() {
    let world = World::new().await;
    let (person, _) = world.person(1).await;
    world
        .put(person.uid, content_id(1), 0, &sealed(100_000, 1))
        .await
        .unwrap();
    let orphan = sv_server::blocks::BlockName::new([5; 16]);
    world
        .blocks
        .put(orphan, pieces(b"left by a crash"))
        .await
        .unwrap();
    assert_eq!(world.report().await.orphans, [orphan]);
    assert_eq!(world.jobs.run().await.unwrap().orphans, 0);
    world.pass(25 * HOUR_MS);
    assert_eq!(world.jobs.run().await.unwrap().orphans, 1);
    assert_eq!(world.files().len(), 1);
    world.assert_whole().await;
}

/// Every step of uploading, committing, deleting and taking up again, with
/// the jobs running between any two of them and the clock leaping.
#[tokio::test]
pub(crate) async fn jobs_between_any_two_steps_change_nothing_that_is_needed() {
    for leap in [0, HOUR_MS + 1, BLOCK_GRACE_MS - 2 * HOUR_MS] {
        let world = World::new().await;
        let (person, mut log) = world.person(1).await;
        let block = sealed(100_000, 1);
        for round in 0..4 {
            let id = content_id(round);
            world
                .put(person.uid, id, 0, &sealed(90_000, 7))
                .await
                .unwrap();
            world.jobs.run().await.unwrap();
            world.put(person.uid, id, 0, &block).await.unwrap();
            world.pass(leap);
            world.jobs.run().await.unwrap();
            let added = content(round, &[&block]);
            let put = Put::new(round, "a").adding(added);
            let request = log.request(vec![put], &[], world.now_ms());
            append(&world, &mut log, request).await;
            world.jobs.run().await.unwrap();
            let request = log.request(vec![], &[node(round)], world.now_ms());
            append(&world, &mut log, request).await;
            world.pass(leap / 2);
            world.jobs.run().await.unwrap();
            let again = Put::new(round, "again").adding(added);
            let request = log.request(vec![again], &[], world.now_ms());
            append(&world, &mut log, request).await;
            world.pass(leap);
            world.jobs.run().await.unwrap();
            world.assert_whole().await;
        }
        assert_eq!(world.used(person.uid).await, 4 * block.len() as u64);
    }
}

#[tokio::test]
pub(crate) async fn jobs_beside_appends_and_uploads_disturb_neither() {
    let world = World::new().await;
    let (person, mut log) = world.person(1).await;
    let busy = async {
        for round in 0..30 {
            let block = sealed(80_000, 3);
            world
                .put(person.uid, content_id(round), 0, &block)
                .await
                .unwrap();
            let mut deleted = Vec::new();
            if round > 0 {
                deleted.push(node(round - 1));
            }
            let put = Put::new(round, "a").adding(content(round, &[&block]));
            let request = log.request(vec![put], &deleted, world.now_ms());
            append(&world, &mut log, request).await;
            world.pass(HOUR_MS);
        }
    };
    let jobs = async {
        for _ in 0..15 {
            world.jobs.run().await.unwrap();
        }
    };
    futures::future::join(busy, jobs).await;
    world.pass(2 * BLOCK_GRACE_MS);
    world.jobs.run().await.unwrap();
    assert_eq!(world.files().len(), 1);
    world.assert_whole().await;
}
