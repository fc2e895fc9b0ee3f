//! Statements on a server of the MySQL protocol: values in, rows out.

use std::borrow::Cow;

use sqlx::mysql::{MySql, MySqlArguments, MySqlConnection, MySqlRow};
use sqlx::{Arguments, AssertSqlSafe, Decode, Row as _, Type, TypeInfo, ValueRef};

use super::error;
use crate::db::error::{Error, Result};
use crate::db::value::{Row, Value};

pub(in crate::db) async fn fetch(
    connection: &mut MySqlConnection,
    sql: Cow<'_, str>,
    args: Vec<Value>,
) -> Result<Vec<Row>> {
    let sql = AssertSqlSafe(sql.into_owned());
    let rows = sqlx::query_with(sql, bound(args)?).fetch_all(connection);
    rows.await.map_err(error)?.iter().map(row).collect()
}

/// Rows that a condition met count whether or not anything in them changed,
/// as on SQLite.
pub(in crate::db) async fn run(
    connection: &mut MySqlConnection,
    sql: Cow<'_, str>,
    args: Vec<Value>,
) -> Result<u64> {
    let sql = AssertSqlSafe(sql.into_owned());
    let done = sqlx::query_with(sql, bound(args)?).execute(connection);
    Ok(done.await.map_err(error)?.rows_affected())
}

fn bound(args: Vec<Value>) -> Result<MySqlArguments> {
    let mut bound = MySqlArguments::default();
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

fn row(row: &MySqlRow) -> Result<Row> {
    (0..row.len())
        .map(|column| value(row, column))
        .collect::<Result<_>>()
        .map(Row::new)
}

fn value(row: &MySqlRow, column: usize) -> Result<Value> {
    let raw = row.try_get_raw(column)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info().into_owned();
    let decoded = if is_integer(kind.name()) {
        <i64 as Decode<MySql>>::decode(raw).map(Value::Int)
    // By collation: the name of a text's type is that of bytes.
    } else if <str as Type<MySql>>::compatible(&kind) {
        <String as Decode<MySql>>::decode(raw).map(Value::Text)
    } else if <[u8] as Type<MySql>>::compatible(&kind) {
        <Vec<u8> as Decode<MySql>>::decode(raw).map(Value::Bytes)
    } else {
        return Err(Error::Column {
            column,
            expected: "integer, bytes or text",
        });
    };
    decoded.map_err(|error| Error::Engine(sqlx::Error::Decode(error)))
}

fn is_integer(name: &str) -> bool {
    let name = name.trim_end_matches(" UNSIGNED");
    matches!(
        name,
        "BOOLEAN" | "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT"
    )
}
