//! One-time codes: from a prompt, an argument or a command.

use std::process::Stdio;
use std::time::Duration;

use clap::Args;
use sv_api::ErrorCode;
use sv_client::ClientError;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::{is_interactive, line};
use crate::failure::{Failure, Result};
use crate::output::Output;
use crate::platform::now_ms;

/// Milliseconds for which one code is shown.
const STEP_MS: u64 = 30_000;
/// Milliseconds into a step before a new code is asked for: clocks differ.
const MARGIN_MS: u64 = 750;
const ATTEMPTS: u32 = 3;

/// Where the one-time code comes from.
#[derive(Debug, Clone, Default, Args)]
pub struct CodeArgs {
    /// The one-time code, or a backup code
    #[arg(long, value_name = "CODE", conflicts_with = "code_command")]
    pub code: Option<String>,
    /// A shell command that prints a one-time code. At sign-up it gets the
    /// new TOTP secret (base32) on its standard input, later nothing: this
    /// client does not keep the secret, so there the command must know it
    #[arg(long, value_name = "CMD", env = "SECUREVAULT_CODE_COMMAND")]
    pub code_command: Option<String>,
}

/// Gives codes until one is accepted.
pub struct Codes<'a> {
    args: &'a CodeArgs,
    out: &'a Output,
    /// The TOTP secret, where this run has just got it.
    secret: Option<&'a str>,
    tried: u32,
}

impl CodeArgs {
    /// Whether a code can be had without asking a person.
    pub const fn is_given(&self) -> bool {
        self.code.is_some() || self.code_command.is_some()
    }

    /// Codes of these sources; `secret` is for the command.
    pub const fn codes<'a>(&'a self, out: &'a Output, secret: Option<&'a str>) -> Codes<'a> {
        Codes {
            args: self,
            out,
            secret,
            tried: 0,
        }
    }
}

impl Codes<'_> {
    async fn next(&mut self) -> Result<String> {
        self.tried += 1;
        if let Some(code) = &self.args.code {
            return Ok(code.trim().to_owned());
        }
        if let Some(command) = &self.args.code_command {
            return run(command, self.secret.unwrap_or_default()).await;
        }
        if !is_interactive() {
            return Err(Failure::usage(
                "nobody to ask for the one-time code; use --code or --code-command",
            ));
        }
        line("One-time code (or backup code): ").map(|code| code.trim().to_owned())
    }

    /// After a refusal: whether there will be another code, and when.
    async fn prepare_next(&self, refusal: ClientError) -> Result {
        let used = refusal.is_refusal(ErrorCode::CodeUsed);
        let wrong = refusal.is_refusal(ErrorCode::WrongCode);
        let by_command = self.args.code_command.is_some();
        let by_person = !self.args.is_given();
        let again = self.tried < ATTEMPTS && (used && by_command || (used || wrong) && by_person);
        if !again {
            return Err(refusal.into());
        }
        if by_person {
            self.out.warn(&refusal.to_string());
            return Ok(());
        }
        let wait_ms = until_next_step(now_ms());
        self.out.remark(&format!(
            "The present one-time code was used already; waiting {} s for the next.",
            wait_ms.div_ceil(1000)
        ));
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        Ok(())
    }
}

/// Calls `attempt` with codes until one is accepted: a used code is followed
/// by the next step's, a mistyped one by another question.
///
/// # Errors
/// Those of `attempt`, or of getting a code.
pub async fn with_code<T>(
    mut codes: Codes<'_>,
    mut attempt: impl AsyncFnMut(String) -> Result<T>,
) -> Result<T> {
    loop {
        let code = codes.next().await?;
        match attempt(code).await {
            Err(Failure::Client(refusal)) => codes.prepare_next(refusal).await?,
            outcome => return outcome,
        }
    }
}

async fn run(command: &str, secret: &str) -> Result<String> {
    let failed = |why: String| Failure::Local(format!("the code command `{command}` {why}"));
    let mut shell = if cfg!(windows) {
        let mut shell = Command::new("cmd");
        shell.arg("/C");
        shell
    } else {
        let mut shell = Command::new("sh");
        shell.arg("-c");
        shell
    };
    let mut child = shell
        .arg(command)
        .env_remove("SECUREVAULT_PASSWORD")
        .env_remove("SECUREVAULT_NEW_PASSWORD")
        .env_remove("SECUREVAULT_RECOVERY_KEY")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(format!("cannot be run: {error}")))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command that knows its secret need not read this one.
        let _ = stdin.write_all(format!("{secret}\n").as_bytes()).await;
    }
    let output = child
        .wait_with_output()
        .await
        .map_err(|error| failed(format!("cannot be run: {error}")))?;
    if !output.status.success() {
        return Err(failed(format!("failed ({})", output.status)));
    }
    let code = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if code.is_empty() {
        return Err(failed("printed no code".to_owned()));
    }
    Ok(code)
}

const fn until_next_step(now_ms: u64) -> u64 {
    STEP_MS - now_ms % STEP_MS + MARGIN_MS
}

#[cfg(test)]
mod tests {
    use sv_api::ApiError;

    use super::*;

    const OUT: Output = Output {
        json: false,
        quiet: true,
    };

    #[test]
    fn the_next_step_is_waited_for() {
        assert_eq!(until_next_step(0), STEP_MS + MARGIN_MS);
        assert_eq!(until_next_step(59_999), 1 + MARGIN_MS);
    }

    #[tokio::test]
    async fn a_command_gets_the_secret_and_not_the_password() {
        assert_eq!(run("tr A-Z a-z", "ABC").await.unwrap(), "abc");
        assert_eq!(run("echo 123456", "unread").await.unwrap(), "123456");
        assert!(run("exit 3", "").await.is_err());
        assert!(run("true", "").await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_used_code_from_a_command_is_followed_by_the_next() {
        let args = CodeArgs {
            code: None,
            code_command: Some("echo 111111".to_owned()),
        };
        let mut tries = 0;
        let attempt = async |_: String| {
            tries += 1;
            if tries < 2 {
                return Err(ClientError::Refused(ApiError::new(ErrorCode::CodeUsed)).into());
            }
            Ok(tries)
        };
        assert_eq!(with_code(args.codes(&OUT, None), attempt).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_refused_argument_fails_as_refused() {
        let args = CodeArgs {
            code: Some("000000".to_owned()),
            code_command: None,
        };
        let attempt = async |_: String| -> Result {
            Err(ClientError::Refused(ApiError::new(ErrorCode::WrongCode)).into())
        };
        let failure = with_code(args.codes(&OUT, None), attempt)
            .await
            .unwrap_err();
        assert_eq!(failure.exit_code(), 3);
    }
}
