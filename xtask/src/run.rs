//! `cargo xtask run`: the server as a person would start it.

use std::process::{Command, ExitCode};

use crate::report::Problem;
use crate::{cargo, web};

/// Builds both programs for release and becomes the server. Arguments are the
/// server's; without `--data` (or `SECUREVAULT_DATA`) it keeps its data in `./data`.
pub(crate) fn run(arguments: impl Iterator<Item = String>) -> ExitCode {
    let mut arguments: Vec<String> = arguments.collect();
    if arguments.first().is_some_and(|first| first == "--") {
        arguments.remove(0);
    }
    match start(arguments) {
        Ok(code) => code,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: Vec<String>) -> Result<ExitCode, String> {
    web::build().map_err(Problem::into_text)?;
    cargo::succeed(&mut cargo::cargo([
        "build",
        "--release",
        "--package",
        "sv-server",
        "--package",
        "sv-cli",
    ]))?;
    let programs = cargo::target_directory()?.join("release");
    let client = programs.join(format!("securevault{}", std::env::consts::EXE_SUFFIX));
    println!("The command line client is {}", client.display());

    let mut server =
        Command::new(programs.join(format!("securevaultd{}", std::env::consts::EXE_SUFFIX)));
    if !names_data(&arguments) {
        server.args(["--data", "data"]);
    }
    server.args(arguments);
    become_it(&mut server)
}

fn names_data(arguments: &[String]) -> bool {
    std::env::var_os("SECUREVAULT_DATA").is_some()
        || arguments
            .iter()
            .any(|argument| argument == "--data" || argument.starts_with("--data="))
}

/// Signals, the terminal and the exit code are the server's from here on.
#[cfg(unix)]
fn become_it(server: &mut Command) -> Result<ExitCode, String> {
    use std::os::unix::process::CommandExt;

    let error = server.exec();
    Err(format!(
        "{}: {error}",
        server.get_program().to_string_lossy()
    ))
}

/// Ctrl-C reaches both processes of a console; this one waits for the other.
#[cfg(not(unix))]
fn become_it(server: &mut Command) -> Result<ExitCode, String> {
    let status = server
        .status()
        .map_err(|error| format!("{}: {error}", server.get_program().to_string_lossy()))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_folder_is_recognised() {
        let named = |arguments: &[&str]| {
            names_data(
                &arguments
                    .iter()
                    .map(|a| (*a).to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert!(named(&["--signup", "open", "--data", "x"]));
        assert!(named(&["--data=x"]));
        assert!(!named(&["--database", "x"]));
    }
}
