//! A folder becomes a vault where it stands, in steps that a crash can come
//! between.

use sv_api::endpoint::AppendEntry;
use sv_client::ClientError;
use sv_client::account::Session;
use sv_client::drive::Drive;
use sv_client::error::Result;
use sv_client::sharing::{self, Last, Shared, Terms};
use sv_client::vault::Vault;
use sv_core::Name;
use sv_core::record::{Kind, Mount, Payload, Record};
use sv_ledger::id::NodeId;
use sv_ledger::state::Role;
use sv_testkit::{Actor, TestPlatform, TestServer, file, folder, get, put, run};

type People = Session<TestPlatform>;

async fn share(session: &People, path: &str, with: &str) -> Result<Shared> {
    let mut account = Vault::account(session).await?;
    let people = [with.to_owned()];
    let invitees = sharing::invitees(&mut account, &people).await?;
    let terms = Terms {
        role: Role::Editor,
        expires_ms: 0,
        with_history: false,
    };
    let path = path.parse().unwrap();
    sharing::share(session, &mut account, &path, &invitees, &terms).await
}

/// What was edited between the two tries arrives, and is not taken for what had
/// arrived already. Fails without `has_arrived` in `copy_into` and `clear`.
#[test]
fn a_share_that_is_taken_up_again_brings_the_newest() {
    run(async {
        let server = TestServer::start().await;
        let (_, anna) = Actor::sign_up(&server, "anna").await;
        let (_, bob) = Actor::sign_up(&server, "bob").await;
        let mut drive = Drive::open(&anna).await.unwrap();
        let files = vec![folder("work"), file("work/a", "one"), file("work/b", "b")];
        put(&mut drive, "/", files).await.unwrap();
        let drive_id = drive.vault().id().to_string();
        let network = &anna.platform().network;
        network.divert(move |request| {
            let is_mount = request.is::<AppendEntry>() && request.path.contains(&drive_id);
            is_mount.then(|| "http://127.0.0.1:9".to_owned())
        });
        let stopped = share(&anna, "/work", "bob").await;
        assert!(
            matches!(stopped, Err(ClientError::Offline(_))),
            "{stopped:?}"
        );
        network.be_honest();
        drive.refresh().await.unwrap();
        put(
            &mut drive,
            "/work",
            vec![file("a", "second"), file("c", "c")],
        )
        .await
        .unwrap();
        drop(drive);
        let vault_id = share(&anna, "/work", "bob")
            .await
            .unwrap()
            .vault_id
            .unwrap();
        let mut account = Vault::account(&bob).await.unwrap();
        let name = Name::parse("work").unwrap();
        account.accept_share(vault_id, &name).await.unwrap();
        let path = "shared:work".parse().unwrap();
        let (drive, _) = sharing::open_at(&bob, &path, Last::Through).await.unwrap();
        let seen = get(&drive, "/").await.unwrap();
        let all: Vec<(&str, &[u8])> = seen.iter().map(|(n, b)| (n.as_str(), &b[..])).collect();
        assert_eq!(all, [("a", &b"second"[..]), ("b", b"b"), ("c", b"c")]);
        let drive = Drive::open(&anna).await.unwrap();
        let left = drive.tree().rows(sv_client::tree::Place::Root);
        assert_eq!(left.len(), 1, "nothing is left over");
    });
}

/// Whoever may write in a shared folder may put a mount of anything there. To
/// share what it shows is to share that thing, so it has to be one that was
/// accepted. Fails without `mounted`.
#[test]
fn a46_a_mount_that_somebody_put_is_not_shared() {
    run(async {
        let server = TestServer::start().await;
        let (_, anna) = Actor::sign_up(&server, "anna").await;
        let (_, bob) = Actor::sign_up(&server, "bob").await;
        let mut drive = Drive::open(&anna).await.unwrap();
        let files = vec![folder("work"), folder("plans"), file("plans/p", "p")];
        put(&mut drive, "/", files).await.unwrap();
        drop(drive);
        let plans = share(&anna, "/plans", "bob")
            .await
            .unwrap()
            .vault_id
            .unwrap();
        let work = share(&anna, "/work", "bob")
            .await
            .unwrap()
            .vault_id
            .unwrap();
        // Anna no longer wants to see the plans; bob shows them among the work.
        let mut account = Vault::account(&anna).await.unwrap();
        let name = Name::parse("plans").unwrap();
        account.decline_share(plans, &name).await.unwrap();
        let mut bobs = Vault::account(&bob).await.unwrap();
        let name = Name::parse("work").unwrap();
        bobs.accept_share(work, &name).await.unwrap();
        let mut vault = bobs.open_beside(work).await.unwrap();
        let mut record = Record::new(Kind::Mount, Name::parse("budget").unwrap(), None, 1);
        record.mount = Some(Mount {
            vault_id: plans,
            node: None,
        });
        let node = NodeId::new([9; 16]);
        let payload = Payload::Node(record);
        vault
            .commit(&[], move |_| {
                Ok(vec![sv_client::vault::Change::put(node, payload.clone())])
            })
            .await
            .unwrap();
        let refused = share(&anna, "/work/budget", "bob").await;
        assert!(
            matches!(refused, Err(ClientError::Misuse(_))),
            "{refused:?}"
        );
    });
}
