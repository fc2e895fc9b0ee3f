//! Certificates by ACME, from Pebble: the test authority of Let's Encrypt. It
//! really looks at the port (tls-alpn-01).

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use serde_json::json;
use sv_server::server::Server;
use sv_server::tls::{About, AcmeSettings, TlsSettings};
use tokio::net::TcpStream;

use super::client::{Connection, start_at};

const PATIENCE: Duration = Duration::from_secs(90);
const NAME: &str = "localhost";

/// A running authority.
struct Pebble {
    child: Child,
    directory: String,
    root: PathBuf,
}

impl Pebble {
    /// Starts one that looks for challenges at `tls_port`.
    async fn start(folder: &Path, tls_port: u16) -> Option<Self> {
        let (port, management, http) = (free_port(), free_port(), free_port());
        let root = write_certificates(folder);
        let config = json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{port}"),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": folder.join("pebble.pem"),
            "privateKey": folder.join("pebble.key"),
            "httpPort": http,
            "tlsPort": tls_port,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": false,
        }});
        let path = folder.join("pebble.json");
        fs::write(&path, config.to_string()).unwrap();
        let log = fs::File::create(folder.join("pebble.log")).unwrap();
        let child = Command::new("pebble")
            .arg("-config")
            .arg(path)
            .env("PEBBLE_VA_NOSLEEP", "1")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        let child = match child {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            child => child.expect("pebble starts"),
        };
        let pebble = Self {
            child,
            directory: format!("https://127.0.0.1:{port}/dir"),
            root,
        };
        let listens = async {
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let started = tokio::time::timeout(PATIENCE, listens).await;
        started.expect("pebble listens");
        Some(pebble)
    }

    fn settings(&self) -> TlsSettings {
        TlsSettings::Acme(AcmeSettings {
            domains: vec![NAME.to_owned()],
            contact: Some("host@example.org".to_owned()),
            directory: self.directory.clone(),
            root: Some(self.root.clone()),
        })
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that was free a moment ago: Pebble wants to be told numbers.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// What Pebble's own HTTPS is served with; gives the root to check it by.
fn write_certificates(folder: &Path) -> PathBuf {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(vec![]).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = ca.self_signed(&ca_key).unwrap();
    let issuer = Issuer::from_params(&ca, &ca_key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    fs::write(folder.join("pebble.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("pebble.key"), key.serialize_pem()).unwrap();
    let path = folder.join("root.pem");
    fs::write(&path, root.pem()).unwrap();
    path
}

/// Says so, loudly, where the authority is not installed.
fn skip() {
    assert!(
        std::env::var_os("CI").is_none(),
        "pebble is not installed: apt-get install pebble"
    );
    let line = "certificates by ACME: apt-get install pebble\n";
    eprint!("SKIPPED {line}");
    if let Ok(list) = std::env::var("SECUREVAULT_TEST_SKIPS") {
        let list = fs::OpenOptions::new().append(true).create(true).open(list);
        list.unwrap().write_all(line.as_bytes()).unwrap();
    }
}

/// Waits for a certificate that `is_it`.
async fn certificate(server: &Server, folder: &Path, is_it: impl Fn(&About) -> bool) -> About {
    let tls = server.tls().unwrap();
    let shown = async {
        loop {
            if let Some(about) = tls.certificate().filter(&is_it) {
                return about;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let shown = tokio::time::timeout(PATIENCE, shown).await;
    let log = fs::read_to_string(folder.join("pebble.log")).unwrap_or_default();
    assert!(shown.is_ok(), "no certificate: {log}");
    shown.unwrap()
}

fn stored(folder: &Path) -> Vec<PathBuf> {
    let authority = fs::read_dir(folder.join("data/tls")).unwrap().next();
    let files = fs::read_dir(authority.unwrap().unwrap().path()).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

/// A certificate that ends in an hour, in the place of the one that is kept.
fn make_old(path: &Path) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    let epoch = date_time_ymd(1970, 1, 1);
    params.not_before = epoch + (now - Duration::from_secs(30 * 86_400));
    params.not_after = epoch + (now + Duration::from_secs(3600));
    let certificate = params.self_signed(&key).unwrap();
    fs::write(path, key.serialize_pem() + &certificate.pem()).unwrap();
}

#[tokio::test]
async fn a_certificate_is_got_kept_and_renewed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let Some(pebble) = Pebble::start(folder, port).await else {
        return skip();
    };
    let server = start_at(&listen, folder, pebble.settings()).await.unwrap();
    assert_eq!(server.url(), format!("https://{NAME}:{port}"));
    let first = certificate(&server, folder, |_| true).await;
    assert_eq!(first.names, [NAME]);
    let mut connection = Connection::open(server.address()).await.unwrap();
    assert_eq!(connection.fingerprint, first.fingerprint.to_string());
    let answer = connection.ask().await;
    assert!(answer.contains("strict-transport-security"), "{answer}");
    drop(connection);
    server.stop().await;
    let files = stored(folder);
    let names: Vec<_> = files.iter().map(|f| f.file_name().unwrap()).collect();
    assert_eq!(names, ["account.json", "certificate.pem"]);
    for file in &files {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }

    // What is due is shown until the next one is there.
    make_old(&files[1]);
    let server = start_at(&listen, folder, pebble.settings()).await.unwrap();
    let old = server.tls().unwrap().certificate().unwrap();
    assert_ne!(old.fingerprint, first.fingerprint);
    let second = certificate(&server, folder, |about| {
        about.fingerprint != old.fingerprint
    })
    .await;
    assert!(second.until_ms > old.until_ms);
    server.stop().await;

    // What is good is shown without asking anybody.
    let settings = pebble.settings();
    drop(pebble);
    let server = start_at(&listen, folder, settings).await.unwrap();
    assert_eq!(server.tls().unwrap().certificate(), Some(second));
    server.stop().await;
}
