//! A server that comes back from a backup, by the real programs.

use serde_json::Value;

use crate::world::{Done, World};

fn parse(done: &Done) -> Value {
    serde_json::from_slice(&done.out).unwrap()
}

/// Backup, more work, a lost disk, restore: the person is told what the
/// command to look at it is, sees what is lost, and goes on.
#[test]
fn a_restored_server_is_accepted_after_a_look_at_what_is_lost() {
    let mut world = World::start();
    let alice = world.sign_up("alice");
    let home = &alice.home;
    home.feed(&["put", "-", "/kept"], b"kept").ok();
    let backup = world.path("backup");
    let backup = backup.to_str().unwrap();
    world.administer(&["backup", backup, "--without-key"]).ok();
    home.feed(&["put", "-", "/lost"], b"lost").ok();
    home.run(&["accept-restore"]).ok().says("nothing to accept");

    world.move_to("restored");
    world.administer(&["restore", backup]).ok();
    world.administer(&["check"]).ok();
    // The lease of that backup is nobody's now.
    let next = world.path("next");
    let next = next.to_str().unwrap();
    world.administer(&["backup", next, "--without-key"]).ok();
    world.resume();

    home.run(&["ls"])
        .exits(5)
        .says("securevault accept-restore");
    home.run(&["logout"])
        .exits(5)
        .says("securevault accept-restore");
    let shown = home
        .run(&["accept-restore"])
        .exits(5)
        .says("nothing was accepted");
    assert!(shown.text().contains("lost      /lost"), "{}", shown.text());
    let shown = parse(&home.run(&["accept-restore", "--json"]).exits(5));
    assert_eq!(shown["accepted"], false);
    let drive = &shown["vaults"][0];
    assert_eq!(drive["vault"], "drive");
    assert_eq!(drive["losses"][0]["path"], "/lost");
    assert_eq!(drive["losses"][0]["bytes"], 4);
    home.run(&["ls"]).exits(5);

    let accepted = home.run(&["accept-restore", "--yes", "--json"]).ok();
    assert_eq!(parse(&accepted)["accepted"], true);
    assert_eq!(home.run(&["ls"]).ok().text(), "kept\n");
    assert_eq!(home.run(&["cat", "/kept"]).ok().out, b"kept");
    home.feed(&["put", "-", "/lost"], b"again").ok();
    let second = world.log_in(&alice, "alice", "second");
    assert_eq!(second.run(&["cat", "/lost"]).ok().out, b"again");

    world.administer(&["admin", "end-restore"]).ok();
    let again = world.administer(&["admin", "end-restore", "--json"]);
    assert_eq!(again.json()["ended"], false);
    home.run(&["ls"]).ok();
}

/// Without the server's own word there is nothing to accept, whatever the
/// person says.
#[test]
fn a_server_that_does_not_say_it_was_restored_is_not_accepted() {
    let mut world = World::start();
    let alice = world.sign_up("alice");
    let home = &alice.home;
    let backup = world.path("backup");
    let backup = backup.to_str().unwrap();
    world.administer(&["backup", backup, "--without-key"]).ok();
    home.feed(&["put", "-", "/lost"], b"lost").ok();
    world.move_to("restored");
    world.administer(&["restore", backup]).ok();
    world.administer(&["admin", "end-restore"]).ok();
    world.resume();
    let stopped = home.run(&["ls"]).exits(5);
    assert!(!stopped.err.contains("accept-restore"), "{}", stopped.err);
    home.run(&["accept-restore", "--yes"]).exits(5);
    home.run(&["ls"]).exits(5);
}

/// A password that was changed after the backup: the older one is in force
/// again, and the device that knows better takes the person's word.
#[test]
fn a_password_changed_after_the_backup_is_the_older_one_again() {
    const NEW: &str = "another horse battery";
    let mut world = World::start();
    let alice = world.sign_up("alice");
    let home = &alice.home;
    home.feed(&["put", "-", "/kept"], b"kept").ok();
    let second = world.log_in(&alice, "alice", "second");
    let backup = world.path("backup");
    let backup = backup.to_str().unwrap();
    world.administer(&["backup", backup, "--without-key"]).ok();
    let code = alice.backup_code();
    let env = [("SECUREVAULT_NEW_PASSWORD", NEW)];
    home.run_with(&["password", "--code", &code], &env).ok();
    // A session from after the backup, on a device from before it.
    let code = alice.backup_code();
    let env = [("SECUREVAULT_PASSWORD", NEW)];
    second.run_with(&["login", "--code", &code], &env).ok();
    world.move_to("restored");
    world.administer(&["restore", backup]).ok();
    world.resume();

    let shown = parse(&home.run(&["accept-restore", "--json"]).exits(5));
    assert_eq!(shown["older_unlockers"], true);
    home.run(&["accept-restore", "--yes"]).ok();
    second
        .run(&["login", "--code", &alice.backup_code()])
        .exits(5)
        .says("login --after-restore");
    let code = alice.backup_code();
    second
        .run(&["login", "--after-restore", "--code", &code])
        .ok();
    assert_eq!(second.run(&["cat", "/kept"]).ok().out, b"kept");

    let env = [("SECUREVAULT_NEW_PASSWORD", NEW)];
    let code = alice.backup_code();
    home.run_with(&["password", "--code", &code], &env).ok();
    assert_eq!(home.run(&["cat", "/kept"]).ok().out, b"kept");
}

/// What is shared: whoever lost access after the backup has it again, which is
/// said; and who accepts after somebody has gone on goes on with them.
#[test]
fn a_restore_gives_access_back_and_says_so() {
    let mut world = World::start();
    let people = ["anna", "bob", "carol"].map(|user| world.sign_up(user).home);
    let [anna, bob, carol] = &people;
    anna.run(&["mkdir", "/work"]).ok();
    anna.feed(&["put", "-", "/work/a"], b"a").ok();
    anna.run(&["share", "/work", "bob", "carol", "--role", "editor"])
        .ok();
    for home in [bob, carol] {
        home.run(&["accept", "work"]).ok();
        assert_eq!(home.run(&["cat", "shared:work/a"]).ok().out, b"a");
    }
    let backup = world.path("backup");
    let backup = backup.to_str().unwrap();
    world.administer(&["backup", backup, "--without-key"]).ok();
    anna.run(&["unshare", "/work", "bob"]).ok();
    anna.feed(&["put", "-", "/work/new"], b"new").ok();
    assert_eq!(carol.run(&["cat", "shared:work/new"]).ok().out, b"new");
    world.move_to("restored");
    world.administer(&["restore", backup]).ok();
    world.resume();

    anna.run(&["ls", "/work"])
        .exits(5)
        .says("securevault accept-restore");
    let shown = parse(&anna.run(&["accept-restore", "--json"]).exits(5));
    let shared = |shown: &Value| {
        let vaults = shown["vaults"].as_array().unwrap().iter();
        let mut shared = vaults.filter(|v| v["name"] == "work").cloned();
        shared.next().unwrap()
    };
    let work = shared(&shown);
    assert_eq!(work["vault"], "share");
    assert_eq!(work["losses"][0]["path"], "/new");
    assert_eq!(work["access"].as_array().unwrap().len(), 1);
    let access = &work["access"][0];
    assert_eq!(
        (&access["name"], &access["shown"]),
        (&"bob".into(), &"editor".into())
    );
    assert_eq!(access["seen"], Value::Null);
    let text = anna.run(&["accept-restore"]).exits(5).text();
    assert!(
        text.contains("share work: the server is at entry"),
        "{text}"
    );
    assert!(
        text.contains("ACCESS    bob: editor; this device has seen: no access"),
        "{text}"
    );
    anna.run(&["accept-restore", "--yes"]).ok();
    assert_eq!(bob.run(&["cat", "shared:work/a"]).ok().out, b"a");
    // Taken away again, and gone on from there.
    anna.run(&["unshare", "/work", "bob"]).ok();
    bob.run(&["cat", "shared:work/a"]).refused();
    anna.feed(&["put", "-", "/work/new"], b"newer").ok();

    carol.run(&["cat", "shared:work/a"]).exits(5);
    let shown = parse(&carol.run(&["accept-restore", "--json"]).exits(5));
    assert_eq!(shared(&shown)["access"].as_array().unwrap().len(), 0);
    carol.run(&["accept-restore", "--yes"]).ok();
    assert_eq!(carol.run(&["cat", "shared:work/new"]).ok().out, b"newer");
    carol.feed(&["put", "-", "shared:work/hers"], b"hers").ok();
    assert_eq!(anna.run(&["cat", "/work/hers"]).ok().out, b"hers");
}
