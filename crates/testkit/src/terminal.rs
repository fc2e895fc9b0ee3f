//! The real command line in a home of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::actor::{Actor, Host, PASSWORD, one_time_code};
use crate::daemon::Daemon;
use crate::programs::program;

/// A device on which somebody uses the command line.
pub struct Terminal {
    home: TempDir,
}

/// What a command came to.
#[derive(Debug, Clone)]
pub struct Ran {
    /// Its exit code; -1 if it was killed.
    pub code: i32,
    /// Results.
    pub stdout: String,
    /// Everything else.
    pub stderr: String,
}

impl Terminal {
    /// A device on which nobody is logged in.
    pub fn new() -> Self {
        let home = TempDir::new().expect("a folder");
        Self { home }
    }

    /// Signs somebody up.
    pub fn sign_up(daemon: &Daemon, handle: &str) -> (Self, Actor) {
        let terminal = Self::new();
        let url = daemon.tap().url();
        let made = terminal.run(&["signup", "--server", &url, "--user", handle, "--json"]);
        let made: Value = serde_json::from_str(&made.done().stdout).expect("JSON");
        let text = |name: &str| made[name].as_str().expect("text").to_owned();
        let codes = made["backup_codes"].as_array().expect("a list");
        let actor = Actor {
            handle: handle.to_owned(),
            recovery_words: text("recovery_key"),
            backup_codes: codes
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            totp_secret: text("totp_secret"),
        };
        let code = one_time_code(&actor.totp_secret, daemon.next_code_ms());
        terminal.run(&["totp", "confirm", &code]).done();
        (terminal, actor)
    }

    /// Logs somebody in on another device.
    pub fn log_in(daemon: &Daemon, actor: &Actor) -> Self {
        let terminal = Self::new();
        let (url, code) = (daemon.tap().url(), actor.code(daemon));
        let login = [
            "login",
            "--server",
            &url,
            "--user",
            &actor.handle,
            "--code",
            &code,
        ];
        terminal.run(&login).done();
        terminal
    }

    /// The same device as it is now, once more.
    pub fn twin(&self) -> Self {
        let twin = Self::new();
        crate::server::copy_folder(self.home.path(), twin.home.path());
        twin
    }

    /// The same device with every vault yet to fetch.
    pub fn without_caches(&self) -> Self {
        let twin = self.twin();
        let found = crate::process::files_below(twin.home.path());
        let mut forgotten = 0;
        for file in found {
            let mut folders = file.iter().map(std::ffi::OsStr::to_string_lossy);
            if folders.any(|name| name == "vaults") {
                std::fs::remove_file(&file).expect("a cache goes");
                forgotten += 1;
            }
        }
        assert!(forgotten > 0, "this device had opened nothing");
        twin
    }

    /// A command that is not started yet.
    pub fn command<A: AsRef<std::ffi::OsStr>>(&self, arguments: &[A]) -> Command {
        let mut command = program("securevault");
        command
            .env("SECUREVAULT_HOME", self.home.path())
            .env("SECUREVAULT_PASSWORD", PASSWORD)
            // Not into the keyring of whoever runs the tests.
            .env("SECUREVAULT_KEYRING", "file")
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run<A: AsRef<std::ffi::OsStr>>(&self, arguments: &[A]) -> Ran {
        self.command(arguments)
            .output()
            .expect("securevault")
            .into()
    }

    /// The folder in which it keeps everything.
    pub fn home(&self) -> &Path {
        self.home.path()
    }
}

impl Default for Terminal {
    fn default() -> Self {
        Self::new()
    }
}

impl Ran {
    /// It must have succeeded.
    pub fn done(self) -> Self {
        assert_eq!(self.code, 0, "{}{}", self.stdout, self.stderr);
        self
    }

    /// It must have failed so, with these words.
    pub fn failed(self, code: i32, words: &str) -> Self {
        assert_eq!(self.code, code, "{}{}", self.stdout, self.stderr);
        assert!(self.stderr.contains(words), "{words}: {}", self.stderr);
        self
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Two folders must hold the same files with the same bytes.
pub fn expect_same_tree(left: &Path, right: &Path) {
    let listed = |root: &Path| -> Vec<PathBuf> {
        let files = crate::process::files_below(root).into_iter();
        files
            .map(|path| path.strip_prefix(root).expect("below").to_owned())
            .collect()
    };
    let names = listed(left);
    assert_eq!(names, listed(right));
    for name in names {
        let read = |root: &Path| std::fs::read(root.join(&name)).expect("a file");
        assert!(read(left) == read(right), "{} differs", name.display());
    }
}
