//! Scans every SQL text of this crate for what some engine refuses, or worse,
//! accepts and ignores: TiDB reads without a lock where it says SKIP LOCKED,
//! drops RETURNING, and enforces no CHECK.

use std::fs;
use std::path::{Path, PathBuf};

/// In upper case, and why.
const BANNED: &[(&str, &str)] = &[
    ("RETURNING", "MySQL refuses it, TiDB drops it silently"),
    ("SKIP LOCKED", "TiDB reads without locking"),
    ("NOWAIT", "waiting is bounded for every statement alike"),
    ("FOR SHARE", "MariaDB refuses it"),
    ("LOCK IN SHARE MODE", "TiDB has none"),
    (") AS NEW", "MariaDB and TiDB refuse it"),
    ("SERIALIZABLE", "TiDB refuses it"),
    ("ISOLATION LEVEL", "db/mysql sets it, once a connection"),
    ("SAVEPOINT", "a unit of work is kept or undone whole"),
    (
        "START TRANSACTION",
        "Database::read and Database::write begin",
    ),
    ("BEGIN", "Database::read and Database::write begin"),
    (
        "GET_LOCK",
        "means three different things: only a migration checks it",
    ),
    ("LOCK TABLES", "TiDB ignores it"),
    ("AUTO_RANDOM", "TiDB only"),
    ("FORCE INDEX", "SQLite refuses it"),
    ("WITH ", "old MariaDB cannot write with it"),
    ("OVER (", "old MySQL has no windows"),
    ("LAST_INSERT_ID", "ids are made in the app"),
    ("AUTO_INCREMENT", "ids are made in the app"),
    ("AUTOINCREMENT", "ids are made in the app"),
    ("ON CONFLICT", "write UPSERT"),
    ("ON DUPLICATE", "write UPSERT"),
    ("INSERT OR", "write UPSERT"),
    ("INSERT IGNORE", "write UPSERT"),
    ("REPLACE INTO", "write UPSERT"),
    ("||", "concatenates or disjoins, by mode"),
    ("ROWID", "SQLite only"),
    ("JSON", "engines differ"),
    ("CONCAT(", "SQLite has none"),
    ("IFNULL(", "write COALESCE"),
    ("REGEXP", "engines differ"),
    ("MATCH", "TiDB has no full-text search"),
    (" LIKE ", "engines differ in case"),
    ("UNIX_TIMESTAMP", "the clock is a parameter"),
    ("CURRENT_TIMESTAMP", "the clock is a parameter"),
    ("SQL_CALC_FOUND_ROWS", "TiDB has none"),
    ("AVG(", "DECIMAL on MySQL"),
    ("ILIKE", "engines differ"),
    ("NOW()", "the clock is a parameter"),
    ("RANDOM()", "randomness is a parameter"),
    ("FULL OUTER JOIN", "MySQL has none"),
    ("EXCEPT", "old MySQL has none"),
    ("INTERSECT", "old MySQL has none"),
    ("NULLS LAST", "MySQL has none"),
    ("NULLS FIRST", "MySQL has none"),
    ("LIMIT -1", "SQLite only"),
];

#[test]
fn statements_are_in_the_intersection_of_the_engines() {
    let mut statements = 0;
    for file in rust_files(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = fs::read_to_string(&file).unwrap();
        for literal in literals(&text).filter(|l| is_sql(l)) {
            statements += 1;
            let sql = literal.to_uppercase();
            for (banned, why) in BANNED {
                assert!(!sql.contains(banned), "{file:?}: {literal:?}: {why}");
            }
            // A list is cut into pieces, which ORDER BY and LIMIT do not see.
            if sql.contains("(?..)") {
                for word in [" ORDER BY ", " LIMIT "] {
                    assert!(!sql.contains(word), "{file:?}: {literal:?}: {word}");
                }
            }
            let locks = sql.matches("FOR UPDATE").count();
            let at_the_end = usize::from(sql.ends_with(" FOR UPDATE"));
            assert_eq!(locks, at_the_end, "{file:?}: {literal:?}: at the end");
            let bare_sum = sql.replace("CAST(SUM(", "").contains("SUM(");
            assert!(!bare_sum, "{file:?}: {literal:?}: SUM is DECIMAL on MySQL");
        }
    }
    assert!(
        statements > 40,
        "the scan found only {statements} statements"
    );
}

#[test]
fn migrations_rely_on_nothing_that_some_engine_ignores() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files = Vec::new();
    for engine in fs::read_dir(folder).unwrap() {
        for file in fs::read_dir(engine.unwrap().path()).unwrap() {
            files.push(file.unwrap().path());
        }
    }
    assert!(!files.is_empty());
    for file in files {
        let sql: String = fs::read_to_string(&file)
            .unwrap()
            .lines()
            .filter(|line| !line.trim_start().starts_with("--"))
            .collect::<Vec<_>>()
            .join("\n")
            .to_uppercase();
        for banned in [
            "CHECK",
            "TRIGGER",
            "AUTOINCREMENT",
            "REFERENCES",
            "DATETIME",
            "TIMESTAMP",
            "DECIMAL",
            "JSON",
            "ENUM",
            "FULLTEXT",
            "PROCEDURE",
            "VIEW",
            "AUTO_INCREMENT",
            "GENERATED",
            "PARTITION",
            "DEFAULT",
        ] {
            let found = sql.split(|c: char| !c.is_alphanumeric() && c != '_');
            assert!(
                !found.into_iter().any(|word| word == banned),
                "{file:?}: {banned}"
            );
        }
    }
}

/// On a server every such statement commits: one a file, so that none is
/// ever half done, and none that fails a second time.
#[test]
fn a_migration_of_a_server_is_one_statement_that_may_run_twice() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/mysql");
    let mut numbers = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let sql: Vec<_> = text.lines().filter(|l| !l.starts_with("--")).collect();
        let sql = sql.join("\n");
        assert!(!sql.trim().trim_end_matches(';').contains(';'), "{path:?}");
        assert!(sql.starts_with("CREATE TABLE IF NOT EXISTS "), "{path:?}");
        // MySQL has IF NOT EXISTS for tables alone.
        assert_eq!(sql.matches("IF NOT EXISTS").count(), 1, "{path:?}");
        assert!(
            sql.contains("CHARACTER SET utf8mb4, COLLATE utf8mb4_bin"),
            "{path:?}"
        );
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        numbers.push(name[..4].parse::<usize>().unwrap());
    }
    numbers.sort_unstable();
    let count = numbers.len();
    assert_eq!(numbers, (1..=count).collect::<Vec<_>>());
}

fn rust_files(folder: PathBuf) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(path));
        } else if path.extension().is_some_and(|e| e == "rs")
            // Those that speak one engine's own words.
            && !path.ends_with("db/dialect.rs")
            && !path.ends_with("db/dialect/intersection.rs")
            && !path.components().any(|part| part.as_os_str() == "sqlite")
            && !path.components().any(|part| part.as_os_str() == "mysql")
        {
            files.push(path);
        }
    }
    files
}

/// String literals, line continuations joined. Good enough for code that
/// rustfmt wrote: no raw strings hold SQL here.
fn literals(text: &str) -> impl Iterator<Item = String> + '_ {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find('"')? + 1;
        let mut literal = String::new();
        let mut chars = rest[start..].char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    rest = &rest[start + at + 1..];
                    return Some(literal.split_whitespace().collect::<Vec<_>>().join(" "));
                }
                '\\' => {
                    if !matches!(chars.next(), Some((_, '\n'))) {
                        literal.push(' ');
                    }
                }
                c => literal.push(c),
            }
        }
        None
    })
}

fn is_sql(literal: &str) -> bool {
    [
        "SELECT ", "INSERT ", "UPDATE ", "DELETE ", "REPLACE ", "WITH ",
    ]
    .iter()
    .any(|verb| literal.starts_with(verb))
}
