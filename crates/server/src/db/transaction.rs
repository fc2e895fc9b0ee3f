//! Snapshots and units of work, and the statements that run in them.

use std::borrow::Cow;

use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe, Decode, Row as _, Transaction, TypeInfo, ValueRef};

use super::dialect;
use super::error::{Error, Result};
use super::value::{Row, Value};

/// Rows or list items in one statement: the sizes in which batches are cut,
/// few, so that the prepared statements are used again.
const BATCHES: [usize; 3] = [128, 16, 1];

/// A snapshot: everything read through it is of one moment.
#[derive(Debug)]
pub struct Read {
    inner: Transaction<'static, Sqlite>,
}

/// A unit of work. Dropping it undoes it.
#[derive(Debug)]
pub struct Write {
    inner: Transaction<'static, Sqlite>,
}

/// Reading, in a snapshot or a unit of work.
pub trait Query: Send {
    /// The connection; engines only.
    #[doc(hidden)]
    fn connection(&mut self) -> &mut SqliteConnection;

    /// Every row of the answer.
    ///
    /// # Errors
    /// [`Error`].
    fn query(
        &mut self,
        sql: &'static str,
        args: Vec<Value>,
    ) -> impl Future<Output = Result<Vec<Row>>> + Send {
        fetch(self.connection(), Cow::Borrowed(sql), args)
    }

    /// The first row of the answer, if it has one.
    ///
    /// # Errors
    /// [`Error`].
    fn lookup(
        &mut self,
        sql: &'static str,
        args: Vec<Value>,
    ) -> impl Future<Output = Result<Option<Row>>> + Send {
        async move { Ok(self.query(sql, args).await?.into_iter().next()) }
    }

    /// Every row of a statement whose last values are the list `(?..)`.
    ///
    /// The list is cut in pieces, so the answer is in no order and must not
    /// depend on seeing the whole list at once.
    ///
    /// # Errors
    /// [`Error`].
    fn query_list(
        &mut self,
        sql: &'static str,
        args: Vec<Value>,
        list: Vec<Value>,
    ) -> impl Future<Output = Result<Vec<Row>>> + Send {
        async move {
            let mut rows = Vec::new();
            for piece in pieces(list) {
                let text = dialect::with_list(sql, piece.len());
                let args = args.iter().cloned().chain(piece).collect();
                rows.extend(fetch(self.connection(), Cow::Owned(text), args).await?);
            }
            Ok(rows)
        }
    }
}

impl Read {
    pub(super) const fn new(inner: Transaction<'static, Sqlite>) -> Self {
        Self { inner }
    }
}

impl Query for Read {
    fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.inner
    }
}

impl Query for Write {
    fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.inner
    }
}

impl Write {
    pub(super) const fn new(inner: Transaction<'static, Sqlite>) -> Self {
        Self { inner }
    }

    /// Runs a statement; how many rows it met.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn execute(&mut self, sql: &'static str, args: Vec<Value>) -> Result<u64> {
        run(&mut self.inner, Cow::Borrowed(sql), args).await
    }

    /// Runs an `INSERT .. VALUES (?, ..)` for many rows.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn insert(&mut self, sql: &'static str, rows: Vec<Vec<Value>>) -> Result<()> {
        for piece in pieces(rows) {
            let text = dialect::with_rows(sql, piece.len());
            let args = piece.into_iter().flatten().collect();
            run(&mut self.inner, Cow::Owned(text), args).await?;
        }
        Ok(())
    }

    /// Runs a statement whose last values are the list `(?..)`, in pieces;
    /// how many rows it met.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn execute_list(
        &mut self,
        sql: &'static str,
        args: Vec<Value>,
        list: Vec<Value>,
    ) -> Result<u64> {
        let mut met = 0;
        for piece in pieces(list) {
            let text = dialect::with_list(sql, piece.len());
            let args = args.iter().cloned().chain(piece).collect();
            met += run(&mut self.inner, Cow::Owned(text), args).await?;
        }
        Ok(met)
    }

    /// Keeps the work: when this returns, it is durable.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn commit(self) -> Result<()> {
        Ok(self.inner.commit().await?)
    }
}

/// Cuts a list into the sizes of [`BATCHES`].
fn pieces<T>(list: Vec<T>) -> Vec<Vec<T>> {
    let mut rest = list.into_iter();
    let mut pieces = Vec::new();
    for size in BATCHES {
        while rest.len() >= size {
            pieces.push(rest.by_ref().take(size).collect());
        }
    }
    pieces
}

async fn fetch(
    connection: &mut SqliteConnection,
    sql: Cow<'_, str>,
    args: Vec<Value>,
) -> Result<Vec<Row>> {
    let sql = AssertSqlSafe(dialect::sqlite(&sql).into_owned());
    let rows = sqlx::query_with(sql, bound(args)?).fetch_all(connection);
    rows.await?.iter().map(row).collect()
}

async fn run(
    connection: &mut SqliteConnection,
    sql: Cow<'_, str>,
    args: Vec<Value>,
) -> Result<u64> {
    // The text comes from literals of this crate, by `dialect` alone.
    let sql = AssertSqlSafe(dialect::sqlite(&sql).into_owned());
    let done = sqlx::query_with(sql, bound(args)?).execute(connection);
    Ok(done.await?.rows_affected())
}

fn bound(args: Vec<Value>) -> Result<SqliteArguments> {
    let mut bound = SqliteArguments::default();
    for value in args {
        match value {
            Value::Null => bound.add(None::<i64>),
            Value::Int(int) => bound.add(int),
            Value::Bytes(bytes) => bound.add(bytes),
            Value::Text(text) => bound.add(text),
        }
        .map_err(|error| Error::Engine(sqlx::Error::Encode(error)))?;
    }
    Ok(bound)
}

fn row(row: &SqliteRow) -> Result<Row> {
    (0..row.len())
        .map(|column| value(row, column))
        .collect::<Result<_>>()
        .map(Row::new)
}

fn value(row: &SqliteRow, column: usize) -> Result<Value> {
    let raw = row.try_get_raw(column)?;
    // The type of a null is that of its column.
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info();
    let decoded = match kind.name() {
        "INTEGER" => <i64 as Decode<Sqlite>>::decode(raw).map(Value::Int),
        "BLOB" => <Vec<u8> as Decode<Sqlite>>::decode(raw).map(Value::Bytes),
        "TEXT" => <String as Decode<Sqlite>>::decode(raw).map(Value::Text),
        _ => {
            return Err(Error::Column {
                column,
                expected: "integer, bytes or text",
            });
        }
    };
    decoded.map_err(|error| Error::Engine(sqlx::Error::Decode(error)))
}
