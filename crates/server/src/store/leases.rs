//! Leases: who may do alone, until when, what only one may do at a time.

use crate::args;
use crate::db::{Query, Result, Write};

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

/// Notes without an end, kept beside the leases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// A move to another database has begun.
    MovingAway,
    /// A move to another database has ended.
    MovedAway,
    /// A move into this database has begun.
    Arriving,
}

impl Mark {
    const fn name(self) -> &'static str {
        match self {
            Self::MovingAway => "moving-away",
            Self::MovedAway => "moved-away",
            Self::Arriving => "arriving",
        }
    }
}

/// The move that a mark is about, if it is there.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn marked(q: &mut impl Query, mark: Mark) -> Result<Option<[u8; 16]>> {
    let sql = "SELECT holder FROM leases WHERE name = ?";
    let row = q.lookup(sql, args![mark.name()]).await?;
    row.map(|mut row| row.take(0)).transpose()
}

/// Sets a mark.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn mark(write: &mut Write, mark: Mark, holder: [u8; 16]) -> Result<()> {
    write
        .execute(
            "INSERT INTO leases (name, holder, until_ms) VALUES (?, ?, ?) \
             UPSERT (name) SET holder, until_ms",
            args![mark.name(), holder, u64::MAX],
        )
        .await?;
    Ok(())
}

/// Takes a mark away.
///
/// # Errors
/// [`crate::db::Error`].
pub async fn unmark(write: &mut Write, mark: Mark) -> Result<()> {
    write
        .execute("DELETE FROM leases WHERE name = ?", args![mark.name()])
        .await?;
    Ok(())
}
