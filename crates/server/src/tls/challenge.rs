//! The certificates by which an authority sees that a name leads here
//! (RFC 8737, tls-alpn-01): one for each name, shown only to who asks for the
//! protocol `acme-tls/1`.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::provider;

/// Its name in the handshake.
pub(super) const PROTOCOL: &[u8] = b"acme-tls/1";

/// Answers to challenges, by name.
#[derive(Debug, Default)]
pub(crate) struct Challenges(RwLock<BTreeMap<String, Arc<CertifiedKey>>>);

impl Challenges {
    /// Has the answer for a name ready; `digest` is the SHA-256 of the key
    /// authorisation.
    ///
    /// # Errors
    /// A sentence, if no certificate can be made.
    pub(super) fn answer(&self, name: &str, digest: &[u8; 32]) -> Result<(), String> {
        let key = certificate(name, digest)?;
        let mut answers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        answers.insert(name.to_owned(), Arc::new(key));
        Ok(())
    }

    /// Forgets them all.
    pub(super) fn clear(&self) {
        let mut answers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        answers.clear();
    }
}

impl ResolvesServerCert for Challenges {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let answers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        answers.get(hello.server_name()?).cloned()
    }
}

fn certificate(name: &str, digest: &[u8; 32]) -> Result<CertifiedKey, String> {
    let make = || {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
        Ok((params.self_signed(&key)?, key))
    };
    let (certificate, key) = make().map_err(|error: rcgen::Error| error.to_string())?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(str::to_owned)?;
    let key = provider().key_provider.load_private_key(key);
    let key = key.map_err(|error| error.to_string())?;
    // Not held against each other: rustls reads no certificate with this
    // extension, which is critical, and both were made right here.
    Ok(CertifiedKey::new(vec![certificate.der().clone()], key))
}
