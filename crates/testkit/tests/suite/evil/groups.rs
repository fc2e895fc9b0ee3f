//! What others do with groups that are, or were, members of a shared vault
//! must not take the vault from those who use it.

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
