//! Sealed records and key envelopes, each under its hash.

use std::collections::BTreeMap;

use sv_ledger::id::{Hash, VaultId};

use crate::args;
use crate::db::{Query, Result, Value, Write};

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

/// Lengths of those of some bodies that are there.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn lengths(
    q: &mut impl Query,
    vault_id: VaultId,
    hashes: &[Hash],
) -> Result<BTreeMap<Hash, u64>> {
    let rows = q
        .query_list(
            "SELECT hash, LENGTH(bytes) FROM bodies WHERE vault_id = ? AND hash IN (?..)",
            args![vault_id],
            values(hashes),
        )
        .await?;
    rows.into_iter()
        .map(|mut row| Ok((row.take(0)?, row.take(1)?)))
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

/// Removes those of some bodies that are no envelopes; the bytes that they
/// had together.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn remove_records(write: &mut Write, vault_id: VaultId, hashes: &[Hash]) -> Result<u64> {
    let rows = write
        .query_list(
            "SELECT LENGTH(bytes) FROM bodies \
             WHERE vault_id = ? AND is_envelope = 0 AND hash IN (?..)",
            args![vault_id],
            values(hashes),
        )
        .await?;
    let mut removed = 0;
    for mut row in rows {
        removed += row.take::<u64>(0)?;
    }
    write
        .execute_list(
            "DELETE FROM bodies WHERE vault_id = ? AND is_envelope = 0 AND hash IN (?..)",
            args![vault_id],
            values(hashes),
        )
        .await?;
    Ok(removed)
}

fn values(hashes: &[Hash]) -> Vec<Value> {
    hashes.iter().map(|hash| Value::from(*hash)).collect()
}
