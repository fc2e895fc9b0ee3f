//! Certificates from an authority, by ACME (RFC 8555) and its challenge
//! tls-alpn-01 on the server's own port. Account and certificate are kept in
//! the data folder; the next certificate is asked for when a third of the
//! time of the present one is left.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, Identifier, NewAccount,
    NewOrder, Order, OrderStatus, RetryPolicy,
};
use zeroize::Zeroizing;

use super::certificate::{About, Identity};
use super::challenge::Challenges;
use super::settings::AcmeSettings;
use super::shown::Shown;
use super::{TlsError, private_file};
use crate::clock::Clock;

/// The authority's account, in its own form.
const ACCOUNT: &str = "account.json";
/// Key and chain together, so that neither is ever without the other.
const CERTIFICATE: &str = "certificate.pem";
/// How long the authority may take to look, and to sign.
const PATIENCE: Duration = Duration::from_secs(120);
/// Pause after the first failure; it doubles up to [`LONGEST_PAUSE`].
/// Authorities lock out who fails often: five times an hour is common.
const PAUSE: Duration = Duration::from_secs(5 * 60);
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 60 * 60);
/// How often the calendar is looked at: a sleep stands still while the
/// machine does.
const LOOK: Duration = Duration::from_secs(60 * 60);

/// Gets certificates and keeps them.
#[derive(Debug)]
pub(super) struct Acme {
    settings: AcmeSettings,
    folder: PathBuf,
    shown: Arc<Shown>,
    challenges: Arc<Challenges>,
}

/// Why there is no certificate yet.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Acme(#[from] instant_acme::Error),
    #[error(transparent)]
    Local(#[from] TlsError),
    #[error("{0}")]
    Refused(String),
}

impl Acme {
    /// Shows what was got before, if it is for these names.
    ///
    /// # Errors
    /// [`TlsError`] if what is kept cannot be used, or the root certificate
    /// cannot be read.
    pub(super) fn open(
        settings: &AcmeSettings,
        folder: &Path,
        shown: Arc<Shown>,
        challenges: Arc<Challenges>,
    ) -> Result<Self, TlsError> {
        if let Some(root) = &settings.root {
            std::fs::metadata(root).map_err(|error| TlsError::Io(root.clone(), error))?;
        }
        let folder = folder_of(settings, folder);
        if let Some(identity) = load(&folder)?
            && identity.about.covers(&settings.domains)
        {
            shown.set(identity);
        }
        Ok(Self {
            settings: settings.clone(),
            folder,
            shown,
            challenges,
        })
    }

    /// Gets the next certificate whenever it is time, until dropped.
    pub(super) async fn renew_forever(&self) {
        let mut pause = PAUSE;
        loop {
            if !self.is_due() {
                tokio::time::sleep(LOOK).await;
                continue;
            }
            let names = self.settings.domains.join(", ");
            tracing::info!(names, "asking for a TLS certificate");
            let outcome = self.renew().await;
            self.challenges.clear();
            match outcome {
                Ok(()) => {
                    pause = PAUSE;
                    tracing::info!(names, "there is a new TLS certificate");
                }
                Err(error) => {
                    let minutes = pause.as_secs() / 60;
                    tracing::warn!(%error, names, "no TLS certificate; trying again in {minutes} minutes");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    fn is_due(&self) -> bool {
        let Some(about) = self.shown.about() else {
            return true;
        };
        let third = about.until_ms.saturating_sub(about.from_ms) / 3;
        Clock::system().now_ms() >= about.until_ms.saturating_sub(third)
    }

    async fn renew(&self) -> Result<(), Failure> {
        let account = self.account().await?;
        let names: Vec<Identifier> = self
            .settings
            .domains
            .iter()
            .cloned()
            .map(Identifier::Dns)
            .collect();
        let mut order = account.new_order(&NewOrder::new(&names)).await?;
        self.prove(&mut order).await?;
        let retries = RetryPolicy::new().timeout(PATIENCE);
        let polled = order.poll_ready(&retries).await;
        if !matches!(polled, Ok(OrderStatus::Ready)) {
            return Err(why_not(order, polled).await);
        }
        let key = Zeroizing::new(order.finalize().await?);
        let chain = order.poll_certificate(&retries).await?;
        self.keep(&key, &chain)
    }

    /// Answers the challenge for every name that is not proven yet.
    async fn prove(&self, order: &mut Order) -> Result<(), Failure> {
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            if authorization.status == AuthorizationStatus::Valid {
                continue;
            }
            let mut challenge = authorization
                .challenge(ChallengeType::TlsAlpn01)
                .ok_or_else(|| Failure::Refused("it offers no tls-alpn-01 challenge".to_owned()))?;
            let name = challenge.identifier().to_string();
            let key = challenge.key_authorization();
            let digest = key.digest();
            let digest = digest.as_ref().try_into();
            let digest = digest.map_err(|_| Failure::Refused("no SHA-256 digest".to_owned()))?;
            self.challenges
                .answer(&name, digest)
                .map_err(Failure::Refused)?;
            challenge.set_ready().await?;
        }
        Ok(())
    }

    /// First on disk, then shown: a certificate that is in use is not lost.
    fn keep(&self, key: &str, chain: &str) -> Result<(), Failure> {
        let path = self.folder.join(CERTIFICATE);
        let identity = Identity::from_pem(chain.as_bytes(), key.as_bytes())
            .map_err(|error| TlsError::Bad(path.clone(), error))?;
        let both = Zeroizing::new(format!("{key}{chain}"));
        private_file::replace(&path, both.as_bytes()).map_err(|error| TlsError::Io(path, error))?;
        self.shown.set(identity);
        Ok(())
    }

    async fn account(&self) -> Result<Account, Failure> {
        let builder = match &self.settings.root {
            Some(root) => Account::builder_with_root(root)?,
            None => Account::builder()?,
        };
        let path = self.folder.join(ACCOUNT);
        let io = |error| TlsError::Io(path.clone(), error);
        if let Some(bytes) = private_file::read(&path).map_err(io)? {
            let credentials: AccountCredentials =
                serde_json::from_slice(&bytes).map_err(|error| io(error.into()))?;
            return Ok(builder.from_credentials(credentials).await?);
        }
        let contact = self.settings.contact.iter();
        let contact: Vec<String> = contact.map(|mail| format!("mailto:{mail}")).collect();
        let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
        let new = NewAccount {
            contact: &contact,
            terms_of_service_agreed: true,
            only_return_existing: false,
        };
        let directory = self.settings.directory.clone();
        let (account, credentials) = builder.create(&new, directory, None).await?;
        let bytes = serde_json::to_vec(&credentials).map_err(|error| io(error.into()))?;
        private_file::replace(&path, &Zeroizing::new(bytes)).map_err(io)?;
        Ok(account)
    }
}

/// The certificate that is kept, if there is one.
///
/// # Errors
/// [`TlsError`] if it cannot be used.
pub(super) fn stored(settings: &AcmeSettings, folder: &Path) -> Result<Option<About>, TlsError> {
    let identity = load(&folder_of(settings, folder))?;
    Ok(identity.map(|identity| identity.about))
}

fn load(folder: &Path) -> Result<Option<Identity>, TlsError> {
    let path = folder.join(CERTIFICATE);
    let read = private_file::read(&path).map_err(|error| TlsError::Io(path.clone(), error))?;
    read.map(|pem| Identity::from_pem(&pem, &pem))
        .transpose()
        .map_err(|error| TlsError::Bad(path, error))
}

/// One for each authority, so that what a trial got is not taken for real.
fn folder_of(settings: &AcmeSettings, folder: &Path) -> PathBuf {
    let address = settings.directory.split("://").last().unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    folder.join(address.chars().map(plain).collect::<String>())
}

/// The authority's reason is with the name it is about.
async fn why_not(mut order: Order, polled: Result<OrderStatus, instant_acme::Error>) -> Failure {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let name = authorization.identifier().to_string();
        let Ok(state) = authorization.refresh().await else {
            continue;
        };
        let problem = state.challenges.iter().find_map(|one| one.error.as_ref());
        if let Some(problem) = problem {
            return Failure::Refused(format!("{name}: {problem}"));
        }
    }
    match polled {
        Ok(status) => Failure::Refused(format!("the order is {status:?}")),
        Err(error) => error.into(),
    }
}
