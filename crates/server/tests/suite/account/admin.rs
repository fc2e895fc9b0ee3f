//! Administration over HTTP, by accounts that may.

use sv_api::ErrorCode;
use sv_api::account::SignupPolicy;
use sv_api::admin::*;
use sv_api::endpoint::*;
use sv_api::wire::Empty;
use sv_ledger::id::{InvitationId, VaultId};
use sv_ledger::limits::INVITATION_TTL_MS;

use super::actor::{DAY_MS, Draft, Person, STEP_MS, World, code, register};

#[tokio::test]
pub(crate) async fn an_administrator_sees_people_and_never_what_they_store() {
    let world = World::open().await;
    let ada = Person::sign_up_to_administer(&world, "ada").await;
    let bob = Person::sign_up(&world, "bob").await;
    let session = Some(ada.session.as_str());
    let people = world.call(ListPeople, session, &Empty {}).await.unwrap();
    let handles: Vec<_> = people.people.iter().map(|p| p.handle.as_str()).collect();
    assert_eq!(handles, ["ada", "bob"]);
    let seen = &people.people[1];
    assert_eq!((seen.uid, seen.administrator), (bob.uid, false));
    assert!(people.people[0].administrator);
    assert!(seen.used_bytes > 0 && seen.quota_bytes.is_none());
    assert!(seen.last_seen_ms.is_some() && seen.has_authenticator && !seen.disabled);
    let status = world
        .call(GetServerStatus, session, &Empty {})
        .await
        .unwrap();
    assert_eq!((status.people, status.disabled, status.vaults), (2, 0, 4));
    let used: u64 = people.people.iter().map(|p| p.used_bytes).sum();
    assert_eq!(status.used_bytes, used);
    assert_eq!(status.signup, SignupPolicy::Open);
    // Bob's drive is as far away as for anybody else.
    let drive = GetCheckpoint { vault: bob.drive };
    let refused = world.call(drive, session, &Empty {}).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::NotFound);
}

#[tokio::test]
pub(crate) async fn quotas_and_locks_take_effect_and_an_administrator_keeps_itself() {
    let world = World::open().await;
    let ada = Person::sign_up_to_administer(&world, "ada").await;
    let bob = Person::sign_up(&world, "bob").await;
    let session = Some(ada.session.as_str());
    let quota = SetQuota {
        quota_bytes: Some(5_000_000),
    };
    let person = SetPersonQuota { person: bob.uid };
    world.call(person, session, &quota).await.unwrap();
    let status = world.call(GetAccount, Some(&bob.session), &Empty {}).await;
    assert_eq!(status.unwrap().quota_bytes, Some(5_000_000));

    let lock = |disabled| SetDisabled { disabled };
    let person = SetPersonDisabled { person: bob.uid };
    world.call(person, session, &lock(true)).await.unwrap();
    let ended = world.call(GetAccount, Some(&bob.session), &Empty {}).await;
    assert_eq!(code(ended), ErrorCode::NotLoggedIn);
    let refused = bob.prove(&world, &bob.password).await;
    assert_eq!(code(refused), ErrorCode::AccountDisabled);
    world.call(person, session, &lock(false)).await.unwrap();
    assert!(bob.log_in(&world).await.is_ok());

    let own = SetPersonDisabled { person: ada.uid };
    let refused = world.call(own, session, &lock(true)).await;
    assert_eq!(code(refused), ErrorCode::BadRequest);
    let nobody = SetPersonDisabled {
        person: VaultId::new([9; 32]),
    };
    let refused = world.call(nobody, session, &lock(true)).await;
    assert_eq!(code(refused), ErrorCode::NotFound);

    // Who is locked out administers no more.
    let by = sv_server::service::account::Administers::at_the_machine();
    let accounts = world.app.accounts();
    accounts.set_disabled(&by, ada.uid, true).await.unwrap();
    let refused = world.call(ListPeople, session, &Empty {}).await;
    assert_eq!(code(refused), ErrorCode::NotLoggedIn);
}

#[tokio::test]
pub(crate) async fn what_gives_an_account_away_wants_a_fresh_proof() {
    let world = World::open().await;
    let ada = Person::sign_up_to_administer(&world, "ada").await;
    let bob = Person::sign_up(&world, "bob").await;
    let session = Some(ada.session.as_str());
    let reset = ResetPersonSecondFactor { person: bob.uid };
    let invite = |administrator| NewInvitation {
        administrator,
        lives_ms: DAY_MS,
    };
    let refused = world.call(reset, session, &Empty {}).await;
    assert_eq!(code(refused), ErrorCode::ProofRequired);
    let refused = world.call(CreateInvitation, session, &invite(true)).await;
    assert_eq!(code(refused), ErrorCode::ProofRequired);
    assert!(
        world
            .call(CreateInvitation, session, &invite(false))
            .await
            .is_ok()
    );

    ada.prove_again(&world, &ada.session).await.unwrap();
    assert!(
        world
            .call(CreateInvitation, session, &invite(true))
            .await
            .is_ok()
    );
    let reset = world.call(reset, session, &Empty {}).await.unwrap();
    let ended = world.call(GetAccount, Some(&bob.session), &Empty {}).await;
    assert_eq!(code(ended), ErrorCode::NotLoggedIn);
    let waiting = bob.prove(&world, &bob.password).await.unwrap();
    world.pass(STEP_MS);
    let wrong = bob.code(&world);
    let wrong = world.call(LoginSecondFactor, Some(&waiting), &wrong).await;
    assert_eq!(code(wrong), ErrorCode::WrongCode);
    let right = sv_api::account::CodeRequest {
        code: reset.code,
        device_label: String::new(),
    };
    let login = world.call(LoginSecondFactor, Some(&waiting), &right);
    assert!(login.await.is_ok());
}

#[tokio::test]
pub(crate) async fn invitations_are_listed_revoked_and_end() {
    let world = World::with_policy(SignupPolicy::Invite).await;
    let ada = Person::sign_up_to_administer(&world, "ada").await;
    let session = Some(ada.session.as_str());
    let new = |lives_ms| NewInvitation {
        administrator: false,
        lives_ms,
    };
    for lives_ms in [0, 59_999, INVITATION_TTL_MS + 1, u64::MAX] {
        let refused = world.call(CreateInvitation, session, &new(lives_ms)).await;
        assert_eq!(code(refused), ErrorCode::BadRequest, "{lives_ms}");
    }
    let make = async |days| {
        let new = new(days * DAY_MS);
        world.call(CreateInvitation, session, &new).await.unwrap()
    };
    let (first, second, third) = (make(3).await, make(2).await, make(1).await);
    let list = async || {
        let list = world.call(ListInvitations, session, &Empty {}).await;
        let list = list.unwrap().invitations;
        list.into_iter()
            .map(|i| (i.invitation_id, i.is_taken))
            .collect::<Vec<_>>()
    };
    let [one, two, three] = [&first, &second, &third].map(|i| i.invitation_id);
    assert_eq!(list().await, [(three, false), (two, false), (one, false)]);

    let revoke = |invitation| world.call(RevokeInvitation { invitation }, session, &Empty {});
    revoke(two).await.unwrap();
    let refused = register(&world, "bob", "pw", None, Some(second.code)).await;
    assert_eq!(code(refused), ErrorCode::InviteRequired);
    for gone in [two, InvitationId::new([7; 16])] {
        let refused = world.call(RevokeInvitation { invitation: gone }, session, &Empty {});
        assert_eq!(code(refused.await), ErrorCode::NotFound);
    }
    // Somebody is on the way with it.
    let draft = Draft::new(&world, "bob", Some(first.code)).await;
    world
        .call(SignupFinish, None, &draft.request)
        .await
        .unwrap();
    assert_eq!(list().await, [(three, false), (one, true)]);
    let refused = world.call(RevokeInvitation { invitation: one }, session, &Empty {});
    assert_eq!(code(refused.await), ErrorCode::NotFound);
    world.pass(DAY_MS);
    world.app.accounts().expire().await.unwrap();
    // Not confirmed in time: given back.
    assert_eq!(list().await, [(one, false)]);
}
