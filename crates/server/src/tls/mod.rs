//! TLS at the server's own port, for whoever has no proxy in front: with
//! certificate files, with certificates by ACME, or with one made here that
//! clients pin by its fingerprint.

mod acme;
mod certificate;
mod challenge;
mod files;
mod private_file;
mod self_signed;
mod settings;
mod shown;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{Acceptor, ResolvesServerCert};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

pub use certificate::{About, BadCertificate, Fingerprint};
pub use settings::{AcmeSettings, SettingsError, TlsArgs, TlsSettings};

use acme::Acme;
use challenge::Challenges;
use files::{Files, Watch};
use shown::Shown;

/// Its folder in the data folder.
const FOLDER: &str = "tls";
/// Newest first; what is older has known weaknesses.
const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
/// The one application protocol that is spoken.
const HTTP: &[u8] = b"http/1.1";
/// The first byte of a TLS connection: a handshake record.
const HANDSHAKE: u8 = 0x16;

/// The server's side of TLS. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Tls {
    shown: Arc<Shown>,
    config: Arc<ServerConfig>,
    challenges: Arc<ServerConfig>,
    renewal: Arc<Renewal>,
    host: Option<String>,
}

/// How the certificate stays good.
#[derive(Debug)]
enum Renewal {
    /// Somebody else replaces the files.
    Files(Files),
    /// By asking for the next one.
    Acme(Box<Acme>),
    /// It is the fingerprint that counts, so it stays.
    Kept,
}

/// Why TLS cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file system refused.
    #[error("cannot use {0}: {1}")]
    Io(PathBuf, #[source] io::Error),
    /// A file that holds no usable certificate or key.
    #[error("{0}: {1}")]
    Bad(PathBuf, #[source] BadCertificate),
    /// The cryptographic library refused.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

/// What a new connection turned out to be.
#[derive(Debug)]
pub(crate) enum Greeting {
    /// Encrypted from here on.
    Encrypted(Box<TlsStream<TcpStream>>),
    /// HTTP without TLS: a mistyped address. Nothing of it was read.
    Plain(TcpStream),
    /// A certificate authority had a look; there is nothing more to say.
    Done,
}

impl Tls {
    /// Loads or makes the certificate. By ACME the first one comes later,
    /// since the authority looks at the open port.
    ///
    /// # Errors
    /// [`TlsError`] for files that cannot be used.
    pub fn open(settings: &TlsSettings, data: &Path) -> Result<Option<Self>, TlsError> {
        let folder = data.join(FOLDER);
        let shown = Arc::new(Shown::default());
        let challenges = Arc::new(Challenges::default());
        let mut host = None;
        let renewal = match settings {
            TlsSettings::Off => return Ok(None),
            TlsSettings::Files { cert, key } => {
                let files = Files::new(cert.clone(), key.clone());
                let identity = files.load()?;
                host = identity.about.host();
                shown.set(identity);
                Renewal::Files(files)
            }
            TlsSettings::Acme(settings) => {
                let acme = Acme::open(settings, &folder, shown.clone(), challenges.clone())?;
                host = settings.domains.first().cloned();
                Renewal::Acme(Box::new(acme))
            }
            TlsSettings::SelfSigned => {
                shown.set(self_signed::load_or_make(&folder)?);
                Renewal::Kept
            }
        };
        Ok(Some(Self {
            config: Arc::new(config(shown.clone(), HTTP)?),
            challenges: Arc::new(config(challenges, challenge::PROTOCOL)?),
            renewal: Arc::new(renewal),
            shown,
            host,
        }))
    }

    /// The certificate that is shown now.
    pub fn certificate(&self) -> Option<About> {
        self.shown.about()
    }

    /// Whether the certificate was made here, and is trusted by fingerprint.
    pub fn is_self_signed(&self) -> bool {
        matches!(*self.renewal, Renewal::Kept)
    }

    /// The name that people reach this server by; for a self-signed
    /// certificate, this machine's address on its network.
    pub fn host(&self) -> Option<String> {
        match self.is_self_signed() {
            true => self_signed::network_address().map(|address| address.to_string()),
            false => self.host.clone(),
        }
    }

    /// Keeps the certificate good, until dropped.
    pub(crate) async fn renew_forever(&self) {
        match &*self.renewal {
            Renewal::Files(files) => {
                Watch::new(files.clone(), self.shown.clone())
                    .forever()
                    .await
            }
            Renewal::Acme(acme) => acme.renew_forever().await,
            Renewal::Kept => std::future::pending().await,
        }
    }

    /// Greets a connection. Takes as long as the other side does: the caller
    /// sets the limit.
    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<Greeting> {
        let mut first = [0];
        if stream.peek(&mut first).await? == 0 {
            return Ok(Greeting::Done);
        }
        if first[0] != HANDSHAKE {
            return Ok(Greeting::Plain(stream));
        }
        let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let offered = start.client_hello().alpn();
        let is_challenge = offered.is_some_and(|mut all| all.any(|one| one == challenge::PROTOCOL));
        if is_challenge {
            let mut stream = start.into_stream(self.challenges.clone()).await?;
            stream.shutdown().await?;
            return Ok(Greeting::Done);
        }
        let stream = start.into_stream(self.config.clone()).await?;
        Ok(Greeting::Encrypted(Box::new(stream)))
    }
}

/// What `doctor` says about a server's certificate.
///
/// # Errors
/// [`TlsError`] if there should be one and is not, or it cannot be used.
pub(crate) fn inspect(settings: &TlsSettings, data: &Path) -> Result<Option<About>, TlsError> {
    let folder = data.join(FOLDER);
    match settings {
        TlsSettings::Off => Ok(None),
        TlsSettings::Files { cert, key } => {
            let identity = Files::new(cert.clone(), key.clone()).load()?;
            Ok(Some(identity.about))
        }
        TlsSettings::Acme(settings) => acme::stored(settings, &folder),
        TlsSettings::SelfSigned => self_signed::stored(&folder),
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn config(
    certificates: Arc<dyn ResolvesServerCert>,
    protocol: &[u8],
) -> Result<ServerConfig, TlsError> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&VERSIONS)
        .map_err(|error| TlsError::Setup(error.to_string()))?
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.alpn_protocols = vec![protocol.to_vec()];
    Ok(config)
}
