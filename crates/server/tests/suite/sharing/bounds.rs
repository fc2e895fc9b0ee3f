//! What one person's doing may cost the others: logs that are there when they
//! are needed, and no longer than they have to be; notes that fill no disk.

use sv_api::ErrorCode;
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::{AccessId, VaultId};
use sv_ledger::limits::{ACCESSES, NAMED_VAULTS, NAMING_VAULTS, SPARE_KEY_MS, SPARE_KEYS};
use sv_ledger::membership_op::MembershipOp;
use sv_ledger::state::Role;
use sv_server::service::vault::{Oversee, Read, SeeMembers};
use sv_server::store::accesses::{self, StoredAccess};
use sv_server::store::{entries, named_vaults};

use super::signer::{Shared, Signer, grant, grant_until, role};
use super::stories::{change, put, reads, refusal, send, shared, somebody};
use crate::author::{Put, content_id, sealed};
use crate::world::World;

const MINUTE_MS: u64 = 60 * 1000;

/// A log that once named a group cannot be verified without the group's: so
/// whoever reads the log sees it, whatever became of the group since.
#[tokio::test]
pub(crate) async fn groups_that_were_named_once_are_seen_by_who_came_later() {
    let world = World::new().await;
    let (alice, _) = somebody(&world, 1).await;
    let (bob, _) = somebody(&world, 2).await;
    let (carol, _) = somebody(&world, 3).await;
    let (dave, _) = somebody(&world, 4).await;
    let mut hidden = shared(&world, &carol, VaultKind::Group).await;
    let mut group = shared(&world, &carol, VaultKind::Group).await;
    let mut vault = shared(&world, &alice, VaultKind::Shared).await;
    // Five deep, but never at one time.
    let mut deep = vec![group.clone(), hidden.clone()];
    for _ in 0..3 {
        deep.push(shared(&world, &carol, VaultKind::Group).await);
    }
    vault.knows(&group);
    let until = world.now_ms() + MINUTE_MS;
    let member = grant_until(group.vault_id(), group.keys(), Role::Viewer, until);
    change(&world, &mut vault, &alice, vec![member]).await;
    // Somebody who only looks on in the vault takes a group in and out again,
    // which takes one in and out, and so on.
    for place in 1..deep.len() {
        let (outer, inner) = deep.split_at_mut(place);
        let (outer, inner) = (&mut outer[place - 1], &mut inner[0]);
        outer.knows(inner);
        let inside = vec![grant(inner.vault_id(), inner.keys(), Role::Viewer)];
        change(&world, outer, &carol, inside).await;
        let outside = vec![MembershipOp::Revoke(inner.vault_id())];
        change(&world, outer, &carol, outside).await;
    }
    (group, hidden) = (deep[0].clone(), deep[1].clone());
    vault.knows(&group);

    let logs = async |who: &Signer| {
        let mut seen = Vec::new();
        for log in &deep {
            let of = log.vault_id();
            let access = world.vaults.authorise::<SeeMembers>(who.uid, of).await;
            seen.push(match access {
                Ok(access) => world
                    .vaults
                    .membership(&access, 0)
                    .await
                    .unwrap()
                    .entries
                    .len(),
                Err(error) => {
                    assert_eq!(error.code(), ErrorCode::NotFound);
                    0
                }
            });
        }
        seen
    };
    assert_eq!(logs(&bob).await, [0; 5]);
    // The group's time is over, and then it is removed.
    world.pass(MINUTE_MS);
    change(
        &world,
        &mut vault,
        &alice,
        vec![grant(bob.uid, bob.keys, Role::Viewer)],
    )
    .await;
    assert_eq!(logs(&bob).await, [3, 3, 3, 3, 1]);
    change(
        &world,
        &mut vault,
        &alice,
        vec![MembershipOp::Expire(group.vault_id())],
    )
    .await;
    assert_eq!(logs(&bob).await, [3, 3, 3, 3, 1]);
    assert!(!reads(&world, &bob, hidden.vault_id()).await);
    assert_eq!(logs(&dave).await, [0; 5]);
    change(
        &world,
        &mut vault,
        &alice,
        vec![MembershipOp::Revoke(bob.uid)],
    )
    .await;
    assert_eq!(logs(&bob).await, [0; 5]);
    world.assert_whole().await;
}

/// Clients follow so many logs and no more: nobody makes a vault that they
/// cannot open, from inside it or from a group deep in it.
#[tokio::test]
async fn a_log_leads_to_no_more_others_than_clients_follow() {
    let world = World::new().await;
    let (alice, _) = somebody(&world, 1).await;
    let mut group = shared(&world, &alice, VaultKind::Group).await;
    let mut vault = shared(&world, &alice, VaultKind::Shared).await;
    let other = shared(&world, &alice, VaultKind::Group).await;
    vault.knows(&group);
    let member = grant(group.vault_id(), group.keys(), Role::Viewer);
    change(&world, &mut vault, &alice, vec![member]).await;
    group.knows(&other);
    let nest = async |group: &Shared| {
        let ops = vec![grant(other.vault_id(), other.keys(), Role::Viewer)];
        let request = group
            .clone()
            .change(&alice, &[], ops, false, world.now_ms());
        refusal(&world, &alice, request).await
    };
    let name = async |vault_id: VaultId, from: usize, to: usize| {
        let names = || async {
            let mut write = world.db.write().await?;
            let id = |n: usize| {
                VaultId::new(
                    [[7; 8], (n as u64).to_be_bytes()]
                        .concat()
                        .repeat(2)
                        .try_into()
                        .unwrap(),
                )
            };
            named_vaults::insert(&mut write, vault_id, (from..to).map(id)).await?;
            write.commit().await
        };
        world.db.retry(names).await.unwrap();
    };
    // The group and 511 more: the vault is full, and nothing comes into the
    // group either.
    name(vault.vault_id(), 0, NAMED_VAULTS - 1).await;
    assert_eq!(nest(&group).await, ErrorCode::Rejected);
    // In as many places as are looked at, and one more.
    let (mut far, near) = (
        group.clone(),
        shared(&world, &alice, VaultKind::Group).await,
    );
    far.knows(&near);
    let places = || async {
        let mut write = world.db.write().await?;
        for n in 0..NAMING_VAULTS as u64 {
            let id = [[9; 8], n.to_be_bytes()].concat().repeat(2);
            let id = VaultId::new(id.try_into().unwrap());
            named_vaults::insert(&mut write, id, [near.vault_id()].into_iter()).await?;
        }
        write.commit().await
    };
    world.db.retry(places).await.unwrap();
    assert_eq!(nest(&near).await, ErrorCode::Rejected);
}

#[tokio::test]
pub(crate) async fn a_membership_is_read_a_page_at_a_time() {
    let world = World::new().await;
    let (alice, _) = somebody(&world, 1).await;
    let (bob, _) = somebody(&world, 2).await;
    let mut vault = shared(&world, &alice, VaultKind::Shared).await;
    let ops = vec![grant(bob.uid, bob.keys, Role::Viewer)];
    change(&world, &mut vault, &alice, ops).await;
    put(&world, &mut vault, &alice, Role::Owner, Put::new(1, "a")).await;
    change(
        &world,
        &mut vault,
        &alice,
        vec![role(bob.uid, Role::Editor)],
    )
    .await;
    let id = vault.vault_id();
    let mut read = world.db.read().await.unwrap();
    let mut page = async |from, limit, bytes| {
        let page = entries::membership_page(&mut read, id, from, limit, bytes);
        let (entries, more) = page.await.unwrap();
        let seqs: Vec<_> = entries.iter().map(|entry| entry.body().seq).collect();
        (seqs, more)
    };
    assert_eq!(page(0, 3, u64::MAX).await, (vec![1, 2, 4], false));
    assert_eq!(page(0, 2, u64::MAX).await, (vec![1, 2], true));
    assert_eq!(page(3, 2, u64::MAX).await, (vec![4], false));
    // At least one, however long.
    assert_eq!(page(0, 3, 1).await, (vec![1], true));
    assert_eq!(page(4, 3, 1).await, (vec![4], false));
    assert_eq!(page(5, 3, 1).await, (Vec::new(), false));
    let seen = world.vaults.authorise::<SeeMembers>(bob.uid, id).await;
    let log = world.vaults.membership(&seen.unwrap(), 2).await.unwrap();
    assert_eq!((log.entries.len(), log.more), (2, false));
}

/// Every new device reads every key change that ever was: nobody makes more
/// than a few that nothing calls for, and what calls for one never waits.
#[tokio::test]
pub(crate) async fn keys_that_nothing_made_due_are_limited() {
    let world = World::new().await;
    let (alice, _) = somebody(&world, 1).await;
    let (bob, _) = somebody(&world, 2).await;
    let (carol, _) = somebody(&world, 3).await;
    let mut vault = shared(&world, &alice, VaultKind::Shared).await;
    let ops = vec![
        grant(bob.uid, bob.keys, Role::Contributor),
        grant(carol.uid, carol.keys, Role::Viewer),
    ];
    change(&world, &mut vault, &alice, ops).await;
    let renew = async |vault: &mut Shared, who: &Signer| {
        let request = vault.change(who, &[], Vec::new(), true, world.now_ms());
        let sent = send(&world, who, request.clone()).await;
        if sent.is_ok() {
            vault.accept(&request.entry);
        }
        sent.map(drop).map_err(|error| error.code())
    };
    for _ in 0..SPARE_KEYS {
        renew(&mut vault, &bob).await.unwrap();
    }
    let again = renew(&mut vault, &bob).await;
    assert_eq!(again, Err(ErrorCode::RateLimited));
    // Others have their own; and what is due is not counted.
    renew(&mut vault, &alice).await.unwrap();
    let leaving = vault.change(
        &carol,
        &[],
        vec![MembershipOp::Leave],
        false,
        world.now_ms(),
    );
    send(&world, &carol, leaving.clone()).await.unwrap();
    vault.accept(&leaving.entry);
    renew(&mut vault, &bob).await.unwrap();
    let again = renew(&mut vault, &bob).await;
    assert_eq!(again, Err(ErrorCode::RateLimited));
    world.pass(SPARE_KEY_MS);
    renew(&mut vault, &bob).await.unwrap();
    world.assert_whole().await;
}

/// Who is alone in a vault fills no disk with notes of their own downloads,
/// and who is not adds one a day for each content.
#[tokio::test]
pub(crate) async fn notes_of_downloads_are_merged_by_day() {
    let world = World::new().await;
    let (alice, _) = somebody(&world, 1).await;
    let (bob, _) = somebody(&world, 2).await;
    let mut alone = shared(&world, &alice, VaultKind::Shared).await;
    let mut vault = shared(&world, &alice, VaultKind::Shared).await;
    for (n, vault) in [(1, &mut alone), (2, &mut vault)] {
        let one = Put::new(1, "a").inline(n, sealed(5_000, n as u8));
        put(&world, vault, &alice, Role::Owner, one).await;
    }
    let ops = vec![grant(bob.uid, bob.keys, Role::Viewer)];
    change(&world, &mut vault, &alice, ops).await;
    let fetch = async |who: &Signer, vault: &Shared, n| {
        let read = world.vaults.authorise::<Read>(who.uid, vault.vault_id());
        let read = read.await.unwrap();
        world.vaults.block(&read, content_id(n), 0).await.unwrap();
        world.vaults.write_accesses(true).await.unwrap();
    };
    let notes = async |vault: &Shared| {
        let access = world
            .vaults
            .authorise::<Oversee>(alice.uid, vault.vault_id());
        let (access, newest) = (access.await.unwrap(), AccessId::new([0xff; 16]));
        let page = world.vaults.accesses(&access, newest).await.unwrap();
        let notes = page.accesses.into_iter();
        notes.map(|a| (a.uid, a.blocks)).collect::<Vec<_>>()
    };
    const DAY_MS: u64 = 24 * 60 * MINUTE_MS;
    // Begin with a day.
    world.pass(DAY_MS - world.now_ms() % DAY_MS);
    for _ in 0..3 {
        fetch(&alice, &alone, 1).await;
        fetch(&bob, &vault, 2).await;
        world.pass(MINUTE_MS);
    }
    fetch(&alice, &vault, 2).await;
    assert_eq!(notes(&alone).await, []);
    assert_eq!(notes(&vault).await, [(alice.uid, 1), (bob.uid, 3)]);
    world.pass(DAY_MS);
    fetch(&bob, &vault, 2).await;
    let expected = [(bob.uid, 1), (alice.uid, 1), (bob.uid, 3)];
    assert_eq!(notes(&vault).await, expected);
}

#[tokio::test]
async fn of_many_notes_of_downloads_the_newest_are_kept() {
    let world = World::new().await;
    let (alice, _) = somebody(&world, 1).await;
    let (bob, _) = somebody(&world, 2).await;
    let mut vault = shared(&world, &alice, VaultKind::Shared).await;
    let one = Put::new(1, "a").inline(1, sealed(5_000, 1));
    put(&world, &mut vault, &alice, Role::Owner, one).await;
    let ops = vec![grant(bob.uid, bob.keys, Role::Viewer)];
    change(&world, &mut vault, &alice, ops).await;
    let id = vault.vault_id();
    let note = |n: u64| StoredAccess {
        vault_id: id,
        access_id: AccessId::new(u128::from(n).to_be_bytes()),
        principal: bob.uid,
        content_id: content_id(n as u32 + 10),
        first_ms: n,
        last_ms: n,
        blocks: 1,
    };
    let notes: Vec<_> = (0..ACCESSES).map(note).collect();
    let mut write = world.db.write().await.unwrap();
    accesses::put(&mut write, &notes).await.unwrap();
    write.commit().await.unwrap();
    let read = world.vaults.authorise::<Read>(bob.uid, id).await.unwrap();
    world.vaults.block(&read, content_id(1), 0).await.unwrap();
    world.vaults.write_accesses(true).await.unwrap();
    let mut read = world.db.read().await.unwrap();
    assert_eq!(accesses::count(&mut read, id).await.unwrap(), ACCESSES);
    let newest = AccessId::new([0xff; 16]);
    let page = accesses::page(&mut read, id, newest, None, 1)
        .await
        .unwrap();
    assert_eq!(page[0].content_id, content_id(1));
    let oldest = accesses::page(&mut read, id, note(1).access_id, None, 1).await;
    assert_eq!(oldest.unwrap(), []);
}
