//! One table, in the order of its key.

use sv_ledger::id::Hash;

use super::Result;
use super::tables::{Table, key_values};
use crate::args;
use crate::db::{Database, Error, Query, Row, Value};

/// Bytes and rows of one unit of work: small enough for TiDB over quota,
/// unless a single row is larger.
const BATCH_LEN: usize = 700 * 1024;
const BATCH_ROWS: usize = 500;

/// Copies what the target does not have yet; how many rows.
pub(super) async fn table(table: &'static Table, from: &Database, to: &Database) -> Result<u64> {
    let mut copied = 0;
    let mut reader = Reader::new(table, from);
    reader.after = last_key(table, to).await?;
    loop {
        let batch = reader.batch().await?;
        if batch.is_empty() {
            return Ok(copied);
        }
        copied += batch.len() as u64;
        let work = || async {
            let mut write = to.write().await?;
            write.insert(&table.insert, batch.clone()).await?;
            write.commit().await
        };
        match to.retry(work).await {
            // By an attempt whose answer was lost: whole, or not at all.
            Err(Error::Exists) => reader.go_back(last_key(table, to).await?),
            done => done?,
        }
    }
}

/// How many rows there are, and a hash of them all.
pub(super) async fn digest(table: &'static Table, db: &Database) -> Result<(u64, Hash)> {
    let mut reader = Reader::new(table, db);
    let (mut rows, mut hasher) = (0, blake3::Hasher::new());
    loop {
        let batch = reader.batch().await?;
        if batch.is_empty() {
            return Ok((rows, Hash::new(*hasher.finalize().as_bytes())));
        }
        for value in batch.iter().flatten() {
            feed(&mut hasher, value);
        }
        rows += batch.len() as u64;
    }
}

/// Reads a table from a key on.
struct Reader<'d> {
    table: &'static Table,
    db: &'d Database,
    after: Option<Vec<Value>>,
    /// Read, but not yet given out.
    waiting: Vec<Vec<Value>>,
}

impl<'d> Reader<'d> {
    const fn new(table: &'static Table, db: &'d Database) -> Self {
        Self {
            table,
            db,
            after: None,
            waiting: Vec::new(),
        }
    }

    /// The next rows, as many as one unit of work takes; none at the end.
    async fn batch(&mut self) -> Result<Vec<Vec<Value>>> {
        let (mut batch, mut len) = (Vec::new(), 0);
        loop {
            if self.waiting.is_empty() {
                self.waiting = self.page().await?;
                self.waiting.reverse();
            }
            let Some(row) = self.waiting.pop() else {
                return Ok(batch);
            };
            let row_len: usize = row.iter().map(value_len).sum();
            if !batch.is_empty() && (len + row_len > BATCH_LEN || batch.len() == BATCH_ROWS) {
                self.waiting.push(row);
                return Ok(batch);
            }
            len += row_len;
            batch.push(row);
        }
    }

    async fn page(&mut self) -> Result<Vec<Vec<Value>>> {
        let table = self.table;
        let mut snapshot = self.db.read().await?;
        let rows = match &self.after {
            None => snapshot.query(&table.first, args![table.page]).await?,
            Some(key) => {
                let mut values = key_values(key);
                values.push(table.page.into());
                snapshot.query(&table.after, values).await?
            }
        };
        let rows = rows.into_iter().map(|row| values(row, table.columns.len()));
        let rows = rows.collect::<Result<Vec<_>>>()?;
        if let Some(last) = rows.last() {
            self.after = Some(last.iter().take(table.key_len).cloned().collect());
        }
        Ok(rows)
    }

    fn go_back(&mut self, after: Option<Vec<Value>>) {
        self.after = after;
        self.waiting.clear();
    }
}

async fn last_key(table: &'static Table, db: &Database) -> Result<Option<Vec<Value>>> {
    let mut snapshot = db.read().await?;
    let last = snapshot.lookup(&table.last_key, args![]).await?;
    last.map(|row| values(row, table.key_len)).transpose()
}

fn values(mut row: Row, columns: usize) -> Result<Vec<Value>> {
    let values = (0..columns).map(|column| row.take(column));
    Ok(values.collect::<std::result::Result<_, Error>>()?)
}

fn value_len(value: &Value) -> usize {
    match value {
        Value::Null | Value::Int(_) => 8,
        Value::Bytes(bytes) => bytes.len(),
        Value::Text(text) => text.len(),
    }
}

fn feed(hasher: &mut blake3::Hasher, value: &Value) {
    let (kind, bytes): (u8, &[u8]) = match value {
        Value::Null => (0, &[]),
        Value::Int(int) => (1, &int.to_be_bytes()),
        Value::Bytes(bytes) => (2, bytes),
        Value::Text(text) => (3, text.as_bytes()),
    };
    hasher.update(&[kind]);
    hasher.update(&(bytes.len() as u64).to_be_bytes());
    hasher.update(bytes);
}
