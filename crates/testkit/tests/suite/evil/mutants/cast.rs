//! The people of the scenes in which something is shared.

use sv_client::account::Session;
use sv_client::drive::Drive;
use sv_client::sharing::{self, Last};
use sv_client::vault::Vault;
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::VaultId;
use sv_ledger::sealed::ContentSuite;
use sv_ledger::state::Role;
use sv_testkit::{Actor, MemoryTarget, Recording, TestPlatform, TestServer, file, folder, put};

use super::scenes::{Seen, look_at_share, named};
use crate::evil::world::pattern;

/// Anna shares a folder with bob, and with a group in which a group is that
/// carol is a member of. Dave was there and is no more.
pub(super) struct Cast {
    pub(super) server: TestServer,
    pub(super) anna: TestPlatform,
    /// Sees it for the first time.
    pub(super) bob: TestPlatform,
    /// Saw it while dave was there.
    pub(super) bob_behind: TestPlatform,
    /// Sees it for the first time, through the groups.
    pub(super) carol: TestPlatform,
    /// What bob was answered when dave was there.
    pub(super) older: Recording,
    /// What bob and carol saw before the last entry.
    pub(super) earlier: [Seen; 2],
}

type Person = Session<TestPlatform>;

impl Cast {
    pub(super) async fn new() -> Self {
        let server = TestServer::start().await;
        let (_, anna) = Actor::sign_up(&server, "anna").await;
        let (bobs, bob) = Actor::sign_up(&server, "bob").await;
        let (carols, carol) = Actor::sign_up(&server, "carol").await;
        Actor::sign_up(&server, "dave").await;
        Actor::sign_up(&server, "erin").await;
        let mut drive = Drive::open(&anna).await.unwrap();
        let files = vec![
            folder("work"),
            file("work/a.txt", "hello"),
            file("work/b.bin", pattern(70_000, 1)),
            folder("work/inner"),
        ];
        put(&mut drive, "/", files).await.unwrap();
        drop(drive);
        let mut account = Vault::account(&anna).await.unwrap();
        for name in ["crew", "team"] {
            let (name, kind) = (name.parse_name(), VaultKind::Group);
            sharing::make_vault(&anna, &mut account, &name, kind, ContentSuite::Blocks)
                .await
                .unwrap();
        }
        admit(&mut account, "crew", "carol", Role::Editor).await;
        admit(&mut account, "team", "group:crew", Role::Editor).await;
        let path = "/work".parse().unwrap();
        let terms = sharing::Terms {
            role: Role::Editor,
            expires_ms: 0,
            with_history: false,
        };
        let handles = ["bob".to_owned(), "dave".to_owned()];
        let with = sharing::invitees(&mut account, &handles).await.unwrap();
        let done = sharing::share(&anna, &mut account, &path, &with, &terms).await;
        let work = done.unwrap().vault_id.unwrap();
        admit(&mut account, "work", "group:team", Role::Contributor).await;
        for session in [&bob, &carol] {
            accept(session, work).await;
        }

        let bob_behind = server.device();
        bobs.try_log_in(&server, bob_behind.clone()).await.unwrap();
        look_at_share(&bob_behind, &MemoryTarget::default())
            .await
            .unwrap();
        let older = bob_behind.network.take_recording();

        let mut vault = account.open_beside(work).await.unwrap();
        let handle = "dave".parse_handle();
        let dave = account.find_person(&handle).await.unwrap();
        vault.revoke(dave.identity.uid).await.unwrap();
        drop(vault);
        let mut earlier = [Seen::default(), Seen::default()];
        for (session, text) in [(&anna, "hello again"), (&carol, "from carol")] {
            if session.uid() == carol.uid() {
                for (seen, session) in earlier.iter_mut().zip([&bob, &carol]) {
                    // The first look gets to know everybody.
                    for _ in 0..2 {
                        let target = MemoryTarget::default();
                        *seen = look_at_share(session.platform(), &target).await.unwrap();
                    }
                }
            }
            let path = "shared:work".parse().unwrap();
            let opened = sharing::open_at(session, &path, Last::Through).await;
            let (mut drive, root) = opened.unwrap();
            let name = format!("{}.txt", text.len());
            let files = vec![file(&name, text)];
            put(&mut drive, &root.to_string(), files).await.unwrap();
        }
        let (fresh_bob, fresh_carol) = (server.device(), server.device());
        bobs.try_log_in(&server, fresh_bob.clone()).await.unwrap();
        carols
            .try_log_in(&server, fresh_carol.clone())
            .await
            .unwrap();
        Self {
            anna: anna.platform().clone(),
            bob: fresh_bob,
            bob_behind,
            carol: fresh_carol,
            older,
            earlier,
            server,
        }
    }
}

async fn admit(account: &mut Vault<'_, TestPlatform>, to: &str, whom: &str, role: Role) {
    let with = sharing::invitees(account, &[whom.to_owned()])
        .await
        .unwrap();
    let mut vault = account.open_beside(named(account, to)).await.unwrap();
    sharing::give_access(account, &mut vault, &with, role, 0)
        .await
        .unwrap();
}

async fn accept(session: &Person, vault_id: VaultId) {
    let mut account = Vault::account(session).await.unwrap();
    let name = "work".parse_name();
    account.accept_share(vault_id, &name).await.unwrap();
}

/// Short ways to names.
trait Named {
    fn parse_name(&self) -> sv_core::Name;
    fn parse_handle(&self) -> sv_ledger::handle::Handle;
}

impl Named for str {
    fn parse_name(&self) -> sv_core::Name {
        sv_core::Name::parse(self).unwrap()
    }

    fn parse_handle(&self) -> sv_ledger::handle::Handle {
        sv_ledger::handle::Handle::parse(self).unwrap()
    }
}
