//! Results on stdout, everything else on stderr.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use indicatif::ProgressBar;
use serde::Serialize;
use serde_json::json;

use crate::failure::{Failure, Result};
use crate::human::printable;

/// The bar on the terminal, of which there is one: it steps aside for a line.
static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// How this run speaks.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// For programs: results and errors as JSON.
    pub json: bool,
    /// No progress and no remarks.
    pub quiet: bool,
}

impl Output {
    /// Shows a result: `value` to a program, `text` to a person.
    ///
    /// # Errors
    /// [`Failure::OutputClosed`], or [`Failure::Local`].
    pub fn show(&self, value: &impl Serialize, text: impl FnOnce() -> String) -> Result {
        let mut shown = if self.json {
            serde_json::to_string_pretty(value).map_err(|e| Failure::local("JSON", e))?
        } else {
            text()
        };
        if !shown.is_empty() && !shown.ends_with('\n') {
            shown.push('\n');
        }
        write_out(shown.as_bytes())
    }

    /// Says that something was done: `value` to a program; to a person only a
    /// remark, for what was asked for is no news.
    ///
    /// # Errors
    /// [`Failure::OutputClosed`], or [`Failure::Local`].
    pub fn done(&self, value: &impl Serialize, remark: impl FnOnce() -> String) -> Result {
        if self.json {
            return self.show(value, String::new);
        }
        self.remark(&remark());
        Ok(())
    }

    /// Says something beside the result, unless quiet.
    pub fn remark(&self, text: &str) {
        if !self.quiet {
            self.warn(text);
        }
    }

    /// Says something beside the result that nobody should miss.
    pub fn warn(&self, text: &str) {
        let bar = BAR.lock().unwrap_or_else(PoisonError::into_inner);
        // A closed stderr is no reason to stop.
        let write = || {
            let _ = writeln!(io::stderr(), "{}", printable(text));
        };
        match bar.as_ref() {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Says why the command stopped.
    pub fn fail(&self, failure: &Failure) {
        if matches!(failure, Failure::OutputClosed) {
            return;
        }
        if self.json {
            let error = json!({"error": {
                "kind": failure.kind(),
                "exit_code": failure.exit_code(),
                "message": failure.to_string(),
            }});
            let _ = writeln!(io::stderr(), "{error}");
        } else {
            self.warn(&format!("securevault: {failure}"));
        }
    }

    /// Whether a moving display makes sense.
    pub fn is_animated(&self) -> bool {
        !self.json && !self.quiet && io::stderr().is_terminal()
    }
}

/// Writes bytes of a result.
///
/// # Errors
/// [`Failure::OutputClosed`], or [`Failure::Local`].
pub fn write_out(bytes: &[u8]) -> Result {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(bytes)
        .and_then(|()| stdout.flush())
        .map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => Failure::OutputClosed,
            _ => Failure::local("standard output", error),
        })
}

/// Says which bar is on the terminal.
pub fn set_bar(bar: Option<ProgressBar>) {
    *BAR.lock().unwrap_or_else(PoisonError::into_inner) = bar;
}
