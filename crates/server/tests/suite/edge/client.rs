//! A TLS client that takes any certificate and says which one it was, and
//! servers to point it at.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, DigitallySignedStruct, Error, ProtocolVersion, SignatureScheme};
use sha2::{Digest, Sha256};
use sv_api::account::SignupPolicy;
use sv_server::config::{Config, Storage};
use sv_server::server::{Server, StartError};
use sv_server::tls::TlsSettings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A connection, and whom it is with.
pub(super) struct Connection {
    pub(super) stream: TlsStream<TcpStream>,
    /// As the server writes it.
    pub(super) fingerprint: String,
}

/// Starts a server on a free port of 127.0.0.1.
pub(super) async fn start(folder: &Path, tls: TlsSettings) -> Result<Server, StartError> {
    start_at("127.0.0.1:0", folder, tls).await
}

pub(super) async fn start_at(
    listen: &str,
    folder: &Path,
    tls: TlsSettings,
) -> Result<Server, StartError> {
    let storage = Storage::in_folder(folder.join("data"), folder.join("key"));
    let mut config = Config::on_free_port(storage, SignupPolicy::Open);
    config.listen = listen.to_owned();
    config.tls = tls;
    Server::start(config).await
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> std::io::Result<Self> {
        Self::offer(address, &[&TLS13, &TLS12]).await
    }

    pub(super) async fn offer(
        address: SocketAddr,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> std::io::Result<Self> {
        let seen = Arc::new(Mutex::new(String::new()));
        let mut config = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_protocol_versions(versions)
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Any(seen.clone())))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await?;
        let fingerprint = seen.lock().unwrap().clone();
        Ok(Self {
            stream,
            fingerprint,
        })
    }

    pub(super) fn version(&self) -> Option<ProtocolVersion> {
        self.stream.get_ref().1.protocol_version()
    }

    pub(super) fn protocol(&self) -> Option<&[u8]> {
        self.stream.get_ref().1.alpn_protocol()
    }

    /// Asks whether the server is ready, and leaves the connection open.
    pub(super) async fn ask(&mut self) -> String {
        let request = b"GET /healthz/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
        self.stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"ok\n") {
            let mut piece = [0; 1024];
            let len = self.stream.read(&mut piece).await.unwrap();
            assert_ne!(len, 0, "{}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&piece[..len]);
        }
        String::from_utf8(answer).unwrap()
    }
}

/// What a server without TLS at that port would be sent.
pub(super) async fn ask_plainly(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[derive(Debug)]
struct Any(Arc<Mutex<String>>);

impl ServerCertVerifier for Any {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let hex = data_encoding::HEXLOWER.encode(&Sha256::digest(certificate));
        *self.0.lock().unwrap() = format!("sha256:{hex}");
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let provider = aws_lc_rs::default_provider();
        verify_tls12_signature(
            message,
            cert,
            dss,
            &provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let provider = aws_lc_rs::default_provider();
        verify_tls13_signature(
            message,
            cert,
            dss,
            &provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let provider = aws_lc_rs::default_provider();
        provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
