//! A20 where a group is given access: nothing is sealed to a key that somebody
//! has who has left it.

use sv_api::Wire as _;
use sv_api::endpoint::AppendEntry;
use sv_api::vault::AppendRequest;
use sv_client::ClientError;
use sv_client::drive::Drive;
use sv_client::sharing::{self, Last, Terms};
use sv_client::vault::Vault;
use sv_core::Name;
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::VaultId;
use sv_ledger::membership_op::MembershipOp;
use sv_ledger::sealed::ContentSuite;
use sv_ledger::state::Role;
use sv_testkit::{Actor, Dump, Exchange, Insider, file, folder, put, run};

use super::a20_groups::{People, Scene, open, share};

/// What only who may see it ever reads.
const SECRET: &str = "secret.txt";

async fn put_secret(session: &People) {
    let mut drive = Drive::open(session).await.unwrap();
    let name = format!("plans/{SECRET}");
    let files = vec![folder("plans"), file(&name, "for few")];
    put(&mut drive, "/", files).await.unwrap();
}

async fn admit(session: &People, group: VaultId, whom: &str, role: Role, expires_ms: u64) {
    let mut account = Vault::account(session).await.unwrap();
    let whom = [whom.to_owned()];
    let whom = sharing::invitees(&mut account, &whom).await.unwrap();
    let mut group = account.open_beside(group).await.unwrap();
    sharing::give_access(&mut account, &mut group, &whom, role, expires_ms)
        .await
        .unwrap();
}

async fn make_group(session: &People, name: &str) -> VaultId {
    let mut account = Vault::account(session).await.unwrap();
    let name = Name::parse(name).unwrap();
    let (kind, suite) = (VaultKind::Group, ContentSuite::Blocks);
    sharing::make_vault(session, &mut account, &name, kind, suite)
        .await
        .unwrap();
    let mut known = account.shared_vaults().into_iter();
    known.find(|(_, v)| v.name == name).unwrap().1.vault_id
}

async fn accept(session: &People, vault: VaultId, name: &str) {
    let mut account = Vault::account(session).await.unwrap();
    let name = Name::parse(name).unwrap();
    account.accept_share(vault, &name).await.unwrap();
}

/// Whether somebody sees the secret, the honest way.
async fn sees_secret(session: &People, vault: VaultId) -> bool {
    accept(session, vault, "plans").await;
    let path = format!("shared:plans/{SECRET}").parse().unwrap();
    let opened = sharing::open_at(session, &path, Last::Through).await;
    let (drive, inner) = opened.unwrap();
    drive.find_file(&inner).is_ok()
}

/// Whether somebody can open the secret, with every key they ever had and
/// everything that the server has.
async fn opens_secret(scene: &Scene, session: &People, sent: &mut Vec<Exchange>) -> bool {
    for one in [&scene.anna, &scene.bob, &scene.mallory] {
        sent.extend(one.platform().network.take_recording().requests);
    }
    let opened = Insider::of(session).await.open(&Dump::of(&*sent));
    assert!(
        opened.names().any(|name| name == "a"),
        "of the other folder"
    );
    opened.names().any(|name| name == SECRET)
}

/// How mallory's access to the group ends, each time without a new key.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Leaves,
    TimeIsOver,
    /// In a group inside it.
    TimeIsOverInside,
}

/// Fails without `settle_other` in `learn_renewed`; for the group inside,
/// without the look at expiries in `due_within`.
#[test]
fn a20_a_group_has_a_new_key_before_it_is_given_access() {
    run(async {
        for end in [End::Leaves, End::TimeIsOver, End::TimeIsOverInside] {
            let scene = Scene::new().await;
            let (anna, mallory) = (&scene.anna, &scene.mallory);
            let (_, carol) = Actor::sign_up(&scene.server, "carol").await;
            let mut sent = carol.platform().network.take_recording().requests;
            admit(anna, scene.team, "carol", Role::Viewer, 0).await;
            accept(&carol, scene.team, "team").await;
            accept(&carol, scene.work, "work").await;
            put_secret(anna).await;

            let ends_ms = scene.server.clock().now_ms() + 1000;
            let mut team = open(anna, scene.team).await.unwrap();
            match end {
                End::Leaves => {
                    let mut team = open(mallory, scene.team).await.unwrap();
                    team.leave().await.unwrap();
                }
                End::TimeIsOver => {
                    let uid = mallory.uid();
                    team.set_role(uid, Role::Viewer, ends_ms).await.unwrap();
                }
                End::TimeIsOverInside => {
                    let crew = make_group(anna, "crew").await;
                    admit(anna, crew, "mallory", Role::Viewer, ends_ms).await;
                    admit(anna, scene.team, "group:crew", Role::Viewer, 0).await;
                    scene.remove().await;
                }
            }
            drop(team);
            scene.server.clock().advance(2000);
            let plans = share(anna, "/plans", "group:team", Role::Viewer).await;
            let plans = plans.unwrap();
            sent.extend(carol.platform().network.take_recording().requests);
            assert!(!opens_secret(&scene, mallory, &mut sent).await);
            assert!(opens_secret(&scene, &carol, &mut sent).await);
            assert!(sees_secret(&carol, plans).await);
        }
    });
}

/// Bob looks at the group only, so he cannot give it a key. Fails without the
/// error in `learn_renewed`.
#[test]
fn a20_nothing_is_given_to_a_group_that_waits_for_its_key() {
    run(async {
        let scene = Scene::new().await;
        let (anna, bob, mallory) = (&scene.anna, &scene.bob, &scene.mallory);
        accept(bob, scene.team, "team").await;
        put_secret(bob).await;
        let mut team = open(mallory, scene.team).await.unwrap();
        team.leave().await.unwrap();
        drop(team);

        let refused = share(bob, "/plans", "group:team", Role::Viewer).await;
        assert!(
            matches!(refused, Err(ClientError::Misuse(_))),
            "{refused:?}"
        );
        assert!(!opens_secret(&scene, mallory, &mut Vec::new()).await);
        // Anna gives it its key as soon as she looks at it.
        open(anna, scene.team).await.unwrap();
        let plans = share(bob, "/plans", "group:team", Role::Viewer).await;
        assert!(sees_secret(anna, plans.unwrap()).await);
    });
}

/// Mallory removes bob while anna's grant is on its way. Fails where a grant
/// is prepared once and not for each attempt.
#[test]
fn a20_a_group_that_changes_while_it_is_given_access_is_looked_at_again() {
    run(async {
        let scene = Scene::new().await;
        let (anna, bob, mallory) = (&scene.anna, &scene.bob, &scene.mallory);
        put_secret(anna).await;
        let team = scene.team;
        let held = anna.platform().network.hold(move |asked| {
            let grants = |op: &MembershipOp| op.principal() == Some(&team);
            asked.is::<AppendEntry>()
                && AppendRequest::parse(&asked.body)
                    .is_ok_and(|append| append.entry.membership_ops().iter().any(grants))
        });
        let removed = async {
            held.arrived().await;
            let mut team = open(mallory, team).await.unwrap();
            team.revoke(bob.uid()).await.unwrap();
            held.let_go();
        };
        let (plans, ()) = tokio::join!(share(anna, "/plans", "group:team", Role::Viewer), removed);
        let plans = plans.unwrap();
        let team = open(anna, scene.team).await.unwrap();
        let newest = team.replica().state().membership.principal();
        let opened = open(anna, plans).await.unwrap();
        let members = &opened.replica().state().membership.members;
        assert_eq!(members[&scene.team].keys, newest);
        assert!(sees_secret(mallory, plans).await);
    });
}

/// Fails where what is learned of one group is forgotten over the next.
#[test]
fn several_groups_are_given_access_at_once() {
    run(async {
        let scene = Scene::new().await;
        let anna = &scene.anna;
        make_group(anna, "crew").await;
        let mut account = Vault::account(anna).await.unwrap();
        let groups = ["group:team", "group:crew", "group:team"].map(str::to_owned);
        let groups = sharing::invitees(&mut account, &groups).await.unwrap();
        let terms = Terms {
            role: Role::Viewer,
            expires_ms: 0,
            with_history: false,
        };
        let path = "/plans".parse().unwrap();
        let done = sharing::share(anna, &mut account, &path, &groups, &terms).await;
        let plans = done.unwrap().vault_id.unwrap();
        let plans = account.open_beside(plans).await.unwrap();
        let members = &plans.replica().state().membership.members;
        assert_eq!(members.len(), 3);
    });
}
