//! With whom a server speaks to its database: on another machine with nobody
//! but the one whose certificate is right for the name, and never in the clear.
//!
//! A test has no other machine. To the system's resolver `LOCALHOST` is this
//! one; to this program, which knows it in small letters, it is a name like
//! that of any other.

use std::path::Path;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use sqlx::mysql::MySqlConnectOptions;
use sqlx::{ConnectOptions, Executor};
use sv_backends::sql::{FreshDatabase, Server};
use sv_server::db::Database;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};

use crate::stage;

const NAME: &str = "LOCALHOST";

#[test]
fn a_database_elsewhere_must_be_who_it_says() {
    let folder = TempDir::new().unwrap();
    let right = Authority::new(&folder.path().join("right.pem"));
    let _wrong = Authority::new(&folder.path().join("wrong.pem"));
    right.certify(NAME, folder.path());
    let file = |name: &str| folder.path().join(name).display().to_string();
    let settings = [
        format!("--ssl-cert={}", file("cert.pem")),
        format!("--ssl-key={}", file("key.pem")),
    ];
    stage::on_own(&settings.each_ref().map(String::as_str), |server| {
        stage::runtime().block_on(async {
            let wire = Wire::to(server).await;
            let ca = file("right.pem");

            wire.open(NAME, Some(&ca)).await.unwrap();
            assert!(!wire.carried_in_the_clear(), "TLS hides the name");
            for unknown in [Some(file("wrong.pem")), None] {
                let refused = wire.open(NAME, unknown.as_deref()).await.unwrap_err();
                assert!(refused.contains("UnknownIssuer"), "{refused}");
            }
            // Nor can the URL ask for less.
            let less = format!("{ca}&ssl-mode=REQUIRED");
            let refused = wire.open(NAME, Some(&less)).await.unwrap_err();
            assert!(refused.contains("verified identity"), "{refused}");

            // Somebody else, for whom the same authority vouches.
            right.certify("db.example", folder.path());
            wire.certify_again().await;
            let wrong_name = wire.open(NAME, Some(&ca)).await.unwrap_err();
            assert!(wrong_name.contains("not valid for name"), "{wrong_name}");
            assert!(!wire.carried_in_the_clear());
        });
    });
}

#[test]
fn a_database_elsewhere_is_never_spoken_to_in_the_clear() {
    stage::on_own(&["--skip-ssl"], |server| {
        stage::runtime().block_on(async {
            let wire = Wire::to(server).await;
            let refused = wire.open(NAME, None).await.unwrap_err();
            assert!(refused.contains("does not support TLS"), "{refused}");
            assert!(!wire.carried_in_the_clear());
            // On this machine it is, which shows what would have been seen.
            wire.open("127.0.0.1", None).await.unwrap();
            assert!(wire.carried_in_the_clear());
        });
    });
}

/// Signs certificates.
struct Authority {
    params: CertificateParams,
    key: KeyPair,
}

impl Authority {
    fn new(file: &Path) -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let name = file.display().to_string();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let own = params.self_signed(&key).unwrap();
        std::fs::write(file, own.pem()).unwrap();
        Self { params, key }
    }

    /// `cert.pem` and `key.pem` for a name.
    fn certify(&self, name: &str, folder: &Path) {
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::from_params(&self.params, &self.key);
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        std::fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
        std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    }
}

/// A port that leads to a server's socket; what clients send is kept.
struct Wire {
    database: FreshDatabase,
    name: String,
    port: u16,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl Wire {
    async fn to(server: &Server) -> Self {
        let database = server.fresh().await;
        let (place, query) = database.url().split_once('?').unwrap();
        let name = place.rsplit('/').next().unwrap().to_owned();
        let socket = query.strip_prefix("socket=").unwrap().replace("%2F", "/");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let sent = Arc::<Mutex<Vec<u8>>>::default();
        tokio::spawn(carry(listener, socket, sent.clone()));
        Self {
            database,
            name,
            port,
            sent,
        }
    }

    /// Opens the database as a server does at its start, by a name of this
    /// machine. The end of the error's chain is what went wrong.
    async fn open(&self, host: &str, ca: Option<&str>) -> Result<(), String> {
        let ca = ca.map(|ca| format!("?ssl-ca={ca}")).unwrap_or_default();
        let (name, port) = (&self.name, self.port);
        let url = format!("mysql://root@{host}:{port}/{name}{ca}");
        let opened = async {
            Database::migrate(&url).await?;
            Database::open(&url).await
        };
        match opened.await {
            Ok(db) => {
                db.close().await;
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// Has the server read its certificate again.
    async fn certify_again(&self) {
        let options: MySqlConnectOptions = self.database.url().parse().unwrap();
        let mut connection = options.connect().await.unwrap();
        connection.execute("FLUSH SSL").await.unwrap();
    }

    /// Whether a client named its database to whoever listens.
    fn carried_in_the_clear(&self) -> bool {
        assert!(self.database.url().contains(&self.name));
        let sent = self.sent.lock().unwrap();
        sent.windows(self.name.len())
            .any(|bytes| bytes == self.name.as_bytes())
    }
}

async fn carry(listener: TcpListener, socket: String, sent: Arc<Mutex<Vec<u8>>>) {
    while let Ok((client, _)) = listener.accept().await {
        let server = UnixStream::connect(&socket).await.unwrap();
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let sent = sent.clone();
        tokio::spawn(async move {
            let mut bytes = [0; 4096];
            while let Ok(len @ 1..) = from_client.read(&mut bytes).await {
                sent.lock().unwrap().extend_from_slice(&bytes[..len]);
                if to_server.write_all(&bytes[..len]).await.is_err() {
                    break;
                }
            }
        });
        tokio::spawn(async move {
            // Either end may break off.
            let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
        });
    }
}
