//! What is left of the vaults of an account that is gone, goes too.

use sv_api::ErrorCode;
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::VaultId;
use sv_ledger::limits::{BLOCK_GRACE_MS, NAMING_VAULTS};
use sv_ledger::membership_op::MembershipOp;
use sv_ledger::state::Role;
use sv_server::args;
use sv_server::db::{Query, Result};
use sv_server::service::vault::{Read, Write};

use crate::append::append;
use crate::author::{Put, content, content_id, node, sealed};
use crate::sharing::bounds::name_in;
use crate::sharing::signer::{Signer, grant};
use crate::sharing::stories::{change, send, shared, shown};
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

/// The account of somebody whose time is over in a moment.
async fn leaves(world: &World, uid: VaultId, handle: &str) -> Result<()> {
    let mut write = world.db.write().await?;
    let sql = "INSERT INTO accounts (uid, handle, administrator, disabled, created_ms, \
               password_record, unlockers, unlockers_version, totp_last_step, new_totp_until_ms, \
               deleted_from_ms) VALUES (?, ?, 0, 0, 0, ?, ?, 1, 0, 0, ?)";
    let ends = world.now_ms();
    write
        .execute(sql, args![uid, handle, vec![0_u8], vec![0_u8], ends])
        .await?;
    write.commit().await
}

/// Of people and groups that vaults of others name, what proves who they were
/// stays as long as somebody needs it, and gives nobody access.
#[tokio::test]
pub(crate) async fn what_others_still_name_leaves_its_log_behind() {
    let world = World::new().await;
    let mut people = Vec::new();
    for seed in 1..=4 {
        let (person, _) = world.person(seed).await;
        people.push(Signer::of(&person.key, &person.account));
    }
    let [alice, bob, carol, dave] = people.try_into().ok().unwrap();
    let mut vault = shared(&world, &alice, VaultKind::Shared).await;
    let mut group = shared(&world, &bob, VaultKind::Group).await;
    let mut inner = shared(&world, &bob, VaultKind::Group).await;
    let before = rows(&world).await;
    let ops = vec![grant(carol.uid, carol.keys, Role::Editor)];
    change(&world, &mut inner, &bob, ops).await;
    group.knows(&inner);
    let ops = vec![grant(inner.vault_id(), inner.keys(), Role::Editor)];
    change(&world, &mut group, &bob, ops).await;
    vault.knows(&group);
    vault.knows(&inner);
    let members = vec![
        grant(group.vault_id(), group.keys(), Role::Editor),
        grant(bob.uid, bob.keys, Role::Viewer),
        grant(dave.uid, dave.keys, Role::Viewer),
    ];
    change(&world, &mut vault, &alice, members).await;

    world
        .db
        .retry(|| leaves(&world, bob.uid, "bob"))
        .await
        .unwrap();
    world.jobs.run().await.unwrap();
    world.jobs.run().await.unwrap();
    world.assert_whole().await;
    // Whoever is in the vault sees who they were, and that they are gone.
    for (id, entries) in [(bob.uid, 1), (group.vault_id(), 2), (inner.vault_id(), 2)] {
        let log = shown(&world, &dave, vault.vault_id(), id).await.unwrap();
        assert_eq!((log.is_gone, log.entries.len()), (true, entries));
        assert_eq!(log.genesis.vault_id(), id);
        assert!(world.vaults.authorise::<Read>(dave.uid, id).await.is_err());
        assert!(shown(&world, &carol, vault.vault_id(), id).await.is_err());
    }
    // Through the groups nobody comes in any more, nor into another vault.
    let may = world.vaults.authorise::<Write>(carol.uid, vault.vault_id());
    assert_eq!(may.await.unwrap_err().code(), ErrorCode::NotFound);
    let mut other = shared(&world, &alice, VaultKind::Shared).await;
    other.knows(&group);
    let ops = vec![grant(group.vault_id(), group.keys(), Role::Editor)];
    let late = other.change(&alice, &[], ops, false, world.now_ms());
    let refused = send(&world, &alice, late).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Rejected);
    // The vault is written in as before, and they can be removed.
    let put = vault.put(
        &alice,
        &[],
        Role::Owner,
        vec![Put::new(1, "a")],
        world.now_ms(),
    );
    send(&world, &alice, put.clone()).await.unwrap();
    vault.accept(&put.entry);
    let ops = vec![
        MembershipOp::Revoke(bob.uid),
        MembershipOp::Revoke(group.vault_id()),
    ];
    change(&world, &mut vault, &alice, ops).await;
    world.jobs.run().await.unwrap();
    // The person is not needed any more, but the log still names the groups.
    let sees = async |id| shown(&world, &dave, vault.vault_id(), id).await.is_ok();
    assert!(!sees(bob.uid).await);
    assert!(sees(group.vault_id()).await && sees(inner.vault_id()).await);
    world.assert_whole().await;

    world
        .db
        .retry(|| leaves(&world, alice.uid, "alice"))
        .await
        .unwrap();
    world.jobs.run().await.unwrap();
    world.jobs.run().await.unwrap();
    let mut read = world.db.read().await.unwrap();
    for sql in [
        "SELECT COUNT(*) FROM remains",
        "SELECT COUNT(*) FROM named_vaults",
        "SELECT COUNT(*) FROM removed_vaults",
    ] {
        let row = read.lookup(sql, args![]).await.unwrap();
        assert_eq!(row.unwrap().take::<u64>(0).unwrap(), 0, "{sql}");
    }
    drop(read);
    let after = rows(&world).await;
    assert_eq!((after[0], before[0]), (4, 11));
    let is_less = |(after, before): (&u64, &u64)| after <= before;
    assert!(after.iter().zip(&before).all(is_less), "{after:?}");
    world.assert_whole().await;
}

/// However many vaults that are gone name what is needed: it stays.
#[tokio::test]
pub(crate) async fn what_many_that_are_gone_name_stays_for_who_needs_it() {
    let world = World::new().await;
    let mut people = Vec::new();
    for seed in 1..=2 {
        let (person, _) = world.person(seed).await;
        people.push(Signer::of(&person.key, &person.account));
    }
    let [alice, bob] = people.try_into().ok().unwrap();
    let group = shared(&world, &bob, VaultKind::Group).await;
    let mut outer = shared(&world, &bob, VaultKind::Group).await;
    let mut vault = shared(&world, &alice, VaultKind::Shared).await;
    outer.knows(&group);
    let ops = vec![grant(group.vault_id(), group.keys(), Role::Viewer)];
    change(&world, &mut outer, &bob, ops).await;
    vault.knows(&outer);
    vault.knows(&group);
    let ops = vec![grant(outer.vault_id(), outer.keys(), Role::Viewer)];
    change(&world, &mut vault, &alice, ops).await;
    name_in(&world, NAMING_VAULTS + 1, group.vault_id()).await;

    let goes = || leaves(&world, bob.uid, "bob");
    world.db.retry(goes).await.unwrap();
    world.jobs.run().await.unwrap();
    world.jobs.run().await.unwrap();
    for of in [outer.vault_id(), group.vault_id()] {
        assert!(
            shown(&world, &alice, vault.vault_id(), of)
                .await
                .unwrap()
                .is_gone
        );
    }
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
