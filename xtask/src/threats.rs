//! The threat model against the tests it names.

use std::collections::BTreeSet;

use crate::cargo;
use crate::report::{Done, Outcome};
use crate::walk;

const PAGE: &str = "docs/spec/threat-model.md";

/// Every test that the page names is there, and every row of a table with a
/// column of tests names one or says *not yet*.
pub(crate) fn check() -> Outcome {
    let root = cargo::root();
    let mut sources = Sources::default();
    for path in walk::files(&root.join("crates"), ".rs") {
        if let Some(name) = path.file_name() {
            sources.files.insert(name.to_string_lossy().into_owned());
        }
        sources.read(&walk::read(&path)?);
    }
    let page = walk::read(&root.join(PAGE))?;
    let (mut wrong, mut named) = (Vec::new(), BTreeSet::new());
    for row in rows(&page) {
        let names = quoted(&row.tests.join(" "));
        if names.is_empty() && !row.tests.iter().any(|cell| cell.contains("not yet")) {
            wrong.push(format!("{PAGE}:{}: a row without a test", row.line));
        }
        named.extend(names);
    }
    // In prose, whatever looks like a test and not like a field.
    let prose = quoted(&page).into_iter();
    named.extend(prose.filter(|name| name.matches('_').count() > 1));
    let missing = named.iter().filter(|name| !sources.has(name));
    wrong.extend(missing.map(|name| format!("{PAGE}: there is no test {name}")));
    if wrong.is_empty() {
        Ok(Done::noted(format!("{} tests", named.len())))
    } else {
        Err(wrong.join("\n").into())
    }
}

/// What the sources have.
#[derive(Default)]
struct Sources {
    functions: BTreeSet<String>,
    files: BTreeSet<String>,
}

impl Sources {
    fn read(&mut self, text: &str) {
        for (at, _) in text.match_indices("fn ") {
            let rest = text.get(at + 3..).unwrap_or_default();
            if let Some((name, _)) = rest.split_once('(') {
                self.functions.insert(name.to_owned());
            }
        }
    }

    /// `a_test`, `a_family_*` or `a_file.rs`.
    fn has(&self, name: &str) -> bool {
        match name.strip_suffix('*') {
            Some(family) => self.functions.iter().any(|f| f.starts_with(family)),
            None => self.functions.contains(name) || self.files.contains(name),
        }
    }
}

/// A row of a table with columns of tests.
#[derive(Debug, PartialEq, Eq)]
struct Row<'p> {
    line: usize,
    /// What stands in those columns.
    tests: Vec<&'p str>,
}

fn rows(page: &str) -> Vec<Row<'_>> {
    let (mut found, mut columns) = (Vec::new(), None);
    for (index, line) in page.lines().enumerate() {
        let Some(line) = line.strip_prefix('|') else {
            columns = None;
            continue;
        };
        let cells: Vec<&str> = line
            .trim_end_matches('|')
            .split('|')
            .map(str::trim)
            .collect();
        let Some(columns) = &columns else {
            let are_tests = cells.iter().map(|name| name.ends_with("tests"));
            columns = Some(are_tests.collect::<Vec<bool>>());
            continue;
        };
        let is_rule = cells.iter().all(|cell| cell.starts_with('-'));
        if !is_rule && columns.contains(&true) {
            let tests = cells.into_iter().zip(columns).filter(|(_, is)| **is);
            found.push(Row {
                line: index + 1,
                tests: tests.map(|(cell, _)| cell).collect(),
            });
        }
    }
    found
}

/// Names of tests in a text: code with an underscore, or a file of it.
fn quoted(text: &str) -> BTreeSet<String> {
    let code = text.split('`').skip(1).step_by(2);
    let is_name = |name: &&str| {
        let plain = name.trim_end_matches('*').trim_end_matches(".rs");
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        (plain.contains('_') || name.ends_with(".rs")) && plain.chars().all(is_word)
    };
    code.filter(is_name).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "| who | has |\n| --- | --- |\n| S | `a_b` |\n\n\
                        | what | format tests | tests |\n| --- | --- | --- |\n\
                        | x | `t_one`, `f_*` in `core` | |\n| y | | not yet |\n";

    #[test]
    fn rows_are_those_with_tests() {
        let rows = rows(TEXT);
        let tests: Vec<_> = rows.into_iter().map(|row| (row.line, row.tests)).collect();
        assert_eq!(
            tests,
            [
                (7, vec!["`t_one`, `f_*` in `core`", ""]),
                (8, vec!["", "not yet"])
            ]
        );
    }

    #[test]
    fn names_are_found_where_they_are() {
        let mut sources = Sources::default();
        sources.read("async fn t_one() {}\nfn f_two(x: u8) {}");
        assert!(sources.has("t_one") && sources.has("f_*"));
        assert!(!sources.has("t_") && !sources.has("t_two") && !sources.has("g_*"));
        let names = quoted(TEXT);
        assert_eq!(Vec::from_iter(names), ["a_b", "f_*", "t_one"]);
    }
}
