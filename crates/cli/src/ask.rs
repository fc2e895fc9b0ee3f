//! What a command wants to know from whoever runs it: passwords, codes,
//! decisions. On a terminal by prompts, in scripts by the ways that each
//! command's help names.

mod code;
mod password;

pub use code::{CodeArgs, Codes, with_code};
pub use password::{NewPassword, PasswordArgs, RecoveryWords, accept_new_password};

use std::io::{self, IsTerminal, Write};

use crate::failure::{Failure, Result};

/// Whether a person is there to answer.
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for one line.
///
/// # Errors
/// [`Failure::Local`] if the answer cannot be read; [`Failure::Usage`] at the
/// end of input.
pub fn line(question: &str) -> Result<String> {
    let mut stderr = io::stderr();
    let _ = write!(stderr, "{question}").and_then(|()| stderr.flush());
    read_line()
}

/// Asks for one line that is not shown.
fn hidden(question: &str) -> Result<String> {
    rpassword::prompt_password(question).map_err(|e| Failure::local("terminal", e))
}

/// One line of standard input, without its end.
fn read_line() -> Result<String> {
    let mut line = String::new();
    let read = io::stdin()
        .read_line(&mut line)
        .map_err(|e| Failure::local("standard input", e))?;
    if read == 0 {
        return Err(Failure::usage("standard input ended before the answer"));
    }
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(line)
}
