//! What is shipped beside the program, held against the program: files for
//! hosting, and the guides. A flag that was renamed fails here.

#![expect(clippy::panic, reason = "says which file is wrong")]

mod files;
mod guides;
mod settings;

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Every file below a folder of the workspace, by its path from the root.
fn files(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| format!("{folder}/{}", entry.unwrap().file_name().to_string_lossy()))
        .collect();
    names.sort();
    names
}

/// Parses a command line as `securevaultd` would. Asking for help is fine.
fn parse(words: &[String]) -> Result<(), clap::Error> {
    match sv_server::cli::command().try_get_matches_from(words) {
        Err(error) if error.use_stderr() => Err(error),
        _ => Ok(()),
    }
}

/// Nothing may be made, and no invitation printed, where it would be lost.
/// The folder is not there, so the file system at `/` counts.
#[test]
fn a_server_does_not_start_where_its_data_would_be_lost() {
    let data = Path::new("/no-such-folder-of-securevault/data");
    let output = Command::new(env!("CARGO_BIN_EXE_securevaultd"))
        .args(["serve", "--listen", "localhost:0", "--data"])
        .arg(data)
        .env("RENDER", "true")
        .env_remove("SECUREVAULT_EPHEMERAL")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    for words in [
        "the database would be lost",
        "Render",
        "--database mysql://",
    ] {
        assert!(said.contains(words), "{said}");
    }
    assert!(!data.parent().unwrap().exists());
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_securevaultd"))
        .arg("man")
        .arg(folder.path())
        .status();
    assert!(status.unwrap().success());
    for page in [
        "securevaultd",
        "securevaultd-serve",
        "securevaultd-admin-user-list",
    ] {
        let page = folder.path().join(format!("{page}.1"));
        assert!(std::fs::read_to_string(page).unwrap().contains(".TH"));
    }
}
