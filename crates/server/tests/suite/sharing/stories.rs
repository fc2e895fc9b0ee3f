//! What members, former members and members of members get from the services.

use sv_api::ErrorCode;
use sv_api::vault::{AppendRequest, ContentsRequest, MembershipLog};
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::{AccessId, VaultId};
use sv_ledger::limits::ACCESS_TTL_MS;
use sv_ledger::membership_op::MembershipOp;
use sv_ledger::state::{Head, Role};
use sv_server::service::Result;
use sv_server::service::vault::{Oversee, Read, Write};

use super::signer::{Shared, Signer, grant, grant_until, role};
use crate::author::{INSTANCE, Log, Put, content, content_id, sealed};
use crate::world::World;

const MINUTE_MS: u64 = 60 * 1000;

pub(crate) async fn somebody(world: &World, seed: u8) -> (Signer, Log) {
    let (person, log) = world.person(seed).await;
    (Signer::of(&person.key, &person.account), log)
}

/// A vault of `owner` that the server knows.
pub(crate) async fn shared(world: &World, owner: &Signer, kind: VaultKind) -> Shared {
    let (new, shared) = Shared::begin(owner, kind, INSTANCE, world.now_ms());
    let made = || world.vaults.create(owner.uid, INSTANCE, new.clone());
    assert_eq!(made().await.unwrap().seq, 1);
    // The same request again succeeds.
    assert_eq!(made().await.unwrap().seq, 1);
    shared
}

pub(crate) async fn send(world: &World, author: &Signer, request: AppendRequest) -> Result<u64> {
    let vault_id = request.entry.body().vault_id;
    let access = world
        .vaults
        .authorise::<Write>(author.uid, vault_id)
        .await?;
    Ok(world.vaults.append(&access, request).await?.seq)
}

pub(crate) async fn refusal(world: &World, author: &Signer, request: AppendRequest) -> ErrorCode {
    send(world, author, request).await.unwrap_err().code()
}

/// Membership operations by the owner.
pub(crate) async fn change(
    world: &World,
    vault: &mut Shared,
    owner: &Signer,
    ops: Vec<MembershipOp>,
) {
    let removes = ops
        .iter()
        .any(|op| matches!(op, MembershipOp::Revoke(_) | MembershipOp::Expire(_)));
    let request = vault.change(owner, &[], ops, removes, world.now_ms());
    send(world, owner, request.clone()).await.unwrap();
    vault.accept(&request.entry);
}

pub(crate) async fn put(world: &World, vault: &mut Shared, author: &Signer, role: Role, put: Put) {
    let request = vault.put(author, &[], role, vec![put], world.now_ms());
    send(world, author, request.clone()).await.unwrap();
    vault.accept(&request.entry);
}

pub(crate) async fn reads(world: &World, who: &Signer, vault: VaultId) -> bool {
    let may = world.vaults.authorise::<Read>(who.uid, vault).await;
    let heads = world.vaults.heads(who.uid).await.unwrap().vaults;
    let is_listed = heads.iter().any(|head| head.vault_id == vault);
    assert_eq!(may.is_ok(), is_listed);
    if let Err(error) = &may {
        assert_eq!(error.code(), ErrorCode::NotFound);
    }
    may.is_ok()
}

/// The membership log `of` a vault, or of another to which its log leads, as
/// somebody is shown it.
pub(crate) async fn shown(
    world: &World,
    who: &Signer,
    vault: VaultId,
    of: VaultId,
) -> Result<MembershipLog> {
    let access = world.vaults.authorise::<Read>(who.uid, vault);
    let shown = world.vaults.membership(&access.await?, of, 0).await;
    if let Err(error) = &shown {
        assert_eq!(error.code(), ErrorCode::NotFound);
    }
    shown
}

#[tokio::test]
pub(crate) async fn a_member_reads_until_the_moment_that_ends_it() {
    let world = World::new().await;
    let (alice, _) = somebody(&world, 1).await;
    let (bob, _) = somebody(&world, 2).await;
    let (carol, _) = somebody(&world, 3).await;
    let mut vault = shared(&world, &alice, VaultKind::Shared).await;
    let id = vault.vault_id();
    assert!(reads(&world, &alice, id).await && !reads(&world, &bob, id).await);

    let until = world.now_ms() + MINUTE_MS;
    let grants = vec![
        grant(bob.uid, bob.keys, Role::Viewer),
        grant_until(carol.uid, carol.keys, Role::Contributor, until),
    ];
    change(&world, &mut vault, &alice, grants).await;
    assert!(reads(&world, &bob, id).await && reads(&world, &carol, id).await);
    // A viewer leaves, but writes nothing; a contributor does.
    let by_viewer = vault.put(
        &bob,
        &[],
        Role::Viewer,
        vec![Put::new(1, "b")],
        world.now_ms(),
    );
    assert_eq!(refusal(&world, &bob, by_viewer).await, ErrorCode::Forbidden);
    put(
        &world,
        &mut vault,
        &carol,
        Role::Contributor,
        Put::new(1, "c"),
    )
    .await;
    // What is appended to a vault counts against whoever owns it.
    world.assert_whole().await;

    world.pass(MINUTE_MS);
    assert!(!reads(&world, &carol, id).await);
    let late = vault.put(
        &carol,
        &[],
        Role::Contributor,
        vec![Put::new(2, "c")],
        until - 1,
    );
    assert_eq!(refusal(&world, &carol, late).await, ErrorCode::NotFound);
    change(
        &world,
        &mut vault,
        &alice,
        vec![MembershipOp::Expire(carol.uid)],
    )
    .await;

    let editor = vec![role(bob.uid, Role::Editor)];
    change(&world, &mut vault, &alice, editor).await;
    put(&world, &mut vault, &bob, Role::Editor, Put::new(1, "b")).await;
    // Signed before, sent after: too late.
    let early = vault.put(
        &bob,
        &[],
        Role::Editor,
        vec![Put::new(3, "b")],
        world.now_ms(),
    );
    change(
        &world,
        &mut vault,
        &alice,
        vec![MembershipOp::Revoke(bob.uid)],
    )
    .await;
    assert!(!reads(&world, &bob, id).await);
    assert_eq!(refusal(&world, &bob, early).await, ErrorCode::NotFound);

    // Leaving ends it as well.
    change(
        &world,
        &mut vault,
        &alice,
        vec![grant(bob.uid, bob.keys, Role::Viewer)],
    )
    .await;
    let leaving = vault.change(&bob, &[], vec![MembershipOp::Leave], false, world.now_ms());
    send(&world, &bob, leaving.clone()).await.unwrap();
    vault.accept(&leaving.entry);
    assert!(!reads(&world, &bob, id).await);
    world.assert_whole().await;
}

#[tokio::test]
pub(crate) async fn access_goes_through_groups_and_ends_with_any_step() {
    let world = World::new().await;
    let (alice, _) = somebody(&world, 1).await;
    let (bob, _) = somebody(&world, 2).await;
    let (carol, _) = somebody(&world, 3).await;
    let mut inner = shared(&world, &bob, VaultKind::Group).await;
    let mut outer = shared(&world, &alice, VaultKind::Group).await;
    let mut vault = shared(&world, &alice, VaultKind::Shared).await;
    let id = vault.vault_id();
    change(
        &world,
        &mut inner,
        &bob,
        vec![grant(carol.uid, carol.keys, Role::Editor)],
    )
    .await;
    outer.knows(&inner);
    let inner_in = vec![grant(inner.vault_id(), inner.keys(), Role::Contributor)];
    change(&world, &mut outer, &alice, inner_in).await;
    vault.knows(&outer);
    vault.knows(&inner);
    let outer_in = vec![grant(outer.vault_id(), outer.keys(), Role::Editor)];
    change(&world, &mut vault, &alice, outer_in).await;

    // Carol is an editor of a contributor of an editor: a contributor.
    assert!(reads(&world, &carol, id).await);
    let via = [outer.via(), inner.via()];
    let new = vault.put(
        &carol,
        &via,
        Role::Contributor,
        vec![Put::new(1, "c")],
        world.now_ms(),
    );
    send(&world, &carol, new.clone()).await.unwrap();
    vault.accept(&new.entry);
    put(&world, &mut vault, &alice, Role::Owner, Put::new(2, "a")).await;
    let others = vault.put(
        &carol,
        &via,
        Role::Contributor,
        vec![Put::new(2, "c")],
        world.now_ms(),
    );
    assert_eq!(refusal(&world, &carol, others).await, ErrorCode::Rejected);
    // Not as a member, which she is not.
    let direct = vault.put(
        &carol,
        &[],
        Role::Contributor,
        vec![Put::new(3, "c")],
        world.now_ms(),
    );
    assert_eq!(refusal(&world, &carol, direct).await, ErrorCode::Rejected);
    world.assert_whole().await;

    // Removed from the innermost group, by one entry there.
    change(
        &world,
        &mut inner,
        &bob,
        vec![MembershipOp::Revoke(carol.uid)],
    )
    .await;
    assert!(!reads(&world, &carol, id).await);
    assert!(reads(&world, &bob, id).await);
    // And with the outer group everybody in it.
    change(
        &world,
        &mut vault,
        &alice,
        vec![MembershipOp::Revoke(outer.vault_id())],
    )
    .await;
    assert!(!reads(&world, &bob, id).await);
    assert!(reads(&world, &alice, id).await);
    world.assert_whole().await;
}

#[tokio::test]
pub(crate) async fn people_are_granted_as_their_accounts_are_now() {
    let world = World::new().await;
    let (alice, _) = somebody(&world, 1).await;
    let (bob, _) = somebody(&world, 2).await;
    let mut vault = shared(&world, &alice, VaultKind::Shared).await;
    let mut planted = bob.keys;
    planted.sign_pk = alice.keys.sign_pk;
    let mut stale = bob.keys;
    stale.head = Head::NONE;
    let nobody = VaultId::new([7; 32]);
    for (uid, keys, expected) in [
        (bob.uid, planted, ErrorCode::Rejected),
        (bob.uid, stale, ErrorCode::Conflict),
        (nobody, bob.keys, ErrorCode::Rejected),
        (vault.vault_id(), bob.keys, ErrorCode::Rejected),
    ] {
        let ops = vec![grant(uid, keys, Role::Viewer)];
        let request = vault
            .clone()
            .change(&alice, &[], ops, false, world.now_ms());
        assert_eq!(refusal(&world, &alice, request).await, expected, "{uid:?}");
    }
    // Nobody makes a vault in another's name, or of a kind that comes alone.
    let (new, _) = Shared::begin(&bob, VaultKind::Shared, INSTANCE, world.now_ms());
    let stolen = world.vaults.create(alice.uid, INSTANCE, new).await;
    assert_eq!(stolen.unwrap_err().code(), ErrorCode::Rejected);
    let (new, _) = Shared::begin(&alice, VaultKind::Drive, INSTANCE, world.now_ms());
    let second = world.vaults.create(alice.uid, INSTANCE, new).await;
    assert_eq!(second.unwrap_err().code(), ErrorCode::Rejected);
    let mut other = alice.clone();
    other.key = bob.key.clone();
    let (new, _) = Shared::begin(&other, VaultKind::Shared, INSTANCE, world.now_ms());
    let foreign = world.vaults.create(alice.uid, INSTANCE, new).await;
    assert_eq!(foreign.unwrap_err().code(), ErrorCode::Rejected);
    change(
        &world,
        &mut vault,
        &alice,
        vec![grant(bob.uid, bob.keys, Role::Manager)],
    )
    .await;
    world.assert_whole().await;
}

#[tokio::test]
pub(crate) async fn an_entry_names_the_newest_heads_and_waits_for_due_keys() {
    let world = World::new().await;
    let (alice, _) = somebody(&world, 1).await;
    let (bob, _) = somebody(&world, 2).await;
    let (carol, _) = somebody(&world, 3).await;
    let mut group = shared(&world, &alice, VaultKind::Group).await;
    let mut vault = shared(&world, &alice, VaultKind::Shared).await;
    let in_group = vec![
        grant(bob.uid, bob.keys, Role::Editor),
        grant(carol.uid, carol.keys, Role::Editor),
    ];
    change(&world, &mut group, &alice, in_group).await;
    vault.knows(&group);
    let group_in = vec![grant(group.vault_id(), group.keys(), Role::Editor)];
    change(&world, &mut vault, &alice, group_in).await;

    let old_way = [group.via()];
    change(
        &world,
        &mut group,
        &alice,
        vec![MembershipOp::Revoke(carol.uid)],
    )
    .await;
    // Bob does not know yet that Carol is gone.
    let now = world.now_ms();
    let blind = vault.put(&bob, &old_way, Role::Editor, vec![Put::new(1, "b")], now);
    assert_eq!(refusal(&world, &bob, blind).await, ErrorCode::Conflict);
    // Nobody writes under the key that Carol has, not even a direct member.
    vault.knows(&group);
    let early = vault.put(&alice, &[], Role::Owner, vec![Put::new(1, "a")], now);
    assert_eq!(refusal(&world, &alice, early).await, ErrorCode::Rejected);
    // A membership change never waits, and a new key ends the wait.
    let rekey = MembershipOp::Rekey(sv_ledger::membership_op::RekeyOp {
        principal: group.vault_id(),
        keys: group.keys(),
        proof: [0; 64],
    });
    let settled = vault.change(&bob, &[group.via()], vec![rekey], true, now);
    send(&world, &bob, settled.clone()).await.unwrap();
    vault.accept(&settled.entry);
    let via = [group.via()];
    let after = vault.put(
        &bob,
        &via,
        Role::Editor,
        vec![Put::new(1, "b")],
        world.now_ms(),
    );
    send(&world, &bob, after).await.unwrap();
    world.assert_whole().await;
}

#[tokio::test]
pub(crate) async fn vaults_nest_four_deep_and_never_in_a_circle() {
    let world = World::new().await;
    let (alice, _) = somebody(&world, 1).await;
    let mut groups = Vec::new();
    for _ in 0..6 {
        groups.push(shared(&world, &alice, VaultKind::Group).await);
    }
    let mut nest = async |outer: usize, inner: usize| {
        let member = groups[inner].clone();
        let outer = &mut groups[outer];
        outer.knows(&member);
        let ops = vec![grant(member.vault_id(), member.keys(), Role::Viewer)];
        let request = outer
            .clone()
            .change(&alice, &[], ops, false, world.now_ms());
        let sent = send(&world, &alice, request.clone()).await;
        if sent.is_ok() {
            outer.accept(&request.entry);
        }
        sent.map_err(|error| error.code())
    };
    // 0 > 1 > 2 and 3 > 4, then 2 > 3: four steps from 0 to 4.
    for (outer, inner) in [(0, 1), (1, 2), (3, 4), (2, 3)] {
        nest(outer, inner).await.unwrap();
    }
    assert_eq!(nest(4, 5).await, Err(ErrorCode::Rejected));
    assert_eq!(nest(5, 0).await, Err(ErrorCode::Rejected));
    assert_eq!(nest(2, 0).await, Err(ErrorCode::Rejected));
    assert_eq!(nest(4, 3).await, Err(ErrorCode::Rejected));
    nest(3, 5).await.unwrap();
    world.assert_whole().await;
}

#[tokio::test]
pub(crate) async fn a_transfer_moves_every_charge() {
    let world = World::new().await;
    let (alice, _) = somebody(&world, 1).await;
    let (bob, mut drive) = somebody(&world, 2).await;
    let mut vault = shared(&world, &alice, VaultKind::Shared).await;
    change(
        &world,
        &mut vault,
        &alice,
        vec![grant(bob.uid, bob.keys, Role::Manager)],
    )
    .await;
    let (both, only) = (sealed(5_000, 1), sealed(7_000, 2));
    let one = Put::new(1, "a").inline(1, both.clone());
    put(&world, &mut vault, &alice, Role::Owner, one).await;
    let two = Put::new(2, "b").inline(2, only.clone());
    put(&world, &mut vault, &bob, Role::Manager, two).await;
    // Bob has one of the contents in his drive as well.
    let copy = vec![Put::new(1, "c").adding(content(1, &[&both]))];
    let request = drive.request(copy, &[], world.now_ms());
    send(&world, &bob, request.clone()).await.unwrap();
    drive.accept(&request.entry);
    let (len, bobs) = ((both.len() + only.len()) as u64, both.len() as u64);
    assert_eq!(
        (world.used(alice.uid).await, world.used(bob.uid).await),
        (len, bobs)
    );

    // What does not fit is not taken over.
    let charged = world.charged(bob.uid).await;
    world.allow(bob.uid, charged + 100).await;
    let ops = vec![MembershipOp::Transfer(bob.uid)];
    let transfer = vault.change(&alice, &[], ops, false, world.now_ms());
    assert_eq!(
        refusal(&world, &alice, transfer.clone()).await,
        ErrorCode::QuotaExceeded
    );
    world.assert_whole().await;
    world.allow(bob.uid, crate::world::QUOTA).await;
    send(&world, &alice, transfer.clone()).await.unwrap();
    vault.accept(&transfer.entry);
    assert_eq!(
        (world.used(alice.uid).await, world.used(bob.uid).await),
        (0, len)
    );
    world.assert_whole().await;
    put(
        &world,
        &mut vault,
        &alice,
        Role::Manager,
        Put::new(2, "d").dropping(2),
    )
    .await;
    assert_eq!(
        (world.used(alice.uid).await, world.used(bob.uid).await),
        (0, bobs)
    );
    world.assert_whole().await;
}

#[tokio::test]
pub(crate) async fn a_content_is_copied_only_by_whoever_reads_it() {
    let world = World::new().await;
    let (alice, _) = somebody(&world, 1).await;
    let (bob, mut drive) = somebody(&world, 2).await;
    let mut group = shared(&world, &alice, VaultKind::Group).await;
    let mut vault = shared(&world, &alice, VaultKind::Shared).await;
    let block = sealed(5_000, 1);
    let one = Put::new(1, "a").inline(1, block.clone());
    put(&world, &mut vault, &alice, Role::Owner, one).await;
    let copy = |drive: &Log, node| {
        let changes = vec![Put::new(node, "b").adding(content(1, &[&block]))];
        drive.request(changes, &[], world.now_ms())
    };
    assert_eq!(
        refusal(&world, &bob, copy(&drive, 1)).await,
        ErrorCode::BlocksMissing
    );

    change(
        &world,
        &mut group,
        &alice,
        vec![grant(bob.uid, bob.keys, Role::Viewer)],
    )
    .await;
    vault.knows(&group);
    let group_in = vec![grant(group.vault_id(), group.keys(), Role::Viewer)];
    change(&world, &mut vault, &alice, group_in).await;
    let request = copy(&drive, 1);
    send(&world, &bob, request.clone()).await.unwrap();
    drive.accept(&request.entry);
    assert_eq!(world.used(bob.uid).await, block.len() as u64);

    // What he has he keeps; no more comes out of what he cannot read.
    let other = sealed(6_000, 2);
    let ops = vec![MembershipOp::Revoke(group.vault_id())];
    change(&world, &mut vault, &alice, ops).await;
    put(
        &world,
        &mut vault,
        &alice,
        Role::Owner,
        Put::new(2, "a").inline(2, other.clone()),
    )
    .await;
    let changes = vec![Put::new(2, "b").adding(content(2, &[&other]))];
    let late = drive.request(changes, &[], world.now_ms());
    assert_eq!(refusal(&world, &bob, late).await, ErrorCode::BlocksMissing);
    world.assert_whole().await;
}

#[tokio::test]
pub(crate) async fn who_has_access_is_seen_by_whoever_has_it() {
    let world = World::new().await;
    let (alice, _) = somebody(&world, 1).await;
    let (bob, _) = somebody(&world, 2).await;
    let (carol, _) = somebody(&world, 3).await;
    let mut group = shared(&world, &alice, VaultKind::Group).await;
    let mut vault = shared(&world, &alice, VaultKind::Shared).await;
    change(
        &world,
        &mut group,
        &alice,
        vec![grant(carol.uid, carol.keys, Role::Viewer)],
    )
    .await;
    vault.knows(&group);
    let members = vec![
        grant(bob.uid, bob.keys, Role::Viewer),
        grant(group.vault_id(), group.keys(), Role::Viewer),
    ];
    let id = vault.vault_id();
    let sees = async |who: &Signer, of: VaultId| shown(&world, who, id, of).await.is_ok();
    assert!(!sees(&bob, group.vault_id()).await && !sees(&bob, carol.uid).await);
    change(&world, &mut vault, &alice, members).await;
    // Bob sees the group that shares the vault with him, and who is in it.
    assert!(sees(&bob, group.vault_id()).await && sees(&bob, carol.uid).await);
    assert!(sees(&bob, alice.uid).await && sees(&carol, bob.uid).await);
    // But reads nothing of it.
    assert!(!reads(&world, &bob, group.vault_id()).await);
    assert!(!reads(&world, &bob, carol.uid).await);
    let (dave, _) = somebody(&world, 4).await;
    assert!(!sees(&dave, carol.uid).await && !sees(&bob, dave.uid).await);
    change(
        &world,
        &mut vault,
        &alice,
        vec![MembershipOp::Revoke(bob.uid)],
    )
    .await;
    assert!(!sees(&bob, carol.uid).await);
}

#[tokio::test]
pub(crate) async fn downloads_from_shared_vaults_are_noted_and_forgotten() {
    let world = World::new().await;
    let (alice, mut drive) = somebody(&world, 1).await;
    let (bob, _) = somebody(&world, 2).await;
    let mut vault = shared(&world, &alice, VaultKind::Shared).await;
    change(
        &world,
        &mut vault,
        &alice,
        vec![grant(bob.uid, bob.keys, Role::Viewer)],
    )
    .await;
    let block = sealed(5_000, 1);
    put(
        &world,
        &mut vault,
        &alice,
        Role::Owner,
        Put::new(1, "a").inline(1, block.clone()),
    )
    .await;
    let own = drive.request(vec![Put::new(1, "a").inline(2, block)], &[], world.now_ms());
    send(&world, &alice, own.clone()).await.unwrap();
    drive.accept(&own.entry);

    let id = vault.vault_id();
    for (who, vault_id, n) in [
        (&alice, id, 1),
        (&bob, id, 1),
        (&alice, drive.vault_id(), 2),
    ] {
        let read = world
            .vaults
            .authorise::<Read>(who.uid, vault_id)
            .await
            .unwrap();
        let content_ids = vec![content_id(n)];
        world
            .vaults
            .contents(&read, &ContentsRequest { content_ids })
            .await
            .unwrap();
        world.vaults.block(&read, content_id(n), 0).await.unwrap();
        world.pass(1);
    }
    // Nothing of the drive; and in the other two blocks each, as one download.
    assert_eq!(world.vaults.write_accesses(true).await.unwrap(), 2);
    let newest = AccessId::new([0xff; 16]);
    let seen = async |who: &Signer| {
        let access = world
            .vaults
            .authorise::<Oversee>(who.uid, id)
            .await
            .unwrap();
        world
            .vaults
            .accesses(&access, newest)
            .await
            .unwrap()
            .accesses
    };
    let all = seen(&alice).await;
    let who: Vec<_> = all.iter().map(|access| access.uid).collect();
    assert_eq!(who, [bob.uid, alice.uid]);
    assert!(
        all.iter()
            .all(|a| a.content_id == content_id(1) && a.blocks == 2)
    );
    assert_eq!(seen(&bob).await, all[..1]);
    let older = world
        .vaults
        .authorise::<Oversee>(alice.uid, id)
        .await
        .unwrap();
    let page = world
        .vaults
        .accesses(&older, all[0].access_id)
        .await
        .unwrap();
    assert_eq!((page.accesses.as_slice(), page.more), (&all[1..], false));

    world.pass(ACCESS_TTL_MS + 1);
    assert_eq!(world.jobs.run().await.unwrap().forgotten_accesses, 2);
    assert_eq!(seen(&alice).await, []);
}
