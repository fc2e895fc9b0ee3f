//! Fernet tokens: against another implementation, forged, and on their way
//! into the vault and out of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::world::{Done, Home, World, finish};

/// Offline: neither server nor account.
struct Desk {
    dir: tempfile::TempDir,
    home: Home,
}

impl Desk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path());
        Self { dir, home }
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.dir.path().join(name)).unwrap()
    }

    fn names(&self) -> Vec<String> {
        names(self.dir.path())
    }

    fn run(&self, args: &[&str]) -> Done {
        self.home.run(&[&["fernet"], args].concat())
    }

    /// A new key, in a file as well.
    fn key(&self, name: &str) -> String {
        let key = self.run(&["genkey"]).ok().text();
        self.write(name, &key);
        key.trim().to_owned()
    }
}

fn names(dir: &Path) -> Vec<String> {
    let rows = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = rows
        .map(|row| row.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Python's `cryptography`, if this machine has it; CI must.
fn python(dir: &Path, program: &str) -> Option<Done> {
    let has = |python: &&str| {
        let probe = Command::new(python)
            .args(["-c", "import cryptography.fernet"])
            .stderr(Stdio::null())
            .status();
        probe.is_ok_and(|status| status.success())
    };
    let Some(python) = ["python3", "/usr/bin/python3"].into_iter().find(has) else {
        assert!(
            std::env::var_os("CI").is_none(),
            "CI needs python3-cryptography"
        );
        return None;
    };
    let mut command = Command::new(python);
    command.args(["-c", program]).current_dir(dir);
    Some(finish(command))
}

fn plaintext(size: usize) -> Vec<u8> {
    (0..size).map(|i| (i / 7) as u8).collect()
}

/// Every size up to two cipher blocks, and one of several blocks of text.
#[test]
fn python_opens_our_tokens_and_we_open_pythons() {
    let desk = Desk::new();
    desk.key("key");
    let sizes: Vec<usize> = [0, 1, 15, 16, 17, 31, 32, 100, 7_000_001].into();
    for size in &sizes {
        desk.write(&format!("in{size}"), plaintext(*size));
        let (file, out) = (format!("in{size}"), format!("ours{size}"));
        desk.run(&["encrypt", &file, "--key-file", "key", "-o", &out])
            .ok();
    }
    let program = format!(
        "from cryptography.fernet import Fernet\n\
         f = Fernet(open('key').read().strip())\n\
         for n in {sizes:?}:\n\
         \x20   assert f.decrypt(open(f'ours{{n}}', 'rb').read()) == open(f'in{{n}}', 'rb').read(), n\n\
         \x20   open(f'theirs{{n}}', 'wb').write(f.encrypt(open(f'in{{n}}', 'rb').read()))\n"
    );
    let Some(done) = python(desk.dir.path(), &program) else {
        return;
    };
    done.ok();
    for size in sizes {
        let theirs = format!("theirs{size}");
        let out = format!("out{size}");
        desk.run(&["decrypt", &theirs, "--key-file", "key", "-o", &out])
            .ok();
        assert!(desk.read(&out) == plaintext(size), "{size}");
        assert_eq!(
            desk.read(&theirs).len(),
            desk.read(&format!("ours{size}")).len()
        );
    }
}

#[test]
fn a_forged_token_leaves_nothing_and_exits_with_five() {
    let desk = Desk::new();
    desk.key("key");
    desk.key("other");
    desk.write("in", plaintext(5_000_000));
    desk.run(&["encrypt", "in", "--key-file", "key", "-o", "token"])
        .ok();
    let token = desk.read("token");
    let before = desk.names();
    let last = token.len() - 10;
    let mut forged = Vec::new();
    for at in [5, 40, 4_500_000, last] {
        let mut altered = token.clone();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        forged.push(altered);
    }
    forged.push(token[..token.len() - 4].to_vec());
    forged.push([&token[..], b"AAAA"].concat());
    for altered in forged {
        desk.write("token", altered);
        let args = ["decrypt", "token", "--key-file", "key", "-o", "out"];
        desk.run(&args).exits(5).says("altered");
        assert_eq!(desk.names(), before);
        let args = ["decrypt", "token", "--key-file", "key", "-o", "-"];
        assert!(desk.run(&args).exits(5).out.is_empty());
    }
    desk.write("token", &token);
    desk.run(&["decrypt", "token", "--key-file", "other", "-o", "out"])
        .exits(5);
    assert_eq!(desk.names(), before);
    desk.write("token", "no token at all");
    desk.run(&["decrypt", "token", "--key-file", "key", "-o", "out"])
        .exits(1)
        .says("not a Fernet token");
    assert_eq!(desk.names(), before);
}

#[test]
fn keys_need_not_be_on_the_command_line() {
    let desk = Desk::new();
    let (one, two) = (desk.key("one"), desk.key("two"));
    desk.write("in", "secret");
    desk.run(&["encrypt", "in", "--key-file", "one", "-o", "token"])
        .ok();
    let open = |args: &[&str]| desk.run(&[&["decrypt", "token", "-o", "-"], args].concat());
    assert_eq!(open(&["--key", &one]).ok().out, b"secret");
    open(&["--key", &two]).exits(5);
    // Any of several, in whatever order.
    assert_eq!(open(&["--key", &two, "--key", &one]).ok().out, b"secret");
    desk.write("both", format!("# the old one\n{two}\n\n  {one}\n"));
    assert_eq!(open(&["--key-file", "both"]).ok().out, b"secret");
    let args = ["fernet", "decrypt", "token", "-o", "-", "--key-file", "-"];
    assert_eq!(desk.home.feed(&args, one.as_bytes()).ok().out, b"secret");
    let args = ["fernet", "decrypt", "token", "-o", "-"];
    let env = [("SECUREVAULT_KEY", one.as_str())];
    assert_eq!(desk.home.run_with(&args, &env).ok().out, b"secret");
    desk.home.run(&args).exits(2).says("--key-file");
    // The first one encrypts.
    desk.run(&["encrypt", "in", "--key", &two, "--key", &one, "-o", "again"])
        .ok();
    desk.run(&["decrypt", "again", "--key", &two, "-o", "-"])
        .ok();
    let wrong = desk.run(&["decrypt", "token", "--key", "secret-but-no-key", "-o", "-"]);
    assert!(!wrong.exits(2).err.contains("secret-but-no-key"));
    let token = desk.read("token");
    let args = ["fernet", "decrypt", "-", "--key-file", "one", "-o", "-"];
    assert_eq!(desk.home.feed(&args, &token).ok().out, b"secret");
    let args = ["fernet", "decrypt", "-", "--key-file", "-", "-o", "-"];
    desk.home.feed(&args, &token).exits(2);
    let mut both = desk.home.command(&["fernet", "genkey", "-o", "written"]);
    both.stdin(Stdio::null());
    finish(both).ok();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let metadata = fs::metadata(desk.dir.path().join("written")).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    }
    desk.run(&["genkey", "-o", "written"]).exits(1);
}

#[test]
fn a_file_is_not_replaced_unless_told_and_an_old_token_is_refused_if_asked() {
    let desk = Desk::new();
    desk.key("key");
    desk.write("in", "secret");
    desk.write("there", "precious");
    let encrypt = ["encrypt", "in", "--key-file", "key", "-o", "there"];
    desk.run(&encrypt).exits(1).says("--force");
    assert_eq!(desk.read("there"), b"precious");
    desk.run(&[&encrypt[..], &["--force"]].concat()).ok();
    // The specification's own token, made in 1985.
    desk.write("old", "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==\n");
    let key = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
    let open = ["decrypt", "old", "--key", key, "-o", "-"];
    assert_eq!(desk.run(&open).ok().out, b"hello");
    let aged = desk.run(&[&open[..], &["--ttl", "60"]].concat());
    assert!(aged.exits(1).says("older").out.is_empty());
    let args = [
        "decrypt",
        "there",
        "--key-file",
        "key",
        "-o",
        "-",
        "--ttl",
        "600",
    ];
    assert_eq!(desk.run(&args).ok().out, b"secret");
}

/// Names, forged and foreign files among tokens, links, and a second run.
#[cfg(unix)]
#[test]
fn a53_a_tree_of_tokens_comes_in_and_nothing_else_does() {
    let world = World::start();
    let alice = world.sign_up("alice");
    let run = |args: &[&str]| alice.home.run(args);
    let key = run(&["fernet", "genkey"]).ok().text();
    let other = run(&["fernet", "genkey"]).ok().text();
    world.write("key", &key);
    let token = |name: &str, plaintext: &[u8], key: &str| {
        let (path, key) = (world.write(&format!("{name}.in"), plaintext), key.trim());
        let (from, to) = (path.to_str().unwrap(), world.path(name));
        run(&[
            "fernet",
            "encrypt",
            from,
            "--key",
            key,
            "-o",
            to.to_str().unwrap(),
        ])
        .ok();
        fs::remove_file(path).unwrap();
    };
    let big = plaintext(9_000_000);
    token("t/a.txt.token", b"alpha", &key);
    token("t/deep/er/b.pdf_encrypted.bin", &big, &key);
    token("t/empty.token", b"", &key);
    token("t/plain name", b"no ending", &key);
    token("t/foreign.token", b"another key", &other);
    world.write("t/no-token.txt", "just text");
    let forged = fs::read_to_string(world.path("t/a.txt.token")).unwrap();
    world.write("t/forged.token", forged.replacen('A', "B", 20));
    world.write("t/new\nline.token", &forged);
    std::os::unix::fs::symlink("/etc/passwd", world.path("t/link.token")).unwrap();
    let import = ["fernet", "import", "t", "--key-file", "key", "/", "--json"];
    let done = run(&import).exits(1);
    let shown: serde_json::Value = serde_json::from_slice(&done.out).unwrap();
    assert_eq!(
        (&shown["imported"], &shown["special"]),
        (&4.into(), &1.into())
    );
    let mut bad: Vec<_> = shown["bad"].as_array().unwrap().iter().collect();
    bad.sort_by_key(|row| row["token"].to_string());
    let bad: Vec<_> = bad
        .iter()
        .map(|row| row["token"].as_str().unwrap())
        .collect();
    let ends = ["forged.token", "foreign.token", "no-token.txt"];
    assert!(
        bad.iter()
            .all(|path| ends.iter().any(|end| path.ends_with(end)))
            && bad.len() == 3
    );
    for end in ends {
        assert!(done.err.contains(end), "{end}: {}", done.err);
    }
    let rows = run(&["ls", "--json", "/t"]).json();
    let rows = rows.as_array().unwrap().iter();
    let mut listed: Vec<_> = rows.map(|row| row["name"].as_str().unwrap()).collect();
    listed.sort_unstable();
    assert_eq!(listed, ["a.txt", "deep", "empty", "plain name"]);
    assert_eq!(run(&["cat", "/t/a.txt"]).ok().out, b"alpha");
    assert!(run(&["cat", "/t/deep/er/b.pdf"]).ok().out == big);
    // Again: nothing is sent twice.
    let again = run(&import).exits(1);
    let shown: serde_json::Value = serde_json::from_slice(&again.out).unwrap();
    assert_eq!(
        (&shown["imported"], &shown["unchanged"]),
        (&0.into(), &4.into())
    );
    // One, under a name of its own.
    run(&[
        "fernet",
        "import",
        "t/a.txt.token",
        "--key-file",
        "key",
        "/named.txt",
    ])
    .ok();
    assert_eq!(run(&["cat", "/named.txt"]).ok().out, b"alpha");
    run(&["fernet", "import", "t", "--key", "x"]).exits(2);
}

#[test]
fn files_go_out_as_tokens_and_come_back() {
    let world = World::start();
    let alice = world.sign_up("alice");
    let run = |args: &[&str]| alice.home.run(args);
    let big = plaintext(9_000_000);
    world.write("src/sub/big", &big);
    world.write("src/note.txt", "hello");
    run(&["put", "-r", "src", "/"]).ok();
    let key = run(&["fernet", "export", "/src/note.txt"]).ok().text();
    let open = |file: &str, key: &str| {
        run(&["fernet", "decrypt", file, "--key", key.trim(), "-o", "-"])
            .ok()
            .out
    };
    assert_eq!(open("note.txt.token", &key), b"hello");
    run(&["fernet", "export", "/src/note.txt"])
        .exits(1)
        .says("--force");
    assert_eq!(open("note.txt.token", &key), b"hello");
    let again = run(&["fernet", "export", "/src/note.txt", "--force"])
        .ok()
        .text();
    assert_ne!(again, key);
    assert_eq!(open("note.txt.token", &again), b"hello");
    world.write("key", &again);
    run(&["fernet", "export", "/src"]).exits(2).says("-r");
    let to = [
        "fernet",
        "export",
        "-r",
        "/src",
        "tokens",
        "--key-file",
        "key",
    ];
    fs::create_dir(world.path("tokens")).unwrap();
    assert!(run(&to).ok().out.is_empty());
    assert!(open("tokens/src/sub/big.token", &again) == big);
    let out = run(&["fernet", "export", "/src/note.txt", "-"]).ok();
    world.write("piped", &out.out);
    let key = out.err.trim().strip_prefix("key: ").unwrap().to_owned();
    assert_eq!(open("piped", &key), b"hello");
    run(&["fernet", "export", "/none"]).exits(4);
}

/// A vault of tokens: what goes in comes back on another device, and what is
/// stored opens in another implementation with the key that is printed.
#[test]
fn a_vault_of_tokens_gives_them_out_as_they_are() {
    let world = World::start();
    let alice = world.sign_up("alice");
    let run = |args: &[&str]| alice.home.run(args);
    run(&["mkvault", "work", "--suite", "fernet"]).ok();
    run(&["mkvault", "plain"]).ok();
    let sizes = [0, 1, 40_000, 100_000, 3_200_000, 14_000_000];
    for size in sizes {
        world.write(&format!("src/{size}"), plaintext(size));
    }
    run(&["put", "-r", "src", "vault:work/"]).ok();
    alice
        .home
        .feed(&["put", "-", "vault:work/piped"], &plaintext(5_000_000))
        .ok();
    let second = world.log_in(&alice, "alice", "second");
    for size in sizes {
        let path = format!("vault:work/src/{size}");
        assert!(
            second.run(&["cat", &path]).ok().out == plaintext(size),
            "{size}"
        );
    }
    assert!(second.run(&["cat", "vault:work/piped"]).ok().out == plaintext(5_000_000));

    let path = "vault:work/src/14000000";
    let key = run(&["fernet", "export", "--key-only", path]).ok().text();
    assert_eq!(run(&["get", "--raw", path, "raw"]).ok().text(), key);
    assert_eq!(
        run(&["fernet", "export", path, "exported"]).ok().text(),
        key
    );
    let raw = fs::read(world.path("raw")).unwrap();
    assert!(raw == fs::read(world.path("exported")).unwrap() && raw.starts_with(b"gAAAA"));
    let opened = run(&["decrypt", "raw", "--key", key.trim(), "-o", "-"]).ok();
    assert!(opened.out == plaintext(14_000_000));
    world.write("key", &key);
    let program = "from cryptography.fernet import Fernet\n\
                   token = open('raw', 'rb').read()\n\
                   text = Fernet(open('key').read().strip()).decrypt(token)\n\
                   assert text == open('src/14000000', 'rb').read()\n";
    if let Some(done) = python(world.dir.path(), program) {
        done.ok();
    }
    // Elsewhere nothing is kept as a token.
    run(&["put", "src/1", "vault:plain/one"]).ok();
    run(&["fernet", "export", "--key-only", "vault:plain/one"])
        .exits(2)
        .says("not kept as a token");
    assert!(
        run(&["get", "--raw", "vault:plain/one", "other"])
            .ok()
            .text()
            .starts_with("sv1-")
    );
}

/// The server's limit is on what it stores: the number that a person is told is
/// the one that holds for their file.
#[test]
fn a_file_that_is_too_large_as_a_token_is_told_how_large_it_may_be() {
    let world = World::start_with(&["--max-file", "8MiB"]);
    let alice = world.sign_up("alice");
    let run = |args: &[&str]| alice.home.run(args);
    run(&["mkvault", "work", "--suite", "fernet"]).ok();
    for (name, size) in [("fits", (6 << 20) - 1000), ("does-not", 7 << 20)] {
        world.write(name, plaintext(size));
        run(&["put", name, "/"]).ok();
    }
    run(&["put", "fits", "vault:work/"]).ok();
    run(&["put", "does-not", "vault:work/"])
        .exits(1)
        .says("in this vault a file has to be smaller than 6 MiB");
    run(&["ls", "vault:work/does-not"]).exits(4);
}
