//! `cargo xtask test`: everything that this machine can run.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::cargo::{self, cargo, succeed};
use crate::report::{Done, Problem, Report};
use crate::{browser, check, machine, web};

/// Where tests say what they could not run here: each appends a line
/// `what: how to have it`. Counted as skipped instead of passed.
const SKIPS: &str = "SECUREVAULT_TEST_SKIPS";
/// Where tests find the programs they drive, built like themselves.
const PROGRAMS: &str = "SECUREVAULT_TEST_PROGRAMS";
/// Mutants that `mutants` tries, if it is not told how many.
const MUTANTS: &str = "200000";

pub(crate) fn test() -> Report {
    let mut report = Report::default();
    // First, so that the server is built once, and with it.
    report.step("the web application", web::step);
    check::check_into(&mut report);
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

/// The attacks of which `test` runs a sample, in full.
pub(crate) fn evil() -> Result<Done, Problem> {
    web::build()?;
    let mut tests = stories(&["evil::", "browser::hostile"]);
    succeed(tests.env("SV_FULL", "1"))?;
    Ok(Done::plain())
}

/// What every screen looks like, on a desktop and a phone, light and dark.
pub(crate) fn screens() -> Result<Done, Problem> {
    let folder = cargo::target_directory()?.join("screens");
    let mut walk = stories(&["browser::screens", "browser::panel"]);
    succeed(walk.env("SV_SCREENS", &folder))?;
    Ok(Done::noted(folder.display().to_string()))
}

/// What the web application takes, one test after the other, and printed.
pub(crate) fn figures() -> Result<Done, Problem> {
    let mut tests = stories(&["browser::figures", "browser::calm", "browser::media"]);
    tests.args(["--nocapture", "--test-threads=1"]);
    succeed(tests.env("SV_FULL", "1"))?;
    Ok(Done::plain())
}

/// Some tests of whole stories.
fn stories(filters: &[&str]) -> Command {
    let mut tests = cargo(["test", "--package", "sv-testkit", "--test", "suite", "--"]);
    tests.args(filters);
    tests
}

/// Changes of recorded sessions, of which `test` tries a sample.
pub(crate) fn mutants(count: Option<String>) -> Result<Done, Problem> {
    let count = count.unwrap_or_else(|| MUTANTS.to_owned());
    let mut tests = stories(&["evil::mutants::", "--nocapture"]);
    succeed(tests.env("SV_MUTANTS", count))?;
    Ok(Done::plain())
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
    let mut runs = Runs::default();
    let output = tests.stdout.take().map(|out| BufReader::new(out).lines());
    for line in output.into_iter().flatten() {
        let line = line.map_err(|error| format!("cargo test: {error}"))?;
        println!("{line}");
        runs.read(&line);
    }
    let status = tests
        .wait()
        .map_err(|error| format!("cargo test: {error}"))?;

    let skipped = skipped_tests(&skips);
    let count = skipped.values().sum();
    report.book(runs.passed.saturating_sub(count), runs.failed);
    runs.failures
        .iter()
        .for_each(|name| report.name_failure(name));
    for (what, times) in skipped {
        report.skip(match times {
            1 => what,
            _ => format!("{times} × {what}"),
        });
    }
    for test in runs.ignored {
        report.skip(format!("{test}: cargo test --workspace -- --ignored"));
    }
    if !status.success() && runs.failed == 0 {
        return Err(format!(
            "{status}, without a failed test: it did not compile, or crashed"
        ));
    }
    Ok(())
}

/// What was skipped, and by how many tests.
fn skipped_tests(list: &Path) -> BTreeMap<String, usize> {
    let text = std::fs::read_to_string(list).unwrap_or_default();
    let mut skipped = BTreeMap::new();
    for what in text.lines().filter(|line| !line.is_empty()) {
        *skipped.entry(what.to_owned()).or_default() += 1;
    }
    skipped
}

/// The sums over all test runners, from what they print.
///
/// A test may run a test runner itself, and show what that printed: it lies
/// between the outer runner's first and last line and does not count.
#[derive(Default, Debug)]
struct Runs {
    passed: usize,
    failed: usize,
    failures: Vec<String>,
    /// Name, and reason if any.
    ignored: Vec<String>,
    /// How many tests each runner under way announced, the outermost first.
    open: Vec<usize>,
}

impl Runs {
    fn read(&mut self, line: &str) {
        if let Some(announced) = announced(line) {
            self.open.push(announced);
        } else if let Some(summary) = Summary::parse(line) {
            self.close(&summary);
        } else if let ([_], Some((name, verdict))) = (self.open.as_slice(), verdict(line)) {
            if verdict == "FAILED" {
                self.failures.push(name.to_owned());
            } else if let Some(reason) = verdict.strip_prefix("ignored") {
                self.ignored.push(format!("{name}{reason}"));
            }
        }
    }

    /// A runner that was killed never sums up: its announcement is passed over.
    fn close(&mut self, summary: &Summary) {
        let sums_up = |announced: &usize| *announced == summary.results;
        let at = self.open.iter().rposition(sums_up).unwrap_or(0);
        self.open.truncate(at);
        if self.open.is_empty() {
            self.passed += summary.passed;
            self.failed += summary.failed;
        }
    }
}

/// `running 7 tests`
fn announced(line: &str) -> Option<usize> {
    let (number, word) = line.strip_prefix("running ")?.split_once(' ')?;
    let number = number.parse().ok()?;
    matches!(word, "test" | "tests").then_some(number)
}

/// `test a::b ... ok`
fn verdict(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("test ")?.split_once(" ... ")
}

/// A test runner's `test result:` line.
#[derive(Default)]
struct Summary {
    passed: usize,
    failed: usize,
    /// Passed, failed, ignored or measured.
    results: usize,
}

impl Summary {
    fn parse(line: &str) -> Option<Self> {
        let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let mut summary = Self::default();
        for count in counts.split("; ") {
            let (number, what) = count.split_once(' ')?;
            let Ok(number) = number.parse::<usize>() else {
                continue;
            };
            match what {
                "passed" => summary.passed = number,
                "failed" => summary.failed = number,
                "ignored" | "measured" => {}
                _ => continue,
            }
            summary.results += number;
        }
        Some(summary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Runs {
        let mut runs = Runs::default();
        text.lines().for_each(|line| runs.read(line));
        runs
    }

    fn sum(passed: usize, failed: usize, ignored: usize) -> String {
        format!(
            "test result: ok. {passed} passed; {failed} failed; {ignored} ignored; 0 measured; \
             5 filtered out; finished in 1.55s\n"
        )
    }

    #[test]
    fn runners_are_summed_up() {
        let runs = read(&format!(
            "running 3 tests\ntest a ... ok\ntest b::c ... FAILED\n\
             test d ... ignored, needs a moon\n{}running 1 test\ntest e ... ok\n{}",
            sum(1, 1, 1),
            sum(1, 0, 0)
        ));
        assert_eq!((runs.passed, runs.failed), (2, 1));
        assert_eq!(runs.failures, ["b::c"]);
        assert_eq!(runs.ignored, ["d, needs a moon"]);
    }

    /// Inside of the first runner one was killed and one failed.
    #[test]
    fn runners_inside_of_tests_do_not_count() {
        let runs = read(&format!(
            "running 2 tests\nrunning 3 tests\nrunning 1 test\ntest x ... FAILED\n{}{}\
             running 7 tests\n{}",
            sum(0, 1, 0),
            sum(2, 0, 0),
            sum(7, 0, 0)
        ));
        assert_eq!((runs.passed, runs.failed), (9, 0));
        assert!(runs.failures.is_empty());
    }
}
