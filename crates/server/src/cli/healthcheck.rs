//! `securevaultd healthcheck`: for containers and supervisors.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::Failure;
use crate::config::Config;

const PATIENCE: Duration = Duration::from_secs(5);
const REQUEST: &[u8] =
    b"GET /healthz/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

pub(super) async fn run(config: Config) -> Result<(), Failure> {
    let listen = config.listen.rsplit_once(':');
    let port = listen.map_or("8080", |(_, port)| port);
    match tokio::time::timeout(PATIENCE, ask(port, config.tls.is_on())).await {
        Ok(Ok(true)) => {
            println!("ready");
            Ok(())
        }
        Ok(Ok(false)) => Err(Failure::failed("the server is not ready")),
        Ok(Err(error)) => Err(Failure::unreachable(error)),
        Err(_) => Err(Failure::unreachable("the server does not answer")),
    }
}

async fn ask(port: &str, is_encrypted: bool) -> io::Result<bool> {
    let stream = TcpStream::connect(format!("localhost:{port}")).await?;
    if !is_encrypted {
        return ask_on(stream).await;
    }
    let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
    let config = AnyCertificate::config().map_err(io::Error::other)?;
    let connector = TlsConnector::from(Arc::new(config));
    ask_on(connector.connect(name, stream).await?).await
}

async fn ask_on(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<bool> {
    stream.write_all(REQUEST).await?;
    stream.flush().await?;
    let mut status = [0; 12];
    stream.read_exact(&mut status).await?;
    Ok(status.ends_with(b" 200"))
}

/// Takes any certificate, for the one question whether this machine's own
/// server is ready: its certificate is for the name that others use, and
/// nothing secret is sent.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl AnyCertificate {
    fn config() -> Result<ClientConfig, Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Self(provider)))
            .with_no_client_auth();
        Ok(config)
    }
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
