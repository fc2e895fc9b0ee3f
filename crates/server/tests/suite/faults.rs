//! What is not done again: what would fail again, and what fails too often.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sv_api::ErrorCode;
use sv_server::db::faults::{Fault, Faults, Point};
use sv_server::jobs::Jobs;
use sv_server::random::Random;
use sv_server::service::vault::{Vaults, Write};

use crate::author::Put;
use crate::world::World;

/// Fails whenever an entry is written.
#[derive(Debug)]
struct Always {
    fault: Fault,
    times: AtomicUsize,
}

impl Faults for Always {
    fn strike(&self, point: Point<'_>) -> Option<Fault> {
        let Point::Statement(sql, _) = point else {
            return None;
        };
        sql.contains("INTO entries").then(|| {
            self.times.fetch_add(1, Ordering::Relaxed);
            self.fault
        })
    }
}

#[tokio::test]
async fn what_would_fail_again_is_not_done_again() {
    for (fault, code, times) in [
        (Fault::Number(8004), ErrorCode::TooLarge, 1),
        (Fault::Number(8025), ErrorCode::TooLarge, 1),
        (Fault::Number(8175), ErrorCode::TooLarge, 1),
        (Fault::Number(1153), ErrorCode::TooLarge, 1),
        (Fault::Number(8252), ErrorCode::Unavailable, 1),
        (Fault::Number(1040), ErrorCode::Unavailable, 1),
        (Fault::Number(1114), ErrorCode::StorageFull, 1),
        (Fault::Number(1064), ErrorCode::Internal, 1),
        (Fault::Number(9007), ErrorCode::Unavailable, 8),
        (Fault::Lost, ErrorCode::Unavailable, 8),
    ] {
        let world = World::new().await;
        let (person, log) = world.person(1).await;
        let always = Arc::new(Always {
            fault,
            times: AtomicUsize::new(0),
        });
        let (clock, random) = (world.clock.clone(), Random::system());
        let db = world.db.clone().failing(always.clone());
        let vaults = Vaults::new(
            db.clone(),
            world.blocks.clone(),
            clock.clone(),
            random.clone(),
        );
        let access = vaults.authorise::<Write>(person.uid, log.vault_id());
        let access = access.await.unwrap();
        let request = log.request(vec![Put::new(1, "a")], &[], world.now_ms());
        let refused = vaults.append(&access, request.clone()).await.unwrap_err();
        assert_eq!(refused.code(), code, "{fault:?}");
        assert_eq!(always.times.load(Ordering::Relaxed), times, "{fault:?}");
        let must_wait = fault == Fault::Number(8252);
        assert_eq!(refused.to_api().retry_after_ms.is_some(), must_wait);
        // Nothing was kept, and nothing is in the way of the same again.
        Jobs::new(db, world.blocks.clone(), clock, random)
            .run()
            .await
            .unwrap();
        world.vaults.append(&access, request).await.unwrap();
        world.assert_whole().await;
    }
}
