//! Two share the same folder at once. One request waits until the others have
//! come as far as they can, so each schedule is played as it is written.

use std::rc::Rc;

use sv_api::endpoint::AppendEntry;
use sv_client::ClientError;
use sv_client::account::Session;
use sv_client::drive::Drive;
use sv_client::error::Result;
use sv_client::sharing::{self, Last, Terms};
use sv_client::vault::Vault;
use sv_core::Name;
use sv_ledger::id::VaultId;
use sv_ledger::state::Role;
use sv_testkit::{Actor, Held, TestPlatform, TestServer, file, folder, get, put, run};
use tokio::sync::Notify;

type People = Session<TestPlatform>;

pub(crate) async fn share(
    session: &People,
    path: &str,
    with: &[&str],
    role: Role,
) -> Result<VaultId> {
    let mut account = Vault::account(session).await?;
    let names: Vec<String> = with.iter().map(|name| (*name).to_owned()).collect();
    let invitees = sharing::invitees(&mut account, &names).await?;
    let terms = Terms {
        role,
        expires_ms: 0,
        with_history: false,
    };
    let path = path.parse().unwrap();
    let done = sharing::share(session, &mut account, &path, &invitees, &terms).await?;
    Ok(done.vault_id.unwrap())
}

pub(crate) async fn accept(session: &People, vault_id: VaultId, name: &str) {
    let mut account = Vault::account(session).await.unwrap();
    let name = Name::parse(name).unwrap();
    account.accept_share(vault_id, &name).await.unwrap();
}

async fn open<'s>(session: &'s People, path: &str) -> Drive<'s, TestPlatform> {
    let path = path.parse().unwrap();
    let opened = sharing::open_at(session, &path, Last::Through).await;
    opened.unwrap().0
}

/// Every version of everything that somebody finds at a path, through mounts.
async fn texts(session: &People, path: &str) -> Vec<String> {
    let mut reach = sharing::Reach::below(session, &path.parse().unwrap())
        .await
        .unwrap();
    let mut found = Vec::new();
    while let Some(step) = reach.next().await.unwrap() {
        let sharing::Step::Open(stretch) = step else {
            panic!("a part that does not open");
        };
        let files = get(stretch.drive(), "/").await.unwrap();
        found.extend(
            files
                .into_values()
                .map(|bytes| String::from_utf8(bytes).unwrap()),
        );
    }
    found
}

/// Holds the next entry that somebody writes into a vault.
fn hold_entry(session: &People, vault_id: VaultId) -> Held {
    let network = &session.platform().network;
    let vault = vault_id.to_string();
    network.hold(move |exchange| exchange.is::<AppendEntry>() && exchange.path.contains(&vault))
}

/// Holds the next entry that somebody writes into none of some vaults.
fn hold_entry_elsewhere(session: &People, vaults: [VaultId; 2]) -> Held {
    let network = &session.platform().network;
    let vaults = vaults.map(|id| id.to_string());
    network.hold(move |exchange| {
        let is_known = |vault: &String| exchange.path.contains(vault);
        exchange.is::<AppendEntry>() && !vaults.iter().any(is_known)
    })
}

/// Two managers share the same folder. Fails if whoever comes second takes the
/// other's mount for their own: they then remove what has arrived in a vault
/// that nobody sees.
#[test]
fn a_folder_that_two_share_at_once_loses_nothing() {
    run(async {
        let server = TestServer::start().await;
        let (_, anna) = Actor::sign_up(&server, "anna").await;
        let mut people = Vec::new();
        for name in ["bob", "dan", "carol"] {
            people.push(Actor::sign_up(&server, name).await.1);
        }
        let [bob, dan, carol] = &people[..] else {
            panic!("three people");
        };
        let mut drive = Drive::open(&anna).await.unwrap();
        let files = vec![
            folder("work"),
            folder("work/plans"),
            file("work/plans/f", "one"),
        ];
        put(&mut drive, "/", files).await.unwrap();
        drop(drive);
        let managers = ["bob", "dan", "carol"];
        let work = share(&anna, "/work", &managers, Role::Manager)
            .await
            .unwrap();
        for session in &people {
            accept(session, work, "work").await;
        }

        // Each is held when everything is copied, before the mount.
        let (at_bob, at_dan) = (hold_entry(bob, work), hold_entry(dan, work));
        let (bob_is_done, path) = (Rc::new(Notify::new()), "shared:work/plans");
        let first = async {
            let done = share(bob, path, &[], Role::Viewer).await;
            bob_is_done.notify_one();
            done
        };
        let second = async {
            at_bob.arrived().await;
            let mut theirs = open(carol, "shared:work").await;
            put(&mut theirs, "/plans", vec![file("f", "two, later")])
                .await
                .unwrap();
            let director = async {
                at_dan.arrived().await;
                at_bob.let_go();
                bob_is_done.notified().await;
                at_dan.let_go();
            };
            tokio::join!(share(dan, path, &[], Role::Viewer), director).0
        };
        let (first, second) = tokio::join!(first, second);
        let bobs = first.unwrap();

        accept(&anna, bobs, "plans").await;
        let found = texts(&anna, "/work").await;
        assert!(found.contains(&"two, later".to_owned()), "lost: {found:?}");
        let Err(ClientError::Misuse(why)) = second else {
            panic!("{second:?}");
        };
        assert!(why.contains("meanwhile"), "{why}");

        // Of what dan made in vain nothing is left but an empty vault of his.
        let account = Vault::account(dan).await.unwrap();
        let known = account.shared_vaults().into_iter().map(|(_, known)| known);
        let vain: Vec<_> = known.filter(|known| known.vault_id != work).collect();
        assert!(
            vain.len() == 1 && vain[0].is_declined && vain[0].moving.is_none(),
            "{vain:?}"
        );
        let empty = account.open_beside(vain[0].vault_id).await.unwrap();
        assert_eq!(empty.replica().state().membership.members.len(), 1);
        assert!(empty.replica().nodes().is_empty());
        // Shared again it is what bob made of it.
        let again = share(dan, path, &[], Role::Viewer).await;
        assert!(matches!(again, Err(ClientError::Misuse(_))), "{again:?}");
        accept(dan, bobs, "plans").await;
        let again = share(dan, path, &["anna"], Role::Viewer).await;
        assert_eq!(again.unwrap(), bobs);
    });
}

/// The same by one who is stopped before the mount, and goes on when there is
/// another's. Fails if an unfinished job goes on whatever stands in its place.
#[test]
fn a_job_whose_place_is_taken_is_given_up() {
    run(async {
        let server = TestServer::start().await;
        let (_, anna) = Actor::sign_up(&server, "anna").await;
        let (_, bob) = Actor::sign_up(&server, "bob").await;
        let mut drive = Drive::open(&anna).await.unwrap();
        let files = vec![
            folder("work"),
            folder("work/plans"),
            file("work/plans/f", "one"),
        ];
        put(&mut drive, "/", files).await.unwrap();
        drop(drive);
        let work = share(&anna, "/work", &["bob"], Role::Manager)
            .await
            .unwrap();
        accept(&bob, work, "work").await;
        let path = "shared:work/plans";
        let held = hold_entry(&bob, work);
        tokio::select! {
            _ = share(&bob, path, &[], Role::Viewer) => panic!("nothing was held"),
            () = held.arrived() => {}
        }
        let annas = share(&anna, "/work/plans", &[], Role::Viewer)
            .await
            .unwrap();
        let again = share(&bob, path, &[], Role::Viewer).await;
        assert!(matches!(again, Err(ClientError::Misuse(_))), "{again:?}");
        let account = Vault::account(&bob).await.unwrap();
        let known = account.shared_vaults().into_iter();
        assert!(
            known.map(|(_, known)| known).all(
                |known| known.moving.is_none() && known.is_declined == (known.vault_id != work)
            )
        );
        accept(&bob, annas, "plans").await;
        assert_eq!(texts(&bob, "shared:work").await, ["one"]);
    });
}

/// One person, in the page and at a terminal: both work on the same vault.
/// Fails if what one has copied can be taken back by the other when the first
/// already removes what it was copied from.
#[test]
fn one_person_who_shares_twice_at_once_loses_nothing() {
    run(async {
        let server = TestServer::start().await;
        let (anna, page) = Actor::sign_up(&server, "anna").await;
        let terminal = anna.log_in(&server).await;
        let mut drive = Drive::open(&page).await.unwrap();
        put(
            &mut drive,
            "/",
            vec![folder("plans"), file("plans/f", "one")],
        )
        .await
        .unwrap();
        let home = drive.vault().id();
        drop(drive);
        Drive::open(&terminal).await.unwrap();

        // The page is held before it copies, the terminal before the mount.
        let at_page = hold_entry_elsewhere(&page, [home, page.uid()]);
        let at_terminal = hold_entry(&terminal, home);
        let (page_is_done, path) = (Rc::new(Notify::new()), "/plans");
        let first = async {
            let done = share(&page, path, &[], Role::Viewer).await;
            page_is_done.notify_one();
            done
        };
        let second = async {
            at_page.arrived().await;
            server.clock().advance(1000);
            let third = anna.log_in(&server).await;
            let mut drive = Drive::open(&third).await.unwrap();
            put(&mut drive, "/plans", vec![file("f", "two, later")])
                .await
                .unwrap();
            let director = async {
                at_terminal.arrived().await;
                at_page.let_go();
                page_is_done.notified().await;
                at_terminal.let_go();
            };
            tokio::join!(share(&terminal, path, &[], Role::Viewer), director).0
        };
        let (first, second) = tokio::join!(first, second);
        assert_eq!(first.unwrap(), second.unwrap());
        assert_eq!(
            texts(&page, "/").await,
            ["two, later"],
            "the newest is the newest"
        );
        let account = Vault::account(&page).await.unwrap();
        let known = account.shared_vaults();
        assert!(known.len() == 1 && known[0].1.moving.is_none(), "{known:?}");
    });
}
