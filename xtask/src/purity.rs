//! Crates that must not touch the outside world, in their sources: the crate
//! graph cannot see the standard library.

use std::path::Path;

use crate::cargo;
use crate::report::{Done, Outcome};
use crate::walk;

/// The crates whose results depend on their arguments alone.
const PURE: [&str; 4] = ["ledger", "core", "pake", "api"];
/// Modules of `std` that they may not use.
const MODULES: [&str; 5] = ["fs", "net", "env", "process", "os"];
/// Names that they may not use, whichever crate they come from.
const NAMES: [&str; 8] = [
    "SystemTime",
    "Instant",
    "getrandom",
    "OsRng",
    "SysRng",
    "thread_rng",
    "println!",
    "eprintln!",
];

pub(crate) fn check() -> Outcome {
    let mut found = Vec::new();
    let mut files = 0;
    for name in PURE {
        let folder = cargo::root().join("crates").join(name).join("src");
        for path in walk::files(&folder, ".rs") {
            if is_test(&path) {
                continue;
            }
            files += 1;
            let text = walk::read(&path)?;
            let at = |(line, what)| format!("{}:{line}: {what}", path.display());
            found.extend(offences(&text).into_iter().map(at));
        }
    }
    if found.is_empty() {
        Ok(Done::noted(format!("{files} files")))
    } else {
        Err(found.join("\n").into())
    }
}

/// A file that is a test module as a whole.
fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests")
        || path
            .file_stem()
            .is_some_and(|stem| stem.to_string_lossy().ends_with("tests"))
}

/// Lines of what ships, with the name on them that must not be there.
fn offences(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        if line.trim() == "#[cfg(test)]" {
            skip_item(&mut lines, line.len() - line.trim_start().len());
            continue;
        }
        let code = line.split("//").next().unwrap_or_default();
        found.extend(offence(code).map(|what| (index + 1, what)));
    }
    found
}

/// Skips one item that is indented so, formatted as rustfmt does.
fn skip_item<'a>(lines: &mut impl Iterator<Item = (usize, &'a str)>, indent: usize) {
    let ends = |line: &str| {
        let here = line.len() - line.trim_start().len();
        here == indent && (line.ends_with(';') || line.ends_with('}') || line.ends_with(','))
    };
    lines.find(|(_, line)| ends(line));
}

fn offence(code: &str) -> Option<String> {
    let named = NAMES
        .iter()
        .find(|name| has_word(code, name))
        .map(|name| (*name).to_owned());
    let module = || {
        code.match_indices("std::").find_map(|(at, _)| {
            let used = &code[at + "std::".len()..];
            // `std::fs`, or one of `std::{fmt, fs}`.
            let list = used
                .strip_prefix('{')
                .and_then(|rest| rest.split('}').next());
            MODULES
                .iter()
                .find(|module| match list {
                    Some(list) => has_word(list, module),
                    None => used.starts_with(**module) && ends_word(&used[module.len()..]),
                })
                .map(|module| format!("std::{module}"))
        })
    };
    named.or_else(module)
}

fn has_word(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
            && (word.ends_with('!') || ends_word(&code[at + word.len()..]))
    })
}

fn ends_word(rest: &str) -> bool {
    !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impure_lines_are_found() {
        for line in [
            "use std::fs;",
            "let x = std::fs::read(path);",
            "use std::{fmt, net::TcpStream};",
            "fn now() -> SystemTime {",
            "let t = std::time::Instant::now();",
            "getrandom::fill(&mut bytes)",
            "    println!(\"key\");",
        ] {
            assert!(offence(line).is_some(), "{line}");
        }
    }

    #[test]
    fn innocent_lines_are_left_alone() {
        for line in [
            "use std::fmt;",
            "struct Instantly;",
            "use std::{fmt, mem};",
            "offset",
        ] {
            assert!(offence(line).is_none(), "{line}");
        }
    }

    #[test]
    fn comments_and_tests_are_left_alone_and_nothing_else() {
        let text = "// std::fs\n#[cfg(test)]\nuse std::fs;\n#[cfg(test)]\nmod tests {\n    \
                    use std::fs;\n}\nuse std::net;\n";
        assert_eq!(offences(text), [(8, "std::net".to_owned())]);
    }
}
