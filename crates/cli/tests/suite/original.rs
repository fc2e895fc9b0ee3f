//! Moving a deployment of the Django application, from a database made here.

use data_encoding::BASE64;
use getrandom::SysRng;
use rand_core::UnwrapErr;
use serde_json::Value;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{ConnectOptions, Executor};
use sv_backends::sql::{Engine, FreshDatabase};
use sv_core::FernetKey;
use sv_core::fernet::seal_token;
use sv_testkit::{Canaries, Tap, files_below};

use crate::world::{Done, Home, World};

/// In what is moved, and nowhere where the server could see it.
const CANARY: &str = "a canary that sang in the old application";
const TITLE_CANARY: &str = "a canary in the title of a note";
/// What a vault is called by whom it is for.
const OLD: &str = "From the old server";

/// As Django's migrations make them, with what else is in such tables.
const TABLES: &str = "
    CREATE TABLE auth_user (
        id INT AUTO_INCREMENT PRIMARY KEY, password VARCHAR(128) NOT NULL,
        username VARCHAR(150) NOT NULL UNIQUE, email VARCHAR(254) NOT NULL DEFAULT '');
    CREATE TABLE user_data_v4 (
        id BIGINT AUTO_INCREMENT PRIMARY KEY, title VARCHAR(255) NOT NULL,
        encrypted_content LONGBLOB NOT NULL, encrypted_key VARCHAR(255) NOT NULL,
        file_extension VARCHAR(10) NULL, created_at DATETIME(6) NOT NULL,
        user_id INT NOT NULL REFERENCES auth_user (id));
    CREATE TABLE user_data_v4_shared_with (
        id BIGINT AUTO_INCREMENT PRIMARY KEY, userdata_id BIGINT NOT NULL,
        user_id INT NOT NULL, UNIQUE (userdata_id, user_id));
    INSERT INTO auth_user (id, username, password) VALUES
        (1, 'alice', ''), (2, 'bob', ''), (3, 'Alice', ''), (4, 'carol@example.org', ''),
        (5, 'host', '');";

/// The old database, and a connection to it.
struct Old {
    fresh: FreshDatabase,
    connection: MySqlConnection,
}

impl Old {
    async fn new() -> Option<Self> {
        let fresh = Engine::MariaDb.fresh().await?;
        let options: MySqlConnectOptions = fresh.url().parse().unwrap();
        let mut connection = options.connect().await.unwrap();
        connection.execute(sqlx::raw_sql(TABLES)).await.unwrap();
        Some(Self { fresh, connection })
    }

    /// An item as the application stored it: a token of its own key, and that
    /// key in base64 once more.
    async fn item(&mut self, id: i64, user: i64, title: &str, ending: Option<&str>, text: &[u8]) {
        let mut random = UnwrapErr(SysRng);
        let key = FernetKey::generate(&mut random).unwrap();
        let token = seal_token(&key, 1_600_000_000, text, &mut random).unwrap();
        let wrapped = BASE64.encode(key.to_text().as_bytes());
        self.row(id, user, title, ending, &token, &wrapped).await;
    }

    async fn row(
        &mut self,
        id: i64,
        user: i64,
        title: &str,
        ending: Option<&str>,
        token: &[u8],
        key: &str,
    ) {
        let sql = "INSERT INTO user_data_v4 (id, user_id, title, file_extension, \
                   encrypted_content, encrypted_key, created_at) \
                   VALUES (?, ?, ?, ?, ?, ?, '2023-05-06 07:08:09.123456')";
        let insert = sqlx::query(sql)
            .bind(id)
            .bind(user)
            .bind(title)
            .bind(ending);
        let insert = insert.bind(token).bind(key);
        insert.execute(&mut self.connection).await.unwrap();
    }

    async fn share(&mut self, item: i64, user: i64) {
        let sql = "INSERT INTO user_data_v4_shared_with (userdata_id, user_id) VALUES (?, ?)";
        let insert = sqlx::query(sql).bind(item).bind(user);
        insert.execute(&mut self.connection).await.unwrap();
    }

    fn run(&self, home: &Home, more: &[&str]) -> Done {
        let env = [("SECUREVAULT_ORIGINAL_DATABASE", self.fresh.url())];
        home.run_with(&[&["import-original"], more].concat(), &env)
    }

    async fn forget(&mut self, item: i64) {
        let delete = sqlx::query("DELETE FROM user_data_v4 WHERE id = ?").bind(item);
        delete.execute(&mut self.connection).await.unwrap();
    }
}

fn json(done: &Done) -> Value {
    serde_json::from_slice(&done.out).unwrap()
}

/// Of a report, what it says of one person.
fn person<'r>(report: &'r Value, handle: &str) -> &'r Value {
    let mut people = report["people"].as_array().unwrap().iter();
    people.find(|person| person["handle"] == handle).unwrap()
}

fn states(report: &Value) -> Vec<(&str, &str)> {
    let people = report["people"].as_array().unwrap().iter();
    people
        .map(|p| (p["handle"].as_str().unwrap(), p["state"].as_str().unwrap()))
        .collect()
}

/// Names of shares and groups, each with its state and owner.
fn shares(home: &Home) -> Vec<(String, String, String)> {
    let rows = home.run(&["shares", "--json"]).json();
    let text = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| (text(row, "name"), text(row, "state"), text(row, "owner")))
        .collect()
}

fn cat(home: &Home, path: &str) -> Vec<u8> {
    home.run(&["cat", path]).ok().out
}

/// Two names cannot be kept; this decides them.
fn decide(world: &World) {
    let file = world.path("people.tsv");
    let people = std::fs::read_to_string(&file).unwrap();
    let people = people.replace("3\tAlice\t?", "3\tAlice\t-");
    let people = people.replace("4\tcarol@example.org\t?", "4\tcarol@example.org\tcarol");
    std::fs::write(file, people).unwrap();
}

/// Everybody gets what was theirs as they come, and the host is out of it.
#[test]
fn a_deployment_of_the_original_moves_to_whose_it_is() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(mut old) = runtime.block_on(Old::new()) else {
        return;
    };
    let big: Vec<u8> = (0..5_000_000u32).map(|i| (i / 3) as u8).collect();
    let tap = runtime.block_on(async {
        old.item(1, 1, TITLE_CANARY, None, CANARY.as_bytes()).await;
        old.item(2, 1, "scan", Some("pdf"), &big).await;
        old.item(3, 1, "../../etc/passwd", Some("txt"), b"harmless")
            .await;
        old.item(4, 1, "for bob", Some("pdf"), b"shared").await;
        old.item(5, 2, "for two", None, "grüße".as_bytes()).await;
        old.item(6, 3, "of the other Alice", None, b"x").await;
        old.row(7, 1, "forged", None, b"gAAAAABnot-a-real-token=", "AAAA")
            .await;
        old.item(8, 1, "scan", Some("pdf"), b"same name").await;
        old.item(9, 5, "mine", None, b"of the host").await;
        old.item(10, 2, "for the host", None, b"for the host").await;
        for (item, reader) in [(4, 2), (4, 3), (5, 1), (5, 4), (9, 2), (10, 5)] {
            old.share(item, reader).await;
        }
        Tap::open().await
    });
    let mut world = World::start();
    tap.lead(0, world.url.rsplit(':').next().unwrap().parse().ok());
    tap.record();
    world.url = tap.url();
    let (host, bob) = (world.sign_up("host"), world.sign_up("bob"));
    let (host, bob) = (&host.home, &bob.home);

    // Looking costs nothing, and needs nobody to be decided.
    let checked = old
        .run(&world.home("nobody"), &["--check", "--json"])
        .exits(1)
        .says("Alice: `alice` is alice's here");
    let shown = json(&checked);
    assert_eq!((&shown["moved"], &shown["bad"]), (&8.into(), &1.into()));
    // Nothing moves before all are decided.
    old.run(host, &[]).exits(1).says("2 names to decide");
    assert_eq!(shares(host), []);
    decide(&world);

    let report = world.path("report.json");
    let args = ["--json", "--report", report.to_str().unwrap()];
    let done = old.run(host, &args).exits(1).says("forged (number 7)");
    let shown = json(&done);
    let written: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    assert_eq!(written, shown);
    assert_eq!((&shown["moved"], &shown["there"]), (&8.into(), &0.into()));
    assert_eq!(shown["left_out"], serde_json::json!([6]));
    let expected = [
        ("alice", "waiting"),
        ("bob", "handed over"),
        ("host", "yours"),
    ];
    assert_eq!(states(&shown), expected);
    let alice_then = person(&shown, "alice");
    assert_eq!(alice_then["shared"][0]["with"], "bob");
    assert_eq!(alice_then["not_shared"][0]["with"], "Alice");
    let pending: Vec<&str> = (0..2)
        .map(|i| {
            person(&shown, "bob")["pending"][i]["with"]
                .as_str()
                .unwrap()
        })
        .collect();
    assert_eq!(pending, ["alice", "carol"]);
    assert!(!done.err.contains("mysql://") && !done.err.contains(CANARY));

    // Until she comes, alice's is the host's to look into, and to add to.
    let hers = format!("vault:{OLD} (alice)");
    assert_eq!(
        cat(host, &format!("{hers}/{TITLE_CANARY}")),
        CANARY.as_bytes()
    );
    assert!(cat(host, &format!("{hers}/scan.pdf")) == big);
    assert_eq!(cat(host, &format!("{hers}/scan (2).pdf")), b"same name");
    assert_eq!(
        cat(host, &format!("{hers}/.._.._etc_passwd.txt")),
        b"harmless"
    );
    let rows = host
        .run(&["ls", "--json", &format!("{hers}/{TITLE_CANARY}")])
        .json();
    assert_eq!(rows[0]["kind"], "note");
    assert_eq!(rows[0]["modified_ms"], 1_683_356_889_000_u64);

    // Bob was here: his is his, what he could read he can, and the host is out
    // but for an item with somebody who is waited for, and one of its own.
    let mut offered = shares(bob);
    offered.sort();
    let row = |name: &str, state: &str, owner: &str| {
        (name.to_owned(), state.to_owned(), owner.to_owned())
    };
    let expected = [
        row(OLD, "offered", "you"),
        row("for bob.pdf", "offered", "host"),
        row("for the host", "offered", "you"),
        row("for two", "offered", "you"),
        row("mine", "offered", "host"),
    ];
    assert_eq!(offered, expected);
    bob.run(&["accept", OLD, "--inside"]).ok();
    bob.run(&["accept", "for bob.pdf"]).ok();
    assert_eq!(cat(bob, "shared:for bob.pdf/for bob.pdf"), b"shared");
    let his = format!("shared:{OLD}");
    assert_eq!(cat(bob, &format!("{his}/for two")), "grüße".as_bytes());
    host.run(&["ls", &format!("vault:{OLD} (bob)")]).exits(4);
    let role = |home: &Home, path: &str, name: &str| {
        let members = home.run(&["shares", path, "--json"]).json();
        let members = members.as_array().unwrap().clone();
        let found = members.iter().find(|m| m["name"] == name);
        found.map(|m| m["role"].as_str().unwrap().to_owned())
    };
    assert_eq!(role(bob, &his, "host"), None);
    assert_eq!(
        role(bob, &format!("{his}/for two"), "host").unwrap(),
        "manager"
    );
    let host_reads = format!("{his}/for the host");
    assert_eq!(role(bob, &host_reads, "host").unwrap(), "viewer");

    // Alice comes. What came meanwhile is hers as well.
    let alice = world.sign_up("alice");
    let alice = &alice.home;
    runtime.block_on(async {
        old.forget(7).await;
        old.forget(2).await;
        old.item(11, 1, "later", None, b"new").await;
    });
    let shown = json(&old.run(host, &["--json"]).ok());
    assert_eq!((&shown["moved"], &shown["there"]), (&1.into(), &7.into()));
    assert_eq!(person(&shown, "alice")["state"], "handed over");
    assert_eq!(person(&shown, "bob")["shared"].as_array().unwrap().len(), 2);
    let hers = format!("shared:{OLD}");
    let taken = alice.run(&["accept", OLD, "--inside", "--json"]).json();
    assert_eq!(taken["inside"], serde_json::json!(["for bob.pdf"]));
    assert_eq!(
        cat(alice, &format!("{hers}/{TITLE_CANARY}")),
        CANARY.as_bytes()
    );
    assert_eq!(cat(alice, &format!("{hers}/later")), b"new");
    assert_eq!(cat(alice, &format!("{hers}/for bob.pdf")), b"shared");
    alice.run(&["accept", "for two"]).ok();
    assert_eq!(cat(alice, "shared:for two/for two"), "grüße".as_bytes());

    // What she writes is under a key that the host never had.
    let file = world.write("for bob.pdf", "by alice");
    let for_bob = format!("{hers}/for bob.pdf");
    alice.run(&["put", file.to_str().unwrap(), &for_bob]).ok();
    assert_eq!(cat(bob, "shared:for bob.pdf/for bob.pdf"), b"by alice");
    // Whom she has met elsewhere she is told by name, also where they have left.
    alice.run(&["shares", "shared:for two"]).ok();
    let log = alice.run(&["log", &hers, "--json"]).json();
    let log = log.as_array().unwrap().iter().rev();
    let signed = log.filter(|entry| entry["source"] == "verified");
    let deeds: Vec<String> = signed.map(deeds).collect();
    let left = deeds.iter().position(|deed| deed == "host: left").unwrap();
    assert_eq!(deeds[left + 1], "you: new key");
    assert_eq!(role(alice, &hers, "host"), None);
    assert_eq!(role(alice, &format!("{hers}/for bob.pdf"), "host"), None);
    host.run(&["cat", &format!("vault:{OLD} (alice)/later")])
        .exits(4);

    // Carol comes, and nobody is waited for any more.
    let carol = world.sign_up("carol");
    runtime.block_on(old.item(12, 1, "after it all", None, b"last"));
    runtime.block_on(old.share(1, 2));
    let done = old.run(host, &["--json"]).ok();
    let shown = json(&done);
    assert_eq!((&shown["moved"], &shown["pending"]), (&1.into(), &0.into()));
    let why = &person(&shown, "alice")["not_shared"];
    assert!(why.to_string().contains("it is with alice by now"), "{why}");
    carol.home.run(&["accept", "for two"]).ok();
    assert_eq!(
        cat(&carol.home, "shared:for two/for two"),
        "grüße".as_bytes()
    );
    assert_eq!(role(bob, &format!("{his}/for two"), "host"), None);
    let second = "From the old server (2)".to_owned();
    assert!(shares(alice).contains(&(second, "offered".to_owned(), "you".to_owned())));
    let names: Vec<String> = shares(host).into_iter().map(|(name, ..)| name).collect();
    let left = [OLD, "From the old server (host)", "for the host", "mine"];
    assert_eq!(names, left, "the host keeps what is theirs, and the record");
    let shown = json(&old.run(host, &["--json"]).ok());
    assert_eq!((&shown["moved"], &shown["there"]), (&0.into(), &9.into()));

    // Neither on the wire nor at rest.
    let canaries = Canaries::new([
        ("a text", CANARY.as_bytes()),
        ("a title", TITLE_CANARY.as_bytes()),
    ]);
    world.stop();
    let stored = files_below(world.data());
    let seen = tap
        .recording()
        .into_iter()
        .chain(stored.into_iter().map(|file| std::fs::read(file).unwrap()));
    let mut bytes = 0;
    for piece in seen {
        bytes += piece.len();
        assert_eq!(canaries.found_in(&piece).len(), 0);
    }
    assert!(bytes > big.len() * 2, "{bytes}: it was all looked at");
}

fn deeds(entry: &Value) -> String {
    let deeds = entry["deeds"].as_array().unwrap().iter();
    let deeds: Vec<&str> = deeds.map(|deed| deed.as_str().unwrap()).collect();
    format!("{}: {}", entry["who"].as_str().unwrap(), deeds.join(", "))
}

/// Killed again and again, and complete in the end, with everything once.
#[test]
fn a_move_that_is_killed_goes_on() {
    const ITEMS: i64 = 24;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(mut old) = runtime.block_on(Old::new()) else {
        return;
    };
    runtime.block_on(async {
        for id in 1..=ITEMS {
            let text = format!("text {id}");
            old.item(id, 1, "the same title", None, text.as_bytes())
                .await;
            if id % 4 == 0 {
                old.share(id, 2).await;
            }
        }
    });
    let world = World::start();
    let [host, alice, bob] = ["host", "alice", "bob"].map(|user| world.sign_up(user));
    old.run(&host.home, &[]).exits(1);
    decide(&world);

    // Each run gets a little further than the one before it.
    let mut kills = 0;
    for pause_ms in (60..).step_by(40) {
        let mut command = host.home.command(&["import-original", "--json"]);
        command.env("SECUREVAULT_ORIGINAL_DATABASE", old.fresh.url());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(pause_ms));
        let is_done = child.try_wait().unwrap().is_some();
        let _ = child.kill();
        let done = Done::from(child.wait_with_output().unwrap());
        if is_done {
            done.ok();
            break;
        }
        kills += 1;
    }
    assert!(kills >= 3, "{kills}");
    let shown = json(&old.run(&host.home, &["--json"]).ok());
    assert_eq!(
        (&shown["moved"], &shown["there"]),
        (&0.into(), &ITEMS.into())
    );
    assert_eq!(states(&shown), [("alice", "handed over")]);
    assert_eq!(shown["shared"], ITEMS / 4);

    alice.home.run(&["accept", OLD, "--inside"]).ok();
    let root = format!("shared:{OLD}");
    let rows = alice.home.run(&["ls", "--json", &root]).json();
    assert_eq!(rows.as_array().unwrap().len(), ITEMS as usize);
    let texts = rows.as_array().unwrap().iter().map(|row| {
        let path = format!("{root}/{}", row["name"].as_str().unwrap());
        String::from_utf8(cat(&alice.home, &path)).unwrap()
    });
    let mut texts: Vec<String> = texts.collect();
    texts.sort();
    let mut expected: Vec<String> = (1..=ITEMS).map(|id| format!("text {id}")).collect();
    expected.sort();
    assert_eq!(texts, expected);
    let offered = shares(&bob.home);
    assert_eq!(offered.len(), ITEMS as usize / 4);
    assert!(offered.iter().all(|(.., owner)| owner == "alice"));
    let kept: Vec<String> = shares(&host.home)
        .into_iter()
        .map(|(name, ..)| name)
        .collect();
    assert_eq!(kept, [OLD]);
}

/// Nobody gets anything whose keys were not compared, if that was asked for,
/// and a name that was given to somebody else is taken back.
#[test]
fn only_those_who_were_compared_and_only_whom_the_file_names() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(mut old) = runtime.block_on(Old::new()) else {
        return;
    };
    runtime.block_on(async {
        old.item(1, 1, "one", None, b"one").await;
        old.share(1, 2).await;
    });
    let world = World::start();
    let host = world.sign_up("host").home;
    old.run(&host, &[]).exits(1);
    decide(&world);
    let first = json(&old.run(&host, &["--json"]).ok());
    assert_eq!(states(&first), [("alice", "waiting")]);

    // The name turns out to be another; whoever takes the first one gets nothing.
    let file = world.path("people.tsv");
    let people = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, people.replace("1\talice\talice", "1\talice\talys")).unwrap();
    old.run(&host, &["--json"]).ok();
    let squatter = world.sign_up("alice").home;
    let (alys, bob) = (world.sign_up("alys").home, world.sign_up("bob").home);
    let verified = ["--verified-only", "--json"];
    let shown = json(&old.run(&host, &verified).ok());
    assert_eq!(states(&shown), [("alys", "not verified")]);
    assert_eq!(
        (shares(&squatter), shares(&alys), shares(&bob)),
        (vec![], vec![], vec![])
    );

    let code = alys.run(&["verify", "host", "--json"]).json()["safety_number"].clone();
    let here = host.run(&["verify", "alys", "--confirm", "--json"]).json();
    assert_eq!(here["safety_number"], code);
    let shown = json(&old.run(&host, &verified).ok());
    assert_eq!(states(&shown), [("alys", "handed over")]);
    assert_eq!(shown["pending"], 1, "bob was not compared");
    host.run(&["verify", "bob", "--confirm"]).ok();
    let shown = json(&old.run(&host, &verified).ok());
    assert_eq!(
        (&shown["pending"], &shown["shared"]),
        (&0.into(), &1.into())
    );
    bob.run(&["accept", "one"]).ok();
    assert_eq!(cat(&bob, "shared:one/one"), b"one");
}

#[test]
fn the_address_of_the_old_database_is_in_no_message() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::at(dir.path());
    for url in [
        "mysql://u:hunter2@127.0.0.1:1/old",
        "mysql://u:hunter2@h",
        "hunter2",
    ] {
        let env = [("SECUREVAULT_ORIGINAL_DATABASE", url)];
        let done = home
            .run_with(&["import-original", "--check"], &env)
            .exits(1);
        assert!(!done.err.contains("hunter2"), "{}", done.err);
    }
    let help = home.run(&["import-original", "--help"]).ok();
    assert!(!help.text().contains("hunter2"));
}
