//! Private files of the profile, in IndexedDB. All but one are sealed by the
//! client under keys that follow from the account's root key; the profile,
//! which has that key in it (sealed for the session), is sealed here by a key
//! that this browser does not show.

use sv_client::port::{Storage, StorageError};
use web_sys::DedicatedWorkerGlobalScope;

use super::database::Database;
use super::explain;
use super::seal::Sealer;

/// The file that names account and session.
const PROFILE: &str = "profile";

/// Files in IndexedDB.
pub(crate) struct BrowserStorage {
    database: Database,
    sealer: Sealer,
}

impl BrowserStorage {
    pub(super) fn new(
        database: Database,
        scope: &DedicatedWorkerGlobalScope,
    ) -> Result<Self, StorageError> {
        let crypto = scope
            .crypto()
            .map_err(|error| StorageError(explain(&error)))?;
        let sealer = Sealer::new(crypto, database.clone());
        Ok(Self { database, sealer })
    }

    /// The database, for what is no file.
    pub(crate) const fn database(&self) -> &Database {
        &self.database
    }
}

impl Storage for BrowserStorage {
    async fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        let found = self.database.read(name).await?;
        match found {
            Some(sealed) if name == PROFILE => {
                let opened = self.sealer.open(name, &sealed).await?;
                // Empty is no profile, and is said to be one that was altered.
                Ok(Some(opened.unwrap_or_default()))
            }
            found => Ok(found),
        }
    }

    async fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError> {
        if name == PROFILE {
            let sealed = self.sealer.seal(name, bytes).await?;
            return self.database.replace(name, Some(&sealed)).await;
        }
        self.database.replace(name, Some(bytes)).await
    }

    async fn append(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError> {
        self.database.append(name, bytes).await
    }

    async fn remove(&self, name: &str) -> Result<(), StorageError> {
        self.database.replace(name, None).await
    }

    async fn clear(&self) -> Result<(), StorageError> {
        self.database.clear().await
    }
}
