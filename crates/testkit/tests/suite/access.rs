//! When access ends: what is stored anew, what somebody who leaves is told,
//! who has no account any more. And what is said of downloads.

use std::cell::Cell;

use sv_api::endpoint::{AppendEntry, ListAccesses, PutBlock};
use sv_api::share::{AccessPage, ContentAccess};
use sv_client::account::{Reproof, Session};
use sv_client::drive::Drive;
use sv_client::port::Unreachable;
use sv_client::progress::Reporter;
use sv_client::sharing::{self, Event, Last, ShareState, Terms};
use sv_client::transfer::{Renewed, renew};
use sv_client::vault::Vault;
use sv_client::{ClientError, Tamper};
use sv_core::Name;
use sv_core::content::{ContentSecret, open_block};
use sv_core::record::Version;
use sv_ledger::id::{AccessId, ContentId, VaultId};
use sv_ledger::limits::{BLOCK_GRACE_MS, DELETION_GRACE_MS};
use sv_ledger::sealed::record_epoch;
use sv_ledger::state::Role;
use sv_testkit::{
    Actor, Dice, Exchange, PASSWORD, TestPlatform, TestServer, Value, file, folder, get, put, run,
};

type People = Session<TestPlatform>;

/// Longer than a block, so that it is resumed block by block.
const LONG: usize = 9_000_000;

async fn share(session: &People, path: &str, with: &str, role: Role) -> VaultId {
    let mut account = Vault::account(session).await.unwrap();
    let names = [with.to_owned()];
    let invitees = sharing::invitees(&mut account, &names).await.unwrap();
    let terms = Terms {
        role,
        expires_ms: 0,
        with_history: true,
    };
    let path = path.parse().unwrap();
    let done = sharing::share(session, &mut account, &path, &invitees, &terms).await;
    done.unwrap().vault_id.unwrap()
}

async fn accept(session: &People, vault_id: VaultId, name: &str) {
    let mut account = Vault::account(session).await.unwrap();
    let name = Name::parse(name).unwrap();
    account.accept_share(vault_id, &name).await.unwrap();
}

async fn open<'s>(session: &'s People, path: &str) -> Drive<'s, TestPlatform> {
    let path = path.parse().unwrap();
    sharing::open_at(session, &path, Last::Through)
        .await
        .unwrap()
        .0
}

async fn revoke(session: &People, path: &str, who: VaultId) {
    let account = Vault::account(session).await.unwrap();
    let id = open(session, path).await.vault().id();
    let mut vault = account.open_beside(id).await.unwrap();
    vault.revoke(who).await.unwrap();
}

/// Every version of everything that somebody can read in a vault.
fn versions(drive: &Drive<'_, TestPlatform>) -> Vec<Version> {
    let nodes = drive.vault().replica().nodes().values();
    let records = nodes.filter_map(|node| node.record());
    records.flat_map(|record| record.versions.clone()).collect()
}

/// Which of some contents open with what is stored, in whatever file or row.
async fn opened(server: &TestServer, remembered: &[Version]) -> Vec<ContentId> {
    let files = server.block_files().into_iter();
    let mut stored: Vec<Vec<u8>> = files.map(|path| std::fs::read(path).unwrap()).collect();
    let mut database = server.database().await;
    for table in database.tables().await {
        for row in database.rows(&table).await {
            stored.extend(
                row.columns
                    .into_iter()
                    .filter_map(|(_, value)| match value {
                        Value::Blob(bytes) => Some(bytes),
                        _ => None,
                    }),
            );
        }
    }
    let opens = |version: &&Version| {
        let ContentSecret::Blocks(key) = &version.key else {
            panic!("of another suite");
        };
        let count = version.key.suite().block_count(version.size).unwrap();
        let mut indexes = 0..u64::from(count);
        indexes.any(|index| {
            let mut blocks = stored.iter();
            blocks.any(|sealed| open_block(key, &version.content_id, index, sealed).is_ok())
        })
    };
    remembered
        .iter()
        .filter(opens)
        .map(|v| v.content_id)
        .collect()
}

/// Anna and bob, and a folder with short, long, old and trashed files.
struct Scene {
    server: TestServer,
    anna: People,
    bob: People,
    vault_id: VaultId,
    long: Vec<u8>,
}

impl Scene {
    async fn new() -> Self {
        let server = TestServer::start().await;
        let (_, anna) = Actor::sign_up(&server, "anna").await;
        let (_, bob) = Actor::sign_up(&server, "bob").await;
        let long = Dice::seeded(7).bytes(LONG);
        let mut drive = Drive::open(&anna).await.unwrap();
        let files = vec![
            folder("work"),
            folder("work/inner"),
            file("work/a.txt", "first"),
            file("work/binned", "in the bin"),
            file("work/inner/middle", vec![3; 200_000]),
            file("work/long", long.clone()),
            file("work/nothing", ""),
        ];
        put(&mut drive, "/", files).await.unwrap();
        let newer = vec![folder("work"), file("work/a.txt", "second")];
        put(&mut drive, "/", newer).await.unwrap();
        drop(drive);
        let vault_id = share(&anna, "/work", "bob", Role::Editor).await;
        let mut shared = open(&anna, "/work").await;
        shared.trash(&"/binned".parse().unwrap()).await.unwrap();
        drop(shared);
        accept(&bob, vault_id, "work").await;
        Self {
            server,
            anna,
            bob,
            vault_id,
            long,
        }
    }

    async fn renew(&self) -> Result<Renewed, ClientError> {
        let mut drive = open(&self.anna, "/work").await;
        renew(&mut drive, &Reporter::silent()).await
    }

    /// Everything is as it was, for anna.
    async fn is_whole(&self) {
        let drive = open(&self.anna, "/work").await;
        let got = get(&drive, "/").await.unwrap();
        assert_eq!(got["a.txt"], b"second");
        assert_eq!(got["inner/middle"], vec![3; 200_000]);
        assert!(got["long"] == self.long && got["nothing"].is_empty());
        let history = drive.history(&"/a.txt".parse().unwrap()).unwrap();
        assert_eq!(history.len(), 2);
        assert_eq!(drive.trashed().len(), 1);
    }
}

/// Fails if a version, a file in the trash or a record is left as it was.
#[test]
fn after_a_renewal_old_keys_open_nothing_that_is_stored() {
    run(async {
        let scene = Scene::new().await;
        let remembered = versions(&open(&scene.bob, "shared:work").await);
        let lasting: Vec<_> = remembered.iter().filter(|v| v.size > 0).cloned().collect();
        assert_eq!(lasting.len(), 5);
        assert_eq!(
            opened(&scene.server, &lasting).await.len(),
            5,
            "he has the keys"
        );

        revoke(&scene.anna, "/work", scene.bob.uid()).await;
        scene.server.clean_up().await;
        assert_eq!(
            opened(&scene.server, &lasting).await.len(),
            5,
            "and they last"
        );

        let renewed = scene.renew().await.unwrap();
        assert_eq!((renewed.contents, renewed.left_alone), (6, 0));
        let old: Vec<ContentId> = renewed.old.iter().copied().collect();
        let mut known: Vec<ContentId> = remembered.iter().map(|v| v.content_id).collect();
        known.sort_unstable();
        assert_eq!(old, known);
        scene.is_whole().await;

        scene.server.clock().advance(BLOCK_GRACE_MS + 1);
        scene.server.clean_up().await;
        assert_eq!(opened(&scene.server, &lasting).await, []);
        let now = versions(&open(&scene.anna, "/work").await);
        let now: Vec<_> = now.iter().filter(|v| v.size > 0).cloned().collect();
        assert_eq!(
            opened(&scene.server, &now).await.len(),
            5,
            "the new ones open"
        );
        // Names, too: no record is left under a key that bob had.
        let mut database = scene.server.database().await;
        let bodies = database.rows("bodies").await;
        let of_vault = bodies
            .iter()
            .filter(|row| row.blob("vault_id") == scene.vault_id.as_bytes())
            .filter(|row| row.value("is_envelope") == &Value::Integer(0));
        let epochs: Vec<u32> = of_vault
            .map(|row| record_epoch(row.blob("bytes")).unwrap())
            .collect();
        assert!(
            epochs.len() >= 6 && epochs.iter().all(|e| *e == 2),
            "{epochs:?}"
        );
        scene.is_whole().await;
    });
}

/// Fails if what is done is not told from what is left, or if a long file
/// begins anew.
#[test]
fn a_renewal_goes_on_where_it_was() {
    run(async {
        let mut scene = Scene::new().await;
        revoke(&scene.anna, "/work", scene.bob.uid()).await;
        let blocks = |session: &People| {
            let sent = session.platform().network.take_recording().requests;
            sent.iter().filter(|r| r.is::<PutBlock>()).count()
        };
        // No answer comes to the third block of the long file.
        let network = &scene.anna.platform().network;
        network.take_recording();
        network.rewrite(move |exchange: &Exchange, answer| {
            match exchange.is::<PutBlock>() && exchange.path.ends_with("/2") {
                true => Err(Unreachable("the line is cut".to_owned())),
                false => Ok(answer),
            }
        });
        let cut = scene.renew().await;
        assert!(matches!(cut, Err(ClientError::Offline(_))), "{cut:?}");
        scene.anna.platform().network.be_honest();
        scene.anna.platform().network.take_recording();
        // Another run of the program.
        scene.anna = Session::resume(scene.anna.platform().clone())
            .await
            .unwrap();
        let rest = scene.renew().await.unwrap();
        assert!(rest.contents < 6, "{rest:?}");
        assert_eq!(rest.old.len(), 6, "it knows what the first run began with");
        assert!(
            blocks(&scene.anna) <= 1,
            "blocks that were there are not sent again"
        );
        scene.is_whole().await;
        scene.server.clock().advance(BLOCK_GRACE_MS + 1);
        scene.server.clean_up().await;
        let remembered = rest.old;
        let now = versions(&open(&scene.anna, "/work").await);
        assert!(now.iter().all(|v| !remembered.contains(&v.content_id)));

        // Somebody else loses access: all of that is old again.
        share(&scene.anna, "/work", "bob", Role::Viewer).await;
        revoke(&scene.anna, "/work", scene.bob.uid()).await;
        let again = scene.renew().await.unwrap();
        assert_eq!((again.contents, again.old.len()), (6, 6));
        scene.is_whole().await;
    });
}

/// Fails if a content is taken over without the root of its blocks.
#[test]
fn what_is_damaged_is_not_made_good_by_a_renewal() {
    run(async {
        let scene = Scene::new().await;
        for block in scene.server.block_files() {
            let mut bytes = std::fs::read(&block).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(&block, bytes).unwrap();
        }
        let refused = scene.renew().await;
        let is_noticed = matches!(
            refused,
            Err(ClientError::Tampered(Tamper::Content(_) | Tamper::Damaged))
        );
        assert!(is_noticed, "{refused:?}");
    });
}

/// A viewer, or a contributor, cannot: half of it would be refused.
#[test]
fn only_an_editor_stores_anew() {
    run(async {
        let scene = Scene::new().await;
        share(&scene.anna, "/work", "bob", Role::Contributor).await;
        let mut drive = open(&scene.bob, "shared:work").await;
        let refused = renew(&mut drive, &Reporter::silent()).await;
        assert!(
            matches!(refused, Err(ClientError::Misuse(_))),
            "{refused:?}"
        );
    });
}

/// Fails if the second time is told that there is no such vault.
#[test]
fn leaving_twice_is_leaving_once() {
    run(async {
        let scene = Scene::new().await;
        let path = "shared:work".parse().unwrap();
        let mut account = Vault::account(&scene.bob).await.unwrap();
        // The entry lands, and no answer comes any more.
        let network = &scene.bob.platform().network;
        let has_left = Cell::new(false);
        network.rewrite(move |exchange: &Exchange, answer| {
            has_left.set(has_left.get() || exchange.is::<AppendEntry>());
            match has_left.get() {
                true => Err(Unreachable("the line is cut".to_owned())),
                false => Ok(answer),
            }
        });
        let cut = sharing::leave(&scene.bob, &mut account, &path).await;
        assert!(matches!(cut, Err(ClientError::Offline(_))), "{cut:?}");
        network.be_honest();
        for _ in 0..2 {
            let mut account = Vault::account(&scene.bob).await.unwrap();
            let done = sharing::leave(&scene.bob, &mut account, &path).await;
            done.unwrap();
        }
        let account = Vault::account(&scene.bob).await.unwrap();
        assert!(!account.knows(&scene.vault_id));
        let vault = open(&scene.anna, "/work").await;
        let members = &vault.vault().replica().state().membership.members;
        assert!(!members.contains_key(&scene.bob.uid()));
        // Only the answer was lost, and the client asked again by itself.
        share(&scene.anna, "/work", "bob", Role::Viewer).await;
        accept(&scene.bob, scene.vault_id, "work").await;
        let lost = Cell::new(false);
        network.rewrite(move |exchange: &Exchange, answer| {
            match exchange.is::<AppendEntry>() && !lost.replace(true) {
                true => Err(Unreachable("the answer is lost".to_owned())),
                false => Ok(answer),
            }
        });
        let mut account = Vault::account(&scene.bob).await.unwrap();
        sharing::leave(&scene.bob, &mut account, &path)
            .await
            .unwrap();
        let shares = sharing::shares(&scene.bob, &account).await.unwrap();
        assert!(shares.iter().all(|s| s.state != ShareState::Accepted));
    });
}

/// Fails if a new key waits for somebody who is not there, or if whoever may
/// remove them makes one for them.
#[test]
fn whose_account_is_deleted_loses_access_with_the_next_key() {
    run(async {
        let server = TestServer::start().await;
        let (owner, anna) = Actor::sign_up(&server, "anna").await;
        let (actor, mut bob) = Actor::sign_up(&server, "bob").await;
        let (_, carol) = Actor::sign_up(&server, "carol").await;
        let (_, dora) = Actor::sign_up(&server, "dora").await;
        let mut drive = Drive::open(&anna).await.unwrap();
        put(
            &mut drive,
            "/",
            vec![folder("work"), file("work/a.txt", "a")],
        )
        .await
        .unwrap();
        drop(drive);
        let mut vault_id = None;
        for who in ["bob", "carol", "dora"] {
            vault_id = Some(share(&anna, "/work", who, Role::Editor).await);
        }
        let vault_id = vault_id.unwrap();
        accept(&carol, vault_id, "work").await;
        accept(&dora, vault_id, "work").await;
        let gone = bob.uid();
        let proof = Reproof::start(&mut bob, PASSWORD).await.unwrap();
        proof.finish(&actor.code(&server)).await.unwrap();
        bob.request_deletion().await.unwrap();
        server.clock().advance(DELETION_GRACE_MS + 1);
        server.clean_up().await;

        let mut account = Vault::account(&anna).await.unwrap();
        let vault = account.open_beside(vault_id).await.unwrap();
        let members = sharing::members(&mut account, &vault).await.unwrap();
        let row = members.iter().find(|m| m.principal == gone).unwrap();
        assert!(row.is_gone && row.name == "bob", "{row:?}");

        // Carol leaves, so a key is due. Dora makes it, and cannot remove bob.
        let mut hers = Vault::account(&carol).await.unwrap();
        sharing::leave(&carol, &mut hers, &"shared:work".parse().unwrap())
            .await
            .unwrap();
        let mut theirs = open(&dora, "shared:work").await;
        put(&mut theirs, "/", vec![file("b", "b")]).await.unwrap();
        let membership = &theirs.vault().replica().state().membership;
        assert!(membership.members.contains_key(&gone));

        // On a device that has nobody's keys yet, anna takes dora's access
        // away, and bob's goes with it.
        let second = owner.log_in(&server).await;
        revoke(&second, "/work", dora.uid()).await;
        let drive = open(&second, "/work").await;
        let membership = &drive.vault().replica().state().membership;
        assert_eq!(membership.members.len(), 1, "{:?}", membership.members);
    });
}

/// Fails if a server can bring people in by naming them as readers, or have
/// the client read for ever.
#[test]
fn downloads_are_what_the_server_says_and_no_more() {
    run(async {
        let scene = Scene::new().await;
        let drive = open(&scene.anna, "/work").await;
        let (node, record) = drive.find_file(&"/a.txt".parse().unwrap()).unwrap();
        let versions: Vec<ContentId> = record.versions.iter().map(|v| v.content_id).collect();
        let access = |n: u8, uid: VaultId, content_id: ContentId| ContentAccess {
            access_id: AccessId::new([n; 16]),
            uid,
            content_id,
            first_ms: 1,
            last_ms: 2,
            blocks: 1,
        };
        let stranger = VaultId::new([9; 32]);
        let told = vec![
            access(4, scene.bob.uid(), versions[1]),
            access(3, scene.bob.uid(), versions[0]),
            access(2, stranger, ContentId::new([8; 16])),
        ];
        let network = &scene.anna.platform().network;
        network.rewrite_fields::<ListAccesses>(move |page: &mut AccessPage| {
            page.accesses = told.clone();
            page.more = false;
        });
        let timeline = drive.vault().timeline(100).await.unwrap();
        assert!(timeline.has_all_downloads);
        let said: Vec<_> = timeline
            .events
            .iter()
            .filter_map(|event| match event {
                Event::ServerSays(download) => Some(download.clone()),
                Event::Verified(_) => None,
            })
            .collect();
        let seen: Vec<_> = said
            .iter()
            .map(|d| (d.was_member, d.node == Some(node), d.is_current))
            .collect();
        let expected = [
            (true, true, true),
            (true, true, false),
            (false, false, false),
        ];
        assert_eq!(seen, expected);
        let entries = timeline.events.len() - said.len();
        let head = drive.vault().replica().state().head.seq;
        assert_eq!(entries as u64, head, "every entry, besides");

        // The same page for ever.
        network.rewrite_fields::<ListAccesses>(move |page: &mut AccessPage| {
            page.accesses = vec![access(4, stranger, ContentId::new([8; 16]))];
            page.more = true;
        });
        let refused = drive.vault().timeline(100).await;
        assert!(
            matches!(refused, Err(ClientError::Misbehaved(_))),
            "{refused:?}"
        );
        // Bob is told of himself.
        let theirs = open(&scene.bob, "shared:work").await;
        let timeline = theirs.vault().timeline(100).await.unwrap();
        assert!(!timeline.has_all_downloads);
    });
}
