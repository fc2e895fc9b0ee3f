//! TLS at the server's own port.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use rustls::ProtocolVersion;
use rustls::version::TLS12;
use sv_server::server::StartError;
use sv_server::tls::TlsSettings;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::client::{Connection, ask_plainly, start};

const PATIENCE: Duration = Duration::from_secs(30);

fn files(folder: &Path) -> TlsSettings {
    TlsSettings::Files {
        cert: folder.join("cert.pem"),
        key: folder.join("key.pem"),
    }
}

fn write_files(folder: &Path, name: &str) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
}

#[tokio::test]
async fn a_self_signed_server_keeps_its_fingerprint() {
    let folder = tempfile::tempdir().unwrap();
    let mut fingerprints = Vec::new();
    for _ in 0..2 {
        let server = start(folder.path(), TlsSettings::SelfSigned).await.unwrap();
        let tls = server.tls().unwrap();
        assert!(tls.is_self_signed());
        let port = server.address().port();
        assert_eq!(server.url(), format!("https://127.0.0.1:{port}"));
        let mut connection = Connection::open(server.address()).await.unwrap();
        assert_eq!(connection.version(), Some(ProtocolVersion::TLSv1_3));
        assert_eq!(connection.protocol(), Some(&b"http/1.1"[..]));
        let answer = connection.ask().await;
        // A browser that has heard of HSTS lets nobody past its warning.
        assert!(!answer.contains("strict-transport-security"), "{answer}");
        let shown = tls.certificate().unwrap().fingerprint.to_string();
        assert_eq!(connection.fingerprint, shown);
        fingerprints.push(shown);
        drop(connection);
        let older = Connection::offer(server.address(), &[&TLS12]).await;
        assert_eq!(older.unwrap().version(), Some(ProtocolVersion::TLSv1_2));
        server.stop().await;
    }
    assert_eq!(fingerprints[0], fingerprints[1]);
}

#[tokio::test]
async fn renewed_files_are_taken_up_and_connections_stay() {
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path(), "old.example");
    let server = start(folder.path(), files(folder.path())).await.unwrap();
    let port = server.address().port();
    assert_eq!(server.url(), format!("https://old.example:{port}"));
    let mut old = Connection::open(server.address()).await.unwrap();
    let answer = old.ask().await;
    assert!(
        answer.contains("strict-transport-security: max-age=31536000"),
        "{answer}"
    );

    write_files(folder.path(), "new.example");
    let renewed = async {
        loop {
            let connection = Connection::open(server.address()).await.unwrap();
            if connection.fingerprint != old.fingerprint {
                return connection;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let mut new = tokio::time::timeout(PATIENCE, renewed).await.unwrap();
    let about = server.tls().unwrap().certificate().unwrap();
    assert_eq!(about.names, ["new.example"]);
    assert_eq!(new.fingerprint, about.fingerprint.to_string());
    new.ask().await;
    old.ask().await;
    drop((old, new));
    server.stop().await;
}

#[tokio::test]
async fn a_server_does_not_start_with_files_that_are_no_good() {
    let folder = tempfile::tempdir().unwrap();
    let refused = async || {
        let started = start(folder.path(), files(folder.path())).await;
        let error = started.expect_err("a server that cannot prove who it is");
        assert!(matches!(error, StartError::Tls(_)), "{error}");
        error.to_string()
    };
    assert!(refused().await.contains("cert.pem"));
    write_files(folder.path(), "a.example");
    let key = fs::read(folder.path().join("key.pem")).unwrap();
    write_files(folder.path(), "b.example");
    fs::write(folder.path().join("key.pem"), key).unwrap();
    let why = refused().await;
    assert!(why.contains("key.pem") && why.contains("together"), "{why}");
    fs::write(folder.path().join("cert.pem"), "nothing").unwrap();
    let why = refused().await;
    assert!(why.contains("no certificate"), "{why}");
}

#[tokio::test]
async fn whoever_forgets_the_s_is_sent_on_and_nothing_else_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), TlsSettings::SelfSigned).await.unwrap();
    let at = server.address();
    let look = format!("GET /signup HTTP/1.1\r\nHost: {at}\r\n\r\n");
    let answer = ask_plainly(at, &look).await;
    assert!(answer.starts_with("HTTP/1.1 308"), "{answer}");
    assert!(
        answer.contains(&format!("location: https://{at}/signup\r\n")),
        "{answer}"
    );
    let call = format!("POST /v1/login/start HTTP/1.1\r\nHost: {at}\r\nContent-Length: 0\r\n\r\n");
    let answer = ask_plainly(at, &call).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.contains("https://"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_connection_that_never_greets_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), TlsSettings::SelfSigned).await.unwrap();
    let mut silent = TcpStream::connect(server.address()).await.unwrap();
    let mut byte = [0];
    let cut = tokio::time::timeout(PATIENCE, silent.read(&mut byte)).await;
    assert!(matches!(cut, Ok(Ok(0) | Err(_))), "{cut:?}");

    // One that is silent now does not hold up the end either.
    let silent = TcpStream::connect(server.address()).await.unwrap();
    tokio::time::timeout(PATIENCE, server.stop()).await.unwrap();
    drop(silent);
}
