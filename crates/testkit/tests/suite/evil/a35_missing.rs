//! A35: entries of the tree are hidden, removed or brought back.

use std::collections::BTreeSet;

use sv_api::endpoint::{GetBodies, GetContents, GetEntries, GetLeaves, GetMembership};
use sv_api::vault::{Bodies, BodiesRequest, LeafPage};
use sv_client::account::Session;
use sv_client::drive::Drive;
use sv_ledger::enc::Statement;
use sv_ledger::id::NodeId;
use sv_testkit::{file, put, run};

use super::a26_exchange::largest;
use super::mutations::is_tamper;
use super::world::{Verdict, World};

/// Each leaf, record and content left out in turn, alone or together. Fails
/// without the digest in `checkpoint`, and without the count in
/// `admit_records`.
#[test]
fn a35_nothing_is_hidden() {
    run(async {
        let world = World::new().await;
        let honest = world.record(&world.fresh).await;
        let count = largest::<LeafPage>(&honest, |page: &LeafPage| page.leaves.len())
            .leaves
            .len();
        for place in 0..count {
            for (leaf_too, body_too) in [(true, false), (false, true), (true, true)] {
                let device = world.copy(&world.fresh);
                device.network.rewrite(move |request, mut answer| {
                    use sv_api::Wire as _;
                    if leaf_too && request.is::<GetLeaves>() {
                        let mut page = LeafPage::parse(&answer.body).unwrap();
                        if page.leaves.len() == count {
                            page.leaves.remove(place);
                        }
                        answer.body = page.into_bytes();
                    }
                    if body_too && request.is::<GetBodies>() {
                        let mut page = Bodies::parse(&answer.body).unwrap();
                        if page.bodies.len() == count {
                            page.bodies.remove(place);
                        }
                        answer.body = page.into_bytes();
                    }
                    Ok(answer)
                });
                if body_too && !leaf_too && place + 1 == count {
                    // An answer may end early; the client asks for the rest.
                    let verdict = world.attack(&device).await;
                    assert!(matches!(verdict, Verdict::Harmless), "{verdict:?}");
                } else {
                    assert_caught(&world, &device, "a node is hidden").await;
                }
            }
        }
        // The last record never comes, however often it is asked for.
        let records = largest::<Bodies>(&honest, |b: &Bodies| b.bodies.len()).bodies;
        let device = world.copy(&world.fresh);
        device.network.rewrite_fields::<GetBodies>(move |answer| {
            answer.bodies.retain(|body| Some(body) != records.last());
        });
        assert_caught(&world, &device, "a record never comes").await;
        for from in 0..3 {
            let device = world.copy(&world.first);
            device.network.rewrite_fields::<GetContents>(move |answer| {
                answer.contents.drain(from.min(answer.contents.len())..);
            });
            // It may stop early, but not before the first.
            match (world.attack(&device).await, from) {
                (Verdict::Caught(error), 0) => assert!(is_tamper(&error), "{error:?}"),
                (Verdict::Harmless, 1..) => {}
                other => panic!("{other:?}"),
            }
        }
        world.recovers(&world.copy(&world.fresh)).await;
    });
}

/// A removed node's old leaf and record, served with the others. Fails
/// without the digest in `checkpoint`.
#[test]
fn a35_nothing_comes_back() {
    run(async {
        let world = World::new().await;
        let now = world.record(&world.fresh).await;
        let leaves = largest::<LeafPage>(&now, |page: &LeafPage| page.leaves.len()).leaves;
        let there: BTreeSet<NodeId> = leaves.iter().map(|(id, _)| *id).collect();
        let before = largest::<LeafPage>(&world.older, |page: &LeafPage| page.leaves.len());
        let old_bodies = largest::<Bodies>(&world.older, |b: &Bodies| b.bodies.len()).bodies;
        let removed = before
            .leaves
            .into_iter()
            .find(|(id, _)| !there.contains(id))
            .unwrap();
        let body = old_bodies
            .into_iter()
            .find(|body| Statement::Body.hash(body) == removed.1.record_hash)
            .unwrap();
        let mut with_it = leaves.clone();
        with_it.push(removed);
        with_it.sort_by_key(|(id, _)| *id);
        let device = world.copy(&world.fresh);
        device.network.rewrite(move |request, mut answer| {
            use sv_api::Wire as _;
            if request.is::<GetLeaves>() {
                let mut page = LeafPage::parse(&answer.body).unwrap();
                if page.leaves == leaves {
                    page.leaves.clone_from(&with_it);
                }
                answer.body = page.into_bytes();
            }
            if request.is::<GetBodies>() {
                // The honest part of the server stops where that body is due.
                let asked = BodiesRequest::parse(&request.body).unwrap().hashes;
                if asked.first() == Some(&removed.1.record_hash) {
                    answer.status = 200;
                    answer.body = Bodies {
                        bodies: vec![body.clone()],
                    }
                    .into_bytes();
                }
            }
            Ok(answer)
        });
        assert_caught(&world, &device, "a removed node").await;
        world.recovers(&device).await;
    });
}

/// The entry that removed a node is withheld together with all that came
/// after: only a rollback, which every device that saw it notices; and who has
/// access cannot be left out.
#[test]
fn a35_no_entry_is_left_out() {
    run(async {
        let world = World::new().await;
        let device = world.copy(&world.first);
        device.network.rewrite_fields::<GetEntries>(|page| {
            page.entries.pop();
            page.more = false;
        });
        assert_caught(&world, &device, "the newest entry").await;
        world.recovers(&device).await;

        let device = world.copy(&world.fresh);
        device.network.rewrite_fields::<GetMembership>(|log| {
            log.entries.pop();
        });
        assert_caught(&world, &device, "the newest membership").await;
        world.recovers(&device).await;
    });
}

/// A drive that is open while the server withholds what is new shows the old
/// state, whole, and the new one once the server is honest. Fails if `sync`
/// takes the records that came as all there are.
#[test]
fn a35_an_open_drive_is_never_half_new() {
    run(async {
        let world = World::new().await;
        let device = world.copy(&world.first);
        let session = Session::resume(device.clone()).await.unwrap();
        let mut open = Drive::open(&session).await.unwrap();
        let before = open.walk(&"/".parse().unwrap()).unwrap();

        let other = Session::resume(world.copy(&world.first)).await.unwrap();
        let mut writer = Drive::open(&other).await.unwrap();
        let files = vec![file("one", "1"), file("two", "2"), file("three", "3")];
        put(&mut writer, "/", files).await.unwrap();
        let after = writer.walk(&"/".parse().unwrap()).unwrap();

        let lies: [fn(&mut Bodies); 3] = [
            |answer| answer.bodies.clear(),
            |answer| drop(answer.bodies.pop()),
            |answer| answer.bodies[0][20] ^= 1,
        ];
        for lie in lies {
            device.network.rewrite_fields::<GetBodies>(lie);
            let error = open.refresh().await.unwrap_err();
            assert!(is_tamper(&error), "{error:?}");
            assert_eq!(open.walk(&"/".parse().unwrap()).unwrap(), before);
        }
        device.network.be_honest();
        open.refresh().await.unwrap();
        assert_eq!(open.walk(&"/".parse().unwrap()).unwrap(), after);
    });
}

async fn assert_caught(world: &World, device: &sv_testkit::TestPlatform, what: &str) {
    let verdict = world.attack(device).await;
    let caught = matches!(&verdict, Verdict::Caught(error) if is_tamper(error));
    assert!(caught, "{what}: {verdict:?}");
}
