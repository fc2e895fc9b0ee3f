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

use crate::world::{Done, Home, World};

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
        (1, 'alice', ''), (2, 'bob', ''), (3, 'Alice', ''), (4, 'carol@example.org', '');";

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
}

fn json(done: &Done) -> Value {
    serde_json::from_slice(&done.out).unwrap()
}

#[test]
fn a_deployment_of_the_original_moves_and_what_cannot_is_named() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(mut old) = runtime.block_on(Old::new()) else {
        return;
    };
    let big: Vec<u8> = (0..5_000_000u32).map(|i| (i / 3) as u8).collect();
    runtime.block_on(async {
        old.item(1, 1, "Door code", None, b"1234").await;
        old.item(2, 1, "scan", Some("pdf"), &big).await;
        old.item(3, 1, "../../etc/passwd", Some("txt"), b"harmless")
            .await;
        old.item(4, 1, "for bob", Some("pdf"), b"shared").await;
        old.share(4, 2).await;
        old.item(5, 2, "bob's", None, "grüße".as_bytes()).await;
        old.item(6, 3, "of the other Alice", None, b"x").await;
        old.row(7, 1, "forged", None, b"gAAAAABnot-a-real-token=", "AAAA")
            .await;
        old.item(8, 1, "scan", Some("pdf"), b"same name").await;
    });
    let world = World::start();
    let host = world.sign_up("host");
    let file = world.path("people.tsv");

    // Looking costs nothing, and needs nobody to be decided.
    let checked = old
        .run(&world.home("nobody"), &["--check", "--json"])
        .exits(1);
    let shown = json(&checked);
    assert_eq!((&shown["moved"], &shown["bad"]), (&6.into(), &1.into()));
    assert!(
        checked.err.contains("Alice: `alice` is alice's here"),
        "{}",
        checked.err
    );

    // Two names cannot be kept: nothing moves before they are decided.
    old.run(&host.home, &[]).exits(1).says("2 names to decide");
    assert!(host.home.run(&["ls", "/"]).ok().out.is_empty());
    let people = std::fs::read_to_string(&file).unwrap();
    let people = people.replace("3\tAlice\t?", "3\tAlice\talice2");
    std::fs::write(
        &file,
        people.replace("4\tcarol@example.org\t?", "4\tcarol@example.org\t-"),
    )
    .unwrap();

    let report = world.path("report.json");
    let args = ["--json", "--report", report.to_str().unwrap()];
    let done = old
        .run(&host.home, &args)
        .exits(1)
        .says("forged (number 7)");
    let shown = json(&done);
    assert_eq!((&shown["moved"], &shown["there"]), (&7.into(), &0.into()));
    assert_eq!(shown["folders"][1]["readers"][0], "bob");
    let written: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    assert_eq!(written, shown);
    assert!(!done.err.contains("mysql://") && !done.err.contains("1234"));

    let at = |path: &str| format!("/From the old server/{path}");
    let cat = |path: &str| host.home.run(&["cat", &at(path)]).ok().out;
    assert_eq!(cat("alice/Door code"), b"1234");
    assert!(cat("alice/scan.pdf") == big);
    assert_eq!(cat("alice/scan (2).pdf"), b"same name");
    assert_eq!(cat("alice/.._.._etc_passwd.txt"), b"harmless");
    assert_eq!(cat("alice, read by bob/for bob.pdf"), b"shared");
    assert_eq!(cat("bob/bob's"), "grüße".as_bytes());
    assert_eq!(cat("alice2/of the other Alice"), b"x");
    let rows = host
        .home
        .run(&["ls", "--json", &at("alice/Door code")])
        .json();
    assert_eq!(rows[0]["kind"], "note");
    assert_eq!(rows[0]["modified_ms"], 1_683_356_889_000_u64);

    // Again: what is there stays, what came meanwhile follows.
    runtime.block_on(async {
        sqlx::query("DELETE FROM user_data_v4 WHERE id = 7")
            .execute(&mut old.connection)
            .await
            .unwrap();
        old.item(9, 2, "later", None, b"new").await;
    });
    let again = json(&old.run(&host.home, &["--json"]).ok());
    assert_eq!((&again["moved"], &again["there"]), (&1.into(), &7.into()));
    assert_eq!(cat("bob/later"), b"new");
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
