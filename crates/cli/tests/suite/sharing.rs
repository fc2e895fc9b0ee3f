//! Sharing, as people do it: real programs, a real server.

use serde_json::Value;
use sv_testkit::{Database, Value as Stored};

use crate::world::{Done, Home, World};

fn names(done: Done) -> Vec<String> {
    let rows = done.json();
    let rows = rows.as_array().unwrap().iter();
    let mut names: Vec<String> = rows
        .map(|row| row["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

fn row<'v>(rows: &'v Value, name: &str) -> &'v Value {
    let mut all = rows.as_array().unwrap().iter();
    all.find(|row| row["name"] == name).unwrap()
}

fn cat(home: &Home, path: &str) -> String {
    String::from_utf8(home.run(&["cat", path]).ok().out).unwrap()
}

fn put(world: &World, home: &Home, name: &str, text: &str, to: &str) -> Done {
    let file = world.write(name, text);
    home.run(&["put", file.to_str().unwrap(), to])
}

/// What is said of a part would be done to the whole. Fails without the refusal
/// in `vault_behind`.
#[test]
fn access_to_a_part_is_not_taken_from_the_whole() {
    let world = World::start();
    let (anna, bob) = (world.sign_up("anna"), world.sign_up("bob"));
    let (anna, bob) = (&anna.home, &bob.home);
    anna.run(&["mkdir", "-p", "/work/plans"]).ok();
    put(&world, anna, "one.txt", "one", "/work/plans/").ok();
    put(&world, anna, "two.txt", "two", "/").ok();
    anna.run(&["share", "/work", "bob", "--role", "manager"])
        .ok();
    anna.run(&["share", "/two.txt", "bob"]).ok();
    bob.run(&["accept", "work"]).ok();

    for (home, path, whole) in [
        (anna, "/work/plans", "/work"),
        (anna, "/work/plans/one.txt", "/work"),
        (bob, "shared:work/plans", "shared:work"),
    ] {
        for command in [
            ["unshare", path, "--all"],
            ["transfer", path, "bob"],
            ["leave", path, "--json"],
        ] {
            let said = format!("part of {whole}, which is shared as a whole");
            home.run(&command).exits(1).says(&said);
        }
    }
    let members = anna.run(&["shares", "/work", "--json"]);
    assert_eq!(names(members), ["anna", "bob"]);
    anna.run(&["unshare", "/", "bob"]).exits(1);
    // A file is shared as a whole.
    anna.run(&["unshare", "/two.txt", "bob"]).ok();
    bob.run(&["leave", "shared:work"]).ok();
    assert_eq!(names(anna.run(&["shares", "/work", "--json"])), ["anna"]);
}

#[test]
fn a_folder_is_shared_used_together_and_taken_back() {
    let world = World::start();
    let (anna, bob) = (world.sign_up("anna"), world.sign_up("bob"));
    let (anna, bob) = (&anna.home, &bob.home);
    anna.run(&["mkdir", "-p", "/work/plans"]).ok();
    put(&world, anna, "one.txt", "one", "/work/").ok();
    put(&world, anna, "two.txt", "two", "/work/plans/").ok();
    put(&world, anna, "own.txt", "own", "/").ok();

    anna.run(&["share", "/work", "bob", "--role", "viewer"])
        .ok();
    // What was there is there, under the same path.
    assert_eq!(cat(anna, "/work/one.txt"), "one");
    assert_eq!(cat(anna, "/work/plans/two.txt"), "two");
    assert_eq!(names(anna.run(&["ls", "/", "--json"])), ["own.txt", "work"]);

    let offered = bob.run(&["shares", "--json"]).json();
    let work = row(&offered, "work");
    assert_eq!(
        (&work["state"], &work["role"]),
        (&"offered".into(), &"viewer".into())
    );
    assert_eq!(work["owner"], "anna");
    bob.run(&["cat", "shared:work/one.txt"]).exits(4);
    bob.run(&["accept", "work"]).ok();
    assert_eq!(cat(bob, "shared:work/one.txt"), "one");
    assert_eq!(cat(bob, "shared:work/plans/two.txt"), "two");
    bob.run(&["ls", "/own.txt"]).exits(4);

    // A viewer looks.
    put(&world, bob, "three.txt", "three", "shared:work/").exits(1);
    bob.run(&["rm", "shared:work/one.txt"]).exits(1);
    bob.run(&["share", "shared:work", "anna"]).exits(1);
    // A contributor adds, and changes what is their own.
    anna.run(&["share", "/work", "bob", "--role", "contributor"])
        .ok();
    put(&world, bob, "three.txt", "three", "shared:work/").ok();
    assert_eq!(cat(anna, "/work/three.txt"), "three");
    put(&world, bob, "one.txt", "changed", "shared:work/").exits(1);
    bob.run(&["mv", "shared:work/three.txt", "shared:work/drei.txt"])
        .ok();
    // An editor changes everything.
    anna.run(&["share", "/work", "bob", "--role", "editor"])
        .ok();
    put(&world, bob, "one.txt", "changed", "shared:work/").ok();
    assert_eq!(cat(anna, "/work/one.txt"), "changed");

    let members = anna.run(&["shares", "/work", "--json"]).json();
    assert_eq!(row(&members, "bob")["role"], "editor");
    assert_eq!(row(&members, "bob")["trust"], "not verified");
    assert_eq!(row(&members, "anna")["role"], "owner");
    let log = anna.run(&["log", "/work", "--json"]).json();
    let is_bobs = |e: &&Value| e["who"] == "bob" && e["source"] == "verified";
    assert!(log.as_array().unwrap().iter().filter(is_bobs).count() >= 3);

    anna.run(&["unshare", "/work", "bob"]).ok();
    bob.run(&["cat", "shared:work/one.txt"]).refused();
    put(&world, anna, "after.txt", "after", "/work/").ok();
    assert_eq!(cat(anna, "/work/after.txt"), "after");
    assert_eq!(cat(anna, "/work/one.txt"), "changed", "under the older key");
}

/// Rows of a log that are the server's word, once there are that many.
fn downloads(home: &Home, path: &str, count: usize) -> Vec<Value> {
    // Written down when nobody has asked for a block for three seconds.
    for _ in 0..60 {
        let log = home.run(&["log", path, "--json"]).json();
        let rows = log.as_array().unwrap().iter();
        let said: Vec<Value> = rows.filter(|e| e["source"] == "server").cloned().collect();
        if said.len() >= count {
            return said;
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    Vec::new()
}

#[test]
fn what_was_fetched_stands_beside_what_was_done() {
    let world = World::start();
    let (anna, bob) = (world.sign_up("anna"), world.sign_up("bob"));
    let (anna, bob) = (&anna.home, &bob.home);
    anna.run(&["mkdir", "/work"]).ok();
    put(&world, anna, "one.txt", "one", "/work/").ok();
    anna.run(&["share", "/work", "bob"]).ok();
    bob.run(&["accept", "work"]).ok();
    assert_eq!(cat(bob, "shared:work/one.txt"), "one");
    assert_eq!(cat(anna, "/work/one.txt"), "one");

    let said = downloads(anna, "/work", 2);
    let by_bob = said.iter().find(|e| e["who"] == "bob").unwrap();
    assert_eq!(by_bob["path"], "/work/one.txt");
    assert_eq!(
        (&by_bob["was_member"], &by_bob["current"]),
        (&true.into(), &true.into())
    );
    // Each row says what it is, also to people; the newest is first.
    let text = anna.run(&["log", "/work"]).ok().text();
    let downloaded = text.find("server says  bob").unwrap();
    let added = text.rfind("verified     you").unwrap();
    assert!(downloaded < added, "{text}");
    assert!(text.contains("downloaded /work/one.txt"), "{text}");
    // A viewer is told of nobody else's, and that there may be some.
    let said = downloads(bob, "shared:work", 1);
    assert!(!said.is_empty());
    assert!(said.iter().all(|e| e["who"] == "you"), "{said:?}");
    bob.run(&["log", "shared:work"])
        .ok()
        .says("Downloads of others");
    // Of a vault that nobody shares there is no such list.
    cat(anna, "/work/one.txt");
    let own = anna.run(&["log", "/", "--json"]).json();
    assert!(
        own.as_array()
            .unwrap()
            .iter()
            .all(|e| e["source"] == "verified")
    );
    // The newest rows of both.
    let one = anna.run(&["log", "/work", "-n", "1", "--json"]).json();
    assert_eq!(one[0]["source"], "server");
}

#[test]
fn one_file_a_group_and_a_new_owner() {
    let world = World::start();
    let people = ["anna", "bob", "carol"].map(|user| world.sign_up(user));
    let [anna, bob, carol] = &people;
    let (anna, bob, carol) = (&anna.home, &bob.home, &carol.home);
    put(&world, anna, "plan.txt", "plan", "/").ok();
    anna.run(&["group", "create", "team"]).ok();
    anna.run(&["group", "add", "team", "bob", "carol"]).ok();
    anna.run(&["share", "/plan.txt", "group:team", "--role", "editor"])
        .ok();
    assert_eq!(cat(anna, "/plan.txt"), "plan");
    for home in [bob, carol] {
        home.run(&["accept", "plan.txt"]).ok();
        assert_eq!(cat(home, "shared:plan.txt/plan.txt"), "plan");
    }
    put(&world, bob, "plan.txt", "by bob", "shared:plan.txt/").ok();
    assert_eq!(cat(carol, "shared:plan.txt/plan.txt"), "by bob");

    // Out of the group is out of everything, with one command.
    anna.run(&["group", "remove", "team", "bob"]).ok();
    bob.run(&["cat", "shared:plan.txt/plan.txt"]).refused();
    put(&world, carol, "plan.txt", "by carol", "shared:plan.txt/").ok();
    assert_eq!(cat(anna, "/plan.txt"), "by carol");

    anna.run(&["share", "/plan.txt", "carol", "--role", "manager"])
        .ok();
    anna.run(&["transfer", "/plan.txt", "carol", "--yes"]).ok();
    let members = carol.run(&["shares", "shared:plan.txt", "--json"]).json();
    assert_eq!(row(&members, "carol")["role"], "owner");
    assert_eq!(row(&members, "anna")["role"], "manager");
    carol.run(&["leave", "shared:plan.txt"]).exits(1);
    anna.run(&["leave", "/plan.txt"]).ok();
    anna.run(&["cat", "/plan.txt"]).refused();
    assert_eq!(cat(carol, "shared:plan.txt/plan.txt"), "by carol");
    // What still comes to her through the group alone has a new key by now.
    let left = anna.run(&["shares", "--json"]).json();
    let plan = row(&left, "plan.txt");
    assert_eq!(
        (&plan["state"], &plan["role"]),
        (&"declined".into(), &"editor".into())
    );
}

#[test]
fn people_are_compared_and_waited_for() {
    let world = World::start();
    let (anna, bob) = (world.sign_up("anna"), world.sign_up("bob"));
    let (anna, bob) = (&anna.home, &bob.home);
    let seen = anna.run(&["verify", "bob", "--json"]).json();
    assert_eq!(seen["trust"], "unverified");
    let other = bob.run(&["verify", "anna", "--json"]).json();
    assert_eq!(seen["safety_number"], other["safety_number"]);
    assert_eq!(
        seen["safety_number"]
            .as_str()
            .unwrap()
            .replace(' ', "")
            .len(),
        60
    );
    // The code of somebody else is not bob's.
    let code = other["code"].as_str().unwrap();
    anna.run(&["verify", "bob", "--code", code]).exits(5);
    let code = seen["code"].as_str().unwrap();
    let done = anna
        .run(&["verify", "bob", "--code", code, "--json"])
        .json();
    assert_eq!(done["trust"], "verified");
    anna.run(&["verify", "nobody-here"]).exits(4);
    // What bob scans from anna's screen, and what he does not.
    let number = seen["safety_number"].as_str().unwrap();
    let wrong: String = number.chars().rev().collect();
    bob.run(&["verify", "anna", "--scan", &wrong])
        .exits(5)
        .says("INTEGRITY VIOLATION");
    bob.run(&["verify", "anna", "--scan", "https://example.org"])
        .exits(1);
    let before = bob.run(&["verify", "anna", "--json"]).json();
    assert_eq!(before["trust"], "unverified");
    let scanned = number.replace(' ', "");
    let done = bob.run(&["verify", "anna", "--scan", &scanned, "--json"]);
    assert_eq!(done.json()["trust"], "verified");

    anna.run(&["mkvault", "later"]).ok();
    put(&world, anna, "x.txt", "x", "vault:later/").ok();
    let done = anna.run(&["share", "vault:later", "dora", "--json"]).json();
    assert_eq!(done["pending"][0], "dora");
    let dora = world.sign_up("dora");
    // Whoever has the name now has nothing by that.
    let waiting = anna.run(&["shares"]).ok();
    assert!(
        waiting.err.contains("shares --admit dora"),
        "{}",
        waiting.err
    );
    assert!(waiting.err.contains("not verified"), "{}", waiting.err);
    anna.run(&["share", "vault:later", "bob"]).ok();
    let members = anna.run(&["shares", "vault:later", "--json"]).json();
    assert_eq!(row(&members, "dora")["kind"], "pending");
    anna.run(&["shares", "--admit", "nobody-here"]).exits(2);
    anna.run(&["shares", "--admit", "dora"]).ok();
    let members = anna.run(&["shares", "vault:later", "--json"]).json();
    assert_eq!(row(&members, "dora")["role"], "viewer");
    dora.home.run(&["accept", "later"]).ok();
    assert_eq!(cat(&dora.home, "shared:later/x.txt"), "x");
    dora.home.run(&["decline", "later"]).ok();
    dora.home.run(&["cat", "shared:later/x.txt"]).exits(4);
}

/// An invitation that cannot be kept spoils neither `share` nor the other
/// invitations, and can be taken back.
#[test]
fn who_is_waited_for_can_be_let_go() {
    let world = World::start();
    let (anna, bob) = (world.sign_up("anna"), world.sign_up("bob"));
    let (anna, bob) = (&anna.home, &bob.home);
    anna.run(&["mkvault", "plans"]).ok();
    anna.run(&["mkvault", "notes"]).ok();
    anna.run(&["share", "vault:plans", "bob"]).ok();
    bob.run(&["accept", "plans"]).ok();
    // A viewer decides nothing, and waits for nobody.
    bob.run(&["share", "shared:plans", "dora"]).exits(1);
    let members = bob.run(&["shares", "shared:plans", "--json"]).json();
    assert_eq!(members.as_array().unwrap().len(), 2);

    anna.run(&["share", "vault:plans", "bob", "--role", "manager"])
        .ok();
    bob.run(&["share", "shared:plans", "dora", "emil", "finn"])
        .ok();
    bob.run(&["mkvault", "own"]).ok();
    bob.run(&["share", "vault:own", "dora"]).ok();
    bob.run(&["unshare", "shared:plans", "emil"]).ok();
    bob.run(&["unshare", "shared:plans", "emil"]).exits(4);
    let dora = world.sign_up("dora");
    world.sign_up("emil");
    // What bob cannot give any more is said, and the rest is given.
    anna.run(&["share", "vault:plans", "bob"]).ok();
    bob.run(&["shares", "--admit", "dora"]).exits(1);
    bob.run(&["shares", "shared:plans", "--json"]).ok();
    bob.run(&["share", "vault:own", "anna"]).ok();
    // For what he cannot give he waits no longer.
    bob.run(&["unshare", "shared:plans", "dora"]).exits(4);
    dora.home.run(&["accept", "own"]).ok();
    let members = anna.run(&["shares", "vault:plans", "--json"]).json();
    assert_eq!(members.as_array().unwrap().len(), 2);

    // `share` once more is another way to say yes; the waiting is over then.
    anna.run(&["share", "vault:notes", "gina", "--role", "editor"])
        .ok();
    world.sign_up("gina");
    anna.run(&["share", "vault:notes", "gina"]).ok();
    let members = anna.run(&["shares", "vault:notes", "--json"]).json();
    assert_eq!(members.as_array().unwrap().len(), 2);
    assert_eq!(row(&members, "gina")["role"], "viewer");
    anna.run(&["unshare", "vault:notes", "--all"]).ok();
}

#[test]
fn things_move_between_vaults_without_their_contents() {
    let world = World::start();
    let anna = world.sign_up("anna");
    let anna = &anna.home;
    anna.run(&["mkvault", "attic"]).ok();
    anna.run(&["mkdir", "/old"]).ok();
    put(&world, anna, "a.txt", "a", "/old/").ok();
    anna.run(&["cp", "/old", "vault:attic/"]).ok();
    assert_eq!(cat(anna, "vault:attic/old/a.txt"), "a");
    anna.run(&["mv", "vault:attic/old/a.txt", "/b.txt"]).ok();
    assert_eq!(cat(anna, "/b.txt"), "a");
    anna.run(&["cat", "vault:attic/old/a.txt"]).exits(4);
}

/// Somebody whom anna knew is gone, and another has taken the name. Fails if
/// one member who cannot be shown keeps all others from being removed.
#[test]
fn who_cannot_be_shown_keeps_nobody_else() {
    let mut world = World::start();
    let people = ["anna", "bob", "carol", "emil", "dora"].map(|user| world.sign_up(user));
    let [anna, bob, carol, emil, dora] = &people;
    anna.home.run(&["verify", "dora", "--json"]).ok();
    let code = dora.backup_code();
    let delete = ["account", "delete", "--code", &code, "--confirm", "dora"];
    dora.home.run(&delete).ok();
    forget_deleted(&mut world);
    std::fs::remove_file(world.path("dora.txt")).unwrap();
    let other = world.sign_up_at(world.home("mallory"), "dora").home;

    let anna = &anna.home;
    anna.run(&["mkdir", "/work"]).ok();
    put(&world, anna, "one.txt", "one", "/work/").ok();
    let share = ["share", "/work", "bob", "--role", "manager"];
    anna.run(&share).ok();
    anna.run(&["share", "/work", "carol", "emil"]).ok();
    for person in [bob, carol, emil] {
        person.home.run(&["accept", "work"]).ok();
    }
    let share = ["share", "shared:work", "dora", "--role", "editor"];
    bob.home.run(&share).ok();
    other.run(&["accept", "work"]).ok();

    // She is listed as what she is, with the id by which she can be named.
    let members = anna.run(&["shares", "/work", "--json"]).json();
    assert_eq!(row(&members, "dora")["changed"], true);
    let id = row(&members, "dora")["id"].as_str().unwrap();
    let shown = anna.run(&["shares", "/work"]).ok().text();
    assert!(
        shown.contains("another identity") && shown.contains(id),
        "{shown}"
    );
    anna.run(&["log", "/work"]).ok();
    // Others are removed, and she is given nothing.
    anna.run(&["unshare", "/work", "carol"]).ok();
    anna.run(&["transfer", "/work", "dora", "--yes"]).exits(5);
    anna.run(&["share", "/work", "dora"]).exits(5);
    anna.run(&["transfer", "/work", "bob", "--yes"]).ok();
    let bob = &bob.home;
    bob.run(&["transfer", "shared:work", "anna", "--yes"]).ok();
    anna.run(&["unshare", "/work", id]).ok();
    other.run(&["cat", "shared:work/one.txt"]).refused();
    bob.run(&share).ok();
    anna.run(&["unshare", "/work", "--all"]).ok();
    other.run(&["cat", "shared:work/one.txt"]).refused();
    let left = anna.run(&["shares", "/work", "--json"]).json();
    assert_eq!(left.as_array().unwrap().len(), 1);
}

/// Lets the time pass after which deleted accounts are gone.
fn forget_deleted(world: &mut World) {
    world.stop();
    let file = world.data().join("vault.db");
    sv_testkit::run(async {
        let mut database = Database::open(&file).await;
        for row in database.rows("accounts").await {
            if *row.value("deleted_from_ms") != Stored::Null {
                let now = row.with("deleted_from_ms", Stored::Integer(1));
                assert!(database.replace(&row, &now).await);
            }
        }
    });
    world.resume();
    while world
        .administer(&["admin", "user", "list"])
        .ok()
        .text()
        .contains("to be deleted")
    {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

/// A part of what is shared is shared on its own by whoever manages the whole:
/// nobody can remove an owner. Fails without the question for the role.
#[test]
fn only_a_manager_shares_a_part_on_its_own() {
    let world = World::start();
    let people = ["anna", "bob", "carol"].map(|user| world.sign_up(user).home);
    let [anna, bob, _] = &people;
    anna.run(&["mkdir", "-p", "/work/plans"]).ok();
    put(&world, anna, "two.txt", "two", "/work/plans/").ok();
    anna.run(&["share", "/work", "bob", "--role", "editor"])
        .ok();
    bob.run(&["accept", "work"]).ok();
    bob.run(&["share", "shared:work/plans", "carol"])
        .exits(1)
        .says("only a manager");
    assert_eq!(names(bob.run(&["shares", "--json"])), ["work"]);
    anna.run(&["share", "/work", "bob", "--role", "manager"])
        .ok();
    bob.run(&["share", "shared:work/plans", "carol"]).ok();
    // What is a share already is its managers', whatever is around it.
    anna.run(&["share", "/work", "bob", "--role", "viewer"])
        .ok();
    bob.run(&["share", "shared:work/plans", "carol", "--role", "editor"])
        .ok();
}

/// Fails if whoever is removed keeps what is shared on its own inside, or if
/// what they keep is not said.
#[test]
fn who_is_removed_is_removed_from_shares_inside_too() {
    let world = World::start();
    let people = ["anna", "bob", "mallory"].map(|user| world.sign_up(user).home);
    let [anna, bob, mallory] = &people;
    for folder in ["/work/own", "/work/plans", "/family"] {
        anna.run(&["mkdir", "-p", folder]).ok();
    }
    put(&world, anna, "one.txt", "one", "/work/own/").ok();
    put(&world, anna, "two.txt", "two", "/work/plans/").ok();
    put(&world, anna, "tree.txt", "tree", "/family/").ok();
    for who in ["bob", "mallory"] {
        anna.run(&["share", "/work", who, "--role", "manager"]).ok();
    }
    for home in [bob, mallory] {
        home.run(&["accept", "work"]).ok();
    }
    // One that anna made, also with mallory by name; one that is mallory's;
    // and one that is only shown there.
    let editor = ["--role", "editor"];
    anna.run(&[&["share", "/work/own", "mallory"], &editor[..]].concat())
        .ok();
    mallory.run(&["share", "shared:work/plans", "bob"]).ok();
    anna.run(&["share", "/family", "mallory"]).ok();
    anna.run(&["cp", "/family", "/work/family"]).ok();
    for (home, name) in [(anna, "plans"), (bob, "plans"), (bob, "own")] {
        home.run(&["accept", name]).ok();
    }
    for name in ["own", "family"] {
        mallory.run(&["accept", name]).ok();
    }
    anna.run(&["share", "/work", "mallory", "--role", "editor"])
        .ok();

    let done = anna.run(&["unshare", "/work", "mallory"]).exits(1);
    for said in [
        "still theirs: /work/plans (mallory owns it): move what is in it elsewhere",
        "still theirs: /work/family (shared with mallory on its own)",
    ] {
        assert!(done.err.contains(said), "{}", done.err);
    }
    assert!(done.err.contains("also from /work/own"), "{}", done.err);
    // What bob writes where anna could remove her, mallory does not get.
    put(&world, bob, "new.txt", "new", "shared:work/own/").ok();
    mallory.run(&["cat", "shared:own/new.txt"]).refused();
    mallory.run(&["cat", "shared:work/one.txt"]).refused();
    assert_eq!(cat(mallory, "shared:family/tree.txt"), "tree");
    // She is named as long as she is there, also when she is only inside.
    let again = anna.run(&["unshare", "/work", "mallory", "--json"]);
    assert_eq!(again.code, 1);
    let again: Value = serde_json::from_slice(&again.out).unwrap();
    let kept: Vec<_> = again["kept"].as_array().unwrap().iter().collect();
    assert!(
        kept.iter().any(|one| one["path"] == "/work/plans"
            && one["why"] == "owner"
            && one["who"] == "mallory"),
        "{kept:?}"
    );
    // She hands it over, and is a manager there: then anna can.
    mallory.run(&["share", "shared:plans", "anna"]).ok();
    mallory
        .run(&["transfer", "shared:plans", "anna", "--yes"])
        .ok();
    anna.run(&["rm", "/work/family"]).ok();
    anna.run(&["unshare", "/work", "mallory", "--reencrypt"])
        .ok();
    mallory.run(&["cat", "shared:plans/two.txt"]).refused();
    anna.run(&["unshare", "/work", "mallory"]).exits(4);
}
