//! What people are charged for: contents, and all that a log is made of.

use sv_api::ErrorCode;
use sv_ledger::limits::{LOG_RESERVE, RECORD_LEN};

use crate::append::{append, refusal};
use crate::author::{Put, node, record, sealed};
use crate::world::World;

const HOUR_MS: u64 = 60 * 60 * 1000;

#[tokio::test]
async fn entries_and_records_are_charged_and_pruned_ones_given_back() {
    let world = World::new().await;
    let (person, mut log) = world.person(1).await;
    let born = world.charged(person.uid).await;
    assert_eq!(born, world.logged(person.uid).await);
    assert!(born > 0, "a vault's first entries count");

    let text = "a".repeat(5000);
    let record_len = record(&text).len() as u64;
    let request = log.request(vec![Put::new(1, &text)], &[], world.now_ms());
    let entry_len = request.entry.to_bytes().len() as u64;
    append(&world, &mut log, request.clone()).await;
    let one = world.charged(person.uid).await;
    assert_eq!(one, born + entry_len + record_len);
    let access = world.writer(&log).await;
    world.vaults.append(&access, request).await.unwrap();
    assert_eq!(
        world.charged(person.uid).await,
        one,
        "a retry costs nothing"
    );

    // The record is there: another node that has it costs its entry alone.
    let request = log.request(vec![Put::new(2, &text)], &[], world.now_ms());
    let twin_len = request.entry.to_bytes().len() as u64;
    append(&world, &mut log, request).await;
    assert_eq!(world.charged(person.uid).await, one + twin_len);

    let request = log.request(vec![], &[node(1), node(2)], world.now_ms());
    let deletion_len = request.entry.to_bytes().len() as u64;
    append(&world, &mut log, request).await;
    let deleted = world.charged(person.uid).await;
    assert_eq!(deleted, one + twin_len + deletion_len);
    world.assert_whole().await;
    world.pass(HOUR_MS + 1);
    assert_eq!(world.jobs.run().await.unwrap().pruned_leaves, 2);
    assert_eq!(world.charged(person.uid).await, deleted - record_len);
    world.assert_whole().await;
}

/// Fails without the charge in `admission::settle`: then records and entries
/// are a way to fill the disk.
#[tokio::test]
async fn nobody_fills_the_disk_with_records() {
    let world = World::new().await;
    let (person, mut log) = world.person(1).await;
    let full = world.charged(person.uid).await;
    world.allow(person.uid, full).await;

    // Contents are refused at once; records only when the reserve is used up.
    let content = Put::new(1, "x").inline(1, sealed(10, 1));
    let request = log.request(vec![content], &[], world.now_ms());
    assert_eq!(
        refusal(&world, &log, request).await,
        ErrorCode::QuotaExceeded
    );
    let mut records = 0;
    loop {
        let record = format!("{records:08}{}", "x".repeat(RECORD_LEN - 8));
        let request = log.request(vec![Put::new(records, &record)], &[], world.now_ms());
        let access = world.writer(&log).await;
        match world.vaults.append(&access, request.clone()).await {
            Ok(_) => log.accept(&request.entry),
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::QuotaExceeded);
                break;
            }
        }
        records += 1;
        assert!(records < 100, "nothing stops this");
    }
    assert_eq!(u64::from(records), LOG_RESERVE / RECORD_LEN as u64 - 1);
    assert!(world.charged(person.uid).await <= full + LOG_RESERVE);

    // Deleting always goes, and makes room once nobody needs the records.
    world.allow(person.uid, 0).await;
    let nodes: Vec<_> = (0..records).map(node).collect();
    let request = log.request(vec![], &nodes, world.now_ms());
    append(&world, &mut log, request).await;
    let put = || vec![Put::new(200, "small")];
    world.allow(person.uid, full).await;
    world.pass(HOUR_MS + 1);
    world.jobs.run().await.unwrap();
    let request = log.request(put(), &[], world.now_ms());
    append(&world, &mut log, request).await;
    world.assert_whole().await;
}
