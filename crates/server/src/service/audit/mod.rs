//! The audit log (spec: `audit.md`): what happened on this server that an
//! administrator may want to look up, in a chain in which nothing can be
//! changed or left out unnoticed without the key-encryption key.
//!
//! Whoever brings an event about notes it in the same unit of work, in no
//! order, so that requests never wait for one another. Whichever server comes
//! first moves what waits into the chain, a batch at a time.

mod chain;
mod event;
mod list;
mod row;
mod verify;

use std::sync::Arc;

use ed25519_dalek::SigningKey;
use sv_ledger::id::{InstanceId, SignPublicKey};
use zeroize::Zeroizing;

pub(crate) use event::{Detail, Event, Kind, from_network, note, note_all};
pub use list::Listed;
pub use verify::{BadRow, Verdict};
pub(crate) use verify::{Verifier, verify_chain};

use crate::clock::Clock;
use crate::db::{self, Database};
use crate::secrets::{KeyEncryptionKey, Sealed, random};
use crate::service::{Error, Result};
use crate::store::audit as store;

/// The audit log of one server. Clones are the same.
#[derive(Clone)]
pub struct Audit {
    db: Database,
    clock: Clock,
    kek: Arc<KeyEncryptionKey>,
    instance: InstanceId,
    signer: SigningKey,
}

impl Audit {
    /// Opens the log, or begins it at the first start.
    ///
    /// # Errors
    /// [`Error::Database`]; [`Error::Internal`] if the signing key does not
    /// open.
    pub async fn open(
        db: Database,
        clock: Clock,
        kek: Arc<KeyEncryptionKey>,
        instance: InstanceId,
    ) -> Result<Self> {
        let stored = db.retry(|| lookup_or_begin(&db, &kek)).await?;
        let opened = kek
            .open(Sealed::AuditKey, b"", &stored.secret_key)
            .map_err(|_| Error::Internal("the audit log's key does not open"))?;
        let secret: [u8; 32] = opened
            .as_slice()
            .try_into()
            .map_err(|_| Error::Internal("the audit log's key is malformed"))?;
        let secret = Zeroizing::new(secret);
        Ok(Self {
            db,
            clock,
            kek,
            instance,
            signer: SigningKey::from_bytes(&secret),
        })
    }

    /// What checkpoints verify against.
    pub fn public_key(&self) -> SignPublicKey {
        SignPublicKey::new(self.signer.verifying_key().to_bytes())
    }
}

async fn lookup_or_begin(db: &Database, kek: &KeyEncryptionKey) -> db::Result<store::StoredChain> {
    if let Some(chain) = store::chain(&mut db.read().await?).await? {
        return Ok(chain);
    }
    let secret = Zeroizing::new(random::<32>());
    let public = SigningKey::from_bytes(&secret).verifying_key().to_bytes();
    let mut w = db.write().await?;
    let sealed = kek.seal(Sealed::AuditKey, b"", secret.as_slice());
    store::begin(&mut w, SignPublicKey::new(public), sealed).await?;
    // Of several servers at their first start, one began it.
    let chain = store::lock_chain(&mut w).await?;
    w.commit().await?;
    chain.ok_or(db::Error::Conflict)
}

impl std::fmt::Debug for Audit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Audit")
    }
}
