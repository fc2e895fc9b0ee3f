//! Certificate files that somebody else renews, as certbot does: looked at
//! every few seconds, and taken up without dropping a connection.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::certificate::{BadCertificate, Identity};
use super::shown::Shown;
use super::{TlsError, private_file};

/// How often the files are looked at.
const INTERVAL: Duration = Duration::from_secs(2);

/// A chain and its key, in PEM.
#[derive(Debug, Clone)]
pub(super) struct Files {
    cert: PathBuf,
    key: PathBuf,
}

/// What is in the files.
struct Contents {
    chain: Zeroizing<Vec<u8>>,
    key: Zeroizing<Vec<u8>>,
}

/// Notices that the files have changed.
pub(super) struct Watch {
    files: Files,
    shown: Arc<Shown>,
    /// Digest of what was tried last, good or not.
    tried: Option<[u8; 32]>,
    /// Digest of a change that may not be complete: the two files are
    /// replaced one after the other.
    settling: Option<[u8; 32]>,
}

/// What a look at the files came to.
#[derive(Debug, PartialEq, Eq)]
enum Look {
    Unchanged,
    Settling,
    Taken,
    Refused(String),
}

impl Files {
    pub(super) const fn new(cert: PathBuf, key: PathBuf) -> Self {
        Self { cert, key }
    }

    /// Reads both.
    ///
    /// # Errors
    /// [`TlsError`] that names the file to blame.
    pub(super) fn load(&self) -> Result<Identity, TlsError> {
        self.understand(&self.read()?)
    }

    fn read(&self) -> Result<Contents, TlsError> {
        let read = |path: &Path| {
            private_file::read(path)
                .and_then(|bytes| bytes.ok_or_else(|| std::io::ErrorKind::NotFound.into()))
                .map_err(|error| TlsError::Io(path.to_owned(), error))
        };
        Ok(Contents {
            chain: read(&self.cert)?,
            key: read(&self.key)?,
        })
    }

    fn understand(&self, contents: &Contents) -> Result<Identity, TlsError> {
        Identity::from_pem(&contents.chain, &contents.key).map_err(|error| {
            let to_blame = match error {
                BadCertificate::NoKey | BadCertificate::Unusable(_) => &self.key,
                BadCertificate::NoCertificate | BadCertificate::Malformed(_) => &self.cert,
            };
            TlsError::Bad(to_blame.clone(), error)
        })
    }
}

impl Contents {
    fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update((self.chain.len() as u64).to_be_bytes());
        hash.update(&*self.chain);
        hash.update(&*self.key);
        hash.finalize().into()
    }
}

impl Watch {
    /// On files that `shown` shows already.
    pub(super) fn new(files: Files, shown: Arc<Shown>) -> Self {
        Self {
            tried: files.read().ok().map(|contents| contents.digest()),
            files,
            shown,
            settling: None,
        }
    }

    pub(super) async fn forever(mut self) {
        loop {
            tokio::time::sleep(INTERVAL).await;
            match self.look() {
                Look::Unchanged | Look::Settling => {}
                Look::Taken => tracing::info!("the TLS certificate was renewed"),
                Look::Refused(why) => {
                    tracing::warn!(why, "new TLS files are no good; the old ones stay in use");
                }
            }
        }
    }

    /// Small files, so it does no harm to read them here.
    fn look(&mut self) -> Look {
        // Gone or locked for a moment while they are replaced: looked at again.
        let Ok(contents) = self.files.read() else {
            return Look::Unchanged;
        };
        let digest = contents.digest();
        if self.tried == Some(digest) {
            self.settling = None;
            return Look::Unchanged;
        }
        if self.settling != Some(digest) {
            self.settling = Some(digest);
            return Look::Settling;
        }
        self.tried = Some(digest);
        match self.files.understand(&contents) {
            Ok(identity) => {
                self.shown.set(identity);
                Look::Taken
            }
            Err(error) => Look::Refused(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn write(folder: &Path, name: &str) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        fs::write(folder.join("cert"), certificate.pem()).unwrap();
        fs::write(folder.join("key"), key.serialize_pem()).unwrap();
    }

    #[test]
    fn a_renewal_is_taken_up_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let files = Files::new(path("cert"), path("key"));
        assert!(matches!(files.load(), Err(TlsError::Io(..))));
        write(folder.path(), "old.example");
        let shown = Arc::new(Shown::default());
        shown.set(files.load().unwrap());
        let mut watch = Watch::new(files, shown.clone());
        let host = || shown.about().unwrap().host().unwrap();
        assert_eq!(watch.look(), Look::Unchanged);

        // The new certificate is there, its key not yet.
        let old_key = fs::read(path("key")).unwrap();
        write(folder.path(), "new.example");
        let new_key = fs::read(path("key")).unwrap();
        fs::write(path("key"), &old_key).unwrap();
        assert_eq!(watch.look(), Look::Settling);
        fs::write(path("key"), new_key).unwrap();
        assert_eq!(watch.look(), Look::Settling);
        assert_eq!(host(), "old.example");
        assert_eq!(watch.look(), Look::Taken);
        assert_eq!(host(), "new.example");

        // What is no good is said once, and changes nothing.
        fs::write(path("key"), &old_key).unwrap();
        assert_eq!(watch.look(), Look::Settling);
        assert!(matches!(watch.look(), Look::Refused(_)));
        assert_eq!(watch.look(), Look::Unchanged);
        fs::remove_file(path("key")).unwrap();
        assert_eq!(watch.look(), Look::Unchanged);
        assert_eq!(host(), "new.example");
    }
}
