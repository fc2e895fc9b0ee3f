//! What one person's doing may cost the others: logs that are there when they
//! are needed, and no longer than they have to be; notes that fill no disk.

use std::collections::BTreeSet;
use std::sync::{Arc, Barrier, Mutex};

use futures::future::join_all;
use sv_api::ErrorCode;
use sv_api::vault::AppendRequest;
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::{AccessId, VaultId};
use sv_ledger::limits::{ACCESSES, NAMED_VAULTS, NAMING_VAULTS, SPARE_KEY_MS, SPARE_KEYS};
use sv_ledger::membership_op::{MembershipOp, RekeyOp};
use sv_ledger::state::Role;
use sv_server::db::faults::{Fault, Faults, Point};
use sv_server::random::Random;
use sv_server::service::Error;
use sv_server::service::vault::{Oversee, Read, Vaults, Write};
use sv_server::store::accesses::{self, StoredAccess};
use sv_server::store::{entries, named_vaults};

use super::signer::{Shared, Signer, grant, grant_until, role};
use super::stories::{change, put, reads, refusal, send, shared, shown, somebody};
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

    let id = vault.vault_id();
    let logs = async |who: &Signer| {
        let mut seen = Vec::new();
        for log in &deep {
            let log = shown(&world, who, id, log.vault_id()).await;
            seen.push(log.map_or(0, |log| log.entries.len()));
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
    // The group and 511 more: the vault is full, and nothing comes into the
    // group either.
    let others = (0..NAMED_VAULTS - 1).map(|n| nowhere(7, n));
    name(&world, vault.vault_id(), others).await;
    assert_eq!(nest(&group).await, ErrorCode::Rejected);
    // In as many places as are looked at, and one more.
    let (mut far, near) = (
        group.clone(),
        shared(&world, &alice, VaultKind::Group).await,
    );
    far.knows(&near);
    name_in(&world, NAMING_VAULTS, near.vault_id()).await;
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
    let read = world.vaults.authorise::<Read>(bob.uid, id).await.unwrap();
    let log = world.vaults.membership(&read, id, 2).await.unwrap();
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

    // Nor is it a reason for more that a key is due which they do not settle.
    let mut group = shared(&world, &alice, VaultKind::Group).await;
    let mut vault = shared(&world, &alice, VaultKind::Shared).await;
    vault.knows(&group);
    let ops = vec![
        grant(bob.uid, bob.keys, Role::Contributor),
        grant(group.vault_id(), group.keys(), Role::Viewer),
    ];
    change(&world, &mut vault, &alice, ops).await;
    renew(&mut group, &alice).await.unwrap();
    for _ in 0..SPARE_KEYS {
        renew(&mut vault, &bob).await.unwrap();
    }
    let again = renew(&mut vault, &bob).await;
    assert_eq!(again, Err(ErrorCode::RateLimited));
    vault.knows(&group);
    let rekey = MembershipOp::Rekey(RekeyOp {
        principal: group.vault_id(),
        keys: group.keys(),
        proof: [0; 64],
    });
    let settled = vault.change(&bob, &[], vec![rekey], true, world.now_ms());
    send(&world, &bob, settled).await.unwrap();
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

/// Notes vaults that are nowhere as named by one.
async fn name(world: &World, vault_id: VaultId, names: impl Iterator<Item = VaultId> + Clone) {
    let noted = || async {
        let mut write = world.db.write().await?;
        named_vaults::insert(&mut write, vault_id, names.clone(), 0).await?;
        write.commit().await
    };
    world.db.retry(noted).await.unwrap();
}

/// Notes so many vaults that are nowhere as naming one.
pub(crate) async fn name_in(world: &World, count: usize, named: VaultId) {
    let noted = || async {
        let mut write = world.db.write().await?;
        for n in 0..count {
            named_vaults::insert(&mut write, nowhere(9, n), [named].into_iter(), 0).await?;
        }
        write.commit().await
    };
    world.db.retry(noted).await.unwrap();
}

/// A vault that is nowhere.
fn nowhere(kind: u8, n: usize) -> VaultId {
    let id = [[kind; 8], (n as u64).to_be_bytes()].concat().repeat(2);
    VaultId::new(id.try_into().unwrap())
}

/// How many others a log leads to.
async fn led_to(world: &World, vault_id: VaultId) -> usize {
    let mut read = world.db.read().await.unwrap();
    let mut seen = BTreeSet::from([vault_id]);
    let mut level = seen.clone();
    while !level.is_empty() {
        let named = named_vaults::named_by(&mut read, level.into_iter());
        let named = named.await.unwrap().into_iter().map(|(_, id)| id);
        level = named.filter(|id| seen.insert(*id)).collect();
    }
    seen.len() - 1
}

/// Lets units of work begin only once so many are about to.
#[derive(Debug)]
struct Gate {
    waiting: Mutex<usize>,
    barrier: Barrier,
}

impl Gate {
    fn of(count: usize) -> Arc<Self> {
        Arc::new(Self {
            waiting: Mutex::new(count),
            barrier: Barrier::new(count),
        })
    }
}

impl Faults for Gate {
    fn strike(&self, point: Point<'_>) -> Option<Fault> {
        let waits = point == Point::Begin && {
            let mut waiting = self.waiting.lock().unwrap();
            let waits = *waiting > 0;
            *waiting = waiting.saturating_sub(1);
            waits
        };
        if waits {
            tokio::task::block_in_place(|| self.barrier.wait());
        }
        None
    }
}

/// Sends requests so that each has looked at what there is before any goes on.
async fn send_at_once(
    world: &World,
    author: &Signer,
    requests: &[AppendRequest],
) -> Vec<Result<u64, ErrorCode>> {
    let vaults = Vaults::new(
        world.db.clone().failing(Gate::of(requests.len())),
        world.blocks.clone(),
        world.clock.clone(),
        Random::system(),
    );
    let sent = requests.iter().cloned().map(|request| {
        let (vaults, uid) = (vaults.clone(), author.uid);
        tokio::spawn(async move {
            let vault_id = request.entry.body().vault_id;
            let access = vaults.authorise::<Write>(uid, vault_id).await?;
            Ok::<_, Error>(vaults.append(&access, request).await?.seq)
        })
    });
    let outcomes = join_all(sent).await.into_iter();
    let outcomes = outcomes.map(|outcome| outcome.unwrap().map_err(|error| error.code()));
    outcomes.collect()
}

/// Groups that come in at the same moment, in different places, each when there
/// is room for it, count as those do that come one after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
pub(crate) async fn groups_that_come_in_at_once_are_counted_together() {
    const AT_ONCE: usize = 3;
    const EACH: usize = 200;
    let world = World::new().await;
    let (alice, _) = somebody(&world, 1).await;
    let (mallory, _) = somebody(&world, 2).await;
    let mut group = shared(&world, &alice, VaultKind::Group).await;
    let mut vault = shared(&world, &alice, VaultKind::Shared).await;
    vault.knows(&group);
    let member = grant(group.vault_id(), group.keys(), Role::Viewer);
    change(&world, &mut vault, &alice, vec![member]).await;
    let ops = vec![grant(mallory.uid, mallory.keys, Role::Manager)];
    change(&world, &mut group, &alice, ops).await;
    // Groups in the group, and outside as many that name many.
    let mut requests = Vec::new();
    for n in 0..AT_ONCE {
        let mut inside = shared(&world, &mallory, VaultKind::Group).await;
        let star = shared(&world, &mallory, VaultKind::Group).await;
        let names = (0..EACH - 1).map(|m| nowhere(n as u8, m));
        name(&world, star.vault_id(), names).await;
        group.knows(&inside);
        let ops = vec![grant(inside.vault_id(), inside.keys(), Role::Viewer)];
        change(&world, &mut group, &mallory, ops).await;
        inside.knows(&star);
        let ops = vec![grant(star.vault_id(), star.keys(), Role::Viewer)];
        requests.push(inside.change(&mallory, &[], ops, false, world.now_ms()));
    }
    assert_eq!(led_to(&world, vault.vault_id()).await, 1 + AT_ONCE);

    let mut landed = 0;
    let outcomes = send_at_once(&world, &mallory, &requests).await;
    for (mut outcome, request) in outcomes.into_iter().zip(requests) {
        // Whoever was overtaken sends the same again.
        if outcome == Err(ErrorCode::Conflict) {
            let again = send(&world, &mallory, request).await;
            outcome = again.map_err(|error| error.code());
        }
        match outcome {
            Ok(_) => landed += 1,
            Err(code) => assert_eq!(code, ErrorCode::Rejected),
        }
    }
    assert_eq!(landed, (NAMED_VAULTS - 1 - AT_ONCE) / EACH);
    let expected = 1 + AT_ONCE + landed * EACH;
    assert_eq!(led_to(&world, vault.vault_id()).await, expected);
}

/// Whoever takes in groups without end keeps nobody else from it, but where
/// what they take in counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
pub(crate) async fn a_group_that_comes_in_elsewhere_is_in_nobodys_way() {
    let world = World::new().await;
    let (alice, _) = somebody(&world, 1).await;
    let mut places = Vec::new();
    for _ in 0..6 {
        places.push(shared(&world, &alice, VaultKind::Group).await);
    }
    let nest = async |places: &mut [Shared], pairs: [(usize, usize); 2]| {
        let requests = pairs.map(|(outer, inner)| {
            let (inner, outer) = (places[inner].clone(), &mut places[outer]);
            outer.knows(&inner);
            let ops = vec![grant(inner.vault_id(), inner.keys(), Role::Viewer)];
            outer.change(&alice, &[], ops, false, world.now_ms())
        });
        let outcomes = send_at_once(&world, &alice, &requests).await;
        requests.into_iter().zip(outcomes).collect::<Vec<_>>()
    };
    for (request, outcome) in nest(&mut places, [(0, 1), (2, 3)]).await {
        outcome.unwrap();
        let vault_id = request.entry.body().vault_id;
        let place = places.iter_mut().find(|one| one.vault_id() == vault_id);
        place.unwrap().accept(&request.entry);
    }
    // One above the other: whoever is second has to look again, and has room.
    let outcomes = nest(&mut places, [(4, 0), (1, 5)]).await;
    let late = outcomes.into_iter().filter(|(_, outcome)| outcome.is_err());
    let late: Vec<_> = late.collect();
    let [(request, Err(ErrorCode::Conflict))] = late.as_slice() else {
        panic!("{} were too late", late.len());
    };
    send(&world, &alice, request.clone()).await.unwrap();
    world.assert_whole().await;
}

/// Nobody hides a group from those above it by naming it in ever so many
/// vaults of their own.
#[tokio::test]
pub(crate) async fn a_group_that_many_name_is_seen_by_all_who_need_it() {
    let world = World::new().await;
    let (alice, _) = somebody(&world, 1).await;
    let (bob, _) = somebody(&world, 2).await;
    let (mallory, _) = somebody(&world, 3).await;
    let group = shared(&world, &alice, VaultKind::Group).await;
    let mut outer = shared(&world, &alice, VaultKind::Group).await;
    let mut vault = shared(&world, &alice, VaultKind::Shared).await;
    outer.knows(&group);
    let ops = vec![
        grant(group.vault_id(), group.keys(), Role::Viewer),
        grant(mallory.uid, mallory.keys, Role::Viewer),
    ];
    change(&world, &mut outer, &alice, ops).await;
    vault.knows(&outer);
    vault.knows(&group);
    let ops = vec![
        grant(outer.vault_id(), outer.keys(), Role::Viewer),
        grant(bob.uid, bob.keys, Role::Viewer),
    ];
    change(&world, &mut vault, &alice, ops).await;
    name_in(&world, NAMING_VAULTS + 1, group.vault_id()).await;
    for of in [group.vault_id(), outer.vault_id(), mallory.uid] {
        assert!(shown(&world, &bob, vault.vault_id(), of).await.is_ok());
    }
}
