//! Pipes, JSON and exit codes.

use std::process::Stdio;

use serde_json::Value;

use crate::world::{Done, World, finish};

#[test]
fn two_commands_of_one_home_can_share_a_pipe() {
    let world = World::start();
    let alice = world.sign_up("alice");
    let big: Vec<u8> = (0..9_000_001u32).map(|i| (i / 7) as u8).collect();
    alice.home.feed(&["put", "-", "/big"], &big).ok();
    let mut reader = alice.home.command(&["cat", "/big"]).spawn().unwrap();
    let mut writer = alice.home.command(&["put", "-", "/copy"]);
    writer.stdin(reader.stdout.take().unwrap());
    finish(writer).ok();
    assert!(reader.wait().unwrap().success());
    assert_eq!(alice.home.run(&["cat", "/copy"]).ok().out, big);
    alice.home.feed(&["put", "-", "/"], b"no name").exits(2);
    alice.home.feed(&["put", "-"], b"no name").exits(2);
}

#[test]
fn a_reader_that_leaves_early_is_no_error_worth_a_message() {
    let world = World::start();
    let alice = world.sign_up("alice");
    alice
        .home
        .feed(&["put", "-", "/big"], &vec![1; 5_000_000])
        .ok();
    let mut cat = alice
        .home
        .command(&["cat", "/big"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(cat.stdout.take());
    let done = Done::from(cat.wait_with_output().unwrap());
    assert_eq!((done.code, done.err.as_str()), (1, ""));
}

#[test]
fn notes_are_written_from_a_pipe_and_in_an_editor() {
    let world = World::start();
    let alice = world.sign_up("alice");
    alice.home.feed(&["note", "/todo"], b"milk").ok();
    alice.home.feed(&["note", "/todo"], b"milk, eggs").ok();
    assert_eq!(alice.home.run(&["cat", "/todo"]).ok().out, b"milk, eggs");
    let rows = alice.home.run(&["ls", "--json", "/todo"]).json();
    assert_eq!(
        (&rows[0]["kind"], &rows[0]["versions"]),
        (&"note".into(), &2.into())
    );
}

#[test]
fn errors_are_json_on_standard_error() {
    let mut world = World::start();
    let alice = world.sign_up("alice");
    let missing = alice.home.run(&["cat", "/none", "--json"]).exits(4);
    let error: Value = serde_json::from_str(&missing.err).unwrap();
    assert_eq!(error["error"]["kind"], "not_found");
    assert!(missing.out.is_empty());
    alice.home.run(&["frobnicate"]).exits(2);
    alice.home.run(&["ls", "shared:/x"]).exits(2);
    alice.home.run(&["ls", "/../x"]).exits(2);
    let plain = [
        "login",
        "--server",
        "http://vault.example.org",
        "--user",
        "a",
    ];
    alice.home.run(&plain).exits(2).says("without encryption");
    world.stop();
    let away = alice.home.run(&["ls", "--json"]).exits(6);
    let error: Value = serde_json::from_str(&away.err).unwrap();
    assert_eq!(error["error"]["kind"], "network");
    let who = alice.home.run(&["whoami", "--json"]).json();
    assert_eq!(who["online"], false);
}

#[test]
fn export_writes_a_list_of_hashes_and_verify_reads_everything() {
    let world = World::start();
    let alice = world.sign_up("alice");
    world.write("src/a/b.txt", "hello");
    world.write("src/with \\ back", "x");
    alice.home.run(&["put", "-r", "src/.", "/"]).ok();
    alice
        .home
        .feed(&["put", "-", "/a/b.txt"], b"hello again")
        .ok();
    let read = alice.home.run(&["verify", "--all", "--json"]).json();
    assert_eq!(read["versions"], 3);
    alice.home.run(&["export", "--all", "out"]).ok();
    let list = std::fs::read_to_string(world.path("out/SHA256SUMS")).unwrap();
    let hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    assert!(
        !list.contains(hello) && list.contains("  a/b.txt\n"),
        "{list}"
    );
    alice
        .home
        .run(&["restore", "/a/b.txt", "--version", "1"])
        .ok();
    alice.home.run(&["export", "--all", "out", "--force"]).ok();
    let list = std::fs::read_to_string(world.path("out/SHA256SUMS")).unwrap();
    assert!(list.contains(&format!("{hello}  a/b.txt\n")), "{list}");
}
