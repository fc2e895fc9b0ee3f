//! A36 with an excuse: the server says that it was restored from a backup. An
//! honest one is accepted by a person who was shown what is lost; the claim
//! alone excuses nothing.

use sv_api::account::RestoredState;
use sv_api::endpoint::GetInstance;
use sv_client::account::Session;
use sv_client::drive::Drive;
use sv_client::error::Result;
use sv_client::vault::{Loss, Lost, RestoreReview, publish_pins};
use sv_client::{ClientError, Tamper};
use sv_testkit::{TestPlatform, TestServer, file, folder, get, put, run};

use super::world::World;

/// The names at the top of the drive.
async fn names(device: &TestPlatform) -> Result<Vec<String>> {
    let session = Session::resume(device.clone()).await?;
    let drive = Drive::open(&session).await?;
    let rows = drive.list(&"/".parse().unwrap())?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}

async fn review(device: &TestPlatform) -> Result<Option<RestoreReview>> {
    let session = Session::resume(device.clone()).await?;
    RestoreReview::of(&session).await
}

async fn accept(device: &TestPlatform) -> Result<()> {
    let mut session = Session::resume(device.clone()).await?;
    let review = RestoreReview::of(&session).await?.expect("a setback");
    review.accept(&mut session).await?;
    publish_pins(&session, true).await
}

async fn put_one(device: &TestPlatform, name: &str) {
    let session = Session::resume(device.clone()).await.unwrap();
    let mut drive = Drive::open(&session).await.unwrap();
    put(&mut drive, "/", vec![file(name, name)]).await.unwrap();
    publish_pins(&session, true).await.unwrap();
}

fn claim(server: &TestServer, restore_id: [u8; 16]) -> RestoredState {
    let now_ms = server.clock().now_ms();
    RestoredState {
        restore_id: restore_id.into(),
        restored_ms: now_ms,
        backup_ms: now_ms,
    }
}

fn lie(device: &TestPlatform, claim: RestoredState) {
    device
        .network
        .rewrite_fields::<GetInstance>(move |told| told.restored = Some(claim.clone()));
}

fn assert_rollback<T>(outcome: Result<T>) {
    let error = outcome.err().expect("it is noticed");
    let noticed = matches!(error, ClientError::Tampered(Tamper::Rollback { .. }));
    assert!(noticed, "{error:?}");
}

/// The real backup, really brought back: every command stops, the review
/// shows what is lost and changes nothing, and after the person's word all
/// devices work together again.
#[test]
fn a36_an_honest_restore_is_accepted_by_a_person() {
    run(async {
        let mut world = World::new().await;
        let backup = world.server.back_up().await;
        let session = Session::resume(world.first.clone()).await.unwrap();
        let mut drive = Drive::open(&session).await.unwrap();
        let files = vec![
            folder("new folder"),
            file("new folder/inside", "12345"),
            file("middle", "another version"),
        ];
        put(&mut drive, "/", files).await.unwrap();
        let path = |text: &str| text.parse().unwrap();
        drive
            .rename(&path("/twin"), &path("/sibling"))
            .await
            .unwrap();
        drive.remove(&path("/docs/a.txt")).await.unwrap();
        drop(drive);
        publish_pins(&session, true).await.unwrap();
        drop(session);
        // Another device has seen all of that.
        names(&world.behind).await.unwrap();

        world.server.bring_back(&backup).await;
        for device in [&world.first, &world.behind] {
            assert_rollback(names(device).await);
            let shown = review(device).await.unwrap().expect("a setback");
            assert!(!shown.has_older_unlockers());
            let losses: Vec<Loss> = shown
                .setbacks()
                .iter()
                .flat_map(|setback| setback.losses.clone())
                .collect();
            let loss = |path: &str, what, versions, bytes| Loss {
                path: path.to_owned(),
                what,
                versions,
                bytes,
            };
            let expected = [
                loss("/docs/a.txt", Lost::Returns, 0, 0),
                loss("/middle", Lost::Versions, 1, 15),
                loss("/new folder", Lost::Folder, 0, 0),
                loss("/new folder/inside", Lost::File, 1, 5),
                loss("/sibling", Lost::Change, 0, 0),
            ];
            assert_eq!(losses, expected);
            assert_rollback(names(device).await);
        }

        // Whoever has seen nothing newer goes on as before.
        assert!(names(&world.fresh).await.unwrap().contains(&"twin".into()));
        put_one(&world.fresh, "meanwhile").await;

        for device in [&world.first, &world.behind] {
            accept(device).await.unwrap();
            assert!(review(device).await.unwrap().is_none());
            assert!(names(device).await.unwrap().contains(&"meanwhile".into()));
        }
        put_one(&world.first, "since then").await;
        for device in [&world.behind, &world.fresh] {
            assert!(names(device).await.unwrap().contains(&"since then".into()));
        }
        let session = Session::resume(world.behind.clone()).await.unwrap();
        let drive = Drive::open(&session).await.unwrap();
        assert_eq!(get(&drive, "/since then").await.unwrap().len(), 1);
    });
}

/// A server that really rolled back gains nothing by the claim: commands stop
/// as before, the review shows what would be given up, and when the honest
/// state returns nothing has happened. Without the claim there is no review.
#[test]
fn a36_a_claim_alone_excuses_nothing() {
    run(async {
        let mut world = World::new().await;
        let yesterday = world.server.snapshot().await;
        put_one(&world.first, "today").await;
        let today = world.server.snapshot().await;
        world.server.restore(&yesterday).await;

        let device = world.copy(&world.first);
        assert_rollback(review(&device).await);
        lie(&device, claim(&world.server, [7; 16]));
        assert_rollback(names(&device).await);
        let shown = review(&device).await.unwrap().expect("a setback");
        let losses = shown.setbacks().iter().flat_map(|s| &s.losses);
        assert!(losses.into_iter().any(|loss| loss.path == "/today"));
        drop(shown);
        assert_rollback(names(&device).await);

        world.server.restore(&today).await;
        device.network.be_honest();
        assert!(names(&device).await.unwrap().contains(&"today".into()));
    });
}

/// One claim covers one restore. Fails without `LocalPin::accepted`.
#[test]
fn a36_a_restore_is_accepted_once() {
    run(async {
        let mut world = World::new().await;
        let oldest = world.server.snapshot().await;
        put_one(&world.first, "before").await;
        let older = world.server.snapshot().await;
        put_one(&world.first, "after").await;

        world.server.restore(&older).await;
        let device = world.copy(&world.first);
        let the_claim = claim(&world.server, [7; 16]);
        lie(&device, the_claim.clone());
        accept(&device).await.unwrap();
        assert!(names(&device).await.unwrap().contains(&"before".into()));

        world.server.restore(&oldest).await;
        assert_rollback(review(&device).await);
        assert_rollback(names(&device).await);
        // Another restore is another question.
        lie(&device, claim(&world.server, [8; 16]));
        assert!(review(&device).await.unwrap().is_some());
    });
}

/// A restore brings everything back as it was at one time. Yesterday's drive
/// beside today's account is no restore. Fails without the heads of the shown
/// account in `RestoreReview::of`.
#[test]
fn a36_half_a_restore_is_none() {
    run(async {
        let mut world = World::new().await;
        let yesterday = world.server.snapshot().await;
        put_one(&world.first, "today").await;
        let old = yesterday.fork(&world.server).await;
        let device = world.copy(&world.first);
        let (drive, url) = (world.drive_id.to_string(), old.url());
        device
            .network
            .divert(move |request| request.path.contains(&drive).then(|| url.clone()));
        lie(&device, claim(&world.server, [7; 16]));
        assert_rollback(review(&device).await);
        device.network.be_honest();
        assert!(names(&device).await.unwrap().contains(&"today".into()));
    });
}
