//! The installation: its OPAQUE keys and its id, made at the first start.

use sv_ledger::handle::Handle;
use sv_ledger::id::InstanceId;
use sv_pake::ServerSetup;
use zeroize::Zeroizing;

use crate::db::{self, Database};
use crate::secrets::{KeyEncryptionKey, Sealed, hmac_sha256, random, system_rng};
use crate::store::accounts::instance::{self as store, StoredInstance};

/// The installation's secrets, opened.
pub struct Instance {
    id: InstanceId,
    nonce: [u8; 32],
    setup: ServerSetup,
    credential_key: Zeroizing<[u8; 32]>,
}

/// Why the installation's secrets cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// The key-encryption key is another's.
    #[error(
        "the key does not belong to this database: nobody could log in. Restore the key file \
         that was made with the database, or name it with --key-file"
    )]
    WrongKey,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl Instance {
    /// Opens the installation's secrets, or makes them if there are none.
    ///
    /// # Errors
    /// [`InstanceError::WrongKey`] if `kek` did not seal them.
    pub async fn open(db: &Database, kek: &KeyEncryptionKey) -> Result<Self, InstanceError> {
        // Of several servers at their first start, one makes them.
        let stored = db.retry(|| lookup_or_make(db, kek)).await?;
        Self::unseal(&stored, kek)
    }

    /// Whether the database has an installation's secrets already.
    ///
    /// # Errors
    /// [`db::Error`].
    pub async fn exists(db: &Database) -> db::Result<bool> {
        Ok(store::lookup(&mut db.read().await?).await?.is_some())
    }

    /// The installation's id.
    pub const fn id(&self) -> InstanceId {
        self.id
    }

    pub(super) fn public_key(&self) -> [u8; 32] {
        self.setup.public_key()
    }

    pub(super) const fn nonce(&self) -> [u8; 32] {
        self.nonce
    }

    pub(super) const fn setup(&self) -> &ServerSetup {
        &self.setup
    }

    /// The name under which OPAQUE knows a handle (spec: `login.md` §3).
    pub(super) fn credential_identifier(&self, handle: &Handle) -> [u8; 32] {
        hmac_sha256(&self.credential_key, handle.as_str().as_bytes())
    }

    fn unseal(stored: &StoredInstance, kek: &KeyEncryptionKey) -> Result<Self, InstanceError> {
        let setup = kek
            .open(Sealed::OpaqueSetup, b"", &stored.opaque_setup)
            .map_err(|_| InstanceError::WrongKey)?;
        let setup = ServerSetup::from_bytes(&setup).map_err(|_| InstanceError::WrongKey)?;
        let key = kek
            .open(Sealed::CredentialKey, b"", &stored.credential_key)
            .map_err(|_| InstanceError::WrongKey)?;
        let key: [u8; 32] = key
            .as_slice()
            .try_into()
            .map_err(|_| InstanceError::WrongKey)?;
        if setup.public_key() != stored.opaque_public_key {
            return Err(InstanceError::WrongKey);
        }
        Ok(Self {
            id: stored.id(),
            nonce: stored.nonce,
            setup,
            credential_key: Zeroizing::new(key),
        })
    }
}

async fn lookup_or_make(db: &Database, kek: &KeyEncryptionKey) -> db::Result<StoredInstance> {
    let mut w = db.write().await?;
    if let Some(stored) = store::lookup(&mut w).await? {
        return Ok(stored);
    }
    let setup = ServerSetup::generate(&mut system_rng());
    let credential_key = Zeroizing::new(random::<32>());
    let stored = StoredInstance {
        opaque_setup: kek.seal(Sealed::OpaqueSetup, b"", setup.to_bytes().as_slice()),
        credential_key: kek.seal(Sealed::CredentialKey, b"", credential_key.as_slice()),
        opaque_public_key: setup.public_key(),
        nonce: random(),
    };
    store::insert(&mut w, &stored)
        .await
        .map_err(|error| match error {
            // Another server came first.
            db::Error::Exists => db::Error::Conflict,
            other => other,
        })?;
    w.commit().await?;
    Ok(stored)
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Instance({})", self.id)
    }
}
