//! The end of an account, as its owner asks for it.

use sv_api::ErrorCode;
use sv_api::endpoint::*;
use sv_api::wire::Empty;
use sv_ledger::limits::DELETION_GRACE_MS;
use sv_server::args;
use sv_server::db::Query;

use super::actor::{Person, STEP_MS, World, code};

async fn ask(world: &World, person: &Person, session: &str) -> u64 {
    person.prove_again(world, session).await.unwrap();
    world.pass(STEP_MS);
    let answer = world.call(DeleteAccount, Some(session), &Empty {}).await;
    answer.unwrap().deleted_from_ms
}

async fn rows(world: &World, sql: &'static str) -> u64 {
    let mut read = world.app.db().read().await.unwrap();
    let row = read.lookup(sql, args![]).await.unwrap();
    row.unwrap().take(0).unwrap()
}

#[tokio::test]
pub(crate) async fn a_deletion_wants_a_proof_ends_all_sessions_and_is_called_off_by_a_log_in() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    let other = alice.log_in(&world).await.unwrap();
    assert!(!other.called_off_deletion);
    world.pass(STEP_MS);
    let refused = world.call(DeleteAccount, Some(&alice.session), &Empty {});
    assert_eq!(code(refused.await), ErrorCode::ProofRequired);

    let waiting = alice.prove(&world, &alice.password).await.unwrap();
    let from_ms = ask(&world, &alice, &alice.session).await;
    assert_eq!(from_ms, world.now_ms() + DELETION_GRACE_MS);
    for session in [Some(alice.session.as_str()), other.session.as_deref()] {
        let ended = world.call(GetAccount, session, &Empty {}).await;
        assert_eq!(code(ended), ErrorCode::NotLoggedIn);
    }
    // A log-in that was under way has ended too: only a new one calls it off.
    let late = alice.code(&world);
    let late = world.call(LoginSecondFactor, Some(&waiting), &late).await;
    assert_eq!(code(late), ErrorCode::NotLoggedIn);

    world.pass(DELETION_GRACE_MS - 1);
    let report = world.app.jobs().run().await.unwrap();
    assert_eq!(report.deleted_accounts, 0);
    let login = alice.log_in(&world).await.unwrap();
    assert!(login.called_off_deletion);
    world.pass(STEP_MS);
    let report = world.app.jobs().run().await.unwrap();
    assert_eq!((report.deleted_accounts, report.removed_vaults), (0, 0));
    let drive = GetMembership {
        vault: alice.drive,
        of: alice.drive,
        from: 0,
    };
    let session = login.session.as_deref();
    assert!(world.call(drive, session, &Empty {}).await.is_ok());
}

#[tokio::test]
pub(crate) async fn a_deleted_account_leaves_nothing_but_its_neighbours() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    let bob = Person::sign_up(&world, "bob").await;
    let tables: [&'static str; 12] = [
        "SELECT COUNT(*) FROM accounts",
        "SELECT COUNT(*) FROM wraps",
        "SELECT COUNT(*) FROM backup_codes",
        "SELECT COUNT(*) FROM sessions",
        "SELECT COUNT(*) FROM devices",
        "SELECT COUNT(*) FROM quotas",
        "SELECT COUNT(*) FROM vaults",
        "SELECT COUNT(*) FROM members",
        "SELECT COUNT(*) FROM entries",
        "SELECT COUNT(*) FROM bodies",
        "SELECT COUNT(*) FROM leaves",
        "SELECT COUNT(*) FROM removed_vaults",
    ];
    let mut both = Vec::new();
    for sql in tables {
        both.push(rows(&world, sql).await);
    }
    ask(&world, &alice, &alice.session).await;
    world.pass(DELETION_GRACE_MS);
    let report = world.app.jobs().run().await.unwrap();
    assert_eq!((report.deleted_accounts, report.removed_vaults), (1, 2));
    for (sql, before) in tables.into_iter().zip(both) {
        assert_eq!(rows(&world, sql).await * 2, before, "{sql}");
    }
    assert_eq!(rows(&world, "SELECT COUNT(*) FROM logins").await, 0);

    // Nobody, as if there had never been one.
    let refused = alice.prove(&world, &alice.password).await;
    assert_eq!(code(refused), ErrorCode::WrongCredentials);
    assert!(bob.log_in(&world).await.is_ok());
    Person::sign_up(&world, "alice").await;
    let again = world.app.jobs().run().await.unwrap();
    assert_eq!((again.deleted_accounts, again.removed_vaults), (0, 0));
}
