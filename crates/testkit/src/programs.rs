//! Where the programs under test are.

use std::path::PathBuf;
use std::process::Command;

/// A program of this workspace, built like the test that runs it: where
/// `SECUREVAULT_TEST_PROGRAMS` says, else beside the test.
pub(crate) fn program(name: &str) -> Command {
    let path = folder().join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        path.is_file(),
        "{} is not there: build the workspace first (cargo build --workspace; cargo xtask test \
         does it)",
        path.display()
    );
    let mut command = Command::new(path);
    // Nothing of whoever runs the tests may reach what they test.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SECUREVAULT_") {
            command.env_remove(name);
        }
    }
    command.env_remove("PORT");
    command
}

fn folder() -> PathBuf {
    if let Some(folder) = std::env::var_os("SECUREVAULT_TEST_PROGRAMS") {
        return folder.into();
    }
    // target/PROFILE/deps/suite-0123456789abcdef
    let test = std::env::current_exe().expect("this test's own path");
    test.ancestors().nth(2).expect("a target folder").to_owned()
}
