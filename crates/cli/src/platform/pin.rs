//! Trust in one certificate by its fingerprint, for a server whose name no
//! authority vouches for: one on a home network.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const PREFIX: &str = "sha256:";

/// The SHA-256 of a server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint([u8; 32]);

/// A text that is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is sha256: and 64 digits from 0 to f, as the server prints it")]
pub struct NoFingerprint;

/// Accepts one certificate, and remembers the last that it did not accept.
#[derive(Debug, Clone)]
pub(super) struct Pin {
    expected: Fingerprint,
    seen: Arc<Mutex<Option<Fingerprint>>>,
}

impl Fingerprint {
    fn of(certificate: &CertificateDer<'_>) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

impl FromStr for Fingerprint {
    type Err = NoFingerprint;

    /// As the server prints it, or as browsers do: with colons, in capitals.
    fn from_str(text: &str) -> Result<Self, NoFingerprint> {
        let text = text.trim();
        let digits = text.strip_prefix(PREFIX).unwrap_or(text);
        let digits: String = digits
            .chars()
            .filter(|c| *c != ':' && !c.is_whitespace())
            .collect();
        let bytes = HEXLOWER_PERMISSIVE.decode(digits.as_bytes());
        let bytes = bytes.map_err(|_| NoFingerprint)?;
        bytes.try_into().map(Self).map_err(|_| NoFingerprint)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", HEXLOWER.encode(&self.0))
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = NoFingerprint;

    fn try_from(text: String) -> Result<Self, NoFingerprint> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

impl Pin {
    pub(super) fn to(expected: Fingerprint) -> Self {
        Self {
            expected,
            seen: Arc::default(),
        }
    }

    /// TLS with whoever has the key of that certificate. Its names and its end
    /// are not looked at: the fingerprint says more.
    ///
    /// # Errors
    /// [`Error`] if this program has no TLS.
    pub(super) fn config(&self) -> Result<ClientConfig, Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = Verifier {
            pin: self.clone(),
            provider: provider.clone(),
        };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    /// What another certificate means, if one was shown.
    pub(super) fn mismatch(&self, server: &impl fmt::Display) -> Option<String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (seen, expected) = ((*seen)?, self.expected);
        Some(format!(
            "{server} is not the server that this device knows: it showed the certificate {seen} \
             and not {expected}. Either it was given a new one, or somebody is in between. \
             Nothing was sent. Ask whoever runs it, by another way; if the new one is right, log in \
             again with it as --fingerprint"
        ))
    }
}

#[derive(Debug)]
struct Verifier {
    pin: Pin,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = Fingerprint::of(certificate);
        let is_it = shown == self.pin.expected;
        let mut seen = self.pin.seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = (!is_it).then_some(shown);
        match is_it {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_as_servers_and_browsers_write_them() {
        let text = format!("sha256:{}", "0af1".repeat(16));
        let fingerprint: Fingerprint = text.parse().unwrap();
        assert_eq!(fingerprint.to_string(), text);
        let colons = vec!["0A:F1"; 16].join(":");
        assert_eq!(colons.parse(), Ok(fingerprint));
        for odd in ["", "sha256:", "sha1:00", &text[..text.len() - 2], "none"] {
            assert_eq!(odd.parse::<Fingerprint>(), Err(NoFingerprint), "{odd}");
        }
    }
}
