//! Counts what passed, failed and was skipped, and says so at the end.

use std::process::ExitCode;

/// What one step comes to.
pub(crate) type Outcome = Result<Done, Problem>;

/// A step that passed, as so many results.
pub(crate) struct Done {
    /// Results it stands for: 1, or a test runner's sum.
    pub(crate) results: usize,
    /// What is worth saying about it.
    pub(crate) note: String,
}

/// A step that did not.
pub(crate) enum Problem {
    /// Something is wrong; why.
    Failed(String),
    /// This machine lacks something.
    Missing(Lack),
}

impl Problem {
    /// For a person.
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Failed(why) => why,
            Self::Missing(Lack { what, install, .. }) => format!("{what} is missing: {install}"),
        }
    }
}

/// What a machine lacks, and what to do about it.
pub(crate) struct Lack {
    /// The thing and what it is for.
    pub(crate) what: String,
    /// How to get it, on Debian.
    pub(crate) install: String,
    /// Whether continuous integration may do without it.
    pub(crate) optional_in_ci: bool,
}

/// The sum of all steps.
#[derive(Default)]
pub(crate) struct Report {
    passed: usize,
    failed: usize,
    failures: Vec<String>,
    skips: Vec<String>,
}

impl Done {
    pub(crate) fn plain() -> Self {
        Self {
            results: 1,
            note: String::new(),
        }
    }

    pub(crate) fn noted(note: impl Into<String>) -> Self {
        Self {
            results: 1,
            note: note.into(),
        }
    }
}

impl From<String> for Problem {
    fn from(why: String) -> Self {
        Self::Failed(why)
    }
}

impl From<&str> for Problem {
    fn from(why: &str) -> Self {
        Self::Failed(why.to_owned())
    }
}

impl Report {
    /// Runs a step and books what it comes to.
    pub(crate) fn step(&mut self, name: &str, step: impl FnOnce() -> Outcome) {
        println!("\n=== {name}");
        match step() {
            Ok(done) => {
                self.passed += done.results;
                println!(
                    "ok: {name}{}{}",
                    if done.note.is_empty() { "" } else { ": " },
                    done.note
                );
            }
            Err(Problem::Failed(why)) => self.fail(name, &why),
            Err(Problem::Missing(lack)) if in_ci() && !lack.optional_in_ci => {
                self.fail(name, &format!("{} is missing: {}", lack.what, lack.install));
            }
            Err(Problem::Missing(lack)) => {
                self.skip(format!(
                    "{name}: {} is missing. To have it: {}",
                    lack.what, lack.install
                ));
            }
        }
    }

    /// Books the results of a test runner.
    pub(crate) fn book(&mut self, passed: usize, failed: usize) {
        self.passed += passed;
        self.failed += failed;
    }

    /// Names a test that [`book`](Self::book) counted as failed.
    pub(crate) fn name_failure(&mut self, name: &str) {
        self.failures.push(name.to_owned());
    }

    pub(crate) fn fail(&mut self, name: &str, why: &str) {
        println!("FAILED: {name}\n{why}");
        self.failed += 1;
        self.failures.push(format!(
            "{name}: {}",
            why.lines().next().unwrap_or_default()
        ));
    }

    pub(crate) fn skip(&mut self, what: String) {
        println!("SKIPPED: {what}");
        self.skips.push(what);
    }

    /// Says what was skipped and what failed, then the sums as the last line.
    pub(crate) fn finish(self) -> ExitCode {
        let Self {
            passed,
            failed,
            failures,
            skips,
        } = self;
        if !skips.is_empty() {
            println!("\n################ NOT RUN ON THIS MACHINE ################");
            skips.iter().for_each(|skip| println!("# {skip}"));
            println!("##########################################################");
        }
        if !failures.is_empty() {
            println!("\nFailed:");
            failures.iter().for_each(|failure| println!("- {failure}"));
        }
        println!(
            "\n{passed} passed, {failed} failed, {} skipped",
            skips.len()
        );
        if failed == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

/// Whether what is missing fails: `CI=true`.
pub(crate) fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|ci| ci == "true")
}
