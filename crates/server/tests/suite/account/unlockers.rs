//! Changing the password, and recovery.

use ed25519_dalek::SigningKey;
use sv_api::ErrorCode;
use sv_api::account::{CodeRequest, ReplaceUnlockersRequest, UnlockerSet};
use sv_api::endpoint::*;
use sv_api::wire::Empty;
use sv_ledger::id::{Hash, UnlockerId};
use sv_ledger::unlock::UnlockerKind;
use sv_server::service::account::Administers;

use super::actor::{Person, STEP_MS, World, code, random, register, totp};

/// How long a proof is good for.
const PROOF_TTL_MS: u64 = 5 * 60 * 1000;

async fn replace(world: &World, session: &str, unlock: UnlockerSet) -> Result<(), ErrorCode> {
    let request = ReplaceUnlockersRequest { unlock };
    let done = world.call(ReplaceUnlockers, Some(session), &request).await;
    done.map(|_| ()).map_err(|e| e.code)
}

#[tokio::test]
pub(crate) async fn a_new_password_ends_the_old_one_and_every_other_session() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    let other = alice.log_in(&world).await.unwrap().session.unwrap();
    world.pass(STEP_MS);
    let session = alice.session.clone();
    // Registration evaluates the same function as a log-in: without a proof it
    // would test guesses that nobody counts.
    let unproved = register(&world, "alice", "new", Some(&session), None).await;
    assert_eq!(code(unproved), ErrorCode::ProofRequired);
    alice.prove_again(&world, &session).await.unwrap();
    let record = register(&world, "alice", "new", Some(&session), None)
        .await
        .unwrap();
    let set = alice.unlockers(&record, 2, |_| {});
    world.pass(PROOF_TTL_MS);
    assert_eq!(
        replace(&world, &session, set.clone()).await,
        Err(ErrorCode::ProofRequired)
    );

    alice.prove_again(&world, &session).await.unwrap();
    world.pass(STEP_MS);
    replace(&world, &session, set.clone()).await.unwrap();
    let ended = world.call(GetAccount, Some(&other), &Empty {}).await;
    assert_eq!(code(ended), ErrorCode::NotLoggedIn);
    // The same again has no effect, for its first answer may have been lost.
    // A12: another of that version, or an older one, is refused.
    replace(&world, &session, set).await.unwrap();
    let other_record = register(&world, "alice", "newer", Some(&session), None)
        .await
        .unwrap();
    for version in [1, 2] {
        let other = alice.unlockers(&other_record, version, |_| {});
        let refused = replace(&world, &session, other).await;
        assert_eq!(refused, Err(ErrorCode::Conflict), "{version}");
    }

    assert_eq!(
        code(alice.log_in(&world).await),
        ErrorCode::WrongCredentials
    );
    let alice = Person {
        password: "new".to_owned(),
        ..alice
    };
    alice.log_in(&world).await.unwrap();
    let kept = world
        .call(GetUnlockers, Some(&session), &Empty {})
        .await
        .unwrap();
    assert!(kept.password_record.0.is_empty());
    assert_eq!(kept.wraps.len(), 2);
}

/// Whoever has a session in wrong hands must not keep the owner from proving.
#[tokio::test]
pub(crate) async fn each_session_has_its_own_tries_at_a_proof() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    let other = alice.log_in(&world).await.unwrap().session.unwrap();
    world.pass(STEP_MS);
    let thief = Person {
        password: "a guess".to_owned(),
        ..alice.clone()
    };
    let mut refused = ErrorCode::WrongCredentials;
    while refused == ErrorCode::WrongCredentials {
        refused = code(thief.prove_again(&world, &other).await);
    }
    assert_eq!(refused, ErrorCode::RateLimited);
    alice.prove_again(&world, &alice.session).await.unwrap();
}

#[tokio::test]
pub(crate) async fn a12_only_the_account_itself_changes_its_unlockers() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    let session = alice.session.as_str();
    alice.prove_again(&world, session).await.unwrap();
    let record = register(&world, "alice", "new", Some(session), None)
        .await
        .unwrap();
    let set = |version, change: fn(&mut sv_ledger::unlock::UnlockersBody)| {
        alice.unlockers(&record, version, change)
    };
    let thief = Person {
        identity: SigningKey::from_bytes(&random()),
        ..alice.clone()
    };
    let mut other_record = set(2, |_| {});
    other_record.password_record = vec![2; 192].into();
    let mut other_wrap = set(2, |_| {});
    other_wrap.wraps[1].sealed = vec![3; 104].into();
    let mut short = set(2, |_| {});
    short.wraps.pop();
    let mut flipped = set(2, |_| {});
    flipped.unlockers.0[40] ^= 1;
    let rejected = [
        ("signature", thief.unlockers(&record, 2, |_| {})),
        ("account", set(2, |b| b.uid = sv_ledger::id::VaultId::ZERO)),
        ("generation", set(2, |b| b.generation = 2)),
        (
            "two passwords",
            set(2, |b| b.unlockers[1].kind = UnlockerKind::Password),
        ),
        ("no recovery", set(2, |b| b.unlockers.truncate(1))),
        (
            "wrap hash",
            set(2, |b| b.unlockers[0].wrap_hash = Hash::new([0; 32])),
        ),
        ("record", other_record),
        ("wrap", other_wrap),
        ("missing wrap", short),
        ("flipped bit", flipped),
    ];
    for (what, set) in rejected {
        let refused = replace(&world, session, set).await;
        assert_eq!(refused, Err(ErrorCode::Rejected), "{what}");
    }
    for version in [0, 1, 3, u64::MAX] {
        let refused = replace(&world, session, set(version, |_| {})).await;
        assert_eq!(refused, Err(ErrorCode::Conflict), "{version}");
    }
    let mut unknown = set(2, |_| {});
    unknown.wraps[0].unlocker_id = UnlockerId::new([9; 16]);
    assert_eq!(
        replace(&world, session, unknown).await,
        Err(ErrorCode::Rejected)
    );
    world.pass(STEP_MS);
    alice.log_in(&world).await.unwrap();
    replace(&world, session, set(2, |_| {})).await.unwrap();
}

#[tokio::test]
pub(crate) async fn the_recovery_key_and_a_code_replace_a_forgotten_password() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    let now = totp(&alice.totp, world.now_ms());
    let stranger = SigningKey::from_bytes(&random());
    let forged = alice.recover(&world, &stranger, now.clone()).await;
    assert_eq!(code(forged), ErrorCode::WrongCredentials);
    let no_code = alice
        .recover(&world, &alice.recovery, "000000".to_owned())
        .await;
    assert_eq!(code(no_code), ErrorCode::WrongCode);

    let login = alice.recover(&world, &alice.recovery, now).await.unwrap();
    assert_eq!(login.unlock.wrap.sealed.0, alice.wraps[1]);
    let session = login.session.as_deref().unwrap();
    let own = world
        .call(GetUnlockers, Some(session), &Empty {})
        .await
        .unwrap();
    assert_eq!(own.wraps.len(), 1);
    assert!(own.password_record.0.is_empty());

    let record = register(&world, "alice", "new", Some(session), None)
        .await
        .unwrap();
    replace(&world, session, alice.unlockers(&record, 2, |_| {}))
        .await
        .unwrap();
    let ended = world
        .call(GetAccount, Some(&alice.session), &Empty {})
        .await;
    assert_eq!(code(ended), ErrorCode::NotLoggedIn);
    world.pass(STEP_MS);
    let alice = Person {
        password: "new".to_owned(),
        ..alice
    };
    alice.log_in(&world).await.unwrap();
}

/// Whoever lost password and authenticator gets one reset code for both steps:
/// the recovery, and the log-in in which a new authenticator is set up.
#[tokio::test]
pub(crate) async fn a_reset_code_outlives_a_recovery() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    let accounts = world.app.accounts();
    let by = Administers::at_the_machine();
    let reset = accounts.reset_second_factor(&by, alice.uid).await;
    let reset = reset.unwrap().code;
    let login = alice.recover(&world, &alice.recovery, reset.clone()).await;
    let session = login.unwrap().session.unwrap();
    let record = register(&world, "alice", "new", Some(&session), None)
        .await
        .unwrap();
    replace(&world, &session, alice.unlockers(&record, 2, |_| {}))
        .await
        .unwrap();
    let alice = Person {
        password: "new".to_owned(),
        ..alice
    };
    let waiting = alice.prove(&world, "new").await.unwrap();
    let request = CodeRequest {
        code: reset,
        device_label: String::new(),
    };
    let login = world
        .call(LoginSecondFactor, Some(&waiting), &request)
        .await
        .unwrap();
    world
        .call(TotpStart, login.session.as_deref(), &Empty {})
        .await
        .unwrap();
    // And then it is spent.
    let waiting = alice.prove(&world, "new").await.unwrap();
    let again = world.call(LoginSecondFactor, Some(&waiting), &request);
    assert_eq!(code(again.await), ErrorCode::CodeUsed);
}

#[tokio::test]
pub(crate) async fn a_wrong_recovery_key_and_an_unknown_handle_look_the_same() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    let nobody = Person {
        handle: "nobody-here".to_owned(),
        ..alice.clone()
    };
    let now = totp(&alice.totp, world.now_ms());
    let unknown = nobody.recover(&world, &alice.recovery, now.clone()).await;
    let wrong_key = SigningKey::from_bytes(&random());
    let wrong = alice.recover(&world, &wrong_key, now).await;
    assert_eq!(unknown.err(), wrong.err());
}
