//! The buckets of rate limits, and the expiry of everything short-lived.

use crate::args;
use crate::db::{Query, Result, Write};

/// When a bucket is empty again; 0 for one that was never used. Locked until
/// the end of the unit of work, for which its row has to be there.
pub(crate) async fn free_at_ms(w: &mut Write, bucket: [u8; 32]) -> Result<u64> {
    let sql = "SELECT free_at_ms FROM rate_limits WHERE bucket = ? FOR UPDATE";
    if let Some(mut row) = w.lookup(sql, args![bucket]).await? {
        return row.take(0);
    }
    w.execute(
        "INSERT INTO rate_limits (bucket, free_at_ms) VALUES (?, 0) UPSERT (bucket) NOTHING",
        args![bucket],
    )
    .await?;
    match w.lookup(sql, args![bucket]).await? {
        Some(mut row) => row.take(0),
        None => Ok(0),
    }
}

pub(crate) async fn put(w: &mut Write, bucket: [u8; 32], free_at_ms: u64) -> Result<()> {
    w.execute(
        "INSERT INTO rate_limits (bucket, free_at_ms) VALUES (?, ?) \
         UPSERT (bucket) SET free_at_ms",
        args![bucket, free_at_ms],
    )
    .await?;
    Ok(())
}

/// Gives back one try.
pub(crate) async fn give_back(w: &mut Write, bucket: [u8; 32], interval_ms: u64) -> Result<()> {
    w.execute(
        "UPDATE rate_limits SET free_at_ms = free_at_ms - ? WHERE bucket = ? AND free_at_ms > ?",
        args![interval_ms, bucket, interval_ms],
    )
    .await?;
    Ok(())
}

/// Forgets whatever time has made meaningless.
pub(crate) async fn expire(w: &mut Write, now_ms: u64, devices_before_ms: u64) -> Result<u64> {
    let mut met = 0;
    for sql in [
        "DELETE FROM rate_limits WHERE free_at_ms <= ?",
        "DELETE FROM logins WHERE expires_ms <= ?",
        "DELETE FROM recovery_nonces WHERE expires_ms <= ?",
        "DELETE FROM sessions WHERE expires_ms <= ?",
        "DELETE FROM invitations WHERE expires_ms <= ? AND taken_by IS NULL",
    ] {
        met += w.execute(sql, args![now_ms]).await?;
    }
    let sql = "DELETE FROM devices WHERE last_used_ms < ?";
    met += w.execute(sql, args![devices_before_ms]).await?;
    Ok(met)
}
