//! The audit log: events that wait for their place, the chain of rows, the
//! checkpoints signed over it, and where it begins and ends.

use sv_ledger::id::{Hash, SignPublicKey, VaultId};

use crate::args;
use crate::db::{Query, Result, Row, Value, Write};

/// An event as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Unix milliseconds.
    pub at_ms: u64,
    /// What happened.
    pub kind: u8,
    /// Who did it; zeros for the host, or nobody known.
    pub actor: VaultId,
    /// Whom or what it is about; zeros for nothing.
    pub subject: [u8; 32],
    /// Where the request came from; zeros if it came from no address.
    pub network: [u8; 16],
    /// More, by kind.
    pub detail: Vec<u8>,
}

/// A row of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRow {
    /// Its place, from 1.
    pub seq: u64,
    /// What happened.
    pub event: StoredEvent,
    /// Over the row and the hash before.
    pub hash: Hash,
    /// Over the hash, by the key-encryption key.
    pub mac: [u8; 32],
}

/// A signature over a place of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCheckpoint {
    /// The place.
    pub seq: u64,
    /// The hash there.
    pub hash: Hash,
    /// When it was signed, Unix milliseconds.
    pub at_ms: u64,
    /// Ed25519.
    pub signature: [u8; 64],
}

/// A place of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The number of a row; 0 before the first.
    pub seq: u64,
    /// Its hash; zeros before the first.
    pub hash: Hash,
}

/// Where the chain begins and ends, and its key.
#[derive(Debug, Clone)]
pub struct StoredChain {
    /// The last row.
    pub end: Place,
    /// The last row that was pruned.
    pub pruned: Place,
    /// What checkpoints verify against.
    pub public_key: SignPublicKey,
    /// Sealed.
    pub secret_key: Vec<u8>,
}

/// Adds events that wait.
///
/// # Errors
/// [`crate::db::Error`], as for all of these.
pub async fn add(write: &mut Write, events: Vec<([u8; 16], StoredEvent)>) -> Result<()> {
    let row = |(id, event): ([u8; 16], StoredEvent)| {
        let mut row = args![id];
        row.extend(values(event));
        row
    };
    write
        .insert(
            "INSERT INTO audit_events (event_id, at_ms, kind, actor, subject, network, detail) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            events.into_iter().map(row).collect(),
        )
        .await
}

/// Whether any event waits.
pub async fn is_waiting(q: &mut impl Query) -> Result<bool> {
    let sql = "SELECT event_id FROM audit_events LIMIT 1";
    Ok(q.lookup(sql, args![]).await?.is_some())
}

/// Events that wait, oldest first.
pub async fn waiting(q: &mut impl Query, limit: u32) -> Result<Vec<([u8; 16], StoredEvent)>> {
    let rows = q
        .query(
            "SELECT event_id, at_ms, kind, actor, subject, network, detail FROM audit_events \
             ORDER BY at_ms, event_id LIMIT ?",
            args![limit],
        )
        .await?;
    rows.into_iter()
        .map(|mut row| Ok((row.take(0)?, event(&mut row, 1)?)))
        .collect()
}

/// Removes events that have found their place.
pub async fn remove_waiting(write: &mut Write, ids: impl Iterator<Item = [u8; 16]>) -> Result<()> {
    write
        .execute_list(
            "DELETE FROM audit_events WHERE event_id IN (?..)",
            args![],
            ids.map(Value::from).collect(),
        )
        .await?;
    Ok(())
}

/// Adds rows to the chain.
pub async fn append(write: &mut Write, rows: Vec<StoredRow>) -> Result<()> {
    let row = |row: StoredRow| {
        let mut columns = args![row.seq];
        columns.extend(values(row.event));
        columns.extend(args![row.hash, row.mac]);
        columns
    };
    write
        .insert(
            "INSERT INTO audit_rows (seq, at_ms, kind, actor, subject, network, detail, hash, mac) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows.into_iter().map(row).collect(),
        )
        .await
}

/// Rows beyond `after`, ascending.
pub async fn rows(q: &mut impl Query, after: u64, limit: u32) -> Result<Vec<StoredRow>> {
    let rows = q
        .query(
            "SELECT seq, at_ms, kind, actor, subject, network, detail, hash, mac \
             FROM audit_rows WHERE seq > ? ORDER BY seq LIMIT ?",
            args![after, limit],
        )
        .await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(StoredRow {
                seq: row.take(0)?,
                event: event(&mut row, 1)?,
                hash: row.take(7)?,
                mac: row.take(8)?,
            })
        })
        .collect()
}

/// Adds a checkpoint.
pub async fn add_checkpoint(write: &mut Write, checkpoint: StoredCheckpoint) -> Result<()> {
    write
        .execute(
            "INSERT INTO audit_checkpoints (seq, hash, at_ms, signature) VALUES (?, ?, ?, ?)",
            args![
                checkpoint.seq,
                checkpoint.hash,
                checkpoint.at_ms,
                checkpoint.signature
            ],
        )
        .await?;
    Ok(())
}

/// Checkpoints from `from` on, ascending.
pub async fn checkpoints(
    q: &mut impl Query,
    from: u64,
    limit: u32,
) -> Result<Vec<StoredCheckpoint>> {
    let rows = q
        .query(
            "SELECT seq, hash, at_ms, signature FROM audit_checkpoints WHERE seq >= ? \
             ORDER BY seq LIMIT ?",
            args![from, limit],
        )
        .await?;
    rows.into_iter().map(checkpoint).collect()
}

/// The last checkpoint that was signed before a time.
pub async fn checkpoint_before(
    q: &mut impl Query,
    before_ms: u64,
) -> Result<Option<StoredCheckpoint>> {
    let row = q
        .lookup(
            "SELECT seq, hash, at_ms, signature FROM audit_checkpoints WHERE at_ms < ? \
             ORDER BY seq DESC LIMIT 1",
            args![before_ms],
        )
        .await?;
    row.map(checkpoint).transpose()
}

/// Begins the chain, if there is none.
pub async fn begin(
    write: &mut Write,
    public_key: SignPublicKey,
    secret_key: Vec<u8>,
) -> Result<()> {
    let zero = Hash::new([0; 32]);
    write
        .execute(
            "INSERT INTO audit_chain (id, seq, hash, pruned_seq, pruned_hash, public_key, secret_key) \
             VALUES (1, ?, ?, ?, ?, ?, ?) UPSERT (id) NOTHING",
            args![0_u64, zero, 0_u64, zero, public_key, secret_key],
        )
        .await?;
    Ok(())
}

const CHAIN: &str = "SELECT seq, hash, pruned_seq, pruned_hash, public_key, secret_key \
                     FROM audit_chain WHERE id = 1";
const LOCK_CHAIN: &str = "SELECT seq, hash, pruned_seq, pruned_hash, public_key, secret_key \
                          FROM audit_chain WHERE id = 1 FOR UPDATE";

/// The chain as it stands.
pub async fn chain(q: &mut impl Query) -> Result<Option<StoredChain>> {
    stored_chain(q.lookup(CHAIN, args![]).await?)
}

/// The same, locked until the end of the unit of work: who holds it is alone
/// in adding rows.
pub async fn lock_chain(write: &mut Write) -> Result<Option<StoredChain>> {
    stored_chain(write.lookup(LOCK_CHAIN, args![]).await?)
}

/// Moves the end of a locked chain.
pub async fn advance(write: &mut Write, end: Place) -> Result<()> {
    write
        .execute(
            "UPDATE audit_chain SET seq = ?, hash = ? WHERE id = 1",
            args![end.seq, end.hash],
        )
        .await?;
    Ok(())
}

/// Moves the beginning of a locked chain, and removes what is before it.
pub async fn prune(write: &mut Write, to: Place) -> Result<()> {
    write
        .execute(
            "UPDATE audit_chain SET pruned_seq = ?, pruned_hash = ? WHERE id = 1",
            args![to.seq, to.hash],
        )
        .await?;
    write
        .execute("DELETE FROM audit_rows WHERE seq <= ?", args![to.seq])
        .await?;
    write
        .execute("DELETE FROM audit_checkpoints WHERE seq < ?", args![to.seq])
        .await?;
    Ok(())
}

fn values(event: StoredEvent) -> Vec<Value> {
    args![
        event.at_ms,
        event.kind,
        event.actor,
        event.subject,
        event.network,
        event.detail
    ]
}

fn event(row: &mut Row, from: usize) -> Result<StoredEvent> {
    Ok(StoredEvent {
        at_ms: row.take(from)?,
        kind: row.take(from + 1)?,
        actor: row.take(from + 2)?,
        subject: row.take(from + 3)?,
        network: row.take(from + 4)?,
        detail: row.take(from + 5)?,
    })
}

fn checkpoint(mut row: Row) -> Result<StoredCheckpoint> {
    Ok(StoredCheckpoint {
        seq: row.take(0)?,
        hash: row.take(1)?,
        at_ms: row.take(2)?,
        signature: row.take(3)?,
    })
}

fn stored_chain(row: Option<Row>) -> Result<Option<StoredChain>> {
    let Some(mut row) = row else { return Ok(None) };
    Ok(Some(StoredChain {
        end: Place {
            seq: row.take(0)?,
            hash: row.take(1)?,
        },
        pruned: Place {
            seq: row.take(2)?,
            hash: row.take(3)?,
        },
        public_key: row.take(4)?,
        secret_key: row.take(5)?,
    }))
}
