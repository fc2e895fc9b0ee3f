//! Leases: who may do alone, until when, what only one may do at a time.

use crate::args;
use crate::db::{Result, Write};

/// Removing blocks, or making sure that none is removed.
pub const BLOCK_REMOVAL: &str = "block-removal";

/// Takes or prolongs a lease; whether the holder has it now.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn claim(
    write: &mut Write,
    name: &'static str,
    holder: [u8; 16],
    now_ms: u64,
    until_ms: u64,
) -> Result<bool> {
    write
        .execute(
            "INSERT INTO leases (name, holder, until_ms) VALUES (?, ?, ?) UPSERT (name) NOTHING",
            args![name, holder, 0_u64],
        )
        .await?;
    let met = write
        .execute(
            "UPDATE leases SET holder = ?, until_ms = ? \
             WHERE name = ? AND (holder = ? OR until_ms <= ?)",
            args![holder, until_ms, name, holder, now_ms],
        )
        .await?;
    Ok(met == 1)
}

/// Ends every lease, whoever has it: those of another machine's past.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn clear(write: &mut Write) -> Result<()> {
    write.execute("DELETE FROM leases", args![]).await?;
    Ok(())
}

/// Gives a lease back.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn release(write: &mut Write, name: &'static str, holder: [u8; 16]) -> Result<()> {
    write
        .execute(
            "UPDATE leases SET until_ms = 0 WHERE name = ? AND holder = ?",
            args![name, holder],
        )
        .await?;
    Ok(())
}
