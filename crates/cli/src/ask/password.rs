//! Passwords and recovery keys.

use clap::Args;
use zeroize::Zeroizing;

use super::{hidden, is_interactive, line, read_line};
use crate::failure::{Failure, Result};

const ENV: &str = "SECUREVAULT_PASSWORD";
const NEW_ENV: &str = "SECUREVAULT_NEW_PASSWORD";
const WORDS_ENV: &str = "SECUREVAULT_RECOVERY_KEY";
/// Characters of a password at least.
const MIN_CHARS: usize = 10;
/// Characters from which on no advice is given.
const GOOD_CHARS: usize = 16;

/// Where the password comes from.
#[derive(Debug, Args)]
pub struct PasswordArgs {
    /// Read the password from standard input, one line (SECUREVAULT_PASSWORD
    /// does the same without a pipe)
    #[arg(long)]
    pub password_stdin: bool,
}

/// Which new password is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewPassword {
    /// The account's first.
    First,
    /// The one after the present one: the second line of standard input, or
    /// `SECUREVAULT_NEW_PASSWORD`.
    Next,
}

impl PasswordArgs {
    /// The account's present password.
    ///
    /// # Errors
    /// [`Failure::Usage`] if it is not given and nobody can be asked.
    pub fn present(&self) -> Result<Zeroizing<String>> {
        self.given(ENV)?.map_or_else(|| ask("Password: ", ENV), Ok)
    }

    /// A new password, typed twice where a person types it.
    ///
    /// # Errors
    /// [`Failure::Usage`] if it is not given and nobody can be asked, or if it
    /// is too short.
    pub fn new_password(&self, which: NewPassword) -> Result<Zeroizing<String>> {
        let env = match which {
            NewPassword::First => ENV,
            NewPassword::Next => NEW_ENV,
        };
        if let Some(password) = self.given(env)? {
            accept_new_password(&password)?;
            return Ok(password);
        }
        loop {
            let password = ask("New password (at least 10 characters): ", env)?;
            if let Err(refusal) = accept_new_password(&password) {
                say(&refusal.to_string());
                continue;
            }
            if let Some(advice) = advice(&password) {
                say(advice);
            }
            if *ask("The same again: ", env)? == *password {
                return Ok(password);
            }
            say("These were not the same. Once more.");
        }
    }

    fn given(&self, env: &str) -> Result<Option<Zeroizing<String>>> {
        if self.password_stdin {
            return read_line().map(|line| Some(Zeroizing::new(line)));
        }
        Ok(std::env::var(env).ok().map(Zeroizing::new))
    }
}

/// Where a recovery key comes from.
#[derive(Debug, Args)]
pub struct RecoveryWords {
    /// Read the 24 words from standard input, one line before any password
    /// (SECUREVAULT_RECOVERY_KEY does the same without a pipe)
    #[arg(long)]
    pub words_stdin: bool,
}

impl RecoveryWords {
    /// The 24 words.
    ///
    /// # Errors
    /// [`Failure::Usage`] if they are not given and nobody can be asked.
    pub fn read(&self) -> Result<Zeroizing<String>> {
        if self.words_stdin {
            return read_line().map(Zeroizing::new);
        }
        if let Ok(words) = std::env::var(WORDS_ENV) {
            return Ok(Zeroizing::new(words));
        }
        if !is_interactive() {
            return Err(Failure::usage(
                "nobody to ask for the recovery key; use --words-stdin or SECUREVAULT_RECOVERY_KEY",
            ));
        }
        line("Recovery key (24 words): ").map(Zeroizing::new)
    }
}

/// Refuses a password that is too short to protect anything.
///
/// # Errors
/// [`Failure::Usage`].
pub fn accept_new_password(password: &str) -> Result {
    if password.chars().count() < MIN_CHARS {
        return Err(Failure::usage(format!(
            "a password needs at least {MIN_CHARS} characters; four or five random words are \
             easy to remember and hard to guess"
        )));
    }
    Ok(())
}

/// What would make an acceptable password better.
fn advice(password: &str) -> Option<&'static str> {
    let classes: [fn(&char) -> bool; 4] = [
        |c| c.is_lowercase(),
        |c| c.is_uppercase(),
        |c| c.is_numeric(),
        |c| !c.is_alphanumeric(),
    ];
    let used = classes
        .iter()
        .filter(|class| password.chars().any(|c| class(&c)))
        .count();
    let mut distinct: Vec<char> = password.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() < MIN_CHARS / 2 {
        return Some("Weak: it repeats few characters. It is accepted, but consider another.");
    }
    (password.chars().count() < GOOD_CHARS && used < 3)
        .then_some("Fair. Another word or two would make it much harder to guess.")
}

fn ask(question: &str, env: &str) -> Result<Zeroizing<String>> {
    if !is_interactive() {
        return Err(Failure::usage(format!(
            "nobody to ask for the password; use --password-stdin or {env}"
        )));
    }
    hidden(question).map(Zeroizing::new)
}

fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_passwords_are_refused_by_characters_not_bytes() {
        assert!(accept_new_password("123456789").is_err());
        assert!(accept_new_password("ééééééééé").is_err());
        assert!(accept_new_password("1234567890").is_ok());
    }

    #[test]
    fn advice_for_weak_ones_only() {
        assert!(advice("aaaaaaaaaaaaaaaaaaaa").unwrap().starts_with("Weak"));
        assert!(advice("abcdefghij").unwrap().starts_with("Fair"));
        assert_eq!(advice("correct horse battery"), None);
        assert_eq!(advice("Tr0ub4dor&3"), None);
    }
}
