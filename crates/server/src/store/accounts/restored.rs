//! Whether the database came out of a backup: one row, or none.

use crate::args;
use crate::db::{Query, Result, Write};

/// A restore.
pub(crate) struct Restored {
    pub(crate) restore_id: [u8; 16],
    pub(crate) restored_ms: u64,
    /// When the backup was taken.
    pub(crate) backup_ms: u64,
}

pub(crate) async fn lookup(q: &mut impl Query) -> Result<Option<Restored>> {
    let sql = "SELECT restore_id, restored_ms, backup_ms FROM restored WHERE id = 1";
    q.lookup(sql, args![])
        .await?
        .map(|mut row| {
            Ok(Restored {
                restore_id: row.take(0)?,
                restored_ms: row.take(1)?,
                backup_ms: row.take(2)?,
            })
        })
        .transpose()
}

pub(crate) async fn set(w: &mut Write, restored: &Restored) -> Result<()> {
    clear(w).await?;
    w.execute(
        "INSERT INTO restored (id, restore_id, restored_ms, backup_ms) VALUES (1, ?, ?, ?)",
        args![
            restored.restore_id,
            restored.restored_ms,
            restored.backup_ms
        ],
    )
    .await?;
    Ok(())
}

/// Ends the state; false if there was none.
pub(crate) async fn clear(w: &mut Write) -> Result<bool> {
    let met = w.execute("DELETE FROM restored", args![]).await?;
    Ok(met > 0)
}
