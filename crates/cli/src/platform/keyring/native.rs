//! macOS and Windows, whose keyrings are always there.

use std::sync::Arc;

use keyring_core::{CredentialStore, Entry, Error};
use zeroize::Zeroizing;

use super::{ItemId, KeyringError, PERSON};

#[cfg(target_os = "macos")]
use apple_native_keyring_store::keychain::Store;
#[cfg(windows)]
use windows_native_keyring_store::Store;

const SERVICE: &str = "SecureVault device key";

/// Keeps a secret. Its item is shown under its id: these keyrings have no
/// other name for it.
pub(in super::super) async fn keep(
    id: ItemId,
    secret: &[u8],
    _label: &str,
    _say: impl Fn(&str),
) -> Result<(), KeyringError> {
    let secret = Zeroizing::new(secret.to_vec());
    ask(id, move |entry| entry.set_secret(&secret)).await
}

/// The secret, if there is one.
pub(in super::super) async fn find(
    id: ItemId,
    _say: impl Fn(&str),
) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
    let read = |entry: &Entry| match entry.get_secret() {
        Ok(secret) => Ok(Some(Zeroizing::new(secret))),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(error),
    };
    ask(id, read).await
}

/// Removes the secret, if there is one.
pub(in super::super) async fn forget(id: ItemId, _say: impl Fn(&str)) -> Result<(), KeyringError> {
    let delete = |entry: &Entry| match entry.delete_credential() {
        Err(Error::NoEntry) => Ok(()),
        done => done,
    };
    ask(id, delete).await
}

/// The system may put a question to the person meanwhile.
async fn ask<T: Send + 'static>(
    id: ItemId,
    act: impl FnOnce(&Entry) -> Result<T, Error> + Send + 'static,
) -> Result<T, KeyringError> {
    let work = move || {
        let store: Arc<CredentialStore> = Store::new()?;
        act(&Entry::new_in_store(&store, SERVICE, &id.to_string())?)
    };
    let done = tokio::time::timeout(PERSON, tokio::task::spawn_blocking(work));
    let done = done.await.map_err(|_| KeyringError::Silent)?;
    let done = done.map_err(|error| KeyringError::Failed(error.to_string()))?;
    done.map_err(|error| match error {
        Error::NoStorageAccess(_) => KeyringError::Locked,
        other => KeyringError::Failed(other.to_string()),
    })
}
