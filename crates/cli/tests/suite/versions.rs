//! What was before, and what was removed.

use crate::world::World;

#[test]
fn old_versions_are_read_and_brought_back() {
    let world = World::start();
    let alice = world.sign_up("alice");
    for text in ["one", "two!", "three"] {
        alice.home.feed(&["put", "-", "/f"], text.as_bytes()).ok();
    }
    let read = |args: &[&str]| alice.home.run(args).ok().text();
    assert_eq!(read(&["cat", "--version", "1", "/f"]), "one");
    assert_eq!(read(&["get", "--version", "2", "/f", "-"]), "two!");
    alice.home.run(&["cat", "--version", "9", "/f"]).exits(4);
    let versions = alice.home.run(&["history", "/f", "--json"]).json();
    let second = versions
        .as_array()
        .unwrap()
        .iter()
        .find(|v| v["version"] == 2)
        .unwrap();
    let at_ms = second["saved_ms"].as_u64().unwrap();
    alice.home.run(&["restore", "/f", "--version", "1"]).ok();
    assert_eq!(read(&["cat", "/f"]), "one");
    alice
        .home
        .run(&["restore", "/f", "--at", "1999-01-01"])
        .exits(4);
    alice.home.run(&["restore", "/f"]).exits(2);
    alice
        .home
        .run(&["restore", "/f", "--at", "whenever"])
        .exits(2);
    let at = format!("{}.{:03}Z", iso(at_ms / 1000), at_ms % 1000);
    let done = alice
        .home
        .run(&["restore", "/f", "--at", &at, "--json"])
        .json();
    assert_eq!(done["changed"], 1);
    assert_eq!(read(&["cat", "/f"]), "two!");
}

fn iso(seconds: u64) -> String {
    let at = jiff::Timestamp::from_second(seconds as i64).unwrap();
    at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

#[test]
fn the_trash_gives_back_or_is_emptied() {
    let world = World::start();
    let alice = world.sign_up("alice");
    let run = |args: &[&str]| alice.home.run(args);
    run(&["mkdir", "-p", "/d/e"]).ok();
    alice.home.feed(&["put", "-", "/d/e/f"], b"x").ok();
    run(&["rm", "/d", "/nothing"]).exits(4);
    run(&["rm", "/d"]).ok();
    run(&["cat", "/d/e/f"]).exits(4);
    let trash = run(&["trash", "list", "--json"]).json();
    assert_eq!(
        (trash.as_array().unwrap().len(), &trash[0]["name"]),
        (1, &"d".into())
    );
    run(&["trash", "restore", "d"]).ok();
    assert_eq!(run(&["cat", "/d/e/f"]).ok().out, b"x");
    run(&["rm", "/d/e/f"]).ok();
    run(&["trash", "empty", "--older-than", "1d"])
        .ok()
        .says("Removed 0 items");
    run(&["trash", "empty", "--yes"])
        .ok()
        .says("Removed 1 item for good");
    run(&["trash", "restore", "f"]).exits(4);
    run(&["rm", "--permanently", "/d"]).ok();
    assert_eq!(run(&["trash"]).ok().text(), "");
}
