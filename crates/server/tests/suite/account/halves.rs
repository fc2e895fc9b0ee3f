//! The half of a root key's box that a session keeps.

use sv_api::ErrorCode;
use sv_api::account::SessionHalf;
use sv_api::endpoint::*;
use sv_api::wire::Empty;

use super::actor::{Person, World, code};

const HALF: [u8; 32] = [0xa7; 32];

fn half(bytes: &[u8]) -> SessionHalf {
    SessionHalf {
        half: bytes.to_vec().into(),
    }
}

/// It comes back to the session that gave it, to no other of the same person,
/// and never after that session.
#[tokio::test]
pub(crate) async fn a_half_is_of_one_session_and_ends_with_it() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    let first = alice.session.clone();
    let second = alice.log_in(&world).await.unwrap().session.unwrap();
    let ask = async |token: &str| world.call(GetSessionHalf, Some(token), &Empty {}).await;

    assert_eq!(code(ask(&first).await), ErrorCode::NotFound);
    let request = half(&HALF);
    let kept = world.call(KeepSessionHalf, Some(&first), &request);
    let kept = kept.await.unwrap();
    assert_eq!(ask(&first).await.unwrap().half.0, HALF);
    assert_eq!(code(ask(&second).await), ErrorCode::NotFound);
    let list = world.call(ListSessions, Some(&first), &Empty {});
    let list = list.await.unwrap().sessions;
    let own = list.iter().find(|row| row.current).unwrap();
    assert_eq!(own.session_id, kept.session_id);

    for wrong in [&HALF[..31], &[], &[0xa7; 33][..]] {
        let request = half(wrong);
        let refused = world.call(KeepSessionHalf, Some(&first), &request).await;
        assert_eq!(code(refused), ErrorCode::BadRequest);
    }
    assert_eq!(ask(&first).await.unwrap().half.0, HALF);

    let session = kept.session_id;
    world
        .call(EndSession { session }, Some(&second), &Empty {})
        .await
        .unwrap();
    assert_eq!(code(ask(&first).await), ErrorCode::NotLoggedIn);
}

/// A copy of the database holds it sealed.
#[tokio::test]
pub(crate) async fn a_half_is_not_in_a_stolen_database() {
    use sv_server::db::Query;
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    let request = half(&HALF);
    let kept = world.call(KeepSessionHalf, Some(&alice.session), &request);
    kept.await.unwrap();
    let mut read = world.app.db().read().await.unwrap();
    let sql = "SELECT half FROM sessions WHERE half IS NOT NULL";
    let mut row = read.lookup(sql, vec![]).await.unwrap().unwrap();
    let stored: Vec<u8> = row.take(0).unwrap();
    assert!(stored.len() > HALF.len());
    assert!(!stored.windows(8).any(|bytes| bytes == &HALF[..8]));
}
