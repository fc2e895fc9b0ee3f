//! A7: objects in transit that claim another suite.

use sv_api::Endpoint;
use sv_api::endpoint::{GetBodies, GetCheckpoint, GetEntries, GetMembership, LoginSecondFactor};
use sv_client::{ClientError, Tamper};
use sv_testkit::run;

use super::world::World;

/// Suites that do not exist.
const SUITES: [u8; 3] = [0, 2, 255];

/// Fails without the suite in `Reader::suite`, or without the hash of bodies.
#[test]
fn a7_no_other_suite_is_spoken() {
    run(async {
        let world = World::new().await;
        for suite in SUITES {
            // Where the first object of each answer begins.
            an_object::<GetMembership>(&world, 4, suite).await;
            an_object::<GetCheckpoint>(&world, 1 + 4 + 4, suite).await;
            an_object::<GetEntries>(&world, 1 + 4 + 4, suite).await;
            let device = world.copy(&world.fresh);
            device
                .network
                .rewrite_bytes::<GetBodies>(move |body| body[8] = suite);
            let error = world.caught(&device, "a body").await;
            assert!(matches!(error, ClientError::Tampered(_)), "{error:?}");

            let device = world.server.device();
            device
                .network
                .rewrite_fields::<LoginSecondFactor>(move |answer| {
                    answer.unlock.unlockers.0[0] = suite;
                });
            let login = world.alice.try_log_in(&world.server, device).await;
            assert_is_named(login.map(drop).unwrap_err(), suite);
        }
    });
}

async fn an_object<E: Endpoint>(world: &World, place: usize, suite: u8) {
    let device = world.copy(&world.fresh);
    device.network.rewrite_bytes::<E>(move |body| {
        assert_eq!(body[place], 1, "the suite is there");
        body[place] = suite;
    });
    assert_is_named(world.caught(&device, E::PATH).await, suite);
}

fn assert_is_named(error: ClientError, suite: u8) {
    let named = matches!(
        error,
        ClientError::Tampered(Tamper::UnsupportedSuite(shown)) if shown == suite
    );
    assert!(named, "{error:?}");
}
