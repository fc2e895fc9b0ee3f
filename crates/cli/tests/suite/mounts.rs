//! Commands that take in all that is below a folder, through what is shared
//! in it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::world::{Done, Home, World};

fn put(world: &World, home: &Home, name: &str, bytes: impl AsRef<[u8]>, to: &str) {
    let file = world.write(name, bytes);
    home.run(&["put", file.to_str().unwrap(), to]).ok();
}

fn paths(done: Done) -> Vec<String> {
    let rows = done.json();
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row["path"].as_str().unwrap().to_owned())
        .collect()
}

fn text(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap()
}

/// Anna's `/home` with a shared folder, a shared file and one of her own, and
/// a vault beside the drive.
fn scene() -> (World, Home, Home) {
    let world = World::start();
    let (anna, bob) = (world.sign_up("anna").home, world.sign_up("bob").home);
    anna.run(&["mkdir", "-p", "/home/work/plans"]).ok();
    put(&world, &anna, "one.txt", "one", "/home/work/");
    put(&world, &anna, "two.txt", "two", "/home/work/plans/");
    put(&world, &anna, "plan.txt", "plan", "/home/");
    put(&world, &anna, "own.txt", "own", "/home/");
    anna.run(&["share", "/home/work", "bob", "--role", "editor"])
        .ok();
    anna.run(&["share", "/home/plan.txt", "bob"]).ok();
    bob.run(&["accept", "work"]).ok();
    anna.run(&["mkvault", "attic"]).ok();
    put(&world, &anna, "old.txt", "old", "vault:attic/");
    (world, anna, bob)
}

#[test]
fn folders_come_with_what_is_shared_in_them() {
    let (world, anna, bob) = scene();
    let below = [
        "/home/own.txt",
        "/home/plan.txt",
        "/home/work",
        "/home/work/one.txt",
        "/home/work/plans",
        "/home/work/plans/two.txt",
    ];
    assert_eq!(paths(anna.run(&["tree", "/home", "--json"])), below);
    let drawn = anna.run(&["tree", "/home"]).ok().text();
    assert!(drawn.contains("└── work@\n    ├── one.txt\n"), "{drawn}");
    assert!(drawn.contains("2 folders, 4 files"), "{drawn}");
    let usage = anna.run(&["du", "/home", "--json"]).json();
    assert_eq!(
        (&usage["files"], &usage["folders"], &usage["bytes"]),
        (&4.into(), &2.into(), &13.into())
    );
    assert_eq!(
        paths(anna.run(&["find", "o", "--json"])),
        [
            "/home",
            "/home/own.txt",
            "/home/work",
            "/home/work/one.txt",
            "/home/work/plans/two.txt",
            "shared:attic/old.txt"
        ]
    );
    assert_eq!(
        paths(bob.run(&["find", "two", "--json"])),
        ["shared:work/plans/two.txt"]
    );
    anna.run(&["get", "-r", "/home", "copy"]).ok();
    for (name, expected) in [
        ("own.txt", "own"),
        ("plan.txt", "plan"),
        ("work/plans/two.txt", "two"),
    ] {
        assert_eq!(text(world.path("copy").join(name)), expected);
    }
    // Under its own name, wherever it begins.
    fs::create_dir(world.path("into")).unwrap();
    bob.run(&["get", "-r", "shared:work", "into"]).ok();
    assert_eq!(text(world.path("into/work/one.txt")), "one");
    anna.run(&["get", "/home/plan.txt", "into"]).ok();
    anna.run(&["get", "-r", "/home/work", "again"]).ok();
    assert_eq!(text(world.path("again/plans/two.txt")), "two");

    anna.run(&["fernet", "export", "-r", "/home", "tokens"])
        .ok();
    assert!(world.path("tokens/work/one.txt.token").exists());

    let read = anna.run(&["verify", "--all", "--json"]).json();
    assert_eq!((&read["vaults"], &read["versions"]), (&4.into(), &5.into()));
    // A name that the drive has is not taken for what lies beside it.
    anna.run(&["mkdir", "/shared"]).ok();
    anna.run(&["export", "--all", "everything"]).ok();
    let out = world.path("everything");
    assert_eq!(text(out.join("home/work/one.txt")), "one");
    assert_eq!(text(out.join("shared (2)/attic/old.txt")), "old");
    assert!(!out.join("shared (2)/work").exists());
    assert_eq!(text(out.join("SHA256SUMS")).lines().count(), 5);
    // What others own is theirs to export.
    bob.run(&["export", "--all", "bobs"]).ok();
    assert_eq!(fs::read_dir(world.path("bobs")).unwrap().count(), 1);
}

#[test]
fn what_is_not_accepted_or_leads_back_is_left_out_and_said() {
    let (world, anna, bob) = scene();
    // Bob shares a part of what anna shares with him, and she has it twice.
    anna.run(&["share", "/home/work", "bob", "--role", "manager"])
        .ok();
    bob.run(&["share", "shared:work/plans", "anna"]).ok();
    anna.run(&["get", "-r", "/home", "copy"])
        .ok()
        .says("not gone through: /home/work/plans: something shared that you have not accepted");
    assert_eq!(text(world.path("copy/work/one.txt")), "one");
    assert!(!world.path("copy/work/plans").exists());
    anna.run(&["accept", "plans"]).ok();
    anna.run(&["get", "-r", "/home", "whole"]).ok();
    assert_eq!(text(world.path("whole/work/plans/two.txt")), "two");
    let read = anna.run(&["verify", "--all", "--json"]).json();
    assert_eq!(read["vaults"], 5);
    // A way back into what it is in.
    anna.run(&["cp", "/home/work", "/home/work/round"]).ok();
    anna.run(&["tree", "/home"])
        .ok()
        .says("not gone through: /home/work/round: it leads back");
    anna.run(&["du", "/home"]).ok();
    // Access that was taken away: the rest is done, and it is said.
    anna.run(&["unshare", "/home/work", "bob"])
        .exits(1)
        .says("still theirs: /home/work/plans (bob owns it)");
    bob.run(&["verify", "--all"])
        .exits(1)
        .says("not gone through: shared:work: you have no access to this any more");
}

#[test]
fn what_is_altered_in_one_is_named_and_the_rest_is_read() {
    let (world, anna, bob) = scene();
    let (bad, good) = (vec![1; 70_000], vec![2; 70_000]);
    put(&world, &anna, "good.bin", &good, "/home/work/plans/");
    let before = blocks(&world.path("data/blocks"));
    put(&world, &anna, "bad.bin", &bad, "/home/work/");
    put(&world, &anna, "worse.bin", &bad, "vault:attic/");
    for block in blocks(&world.path("data/blocks")) {
        if !before.contains(&block) {
            let mut bytes = fs::read(&block).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(&block, bytes).unwrap();
        }
    }
    let done = anna.run(&["verify", "--all"]).exits(5);
    for path in ["shared:work/bad.bin", "shared:attic/worse.bin"] {
        assert!(done.err.contains(path), "{path} not in: {}", done.err);
    }
    assert!(!done.err.contains("good.bin"), "{}", done.err);
    bob.run(&["verify", "--all"]).exits(5).says("bad.bin");
    // What was altered in one vault does not keep the others from coming.
    anna.run(&["export", "--all", "everything"]).exits(5);
    assert_eq!(text(world.path("everything/home/own.txt")), "own");
    assert_eq!(text(world.path("everything/shared/attic/old.txt")), "old");
    assert!(!world.path("everything/home/work/bad.bin").exists());
}

/// Every file below a folder.
fn blocks(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for row in fs::read_dir(root).unwrap() {
        let path = row.unwrap().path();
        match path.is_dir() {
            true => found.extend(blocks(&path)),
            false => found.push(path),
        }
    }
    found
}

#[test]
fn everything_is_stored_anew_once_access_was_taken_away() {
    let (world, anna, bob) = scene();
    put(&world, &anna, "one.txt", "one again", "/home/work/");
    anna.run(&["cp", "/home/work/one.txt", "/home/copy.txt"])
        .ok();
    let ids = |home: &Home| -> Vec<Value> {
        let history = home
            .run(&["history", "/home/work/one.txt", "--json"])
            .json();
        let rows = history.as_array().unwrap().iter();
        rows.map(|row| row["content_id"].clone()).collect()
    };
    let before = ids(&anna);
    assert_eq!(before.len(), 2);
    let done = anna.run(&["unshare", "/home/work", "bob", "--reencrypt", "--json"]);
    let done = done
        .ok()
        .says("copies elsewhere refer to the old contents")
        .says("/home/copy.txt");
    let value: Value = serde_json::from_slice(&done.out).unwrap();
    assert_eq!(
        (&value["revoked"][0], &value["contents"]),
        (&"bob".into(), &3.into())
    );
    bob.run(&["cat", "shared:work/one.txt"]).refused();
    let after = ids(&anna);
    assert!(after.iter().all(|id| !before.contains(id)), "{after:?}");
    let read = anna.run(&["cat", "/home/work/one.txt", "/home/work/plans/two.txt"]);
    assert_eq!(read.ok().text(), "one againtwo");
    // The same command again is no mistake; nobody is there to be removed.
    anna.run(&["unshare", "/home/work", "bob", "--reencrypt"])
        .ok()
        .says("bob: has no access");
    anna.run(&["unshare", "/home/work"]).exits(2);
    anna.run(&["unshare", "/home/work", "bob"]).exits(4);
}

/// Tokens are made anew as tokens, whether they travel with an entry or not.
#[test]
fn a_vault_of_tokens_is_stored_anew_as_tokens() {
    let world = World::start();
    let anna = world.sign_up("anna").home;
    anna.run(&["mkvault", "--suite", "fernet", "exchange"]).ok();
    let long: Vec<u8> = (0..5_000_000_u32).map(|i| (i * 31 % 251) as u8).collect();
    put(&world, &anna, "short.txt", "short", "vault:exchange/");
    put(&world, &anna, "long.bin", &long, "vault:exchange/");
    let key = |name: &str| {
        let path = format!("vault:exchange/{name}");
        let args = ["get", "--raw", &path, "raw", "--force", "--json"];
        anna.run(&args).json()["key"].as_str().unwrap().to_owned()
    };
    let before = ["short.txt", "long.bin"].map(key);
    let done = anna.run(&["unshare", "vault:exchange", "--reencrypt", "--json"]);
    assert_eq!(done.json()["contents"], 2);
    let after = ["short.txt", "long.bin"].map(key);
    assert!(before.iter().all(|key| !after.contains(key)));
    let read = anna.run(&["cat", "vault:exchange/short.txt", "vault:exchange/long.bin"]);
    assert_eq!(read.ok().out, [b"short", long.as_slice()].concat());
    anna.run(&["verify", "--all"]).ok();
}
