//! What the client does for a page: reading from anywhere, several nodes at a
//! time, an upload beside other work, and a sign-up that leaves no key.

use std::cell::Cell;

use futures::TryStreamExt;
use futures::future::join;
use futures::lock::Mutex;
use sv_api::endpoint::{GetBlock, GetBlockHashes};
use sv_client::account::{NewAccount, Rest, confirm_sign_up_without_keeping, sign_up};
use sv_client::drive::Drive;
use sv_client::port::{Keychain, Platform};
use sv_client::progress::Reporter;
use sv_client::sharing::{Last, make_vault, open_at};
use sv_client::transfer::{Reading, SoFar, UnfinishedUpload, UnfinishedUploads, UploadPlan};
use sv_client::vault::Vault;
use sv_client::{ClientError, Tamper};
use sv_core::fernet::open_token;
use sv_core::{FernetKey, Name};
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::{Hash, NodeId};
use sv_ledger::limits::BLOCK_LEN;
use sv_ledger::sealed::ContentSuite;
use sv_testkit::{
    Actor, Dice, Host, MemoryFiles, PASSWORD, TestPlatform, TestServer, file, folder,
    one_time_code, put, run,
};

fn id_at(drive: &Drive<'_, TestPlatform>, path: &str) -> NodeId {
    drive.find_node(&path.parse().unwrap()).unwrap().0
}

/// Only the blocks that are asked for are read, each held to a list that was
/// proved first. Fails if a block is opened without it: the server could show
/// the block of another version of the key's holder.
#[test]
fn a_file_is_read_from_anywhere_and_nothing_else_of_it() {
    run(async {
        let server = TestServer::start().await;
        let (_, session) = Actor::sign_up(&server, "alice").await;
        let device = session.platform().clone();
        let mut drive = Drive::open(&session).await.unwrap();
        let bytes = Dice::seeded(1).bytes(2 * BLOCK_LEN + 5_000);
        put(&mut drive, "/", vec![file("film", bytes.clone())])
            .await
            .unwrap();
        let reading = Reading::new(&drive, id_at(&drive, "/film"), None).unwrap();

        device.network.take_recording();
        let film = reading.clone().seekable(&session).await.unwrap();
        let last = film.block(&session, 2).await.unwrap();
        assert!(last == bytes[2 * BLOCK_LEN..]);
        let requests = device.network.take_recording().requests;
        let count = requests.iter().filter(|r| r.is::<GetBlock>()).count();
        assert_eq!(count, 1);
        assert!(film.block(&session, 3).await.is_err());

        let in_order: Vec<(Vec<u8>, SoFar)> = reading
            .blocks(&session, SoFar::default())
            .try_collect()
            .await
            .unwrap();
        let rest: Vec<(Vec<u8>, SoFar)> = reading
            .blocks(&session, in_order[0].1.clone())
            .try_collect()
            .await
            .unwrap();
        assert_eq!((in_order.len(), rest.len()), (3, 2));
        assert!(in_order.into_iter().flat_map(|(b, _)| b).eq(bytes));
    });
}

/// In a vault of tokens, too, though never from the middle: short or long, in
/// one go or after an interruption, and as it is stored; nothing at all of one
/// that was altered. Fails if pieces are handed on before the last block came.
#[test]
fn a_file_of_a_vault_of_tokens_is_read_whole() {
    run(async {
        let server = TestServer::start().await;
        let (_, session) = Actor::sign_up(&server, "alice").await;
        let device = session.platform().clone();
        let mut account = Vault::account(&session).await.unwrap();
        let (name, kind) = (Name::parse("tokens").unwrap(), VaultKind::Shared);
        make_vault(&session, &mut account, &name, kind, ContentSuite::Fernet)
            .await
            .unwrap();
        let path = "vault:tokens".parse().unwrap();
        let (mut drive, _) = open_at(&session, &path, Last::Through).await.unwrap();
        let all = Dice::seeded(1).bytes(13_000_000);
        for size in [0, 1, 40_000, 3_200_000, all.len()] {
            let bytes = &all[..size];
            let name = size.to_string();
            put(&mut drive, "/", vec![file(&name, bytes.to_vec())])
                .await
                .unwrap();
            let id = id_at(&drive, &format!("/{name}"));
            let reading = Reading::new(&drive, id, None).unwrap();
            assert!(reading.is_token() && reading.size() == size as u64);
            assert!(reading.whole(&session).await.unwrap() == bytes);

            let read = async |so_far| -> Result<Vec<(Vec<u8>, SoFar)>, ClientError> {
                reading.blocks(&session, so_far).try_collect().await
            };
            let pieces = read(SoFar::default()).await.unwrap();
            assert!(pieces.iter().flat_map(|(piece, _)| piece).eq(bytes));
            if let Some((first, so_far)) = pieces.first() {
                let rest = read(so_far.clone()).await.unwrap();
                let rest = rest.iter().flat_map(|(piece, _)| piece);
                assert!(rest.eq(&bytes[first.len()..]));
            }
            let stored: Vec<(Vec<u8>, SoFar)> = reading
                .sealed_blocks(&session, SoFar::default())
                .try_collect()
                .await
                .unwrap();
            let token: Vec<u8> = stored.into_iter().flat_map(|(block, _)| block).collect();
            assert_eq!(reading.raw_len(), Some(token.len() as u64));
            let key = FernetKey::parse(&reading.raw_key()).unwrap();
            assert!(open_token(&key.into(), &token).unwrap().as_slice() == bytes);
            if size == all.len() {
                // Of the last block alone.
                device.network.rewrite_bytes::<GetBlock>(|block| {
                    if block.len() < BLOCK_LEN {
                        block[0] = if block[0] == b'A' { b'B' } else { b'A' };
                    }
                });
                let mut pieces = Box::pin(reading.blocks(&session, SoFar::default()));
                let first = pieces.try_next().await.map(drop);
                let is_caught = matches!(first, Err(ClientError::Tampered(Tamper::Content(_))));
                assert!(is_caught, "{first:?}");
            }
            assert!(matches!(
                reading.seekable(&session).await.map(drop),
                Err(ClientError::Misuse(_))
            ));
        }
    });
}

/// A list that is cut, reordered or of another content opens nothing, and a
/// block that is not the listed one neither.
#[test]
fn a28_a_forged_list_of_blocks_opens_nothing() {
    run(async {
        let server = TestServer::start().await;
        let (_, session) = Actor::sign_up(&server, "alice").await;
        let device = session.platform().clone();
        let mut drive = Drive::open(&session).await.unwrap();
        let bytes = Dice::seeded(1).bytes(2 * BLOCK_LEN + 5_000);
        put(&mut drive, "/", vec![file("film", bytes)])
            .await
            .unwrap();
        let reading = Reading::new(&drive, id_at(&drive, "/film"), None).unwrap();

        type Forge = fn(&mut Vec<(u32, Hash)>);
        let forgeries: [(&str, Forge); 4] = [
            ("another hash", |list| list[2].1 = list[1].1),
            ("the last one gone", |list| list.truncate(list.len() - 1)),
            ("one too many", |list| list.push((3, list[0].1))),
            ("another order", |list| list.swap(0, 1)),
        ];
        for (what, forge) in forgeries {
            device
                .network
                .rewrite_fields::<GetBlockHashes>(move |page| forge(&mut page.blocks));
            let refused = reading.clone().seekable(&session).await;
            let refused = refused.err().unwrap();
            assert!(
                matches!(refused, ClientError::Tampered(Tamper::Content(_))),
                "{what}: {refused}"
            );
        }
        device.network.be_honest();
        let film = reading.seekable(&session).await.unwrap();
        device
            .network
            .rewrite_bytes::<GetBlock>(|block| block[100] ^= 1);
        let refused = film.block(&session, 0).await.unwrap_err();
        assert!(matches!(refused, ClientError::Tampered(Tamper::Content(_))));
    });
}

/// What was chosen together happens together, under names that are free.
#[test]
fn several_nodes_at_a_time() {
    run(async {
        let server = TestServer::start().await;
        let (_, session) = Actor::sign_up(&server, "alice").await;
        let mut drive = Drive::open(&session).await.unwrap();
        let there = vec![folder("box"), file("box/a", b"old".to_vec())];
        put(&mut drive, "/", there).await.unwrap();
        let here = vec![file("a", b"1".to_vec()), file("b", b"2".to_vec())];
        put(&mut drive, "/", here).await.unwrap();
        let (a, b, into) = (
            id_at(&drive, "/a"),
            id_at(&drive, "/b"),
            id_at(&drive, "/box"),
        );

        let before = drive.vault().replica().state().head.seq;
        drive.move_nodes(&[a, b], Some(into)).await.unwrap();
        assert_eq!(drive.vault().replica().state().head.seq, before + 1);
        assert_eq!(id_at(&drive, "/box/a (2)"), a);
        assert_eq!(id_at(&drive, "/box/b"), b);
        drive.move_nodes(&[into], Some(into)).await.unwrap_err();

        let copies = drive.copy_nodes(&[into, b], None).await.unwrap();
        assert_eq!(copies, [id_at(&drive, "/box (2)"), id_at(&drive, "/b")]);
        assert!(drive.find_node(&"/box (2)/a (2)".parse().unwrap()).is_ok());

        let inside = drive
            .make_folder_in(Some(into), Name::parse("deep").unwrap())
            .await
            .unwrap();
        drive.move_nodes(&[b], Some(inside)).await.unwrap();
        drive.trash_nodes(&[into, copies[1]]).await.unwrap();
        assert_eq!(drive.trashed().len(), 2);
        drive.untrash_nodes(&[into, copies[1]]).await.unwrap();
        assert_eq!(id_at(&drive, "/box/deep/b"), b);
        // Its folder goes to the trash after it: it comes back at the top.
        drive.trash_nodes(&[b]).await.unwrap();
        drive.trash_nodes(&[into]).await.unwrap();
        drive.untrash_nodes(&[b]).await.unwrap();
        assert!(
            drive
                .tree()
                .path(&b)
                .is_some_and(|path| path.starts_with("/b"))
        );
        drive.remove_nodes(&[into]).await.unwrap();
        assert!(drive.trashed().is_empty());
    });
}

/// While a long file is on its way, a folder can be made in the same drive.
/// Fails if an upload holds the drive from beginning to end.
#[test]
fn an_upload_leaves_the_drive_to_others() {
    run(async {
        let server = TestServer::start().await;
        let (_, session) = Actor::sign_up(&server, "alice").await;
        let drive = Mutex::new(Drive::open(&session).await.unwrap());
        let bytes = Dice::seeded(1).bytes(2 * BLOCK_LEN);
        let (items, files) = MemoryFiles::of(vec![file("long", bytes)]);
        let plan = {
            let drive = drive.lock().await;
            UploadPlan::new(&drive, &"/".parse().unwrap(), items).unwrap()
        };
        let made_first = Cell::new(false);
        let silent = Reporter::silent();
        let upload = async {
            plan.run_beside(&session, &drive, &files, &silent)
                .await
                .unwrap();
            assert!(made_first.get());
        };
        let other = async {
            let name = Name::parse("meanwhile").unwrap();
            let mut drive = drive.lock().await;
            drive.make_folder_in(None, name).await.unwrap();
            made_first.set(true);
        };
        join(upload, other).await;
        let drive = drive.into_inner();
        assert_eq!(drive.list(&"/".parse().unwrap()).unwrap().len(), 2);
    });
}

/// After the first code what rests on the device opens only with the server's
/// half; and where the key was never kept, the account exists all the same.
#[test]
fn a51_a_sign_up_in_a_page_leaves_no_key() {
    run(async {
        let server = TestServer::start().await;
        for (handle, forget) in [("alice", false), ("bob", true)] {
            let (device, totp) = sign_up_on(&server, handle).await;
            if forget {
                device.keychain().wipe().await.unwrap();
            }
            let session = confirm_sign_up_without_keeping(device.clone(), &totp)
                .await
                .unwrap();
            assert_eq!(session.is_none(), forget);
            assert!(device.keychain().load().await.unwrap().is_none());
            if let Some(session) = session {
                assert!(matches!(session.profile().rest, Rest::Session { .. }));
                assert!(Drive::open(&session).await.is_ok());
            }
        }
    });
}

async fn sign_up_on(server: &TestServer, handle: &str) -> (TestPlatform, String) {
    let device = server.device();
    let new = NewAccount {
        handle,
        password: PASSWORD,
        invite: None,
        device_label: "page",
    };
    let signed_up = sign_up(&device, &new).await.unwrap();
    let code = one_time_code(&signed_up.totp.secret, server.next_code_ms());
    (device, code)
}

/// What a reload interrupted is offered again, until it is done or given up.
#[test]
fn unfinished_uploads_are_remembered() {
    run(async {
        let server = TestServer::start().await;
        let (_, session) = Actor::sign_up(&server, "alice").await;
        let one = UnfinishedUpload {
            id: "1".into(),
            folder: "/".into(),
            path: "film".into(),
            local: "film".into(),
            size: 5,
            modified_ms: 7,
        };
        let again = UnfinishedUpload {
            id: "2".into(),
            ..one.clone()
        };
        let mut list = UnfinishedUploads::load(&session).await.unwrap();
        assert_eq!(list.add(&session, one.clone()).await.unwrap(), "1");
        assert_eq!(list.add(&session, again).await.unwrap(), "1");
        let mut list = UnfinishedUploads::load(&session).await.unwrap();
        assert_eq!(list.list(), [one]);
        list.remove(&session, "1").await.unwrap();
        let list = UnfinishedUploads::load(&session).await.unwrap();
        assert!(list.list().is_empty());
    });
}
