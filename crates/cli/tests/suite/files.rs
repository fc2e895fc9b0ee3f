//! Files there and back.

use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use crate::world::{World, listing};

/// A folder with everything that names and sizes can be.
fn fill(world: &World) -> std::path::PathBuf {
    let long = "ü".repeat(127);
    for name in [
        "plain.txt",
        "sp ace.txt",
        "-dash",
        "--json",
        "ünïcödé/日本語.txt",
        "a/b/c/deep",
        ".hidden",
        "quote'\"$`\\.txt",
        " lead and trail ",
        "trailing.",
        long.as_str(),
    ] {
        world.write(&format!("src/{name}"), name);
    }
    world.write("src/empty", "");
    world.write("src/mid.bin", vec![7; 300_000]);
    let big: Vec<u8> = (0..9_000_000u32).map(|i| (i / 3) as u8).collect();
    world.write("src/big.bin", big);
    let src = world.path("src");
    fs::create_dir(src.join("empty folder")).unwrap();
    let at = UNIX_EPOCH + Duration::from_millis(1_234_567_890_123);
    fs::File::options()
        .write(true)
        .open(src.join("plain.txt"))
        .unwrap()
        .set_modified(at)
        .unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(src.join("-dash"), fs::Permissions::from_mode(0o755)).unwrap();
    }
    src
}

#[test]
fn a_folder_comes_back_as_it_was_on_another_device() {
    let world = World::start();
    let src = fill(&world);
    let alice = world.sign_up("alice");
    let put = alice.home.run(&["put", "-r", "src", "/", "--json"]).json();
    assert_eq!(put["uploaded"], 14);
    let again = alice.home.run(&["put", "-r", "src", "/", "--json"]).json();
    assert_eq!(
        (&again["uploaded"], &again["unchanged"]),
        (&0.into(), &14.into())
    );

    let second = world.log_in(&alice, "alice", "second");
    second.run(&["get", "-r", "/src", "copy"]).ok();
    // The millisecond is what is kept of a time.
    assert_eq!(listing(&world.path("copy")), listing(&src));
    fs::create_dir(world.path("into")).unwrap();
    second.run(&["get", "-r", "/src", "into"]).ok();
    let again = second.run(&["get", "-r", "/src", "into", "--json"]).json();
    assert_eq!(
        (&again["written"], &again["unchanged"]),
        (&0.into(), &14.into())
    );
    assert_eq!(listing(&world.path("into/src")), listing(&src));
}

#[test]
fn local_files_that_differ_are_kept_without_force() {
    let world = World::start();
    let alice = world.sign_up("alice");
    alice.home.feed(&["put", "-", "/f"], b"vault").ok();
    let local = world.write("f", "mine");
    alice.home.run(&["get", "/f"]).exits(1).says("use --force");
    assert_eq!(fs::read(&local).unwrap(), b"mine");
    alice.home.run(&["get", "/f", "--force"]).ok();
    assert_eq!(fs::read(&local).unwrap(), b"vault");
    alice.home.run(&["get", "/f", "other"]).ok();
    alice.home.run(&["get", "/f", "no/such/"]).exits(1);
}

#[test]
fn conflicts_are_decided_by_a_flag() {
    let world = World::start();
    let alice = world.sign_up("alice");
    let put = |text: &str, more: &[&str]| {
        world.write("f.txt", text);
        alice.home.run(&[&["put", "f.txt", "/"], more].concat())
    };
    put("one", &[]).ok();
    put("three", &["--on-conflict", "skip"]).ok();
    assert_eq!(alice.home.run(&["cat", "/f.txt"]).ok().out, b"one");
    put("fourth", &["--on-conflict", "rename"]).ok();
    assert_eq!(alice.home.run(&["cat", "/f (2).txt"]).ok().out, b"fourth");
    put("newest!", &["--on-conflict", "ask"]).exits(2);
    put("replaced", &[]).ok();
    assert_eq!(alice.home.run(&["cat", "/f.txt"]).ok().out, b"replaced");
    let versions = alice.home.run(&["history", "/f.txt", "--json"]).json();
    assert_eq!(versions.as_array().unwrap().len(), 2);
}

#[cfg(unix)]
#[test]
fn what_cannot_be_stored_is_named_and_does_not_stop_the_rest() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let world = World::start();
    let alice = world.sign_up("alice");
    let src = world.write("src/fine", "x").parent().unwrap().to_owned();
    std::os::unix::fs::symlink("/etc/passwd", src.join("link")).unwrap();
    let special = ["put", "-r", "src", "/special", "--skip-special"];
    alice
        .home
        .run(&special)
        .ok()
        .says("skipped src/link: a symlink");
    fs::write(src.join(OsStr::from_bytes(b"bad\xff")), "x").unwrap();
    fs::write(src.join("new\nline"), "x").unwrap();
    let put = alice.home.run(&["put", "-r", "src", "/"]).exits(1);
    put.says("not UTF-8").says("skipped src/link");
    assert_eq!(alice.home.run(&["ls", "/src"]).ok().text(), "fine\n");
}

#[test]
fn where_things_go() {
    let world = World::start();
    let alice = world.sign_up("alice");
    let run = |args: &[&str]| alice.home.run(args);
    world.write("a.txt", "a");
    world.write("b.txt", "b");
    world.write("-odd", "odd");
    run(&["put", "a.txt"]).ok();
    run(&["put", "a.txt", "/renamed.txt"]).ok();
    run(&["put", "a.txt", "b.txt"])
        .exits(2)
        .says("starts with a slash");
    run(&["put", "a.txt", "/no/such/folder/"]).exits(4);
    run(&["put", "a.txt", "b.txt", "/nowhere"]).exits(4);
    run(&["put", "--", "-odd", "/"]).ok();
    run(&["put", "missing", "/"]).exits(1);
    run(&["mkdir", "-p", "/x/y"]).ok();
    run(&["mkdir", "/x"]).exits(1);
    run(&["put", "a.txt", "b.txt", "/x/y"]).ok();
    run(&["mv", "/renamed.txt", "/x"]).ok();
    run(&["cp", "/x", "/z"]).ok();
    run(&["put", "/etc", "/"]).exits(2).says("-r");
    run(&["get", "/x"]).exits(2).says("-r");
    let tree = "/\n├── -odd\n├── a.txt\n├── x/\n│   ├── renamed.txt\n│   └── y/\n\
                │       ├── a.txt\n│       └── b.txt\n└── z/\n    ├── renamed.txt\n    └── y/\n\
                \x20       ├── a.txt\n        └── b.txt\n\n4 folders, 8 files\n";
    assert_eq!(run(&["tree"]).ok().text(), tree);
    assert_eq!(
        run(&["find", "RENAMED"]).ok().text(),
        "/x/renamed.txt\n/z/renamed.txt\n"
    );
    run(&["find", "nothing like it"]).exits(4);
    let usage = run(&["du", "--json", "/x"]).json();
    assert_eq!((&usage["files"], &usage["bytes"]), (&3.into(), &3.into()));
}

/// A file that the server does not take is named, and the others are stored.
#[test]
fn a_file_that_is_too_large_is_named_and_the_others_are_stored() {
    let world = World::start_with(&["--max-file", "5MiB"]);
    let alice = world.sign_up("alice");
    world.write("src/small", "small");
    world.write("src/fits", vec![1; 4 << 20]);
    world.write("src/large", vec![2; 9 << 20]);
    let put = alice.home.run(&["put", "-r", "src", "/"]).exits(1);
    let put = put.says("/src/large").says("larger than");
    assert!(!put.err.contains("/src/fits"), "{}", put.err);
    let listed = alice.home.run(&["ls", "/src"]).ok().text();
    assert!(
        listed.contains("small") && listed.contains("fits"),
        "{listed}"
    );
    assert!(!listed.contains("large"), "{listed}");
    // Its first blocks do not go on counting.
    let used = alice.home.run(&["whoami", "--json"]).json()["used_bytes"].clone();
    assert!(used.as_u64().unwrap() < 6 << 20, "{used}");
    let alone = alice.home.run(&["put", "src/large", "/"]).exits(1);
    alone.says("larger than");
}
