//! `cargo xtask endure`: what must hold under load, violence and time, at full
//! size and on the programs as they are shipped, or a sample of it.

use std::path::Path;

use crate::cargo::{self, cargo, succeed};
use crate::report::{Done, Outcome, Report};

/// What there is, as modules of the tests.
const TESTS: [&str; 11] = [
    "canaries",
    "converge",
    "damage",
    "kill_client",
    "kill_server",
    "matrix",
    "memory",
    "model",
    "refusals",
    "soak",
    "together",
];
/// Malformed and random requests in full.
const REQUESTS: &str = "100000";

/// Runs those whose names begin as the arguments say, or all of them.
pub(crate) fn endure(arguments: impl Iterator<Item = String>) -> Report {
    let (flags, names): (Vec<_>, Vec<_>) = arguments.partition(|a| a == "--full");
    let is_full = !flags.is_empty();
    let mut report = Report::default();
    report.step("programs to be tested", || build(is_full));
    for name in &names {
        if !TESTS.iter().any(|test| test.starts_with(name.as_str())) {
            let there = TESTS.join(", ");
            report.fail(name, &format!("there is no such test; there are {there}"));
        }
    }
    for test in TESTS {
        if names.is_empty() || names.iter().any(|name| test.starts_with(name.as_str())) {
            report.step(test, || run(test, is_full));
        }
    }
    if names.is_empty() && is_full {
        report.step("random requests", random_requests);
    }
    report
}

fn build(is_full: bool) -> Outcome {
    let mut build = cargo(["build", "-p", "sv-server", "-p", "sv-cli", "--bins"]);
    succeed(build.args(profile(is_full)))?;
    Ok(Done::plain())
}

/// One test after the other: they measure time and memory.
fn run(name: &str, is_full: bool) -> Outcome {
    let folder = if is_full { "release" } else { "debug" };
    let programs = cargo::target_directory()?.join(Path::new(folder));
    let mut tests = cargo(["test", "-p", "sv-testkit", "--test", "suite"]);
    tests
        .args(profile(is_full))
        .arg(format!("endure::{name}::"));
    tests.args(["--", "--nocapture", "--test-threads=1"]);
    tests.env("SECUREVAULT_TEST_PROGRAMS", programs);
    if is_full {
        tests.env("SV_FULL", "1");
    }
    succeed(&mut tests)?;
    Ok(Done::plain())
}

fn random_requests() -> Outcome {
    let mut tests = cargo(["test", "--release", "-p", "sv-server", "--test", "suite"]);
    tests.arg("no_request_makes_the_server_fail");
    succeed(tests.env("SV_REQUESTS", REQUESTS))?;
    Ok(Done::plain())
}

fn profile(is_full: bool) -> &'static [&'static str] {
    if is_full { &["--release"] } else { &[] }
}
