//! Sign-up, log-in, sessions, recovery: as people do them.

use sv_api::ErrorCode;
use sv_api::account::{SignupPolicy, SignupStartRequest};
use sv_api::endpoint::*;
use sv_api::wire::Empty;
use sv_ledger::limits::{SESSION_TTL_MS, SIGNUP_TTL_MS};
use sv_server::service::account::Administers;

use super::actor::{Draft, Person, STEP_MS, World, code, register};

#[tokio::test]
pub(crate) async fn sign_up_and_log_in() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    let vaults = world
        .call(ListVaults, Some(&alice.session), &Empty {})
        .await;
    let mut ids: Vec<_> = vaults.unwrap().vaults.iter().map(|v| v.vault_id).collect();
    let mut own = [alice.uid, alice.drive];
    ids.sort();
    own.sort();
    assert_eq!(ids, own);

    let login = alice.log_in(&world).await.unwrap();
    assert_eq!(login.unlock.uid, alice.uid);
    assert_eq!(login.unlock.wrap.sealed.0, alice.wraps[0]);
    let status = world
        .call(GetAccount, login.session.as_deref(), &Empty {})
        .await
        .unwrap();
    assert_eq!(
        (status.handle.as_str(), status.backup_codes_left),
        ("alice", 10)
    );
    assert_eq!((status.quota_bytes, status.administrator), (None, false));

    let wrong = alice.prove(&world, "wrong").await;
    assert_eq!(code(wrong), ErrorCode::WrongCredentials);
}

#[tokio::test]
pub(crate) async fn a_spelling_of_a_handle_is_the_same_account() {
    let world = World::open().await;
    Person::sign_up(&world, "zoë").await;
    let taken = register(&world, "ZOË", "pw", None, None).await;
    assert_eq!(code(taken), ErrorCode::HandleTaken);
}

#[tokio::test]
pub(crate) async fn an_unconfirmed_sign_up_is_forgotten() {
    let world = World::open().await;
    let draft = Draft::new(&world, "alice", None).await;
    let finished = world
        .call(SignupFinish, None, &draft.request)
        .await
        .unwrap();
    assert_eq!(
        code(register(&world, "alice", "pw", None, None).await),
        ErrorCode::HandleTaken
    );

    // A retry of the same request is a new attempt, and ends the earlier one.
    let again = world
        .call(SignupFinish, None, &draft.request)
        .await
        .unwrap();
    let right = draft.person.code_of(&finished.totp.secret, &world);
    let old = world.call(SignupConfirm, finished.session.as_deref(), &right);
    assert_eq!(code(old.await), ErrorCode::NotLoggedIn);

    world.pass(SIGNUP_TTL_MS);
    let right = draft.person.code_of(&again.totp.secret, &world);
    let late = world.call(SignupConfirm, again.session.as_deref(), &right);
    assert_eq!(code(late.await), ErrorCode::NotLoggedIn);
    Person::sign_up(&world, "alice").await;
}

#[tokio::test]
pub(crate) async fn a_sign_up_that_does_not_fit_together_is_refused() {
    let world = World::open().await;
    let other = Draft::new(&world, "other", None).await;
    let fresh = || async { Draft::new(&world, "alice", None).await.request };

    let mut wrong_handle = fresh().await;
    wrong_handle.handle = "bob".to_owned();
    let mut foreign_drive = fresh().await;
    foreign_drive.drive = other.request.drive.clone();
    let mut foreign_unlockers = fresh().await;
    foreign_unlockers.unlock = other.request.unlock.clone();
    let mut foreign_wrap = fresh().await;
    foreign_wrap.unlock.wraps[0].sealed = vec![0; 104].into();
    let mut swapped = fresh().await;
    std::mem::swap(&mut swapped.account, &mut swapped.drive);
    let mut second_version = fresh().await;
    let record = other.request.unlock.password_record.0.clone();
    second_version.unlock = other.person.unlockers(&record, 2, |_| {});
    let mut no_envelope = fresh().await;
    no_envelope.drive.bodies.clear();

    for (what, request) in [
        ("handle", wrong_handle),
        ("drive", foreign_drive),
        ("unlockers", foreign_unlockers),
        ("wrap", foreign_wrap),
        ("kinds", swapped),
        ("version", second_version),
        ("envelope", no_envelope),
    ] {
        let refused = code(world.call(SignupFinish, None, &request).await);
        assert_eq!(refused, ErrorCode::Rejected, "{what}");
    }
    // Nothing of it stayed.
    Person::sign_up(&world, "alice").await;
}

#[tokio::test]
pub(crate) async fn invitations_work_once_and_the_first_makes_an_administrator() {
    let world = World::with_policy(SignupPolicy::Invite).await;
    let accounts = world.app.accounts();
    let refused = register(&world, "alice", "pw", None, None).await;
    assert_eq!(code(refused), ErrorCode::InviteRequired);

    let earlier = accounts
        .invite_first_administrator()
        .await
        .unwrap()
        .unwrap();
    let first = accounts
        .invite_first_administrator()
        .await
        .unwrap()
        .unwrap();
    let stale = register(&world, "alice", "pw", None, Some(earlier)).await;
    assert_eq!(code(stale), ErrorCode::InviteRequired);

    let draft = Draft::new(&world, "alice", Some(first.clone())).await;
    let alice = draft.confirm(&world).await.unwrap();
    let status = world
        .call(GetAccount, Some(&alice.session), &Empty {})
        .await;
    assert!(status.unwrap().administrator);
    assert_eq!(accounts.invite_first_administrator().await.unwrap(), None);
    let again = register(&world, "bob", "pw", None, Some(first)).await;
    assert_eq!(code(again), ErrorCode::InviteRequired);

    // An abandoned sign-up gives its invitation back.
    let by = Administers::at_the_machine();
    let invite = accounts.invite(&by, false, 24 * 60 * 60 * 1000).await;
    let invite = invite.unwrap().code;
    let abandoned = Draft::new(&world, "bob", Some(invite.clone())).await;
    world
        .call(SignupFinish, None, &abandoned.request)
        .await
        .unwrap();
    world.pass(SIGNUP_TTL_MS);
    accounts.expire().await.unwrap();
    let carol = Draft::new(&world, "carol", Some(invite))
        .await
        .confirm(&world)
        .await
        .unwrap();
    let status = world
        .call(GetAccount, Some(&carol.session), &Empty {})
        .await;
    assert!(!status.unwrap().administrator);
}

#[tokio::test]
pub(crate) async fn a_closed_server_takes_nobody() {
    let world = World::with_policy(SignupPolicy::Closed).await;
    let request = SignupStartRequest {
        handle: "alice".to_owned(),
        invite: None,
        registration_request: vec![0; 32].into(),
    };
    let refused = world.call(SignupStart, None, &request).await;
    assert_eq!(code(refused), ErrorCode::SignupClosed);
}

#[tokio::test]
pub(crate) async fn sessions_end_by_log_out_revocation_and_time() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    let bob = Person::sign_up(&world, "bob").await;
    let second = alice.log_in(&world).await.unwrap().session.unwrap();
    let list = world
        .call(ListSessions, Some(&second), &Empty {})
        .await
        .unwrap()
        .sessions;
    assert_eq!(list.len(), 2);
    assert_eq!(list.iter().filter(|s| s.current).count(), 1);

    let first = list.iter().find(|s| !s.current).unwrap().session_id;
    let end = EndSession { session: first };
    let foreign = world.call(end, Some(&bob.session), &Empty {}).await;
    assert_eq!(code(foreign), ErrorCode::NotFound);
    world.call(end, Some(&second), &Empty {}).await.unwrap();
    let ended = world
        .call(GetAccount, Some(&alice.session), &Empty {})
        .await;
    assert_eq!(code(ended), ErrorCode::NotLoggedIn);

    world.call(Logout, Some(&second), &Empty {}).await.unwrap();
    let ended = world.call(GetAccount, Some(&second), &Empty {}).await;
    assert_eq!(code(ended), ErrorCode::NotLoggedIn);

    // Use keeps a session alive; without it, it ends.
    for _ in 0..3 {
        world.pass(SESSION_TTL_MS - STEP_MS - 1);
        world
            .call(ListSessions, Some(&bob.session), &Empty {})
            .await
            .unwrap();
    }
    world.pass(SESSION_TTL_MS);
    let ended = world
        .call(ListSessions, Some(&bob.session), &Empty {})
        .await;
    assert_eq!(code(ended), ErrorCode::NotLoggedIn);
}

#[tokio::test]
pub(crate) async fn a_disabled_account_is_locked_out_and_let_in_again() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    let accounts = world.app.accounts();
    let by = Administers::at_the_machine();
    accounts.set_disabled(&by, alice.uid, true).await.unwrap();
    let ended = world
        .call(ListVaults, Some(&alice.session), &Empty {})
        .await;
    assert_eq!(code(ended), ErrorCode::NotLoggedIn);
    assert_eq!(code(alice.log_in(&world).await), ErrorCode::AccountDisabled);
    let guess = alice.prove(&world, "guess").await;
    assert_eq!(code(guess), ErrorCode::WrongCredentials);
    accounts.set_disabled(&by, alice.uid, false).await.unwrap();
    alice.log_in(&world).await.unwrap();
}

#[tokio::test]
pub(crate) async fn everything_survives_a_restart() {
    let mut world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    let instance = world.instance().await.instance_id;
    world.restart().await;
    assert_eq!(world.instance().await.instance_id, instance);
    world
        .call(GetAccount, Some(&alice.session), &Empty {})
        .await
        .unwrap();
    alice.log_in(&world).await.unwrap();
}
