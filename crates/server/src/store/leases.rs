//! Leases: who may do alone, until when, what only one may do at a time.

use crate::args;
use crate::db::{Result, Write};

/// Removing blocks, or making sure that none is removed.
pub const BLOCK_REMOVAL: &str = "block-removal";

/// Looking through the whole block store for files without a row. Nobody
/// gives it back: it says until when nobody need look again.
pub const ORPHAN_SWEEP: &str = "orphan-sweep";

/// Expiring, collecting, pruning.
pub const JOBS: &str = "jobs";

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
