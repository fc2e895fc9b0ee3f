//! The tasks of this workspace: `cargo xtask run`, `web`, `check`, `test`,
//! `evil`, `mutants`, `screens`, `figures`, `endure`, `vectors`.
//!
//! What runs here is all that continuous integration runs (`.ci/run`). Start
//! with `run.rs`, `check.rs` and `suite.rs`; `report.rs` counts.

mod browser;
mod cargo;
mod check;
mod deploy;
mod docs;
mod endure;
mod graph;
mod limits;
mod machine;
mod purity;
mod report;
mod run;
mod serve;
mod style;
mod suite;
mod threats;
mod walk;
mod web;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask run [-- ARGS…]   build for release and start securevaultd with ARGS
cargo xtask web              build the web application alone, and weigh it
cargo xtask check            formatting, lints, invariants, documents
cargo xtask test             check, then every test that this machine can run
cargo xtask evil             every attack of the evil server in full, and every hostile file
                             in a browser: hours
cargo xtask mutants [COUNT]  recorded sessions with one answer or row changed, 200,000 times;
                             SV_SEED repeats a run
cargo xtask screens          pictures of every screen, in target/screens
cargo xtask figures          how quick the web application is, at full size: 1 GiB up and
                             down, folders of 10,000 and 100,000 files, memory
cargo xtask endure [--full] [NAME…]
                             load, kill -9, damage, canaries, memory, every database and
                             block store, several servers: a sample in the development
                             build, or in full in the release build
cargo xtask vectors          the known answers alone, natively and in a browser";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("run") => run::run(arguments),
        Some("check") => check::check().finish(),
        Some("test") => suite::test().finish(),
        Some("evil") => {
            let mut report = report::Report::default();
            report.step("the evil server, in full", suite::evil);
            report.finish()
        }
        Some("screens") => {
            let mut report = report::Report::default();
            report.step("the web application", web::step);
            report.step("pictures of every screen", suite::screens);
            report.finish()
        }
        Some("figures") => {
            let mut report = report::Report::default();
            report.step("the web application", web::step);
            report.step("its figures", suite::figures);
            report.finish()
        }
        Some("mutants") => {
            let mut report = report::Report::default();
            let count = arguments.next();
            report.step("mutants of recorded sessions", || suite::mutants(count));
            report.finish()
        }
        Some("endure") => endure::endure(arguments).finish(),
        Some("web") => {
            let mut report = report::Report::default();
            report.step("the web application", web::step);
            report.finish()
        }
        Some("vectors") => {
            let mut report = report::Report::default();
            report.step("known answers as WebAssembly in Chromium", browser::vectors);
            report.finish()
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}
