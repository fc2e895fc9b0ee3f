//! The server's rows, read and changed behind its back.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Connection, Row as _, TypeInfo, ValueRef};

/// A connection past the server.
pub struct Database(SqliteConnection);

/// One stored value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// None.
    Null,
    /// A number.
    Integer(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

/// One stored row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its table.
    pub table: String,
    /// Its columns, by name.
    pub columns: Vec<(String, Value)>,
}

impl Row {
    /// The value of a column.
    pub fn value(&self, column: &str) -> &Value {
        let found = self.columns.iter().find(|(name, _)| name == column);
        &found.expect("a column of that name").1
    }

    /// The bytes of a column.
    pub fn blob(&self, column: &str) -> &[u8] {
        match self.value(column) {
            Value::Blob(bytes) => bytes,
            other => panic!("{column}: {other:?}"),
        }
    }

    /// The row with another value in a column.
    #[must_use]
    pub fn with(&self, column: &str, value: Value) -> Self {
        let mut row = self.clone();
        for (name, old) in &mut row.columns {
            if name == column {
                old.clone_from(&value);
            }
        }
        row
    }
}

impl Database {
    /// The database in a file.
    pub async fn open(file: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .busy_timeout(std::time::Duration::from_secs(10));
        let connection = SqliteConnection::connect_with(&options).await;
        Self(connection.expect("the database opens"))
    }

    /// The names of all tables of the server's own.
    pub async fn tables(&mut self) -> Vec<String> {
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' \
                   AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_sqlx%' ESCAPE '\\' \
                   ORDER BY name";
        let rows = sqlx::query(sql).fetch_all(&mut self.0).await;
        let names = rows.expect("the schema").into_iter();
        names.map(|row| row.get(0)).collect()
    }

    /// Every row of a table.
    pub async fn rows(&mut self, table: &str) -> Vec<Row> {
        let sql = AssertSqlSafe(format!("SELECT * FROM {table}"));
        let rows = sqlx::query(sql).fetch_all(&mut self.0).await;
        let rows = rows.expect("the rows").into_iter();
        rows.map(|row| Row {
            table: table.to_owned(),
            columns: columns(&row),
        })
        .collect()
    }

    /// Removes a row.
    pub async fn remove(&mut self, row: &Row) {
        let terms: Vec<String> = row
            .columns
            .iter()
            .map(|(name, _)| format!("{name} IS ?"))
            .collect();
        let sql = format!("DELETE FROM {} WHERE {}", row.table, terms.join(" AND "));
        let done = self.execute(sql, row).await.expect("the row goes");
        assert_eq!(done, 1, "{} has that row once", row.table);
    }

    /// Adds a row; whether the table takes it.
    pub async fn add(&mut self, row: &Row) -> bool {
        let names: Vec<&str> = row.columns.iter().map(|(name, _)| name.as_str()).collect();
        let marks = vec!["?"; names.len()].join(", ");
        let sql = format!(
            "INSERT INTO {} ({}) VALUES ({marks})",
            row.table,
            names.join(", ")
        );
        self.execute(sql, row).await.is_ok()
    }

    /// Puts a row in the place of another; whether the table takes it. If
    /// not, nothing has changed.
    pub async fn replace(&mut self, old: &Row, new: &Row) -> bool {
        self.remove(old).await;
        let taken = self.add(new).await;
        if !taken {
            assert!(self.add(old).await, "the old row comes back");
        }
        taken
    }

    async fn execute(&mut self, sql: String, row: &Row) -> Result<u64, sqlx::Error> {
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (_, value) in &row.columns {
            query = match value {
                Value::Null => query.bind(None::<i64>),
                Value::Integer(number) => query.bind(*number),
                Value::Text(text) => query.bind(text.clone()),
                Value::Blob(bytes) => query.bind(bytes.clone()),
            };
        }
        Ok(query.execute(&mut self.0).await?.rows_affected())
    }
}

fn columns(row: &SqliteRow) -> Vec<(String, Value)> {
    use sqlx::Column as _;
    let columns = row.columns().iter().enumerate();
    columns
        .map(|(index, column)| {
            let raw = row.try_get_raw(index).expect("a value");
            let value = match raw.type_info().name() {
                _ if raw.is_null() => Value::Null,
                "INTEGER" => Value::Integer(row.get(index)),
                "TEXT" => Value::Text(row.get(index)),
                _ => Value::Blob(row.get(index)),
            };
            (column.name().to_owned(), value)
        })
        .collect()
}
