//! Sharing, as people do it: real programs, a real server.

use serde_json::Value;

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
    let by_bob = log
        .as_array()
        .unwrap()
        .iter()
        .filter(|e| e["author"] == "bob");
    assert!(by_bob.count() >= 3);

    anna.run(&["unshare", "/work", "bob"]).ok();
    bob.run(&["cat", "shared:work/one.txt"]).refused();
    put(&world, anna, "after.txt", "after", "/work/").ok();
    assert_eq!(cat(anna, "/work/after.txt"), "after");
    assert_eq!(cat(anna, "/work/one.txt"), "changed", "under the older key");
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
    bob.run(&["unshare", "shared:plans", "dora"]).ok();
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
