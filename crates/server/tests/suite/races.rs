//! What several do at once that only one may do, and what must not be lost
//! when two touch it. On SQLite units of work stand in line; a server runs
//! them side by side, so these races are run there.

use std::time::Duration;

use futures::future::join_all;
use sv_api::ErrorCode;
use sv_api::account::{ReplaceUnlockersRequest, SignupPolicy};
use sv_api::endpoint::*;
use sv_api::wire::Empty;
use sv_backends::sql::Engine;
use sv_ledger::limits::BLOCK_GRACE_MS;
use sv_server::db::Database;
use sv_server::service::vault::{Read, Write};
use sv_server::service::{Error, quota};
use sv_server::store::leases;

use crate::account::actor::{Draft, Person, STEP_MS, World as People, code, register};
use crate::account::limits::try_once;
use crate::append::append;
use crate::author::{Put, content, content_id, node, sealed};
use crate::stage;
use crate::world::World;

#[tokio::test]
pub(crate) async fn of_many_uploads_at_once_no_more_fit_than_fit() {
    let world = World::new().await;
    let (person, _) = world.person(1).await;
    let block = sealed(100_000, 1);
    let room = world.charged(person.uid).await + 2 * block.len() as u64 + 1000;
    let limit = || async {
        let mut write = world.db.write().await?;
        quota::set_limit(&mut write, person.uid, room).await?;
        Ok::<_, Error>(write.commit().await?)
    };
    world.db.retry(limit).await.unwrap();
    let puts = (0..8).map(|n| world.put(person.uid, content_id(n), 0, &block));
    let outcomes = join_all(puts).await;
    assert_eq!(outcomes.iter().filter(|o| o.is_ok()).count(), 2);
    for refused in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(refused.code(), ErrorCode::QuotaExceeded);
    }
    assert_eq!(world.used(person.uid).await, 2 * block.len() as u64);
    world.assert_whole().await;
}

#[tokio::test]
pub(crate) async fn of_many_that_take_an_invitation_at_once_one_signs_up() {
    let world = People::with_policy(SignupPolicy::Invite).await;
    let code = world.app.accounts().invite(false, 60_000).await.unwrap();
    let mut drafts = Vec::new();
    for name in ["ann", "ben", "cat", "dan"] {
        drafts.push(Draft::new(&world, name, Some(code.clone())).await);
    }
    let finishes = drafts
        .iter()
        .map(|draft| world.call(SignupFinish, None, &draft.request));
    let outcomes = join_all(finishes).await;
    assert_eq!(outcomes.iter().filter(|o| o.is_ok()).count(), 1);
    for refused in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(refused.code, ErrorCode::InviteRequired);
    }
}

#[tokio::test]
pub(crate) async fn of_many_that_want_a_handle_at_once_one_gets_it() {
    let world = People::open().await;
    let mut drafts = Vec::new();
    for _ in 0..4 {
        drafts.push(Draft::new(&world, "ann", None).await);
    }
    let finishes = drafts
        .iter()
        .map(|draft| world.call(SignupFinish, None, &draft.request));
    let outcomes = join_all(finishes).await;
    assert_eq!(outcomes.iter().filter(|o| o.is_ok()).count(), 1);
    for refused in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(refused.code, ErrorCode::HandleTaken);
    }
}

#[tokio::test]
pub(crate) async fn tries_at_once_are_all_counted() {
    let world = People::open().await;
    Person::sign_up(&world, "ann").await;
    let tries = (0..25).map(|_| try_once(&world, [203, 0, 113, 1], "ann", None));
    let answers = join_all(tries).await;
    assert_eq!(answers.iter().filter(|a| a.status == 200).count(), 10);
    assert_eq!(answers.iter().filter(|a| a.status == 429).count(), 15);
}

#[tokio::test]
pub(crate) async fn a_lease_has_one_holder_however_many_want_it() {
    let world = World::new().await;
    let claims = (0..8).map(|n| {
        let db = world.db.clone();
        async move { db.retry(|| claim(&db, [n; 16])).await }
    });
    let held = join_all(claims).await;
    let held: Vec<bool> = held.into_iter().map(Result::unwrap).collect();
    assert_eq!(held.into_iter().filter(|held| *held).count(), 1);
}

async fn claim(db: &Database, holder: [u8; 16]) -> Result<bool, Error> {
    let mut write = db.write().await?;
    let name = leases::BLOCK_REMOVAL;
    let held = leases::claim(&mut write, name, holder, 0, 1000).await?;
    write.commit().await?;
    Ok(held)
}

#[tokio::test]
pub(crate) async fn new_backup_codes_at_once_leave_one_set() {
    let world = People::open().await;
    let ann = Person::sign_up(&world, "ann").await;
    ann.prove_again(&world, &ann.session).await.unwrap();
    let requests = (0..6).map(|_| world.call(NewBackupCodes, Some(&ann.session), &Empty {}));
    for done in join_all(requests).await {
        done.unwrap();
    }
    let status = world.call(GetAccount, Some(&ann.session), &Empty {}).await;
    assert_eq!(status.unwrap().backup_codes_left, 10);
}

/// A log-in by the old password that ends while the password changes leaves no
/// session behind: either it was too late, or its session ended with the rest.
/// Fails if the change does not lock the account that the log-in is of.
#[tokio::test]
pub(crate) async fn a_log_in_beside_a_change_of_password_leaves_nothing() {
    let world = People::open().await;
    let ann = Person::sign_up(&world, "ann").await;
    let other = ann.log_in(&world).await.unwrap().session;
    world.pass(STEP_MS);
    ann.prove_again(&world, &ann.session).await.unwrap();
    let record = register(&world, "ann", "new", Some(&ann.session), None)
        .await
        .unwrap();
    let change = ReplaceUnlockersRequest {
        unlock: ann.unlockers(&record, 2, |_| {}),
    };
    world.pass(STEP_MS);
    let waiting = ann.prove(&world, &ann.password).await.unwrap();
    let now = ann.code(&world);
    let proofs = (0..4).map(|_| ann.prove(&world, &ann.password));
    let (changed, completed, proved) = futures::future::join3(
        world.call(ReplaceUnlockers, Some(&ann.session), &change),
        world.call(LoginSecondFactor, Some(&waiting), &now),
        join_all(proofs),
    )
    .await;
    changed.unwrap();
    match completed {
        Ok(login) => expect_over(&world, &login.session).await,
        Err(refused) => assert_eq!(refused.code, ErrorCode::NotLoggedIn),
    }
    for proof in proved {
        match proof {
            Ok(session) => {
                let late = world.call(LoginSecondFactor, Some(&session), &now).await;
                assert_eq!(code(late), ErrorCode::NotLoggedIn);
            }
            Err(refused) => assert_eq!(refused.code, ErrorCode::WrongCredentials),
        }
    }
    expect_over(&world, &other).await;
    let status = world.call(GetAccount, Some(&ann.session), &Empty {}).await;
    status.unwrap();
}

async fn expect_over(world: &People, session: &str) {
    let status = world.call(GetAccount, Some(session), &Empty {}).await;
    assert_eq!(code(status), ErrorCode::NotLoggedIn);
}

#[tokio::test]
pub(crate) async fn a_content_dropped_and_taken_up_at_once_stays() {
    let world = World::new().await;
    let (person, mut log) = world.person(1).await;
    for round in 0..6 {
        let block = sealed(100_000, 1);
        let added = content(round, &[&block]);
        let id = content_id(round);
        world.put(person.uid, id, 0, &block).await.unwrap();
        let put = Put::new(2 * round, "a").adding(added);
        let request = log.request(vec![put], &[], world.now_ms());
        append(&world, &mut log, request).await;
        let request = log.request(vec![], &[node(2 * round)], world.now_ms());
        append(&world, &mut log, request).await;
        world.pass(BLOCK_GRACE_MS);

        let put = Put::new(2 * round + 1, "b").adding(added);
        let request = log.request(vec![put], &[], world.now_ms());
        let access = world.writer(&log).await;
        let taken_up = world.vaults.append(&access, request.clone());
        let (taken_up, collected) = futures::future::join(taken_up, world.jobs.run()).await;
        collected.unwrap();
        match taken_up {
            Ok(_) => log.accept(&request.entry),
            Err(refused) => assert_eq!(refused.code(), ErrorCode::BlocksMissing),
        }
        world.assert_whole().await;
    }
}

/// Appends until all is appended, whatever breaks meanwhile: some of it
/// during a commit, whose answer is lost then, and which was kept or not.
/// Either way every entry is there once.
async fn append_while(world: &World, breaking: impl Future<Output = ()>) {
    const ROUNDS: u32 = 40;
    let (person, mut log) = world.person(1).await;
    let busy = async {
        for round in 0..ROUNDS {
            let put = Put::new(round, "a").inline(round, sealed(1000, 1));
            let request = log.request(vec![put], &[], world.now_ms());
            loop {
                let access = world.vaults.authorise::<Write>(person.uid, log.vault_id());
                let appended = match access.await {
                    Ok(access) => world.vaults.append(&access, request.clone()).await,
                    Err(error) => Err(error),
                };
                match appended {
                    Ok(_) => break,
                    Err(error) => assert_eq!(error.code(), ErrorCode::Unavailable, "{error}"),
                }
            }
            log.accept(&request.entry);
        }
    };
    tokio::select! {
        () = busy => {}
        () = breaking => unreachable!("it goes on for ever"),
    }
    let access = world.vaults.authorise::<Read>(person.uid, log.vault_id());
    let read = access.await.unwrap();
    let entries = world.vaults.entries(&read, 1).await.unwrap().entries;
    assert_eq!(entries.len(), 1 + ROUNDS as usize);
    assert_eq!(entries.last().unwrap().hash(), log.state.head.hash);
    let used = u64::from(ROUNDS) * sealed(1000, 1).len() as u64;
    assert_eq!(world.used(person.uid).await, used);
    world.assert_whole().await;
}

#[test]
fn entries_are_there_once_however_often_connections_break() {
    stage::on(Engine::MariaDb, || {
        stage::runtime().block_on(async {
            let world = World::new().await;
            let server = world.server.as_ref().unwrap();
            let breaking = async {
                loop {
                    server.break_connections().await;
                    tokio::time::sleep(Duration::from_millis(15)).await;
                }
            };
            append_while(&world, breaking).await;
        });
    });
}

#[test]
fn entries_are_there_once_however_often_the_database_is_killed() {
    stage::on_own(&[], |server| {
        stage::runtime().block_on(async {
            let world = World::new().await;
            let breaking = async {
                loop {
                    // Some work is under way again by then, or soon is.
                    tokio::time::sleep(Duration::from_millis(80)).await;
                    server.restart().await;
                }
            };
            append_while(&world, breaking).await;
        });
    });
}

/// There MariaDB answers 1020 where a row has changed since it was read.
#[test]
fn the_races_end_as_well_under_snapshot_isolation() {
    stage::on_own(&["--innodb-snapshot-isolation=ON"], |_| {
        of_many_uploads_at_once_no_more_fit_than_fit();
        of_many_that_take_an_invitation_at_once_one_signs_up();
        of_many_that_want_a_handle_at_once_one_gets_it();
        tries_at_once_are_all_counted();
        new_backup_codes_at_once_leave_one_set();
        a_log_in_beside_a_change_of_password_leaves_nothing();
        a_content_dropped_and_taken_up_at_once_stays();
        crate::account::second_factor::of_sixteen_that_give_one_code_at_once_one_wins();
        crate::append::of_two_that_race_one_wins();
        crate::collection::jobs_beside_appends_and_uploads_disturb_neither();
    });
}
