//! Statements on SQLite: values in, rows out.

use std::borrow::Cow;

use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe, Decode, Row as _, TypeInfo, ValueRef};

use crate::db::error::{Error, Result};
use crate::db::value::{Row, Value};

pub(in crate::db) async fn fetch(
    connection: &mut SqliteConnection,
    sql: Cow<'_, str>,
    args: Vec<Value>,
) -> Result<Vec<Row>> {
    let sql = AssertSqlSafe(sql.into_owned());
    let rows = sqlx::query_with(sql, bound(args)?).fetch_all(connection);
    rows.await?.iter().map(row).collect()
}

pub(in crate::db) async fn run(
    connection: &mut SqliteConnection,
    sql: Cow<'_, str>,
    args: Vec<Value>,
) -> Result<u64> {
    let sql = AssertSqlSafe(sql.into_owned());
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
