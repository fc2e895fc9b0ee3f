//! What nobody but the person may know is nowhere but with the person: not in
//! the database, the blocks, the logs or on the wire, in any disguise (A39).

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use data_encoding::BASE32_NOPAD;
use sv_client::port::{Keychain, Platform};
use sv_client::vault::{Change, Vault};
use sv_core::content::ContentSecret;
use sv_core::record::Payload;
use sv_testkit::{Actor, Canaries, Daemon, Dice, PASSWORD, Terminal, files_below, run};
use tempfile::TempDir;

/// Secrets by name.
type Secrets = Vec<(String, Vec<u8>)>;

#[test]
fn no_secret_is_anywhere_it_should_not_be() {
    run(async {
        let mut dice = Dice::thrown("canaries");
        let mut daemon = Daemon::start().await;
        daemon.tap().record();
        let handle = format!("handle-{}", dice.text(20).to_lowercase());
        let (terminal, actor) = Terminal::sign_up(&daemon, &handle);
        let mut private = live(&terminal, &mut dice);
        private.extend(tag_and_read_keys(&daemon, &actor, &mut dice).await);
        private.push(("the password".to_owned(), PASSWORD.into()));
        private.push((
            "the recovery key".to_owned(),
            actor.recovery_words.clone().into(),
        ));

        // Killed, so that the write-ahead log stays as it is.
        daemon.kill();
        let wire = daemon.tap().recording();
        let tokens = tokens_in(&wire);
        let kept_by_server = server_secrets(&daemon, &actor, &tokens);
        let stored = contents_below(&daemon.data());
        let log = vec![std::fs::read(daemon.log()).unwrap()];

        let everywhere = canaries(&private);
        let at_rest = canaries(&kept_by_server);
        for (place, pieces) in [("stored", &stored), ("log", &log), ("wire", &wire)] {
            assert_eq!(found(&everywhere, pieces), BTreeSet::new(), "{place}");
        }
        for (place, pieces) in [("stored", &stored), ("log", &log)] {
            assert_eq!(found(&at_rest, pieces), BTreeSet::new(), "{place}");
        }
        let home = contents_below(terminal.home());
        assert_eq!(
            found(&everywhere, &home),
            BTreeSet::new(),
            "the client's own files"
        );

        // What is there is found: the search is not blind.
        let handle = canaries(&vec![("handle".to_owned(), handle.into())]);
        assert!(found(&handle, &stored).contains("handle ( raw)"));
        assert!(found(&handle, &wire).contains("handle ( raw)"));
        assert!(
            found(&at_rest, &wire)
                .iter()
                .any(|what| what.starts_with("a session token"))
        );
        assert!(
            found(&at_rest, &wire)
                .iter()
                .any(|what| what.starts_with("the TOTP secret"))
        );
        let route = canaries(&vec![(
            "route".to_owned(),
            b"/v1/vaults/{vault}/log".to_vec(),
        )]);
        assert!(!found(&route, &log).is_empty());
        let bytes: usize = [&stored, &log, &wire, &home]
            .into_iter()
            .flatten()
            .map(Vec::len)
            .sum();
        println!(
            "{} secrets in {} forms; {} MiB searched",
            private.len() + kept_by_server.len(),
            everywhere.patterns().count() + at_rest.patterns().count(),
            bytes >> 20
        );
    });
}

/// Does what people do, with a canary wherever there is room for one.
fn live(terminal: &Terminal, dice: &mut Dice) -> Secrets {
    let mut secrets = Secrets::new();
    let mut secret = |what: &str, dice: &mut Dice| {
        let text = format!("{what}: {} #{}", dice.text(16), dice.text(16));
        secrets.push((what.to_owned(), text.clone().into_bytes()));
        text
    };
    let local = TempDir::new().unwrap();
    let folder = secret("folder näme", dice);
    let (tree, copy) = (local.path().join(&folder), local.path().join("copy"));
    std::fs::create_dir(&tree).unwrap();
    for (kind, len) in [("short", 200), ("middle", 200_000), ("long", 6 << 20)] {
        let name = secret(&format!("{kind} file's name"), dice);
        let line = secret(&format!("{kind} file's content"), dice);
        let text = format!("{line}\n").repeat(len / line.len() + 1);
        std::fs::write(tree.join(name), text).unwrap();
    }
    let (note, text) = (secret("note's name", dice), secret("note's text", dice));
    let (moved, copied) = (secret("new name", dice), secret("copy's name", dice));
    let (made, label) = (secret("made folder", dice), secret("query", dice));
    let path = |name: &str| format!("/{name}");
    let run = |arguments: &[&str]| terminal.run(arguments).done();

    run(&["put", "-r", tree.to_str().unwrap(), "/"]);
    feed(terminal, &["note", &path(&note)], &text);
    feed(terminal, &["note", &path(&note)], &format!("{text} again"));
    run(&["mkdir", &path(&made)]);
    run(&["cp", &path(&note), &path(&copied)]);
    run(&["mv", &path(&copied), &format!("/{made}/{moved}")]);
    run(&["ls", "-l", &path(&folder)]);
    terminal.run(&["find", &label]);
    run(&["cat", &path(&note)]);
    run(&["history", &path(&note)]);
    run(&["restore", "--version", "1", &path(&note)]);
    run(&["get", "-r", &path(&folder), copy.to_str().unwrap()]);
    run(&["rm", &path(&note)]);
    run(&["verify", "--all"]);
    terminal.run(&["get", &path(&label)]).failed(4, "");
    secrets
}

fn feed(terminal: &Terminal, arguments: &[&str], text: &str) {
    let mut command = terminal.command(arguments);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, text.as_bytes()).unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

/// From a second device: tags, which the command line has no word for, and
/// the keys that a client can name.
async fn tag_and_read_keys(daemon: &Daemon, actor: &Actor, dice: &mut Dice) -> Secrets {
    let session = actor.log_in(daemon).await;
    let mut drive = Vault::drive(&session).await.unwrap();
    let tag = format!("a tag: {}", dice.text(32));
    let (id, record) = drive
        .replica()
        .nodes()
        .iter()
        .find_map(|(id, node)| Some((*id, node.record()?.clone())))
        .unwrap();
    let tagged = |_: &_| {
        let mut record = record.clone();
        record.tags.push(tag.clone());
        Ok(vec![Change::put(id, Payload::Node(record))])
    };
    drive.commit(&[], tagged).await.unwrap();

    let mut secrets = vec![("a tag".to_owned(), tag.clone().into_bytes())];
    let records = drive
        .replica()
        .nodes()
        .values()
        .filter_map(|node| node.record());
    for version in records.flat_map(|record| &record.versions) {
        let ContentSecret::Blocks(key) = &version.key else {
            continue;
        };
        let key = key.to_local_payload().to_vec();
        secrets.push(("a content key".to_owned(), key));
    }
    assert!(secrets.len() > 5, "content keys were looked at");
    let device = session.platform().keychain().load().await.unwrap().unwrap();
    secrets.push(("a device key".to_owned(), device.to_store().to_vec()));
    secrets
}

/// What the server itself has seen and may not keep in clear.
fn server_secrets(daemon: &Daemon, actor: &Actor, tokens: &BTreeSet<Vec<u8>>) -> Secrets {
    let totp = BASE32_NOPAD.decode(actor.totp_secret.as_bytes()).unwrap();
    let mut secrets = vec![
        (
            "the TOTP secret".to_owned(),
            actor.totp_secret.clone().into_bytes(),
        ),
        ("the TOTP secret's bytes".to_owned(), totp),
        ("the server's key file".to_owned(), daemon.key_text()),
    ];
    for token in tokens {
        secrets.push(("a session token".to_owned(), token.clone()));
    }
    let codes = actor.backup_codes.iter().filter(|code| code.len() >= 16);
    secrets.extend(codes.map(|code| ("a backup code".to_owned(), code.clone().into_bytes())));
    secrets
}

/// The session tokens that went over the wire.
fn tokens_in(wire: &[Vec<u8>]) -> BTreeSet<Vec<u8>> {
    let mut tokens = BTreeSet::new();
    for piece in wire {
        let text = String::from_utf8_lossy(piece);
        for found in text.split("authorization: Bearer ").skip(1) {
            let token = found.split("\r\n").next().unwrap_or_default();
            tokens.insert(token.as_bytes().to_vec());
        }
    }
    assert!(tokens.len() >= 2, "two devices were logged in");
    tokens
}

fn canaries(secrets: &Secrets) -> Canaries {
    Canaries::new(
        secrets
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice())),
    )
}

fn found<'c>(canaries: &'c Canaries, pieces: &[Vec<u8>]) -> BTreeSet<&'c str> {
    pieces
        .iter()
        .flat_map(|piece| canaries.found_in(piece))
        .collect()
}

/// The contents of every file, and the names of them all.
fn contents_below(folder: &Path) -> Vec<Vec<u8>> {
    let files = files_below(folder);
    assert!(!files.is_empty());
    let names = files.iter().map(|file| file.to_string_lossy().into_owned());
    let names = names.collect::<Vec<_>>().join("\n").into_bytes();
    let contents = files.iter().map(|file| std::fs::read(file).unwrap());
    contents.chain([names]).collect()
}
