//! One style sheet for the web application: of Bootstrap's only what the
//! application names, then its own rules. The same sources give the same bytes.

use std::collections::BTreeSet;
use std::path::Path;

use crate::walk::{files, read};

/// Bootstrap as its authors publish it (MIT).
const VENDORED: &str = "style/vendor/bootstrap.css";
/// The application's own rules.
const OWN: &str = "style/app.css";
/// Where classes are named.
const VIEWS: &str = "src/ui";
const LICENSE: &str =
    "/*! Bootstrap v5.3.9 (reduced) | Copyright 2011-2025 The Bootstrap Authors | MIT */\n";

/// Makes the style sheet of the application in the folder `web`.
///
/// # Errors
/// If a source cannot be read, or is no style sheet.
pub(crate) fn build(web: &Path) -> Result<String, String> {
    let mut words = BTreeSet::new();
    for file in files(&web.join(VIEWS), ".rs") {
        collect_words(&read(&file)?, &mut words);
    }
    let vendored = parse(&read(&web.join(VENDORED))?)?;
    let own = parse(&read(&web.join(OWN))?)?;
    let mut kept = reduce(vendored, &words);
    kept.extend(own);
    drop_unused_values(&mut kept);
    let mut sheet = LICENSE.to_owned();
    for item in &kept {
        item.write(&mut sheet);
    }
    Ok(sheet)
}

/// A rule, or a group of them under a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    /// `a, b { c: d; }`
    Rule {
        selectors: Vec<String>,
        declarations: Vec<String>,
    },
    /// `@media (…) { … }`
    Group { condition: String, items: Vec<Item> },
    /// `@keyframes x { … }`, as it is.
    Keyframes { name: String, body: String },
}

impl Item {
    fn write(&self, sheet: &mut String) {
        match self {
            Self::Rule {
                selectors,
                declarations,
            } => {
                sheet.push_str(&selectors.join(","));
                sheet.push('{');
                sheet.push_str(&declarations.join(";"));
                sheet.push('}');
            }
            Self::Group { condition, items } => {
                sheet.push_str(condition);
                sheet.push('{');
                items.iter().for_each(|item| item.write(sheet));
                sheet.push('}');
            }
            Self::Keyframes { name, body } => {
                sheet.push_str("@keyframes ");
                sheet.push_str(name);
                sheet.push('{');
                sheet.push_str(body);
                sheet.push('}');
            }
        }
    }
}

/// Words of string literals: every class is one, and most are none.
fn collect_words(source: &str, words: &mut BTreeSet<String>) {
    for literal in source.split('"').skip(1).step_by(2) {
        words.extend(literal.split_ascii_whitespace().map(str::to_owned));
    }
}

fn parse(text: &str) -> Result<Vec<Item>, String> {
    let text = without_comments(text);
    let mut rest = text.as_str();
    let mut items = Vec::new();
    while let Some(at) = rest.find(['{', ';']) {
        let head = squeeze(&rest[..at]);
        if rest.as_bytes()[at] == b';' {
            // `@charset`: the server says it.
            rest = &rest[at + 1..];
            continue;
        }
        let (body, after) = block(&rest[at..]).ok_or("a style sheet with an open block")?;
        rest = after;
        items.push(match head.strip_prefix("@keyframes ") {
            Some(name) => Item::Keyframes {
                name: name.to_owned(),
                body: squeeze(body),
            },
            None if head.starts_with('@') => Item::Group {
                condition: head,
                items: parse(body)?,
            },
            None => Item::Rule {
                selectors: split(&head, ','),
                declarations: split(body, ';')
                    .iter()
                    .map(|line| squeeze_declaration(line))
                    .collect(),
            },
        });
    }
    Ok(items)
}

fn without_comments(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("/*") {
        plain.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, rest)| rest);
    }
    plain.push_str(rest);
    plain
}

/// The inside of the block that `text` begins with, and what follows it.
fn block(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_u32;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return Some((&text[1..at], &text[at + 1..]));
                }
            }
            _ => {}
        }
    }
    None
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn squeeze_declaration(line: &str) -> String {
    match line.split_once(':') {
        Some((name, value)) => format!("{}:{}", name.trim(), squeeze(value)),
        None => squeeze(line),
    }
}

/// Splits where no bracket or quotation is open.
fn split(text: &str, at: char) -> Vec<String> {
    let (mut parts, mut part, mut depth, mut quote) = (Vec::new(), String::new(), 0_i32, None);
    for c in text.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            _ => {}
        }
        if c == at && depth == 0 && quote.is_none() {
            parts.push(std::mem::take(&mut part));
        } else {
            part.push(c);
        }
    }
    parts.push(part);
    let trimmed = parts.iter().map(|part| part.trim().to_owned());
    trimmed.filter(|part| !part.is_empty()).collect()
}

/// Leaves out selectors with a class that nobody names, and what is then empty.
fn reduce(items: Vec<Item>, words: &BTreeSet<String>) -> Vec<Item> {
    let mut kept = Vec::new();
    for item in items {
        match item {
            Item::Rule {
                mut selectors,
                declarations,
            } => {
                selectors.retain(|selector| classes(selector).all(|class| words.contains(class)));
                if !selectors.is_empty() {
                    kept.push(Item::Rule {
                        selectors,
                        declarations,
                    });
                }
            }
            Item::Group { condition, items } => {
                let items = reduce(items, words);
                if !items.is_empty() {
                    kept.push(Item::Group { condition, items });
                }
            }
            keyframes @ Item::Keyframes { .. } => kept.push(keyframes),
        }
    }
    kept
}

/// Classes that an element must have; those it must not have do not count.
fn classes(selector: &str) -> impl Iterator<Item = &str> {
    let mut positive = selector.split(":not(");
    let first = positive.next().unwrap_or_default();
    let others = positive.filter_map(|part| Some(part.split_once(')')?.1));
    std::iter::once(first).chain(others).flat_map(|part| {
        part.split('.').skip(1).map(|class| {
            let end = class.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'));
            &class[..end.unwrap_or(class.len())]
        })
    })
}

/// Leaves out values that are set and never read, and animations that nothing
/// plays, until there are none.
fn drop_unused_values(items: &mut Vec<Item>) {
    loop {
        let mut sheet = String::new();
        items.iter().for_each(|item| item.write(&mut sheet));
        let before = sheet.len();
        let read: BTreeSet<&str> = sheet
            .split("var(")
            .skip(1)
            .filter_map(|part| part.split([',', ')']).next())
            .map(str::trim)
            .collect();
        let played = sheet.clone();
        *items = std::mem::take(items)
            .into_iter()
            .filter_map(|item| without_unused(item, &read, &played))
            .collect();
        let after: usize = {
            let mut sheet = String::new();
            items.iter().for_each(|item| item.write(&mut sheet));
            sheet.len()
        };
        if after == before {
            return;
        }
    }
}

fn without_unused(item: Item, read: &BTreeSet<&str>, sheet: &str) -> Option<Item> {
    match item {
        Item::Rule {
            selectors,
            mut declarations,
        } => {
            declarations.retain(|line| {
                let name = line.split(':').next().unwrap_or_default();
                !name.starts_with("--") || read.contains(name)
            });
            (!declarations.is_empty()).then_some(Item::Rule {
                selectors,
                declarations,
            })
        }
        Item::Group { condition, items } => {
            let items: Vec<Item> = items
                .into_iter()
                .filter_map(|item| without_unused(item, read, sheet))
                .collect();
            (!items.is_empty()).then_some(Item::Group { condition, items })
        }
        Item::Keyframes { name, body } => {
            let is_played = sheet.split("animation").skip(1).any(|part| {
                let value = part.split([';', '}']).next().unwrap_or_default();
                value.split([' ', ':', ',']).any(|word| word == name)
            });
            is_played.then_some(Item::Keyframes { name, body })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reduced(css: &str, named: &str) -> String {
        let mut words = BTreeSet::new();
        collect_words(&format!("\"{named}\""), &mut words);
        let mut items = reduce(parse(css).unwrap(), &words);
        drop_unused_values(&mut items);
        let mut sheet = String::new();
        items.iter().for_each(|item| item.write(&mut sheet));
        sheet
    }

    #[test]
    fn only_named_classes_stay() {
        let css = "a { b: c; } .btn, .card { d: e; } .card .x { f: g } @media (x) { .modal { h: i } .btn { j: k } }";
        assert_eq!(reduced(css, "btn"), "a{b:c}.btn{d:e}@media (x){.btn{j:k}}");
    }

    #[test]
    fn what_must_not_be_there_need_not_be_named() {
        assert_eq!(
            reduced(".btn:not(.off):hover { a: b }", "btn"),
            ".btn:not(.off):hover{a:b}"
        );
    }

    #[test]
    fn values_that_nobody_reads_go_with_those_that_only_they_read() {
        let css = ":root { --a: var(--b); --b: 1; --c: 2 } p { x: var(--c, 3) }";
        assert_eq!(reduced(css, ""), ":root{--c:2}p{x:var(--c, 3)}");
    }

    #[test]
    fn animations_that_nothing_plays_go() {
        let css = "@keyframes spin { to { r: 1 } } @keyframes rise { to { r: 2 } } p { animation: 1s spin }";
        assert_eq!(
            reduced(css, ""),
            "@keyframes spin{to { r: 1 }}p{animation:1s spin}"
        );
    }

    #[test]
    fn signs_in_quotations_divide_nothing() {
        let css = "a::before { content: \"a; b, c\"; d: e }";
        assert_eq!(reduced(css, ""), "a::before{content:\"a; b, c\";d:e}");
    }
}
