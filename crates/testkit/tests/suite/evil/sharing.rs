//! A3, A13, A14, A52 where people share: other accounts under known names,
//! vaults that nobody asked for, members that are hidden, chains of another
//! server.

use sv_api::Base64;
use sv_api::account::NewVault;
use sv_api::endpoint::{GetMembership, LookUpHandles};
use sv_api::share::Directory;
use sv_api::vault::MembershipLog;
use sv_client::account::Session;
use sv_client::drive::Drive;
use sv_client::people::{Trust, own_identity};
use sv_client::port::Platform as _;
use sv_client::sharing::{self, Invitee, Last, ShareState, Terms};
use sv_client::vault::{Change, NewVaultBuilder, Vault};
use sv_client::{ClientError, Tamper};
use sv_core::record::{Kind, Mount, Payload, Record};
use sv_core::{AccountKeys, AccountRootKey, Name};
use sv_ledger::entry::Entry;
use sv_ledger::genesis::Genesis;
use sv_ledger::handle::Handle;
use sv_ledger::id::{InstanceId, NodeId, VaultId};
use sv_ledger::state::Role;
use sv_testkit::{Actor, TestPlatform, TestServer, file, folder, put, run};

type People = Session<TestPlatform>;

fn handle(text: &str) -> Handle {
    Handle::parse(text).unwrap()
}

/// Anna, with a folder that she shares with bob, and mallory.
struct Scene {
    server: TestServer,
    anna: (Actor, People),
    bob: People,
    mallory: People,
}

impl Scene {
    async fn new() -> Self {
        let server = TestServer::start().await;
        let anna = Actor::sign_up(&server, "anna").await;
        let (_, bob) = Actor::sign_up(&server, "bob").await;
        let (_, mallory) = Actor::sign_up(&server, "mallory").await;
        let mut drive = Drive::open(&anna.1).await.unwrap();
        put(
            &mut drive,
            "/",
            vec![folder("work"), file("work/a.txt", "hello")],
        )
        .await
        .unwrap();
        drop(drive);
        let scene = Self {
            server,
            anna,
            bob,
            mallory,
        };
        share(&scene.anna.1, "/work", "bob", Role::Editor).await;
        scene
    }
}

async fn share(session: &People, path: &str, with: &str, role: Role) -> VaultId {
    let mut account = Vault::account(session).await.unwrap();
    let invitees = sharing::invitees(&mut account, &[with.to_owned()])
        .await
        .unwrap();
    assert!(matches!(invitees[0], Invitee::Person(_)));
    let terms = Terms {
        role,
        expires_ms: 0,
        with_history: false,
    };
    let path = path.parse().unwrap();
    let done = sharing::share(session, &mut account, &path, &invitees, &terms).await;
    done.unwrap().vault_id.unwrap()
}

/// An account of the server's own making, under a name of its choice.
pub(crate) fn forged(instance: InstanceId, name: &str, session: &People) -> MembershipLog {
    let mut random = session.platform().random();
    let root = AccountRootKey::generate(&mut random).unwrap();
    let keys = AccountKeys::derive(&root, 1);
    let builder = NewVaultBuilder {
        instance,
        keys: &keys,
        now_ms: session.platform().now_ms(),
    };
    let new = NewVault::from(builder.account(&handle(name), &mut random).unwrap());
    let entry = |Base64(bytes): &Base64| Entry::parse(bytes).unwrap();
    MembershipLog {
        genesis: Genesis::parse(&new.genesis.0).unwrap(),
        entries: new.entries.iter().map(entry).collect(),
        more: false,
        is_gone: false,
    }
}

/// From now on the directory shows that chain, whoever is asked for.
fn show_instead(session: &People, log: &MembershipLog) {
    let log = log.clone();
    let network = &session.platform().network;
    network.rewrite_fields::<LookUpHandles>(move |directory: &mut Directory| {
        for chain in &mut directory.chains {
            *chain = Some(log.clone());
        }
    });
}

/// Fails without the comparison with the known contact in `meet`.
#[test]
fn a13_a_known_name_stays_the_account_it_was() {
    run(async {
        let scene = Scene::new().await;
        let anna = &scene.anna.1;
        let mut account = Vault::account(anna).await.unwrap();
        let bob = account.find_person(&handle("bob")).await.unwrap();
        assert_eq!(bob.trust, Trust::Unverified);
        account
            .confirm_person(&handle("bob"), Some(bob.identity))
            .await
            .unwrap();
        let known = account.contacts();

        let instance = anna.profile().instance.id;
        show_instead(anna, &forged(instance, "bob", anna));
        let refused = account.find_person(&handle("bob")).await;
        assert!(matches!(
            refused,
            Err(ClientError::Tampered(Tamper::Contact(_)))
        ));
        assert_eq!(account.contacts(), known, "nothing was learned");
        anna.platform().network.be_honest();
        let again = account.find_person(&handle("bob")).await.unwrap();
        assert_eq!(
            (again.identity, again.trust),
            (bob.identity, Trust::Verified)
        );
    });
}

/// Fails without the comparison with who is new in the same request.
#[test]
fn a13_one_name_is_one_account_in_one_answer() {
    run(async {
        let scene = Scene::new().await;
        let anna = &scene.anna.1;
        let mut account = Vault::account(anna).await.unwrap();
        let known = account.contacts();
        let twice = [handle("mallory"), handle("mallory")];
        let forged = forged(anna.profile().instance.id, "mallory", anna);
        let network = &anna.platform().network;
        network.rewrite_fields::<LookUpHandles>(move |directory: &mut Directory| {
            directory.chains[1] = Some(forged.clone());
        });
        let refused = account.find_people(&twice).await;
        assert!(matches!(
            refused,
            Err(ClientError::Tampered(Tamper::Contact(_)))
        ));
        assert_eq!(account.contacts(), known, "nothing was learned");
        network.be_honest();
        account.find_people(&twice).await.unwrap();
        assert_eq!(account.contacts().len(), known.len() + 1);
    });
}

/// Of a thousand people it would be a thousand requests. Fails where each is an
/// entry of their own.
#[test]
fn several_new_people_are_noted_in_one_entry() {
    run(async {
        let scene = Scene::new().await;
        let anna = &scene.anna.1;
        let names = ["carol", "dora", "edda"].map(handle);
        for name in &names {
            Actor::sign_up(&scene.server, &name.to_string()).await;
        }
        let mut account = Vault::account(anna).await.unwrap();
        let (before, known) = (account.replica().state().head.seq, account.contacts().len());
        account.find_people(&names).await.unwrap();
        assert_eq!(account.replica().state().head.seq, before + 1);
        assert_eq!(account.contacts().len(), known + names.len());
        account.find_people(&names).await.unwrap();
        assert_eq!(account.replica().state().head.seq, before + 1);
    });
}

/// Nobody can tell the first time, so it is shown; and the safety number is
/// another than the one that the real one sees.
#[test]
fn a13_an_unknown_name_is_unverified_and_compared() {
    run(async {
        let scene = Scene::new().await;
        let (anna, mallory) = (&scene.anna.1, &scene.mallory);
        let instance = anna.profile().instance.id;
        show_instead(anna, &forged(instance, "mallory", anna));
        let mut account = Vault::account(anna).await.unwrap();
        let shown = account.find_person(&handle("mallory")).await.unwrap();
        assert_eq!(shown.trust, Trust::Unverified);
        let own = own_identity(&account).await.unwrap();
        let mut theirs = Vault::account(mallory).await.unwrap();
        let anna_seen = theirs.find_person(&handle("anna")).await.unwrap();
        let real = own_identity(&theirs).await.unwrap();
        assert_ne!(
            own.safety_number(&shown.identity),
            real.safety_number(&anna_seen.identity)
        );
        // The code of the real one is not accepted for the other.
        let refused = account.confirm_person(&handle("mallory"), Some(real)).await;
        assert!(matches!(
            refused,
            Err(ClientError::Tampered(Tamper::Contact(_)))
        ));
    });
}

/// Fails without the comparison of the signed handle, and of the instance.
#[test]
fn a13_a52_a_chain_is_of_that_name_and_of_this_server() {
    run(async {
        let scene = Scene::new().await;
        let (anna, bob) = (&scene.anna.1, &scene.bob);
        let mut account = Vault::account(anna).await.unwrap();
        let instance = anna.profile().instance.id;
        for (log, expected) in [
            (
                forged(instance, "mallory", anna),
                Tamper::Contact("carol".into()),
            ),
            (
                forged(InstanceId::new([7; 32]), "carol", anna),
                Tamper::Identity,
            ),
        ] {
            show_instead(anna, &log);
            let refused = account.find_person(&handle("carol")).await;
            let Err(ClientError::Tampered(tamper)) = refused else {
                panic!("{refused:?}");
            };
            assert_eq!(tamper, expected);
        }
        anna.platform().network.be_honest();
        let known = account.find_person(&handle("bob")).await.unwrap();
        assert_eq!(known.identity.uid, bob.uid());
    });
}

/// Fails without `Vault::knows` in `open_at`: what somebody else shares is
/// neither the drive nor gone through before it was accepted.
#[test]
fn a03_a_vault_that_nobody_asked_for_is_not_used() {
    run(async {
        let scene = Scene::new().await;
        let (anna, mallory) = (&scene.anna.1, &scene.mallory);
        let mut drive = Drive::open(mallory).await.unwrap();
        put(&mut drive, "/", vec![folder("bait"), file("bait/x", "x")])
            .await
            .unwrap();
        drop(drive);
        let bait = share(mallory, "/bait", "anna", Role::Editor).await;

        let account = Vault::account(anna).await.unwrap();
        let shares = sharing::shares(anna, &account).await.unwrap();
        let offered = shares.iter().find(|share| share.vault_id == bait).unwrap();
        assert_eq!(offered.state, ShareState::Offered);
        let path = "shared:bait/x".parse().unwrap();
        let refused = sharing::open_at(anna, &path, Last::Through).await;
        assert!(matches!(refused, Err(ClientError::NotFound(_))));

        // Bob, an editor of what anna shares, puts a way into it there.
        let bobs = Vault::account(&scene.bob).await.unwrap();
        let shares = sharing::shares(&scene.bob, &bobs).await.unwrap();
        let mut work = bobs.open_beside(shares[0].vault_id).await.unwrap();
        let mut record = Record::new(Kind::Mount, Name::parse("bait").unwrap(), None, 1);
        record.mount = Some(Mount {
            vault_id: bait,
            node: None,
        });
        let node = NodeId::new(scene.bob.platform().random_bytes());
        let payload = Payload::Node(record);
        work.commit(&[], move |_| Ok(vec![Change::put(node, payload.clone())]))
            .await
            .unwrap();
        let path = "/work/bait/x".parse().unwrap();
        let refused = sharing::open_at(anna, &path, Last::Through).await;
        assert!(matches!(refused, Err(ClientError::Misuse(_))));
        let honest = "/work/a.txt".parse().unwrap();
        let (drive, inner) = sharing::open_at(anna, &honest, Last::Through)
            .await
            .unwrap();
        assert!(drive.find_file(&inner).is_ok());
    });
}

/// Fails without the comparison of the log's membership entries with those
/// that were shown, and without the chain of hashes among them.
#[test]
fn a14_no_member_is_hidden_or_added() {
    run(async {
        let scene = Scene::new().await;
        let (actor, anna) = &scene.anna;
        let fresh = scene.server.device();
        let session = actor.try_log_in(&scene.server, fresh).await.unwrap();
        let path = "/work/a.txt".parse().unwrap();
        let changes: [fn(&mut MembershipLog); 3] = [
            |log| drop(log.entries.pop()),
            |log| log.entries.truncate(1),
            |log| {
                let last = log.entries.last().unwrap().clone();
                log.entries.push(last);
            },
        ];
        for change in changes {
            let network = &session.platform().network;
            network.rewrite_fields::<GetMembership>(move |log: &mut MembershipLog| {
                if log.entries.len() > 1 {
                    change(log);
                }
            });
            let opened = sharing::open_at(&session, &path, Last::Through).await;
            assert!(matches!(opened, Err(ClientError::Tampered(_))));
            network.be_honest();
        }
        assert!(
            sharing::open_at(&session, &path, Last::Through)
                .await
                .is_ok()
        );
        let mut account = Vault::account(anna).await.unwrap();
        let (drive, _) = sharing::open_at(anna, &path, Last::Through).await.unwrap();
        let members = sharing::members(&mut account, drive.vault()).await.unwrap();
        assert_eq!(members.len(), 2);
        assert!(members.iter().all(|member| !member.is_ghost));
    });
}

/// Whoever lost access gets nothing that was written since, whatever the
/// server gives them: the new key was never sealed to them.
#[test]
fn a20_what_is_written_after_a_revocation_is_under_another_key() {
    run(async {
        let scene = Scene::new().await;
        let anna = &scene.anna.1;
        let account = Vault::account(anna).await.unwrap();
        let path = "/work/a.txt".parse().unwrap();
        let (drive, _) = sharing::open_at(anna, &path, Last::Through).await.unwrap();
        let mut vault = account.open_beside(drive.vault().id()).await.unwrap();
        let before = vault.replica().state().membership.clone();
        vault.revoke(scene.bob.uid()).await.unwrap();
        let after = &vault.replica().state().membership;
        assert_eq!(
            (before.epoch + 1, before.members.len() - 1),
            (after.epoch, 1)
        );
        assert_ne!(before.commitment, after.commitment);
        let bobs = Vault::account(&scene.bob).await.unwrap();
        let gone = bobs.open_beside(vault.id()).await;
        assert!(matches!(gone, Err(ClientError::NoAccess)));
    });
}
