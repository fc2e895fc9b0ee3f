//! What is left of the vaults of an account that is gone, goes too.

use sv_ledger::id::VaultId;
use sv_ledger::limits::BLOCK_GRACE_MS;
use sv_server::args;
use sv_server::db::{Query, Result};

use crate::append::append;
use crate::author::{Put, content, content_id, node, sealed};
use crate::world::World;

async fn rows(world: &World) -> Vec<u64> {
    let mut read = world.db.read().await.unwrap();
    let mut counts = Vec::new();
    for sql in [
        "SELECT COUNT(*) FROM vaults",
        "SELECT COUNT(*) FROM members",
        "SELECT COUNT(*) FROM entries",
        "SELECT COUNT(*) FROM bodies",
        "SELECT COUNT(*) FROM leaves",
        "SELECT COUNT(*) FROM content_refs",
        "SELECT COUNT(*) FROM quotas",
    ] {
        let row = read.lookup(sql, args![]).await.unwrap();
        counts.push(row.unwrap().take(0).unwrap());
    }
    counts
}

/// The account of somebody whose time is over in a moment, and who refers to
/// somebody else's content, as a member would.
async fn give_up(world: &World, uid: VaultId, vault_id: VaultId) -> Result<()> {
    let mut write = world.db.write().await?;
    let sql = "INSERT INTO content_refs (vault_id, node_id, content_id, owner) VALUES (?, ?, ?, ?)";
    let shared = args![vault_id, node(9), content_id(1), uid];
    write.execute(sql, shared).await?;
    let sql = "INSERT INTO accounts (uid, handle, administrator, disabled, created_ms, \
               password_record, unlockers, unlockers_version, totp_last_step, new_totp_until_ms, \
               deleted_from_ms) VALUES (?, 'alice', 0, 0, 0, ?, ?, 1, 0, 0, ?)";
    let account = args![uid, vec![0_u8], vec![0_u8], world.now_ms() + 1];
    write.execute(sql, account).await?;
    write.commit().await
}

/// More rows of each kind than one unit of work removes; and a content that
/// somebody else refers to as well stays.
#[tokio::test]
pub(crate) async fn vaults_go_with_all_they_hold_and_nothing_that_is_shared() {
    let world = World::new().await;
    let (bob, mut kept) = world.person(2).await;
    let big = sealed(100_000, 1);
    world.put(bob.uid, content_id(1), 0, &big).await.unwrap();
    let put = Put::new(1, "mine").adding(content(1, &[&big]));
    let request = kept.request(vec![put], &[], world.now_ms());
    append(&world, &mut kept, request).await;
    let before = rows(&world).await;

    let (alice, mut log) = world.person(1).await;
    let own = sealed(90_000, 2);
    world.put(alice.uid, content_id(2), 0, &own).await.unwrap();
    let put = Put::new(1, "a").adding(content(2, &[&own]));
    let request = log.request(vec![put], &[], world.now_ms());
    append(&world, &mut log, request).await;
    for page in 0..2 {
        let puts = (0..400).map(|n| {
            let id = 1000 + page * 400 + n;
            Put::new(id, "many").inline(id, sealed(10, 3))
        });
        let request = log.request(puts.collect(), &[], world.now_ms());
        append(&world, &mut log, request).await;
    }
    let goes = || give_up(&world, alice.uid, log.vault_id());
    world.db.retry(goes).await.unwrap();

    assert_eq!(world.jobs.run().await.unwrap().deleted_accounts, 0);
    world.pass(1);
    let report = world.jobs.run().await.unwrap();
    assert_eq!((report.deleted_accounts, report.removed_vaults), (1, 2));
    assert_eq!(rows(&world).await, before);
    world.assert_whole().await;
    assert_eq!(report.collected_contents, 0);

    world.pass(BLOCK_GRACE_MS);
    let report = world.jobs.run().await.unwrap();
    assert_eq!((report.collected_contents, report.removed_files), (801, 1));
    assert_eq!(world.files().len(), 1);
    world.assert_whole().await;
}
