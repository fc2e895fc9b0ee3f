//! Scans every SQL text of this crate for what some engine refuses, or worse,
//! accepts and ignores (engines.md §1.1).

use std::fs;
use std::path::{Path, PathBuf};

/// In upper case, and why.
const BANNED: &[(&str, &str)] = &[
    ("RETURNING", "MySQL refuses it, TiDB drops it silently"),
    ("SKIP LOCKED", "TiDB reads without locking"),
    ("FOR SHARE", "MariaDB refuses it"),
    ("GET_LOCK", "means three different things"),
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

fn rust_files(folder: PathBuf) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(path));
        } else if path.extension().is_some_and(|e| e == "rs")
            // The two files that speak one engine's own words.
            && !path.ends_with("db/dialect.rs")
            && !path.ends_with("db/dialect/intersection.rs")
            && !path.ends_with("db/sqlite.rs")
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
