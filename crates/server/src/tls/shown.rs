//! The certificate that new connections are shown. A renewal changes it under
//! them; connections that are open keep theirs.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::certificate::{About, Identity};

/// What is shown: nothing yet, or one certificate for whatever name is asked.
#[derive(Debug, Default)]
pub(crate) struct Shown(RwLock<Option<Identity>>);

impl Shown {
    /// Shows this one from now on.
    pub(crate) fn set(&self, identity: Identity) {
        let mut shown = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *shown = Some(identity);
    }

    /// What is known about it.
    pub(crate) fn about(&self) -> Option<About> {
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        shown.as_ref().map(|identity| identity.about.clone())
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        shown.as_ref().map(|identity| identity.key.clone())
    }
}
