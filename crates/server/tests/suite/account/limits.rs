//! Rate limits, and what a stranger can learn about a handle.

use sv_api::ErrorCode;
use sv_api::account::{LoginStartRequest, SignupStartRequest};
use sv_api::endpoint::*;
use sv_pake::{ClientLogin, ClientRegistration};

use super::actor::{Answer, Person, World, code, rng};

const HOME: [u8; 4] = [192, 0, 2, 1];
const ELSEWHERE: [u8; 4] = [198, 51, 100, 1];

/// Starts a log-in and gives it up: a try like any other.
pub(crate) async fn try_once(
    world: &World,
    from: [u8; 4],
    handle: &str,
    device: Option<String>,
) -> Answer {
    let (_, ke1) = ClientLogin::start(b"guess", &mut rng()).unwrap();
    let request = LoginStartRequest {
        handle: handle.to_owned(),
        ke1: ke1.into(),
        device_token: device,
    };
    world.send(from, LoginStart, None, &request).await
}

/// Tries until refused; how often that went.
async fn exhaust(world: &World, from: [u8; 4], handle: &str) -> usize {
    for tries in 0..1000 {
        let answer = try_once(world, from, handle, None).await;
        if answer.status != 200 {
            let error = answer.error();
            assert_eq!(error.code, ErrorCode::RateLimited);
            assert!(error.retry_after_ms.is_some_and(|ms| ms > 0));
            return tries;
        }
    }
    usize::MAX
}

#[tokio::test]
pub(crate) async fn guessing_is_limited_and_a_restart_does_not_help() {
    let mut world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    assert_eq!(exhaust(&world, HOME, "alice").await, 10);
    world.restart().await;
    assert_eq!(exhaust(&world, HOME, "alice").await, 0);
    // Another handle and another network have buckets of their own.
    assert_eq!(try_once(&world, HOME, "bob", None).await.status, 200);
    assert_eq!(try_once(&world, ELSEWHERE, "alice", None).await.status, 200);
    // One try comes back with time.
    world.pass(60 * 1000);
    alice.prove(&world, &alice.password).await.unwrap();
}

#[tokio::test]
pub(crate) async fn strangers_cannot_lock_a_known_device_out() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    for network in 0..20 {
        exhaust(&world, [203, 0, network, 1], "alice").await;
    }
    let stranger = alice
        .prove_from(&world, ELSEWHERE, &alice.password, None)
        .await;
    assert_eq!(code(stranger), ErrorCode::RateLimited);
    let known = alice.device.clone();
    let session = alice
        .prove_from(&world, ELSEWHERE, &alice.password, known)
        .await;
    world
        .call(
            LoginSecondFactor,
            Some(&session.unwrap()),
            &alice.code(&world),
        )
        .await
        .unwrap();
    // Another's device is a stranger.
    let bob = Person::sign_up(&world, "bob").await;
    let foreign = try_once(&world, ELSEWHERE, "alice", bob.device).await;
    assert_eq!(foreign.error().code, ErrorCode::RateLimited);
}

#[tokio::test]
pub(crate) async fn a_right_password_costs_no_try() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    for _ in 0..15 {
        alice.prove(&world, &alice.password).await.unwrap();
    }
}

#[tokio::test]
pub(crate) async fn codes_cannot_be_guessed_for_long() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    let session = alice.prove(&world, &alice.password).await.unwrap();
    let wrong = sv_api::account::CodeRequest {
        code: "000000".to_owned(),
        device_label: String::new(),
    };
    let mut wrong_codes = 0;
    for _ in 0..100 {
        let refused = world.call(LoginSecondFactor, Some(&session), &wrong).await;
        match code(refused) {
            ErrorCode::WrongCode => wrong_codes += 1,
            other => assert_eq!(other, ErrorCode::RateLimited),
        }
    }
    assert_eq!(wrong_codes, 10);
    // Even the right one has to wait now; a device that is known has not.
    let right = world
        .call(LoginSecondFactor, Some(&session), &alice.code(&world))
        .await;
    assert_eq!(code(right), ErrorCode::RateLimited);
    let device = alice.device.clone();
    let session = alice
        .prove_from(&world, HOME, &alice.password, device)
        .await
        .unwrap();
    world
        .call(LoginSecondFactor, Some(&session), &alice.code(&world))
        .await
        .unwrap();
}

#[tokio::test]
pub(crate) async fn a_handle_that_nobody_has_looks_like_one_that_somebody_has() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    let nobody = Person {
        handle: "nobody-here".to_owned(),
        ..alice.clone()
    };
    let known = alice.prove(&world, "guess").await;
    let unknown = nobody.prove(&world, "guess").await;
    assert_eq!(known.unwrap_err(), unknown.unwrap_err());

    let known = try_once(&world, ELSEWHERE, "alice", None).await;
    let unknown = try_once(&world, ELSEWHERE, "nobody-here", None).await;
    assert_eq!(
        (known.status, known.body.len()),
        (unknown.status, unknown.body.len())
    );
    assert_eq!(
        exhaust(&world, ELSEWHERE, "alice").await,
        exhaust(&world, ELSEWHERE, "nobody-here").await
    );
}

#[tokio::test]
pub(crate) async fn a_log_in_is_finished_once_and_soon() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    for (wait_ms, good) in [(0, true), (119_000, true), (121_000, false)] {
        let (client, ke1) = ClientLogin::start(alice.password.as_bytes(), &mut rng()).unwrap();
        let start = LoginStartRequest {
            handle: "alice".to_owned(),
            ke1: ke1.into(),
            device_token: None,
        };
        let started = world.call(LoginStart, None, &start).await.unwrap();
        let finish = sv_api::account::LoginFinishRequest {
            ke3: alice.ke3(&world, client, &started).await.into(),
            login_id: started.login_id,
        };
        world.pass(wait_ms);
        let first = world.call(LoginFinish, None, &finish).await;
        assert_eq!(first.is_ok(), good, "{wait_ms}");
        let second = world.call(LoginFinish, None, &finish).await;
        assert_eq!(code(second), ErrorCode::WrongCredentials);
    }
}

/// Who means to attack a password before it is chosen gets no more answers of
/// the function that it will go through than by logging in. Fails without the
/// bucket of the handle: each network has its own.
#[tokio::test]
pub(crate) async fn a_handle_that_nobody_has_is_not_evaluated_for_ever() {
    let world = World::open().await;
    let start = async |network: u8, handle: &str| {
        let (_, request) = ClientRegistration::start(b"guess", &mut rng()).unwrap();
        let body = SignupStartRequest {
            handle: handle.to_owned(),
            invite: None,
            registration_request: request.into(),
        };
        let from = [203, 0, network, 1];
        world.send(from, SignupStart, None, &body).await
    };
    let mut answered = 0;
    for network in 0..40 {
        let answer = start(network, "newcomer").await;
        match answer.status {
            200 => answered += 1,
            _ => assert_eq!(answer.error().code, ErrorCode::RateLimited),
        }
    }
    assert_eq!(answered, 20);
    assert_eq!(start(41, "somebody").await.status, 200);
    // Whoever wants the handle in earnest has to wait for two minutes.
    world.pass(2 * 60 * 1000);
    Person::sign_up(&world, "newcomer").await;
}
