//! What sharing costs, counted in requests, entries and bytes, and timed
//! beside plain HTTP requests that each share something in a database.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sv_api::Wire as _;
use sv_api::endpoint::{AppendEntry, PutBlock};
use sv_api::vault::AppendRequest;
use sv_client::account::Session;
use sv_client::drive::Drive;
use sv_client::sharing::{self, Terms};
use sv_client::vault::Vault;
use sv_ledger::id::VaultId;
use sv_ledger::state::Role;
use sv_testkit::{Actor, Exchange, TestPlatform, TestServer, file, folder, put, run};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

/// Files of the folder that is shared.
const FILES: usize = 10_000;
/// Bytes of each.
const FILE_LEN: usize = 4096;
/// People that one file is shared with.
const PEOPLE: usize = 1000;
/// Longer than a server wants between two sign-ups.
const BETWEEN_MS: u64 = 31_000;

#[test]
#[ignore = "a measurement: minutes"]
fn sharing_beside_plain_requests() {
    run(async {
        let server = TestServer::start().await;
        let (_, anna) = Actor::sign_up(&server, "anna").await;
        for friend in ["bob", "carol", "dora"] {
            Actor::sign_up(&server, friend).await;
        }
        let mut files = vec![folder("many")];
        for part in 0..100 {
            files.push(folder(&format!("many/{part}")));
        }
        for n in 0..FILES {
            let name = format!("many/{}/{n}", n % 100);
            files.push(file(&name, vec![n as u8; FILE_LEN]));
        }
        files.push(file("one.txt", "read this"));
        let mut drive = Drive::open(&anna).await.unwrap();
        put(&mut drive, "/", files).await.unwrap();
        drop(drive);
        println!("{FILES} files of {FILE_LEN} bytes:");
        for friend in ["bob", "carol", "dora"] {
            let what = format!("  shared with {friend}");
            share(&anna, "/many", &[friend.to_owned()], &what).await;
        }

        let mut people = Vec::new();
        for n in 0..PEOPLE {
            server.clock().advance(BETWEEN_MS);
            let name = format!("person{n:04}");
            Actor::sign_up(&server, &name).await;
            people.push(name);
        }
        println!("one file:");
        let what = format!("  shared with {PEOPLE} people");
        let took = share(&anna, "/one.txt", &people, &what).await;
        let plain = plain_requests(PEOPLE).await;
        println!("{PEOPLE} plain requests, each a durable row: {plain:.2?}");
        println!(
            "sharing took {:.1} times that",
            took.as_secs_f64() / plain.as_secs_f64()
        );
    });
}

/// Shares, and prints what it took.
async fn share(
    session: &Session<TestPlatform>,
    path: &str,
    people: &[String],
    what: &str,
) -> Duration {
    let network = &session.platform().network;
    network.take_recording();
    let start = Instant::now();
    let mut account = Vault::account(session).await.unwrap();
    let with = sharing::invitees(&mut account, people).await.unwrap();
    let terms = Terms {
        role: Role::Viewer,
        expires_ms: 0,
        with_history: false,
    };
    let path = path.parse().unwrap();
    let done = sharing::share(session, &mut account, &path, &with, &terms).await;
    let took = start.elapsed();
    let done = done.unwrap();
    assert_eq!(done.granted.len(), people.len());
    let sent = network.take_recording().requests;
    let bytes: usize = sent.iter().map(|asked| asked.body.len()).sum();
    assert_eq!(content_bytes(&sent), 0, "no content moves");
    println!(
        "{what}: {took:.2?}, {} requests of {bytes} bytes in all, {} entries in the shared \
         vault, of contents 0 bytes",
        sent.len(),
        entries(&sent, done.vault_id.unwrap())
    );
    took
}

/// Bytes of sealed contents in requests.
fn content_bytes(sent: &[Exchange]) -> usize {
    sent.iter()
        .map(|asked| {
            if asked.is::<PutBlock>() {
                return asked.body.len();
            }
            if !asked.is::<AppendEntry>() {
                return 0;
            }
            let append = AppendRequest::parse(&asked.body).unwrap();
            append
                .inline
                .iter()
                .map(|content| content.block.len())
                .sum()
        })
        .sum()
}

fn entries(sent: &[Exchange], vault_id: VaultId) -> usize {
    let place = vault_id.to_string();
    let appends = sent.iter().filter(|asked| asked.is::<AppendEntry>());
    appends.filter(|asked| asked.path.contains(&place)).count()
}

/// As many requests, one after the other on one connection, each of which
/// puts a row into a database file and is answered when it is on the disk.
async fn plain_requests(count: usize) -> Duration {
    use sqlx::ConnectOptions as _;
    use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

    let folder = tempfile::TempDir::new().unwrap();
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("shares.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut database = options.connect().await.unwrap();
    let table = "CREATE TABLE shares (file TEXT NOT NULL, person TEXT NOT NULL, \
                 PRIMARY KEY (file, person))";
    sqlx::query(table).execute(&mut database).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let database = Arc::new(Mutex::new(database));
    let serving = tokio::spawn(async move {
        // A client may open a second connection before the first is free.
        while let Ok((mut stream, _)) = listener.accept().await {
            let database = database.clone();
            tokio::spawn(async move {
                while let Some(person) = person(&mut stream).await {
                    let insert = sqlx::query("INSERT INTO shares VALUES ('one.txt', ?)");
                    let mut database = database.lock().await;
                    insert.bind(person).execute(&mut *database).await.unwrap();
                    let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
                    stream.write_all(answer).await.unwrap();
                }
            });
        }
    });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let start = Instant::now();
    for n in 0..count {
        let url = format!("http://{address}/shares");
        let request = client.post(url).body(format!("person{n:04}"));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 204);
    }
    let took = start.elapsed();
    serving.abort();
    took
}

/// The body of the next request; none at the end.
async fn person(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let len = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then_some(value)
    });
    let mut body = vec![0; len.unwrap().parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    Some(String::from_utf8(body).unwrap())
}
