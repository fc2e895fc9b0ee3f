//! What an append does, refuses and leaves untouched.

use futures::future::join;
use sv_api::ErrorCode;
use sv_api::account::NewVault;
use sv_api::vault::{AppendRequest, BodiesRequest, ContentsRequest};
use sv_ledger::entry::{ContentAdded, Ops, StateOp};
use sv_ledger::id::{Hash, InstanceId, NodeId, VaultId};
use sv_ledger::limits::{CLOCK_SKEW_MS, UPLOAD_TTL_MS};
use sv_server::service::Error;
use sv_server::service::vault::{PreparedVault, Read, create_vault};

use crate::author::{Log, Put, body_hash, content, content_id, node, record, sealed};
use crate::world::{QUOTA, World};

/// Appends and takes note.
pub(crate) async fn append(world: &World, log: &mut Log, request: AppendRequest) {
    let access = world.writer(log).await;
    world.vaults.append(&access, request.clone()).await.unwrap();
    log.accept(&request.entry);
}

pub(crate) async fn refusal(world: &World, log: &Log, request: AppendRequest) -> ErrorCode {
    let access = world.writer(log).await;
    let refused = world.vaults.append(&access, request).await.unwrap_err();
    refused.code()
}

#[tokio::test]
pub(crate) async fn an_appended_entry_is_there_with_all_it_brings() {
    let world = World::new().await;
    let (person, mut log) = world.person(1).await;
    let block = sealed(100, 1);
    let puts = vec![
        Put::new(1, "one").inline(1, block.clone()),
        Put::new(2, "two"),
    ];
    let request = log.request(puts, &[], world.now_ms());
    append(&world, &mut log, request.clone()).await;

    let read = world
        .vaults
        .authorise::<Read>(person.uid, log.vault_id())
        .await
        .unwrap();
    let heads = world.vaults.heads(person.uid).await.unwrap().vaults;
    let head = heads.iter().find(|h| h.vault_id == log.vault_id()).unwrap();
    assert_eq!((head.seq, heads.len()), (2, 2));

    let entries = world.vaults.entries(&read, 1).await.unwrap();
    assert_eq!(entries.entries.len(), 2);
    assert_eq!(entries.entries[1], request.entry);
    assert!(!entries.more);
    assert!(
        world
            .vaults
            .entries(&read, 3)
            .await
            .unwrap()
            .entries
            .is_empty()
    );
    let leaves = world
        .vaults
        .leaves(&read, 2, NodeId::new([0; 16]))
        .await
        .unwrap();
    assert_eq!(
        leaves.leaves,
        log.leaves.clone().into_iter().collect::<Vec<_>>()
    );
    let membership = world.vaults.membership(&read, log.vault_id(), 0).await;
    let membership = membership.unwrap();
    assert_eq!(membership.entries.len(), 1);
    assert_eq!(
        world.vaults.checkpoint(&read).await.unwrap().entries,
        [request.entry]
    );

    let hashes = vec![
        body_hash(&record("two")),
        body_hash(&record("one")),
        Hash::new([0; 32]),
    ];
    let bodies = world
        .vaults
        .bodies(&read, &BodiesRequest { hashes })
        .await
        .unwrap();
    assert_eq!(bodies.bodies, [record("two"), record("one")]);
    let content_ids = vec![content_id(1), content_id(2)];
    let contents = world
        .vaults
        .contents(&read, &ContentsRequest { content_ids })
        .await
        .unwrap();
    assert_eq!(contents.contents[0].block, block);
    assert_eq!(world.used(person.uid).await, block.len() as u64);
    assert!(world.files().is_empty());
    world.assert_whole().await;
}

#[tokio::test]
pub(crate) async fn whoever_is_no_member_finds_nothing() {
    let world = World::new().await;
    let (_, log) = world.person(1).await;
    let (stranger, _) = world.person(2).await;
    let unknown = VaultId::new([3; 32]);
    for vault in [log.vault_id(), unknown] {
        let denied = world
            .vaults
            .authorise::<Read>(stranger.uid, vault)
            .await
            .unwrap_err();
        assert_eq!(denied.code(), ErrorCode::NotFound);
    }
}

#[tokio::test]
pub(crate) async fn every_flaw_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let (_, mut log) = world.person(1).await;
    let (_, other) = world.person(2).await;
    let now = world.now_ms();
    let first = log.request(vec![Put::new(1, "one").inline(1, sealed(10, 1))], &[], now);
    append(&world, &mut log, first).await;
    let (stranger, block) = (other.person.uid, sealed(100_000, 2));
    world
        .put(stranger, content_id(50), 0, &block)
        .await
        .unwrap();
    world
        .put(log.person.uid, content_id(51), 0, &block)
        .await
        .unwrap();
    world
        .put(log.person.uid, content_id(51), 1, &block)
        .await
        .unwrap();
    let used = world.used(log.person.uid).await;

    let put = |put: Put| log.request(vec![put], &[], now);
    let good = || put(Put::new(2, "two").inline(2, sealed(10, 3)));
    let edited = |edit: fn(&mut AppendRequest)| {
        let mut request = good();
        edit(&mut request);
        request
    };
    let reshaped = |edit: fn(&mut ContentAdded)| {
        let mut added = content(1, &[&sealed(10, 1)]);
        edit(&mut added);
        put(Put::new(2, "two").adding(added))
    };
    let mut forged = log.body(good().entry.body().ops.clone(), now);
    forged.state_digest = Hash::new([1; 32]);
    let wrong_digest = AppendRequest {
        entry: log.person.sign(forged),
        ..good()
    };
    let wrong_signature = AppendRequest {
        entry: good().entry.body().clone().with_signature([1; 64]),
        ..good()
    };
    let mut behind = log.body(good().entry.body().ops.clone(), now);
    behind.prev_hash = Hash::new([1; 32]);
    let fork = AppendRequest {
        entry: log.person.sign(behind),
        ..good()
    };
    let delete_unknown = log.sign(Ops::State(vec![StateOp::Delete(node(9))]), now);
    let delete_unknown = AppendRequest {
        entry: delete_unknown,
        bodies: vec![],
        inline: vec![],
    };
    let mut doubled = good();
    doubled.inline.push(doubled.inline[0].clone());

    use ErrorCode::{BlocksMissing, ClockSkew, Conflict, Rejected};
    let flaws = [
        (
            "a body with another hash",
            edited(|r| r.bodies[0] = b"x".to_vec()),
            Rejected,
        ),
        ("a body missing", edited(|r| r.bodies.clear()), Rejected),
        (
            "a body too many",
            edited(|r| r.bodies.push(vec![])),
            Rejected,
        ),
        (
            "other bytes inline",
            edited(|r| r.inline[0].block[0] ^= 1),
            Rejected,
        ),
        (
            "inline that nothing adds",
            edited(|r| r.inline[0].content_id = content_id(3)),
            Rejected,
        ),
        ("inline twice", doubled, Rejected),
        (
            "inline missing",
            edited(|r| r.inline.clear()),
            BlocksMissing,
        ),
        (
            "inline of a content that exists",
            put(Put::new(2, "t").inline(1, sealed(10, 1))),
            Rejected,
        ),
        ("another digest", wrong_digest, Rejected),
        ("another signature", wrong_signature, Rejected),
        ("another predecessor", fork, Conflict),
        (
            "another vault",
            other.request(vec![Put::new(1, "x")], &[], now),
            Rejected,
        ),
        (
            "a clock too slow",
            log.request(vec![Put::new(2, "t")], &[], now - CLOCK_SKEW_MS - 1),
            ClockSkew,
        ),
        (
            "a clock too fast",
            log.request(vec![Put::new(2, "t")], &[], now + CLOCK_SKEW_MS + 1),
            ClockSkew,
        ),
        ("deleting what is not there", delete_unknown, Rejected),
        (
            "dropping what is not referenced",
            put(Put::new(2, "t").dropping(1)),
            Rejected,
        ),
        (
            "adding what is referenced",
            put(Put::new(1, "t").adding(content(1, &[&sealed(10, 1)]))),
            Rejected,
        ),
        (
            "a content that is nowhere",
            put(Put::new(2, "t").adding(content(60, &[&block]))),
            BlocksMissing,
        ),
        (
            "somebody else's upload",
            put(Put::new(2, "t").adding(content(50, &[&block]))),
            BlocksMissing,
        ),
        (
            "an upload with a block too many",
            put(Put::new(2, "t").adding(content(51, &[&block]))),
            BlocksMissing,
        ),
        (
            "a committed content of another root",
            reshaped(|c| c.blocks_root = Hash::new([1; 32])),
            BlocksMissing,
        ),
        (
            "a committed content of another length",
            reshaped(|c| c.sealed_len += 1),
            BlocksMissing,
        ),
    ];
    for (flaw, request, code) in flaws {
        let parsed = sv_ledger::entry::Entry::parse(&request.entry.to_bytes());
        assert!(parsed.is_ok(), "{flaw}: the parser refuses it already");
        assert_eq!(refusal(&world, &log, request).await, code, "{flaw}");
    }
    let heads = world.vaults.heads(log.person.uid).await.unwrap().vaults;
    assert!(
        heads
            .iter()
            .any(|h| h.vault_id == log.vault_id() && h.seq == 2)
    );
    assert_eq!(world.used(log.person.uid).await, used);
    world.assert_whole().await;
    append(&world, &mut log.clone(), good()).await;
}

#[tokio::test]
pub(crate) async fn a_retry_succeeds_however_late_and_does_nothing() {
    let world = World::new().await;
    let (person, mut log) = world.person(1).await;
    let request = log.request(
        vec![Put::new(1, "one").inline(1, sealed(9, 1))],
        &[],
        world.now_ms(),
    );
    append(&world, &mut log, request.clone()).await;
    let next = log.request(vec![Put::new(2, "two")], &[], world.now_ms());
    append(&world, &mut log, next).await;
    let used = world.used(person.uid).await;
    world.pass(10 * CLOCK_SKEW_MS);
    let access = world.writer(&log).await;
    assert_eq!(
        world
            .vaults
            .append(&access, request.clone())
            .await
            .unwrap()
            .seq,
        2
    );
    assert_eq!(world.used(person.uid).await, used);
    let mut another = request;
    another.entry = log.person.sign({
        let mut body = another.entry.body().clone();
        body.timestamp_ms += 1;
        body
    });
    assert_eq!(refusal(&world, &log, another).await, ErrorCode::Conflict);
}

#[tokio::test]
pub(crate) async fn of_two_that_race_one_wins() {
    let world = World::new().await;
    let (_, log) = world.person(1).await;
    let access = world.writer(&log).await;
    let now = world.now_ms();
    let racers = ["left", "right"].map(|name| {
        let puts = (0..50)
            .map(|n| Put::new(n, &format!("{name}{n}")))
            .collect();
        log.request(puts, &[], now)
    });
    let [left, right] = racers.map(|request| world.vaults.append(&access, request));
    let outcomes = join(left, right).await;
    let outcomes = [outcomes.0, outcomes.1];
    assert_eq!(outcomes.iter().filter(|o| o.is_ok()).count(), 1);
    let lost = outcomes.into_iter().find_map(Result::err).unwrap();
    assert_eq!(lost.code(), ErrorCode::Conflict);
    world.assert_whole().await;
}

#[tokio::test]
pub(crate) async fn equal_requests_that_race_both_succeed() {
    let world = World::new().await;
    let (person, log) = world.person(1).await;
    let access = world.writer(&log).await;
    let request = log.request(
        vec![Put::new(1, "a").inline(1, sealed(5, 5))],
        &[],
        world.now_ms(),
    );
    let racers = [request.clone(), request].map(|r| world.vaults.append(&access, r));
    let outcomes = futures::future::join_all(racers).await;
    assert!(outcomes.into_iter().all(|o| o.unwrap().seq == 2));
    assert_eq!(world.used(person.uid).await, sealed(5, 5).len() as u64);
}

#[tokio::test]
pub(crate) async fn a_content_is_charged_once_and_given_back_with_its_last_reference() {
    let world = World::new().await;
    let (person, mut log) = world.person(1).await;
    let block = sealed(5000, 1);
    let len = block.len() as u64;
    let copied = content(1, &[&block]);
    let now = world.now_ms();
    let puts = vec![
        Put::new(1, "a").inline(1, block),
        Put::new(2, "b").adding(copied),
    ];
    let request = log.request(puts, &[], now);
    append(&world, &mut log, request).await;
    assert_eq!(world.used(person.uid).await, len);

    let (drive, mut second) = person.drive(99, now);
    create(&world, &drive, person.uid).await;
    let request = second.request(vec![Put::new(1, "c").adding(copied)], &[], now);
    append(&world, &mut second, request).await;
    assert_eq!(
        world.used(person.uid).await,
        len,
        "a copy in another vault of the same owner"
    );

    let moved = vec![
        Put::new(1, "a2").dropping(1),
        Put::new(3, "d").adding(copied),
    ];
    let request = log.request(moved, &[node(2)], now);
    append(&world, &mut log, request).await;
    let request = second.request(vec![], &[node(1)], now);
    append(&world, &mut second, request).await;
    assert_eq!(world.used(person.uid).await, len);
    let request = log.request(vec![], &[node(3)], now);
    append(&world, &mut log, request).await;
    assert_eq!(world.used(person.uid).await, 0);

    let request = log.request(vec![Put::new(4, "back").adding(copied)], &[], now);
    append(&world, &mut log, request).await;
    assert_eq!(
        world.used(person.uid).await,
        len,
        "taken up again within the grace"
    );
    world.pass(UPLOAD_TTL_MS);
    world.jobs.run().await.unwrap();
    world.assert_whole().await;
}

#[tokio::test]
pub(crate) async fn what_does_not_fit_the_quota_is_refused() {
    let world = World::new().await;
    let (person, mut log) = world.person(1).await;
    let block = sealed(30_000, 1);
    let two = 2 * block.len() as u64;
    let limit = world.charged(person.uid).await + two + 2000;
    world.allow(person.uid, limit).await;
    world
        .put(person.uid, content_id(1), 0, &block)
        .await
        .unwrap();
    let long = sealed(200_000, 1);
    let over = world.put(person.uid, content_id(4), 0, &long).await;
    assert_eq!(over.unwrap_err().code(), ErrorCode::QuotaExceeded);
    assert!(world.files().is_empty(), "taken in, then refused");
    let put = |n: u32| Put::new(n, "x").inline(n, block.clone());
    let over = log.request(vec![put(2), put(3)], &[], world.now_ms());
    assert_eq!(refusal(&world, &log, over).await, ErrorCode::QuotaExceeded);
    let fits = log.request(vec![put(2)], &[], world.now_ms());
    append(&world, &mut log, fits).await;
    let full = world
        .put(person.uid, content_id(4), 0, &block)
        .await
        .unwrap_err();
    assert_eq!(full.code(), ErrorCode::QuotaExceeded);
    // What is reserved already can be committed.
    let added = content(1, &[&block]);
    let request = log.request(vec![Put::new(1, "up").adding(added)], &[], world.now_ms());
    append(&world, &mut log, request).await;
    assert_eq!(world.used(person.uid).await, two);
    assert!(limit < QUOTA);
    world.assert_whole().await;
}

#[tokio::test]
pub(crate) async fn an_empty_content_needs_no_blocks() {
    let world = World::new().await;
    let (person, mut log) = world.person(1).await;
    let request = log.request(
        vec![Put::new(1, "e").adding(content(1, &[]))],
        &[],
        world.now_ms(),
    );
    append(&world, &mut log, request).await;
    assert_eq!(world.used(person.uid).await, 0);
    world.assert_whole().await;
}

#[tokio::test]
pub(crate) async fn a_new_vault_is_for_this_server_now_and_its_owner() {
    let world = World::new().await;
    let (person, _) = world.person(1).await;
    let (stranger, _) = world.person(2).await;
    let now = world.now_ms();
    let (drive, _) = person.drive(3, now);
    let instance = crate::author::INSTANCE;
    let refused = |new: &NewVault, instance, now| {
        PreparedVault::prepare(new, &instance, now)
            .unwrap_err()
            .code()
    };
    let elsewhere = InstanceId::new([1; 32]);
    assert_eq!(refused(&drive, elsewhere, now), ErrorCode::Rejected);
    let later = now + CLOCK_SKEW_MS + 1;
    assert_eq!(refused(&drive, instance, later), ErrorCode::ClockSkew);
    let mut flawed = drive.clone();
    flawed.bodies.push(vec![1].into());
    assert_eq!(refused(&flawed, instance, now), ErrorCode::Rejected);
    flawed.bodies.clear();
    assert_eq!(refused(&flawed, instance, now), ErrorCode::Rejected);
    let mut flawed = drive.clone();
    flawed.entries.clear();
    assert_eq!(refused(&flawed, instance, now), ErrorCode::Rejected);
    let mut flawed = drive.clone();
    flawed.genesis.0.push(0);
    assert_eq!(refused(&flawed, instance, now), ErrorCode::BadRequest);

    let prepared = PreparedVault::prepare(&drive, &instance, now).unwrap();
    assert_eq!(prepared.owner(), person.uid);
    let mut write = world.db.write().await.unwrap();
    let stolen = create_vault(&mut write, &prepared, stranger.uid, now).await;
    assert_eq!(stolen.unwrap_err().code(), ErrorCode::Rejected);
    drop(write);
    let heads = world.vaults.heads(person.uid).await.unwrap();
    assert_eq!(heads.vaults.len(), 2);
}

pub(crate) async fn create(world: &World, new: &NewVault, uid: VaultId) {
    let instance = crate::author::INSTANCE;
    let prepared = PreparedVault::prepare(new, &instance, world.now_ms()).unwrap();
    let create = || async {
        let mut write = world.db.write().await?;
        create_vault(&mut write, &prepared, uid, world.now_ms()).await?;
        Ok::<_, Error>(write.commit().await?)
    };
    world.db.retry(create).await.unwrap();
    let again = world.db.retry(create).await;
    assert_eq!(again.unwrap_err().code(), ErrorCode::Conflict);
}

/// Run by hand: `cargo test --release .. -- --ignored measure --nocapture`.
#[tokio::test]
#[ignore = "a measurement"]
async fn measure_many_small_files() {
    let world = World::new().await;
    let (_, log) = world.person(1).await;
    let mut requests = Vec::new();
    let mut device = log.clone();
    for batch in 0..20 {
        let puts = (batch * 500..(batch + 1) * 500)
            .map(|n| {
                Put::new(n, &format!("record {n} {}", "x".repeat(500))).inline(n, sealed(4096, 1))
            })
            .collect();
        let request = device.request(puts, &[], world.now_ms());
        device.accept(&request.entry);
        requests.push(request);
    }
    let access = world.writer(&log).await;
    let started = std::time::Instant::now();
    for request in requests {
        world.vaults.append(&access, request).await.unwrap();
    }
    println!(
        "10,000 files of 4 KiB in 20 entries: {:?}",
        started.elapsed()
    );
    let read = world
        .vaults
        .authorise::<Read>(log.person.uid, log.vault_id());
    let read = read.await.unwrap();
    let started = std::time::Instant::now();
    let ids: Vec<_> = (0..10_000).map(content_id).collect();
    let (mut rest, mut answers) = (&ids[..], 0);
    while !rest.is_empty() {
        let content_ids = rest[..rest.len().min(2000)].to_vec();
        let request = ContentsRequest { content_ids };
        let got = world.vaults.contents(&read, &request).await.unwrap();
        rest = &rest[got.contents.len()..];
        answers += 1;
    }
    println!("and back in {answers} answers: {:?}", started.elapsed());
}

/// Run by hand, as above.
#[tokio::test]
#[ignore = "a measurement"]
async fn measure_full_blocks() {
    let world = World::new().await;
    let (person, _) = world.person(1).await;
    let block = sealed(4 << 20, 1);
    let started = std::time::Instant::now();
    for round in 0..4 {
        let puts = (0..8).map(|index| world.put(person.uid, content_id(round), index, &block));
        for done in futures::future::join_all(puts).await {
            done.unwrap();
        }
        let cancelled = world.vaults.cancel_upload(person.uid, content_id(round));
        cancelled.await.unwrap();
    }
    println!("128 MiB in 32 blocks, 8 at a time: {:?}", started.elapsed());
}

/// A record of a suite that nobody can open would stop every member's client,
/// and one of an older epoch would be open to whoever was removed since.
#[tokio::test]
pub(crate) async fn bodies_of_an_impossible_form_are_refused() {
    let world = World::new().await;
    let (_, mut log) = world.person(1).await;
    let now = world.now_ms();
    let mut other_suite = record("x");
    other_suite[0] = 2;
    let mut other_epoch = record("x");
    other_epoch[4] = 0;
    let short = record("x")[..100].to_vec();
    for bytes in [other_suite, other_epoch, short, Vec::new()] {
        let request = log.request(vec![Put::of_bytes(1, bytes)], &[], now);
        assert_eq!(refusal(&world, &log, request).await, ErrorCode::Rejected);
    }
    let request = log.request(vec![Put::new(1, "x")], &[], now);
    append(&world, &mut log, request).await;
}
