//! The guide's page on limits against `ledger`'s constants.

use std::collections::BTreeMap;

use crate::cargo;
use crate::report::{Done, Outcome};
use crate::walk;

const CODE: &str = "crates/ledger/src/limits.rs";
const PAGE: &str = "docs/guide/limits.md";

/// Every constant stands in the page's tables, as `| … | value | … | `NAME` |`,
/// with its value, and nothing else does.
pub(crate) fn check() -> Outcome {
    let root = cargo::root();
    let code = constants(&walk::read(&root.join(CODE))?)?;
    let page = rows(&walk::read(&root.join(PAGE))?)?;
    let mut wrong = Vec::new();
    for (name, value) in &code {
        match page.get(name) {
            None => wrong.push(format!("{PAGE} does not mention {name} = {value}")),
            Some(said) if said != value => {
                wrong.push(format!("{PAGE} says {said} for {name}, the code {value}"));
            }
            Some(_) => {}
        }
    }
    let gone = page.keys().filter(|name| !code.contains_key(*name));
    wrong.extend(gone.map(|name| format!("{PAGE} mentions {name}, which the code does not have")));
    if wrong.is_empty() {
        Ok(Done::noted(format!("{} limits", code.len())))
    } else {
        Err(wrong.join("\n").into())
    }
}

/// The constants of a source file: sums, products and shifts of whole numbers
/// and of constants above.
fn constants(source: &str) -> Result<BTreeMap<String, u64>, String> {
    let mut found = BTreeMap::new();
    // A definition may be broken over lines; it ends with a semicolon.
    let code: Vec<&str> = source
        .lines()
        .filter(|line| !line.trim().starts_with("//"))
        .collect();
    for definition in code.join(" ").split(';') {
        let Some((_, definition)) = definition.split_once("pub const ") else {
            continue;
        };
        let (left, expression) = definition
            .split_once('=')
            .ok_or("a constant without a value")?;
        let name = left.split(':').next().unwrap_or_default().trim();
        let value = shifted(expression, &found)
            .ok_or_else(|| format!("{CODE}: cannot evaluate {name} ={expression}"))?;
        found.insert(name.to_owned(), value);
    }
    if found.is_empty() {
        Err(format!("{CODE} has no constants"))
    } else {
        Ok(found)
    }
}

fn shifted(expression: &str, known: &BTreeMap<String, u64>) -> Option<u64> {
    match expression.split_once("<<") {
        Some((left, right)) => {
            let by = u32::try_from(sum(right, known)?).ok()?;
            sum(left, known)?.checked_shl(by)
        }
        None => sum(expression, known),
    }
}

fn sum(expression: &str, known: &BTreeMap<String, u64>) -> Option<u64> {
    expression.split('+').try_fold(0_u64, |sum, term| {
        let product = term.split('*').try_fold(1_u64, |product, factor| {
            product.checked_mul(number(factor.trim(), known)?)
        })?;
        sum.checked_add(product)
    })
}

fn number(text: &str, known: &BTreeMap<String, u64>) -> Option<u64> {
    known
        .get(text)
        .copied()
        .or_else(|| text.replace('_', "").parse().ok())
}

/// The page's table rows whose last cell is a constant's name: its value.
fn rows(page: &str) -> Result<BTreeMap<String, u64>, String> {
    let mut found = BTreeMap::new();
    for line in page.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let name = cells
            .last()
            .and_then(|cell| cell.strip_prefix('`')?.strip_suffix('`'));
        if let (Some(name), Some(value)) = (name, cells.get(1)) {
            let value = said(value).ok_or_else(|| format!("{PAGE}: what is {value:?}?"))?;
            found.insert(name.to_owned(), value);
        }
    }
    Ok(found)
}

/// "4 MiB" in bytes, "30 days" in milliseconds, "1,048,576" and "1,048,576
/// blocks (4 TiB)" as it is.
fn said(text: &str) -> Option<u64> {
    let mut words = text.split_whitespace();
    let number: u64 = words.next()?.replace(',', "").parse().ok()?;
    let unit = match words.next().unwrap_or_default() {
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "second" | "seconds" => 1000,
        "minute" | "minutes" => 60 * 1000,
        "hour" | "hours" => 60 * 60 * 1000,
        "day" | "days" => 24 * 60 * 60 * 1000,
        _ => 1,
    };
    number.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_evaluated() {
        let source = "/// Doc = 3;\npub const A: usize = 4 * 1024;\npub const B: u32 = 1 << 20;\n\
                      pub const C: usize =\n    A + 2 * 1_000;\n";
        let expected = [("A", 4096), ("B", 1 << 20), ("C", 6096)];
        let expected = expected.map(|(name, value)| (name.to_owned(), value));
        assert_eq!(constants(source), Ok(BTreeMap::from(expected)));
        assert!(constants("pub const A: usize = f();").is_err());
    }

    #[test]
    fn the_page_speaks_of_bytes_and_days() {
        assert_eq!(said("4 MiB"), Some(4 << 20));
        assert_eq!(said("30 days"), Some(2_592_000_000));
        assert_eq!(said("1,048,576 blocks (4 TiB)"), Some(1 << 20));
        assert_eq!(said("many"), None);
    }
}
