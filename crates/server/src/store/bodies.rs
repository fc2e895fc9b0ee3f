//! Sealed records and key envelopes, each under its hash.

use std::collections::BTreeMap;

use sv_ledger::id::{Hash, VaultId};

use crate::args;
use crate::db::{Query, Result, Value, Write};

/// A body that is there, as far as it can be told without its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Bytes of it.
    pub len: u64,
    /// Whether it is kept as an envelope.
    pub is_envelope: bool,
}

/// Adds bodies; those that are there stay.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn insert(
    write: &mut Write,
    vault_id: VaultId,
    is_envelope: bool,
    bodies: impl Iterator<Item = (Hash, Vec<u8>)> + Send,
) -> Result<()> {
    let rows = bodies
        .map(|(hash, bytes)| args![vault_id, hash, is_envelope, bytes])
        .collect();
    // What is an envelope once, is kept as one.
    let sql = if is_envelope {
        "INSERT INTO bodies (vault_id, hash, is_envelope, bytes) VALUES (?, ?, ?, ?) \
         UPSERT (vault_id, hash) SET is_envelope"
    } else {
        "INSERT INTO bodies (vault_id, hash, is_envelope, bytes) VALUES (?, ?, ?, ?) \
         UPSERT (vault_id, hash) NOTHING"
    };
    write.insert(sql, rows).await
}

/// Those of some bodies that are there, without their bytes.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn stored(
    q: &mut impl Query,
    vault_id: VaultId,
    hashes: &[Hash],
) -> Result<BTreeMap<Hash, Stored>> {
    let rows = q
        .query_list(
            "SELECT hash, LENGTH(bytes), is_envelope FROM bodies \
             WHERE vault_id = ? AND hash IN (?..)",
            args![vault_id],
            values(hashes),
        )
        .await?;
    rows.into_iter()
        .map(|mut row| {
            let (len, is_envelope) = (row.take(1)?, row.take(2)?);
            Ok((row.take(0)?, Stored { len, is_envelope }))
        })
        .collect()
}

/// Those of some bodies that are there.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn find(
    q: &mut impl Query,
    vault_id: VaultId,
    hashes: &[Hash],
) -> Result<BTreeMap<Hash, Vec<u8>>> {
    let rows = q
        .query_list(
            "SELECT hash, bytes FROM bodies WHERE vault_id = ? AND hash IN (?..)",
            args![vault_id],
            values(hashes),
        )
        .await?;
    rows.into_iter()
        .map(|mut row| Ok((row.take(0)?, row.take(1)?)))
        .collect()
}

/// Keeps some bodies as records, of which none is an envelope any more.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn keep_as_records(write: &mut Write, vault_id: VaultId, hashes: &[Hash]) -> Result<()> {
    let sql = "UPDATE bodies SET is_envelope = 0 WHERE vault_id = ? AND hash IN (?..)";
    write
        .execute_list(sql, args![vault_id], values(hashes))
        .await?;
    Ok(())
}

/// Removes those of some bodies that are no envelopes; the bytes that they
/// had together.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn remove_records(write: &mut Write, vault_id: VaultId, hashes: &[Hash]) -> Result<u64> {
    remove(write, vault_id, false, hashes).await
}

/// Removes those of some bodies that are envelopes; the bytes that they had
/// together.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn remove_envelopes(
    write: &mut Write,
    vault_id: VaultId,
    hashes: &[Hash],
) -> Result<u64> {
    remove(write, vault_id, true, hashes).await
}

async fn remove(
    write: &mut Write,
    vault_id: VaultId,
    is_envelope: bool,
    hashes: &[Hash],
) -> Result<u64> {
    let rows = write
        .query_list(
            "SELECT LENGTH(bytes) FROM bodies \
             WHERE vault_id = ? AND is_envelope = ? AND hash IN (?..)",
            args![vault_id, is_envelope],
            values(hashes),
        )
        .await?;
    let mut removed = 0;
    for mut row in rows {
        removed += row.take::<u64>(0)?;
    }
    write
        .execute_list(
            "DELETE FROM bodies WHERE vault_id = ? AND is_envelope = ? AND hash IN (?..)",
            args![vault_id, is_envelope],
            values(hashes),
        )
        .await?;
    Ok(removed)
}

fn values(hashes: &[Hash]) -> Vec<Value> {
    hashes.iter().map(|hash| Value::from(*hash)).collect()
}
