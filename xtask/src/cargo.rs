//! Calling cargo and other programs from the workspace's root.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::report::{Lack, Problem};

/// The target of the web client.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";

/// The workspace's root: the folder above this package.
pub(crate) fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    package
        .as_deref()
        .and_then(Path::parent)
        .map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// A program started in the root.
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// Cargo with these arguments. What `cargo run` told this process about
/// itself is not handed on, lest build scripts see it and run again.
pub(crate) fn cargo<const N: usize>(arguments: [&str; N]) -> Command {
    let mut cargo = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let ours = [
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_BIN_",
        "CARGO_CRATE_",
    ];
    for (name, _) in std::env::vars_os() {
        if ours
            .iter()
            .any(|prefix| name.to_string_lossy().starts_with(prefix))
        {
            cargo.env_remove(name);
        }
    }
    if let Some(web) = crate::web::built() {
        cargo.env(crate::web::VARIABLE, web);
    }
    cargo.args(arguments);
    cargo
}

/// Runs a command with its output shown; an error unless it succeeds.
pub(crate) fn succeed(command: &mut Command) -> Result<(), String> {
    let status = command
        .status()
        .map_err(|error| describe(command, &error))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{}: {status}", line(command)))
    }
}

/// Runs a command and gives its standard output.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>, String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| describe(command, &error))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(format!("{}: {}", line(command), output.status))
    }
}

/// Whether a command can be run and succeeds; nothing of it is shown.
pub(crate) fn works(command: &mut Command) -> bool {
    let quiet = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// `cargo metadata`, with every feature on.
pub(crate) fn metadata() -> Result<Value, String> {
    let bytes = output(&mut cargo([
        "metadata",
        "--format-version",
        "1",
        "--all-features",
    ]))?;
    serde_json::from_slice(&bytes).map_err(|error| format!("cargo metadata: {error}"))
}

/// Where cargo puts what it builds.
pub(crate) fn target_directory() -> Result<PathBuf, String> {
    let command = &mut cargo(["metadata", "--format-version", "1", "--no-deps"]);
    let metadata: Value = serde_json::from_slice(&output(command)?)
        .map_err(|error| format!("cargo metadata: {error}"))?;
    let path = metadata["target_directory"]
        .as_str()
        .ok_or("cargo metadata names no target")?;
    Ok(PathBuf::from(path))
}

/// Sees to it that the WebAssembly target is installed.
pub(crate) fn wasm_target() -> Result<(), Problem> {
    let installed = || {
        let folder = output(command("rustc").args(["--print", "target-libdir", "--target", WASM]));
        let folder = PathBuf::from(String::from_utf8_lossy(&folder.unwrap_or_default()).trim());
        std::fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some())
    };
    if installed() || (works(command("rustup").args(["target", "add", WASM])) && installed()) {
        return Ok(());
    }
    Err(Problem::Missing(Lack {
        what: format!("Rust's standard library for {WASM}"),
        install: format!("rustup target add {WASM}"),
        optional_in_ci: false,
    }))
}

fn line(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_stem()
        .unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

fn describe(command: &Command, error: &std::io::Error) -> String {
    format!("{}: {error}", line(command))
}
