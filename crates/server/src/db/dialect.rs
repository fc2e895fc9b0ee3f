//! What one SQL text becomes for an engine. Three markers stand for what
//! engines spell differently or what has no fixed size:
//!
//! - `UPSERT (key, ..) SET a, b` at the end of an INSERT takes the new row's
//!   `a` and `b` where the key exists; `UPSERT (key, ..) NOTHING` leaves the
//!   old row. How many rows it reports differs: do not look.
//! - `FOR UPDATE` at the end of a SELECT locks the rows where rows are locked.
//! - `(?..)` is a list of values, `IN (?..)`.
//!
//! The `VALUES (?, ..)` of a batched INSERT is repeated once a row.

use std::borrow::Cow;

const UPSERT: &str = " UPSERT (";
const FOR_UPDATE: &str = " FOR UPDATE";
const LIST: &str = "(?..)";
const VALUES: &str = "VALUES (";

/// A statement in SQLite's words.
pub(super) fn sqlite(sql: &str) -> Cow<'_, str> {
    if let Some(select) = sql.strip_suffix(FOR_UPDATE) {
        // The one writer locks everything already.
        return Cow::Borrowed(select);
    }
    let Some((insert, key, columns)) = upsert(sql) else {
        return Cow::Borrowed(sql);
    };
    let action = match columns {
        None => "NOTHING".to_owned(),
        Some(columns) => {
            let set = each(columns, |column| format!("{column} = excluded.{column}"));
            format!("UPDATE SET {set}")
        }
    };
    Cow::Owned(format!("{insert} ON CONFLICT ({key}) DO {action}"))
}

/// A statement in words that TiDB, MySQL and MariaDB have in common: for
/// `VALUES()` MySQL has a newer form, which the others refuse.
pub(super) fn mysql(sql: &str) -> Cow<'_, str> {
    let Some((insert, key, columns)) = upsert(sql) else {
        return Cow::Borrowed(sql);
    };
    let set = match columns {
        None => each(key, |column| format!("{column} = {column}")),
        Some(columns) => each(columns, |column| format!("{column} = VALUES({column})")),
    };
    Cow::Owned(format!("{insert} ON DUPLICATE KEY UPDATE {set}"))
}

/// The INSERT before the marker, the key, and what to take of the new row.
fn upsert(sql: &str) -> Option<(&str, &str, Option<&str>)> {
    let (insert, upsert) = sql.split_once(UPSERT)?;
    let (key, action) = upsert.split_once(") ")?;
    Some((insert, key, action.strip_prefix("SET ")))
}

fn each(columns: &str, assignment: impl Fn(&str) -> String) -> String {
    let all: Vec<_> = columns.split(", ").map(assignment).collect();
    all.join(", ")
}

/// The statement with a list of `count` values.
pub(super) fn with_list(sql: &str, count: usize) -> String {
    let marks = vec!["?"; count].join(", ");
    sql.replacen(LIST, &format!("({marks})"), 1)
}

/// The INSERT with `count` rows.
pub(super) fn with_rows(sql: &str, count: usize) -> String {
    let Some((head, rest)) = sql.split_once(VALUES) else {
        return sql.to_owned();
    };
    let Some((row, tail)) = rest.split_once(')') else {
        return sql.to_owned();
    };
    let row = format!("({row})");
    format!("{head}VALUES {}{tail}", vec![row; count].join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_become_sqlite() {
        let upsert = "INSERT INTO t (a, b, c) VALUES (?, ?, ?) UPSERT (a, b) SET c";
        assert_eq!(
            sqlite(upsert),
            "INSERT INTO t (a, b, c) VALUES (?, ?, ?) ON CONFLICT (a, b) DO UPDATE SET c = excluded.c"
        );
        assert_eq!(
            sqlite("INSERT INTO t (a) VALUES (?) UPSERT (a) NOTHING"),
            "INSERT INTO t (a) VALUES (?) ON CONFLICT (a) DO NOTHING"
        );
        assert_eq!(sqlite("SELECT a FROM t FOR UPDATE"), "SELECT a FROM t");
    }

    #[test]
    fn markers_become_mysql() {
        assert_eq!(
            mysql("INSERT INTO t (a, b, c, d) VALUES (?, ?, ?, ?) UPSERT (a, b) SET c, d"),
            "INSERT INTO t (a, b, c, d) VALUES (?, ?, ?, ?) \
             ON DUPLICATE KEY UPDATE c = VALUES(c), d = VALUES(d)"
        );
        assert_eq!(
            mysql("INSERT INTO t (a) VALUES (?) UPSERT (a) NOTHING"),
            "INSERT INTO t (a) VALUES (?) ON DUPLICATE KEY UPDATE a = a"
        );
        let locking = "SELECT a FROM t FOR UPDATE";
        assert_eq!(mysql(locking), locking);
    }

    #[test]
    fn lists_and_rows_are_repeated() {
        let delete = "DELETE FROM t WHERE a = ? AND b IN (?..)";
        assert_eq!(
            with_list(delete, 3),
            "DELETE FROM t WHERE a = ? AND b IN (?, ?, ?)"
        );
        assert_eq!(
            with_rows("INSERT INTO t (a, b) VALUES (?, ?) UPSERT (a) NOTHING", 2),
            "INSERT INTO t (a, b) VALUES (?, ?), (?, ?) UPSERT (a) NOTHING"
        );
    }
}

#[cfg(test)]
mod intersection;
