//! A39, A41 and A49: what sharing tells the server, and what the server
//! cannot switch off.

use serde_json::{Value as Json, json};
use sv_client::account::Session;
use sv_client::drive::Drive;
use sv_client::sharing::{self, Last};
use sv_client::vault::Vault;
use sv_core::Name;
use sv_ledger::genesis::VaultKind;
use sv_ledger::sealed::ContentSuite;
use sv_ledger::state::Role;
use sv_testkit::{
    Actor, Canaries, Dice, Exchange, TestPlatform, TestServer, Value, file, folder, put, run,
};

use super::a23_shared_contents::{LONG, get_all};
use super::stand::{Person, share};
use super::world::pattern;

/// A tree of five folders one in the other and one of five beside one another,
/// with the same files in them: as many requests, of the same lengths, in the
/// same order. Fails if a parent, or a depth, shows in what is sent.
#[test]
fn a39_a_deep_tree_looks_like_a_flat_one() {
    run(async {
        let server = TestServer::start().await;
        let (_, session) = Actor::sign_up(&server, "anna").await;
        let mut traces = Vec::new();
        for is_deep in [true, false] {
            let device = session.platform().copy(&server.url());
            let session = Session::resume(device.clone()).await.unwrap();
            let mut drive = Drive::open(&session).await.unwrap();
            let top = if is_deep { "deep" } else { "flat" };
            let mut files = vec![folder(top)];
            let mut path = top.to_owned();
            for name in ["a", "b", "c", "d", "e"] {
                path = match is_deep {
                    true => format!("{path}/{name}"),
                    false => format!("{top}/{name}"),
                };
                files.push(folder(&path));
                files.push(file(&format!("{path}/short"), pattern(900, 1)));
                files.push(file(&format!("{path}/long"), pattern(LONG, 2)));
            }
            device.network.take_recording();
            put(&mut drive, "/", files).await.unwrap();
            traces.push(trace(&device));
        }
        assert!(traces[0].len() > 5, "{}", traces[0].len());
        assert_eq!(traces[0], traces[1]);
    });
}

/// How, where and how long, of everything that a device sent; the names of
/// vaults and contents left out, and blocks, which go together, in one order.
fn trace(device: &TestPlatform) -> Vec<(&'static str, String, usize)> {
    let requests = device.network.take_recording().requests;
    let place = |asked: &Exchange| {
        let parts = asked.path.split('/');
        let parts = parts.filter(|part| part.len() < 20 && part.parse::<u64>().is_err());
        parts.collect::<Vec<_>>().join("/")
    };
    let mut found: Vec<_> = requests
        .iter()
        .map(|asked| (asked.method, place(asked), asked.body.len()))
        .collect();
    let is_block = |(method, ..): &(&str, String, usize)| *method == "PUT";
    let start = found.iter().position(is_block).unwrap_or(found.len());
    found[start..].sort();
    found
}

/// Names of shared folders, of groups and of what is in them, words that
/// people wrote, local names of shares: the server is sent none of them, in no
/// disguise, and stores none. What it does know, handles, is found the same
/// way. Fails if any of them is sent in clear.
#[test]
fn a39_sharing_tells_the_server_no_name() {
    run(async {
        let server = TestServer::start().await;
        let (_, anna) = Actor::sign_up(&server, "anna-whose-handle-is-long").await;
        let (_, bob) = Actor::sign_up(&server, "bob").await;
        let mut dice = Dice::thrown("a39");
        let mut secrets = Vec::new();
        let mut secret = |what: &str| {
            let text = format!("{what} {}", dice.text(24));
            secrets.push((what.to_owned(), text.clone().into_bytes()));
            text
        };
        let (shared, inner) = (secret("a shared folder"), secret("a file in it"));
        let (words, group) = (secret("words in the file"), secret("a group"));
        let (local, vault) = (secret("a local name"), secret("an empty vault"));
        let (renamed, made) = (secret("a new name"), secret("a folder in it"));
        let mut drive = Drive::open(&anna).await.unwrap();
        let files = vec![
            folder(&shared),
            file(&format!("{shared}/{inner}"), words.repeat(20)),
        ];
        put(&mut drive, "/", files).await.unwrap();
        drop(drive);
        let path = format!("/{shared}");
        let vault_id = share(&anna, &path, "bob", Role::Editor).await;
        let mut account = Vault::account(&anna).await.unwrap();
        for (name, kind) in [(&group, VaultKind::Group), (&vault, VaultKind::Shared)] {
            let name = Name::parse(name).unwrap();
            let suite = ContentSuite::Blocks;
            let made = sharing::make_vault(&anna, &mut account, &name, kind, suite).await;
            made.unwrap();
        }
        let with = [format!("group:{group}"), "nobody-yet-with-that-name".into()];
        let with = sharing::invitees(&mut account, &with).await.unwrap();
        let mut opened = account.open_beside(vault_id).await.unwrap();
        sharing::give_access(&mut account, &mut opened, &with, Role::Viewer, 0)
            .await
            .unwrap();
        drop(opened);
        let mut bobs = Vault::account(&bob).await.unwrap();
        let local_name = Name::parse(&local).unwrap();
        bobs.accept_share(vault_id, &local_name).await.unwrap();
        drop(bobs);
        let path = format!("shared:{local}").parse().unwrap();
        let opened = sharing::open_at(&bob, &path, Last::Through).await;
        let (mut drive, _) = opened.unwrap();
        let old = format!("/{inner}").parse().unwrap();
        let new = format!("/{renamed}").parse().unwrap();
        drive.rename(&old, &new).await.unwrap();
        drive
            .make_folder(&format!("/{made}").parse().unwrap(), false)
            .await
            .unwrap();
        let members = sharing::members(&mut account, drive.vault()).await.unwrap();
        assert_eq!(members.len(), 3);
        drop(drive);

        let pairs = secrets.iter().map(|(name, bytes)| (&**name, &**bytes));
        let canaries = Canaries::new(pairs);
        let known = Canaries::new([("a handle", &b"anna-whose-handle-is-long"[..])]);
        let mut has_seen = false;
        for session in [&anna, &bob] {
            for asked in session.platform().network.take_recording().requests {
                let sent = [asked.path.as_bytes(), &asked.body].concat();
                let found = canaries.found_in(&sent);
                assert!(found.is_empty(), "{found:?} in {}", asked.path);
                has_seen |= !known.found_in(&sent).is_empty();
            }
        }
        assert!(has_seen, "the search is not blind");
        let mut database = server.database().await;
        let mut stored = 0;
        for table in database.tables().await {
            for row in database.rows(&table).await {
                for (column, value) in row.columns {
                    let bytes = match value {
                        Value::Text(text) => text.into_bytes(),
                        Value::Blob(bytes) => bytes,
                        _ => continue,
                    };
                    let found = canaries.found_in(&bytes);
                    assert!(found.is_empty(), "{found:?} in {table}.{column}");
                    stored += 1;
                }
            }
        }
        assert!(stored > 100, "{stored}");
    });
}

/// The same file, by two people and twice by one, into what they share and
/// into their own: for the server it is as two different files of that length,
/// and takes the room of two. Fails if contents are found to be the same.
#[test]
fn a41_the_same_file_looks_like_another() {
    run(async {
        let server = TestServer::start().await;
        let (_, anna) = Actor::sign_up(&server, "anna").await;
        let (_, bob) = Actor::sign_up(&server, "bob").await;
        let mut drive = Drive::open(&anna).await.unwrap();
        put(&mut drive, "/", vec![folder("work")]).await.unwrap();
        drop(drive);
        let vault_id = share(&anna, "/work", "bob", Role::Editor).await;
        let mut account = Vault::account(&bob).await.unwrap();
        let name = Name::parse("work").unwrap();
        account.accept_share(vault_id, &name).await.unwrap();
        drop(account);
        for len in [900, LONG] {
            let same = pattern(len, 1);
            for path in ["/work", "/"] {
                let of_bob = match path {
                    "/" => "/",
                    _ => "shared:work",
                };
                let before = hashes(&server).await;
                let mut traces = Vec::new();
                for (n, (who, path, bytes)) in [
                    (&anna, path, same.clone()),
                    (&bob, of_bob, same.clone()),
                    (&anna, path, same.clone()),
                    (&bob, of_bob, pattern(len, 2)),
                    (&anna, path, pattern(len, 3)),
                ]
                .into_iter()
                .enumerate()
                {
                    traces.push(sent(who, path, &format!("{len:05} {n}"), bytes).await);
                }
                assert!(traces.iter().all(|trace| *trace == traces[0]), "{traces:?}");
                let after = hashes(&server).await;
                assert_eq!(after.len(), before.len() + 5, "each takes its own room");
            }
        }
    });
}

/// The hash of every stored block.
async fn hashes(server: &TestServer) -> std::collections::BTreeSet<Vec<u8>> {
    let rows = server.database().await.rows("blocks").await;
    rows.iter().map(|row| row.blob("hash").to_vec()).collect()
}

/// What somebody sends to put a file.
async fn sent(
    session: &Person,
    path: &str,
    name: &str,
    bytes: Vec<u8>,
) -> Vec<(&'static str, String, usize)> {
    let path = path.parse().unwrap();
    let opened = sharing::open_at(session, &path, Last::Through).await;
    let (mut drive, root) = opened.unwrap();
    session.platform().network.take_recording();
    let files = vec![file(name, bytes)];
    put(&mut drive, &root.to_string(), files).await.unwrap();
    trace(session.platform())
}

/// Switches that a server might wish for, in every answer that has fields:
/// people share, write and read exactly as without them, request for request.
/// Fails if any answer decides about anything that protects somebody.
#[test]
fn a49_no_switch_of_the_server_changes_what_is_sent() {
    run(async {
        let mut traces = Vec::new();
        for seed in 0..4 {
            let server = TestServer::start().await;
            let (_, anna) = Actor::sign_up(&server, "anna").await;
            let (_, bob) = Actor::sign_up(&server, "bob").await;
            for session in [&anna, &bob] {
                if seed > 0 {
                    spoil(session.platform(), seed);
                }
                session.platform().network.take_recording();
            }
            let mut drive = Drive::open(&anna).await.unwrap();
            let files = vec![
                folder("work"),
                file("work/a.txt", "hello"),
                file("work/b", pattern(LONG, 1)),
            ];
            put(&mut drive, "/", files).await.unwrap();
            drop(drive);
            let vault_id = share(&anna, "/work", "bob", Role::Editor).await;
            let mut account = Vault::account(&bob).await.unwrap();
            let offered = sharing::shares(&bob, &account).await.unwrap();
            assert_eq!(offered.len(), 1);
            let name = Name::parse("work").unwrap();
            account.accept_share(vault_id, &name).await.unwrap();
            let got = get_all(bob.platform(), "shared:work").await.unwrap();
            assert_eq!(got["a.txt"], b"hello");
            anna.status().await.unwrap();
            let mut all = trace(anna.platform());
            all.extend(trace(bob.platform()));
            traces.push(all);
        }
        assert!(
            traces.iter().all(|trace| *trace == traces[0]),
            "{traces:#?}"
        );
    });
}

/// Puts switches into every object of every JSON answer.
fn spoil(device: &TestPlatform, seed: u64) {
    let mut dice = Dice::seeded(seed);
    device.network.rewrite(move |_, mut answer| {
        if let Ok(mut whole) = serde_json::from_slice::<Json>(&answer.body) {
            switch(&mut whole, &mut dice);
            answer.body = serde_json::to_vec(&whole).unwrap();
        }
        Ok(answer)
    });
}

fn switch(value: &mut Json, dice: &mut Dice) {
    match value {
        Json::Array(list) => list.iter_mut().for_each(|inner| switch(inner, dice)),
        Json::Object(fields) => {
            fields.values_mut().for_each(|inner| switch(inner, dice));
            for name in [
                "encryption",
                "suite",
                "content_suite",
                "min_client",
                "recovery_required",
                "recovery_public_key",
                "escrow_key",
                "policy",
                "trust_server",
                "skip_verification",
                "dedup",
                "compression",
                "features",
                "debug",
            ] {
                let values = [json!(true), json!(0), json!("off"), json!({"on": true})];
                let value = dice.pick(&values).unwrap().clone();
                fields.insert(name.to_owned(), value);
            }
        }
        _ => {}
    }
}
