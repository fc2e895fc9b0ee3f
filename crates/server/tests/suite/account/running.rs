//! A server on a real socket: what is announced, and an orderly stop.

use std::time::Duration;

use sv_api::account::SignupPolicy;
use sv_api::endpoint::EVENTS_PATH;
use sv_server::config::{Config, Storage};
use sv_server::server::{Server, StartError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::actor::{Person, World};

async fn get(server: &Server, path: &str) -> String {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
pub(crate) async fn a_server_starts_answers_and_stops() {
    let dir = tempfile::tempdir().unwrap();
    let storage = Storage::in_folder(dir.path().join("data"), dir.path().join("key"));
    let config = Config::on_free_port(storage.clone(), SignupPolicy::Open);
    let server = Server::start(config).await.unwrap();
    assert_eq!(
        server.url(),
        format!("http://localhost:{}", server.address().port())
    );
    let ready = get(&server, "/healthz/ready").await;
    assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");
    for header in ["cache-control: no-store", "x-content-type-options: nosniff"] {
        assert!(ready.contains(header), "{ready}");
    }
    assert!(
        get(&server, "/openapi.json")
            .await
            .contains("\"openapi\":\"3.1.0\"")
    );
    assert!(
        get(&server, "/nothing")
            .await
            .contains("\"code\":\"not_found\"")
    );

    // A connection that idles does not hold the stop up.
    let idle = TcpStream::connect(server.address()).await.unwrap();
    let address = server.address();
    tokio::time::timeout(Duration::from_secs(10), server.stop())
        .await
        .unwrap();
    drop(idle);
    assert!(TcpStream::connect(address).await.is_err());

    // A database without its key, or with another, is left alone.
    let other = Storage::in_folder(dir.path().join("data"), dir.path().join("other"));
    let start = |storage| Server::start(Config::on_free_port(storage, SignupPolicy::Open));
    assert!(matches!(
        start(other.clone()).await,
        Err(StartError::Open(_))
    ));
    std::fs::write(dir.path().join("other"), [9; 32]).unwrap();
    let refused = start(other).await.unwrap_err().to_string();
    assert!(
        refused.contains("does not belong to this database"),
        "{refused}"
    );
    start(storage).await.unwrap().stop().await;
}

#[tokio::test]
async fn a_server_on_a_server_s_database_starts_once_that_is_migrated() {
    let Some(fresh) = sv_backends::sql::Engine::MariaDb.fresh().await else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let mut storage = Storage::in_folder(dir.path().join("data"), dir.path().join("key"));
    fresh.url().clone_into(&mut storage.database);
    let mut config = Config::on_free_port(storage, SignupPolicy::Open);
    let refused = Server::start(config.clone()).await.unwrap_err().to_string();
    assert!(refused.contains("securevaultd migrate"), "{refused}");
    assert!(!dir.path().join("key").exists(), "nothing was made");

    config.migrate = true;
    let server = Server::start(config.clone()).await.unwrap();
    let ready = get(&server, "/healthz/ready").await;
    assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");
    // Another, beside it, finds what the first has made.
    let beside = Server::start(config).await.unwrap();
    let id = beside
        .app()
        .accounts()
        .describe()
        .await
        .unwrap()
        .instance_id;
    let own = server.app().accounts().describe().await.unwrap();
    assert_eq!(own.instance_id, id);
    beside.stop().await;

    fresh.break_connections().await;
    let ready = get(&server, "/healthz/ready").await;
    assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");
    server.stop().await;
}

#[tokio::test]
pub(crate) async fn events_tell_every_head_of_the_session_and_want_one() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    assert_eq!(world.events(EVENTS_PATH, None).await.0, 401);
    let (status, text) = world.events(EVENTS_PATH, Some(&alice.session)).await;
    assert_eq!(status, 200);
    for vault in [alice.uid, alice.drive] {
        assert!(text.contains(&vault.to_string()), "{text}");
    }
    assert_eq!(text.matches("event: head").count(), 2);
}
