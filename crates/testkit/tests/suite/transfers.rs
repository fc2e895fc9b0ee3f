//! Transfers that were interrupted, or are larger than one request.

use sv_api::Endpoint;
use sv_api::endpoint::{AppendEntry, GetBlock, PutBlock, ReplaceUnlockers};
use sv_client::account::{
    Reproof, Session, generate_recovery_key, replace_recovery_key, start_recovery,
};
use sv_client::drive::Drive;
use sv_client::port::Unreachable;
use sv_client::progress::Reporter;
use sv_client::transfer::{DownloadPlan, UploadPlan};
use sv_client::vault::{Change, Vault};
use sv_core::ContentKey;
use sv_core::content::ContentSecret;
use sv_core::record::{Kind, Payload, Record, Version};
use sv_ledger::id::{ContentId, Hash, NodeId};
use sv_ledger::limits::BLOCK_LEN;
use sv_testkit::{
    Actor, Dice, Exchange, MemoryFiles, MemoryTarget, PASSWORD, Terminal, TestPlatform, TestServer,
    file, folder, get, put, run,
};

/// Three blocks, of which the third is short.
const LEN: usize = 2 * BLOCK_LEN + 5_000;

/// From now on the third block of anything is lost, and each takes a while.
fn cut_at_the_third_block<E: Endpoint>(server: &TestServer, device: &TestPlatform) {
    let clock = server.clock().clone();
    device.network.rewrite(move |request, answer| {
        clock.advance(200);
        if request.is::<E>() && request.path.ends_with("/2") {
            return Err(Unreachable("the cable is cut".into()));
        }
        Ok(answer)
    });
}

/// How many blocks of the recording so far were asked for or sent.
fn blocks<E: Endpoint>(device: &TestPlatform) -> usize {
    let requests = device.network.take_recording().requests;
    requests.iter().filter(|request| request.is::<E>()).count()
}

/// What an interrupted download left is taken up; what of it is not what was
/// written is fetched again. Fails if only its length is looked at: the end of
/// one file would be put behind the start of another.
#[test]
fn a28_a_resumed_download_keeps_only_what_it_wrote() {
    run(async {
        let server = TestServer::start().await;
        let (_, session) = Actor::sign_up(&server, "alice").await;
        let device = session.platform().clone();
        let mut drive = Drive::open(&session).await.unwrap();
        let honest = Dice::seeded(1).bytes(LEN);
        let files = vec![file("long", honest.clone())];
        put(&mut drive, "/", files).await.unwrap();
        let plan = DownloadPlan::new(&drive, &"/long".parse().unwrap(), None).unwrap();
        let silent = Reporter::silent();

        type Spoil = fn(&mut Vec<u8>);
        let cases: [(&str, Spoil, usize); 5] = [
            ("nothing", |_| {}, 1),
            ("another file of the name", |p| p.fill(9), 3),
            ("a bit of the second block", |p| p[BLOCK_LEN] ^= 1, 2),
            ("a bit of the first block", |p| p[7] ^= 1, 3),
            ("its end", |p| p.truncate(BLOCK_LEN + 1), 2),
        ];
        for (what, spoil, fetched) in cases {
            let target = MemoryTarget::default();
            cut_at_the_third_block::<GetBlock>(&server, &device);
            plan.run(&drive, &target, &silent).await.unwrap_err();
            device.network.be_honest();
            spoil(target.partial.borrow_mut().get_mut("long").unwrap());
            device.network.take_recording();
            plan.run(&drive, &target, &silent).await.unwrap();
            assert!(target.files.borrow()["long"] == honest, "{what}: mixed");
            assert_eq!(blocks::<GetBlock>(&device), fetched, "{what}");
        }
    });
}

/// A file that changed without showing it, between two halves of an upload, is
/// stored as it is now. Fails if size and time alone are compared.
#[test]
fn a_resumed_upload_is_of_one_file() {
    run(async {
        let server = TestServer::start().await;
        let (_, session) = Actor::sign_up(&server, "alice").await;
        let device = session.platform().clone();
        let mut drive = Drive::open(&session).await.unwrap();
        let before = Dice::seeded(1).bytes(LEN);
        let mut second = before.clone();
        second[BLOCK_LEN] ^= 1;
        let other = Dice::seeded(2).bytes(LEN);
        for (name, after, sent) in [
            ("same", before.clone(), 1),
            ("part", second, 2),
            ("all", other, 3),
        ] {
            cut_at_the_third_block::<PutBlock>(&server, &device);
            let files = vec![file(name, before.clone())];
            put(&mut drive, "/", files).await.unwrap_err();
            device.network.be_honest();
            device.network.take_recording();
            let files = vec![file(name, after.clone())];
            put(&mut drive, "/", files).await.unwrap();
            assert_eq!(blocks::<PutBlock>(&device), sent, "{name}");
            let got = get(&drive, &format!("/{name}")).await.unwrap();
            assert!(got[name] == after, "{name}: mixed");
        }
    });
}

/// What was put into a folder that somebody removed meanwhile comes down with
/// everything else, in a folder that is in no record. Fails if the plan does
/// not name that folder.
#[test]
fn what_lost_its_folder_comes_down_too() {
    run(async {
        let server = TestServer::start().await;
        let (actor, session) = Actor::sign_up(&server, "alice").await;
        let mut drive = Drive::open(&session).await.unwrap();
        put(&mut drive, "/", vec![folder("gone"), file("kept", "kept")])
            .await
            .unwrap();
        let (items, files) = MemoryFiles::of(vec![
            folder("sub"),
            file("sub/inner", "inner"),
            file("orphan", "orphan"),
        ]);
        let gone = "/gone".parse().unwrap();
        let plan = UploadPlan::new(&drive, &gone, items).unwrap();
        let other = actor.log_in(&server).await;
        let mut elsewhere = Drive::open(&other).await.unwrap();
        elsewhere.remove(&gone).await.unwrap();
        plan.run(&mut drive, &files, &Reporter::silent())
            .await
            .unwrap();

        let got = get(&drive, "/").await.unwrap();
        let names: Vec<&str> = got.keys().map(String::as_str).collect();
        let expected = [
            "Lost and found/",
            "Lost and found/orphan",
            "Lost and found/sub/",
            "Lost and found/sub/inner",
            "kept",
        ];
        assert_eq!(names, expected);

        let terminal = Terminal::new();
        let (url, code) = (server.url(), actor.code(&server));
        let login = [
            "login", "--server", &url, "--user", "alice", "--code", &code,
        ];
        terminal.run(&login).done();
        let local = tempfile::tempdir().unwrap();
        for command in [&["export", "--all"][..], &["get", "-r", "/"]] {
            let into = local.path().join(command[0]);
            let into = into.to_str().unwrap();
            terminal.run(&[command, &[into]].concat()).done();
            let read = |name| std::fs::read(format!("{into}/Lost and found/{name}")).unwrap();
            assert_eq!(
                (read("orphan"), read("sub/inner")),
                (b"orphan".into(), b"inner".into())
            );
        }
        // A folder in there is a folder like any other.
        for args in [
            &["mkdir", "/Lost and found/sub/new"][..],
            &["mkdir", "-p", "/Lost and found/sub/deep/er"],
            &["mv", "/Lost and found/orphan", "/Lost and found/sub/new"],
        ] {
            terminal.run(args).done();
        }
        drive.refresh().await.unwrap();
        let got = get(&drive, "/Lost and found/sub").await.unwrap();
        let names: Vec<&str> = got.keys().map(String::as_str).collect();
        assert_eq!(names, ["deep/", "deep/er/", "inner", "new/", "new/orphan"]);
    });
}

/// Records of many files with long histories are more than one request holds.
/// Fails if only their number is limited.
#[test]
fn large_records_are_changed_in_as_many_entries_as_it_takes() {
    run(async {
        const FILES: usize = 450;
        const VERSIONS: u64 = 98;
        let server = TestServer::start().await;
        let (_, session) = Actor::sign_up(&server, "alice").await;
        let mut vault = Vault::drive(&session).await.unwrap();
        let folder_id = NodeId::new([1; 16]);
        let parent = Record::new(Kind::Folder, "all".parse().unwrap(), None, 1);
        let mut changes = vec![Change::put(folder_id, Payload::Node(parent))];
        for number in 0..FILES {
            let name = format!("{number}").parse().unwrap();
            let mut record = Record::new(Kind::File, name, Some(folder_id), 1);
            record.tags = (0..64).map(|tag| format!("{tag:0>255}")).collect();
            record.versions = (1..=VERSIONS).map(|at| version(&session, at)).collect();
            let mut id = [2; 16];
            id[..8].copy_from_slice(&number.to_be_bytes());
            changes.push(Change::put(NodeId::new(id), Payload::Node(record)));
        }
        for batch in changes.chunks(100) {
            let plan = |_: &_| Ok(batch.to_vec());
            vault.commit(&[], plan).await.unwrap();
        }
        drop(vault);

        let mut drive = Drive::open(&session).await.unwrap();
        let all = "/all".parse().unwrap();
        let restored = drive.restore_at(&all, 1).await.unwrap();
        assert_eq!(restored.changed, FILES);
        let files = (0..FILES).map(|number| file(&number.to_string(), "new"));
        let outcome = put(&mut drive, "/all", files.collect()).await.unwrap();
        assert_eq!(outcome.uploaded as usize, FILES);
        let history = drive.history(&"/all/7".parse().unwrap()).unwrap();
        assert_eq!(history.len() as u64, VERSIONS + 2);
        drive.remove(&all).await.unwrap();
    });
}

/// A distributed database over its quota takes a mebibyte at a time: what is
/// too large goes in parts. Fails without the halves in `land` and
/// `commit_each`.
#[test]
fn what_a_server_cannot_take_at_once_goes_in_parts() {
    run(async {
        const FILES: usize = 150;
        const MOST: usize = 300 * 1024;
        let server = TestServer::start().await;
        let (_, session) = Actor::sign_up(&server, "alice").await;
        let network = &session.platform().network;
        let nowhere = format!("{}/nowhere", server.url());
        let is_large =
            |request: &Exchange| request.is::<AppendEntry>() && request.body.len() > MOST;
        network.divert(move |request| is_large(request).then(|| nowhere.clone()));
        network.rewrite(move |request, mut answer| {
            if is_large(request) {
                answer.status = 413;
                answer.body = br#"{"code":"too_large","message":"over quota"}"#.to_vec();
            }
            Ok(answer)
        });
        let mut drive = Drive::open(&session).await.unwrap();
        let bytes = |number: usize| format!("{number:05}").repeat(1500);
        let files = (0..FILES).map(|n| file(&format!("all/{n}"), bytes(n)));
        let files = [folder("all")].into_iter().chain(files);
        put(&mut drive, "/", files.collect()).await.unwrap();
        let there = get(&drive, "/all").await.unwrap();
        assert_eq!(there.len(), FILES);
        assert!((0..FILES).all(|n| there.values().any(|b| *b == bytes(n).into_bytes())));

        drive.remove(&"/all".parse().unwrap()).await.unwrap();
        assert!(get(&drive, "/all").await.is_err());
    });
}

/// A version of nothing: no server looks into a record.
fn version(session: &Session<TestPlatform>, saved_ms: u64) -> Version {
    let mut content_id = [3; 16];
    content_id[..8].copy_from_slice(&saved_ms.to_be_bytes());
    Version {
        content_id: ContentId::new(content_id),
        key: ContentSecret::Blocks(ContentKey::from_local_payload(&[4; 32]).unwrap()),
        size: 0,
        blocks_root: Hash::new([5; 32]),
        modified_ms: saved_ms,
        saved_ms,
        author: session.uid(),
        device: Some("d".repeat(255)),
        unknown: Default::default(),
    }
}

/// The server made the new recovery key the one in force, and the answer was
/// lost. Fails if that is taken for a failure: the key would be in force and
/// known to nobody.
#[test]
fn a_recovery_key_whose_answer_was_lost_is_in_force() {
    run(async {
        let server = TestServer::start().await;
        let (actor, mut session) = Actor::sign_up(&server, "alice").await;
        let device = session.platform().clone();
        let proof = Reproof::start(&mut session, PASSWORD).await.unwrap();
        proof.finish(&actor.code(&server)).await.unwrap();
        let mut lost = 0;
        device.network.rewrite(move |request, answer| {
            if request.is::<ReplaceUnlockers>() && lost == 0 {
                assert!(answer.status < 300);
                lost += 1;
                return Err(Unreachable("the cable is cut".into()));
            }
            Ok(answer)
        });
        let key = generate_recovery_key(&session).unwrap();
        replace_recovery_key(&mut session, PASSWORD, &key)
            .await
            .unwrap();
        let elsewhere = server.device();
        let words = key.to_words();
        let recovery = start_recovery(&elsewhere, "alice", &words).await.unwrap();
        let recovered = recovery.finish(&actor.code(&server)).await.unwrap();
        recovered
            .set_password("another good password")
            .await
            .unwrap();
        let old = &actor.recovery_words;
        let recovery = start_recovery(&elsewhere, "alice", old).await.unwrap();
        recovery.finish(&actor.code(&server)).await.err().unwrap();
    });
}

/// The cache of a vault, as it is on the disk.
type Disk = std::collections::BTreeMap<String, Vec<u8>>;

/// The journal that grew since an earlier state of the disk, and how long it
/// was.
fn grown(before: &Disk, after: &Disk) -> (String, usize) {
    let is_journal = |name: &&String| name.starts_with("vaults/");
    let mut names = after.keys().filter(is_journal);
    let grown = names.find(|name| after[*name].len() > before[*name].len());
    let name = grown.expect("a journal that grew").clone();
    let len = before[&name].len();
    (name, len)
}

/// After a crash the end of a journal may be anything. It is then as if it had
/// not been written: the log brings it again.
#[test]
fn whatever_a_crash_leaves_at_the_end_of_a_cache_is_dropped() {
    run(async {
        let server = TestServer::start().await;
        let (_, session) = Actor::sign_up(&server, "alice").await;
        let storage = session.platform().storage.clone();
        let mut drive = Drive::open(&session).await.unwrap();
        put(&mut drive, "/", vec![file("one", "1")]).await.unwrap();
        let before = storage.snapshot();
        put(&mut drive, "/", vec![file("two", "2")]).await.unwrap();
        drop(drive);
        let after = storage.snapshot();
        let (name, len) = grown(&before, &after);

        type Spoil = fn(&mut Vec<u8>, usize);
        let spoils: [(&str, Spoil); 6] = [
            ("zeros behind it", |bytes, _| bytes.extend([0; 500])),
            ("half of a frame", |bytes, len| bytes.truncate(len + 50)),
            ("zeros for a frame", |bytes, len| bytes[len..].fill(0)),
            ("zeros in a frame", |bytes, len| bytes[len + 60..].fill(0)),
            ("rubbish for a frame", |bytes, len| bytes[len..].fill(0xa5)),
            ("rubbish alone", |bytes, _| bytes.fill(0xa5)),
        ];
        for (what, spoil) in spoils {
            let mut disk = after.clone();
            spoil(disk.get_mut(&name).unwrap(), len);
            storage.restore(disk);
            let drive = Drive::open(&session).await.unwrap();
            let there = get(&drive, "/").await.unwrap();
            for bytes in [b"1", b"2"] {
                assert!(there.values().any(|there| there == bytes), "{what}");
            }
            drop(drive);
            // What was dropped is not in the way of what follows.
            let mut drive = Drive::open(&session).await.unwrap();
            drive
                .make_folder(&format!("/{what}").parse().unwrap(), false)
                .await
                .unwrap();
            drop(drive);
            let drive = Drive::open(&session).await.unwrap();
            assert!(
                drive.tree().walk(sv_client::tree::Place::Root).len() > 2,
                "{what}"
            );
        }
    });
}

/// Two states of one journal that part after the same frame: what follows in
/// one of them does not follow in the other. Fails if a frame is bound to its
/// number alone: the file that the exchanged frame brought would be missing,
/// and nothing would ever bring it again.
#[test]
fn frames_of_two_states_of_a_cache_do_not_mix() {
    run(async {
        let server = TestServer::start().await;
        let (alice, session) = Actor::sign_up(&server, "alice").await;
        let storage = session.platform().storage.clone();
        let mut drive = Drive::open(&session).await.unwrap();
        put(&mut drive, "/", vec![file("zero", "0")]).await.unwrap();
        drop(drive);
        let parted = storage.snapshot();

        let other = alice.log_in(&server).await;
        let mut elsewhere = Drive::open(&other).await.unwrap();
        put(&mut elsewhere, "/", vec![file("one", "1")])
            .await
            .unwrap();
        // This state hears of the first file alone, and then of the second.
        let mut drive = Drive::open(&session).await.unwrap();
        drive.refresh().await.unwrap();
        let one = storage.snapshot();
        drop(drive);
        put(&mut elsewhere, "/", vec![file("two", "2")])
            .await
            .unwrap();
        // That one hears of both at once, and then of the third.
        storage.restore(parted.clone());
        let mut drive = Drive::open(&session).await.unwrap();
        drive.refresh().await.unwrap();
        let two = storage.snapshot();
        put(&mut elsewhere, "/", vec![file("three", "3")])
            .await
            .unwrap();
        drive.refresh().await.unwrap();
        drop(drive);
        let three = storage.snapshot();

        let (name, _) = grown(&parted, &one);
        let mut mixed = one[&name].clone();
        mixed.extend_from_slice(&three[&name][two[&name].len()..]);
        let mut disk = three.clone();
        disk.insert(name, mixed);
        storage.restore(disk);
        let mut drive = Drive::open(&session).await.unwrap();
        drive.refresh().await.unwrap();
        let there = get(&drive, "/").await.unwrap();
        assert_eq!(there.len(), 4, "{:?}", there.keys());
    });
}
