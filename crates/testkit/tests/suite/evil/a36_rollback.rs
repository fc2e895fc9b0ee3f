//! A36: the whole state of the server is that of yesterday.

use sv_client::account::Session;
use sv_client::drive::Drive;
use sv_client::vault::{StateCheck, publish_pins};
use sv_client::{ClientError, Tamper};
use sv_testkit::{MemoryTarget, Snapshot, TestPlatform, TestServer, file, put, run};

use super::world::{World, look};

/// A server, a copy of yesterday's state, and what today has more.
async fn yesterday() -> (World, Snapshot, StateCheck) {
    let mut world = World::new().await;
    let yesterday = world.server.snapshot().await;
    let session = Session::resume(world.first.clone()).await.unwrap();
    let mut drive = Drive::open(&session).await.unwrap();
    put(&mut drive, "/", vec![file("today", "news")])
        .await
        .unwrap();
    publish_pins(&session, true).await.unwrap();
    let sheet = StateCheck::of(&session).await.unwrap();
    let sheet = StateCheck::parse(&sheet.to_text()).unwrap();
    (world, yesterday, sheet)
}

/// A device that was there notices at once, keeps what it knows, and works
/// again with the honest state; a new one notices by the sheet. A new one
/// without any witness cannot: the documented limit. Fails without
/// `StateCheck::verify`; a pinned device holds by its pin and by its cache,
/// which the next test takes one at a time.
#[test]
fn a36_yesterdays_state_is_noticed() {
    run(async {
        let (mut world, yesterday, sheet) = yesterday().await;
        let today = world.server.snapshot().await;
        world.server.restore(&yesterday).await;
        let pinned = world.copy(&world.first);
        assert_rollback(look(&pinned, &MemoryTarget::default()).await);
        assert_rollback(look(&pinned, &MemoryTarget::default()).await);

        let fresh = world.copy(&world.fresh);
        let session = Session::resume(fresh.clone()).await.unwrap();
        assert_rollback(sheet.verify(&session).await);

        let unwarned = world.copy(&world.fresh);
        let old = look(&unwarned, &MemoryTarget::default()).await.unwrap();
        assert_eq!(old, world.honest, "without a witness");

        world.server.restore(&today).await;
        for device in [&pinned, &fresh, &unwarned] {
            assert_is_today(device).await;
        }
        sheet.verify(&session).await.unwrap();
    });
}

/// A cache without its pin, and a pin without its cache, still hold, against
/// an older state and against another. Fails without `hold_to_pin`, and
/// without `check_reached_pin`.
#[test]
fn a36_a_pin_outlives_the_cache() {
    run(async {
        let (mut world, yesterday, _) = yesterday().await;
        let today = world.server.snapshot().await;
        world.server.restore(&yesterday).await;
        for lost in ["vaults/", "pins/"] {
            let device = world.copy(&world.first);
            let mut files = device.storage.snapshot();
            files.retain(|name, _| !name.starts_with(lost));
            device.storage.restore(files);
            assert_rollback(look(&device, &MemoryTarget::default()).await);
        }
        world.server.restore(&today).await;
        let fork = fork(&world, &yesterday).await;
        for lost in ["vaults/", "pins/"] {
            let device = world.copy(&world.first);
            let mut files = device.storage.snapshot();
            files.retain(|name, _| !name.starts_with(lost));
            device.storage.restore(files);
            let (drive, url) = (world.drive_id.to_string(), fork.url());
            device
                .network
                .divert(move |request| request.path.contains(&drive).then(|| url.clone()));
            assert_fork(look(&device, &MemoryTarget::default()).await);
            device.network.be_honest();
            assert_is_today(&device).await;
        }
    });
}

/// Only the drive is rolled back: the account's pins tell a new device what
/// another has seen, before it keeps anything. Fails without `shared_pins`.
#[test]
fn a36_devices_warn_each_other() {
    run(async {
        let (world, yesterday, _) = yesterday().await;
        let old = yesterday.fork(&world.server).await;
        let drive = world.drive_id.to_string();
        let url = old.url();
        for device in [&world.fresh, &world.behind] {
            let device = world.copy(device);
            let (drive, url) = (drive.clone(), url.clone());
            device
                .network
                .divert(move |request| request.path.contains(&drive).then(|| url.clone()));
            assert_rollback(look(&device, &MemoryTarget::default()).await);
            device.network.be_honest();
            assert_is_today(&device).await;
        }
    });
}

/// The same when the drive has gone another way. Fails without the others'
/// heads in `LocalPin`: the device would keep the other way, and refuse the
/// honest one.
#[test]
fn a36_devices_warn_each_other_of_a_fork() {
    run(async {
        let (world, yesterday, _) = yesterday().await;
        let fork = fork(&world, &yesterday).await;
        let drive = world.drive_id.to_string();
        for device in [&world.fresh, &world.behind] {
            let device = world.copy(device);
            let (drive, url) = (drive.clone(), fork.url());
            device
                .network
                .divert(move |request| request.path.contains(&drive).then(|| url.clone()));
            assert_fork(look(&device, &MemoryTarget::default()).await);
            device.network.be_honest();
            assert_is_today(&device).await;
        }
    });
}

/// A device that has gone the other way all along learns of it by the first
/// pin that reaches it. Fails without `check_shared_pin`.
#[test]
fn a37_a_fork_ends_at_the_first_exchange() {
    run(async {
        let (world, yesterday, _) = yesterday().await;
        let fork = fork(&world, &yesterday).await;
        let device = world.behind.copy(&fork.url());
        look(&device, &MemoryTarget::default()).await.unwrap();
        let (account, url) = (world.account_id.to_string(), world.server.url());
        device
            .network
            .divert(move |request| request.path.contains(&account).then(|| url.clone()));
        assert_fork(look(&device, &MemoryTarget::default()).await);
    });
}

/// A second server that was the same yesterday, and at which the drive has
/// gone further than at the first.
async fn fork(world: &World, yesterday: &Snapshot) -> TestServer {
    let fork = yesterday.fork(&world.server).await;
    let writer = world.behind.copy(&fork.url());
    let session = Session::resume(writer).await.unwrap();
    let mut elsewhere = Drive::open(&session).await.unwrap();
    for name in ["another day", "and another", "and one more"] {
        put(&mut elsewhere, "/", vec![file(name, "x")])
            .await
            .unwrap();
    }
    fork
}

fn assert_fork<T: std::fmt::Debug>(outcome: sv_client::error::Result<T>) {
    let noticed = matches!(outcome, Err(ClientError::Tampered(Tamper::Fork(_))));
    assert!(noticed, "{outcome:?}");
}

fn assert_rollback<T: std::fmt::Debug>(outcome: sv_client::error::Result<T>) {
    let noticed = matches!(
        outcome,
        Err(ClientError::Tampered(Tamper::Rollback { shown, seen })) if shown < seen
    );
    assert!(noticed, "{outcome:?}");
}

async fn assert_is_today(device: &TestPlatform) {
    let seen = look(device, &MemoryTarget::default()).await.unwrap();
    assert_eq!(seen.files["today"], b"news");
}
