//! `cargo xtask test`: everything that this machine can run.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use crate::cargo::{self, cargo, succeed};
use crate::report::{Done, Report};
use crate::{browser, check, machine};

/// Where tests say what they could not run here: each appends a line
/// `what: how to have it`. Counted as skipped instead of passed.
const SKIPS: &str = "SECUREVAULT_TEST_SKIPS";
/// Where tests find the programs they drive, built like themselves.
const PROGRAMS: &str = "SECUREVAULT_TEST_PROGRAMS";

pub(crate) fn test() -> Report {
    let mut report = check::check();
    machine::check(&mut report);
    report.step("programs for the end-to-end tests", || {
        succeed(&mut cargo(["build", "--workspace", "--bins"]))?;
        Ok(Done::plain())
    });
    if let Err(why) = workspace_tests(&mut report) {
        report.fail("cargo test", &why);
    }
    report.step("known answers as WebAssembly in Chromium", browser::vectors);
    report
}

/// Runs the test runner and books each of its summaries.
fn workspace_tests(report: &mut Report) -> Result<(), String> {
    println!("\n=== cargo test");
    let built = cargo::target_directory()?;
    let skips = built.join("xtask-skips");
    std::fs::write(&skips, "").map_err(|error| format!("{}: {error}", skips.display()))?;

    let mut tests = cargo(["test", "--workspace", "--no-fail-fast"]);
    tests
        .env(SKIPS, &skips)
        .env(PROGRAMS, built.join("debug"))
        .stdout(Stdio::piped());
    let mut tests = tests
        .spawn()
        .map_err(|error| format!("cargo test: {error}"))?;
    let mut sums = Summary::default();
    let mut failures = Vec::new();
    for line in tests
        .stdout
        .take()
        .into_iter()
        .flat_map(|out| BufReader::new(out).lines())
    {
        let line = line.map_err(|error| format!("cargo test: {error}"))?;
        println!("{line}");
        if let Some(summary) = Summary::parse(&line) {
            sums.add(&summary);
        } else if let Some(name) = failed_test(&line) {
            failures.push(name.to_owned());
        }
    }
    let status = tests
        .wait()
        .map_err(|error| format!("cargo test: {error}"))?;

    let skipped = skipped_tests(&skips);
    report.book(sums.passed.saturating_sub(skipped.len()), sums.failed);
    failures.iter().for_each(|name| report.name_failure(name));
    skipped.into_iter().for_each(|what| report.skip(what));
    for _ in 0..sums.ignored {
        report.skip("a test marked #[ignore]: cargo test --workspace -- --ignored".to_owned());
    }
    if !status.success() && sums.failed == 0 {
        return Err(format!(
            "{status}, without a failed test: it did not compile, or crashed"
        ));
    }
    Ok(())
}

fn skipped_tests(list: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(list).unwrap_or_default();
    text.lines()
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The sums of a test runner's `test result:` line.
#[derive(Default, Debug, PartialEq)]
struct Summary {
    passed: usize,
    failed: usize,
    ignored: usize,
}

impl Summary {
    fn parse(line: &str) -> Option<Self> {
        let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let mut summary = Self::default();
        for count in counts.split("; ") {
            let (number, what) = count.split_once(' ')?;
            let field = match what {
                "passed" => &mut summary.passed,
                "failed" => &mut summary.failed,
                "ignored" => &mut summary.ignored,
                _ => continue,
            };
            *field = number.parse().ok()?;
        }
        Some(summary)
    }

    fn add(&mut self, other: &Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }
}

fn failed_test(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.strip_suffix(" ... FAILED")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_are_read() {
        let line = "test result: FAILED. 7 passed; 2 failed; 1 ignored; 0 measured; 3 filtered \
                    out; finished in 1.55s";
        assert_eq!(
            Summary::parse(line),
            Some(Summary {
                passed: 7,
                failed: 2,
                ignored: 1
            })
        );
        assert_eq!(Summary::parse("test a::b ... ok"), None);
        assert_eq!(failed_test("test a::b ... FAILED"), Some("a::b"));
    }
}
