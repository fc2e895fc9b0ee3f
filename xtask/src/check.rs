//! `cargo xtask check`: everything that needs no test to run.

use crate::cargo::{self, WASM, cargo, succeed};
use crate::report::{Done, Lack, Outcome, Problem, Report};
use crate::{deploy, docs, graph, limits, machine, purity, threats};

pub(crate) fn check() -> Report {
    let mut report = Report::default();
    check_into(&mut report);
    report
}

/// The same, as part of another report.
pub(crate) fn check_into(report: &mut Report) {
    report.step("formatting", || {
        run(cargo(["fmt", "--all", "--check", "--", "-l"]))
    });
    report.step("lints", || {
        run(cargo([
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]))
    });
    graph::check(report);
    report.step(
        "pure crates: no I/O, clock or randomness of their own",
        purity::check,
    );
    report.step("what a page needs builds as WebAssembly", wasm);
    report.step("limits: the guide says what the code says", limits::check);
    report.step("documents: links", docs::links);
    report.step("documents: vectors are used", docs::vectors);
    report.step(
        "documents: the threat model's tests are there",
        threats::check,
    );
    report.step("hosting: nginx takes the example", deploy::nginx);
    report.step("hosting: Caddy takes the example", deploy::caddy);
    report.step("hosting: systemd takes the unit", deploy::systemd);
    report.step("dependencies: licences and sources (cargo deny)", || {
        audit("deny", &["check"], "cargo-deny")
    });
    report.step("dependencies: advisories (cargo audit)", || {
        audit("audit", &[], "cargo-audit")
    });
}

fn run(mut command: std::process::Command) -> Outcome {
    succeed(&mut command)?;
    Ok(Done::plain())
}

fn wasm() -> Outcome {
    cargo::wasm_target()?;
    let mut check = cargo(["check", "--target", WASM]);
    for package in ["sv-ledger", "sv-core", "sv-pake", "sv-api", "sv-client"] {
        check.args(["--package", package]);
    }
    run(check)
}

/// A cargo subcommand that not every machine has.
fn audit(subcommand: &str, arguments: &[&str], package: &str) -> Outcome {
    if machine::find(package).is_none() {
        return Err(Problem::Missing(Lack {
            what: package.to_owned(),
            install: format!("cargo install --locked {package}"),
            optional_in_ci: true,
        }));
    }
    let mut audit = cargo([subcommand]);
    audit.args(arguments);
    run(audit)
}
