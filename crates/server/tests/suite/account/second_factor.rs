//! The second factor: replay, backup codes, proof, reset.

use std::collections::BTreeMap;

use sv_api::ErrorCode;
use sv_api::account::CodeRequest;
use sv_api::endpoint::*;
use sv_api::wire::Empty;
use sv_server::service::account::Administers;

use super::actor::{Person, STEP_MS, World, code, totp};

fn request(code: &str) -> CodeRequest {
    CodeRequest {
        code: code.to_owned(),
        device_label: String::new(),
    }
}

#[tokio::test]
pub(crate) async fn of_sixteen_that_give_one_code_at_once_one_wins() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    let mut sessions = Vec::new();
    for _ in 0..16 {
        sessions.push(alice.prove(&world, &alice.password).await.unwrap());
    }
    let same = alice.code(&world);
    let tries = sessions
        .iter()
        .map(|session| world.call(LoginSecondFactor, Some(session), &same));
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    for done in futures::future::join_all(tries).await {
        let name = done.map_or_else(|e| format!("{:?}", e.code), |_| "in".to_owned());
        *outcomes.entry(name).or_default() += 1;
    }
    assert_eq!(outcomes["in"], 1, "{outcomes:?}");
    assert!(!outcomes.contains_key("WrongCode"), "{outcomes:?}");
}

#[tokio::test]
pub(crate) async fn a_used_step_and_the_steps_before_it_are_used_up() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    world.pass(10 * STEP_MS);
    let before = totp(&alice.totp, world.now_ms() - STEP_MS);
    let older = totp(&alice.totp, world.now_ms() - 2 * STEP_MS);
    let early = totp(&alice.totp, world.now_ms() + STEP_MS);
    let now = totp(&alice.totp, world.now_ms());

    let session = alice.prove(&world, &alice.password).await.unwrap();
    let give = async |session: &str, text: &str| {
        world
            .call(LoginSecondFactor, Some(session), &request(text))
            .await
    };
    assert_eq!(code(give(&session, &older).await), ErrorCode::WrongCode);
    assert_eq!(code(give(&session, &early).await), ErrorCode::WrongCode);
    assert_eq!(code(give(&session, "").await), ErrorCode::WrongCode);
    give(&session, &now).await.unwrap();
    // The session that waited has become another.
    assert_eq!(code(give(&session, &now).await), ErrorCode::NotLoggedIn);

    let session = alice.prove(&world, &alice.password).await.unwrap();
    assert_eq!(code(give(&session, &now).await), ErrorCode::CodeUsed);
    assert_eq!(code(give(&session, &before).await), ErrorCode::CodeUsed);
    world.pass(STEP_MS);
    give(&session, &alice.code(&world).code).await.unwrap();
}

#[tokio::test]
pub(crate) async fn a_backup_code_works_once() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    assert_eq!(alice.backup_codes.len(), 10);
    let shown = alice.backup_codes[3].to_lowercase().replace('-', " ");
    let first = alice.prove(&world, &alice.password).await.unwrap();
    let done = world
        .call(LoginSecondFactor, Some(&first), &request(&shown))
        .await
        .unwrap();
    let status = world
        .call(GetAccount, done.session.as_deref(), &Empty {})
        .await
        .unwrap();
    assert_eq!(status.backup_codes_left, 9);
    let second = alice.prove(&world, &alice.password).await.unwrap();
    let again = world
        .call(LoginSecondFactor, Some(&second), &request(&shown))
        .await;
    assert_eq!(code(again), ErrorCode::CodeUsed);
    let unknown = request("0000-0000-0000-0000");
    let refused = world.call(LoginSecondFactor, Some(&second), &unknown).await;
    assert_eq!(code(refused), ErrorCode::WrongCode);
}

#[tokio::test]
pub(crate) async fn changing_it_wants_a_fresh_proof() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    let token = alice.session.clone();
    let session = Some(token.as_str());
    let refused = world.call(TotpStart, session, &Empty {}).await;
    assert_eq!(code(refused), ErrorCode::ProofRequired);
    let refused = world.call(NewBackupCodes, session, &Empty {}).await;
    assert_eq!(code(refused), ErrorCode::ProofRequired);

    alice.prove_again(&world, &alice.session).await.unwrap();
    let codes = world
        .call(NewBackupCodes, session, &Empty {})
        .await
        .unwrap()
        .backup_codes;
    assert!(codes.iter().all(|code| !alice.backup_codes.contains(code)));

    let setup = world.call(TotpStart, session, &Empty {}).await.unwrap();
    let old = request(&totp(&alice.totp, world.now_ms()));
    assert_eq!(
        code(world.call(TotpFinish, session, &old).await),
        ErrorCode::WrongCode
    );
    // Until it is confirmed, the old one is in force.
    world.pass(STEP_MS);
    alice.log_in(&world).await.unwrap();
    let new = request(&totp(&setup.secret, world.now_ms()));
    world.call(TotpFinish, session, &new).await.unwrap();
    assert_eq!(
        code(world.call(TotpFinish, session, &new).await),
        ErrorCode::Conflict
    );
    world.pass(STEP_MS);
    assert_eq!(code(alice.log_in(&world).await), ErrorCode::WrongCode);
    let alice = Person {
        totp: setup.secret,
        ..alice
    };
    alice.log_in(&world).await.unwrap();

    world.pass(5 * 60 * 1000);
    let refused = world.call(TotpStart, session, &Empty {}).await;
    assert_eq!(code(refused), ErrorCode::ProofRequired);
}

#[tokio::test]
pub(crate) async fn a_proof_is_of_the_own_account_and_session() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    let bob = Person::sign_up(&world, "bob").await;
    let foreign = bob.prove_again(&world, &alice.session).await;
    assert_eq!(code(foreign), ErrorCode::WrongCredentials);
    let wrong = Person {
        password: "wrong".to_owned(),
        ..alice.clone()
    };
    let refused = wrong.prove_again(&world, &alice.session).await;
    assert_eq!(code(refused), ErrorCode::WrongCredentials);
    let refused = world.call(TotpStart, Some(&alice.session), &Empty {}).await;
    assert_eq!(code(refused), ErrorCode::ProofRequired);
}

#[tokio::test]
pub(crate) async fn a_reset_code_takes_the_place_of_both_and_gives_nothing_alone() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    let by = Administers::at_the_machine();
    let reset = world.app.accounts().reset_second_factor(&by, alice.uid);
    let reset = reset.await.unwrap().code;
    let ended = world
        .call(GetAccount, Some(&alice.session), &Empty {})
        .await;
    assert_eq!(code(ended), ErrorCode::NotLoggedIn);

    let waiting = alice.prove(&world, &alice.password).await.unwrap();
    let waits = Some(waiting.as_str());
    let sealed = world.call(GetUnlockers, waits, &Empty {}).await;
    assert_eq!(code(sealed), ErrorCode::SecondFactorRequired);
    for old in [alice.code(&world).code, alice.backup_codes[0].clone()] {
        let refused = world.call(LoginSecondFactor, waits, &request(&old)).await;
        assert_eq!(code(refused), ErrorCode::WrongCode);
    }
    let login = world
        .call(LoginSecondFactor, waits, &request(&reset))
        .await
        .unwrap();
    // They have no code to prove anything with: the reset code was the proof.
    let session = login.session.as_deref();
    let setup = world.call(TotpStart, session, &Empty {}).await.unwrap();
    let new = request(&totp(&setup.secret, world.now_ms()));
    world.call(TotpFinish, session, &new).await.unwrap();
    world
        .call(NewBackupCodes, session, &Empty {})
        .await
        .unwrap();
    world.pass(STEP_MS);
    let alice = Person {
        totp: setup.secret,
        ..alice
    };
    alice.log_in(&world).await.unwrap();
}
