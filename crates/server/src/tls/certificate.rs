//! A certificate with its chain and its key, and what it says about itself.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use data_encoding::HEXLOWER;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::provider;

/// What a server can prove it is.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) key: Arc<CertifiedKey>,
    pub(crate) about: About,
}

/// What a certificate says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Names and addresses that it is for.
    pub names: Vec<String>,
    /// From when it is good, in milliseconds since 1970.
    pub from_ms: u64,
    /// Until when.
    pub until_ms: u64,
    /// By which people and programs recognise it.
    pub fingerprint: Fingerprint,
}

/// The SHA-256 of a certificate, written `sha256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

/// What is wrong with a certificate or its key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCertificate {
    /// No certificate in the file.
    #[error("there is no certificate in it; it must be in PEM, the server's certificate first")]
    NoCertificate,
    /// No key in the file.
    #[error("there is no private key in it; it must be in PEM, without a password")]
    NoKey,
    /// Something that is no certificate.
    #[error("the certificate in it cannot be read: {0}")]
    Malformed(String),
    /// A key of another certificate, or of a kind that TLS does not use.
    #[error("certificate and private key cannot be used together: {0}")]
    Unusable(String),
}

impl Identity {
    /// Takes a chain, the server's own certificate first, and its key.
    ///
    /// # Errors
    /// [`BadCertificate`] if they are none, or do not belong together.
    pub(crate) fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, BadCertificate> {
        let chain = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| BadCertificate::Malformed(error.to_string()))?;
        let first = chain.first().ok_or(BadCertificate::NoCertificate)?;
        let about = About::of(first)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| BadCertificate::NoKey)?;
        let key = CertifiedKey::from_der(chain, key, &provider())
            .map_err(|error| BadCertificate::Unusable(error.to_string()))?;
        Ok(Self {
            key: Arc::new(key),
            about,
        })
    }
}

impl About {
    fn of(certificate: &CertificateDer<'_>) -> Result<Self, BadCertificate> {
        let malformed = |error: x509_cert::der::Error| BadCertificate::Malformed(error.to_string());
        let parsed = Certificate::from_der(certificate).map_err(malformed)?;
        let parsed = parsed.tbs_certificate();
        let names = parsed
            .get_extension::<SubjectAltName>()
            .map_err(malformed)?;
        let validity = parsed.validity();
        let ms = |time: x509_cert::time::Time| {
            u64::try_from(time.to_unix_duration().as_millis()).unwrap_or(u64::MAX)
        };
        Ok(Self {
            names: names.map_or(Vec::new(), |(_, all)| {
                all.0.iter().filter_map(name).collect()
            }),
            from_ms: ms(validity.not_before),
            until_ms: ms(validity.not_after),
            fingerprint: Fingerprint(Sha256::digest(certificate).into()),
        })
    }

    /// Whether it is for each of these names.
    pub(crate) fn covers(&self, names: &[String]) -> bool {
        let has = |name: &String| self.names.iter().any(|own| own.eq_ignore_ascii_case(name));
        names.iter().all(has)
    }

    /// Days until it ends; none for one that has ended.
    pub(crate) const fn days_left(&self, now_ms: u64) -> u64 {
        const DAY_MS: u64 = 24 * 60 * 60 * 1000;
        self.until_ms.saturating_sub(now_ms) / DAY_MS
    }

    /// The first of its names under which a browser would look for it.
    pub(crate) fn host(&self) -> Option<String> {
        let is_host = |name: &&String| !name.starts_with("*.");
        self.names.iter().find(is_host).cloned()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", HEXLOWER.encode(&self.0))
    }
}

fn name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_owned()),
        GeneralName::IpAddress(octets) => address(octets.as_bytes()).map(|a| a.to_string()),
        _ => None,
    }
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(octets) {
        return Some(Ipv4Addr::from(v4).into());
    }
    let v6 = <[u8; 16]>::try_from(octets).ok()?;
    Some(Ipv6Addr::from(v6).into())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn made(names: &[&str]) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let params = CertificateParams::new(names).unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    #[test]
    fn a_certificate_says_what_it_is_for() {
        let (chain, key) = made(&["*.example.org", "example.org", "192.0.2.7", "2001:db8::7"]);
        let about = Identity::from_pem(chain.as_bytes(), key.as_bytes())
            .unwrap()
            .about;
        assert_eq!(
            about.names,
            ["*.example.org", "example.org", "192.0.2.7", "2001:db8::7"]
        );
        assert!(about.covers(&["EXAMPLE.org".to_owned()]));
        assert!(!about.covers(&["example.com".to_owned()]));
        assert_eq!(about.host().as_deref(), Some("example.org"));
        assert!(about.from_ms < about.until_ms);
        assert_eq!(about.days_left(about.until_ms), 0);
        assert_eq!(about.fingerprint.to_string().len(), "sha256:".len() + 64);
    }

    #[test]
    fn what_cannot_be_served_is_refused() {
        let ((chain, key), (_, other)) = (made(&["a.example"]), made(&["b.example"]));
        let refused = |chain: &str, key: &str| {
            Identity::from_pem(chain.as_bytes(), key.as_bytes()).map(|_| ())
        };
        assert_eq!(refused(&chain, &key), Ok(()));
        assert_eq!(refused("", &key), Err(BadCertificate::NoCertificate));
        assert_eq!(refused(&chain, ""), Err(BadCertificate::NoKey));
        assert_eq!(refused(&chain, &chain), Err(BadCertificate::NoKey));
        assert!(matches!(
            refused(&chain, &other),
            Err(BadCertificate::Unusable(_))
        ));
        let cut = chain.replace("-----END", "AAAA\n-----END");
        assert!(matches!(
            refused(&cut, &key),
            Err(BadCertificate::Malformed(_))
        ));
    }
}
