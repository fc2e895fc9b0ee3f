//! A14, A16 to A20 and A34: people who may do some things, and a server that helps
//! them to do others. They have all keys that they are given, sign what they
//! like, and what they sign is shown as if it were valid.

use sv_client::error::Result;
use sv_client::sharing;
use sv_client::vault::Vault;
use sv_client::{ClientError, Tamper};
use sv_core::VaultKey;
use sv_core::vault_key::{EnvelopeHeader, peek_envelope, seal_envelope};
use sv_ledger::apply::Reject;
use sv_ledger::enc::Statement;
use sv_ledger::entry::{Ops, StateOp};
use sv_ledger::handle::Handle;
use sv_ledger::id::{Hash, NodeId, VaultId};
use sv_ledger::membership_op::{GrantOp, MembershipOp, PrincipalKeys};
use sv_ledger::state::{Head, Role};
use sv_testkit::{Insider, Row, TestPlatform, Value, run};

use super::stand::{Person, Shared, Stand};

/// The log was refused for this reason, on every device, and nobody wrote.
pub(super) fn assert_refused(outcomes: &[(Result<Vec<String>>, bool)], reject: Reject, what: &str) {
    for (seen, has_written) in outcomes {
        let is_it = matches!(seen, Err(ClientError::Tampered(Tamper::Log(r))) if *r == reject);
        assert!(is_it, "{what}: {seen:?}");
        assert!(!has_written, "{what}: and yet something was written");
    }
}

pub(super) fn assert_believed(outcomes: &[(Result<Vec<String>>, bool)], what: &str) {
    for (seen, has_written) in outcomes {
        assert!(seen.is_ok() && *has_written, "{what}: {seen:?}");
    }
}

/// Whoever has the key of a vault, but not the right, adds, changes and
/// removes nothing, whoever helps: a viewer, a contributor where others wrote,
/// somebody who was removed, a stranger with the key, and all of them in
/// anna's name. An editor is believed by the same means. Fails without the
/// roles, the signature or the membership in `apply` and `checkpoint`.
#[test]
fn a34_whoever_may_not_write_forges_nothing() {
    run(async {
        for (role, said) in [
            (Role::Editor, None),
            (Role::Contributor, Some(Reject::Role)),
            (Role::Viewer, Some(Reject::Role)),
        ] {
            let scene = Shared::with(role).await;
            let key = scene.key().await;
            let bob = Insider::of(&scene.bob).await;
            let now_ms = scene.now_ms();
            let others = scene.stand().node_of(&scene.anna.uid());
            let mut logs = Vec::new();
            for what in ["add", "change", "remove"] {
                let mut stand = scene.stand();
                let ops = match what {
                    "add" => stand.put(NodeId::new([7; 16]), &key, "bait"),
                    "change" => stand.put(others, &key, "bait"),
                    _ => Ops::state(vec![StateOp::Delete(others)]),
                };
                stand.write(&bob, ops.clone(), now_ms);
                logs.push((what, stand, ops));
            }
            for (what, stand, _) in &logs {
                let outcomes = scene.show(stand).await;
                // Adding is what a contributor may do, though no device starts
                // from what they signed.
                match said {
                    None => assert_believed(&outcomes, what),
                    Some(_) if role == Role::Contributor && *what == "add" => {
                        assert_believed(&outcomes[..1], what);
                        assert_refused(&outcomes[1..], Reject::Role, what);
                    }
                    Some(reject) => assert_refused(&outcomes, reject, what),
                }
            }
            if role != Role::Viewer {
                continue;
            }
            let anna = scene.anna.uid();
            for (insider, reject) in [
                (Insider::of(&scene.dave).await, Reject::NotAMember),
                (Insider::of(&scene.mallory).await, Reject::NotAMember),
                (bob.posing_as(anna), Reject::Signature),
                (
                    Insider::of(&scene.mallory).await.posing_as(anna),
                    Reject::Signature,
                ),
            ] {
                for (what, _, ops) in &logs {
                    let mut stand = scene.stand();
                    let record = logs.iter().flat_map(|(_, stand, _)| &stand.bodies);
                    let record = record.map(|(hash, body)| (*hash, body.clone()));
                    stand.bodies.extend(record);
                    stand.write(&insider, ops.clone(), now_ms);
                    let outcomes = scene.show(&stand).await;
                    assert_refused(&outcomes, reject, what);
                }
            }
        }
    });
}

/// What somebody is given access with: their true keys, in an envelope that
/// opens.
fn grant(
    scene: &Shared,
    stand: &mut Stand,
    by: &Insider,
    key: &VaultKey,
    to: &Insider,
    head: Head,
) -> Ops {
    let public = to.keys().public();
    let keys = PrincipalKeys {
        generation: to.keys().generation(),
        sign_pk: public.sign_pk,
        kem_hash: public.kem_pk.hash(),
        head,
    };
    let membership = stand.state().membership.clone();
    let header = EnvelopeHeader {
        vault_id: scene.vault_id,
        epoch: membership.epoch,
        granter: by.uid(),
        granter_generation: by.keys().generation(),
        principal: to.uid(),
        principal_generation: keys.generation,
        principal_head: head,
        kem_hash: keys.kem_hash,
        role: Role::Editor,
        vk_commit: membership.commitment,
        member_hash: membership.head.hash,
    };
    let mut random = rand_core::UnwrapErr(getrandom::SysRng);
    let envelope = seal_envelope(&header, &public.kem_pk, key, &mut random).unwrap();
    let envelope = stand.keep(envelope);
    Ops::Membership(vec![MembershipOp::Grant(GrantOp {
        principal: to.uid(),
        role: Role::Editor,
        expires_ms: 0,
        keys,
        envelope,
    })])
}

/// The newest head of an account.
async fn head_of(session: &Person) -> Head {
    let account = Vault::account(session).await.unwrap();
    account.replica().state().membership.head
}

/// Nobody becomes a member but by a manager's signature: not by a viewer's, a
/// stranger's own, a former member's, or another's in anna's name. A manager
/// is believed by the same means. Fails without the roles in `apply`, and
/// without its signature.
#[test]
fn a14_nobody_lets_a_ghost_in() {
    run(async {
        for role in [Role::Manager, Role::Viewer] {
            let scene = Shared::with(role).await;
            let key = scene.key().await;
            let mallory = Insider::of(&scene.mallory).await;
            let head = head_of(&scene.mallory).await;
            let bob = Insider::of(&scene.bob).await;
            let anna = scene.anna.uid();
            let mut tries = vec![(bob, Reject::Role)];
            if role == Role::Viewer {
                let of = async |session| Insider::of(session).await;
                tries.extend([
                    (of(&scene.mallory).await, Reject::NotAMember),
                    (of(&scene.dave).await, Reject::NotAMember),
                    (of(&scene.bob).await.posing_as(anna), Reject::Signature),
                ]);
            }
            for (granter, reject) in tries {
                let mut stand = scene.stand();
                let ops = grant(&scene, &mut stand, &granter, &key, &mallory, head);
                stand.write(&granter, ops, scene.now_ms());
                let outcomes = scene.show(&stand).await;
                match role {
                    Role::Manager => assert_believed(&outcomes, "a manager's grant"),
                    _ => assert_refused(&outcomes, reject, "a ghost"),
                }
            }
        }
    });
}

/// An envelope is for whom the log names: bob's, sealed again to mallory, opens
/// nothing for her, and another than anna's in its place opens nothing for bob.
/// Fails without the comparison with the log in `MembershipChain::envelope`
/// and of the hash in `fetch_bodies`.
#[test]
fn a16_an_envelope_is_passed_on_to_nobody() {
    run(async {
        let scene = Shared::with(Role::Viewer).await;
        let bob = Insider::of(&scene.bob).await;
        let mallory = Insider::of(&scene.mallory).await;
        let key = scene.key().await;
        // What she needs is there, as if anna had sealed it.
        let mut stand = scene.stand();
        let anna = Insider::of(&scene.anna).await;
        let head = head_of(&scene.mallory).await;
        grant(&scene, &mut stand, &anna, &key, &mallory, head);
        let device = scene.mallory.platform().copy(&scene.server.url());
        stand.show(&device);
        assert_eq!(open(&device, scene.vault_id).await, Err(Tamper::VaultKey));

        // By anna's own signature it does open: the means are good.
        let mut stand = scene.stand();
        let ops = grant(&scene, &mut stand, &anna, &key, &mallory, head);
        stand.write(&anna, ops, scene.now_ms());
        let device = scene.mallory.platform().copy(&scene.server.url());
        stand.show(&device);
        assert_eq!(open(&device, scene.vault_id).await, Ok(()));

        // Bob's own, sealed by somebody else who says to be anna.
        let honest = scene.stand();
        let own = |bytes: &&Vec<u8>| {
            let header = peek_envelope(bytes);
            header.is_ok_and(|h| (h.vault_id, h.principal) == (scene.vault_id, bob.uid()))
        };
        let newest = honest.bodies.values().filter(own);
        let newest = newest.max_by_key(|bytes| peek_envelope(bytes).unwrap().epoch);
        let newest = newest.unwrap().clone();
        let header = peek_envelope(&newest).unwrap();
        let mut random = rand_core::UnwrapErr(getrandom::SysRng);
        let public = &bob.keys().public().kem_pk;
        let again = seal_envelope(&header, public, &key, &mut random).unwrap();
        let mut stand = scene.stand();
        stand.bodies.insert(Statement::Body.hash(&newest), again);
        let device = scene.bob.platform().copy(&scene.server.url());
        let device = device.without_caches();
        stand.show(&device);
        let opened = open(&device, scene.vault_id).await;
        assert!(matches!(opened, Err(Tamper::Missing(_))), "{opened:?}");
        device.network.be_honest();
        assert_eq!(open(&device, scene.vault_id).await, Ok(()));
    });
}

/// Opens a vault; how the server was caught.
async fn open(device: &TestPlatform, vault_id: VaultId) -> Result<(), Tamper> {
    let session = sv_client::account::Session::resume(device.clone()).await;
    let session = session.unwrap();
    let account = Vault::account(&session).await.unwrap();
    match account.open_beside(vault_id).await {
        Ok(_) => Ok(()),
        Err(ClientError::Tampered(tamper)) => Err(tamper),
        Err(error) => panic!("{error:?}"),
    }
}

/// Rows of members that the server makes up give nobody a key: a new one goes
/// to exactly whom the log lists. Fails if recipients are taken from anything
/// that the server says.
#[test]
fn a17_a_new_key_goes_to_whom_the_log_lists() {
    run(async {
        let scene = Shared::with(Role::Editor).await;
        let mut database = scene.server.database().await;
        let rows = database.rows("members").await;
        let is_bobs = |row: &&Row| {
            row.blob("principal") == scene.bob.uid().as_bytes()
                && row.blob("vault_id") == scene.vault_id.as_bytes()
        };
        let bobs = rows.iter().find(is_bobs).unwrap();
        let mallory = Value::Blob(scene.mallory.uid().as_bytes().to_vec());
        assert!(database.add(&bobs.with("principal", mallory)).await);
        // The server lets her in, and what it lets her have is sealed.
        let device = scene.mallory.platform().copy(&scene.server.url());
        assert_eq!(open(&device, scene.vault_id).await, Err(Tamper::VaultKey));

        let mut account = Vault::account(&scene.anna).await.unwrap();
        let mut vault = account.open_beside(scene.vault_id).await.unwrap();
        scene.anna.platform().network.take_recording();
        vault.renew_key().await.unwrap();
        let sent = scene.anna.platform().network.take_recording().requests;
        let dump = sv_testkit::Dump::of(&sent);
        let headers = dump.bodies().values().map(|body| peek_envelope(body));
        let mut to: Vec<VaultId> = headers.map(|header| header.unwrap().principal).collect();
        to.sort_unstable();
        let members = &vault.replica().state().membership.members;
        assert_eq!(to, members.keys().copied().collect::<Vec<_>>());
        let mut expected = vec![scene.anna.uid(), scene.bob.uid()];
        expected.sort_unstable();
        assert_eq!(to, expected);
        let listed = sharing::members(&mut account, &vault).await.unwrap();
        assert_eq!(listed.len(), 2);
    });
}

/// Whoever is given access compares what the granter saw of their account with
/// the account itself. Fails without that comparison in `open_held`.
#[test]
fn a18_a_granter_who_saw_another_account_is_noticed() {
    run(async {
        let scene = Shared::with(Role::Editor).await;
        let (anna, mallory) = (
            Insider::of(&scene.anna).await,
            Insider::of(&scene.mallory).await,
        );
        let key = scene.key().await;
        let honest = head_of(&scene.mallory).await;
        let other = Hash::new([7; 32]);
        let shown = [
            (honest, Ok(())),
            (
                Head {
                    hash: other,
                    ..honest
                },
                Err(Tamper::Fork(honest.seq)),
            ),
            (
                Head {
                    seq: honest.seq + 1,
                    hash: other,
                },
                Err(Tamper::Rollback {
                    shown: honest.seq,
                    seen: honest.seq + 1,
                }),
            ),
        ];
        for (head, expected) in shown {
            let mut stand = scene.stand();
            let ops = grant(&scene, &mut stand, &anna, &key, &mallory, head);
            stand.write(&anna, ops, scene.now_ms());
            let device = scene.mallory.platform().copy(&scene.server.url());
            stand.show(&device);
            assert_eq!(open(&device, scene.vault_id).await, expected, "{head:?}");
        }
    });
}

/// A session that the server makes up gets all that the server has, and opens
/// none of it. Fails if anything is sealed to a session.
#[test]
fn a19_a_planted_session_opens_nothing() {
    run(async {
        let scene = Shared::with(Role::Editor).await;
        let mut database = scene.server.database().await;
        let rows = database.rows("sessions").await;
        let of = |person: &Person| {
            let uid = *person.uid().as_bytes();
            rows.iter().find(move |row| row.blob("uid") == uid).unwrap()
        };
        let old = of(&scene.mallory).clone();
        let anna = Value::Blob(scene.anna.uid().as_bytes().to_vec());
        let planted = old.with("uid", anna);
        assert!(database.replace(&old, &planted).await);
        let server = scene.mallory.server();
        let list = server
            .call(
                &sv_api::endpoint::ListVaults,
                sv_api::wire::Empty {},
                sv_client::call::Repeat::Never,
            )
            .await
            .unwrap();
        assert!(list.vaults.len() >= 3, "the server takes her for anna");
        let opened = Insider::of(&scene.mallory).await.open(&scene.dump());
        assert!(opened.records.is_empty() && opened.contents.is_empty());
        let annas = Insider::of(&scene.anna).await.open(&scene.dump());
        assert!(annas.records.len() >= 2 && !annas.contents.is_empty());
        // And her own device takes nobody else's vaults for its own.
        let device = scene.mallory.platform().copy(&scene.server.url());
        let device = device.without_caches();
        let session = sv_client::account::Session::resume(device).await.unwrap();
        assert!(Vault::account(&session).await.is_err());
    });
}

/// Somebody who was removed knows the old key and no other: what they sign
/// afterwards is refused, and what is sealed afterwards they do not open.
/// Fails without the membership in `apply`, or if a revocation kept the key.
#[test]
fn a20_whoever_was_removed_neither_writes_nor_reads_on() {
    run(async {
        let scene = Shared::with(Role::Editor).await;
        let dave = Insider::of(&scene.dave).await;
        let mut opened = dave.open(&scene.dump());
        let of_vault = opened.keys.keys().filter(|(id, ..)| *id == scene.vault_id);
        let of_vault: Vec<_> = of_vault.copied().collect();
        let epochs: Vec<u32> = of_vault.iter().map(|(_, epoch, _)| *epoch).collect();
        let newest = scene.stand().state().membership.epoch;
        assert!(
            !epochs.is_empty() && !epochs.contains(&newest),
            "{epochs:?}"
        );
        let old = of_vault.iter().max().unwrap();
        let old = opened.keys.remove(old).unwrap();
        let mut stand = scene.stand();
        let ops = stand.put(NodeId::new([7; 16]), &old, "still here");
        stand.write(&dave, ops, scene.now_ms());
        assert_refused(&scene.show(&stand).await, Reject::NotAMember, "dave");
        let handle = Handle::parse("dave").unwrap();
        let mut account = Vault::account(&scene.anna).await.unwrap();
        assert!(account.find_person(&handle).await.is_ok());
    });
}
