//! A20 through groups: whoever was removed from a group stays removed for
//! every device that has seen it, whatever a server shows of the group.

use sv_api::endpoint::{GetEntries, GetMembership};
use sv_api::vault::MembershipLog;
use sv_client::account::Session;
use sv_client::drive::Drive;
use sv_client::error::Result;
use sv_client::port::Platform as _;
use sv_client::sharing::{self, Last, Terms};
use sv_client::vault::{Change, Vault};
use sv_client::{ClientError, Tamper};
use sv_core::Name;
use sv_core::record::{Kind, Payload, Record};
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::{NodeId, VaultId};
use sv_ledger::sealed::ContentSuite;
use sv_ledger::state::Role;
use sv_testkit::{Actor, TestPlatform, TestServer, file, folder, put, run};

pub(super) type People = Session<TestPlatform>;

/// Anna's folder is shared with a group, of which mallory is a manager, and
/// with bob, who looks. She has another that she has not shared.
pub(super) struct Scene {
    pub(super) server: TestServer,
    pub(super) anna: People,
    pub(super) bob: People,
    pub(super) mallory: People,
    pub(super) team: VaultId,
    pub(super) work: VaultId,
}

impl Scene {
    pub(super) async fn new() -> Self {
        let server = TestServer::start().await;
        let (_, anna) = Actor::sign_up(&server, "anna").await;
        let (_, bob) = Actor::sign_up(&server, "bob").await;
        let (_, mallory) = Actor::sign_up(&server, "mallory").await;
        let mut drive = Drive::open(&anna).await.unwrap();
        let files = vec![folder("work"), file("work/a", "a"), folder("plans")];
        put(&mut drive, "/", files).await.unwrap();
        drop(drive);
        let mut account = Vault::account(&anna).await.unwrap();
        let name = Name::parse("team").unwrap();
        let (kind, suite) = (VaultKind::Group, ContentSuite::Blocks);
        sharing::make_vault(&anna, &mut account, &name, kind, suite)
            .await
            .unwrap();
        let team = account.shared_vaults()[0].1.vault_id;
        let mut group = account.open_beside(team).await.unwrap();
        let people = ["mallory".to_owned(), "bob".to_owned()];
        let people = sharing::invitees(&mut account, &people).await.unwrap();
        for (person, role) in people.into_iter().zip([Role::Manager, Role::Viewer]) {
            sharing::give_access(&mut account, &mut group, &[person], role, 0)
                .await
                .unwrap();
        }
        drop((account, group));
        let work = share(&anna, "/work", "group:team", Role::Manager)
            .await
            .unwrap();
        share(&anna, "/work", "bob", Role::Viewer).await.unwrap();
        Self {
            server,
            anna,
            bob,
            mallory,
            team,
            work,
        }
    }

    /// Anna removes mallory from the group.
    pub(super) async fn remove(&self) {
        let account = Vault::account(&self.anna).await.unwrap();
        let mut team = account.open_beside(self.team).await.unwrap();
        team.revoke(self.mallory.uid()).await.unwrap();
    }
}

pub(super) async fn share(session: &People, path: &str, with: &str, role: Role) -> Result<VaultId> {
    let mut account = Vault::account(session).await?;
    let invitees = sharing::invitees(&mut account, &[with.to_owned()]).await?;
    let terms = Terms {
        role,
        expires_ms: 0,
        with_history: false,
    };
    let path = path.parse().unwrap();
    let done = sharing::share(session, &mut account, &path, &invitees, &terms).await?;
    Ok(done.vault_id.unwrap())
}

pub(super) async fn open<'s>(
    session: &'s People,
    vault: VaultId,
) -> Result<Vault<'s, TestPlatform>> {
    Vault::account(session).await?.open_beside(vault).await
}

/// Puts a folder into a vault.
pub(super) async fn write(session: &People, vault: VaultId, name: &str) -> Result<()> {
    let mut vault = open(session, vault).await?;
    let record = Record::new(Kind::Folder, Name::parse(name).unwrap(), None, 1);
    let node = NodeId::new(session.platform().random_bytes());
    let payload = Payload::Node(record);
    let plan = move |_: &_| Ok(vec![Change::put(node, payload.clone())]);
    vault.commit(&[], plan).await
}

fn is_rollback<T>(outcome: &Result<T>) -> bool {
    matches!(outcome, Err(ClientError::Tampered(Tamper::Rollback { .. })))
}

/// Fails without `require_in` in `others::verify`, or without `Seen::raise`
/// in `persist`: anna has seen the removal in the group's own log alone.
#[test]
fn a20_a_removal_from_a_group_cannot_be_hidden_from_who_made_it() {
    run(async {
        let scene = Scene::new().await;
        let anna = &scene.anna;
        write(anna, scene.work, "before").await.unwrap();
        scene.remove().await;
        let team = scene.team;
        anna.platform()
            .network
            .rewrite_fields::<GetMembership>(move |log: &mut MembershipLog| {
                if log.genesis.vault_id() == team {
                    log.entries.pop();
                }
            });
        // Under the old key, which mallory opens with that of the group.
        assert!(is_rollback(&write(anna, scene.work, "after").await));
        // To the old key of the group.
        let shared = share(anna, "/plans", "group:team", Role::Viewer).await;
        assert!(is_rollback(&shared));
        anna.platform().network.be_honest();
        write(anna, scene.work, "after").await.unwrap();
        share(anna, "/plans", "group:team", Role::Viewer)
            .await
            .unwrap();
        let path = "/work/after".parse().unwrap();
        let (drive, inner) = sharing::open_at(anna, &path, Last::Through).await.unwrap();
        drive.find_place(&inner).unwrap();
    });
}

/// A second server, on the state before the removal, lets mallory write
/// through the group as it was. Fails without `check_named` in
/// `replay_to_head`, without the pin's `below`, and, in the group itself,
/// without `require_in` in `replay_to_head` and `others::verify`.
#[test]
fn a20_nobody_writes_through_a_group_as_it_was() {
    run(async {
        let mut scene = Scene::new().await;
        // Bob's device knows the folder, and the group from the folder alone.
        open(&scene.bob, scene.work).await.unwrap();
        let snapshot = scene.server.snapshot().await;
        let second = snapshot.fork(&scene.server).await;
        scene.remove().await;
        // One look at the group after the removal, and one at the folder's end.
        for _ in 0..2 {
            open(&scene.bob, scene.work).await.unwrap();
        }
        let network = &scene.mallory.platform().network;
        network.redirect(&second.url());
        write(&scene.mallory, scene.work, "late").await.unwrap();

        let (work, team) = (scene.work.to_string(), scene.team.to_string());
        let network = &scene.bob.platform().network;
        let (url, late) = (second.url(), work.clone());
        network.divert(move |request| {
            let is_late = request.is::<GetEntries>() && request.path.contains(&late);
            is_late.then(|| url.clone())
        });
        let opened = open(&scene.bob, scene.work).await;
        assert!(matches!(
            opened.map(drop),
            Err(ClientError::Tampered(Tamper::Fork(_)))
        ));
        // Nor is the group itself shown as it was.
        let url = second.url();
        network.divert(move |request| request.path.contains(&team).then(|| url.clone()));
        assert!(is_rollback(&open(&scene.bob, scene.team).await));
        network.be_honest();
        open(&scene.bob, scene.work).await.unwrap();
        open(&scene.bob, scene.team).await.unwrap();
        network.divert({
            let (url, team) = (second.url(), scene.team.to_string());
            move |request| request.path.contains(&team).then(|| url.clone())
        });
        assert!(matches!(
            open(&scene.bob, scene.team).await.map(drop),
            Err(ClientError::Tampered(_))
        ));
    });
}

/// Bob has accepted the folder and not the group that he has it through: his
/// device makes no key for the group when one is due. Fails without `knows` in
/// `settle_inner`, and bob loses access without the look at his own path.
#[test]
fn a03_nothing_is_written_into_a_group_that_nobody_accepted() {
    run(async {
        let scene = Scene::new().await;
        let (anna, bob) = (&scene.anna, &scene.bob);
        let account = Vault::account(anna).await.unwrap();
        let mut work = account.open_beside(scene.work).await.unwrap();
        work.revoke(bob.uid()).await.unwrap();
        let mut team = account.open_beside(scene.team).await.unwrap();
        team.set_role(bob.uid(), Role::Editor, 0).await.unwrap();
        drop((account, work));

        let mut bobs = Vault::account(bob).await.unwrap();
        let name = Name::parse("work").unwrap();
        bobs.accept_share(scene.work, &name).await.unwrap();
        write(bob, scene.work, "before").await.unwrap();
        let mut left = open(&scene.mallory, scene.team).await.unwrap();
        left.leave().await.unwrap();
        let before = left.replica().state().head;
        drop(left);
        let refused = write(bob, scene.work, "after").await;
        assert!(
            matches!(refused, Err(ClientError::Misuse(_))),
            "{refused:?}"
        );
        team.sync().await.unwrap();
        assert_eq!(team.replica().state().head, before);

        let name = Name::parse("team").unwrap();
        bobs.accept_share(scene.team, &name).await.unwrap();
        write(bob, scene.work, "after").await.unwrap();
        team.sync().await.unwrap();
        assert_eq!(team.replica().state().head.seq, before.seq + 1);
        write(anna, scene.work, "later").await.unwrap();
    });
}
