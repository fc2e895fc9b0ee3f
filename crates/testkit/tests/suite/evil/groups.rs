//! What others do with groups that are, or were, members of a shared vault
//! must not take the vault from those who use it.

use sv_api::endpoint::GetMembership;
use sv_api::vault::MembershipLog;
use sv_client::ClientError;
use sv_client::account::Session;
use sv_client::drive::Drive;
use sv_client::sharing::{self, Invitee, Last, Terms};
use sv_client::vault::Vault;
use sv_core::Name;
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::VaultId;
use sv_ledger::sealed::ContentSuite;
use sv_ledger::state::Role;
use sv_testkit::{Actor, TestPlatform, TestServer, Value, file, folder, put, run};

type People = Session<TestPlatform>;

/// A group with those people.
async fn group(session: &People, name: &str, people: &[(&str, Role)]) -> VaultId {
    let mut account = Vault::account(session).await.unwrap();
    let name = Name::parse(name).unwrap();
    let (kind, suite) = (VaultKind::Group, ContentSuite::Blocks);
    sharing::make_vault(session, &mut account, &name, kind, suite)
        .await
        .unwrap();
    let mut known = account.shared_vaults().into_iter();
    let id = known.find(|(_, v)| v.name == name).unwrap().1.vault_id;
    for (person, role) in people {
        let texts = [(*person).to_owned()];
        let found = sharing::invitees(&mut account, &texts).await.unwrap();
        give(session, id, &found, *role).await;
    }
    id
}

async fn give(session: &People, vault_id: VaultId, to: &[Invitee], role: Role) {
    let mut account = Vault::account(session).await.unwrap();
    let mut vault = account.open_beside(vault_id).await.unwrap();
    sharing::give_access(&mut account, &mut vault, to, role, 0)
        .await
        .unwrap();
}

async fn revoke(session: &People, vault_id: VaultId, who: VaultId) {
    let account = Vault::account(session).await.unwrap();
    let mut vault = account.open_beside(vault_id).await.unwrap();
    vault.revoke(who).await.unwrap();
}

async fn reads(session: &People) {
    let path = "/work/a.txt".parse().unwrap();
    let account = Vault::account(session).await.unwrap();
    let work = account.shared_vaults().into_iter().next();
    let path = match work {
        Some(_) => "shared:work/a.txt".parse().unwrap(),
        None => path,
    };
    let (drive, inner) = sharing::open_at(session, &path, Last::Through)
        .await
        .unwrap();
    assert!(drive.find_file(&inner).is_ok());
}

/// The account of somebody is deleted, as they have asked.
async fn leaves(server: &TestServer, session: &People) {
    let mut database = server.database().await;
    let rows = database.rows("accounts").await;
    let uid = session.uid();
    let own = rows.iter().find(|row| row.blob("uid") == uid.as_bytes());
    let gone = own.unwrap().with("deleted_from_ms", Value::Integer(1));
    assert!(database.replace(own.unwrap(), &gone).await);
    server.run_jobs().await;
}

/// Fails where the server shows only the logs of present members: the vault
/// cannot be verified on a device that begins anew, nor by who comes later.
#[test]
fn a_vault_opens_whatever_became_of_its_groups() {
    run(async {
        let server = TestServer::start().await;
        let (_, anna) = Actor::sign_up(&server, "anna").await;
        let (bob_actor, bob) = Actor::sign_up(&server, "bob").await;
        let (_, mallory) = Actor::sign_up(&server, "mallory").await;
        let mut drive = Drive::open(&anna).await.unwrap();
        let files = vec![folder("work"), file("work/a.txt", "hello")];
        put(&mut drive, "/", files).await.unwrap();
        drop(drive);
        // A group of mallory's, who is only a viewer through it.
        let team = group(&mallory, "team", &[("anna", Role::Manager)]).await;
        let mut account = Vault::account(&anna).await.unwrap();
        account
            .accept_share(team, &Name::parse("team").unwrap())
            .await
            .unwrap();
        let texts = ["bob", "group:team"].map(str::to_owned);
        let invitees = sharing::invitees(&mut account, &texts).await.unwrap();
        let terms = Terms {
            role: Role::Viewer,
            expires_ms: 0,
            with_history: false,
        };
        let path = "/work".parse().unwrap();
        let done = sharing::share(&anna, &mut account, &path, &invitees, &terms).await;
        let work = done.unwrap().vault_id.unwrap();
        let mut bobs = Vault::account(&bob).await.unwrap();
        bobs.accept_share(work, &Name::parse("work").unwrap())
            .await
            .unwrap();
        drop(bobs);
        reads(&bob).await;

        // Mallory takes a group into it, and out again.
        let hidden = group(&mallory, "hidden", &[]).await;
        let name = Name::parse("hidden").unwrap();
        give(
            &mallory,
            team,
            &[Invitee::Group(hidden, name)],
            Role::Viewer,
        )
        .await;
        revoke(&mallory, team, hidden).await;
        reads(&bob).await;
        reads(&anna).await;
        reads(&bob_actor.log_in(&server).await).await;

        // Anna does not share with the group any more.
        revoke(&anna, work, team).await;
        reads(&bob_actor.log_in(&server).await).await;

        // Mallory is a member, owns groups that the log names, and is gone.
        let found = sharing::invitees(&mut account, &["mallory".to_owned()]).await;
        give(&anna, work, &found.unwrap(), Role::Editor).await;
        leaves(&server, &mallory).await;
        reads(&bob).await;
        reads(&bob_actor.log_in(&server).await).await;
        let vault = account.open_beside(work).await.unwrap();
        let members = sharing::members(&mut account, &vault).await.unwrap();
        assert_eq!(members.len(), 3);
        drop(vault);
        // A key is made without any device that knew mallory's, and written under.
        revoke(&anna, work, bob.uid()).await;
        revoke(&anna, work, mallory.uid()).await;
        reads(&anna).await;
    });
}

/// Wanda is contributor, and more through a group whose owner goes; and that
/// group needed a key when it went, since one inside it lost a member. Fails
/// where the way through what is gone is the better one, and where a key that
/// cannot be made in there keeps others from theirs.
#[test]
fn a_group_that_is_gone_keeps_nobody_from_writing() {
    run(async {
        let server = TestServer::start().await;
        let (_, anna) = Actor::sign_up(&server, "anna").await;
        let (_, wanda) = Actor::sign_up(&server, "wanda").await;
        let (_, mallory) = Actor::sign_up(&server, "mallory").await;
        let mut drive = Drive::open(&anna).await.unwrap();
        let files = vec![folder("work"), file("work/a.txt", "hello")];
        put(&mut drive, "/", files).await.unwrap();
        drop(drive);
        let people = [("wanda", Role::Manager), ("anna", Role::Manager)];
        let team = group(&mallory, "team", &people).await;
        let mut account = Vault::account(&anna).await.unwrap();
        let name = Name::parse("team").unwrap();
        account.accept_share(team, &name).await.unwrap();
        // One inside it.
        let inner = group(&anna, "inner", &[("mallory", Role::Viewer)]).await;
        let name = Name::parse("inner").unwrap();
        give(&anna, team, &[Invitee::Group(inner, name)], Role::Viewer).await;
        let path = "/work".parse().unwrap();
        let mut wandas = Vault::account(&wanda).await.unwrap();
        let name = Name::parse("team").unwrap();
        wandas.accept_share(team, &name).await.unwrap();
        for (who, role) in [("wanda", Role::Contributor), ("group:team", Role::Editor)] {
            let who = sharing::invitees(&mut account, &[who.to_owned()]).await;
            let terms = Terms {
                role,
                expires_ms: 0,
                with_history: false,
            };
            let done = sharing::share(&anna, &mut account, &path, &who.unwrap(), &terms).await;
            let name = Name::parse("work").unwrap();
            let work = done.unwrap().vault_id.unwrap();
            wandas.accept_share(work, &name).await.unwrap();
        }
        drop(wandas);
        let write = async |session: &People, path: &str, name: &str| {
            let path = path.parse().unwrap();
            let opened = sharing::open_at(session, &path, Last::Through).await;
            let (mut drive, _) = opened.unwrap();
            put(&mut drive, "/", vec![file(name, "new")])
                .await
                .map(drop)
        };
        write(&wanda, "shared:work", "b.txt").await.unwrap();
        revoke(&anna, inner, mallory.uid()).await;
        leaves(&server, &mallory).await;
        write(&anna, "/work", "c.txt").await.unwrap();
        write(&wanda, "shared:work", "d.txt").await.unwrap();
    });
}

/// Fails where opening a vault fails with the key that is due in it, and where
/// the public keys of those who are granted access are not kept.
#[test]
fn a_key_that_cannot_be_made_keeps_nobody_from_reading() {
    run(async {
        let server = TestServer::start().await;
        let (actor, anna) = Actor::sign_up(&server, "anna").await;
        let (_, bob) = Actor::sign_up(&server, "bob").await;
        let (_, mallory) = Actor::sign_up(&server, "mallory").await;
        let mut drive = Drive::open(&anna).await.unwrap();
        let files = vec![folder("work"), file("work/a.txt", "hello")];
        put(&mut drive, "/", files).await.unwrap();
        drop(drive);
        let mut account = Vault::account(&anna).await.unwrap();
        let texts = ["bob", "mallory"].map(str::to_owned);
        let found = sharing::invitees(&mut account, &texts).await.unwrap();
        let terms = Terms {
            role: Role::Viewer,
            expires_ms: 0,
            with_history: false,
        };
        let path = "/work".parse().unwrap();
        let done = sharing::share(&anna, &mut account, &path, &found, &terms).await;
        let work = done.unwrap().vault_id.unwrap();
        let bobs = Vault::account(&bob).await.unwrap();
        let mut bobs_work = bobs.open_beside(work).await.unwrap();
        bobs_work.leave().await.unwrap();

        // Nobody is shown who mallory is any more.
        let mut database = server.database().await;
        let rows = database.rows("vaults").await;
        let uid = mallory.uid();
        let own = rows
            .iter()
            .find(|row| row.blob("vault_id") == uid.as_bytes());
        database.remove(own.unwrap()).await;
        let write = async |session: &People| {
            let path = "/work/a.txt".parse().unwrap();
            let opened = sharing::open_at(session, &path, Last::Through).await;
            let (mut drive, inner) = opened.unwrap();
            assert!(drive.find_file(&inner).is_ok());
            put(&mut drive, "/", vec![file("b.txt", "new")]).await
        };
        let fresh = actor.log_in(&server).await;
        let refused = write(&fresh).await;
        assert!(matches!(refused, Err(ClientError::Tampered(_))));
        write(&anna).await.unwrap();
        write(&fresh).await.unwrap();
    });
}

/// Fails without the loop over pages, and without the checks that each goes on
/// where the one before it ended.
#[test]
fn a_membership_comes_in_pages_that_go_on() {
    run(async {
        let server = TestServer::start().await;
        let (actor, anna) = Actor::sign_up(&server, "anna").await;
        let (_, bob) = Actor::sign_up(&server, "bob").await;
        let mut drive = Drive::open(&anna).await.unwrap();
        put(
            &mut drive,
            "/",
            vec![folder("work"), file("work/a.txt", "hello")],
        )
        .await
        .unwrap();
        drop(drive);
        let mut account = Vault::account(&anna).await.unwrap();
        let found = sharing::invitees(&mut account, &["bob".to_owned()]).await;
        let terms = Terms {
            role: Role::Viewer,
            expires_ms: 0,
            with_history: false,
        };
        let path = "/work".parse().unwrap();
        let done = sharing::share(&anna, &mut account, &path, &found.unwrap(), &terms).await;
        let work = done.unwrap().vault_id.unwrap();
        revoke(&anna, work, bob.uid()).await;

        let one = |log: &mut MembershipLog| {
            log.more = log.entries.len() > 1;
            log.entries.truncate(1);
        };
        let lies: [fn(&mut MembershipLog); 3] = [
            // Promises more, and has nothing.
            |log| {
                log.more = true;
                log.entries.clear();
            },
            // Turns back.
            |log| log.entries.reverse(),
            // Ends early.
            |log| {
                log.entries.truncate(1);
                log.more = false;
            },
        ];
        let path = "/work/a.txt".parse().unwrap();
        for lie in lies {
            let session = actor.log_in(&server).await;
            let network = &session.platform().network;
            network.rewrite_fields::<GetMembership>(move |log| {
                if log.entries.len() > 1 {
                    lie(log);
                }
            });
            let opened = sharing::open_at(&session, &path, Last::Through).await;
            assert!(matches!(opened, Err(ClientError::Tampered(_))));
        }
        // Begins anew with each page.
        let session = actor.log_in(&server).await;
        let network = &session.platform().network;
        let mut begin = None;
        network.rewrite_fields::<GetMembership>(move |log| {
            if log.entries.len() > 1 {
                begin = log.entries.first().cloned();
            }
            let id = log.genesis.vault_id();
            if let Some(first) = begin.as_ref().filter(|e| e.body().vault_id == id) {
                (log.entries, log.more) = (vec![first.clone()], true);
            }
        });
        let opened = sharing::open_at(&session, &path, Last::Through).await;
        assert!(matches!(opened, Err(ClientError::Tampered(_))));
        let session = actor.log_in(&server).await;
        let network = &session.platform().network;
        network.rewrite_fields::<GetMembership>(one);
        let opened = sharing::open_at(&session, &path, Last::Through).await;
        assert!(opened.is_ok());
    });
}

/// Taking access from several is one entry with one key: of a thousand it
/// would be a thousand keys, each for all that are left.
#[test]
fn several_lose_access_with_one_key() {
    run(async {
        let server = TestServer::start().await;
        let (_, anna) = Actor::sign_up(&server, "anna").await;
        let (_, bob) = Actor::sign_up(&server, "bob").await;
        let (_, carol) = Actor::sign_up(&server, "carol").await;
        let people = [("bob", Role::Viewer), ("carol", Role::Editor)];
        let id = group(&anna, "team", &people).await;
        let account = Vault::account(&anna).await.unwrap();
        let mut vault = account.open_beside(id).await.unwrap();
        let before = vault.replica().state().membership.clone();
        let gone = [carol.uid(), bob.uid(), carol.uid()];
        vault.revoke_all(&gone).await.unwrap();
        let after = &vault.replica().state().membership;
        assert_eq!(after.members.len(), 1);
        assert_eq!(after.epoch, before.epoch + 1);
        assert_eq!(after.head.seq, before.head.seq + 1);
        vault.revoke_all(&gone).await.unwrap();
        assert_eq!(vault.replica().state().membership.epoch, before.epoch + 1);
    });
}
