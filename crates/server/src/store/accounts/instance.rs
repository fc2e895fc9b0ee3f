//! The installation: one row, with its own secrets, sealed and written once, and
//! what all its servers count together.

use sha2::{Digest, Sha256};
use sv_ledger::id::InstanceId;

use crate::args;
use crate::db::{Query, Result, Write};
use crate::store::corrupt;

/// The installation.
pub(crate) struct StoredInstance {
    /// Sealed.
    pub(crate) opaque_setup: Vec<u8>,
    /// Sealed.
    pub(crate) credential_key: Vec<u8>,
    pub(crate) opaque_public_key: [u8; 32],
    pub(crate) nonce: [u8; 32],
}

impl StoredInstance {
    /// The installation's id.
    pub(crate) fn id(&self) -> InstanceId {
        let digest = Sha256::new()
            .chain_update(self.opaque_public_key)
            .chain_update(self.nonce)
            .finalize();
        InstanceId::new(digest.into())
    }
}

pub(crate) async fn lookup(q: &mut impl Query) -> Result<Option<StoredInstance>> {
    let sql = "SELECT opaque_setup, credential_key, opaque_public_key, nonce \
               FROM instance WHERE id = 1";
    q.lookup(sql, args![])
        .await?
        .map(|mut row| {
            Ok(StoredInstance {
                opaque_setup: row.take(0)?,
                credential_key: row.take(1)?,
                opaque_public_key: row.take(2)?,
                nonce: row.take(3)?,
            })
        })
        .transpose()
}

/// Makes sure that only one server at a time does what concerns them all.
pub(crate) async fn lock(w: &mut Write) -> Result<()> {
    let sql = "SELECT id FROM instance WHERE id = 1 FOR UPDATE";
    w.lookup(sql, args![]).await?;
    Ok(())
}

/// Counts an entry that makes vaults members of another; which one it is, of
/// all. Like [`lock`]: no other goes on before this one has ended.
pub(crate) async fn count_nesting(w: &mut Write) -> Result<u64> {
    let sql = "UPDATE instance SET nestings = nestings + 1 WHERE id = 1";
    w.execute(sql, args![]).await?;
    nestings(w).await
}

/// How many such entries there were.
pub(crate) async fn nestings(q: &mut impl Query) -> Result<u64> {
    let row = q
        .lookup("SELECT nestings FROM instance WHERE id = 1", args![])
        .await?;
    row.ok_or(corrupt("instance"))?.take(0)
}

pub(crate) async fn insert(w: &mut Write, instance: &StoredInstance) -> Result<()> {
    w.execute(
        "INSERT INTO instance (id, opaque_setup, credential_key, opaque_public_key, nonce, \
         nestings) VALUES (1, ?, ?, ?, ?, 0)",
        args![
            instance.opaque_setup.clone(),
            instance.credential_key.clone(),
            instance.opaque_public_key,
            instance.nonce,
        ],
    )
    .await?;
    Ok(())
}
