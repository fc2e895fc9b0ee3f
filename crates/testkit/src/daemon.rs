//! A real `securevaultd` in a process of its own, which can be killed.

use std::cell::Cell;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

use crate::actor::{Host, STEP_MS};
use crate::clock::TestClock;
use crate::database::Database;
use crate::platform::TestPlatform;
use crate::process::{Aim, Ambush};
use crate::programs::program;
use crate::tap::Tap;

/// Lines of the server's log that a failed test shows.
const LAST_LINES: usize = 40;

/// A server process with its data, behind a wire.
pub struct Daemon {
    folder: TempDir,
    tap: Tap,
    wrapper: Wrapper,
    running: Option<Running>,
    last_step: Cell<u64>,
}

/// Turns the server's command into the one that is run; the path is that of
/// the data folder.
pub type Wrapper = fn(Command, &Path) -> Command;

struct Running {
    child: Child,
    port: u16,
    /// Kept open: what the server says must go somewhere.
    _stdout: BufReader<ChildStdout>,
}

/// What `securevaultd check` found.
#[derive(Debug, Clone)]
pub struct Checked {
    /// Its exit code.
    pub code: i32,
    /// Files that no row names.
    pub orphans: u64,
    /// Everything it said.
    pub said: String,
}

impl Daemon {
    /// Starts a server that anybody may sign up at.
    pub async fn start() -> Self {
        Self::start_with(|command, _| command).await
    }

    /// Starts a server in surroundings of its own.
    pub async fn start_with(wrapper: Wrapper) -> Self {
        let folder = TempDir::new().expect("a folder");
        std::fs::create_dir(folder.path().join("data")).expect("a folder");
        let mut daemon = Self {
            folder,
            tap: Tap::open().await,
            wrapper,
            running: None,
            last_step: Cell::new(0),
        };
        daemon.resume();
        daemon
    }

    /// Starts the server again. Clients find it where it was.
    pub fn resume(&mut self) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log());
        let mut command = self.command(&["serve", "--listen", "localhost:0", "--signup", "open"]);
        command.env("SECUREVAULT_LOG", "debug");
        let mut child = (self.wrapper)(command, &self.data())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.expect("the log"))
            .spawn()
            .expect("the server starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("the first line");
        let port = line
            .trim()
            .rsplit(':')
            .next()
            .and_then(|port| port.parse().ok());
        let Some(port) = port else {
            let _ = child.kill();
            let log = std::fs::read_to_string(self.log()).unwrap_or_default();
            panic!("the server did not start: {line}{log}");
        };
        self.tap.lead_to(Some(port));
        self.running = Some(Running {
            child,
            port,
            _stdout: stdout,
        });
    }

    /// Kills the server (`kill -9`), unless it is dead already.
    pub fn kill(&mut self) {
        self.tap.lead_to(None);
        if let Some(mut running) = self.running.take() {
            let _ = running.child.kill();
            running.child.wait().expect("the server ends");
        }
    }

    /// Kills the server at a moment to come; [`Self::kill`] clears it away.
    pub fn ambush(&self, aim: Aim) -> Ambush {
        Ambush::lay(self.pid(), aim, &self.blocks())
    }

    /// The server's process.
    pub fn pid(&self) -> u32 {
        self.running.as_ref().expect("the server runs").child.id()
    }

    /// `securevaultd` on this server's data.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program("securevaultd");
        command
            .arg("--data")
            .arg(self.data())
            .arg("--key-file")
            .arg(self.folder.path().join("server.key"))
            .args(arguments);
        command
    }

    /// Runs `securevaultd check`, which may be done beside the server.
    pub fn check(&self) -> Checked {
        let output = self.command(&["check", "--json"]).output();
        let output = output.expect("securevaultd check");
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let report: serde_json::Value = serde_json::from_str(&stdout).unwrap_or_default();
        Checked {
            code: output.status.code().unwrap_or(-1),
            orphans: report["orphans"].as_u64().unwrap_or(0),
            said: stdout + &String::from_utf8_lossy(&output.stderr),
        }
    }

    /// What is stored must be whole. Gives how many orphans there are.
    pub fn expect_whole(&self) -> u64 {
        let checked = self.check();
        assert_eq!(checked.code, 0, "{}", checked.said);
        checked.orphans
    }

    /// Where the server itself listens.
    pub fn port(&self) -> u16 {
        self.running.as_ref().expect("the server runs").port
    }

    /// Leads every client to another server on this machine.
    pub fn divert_to(&self, port: u16) {
        self.tap.lead_to(Some(port));
    }

    /// The wire to it.
    pub const fn tap(&self) -> &Tap {
        &self.tap
    }

    /// The folder of database and blocks.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The folder of the block store.
    pub fn blocks(&self) -> PathBuf {
        self.data().join("blocks")
    }

    /// The database, past the server.
    pub async fn database(&self) -> Database {
        Database::open(&self.data().join("vault.db")).await
    }

    /// The text of the key file.
    pub fn key_text(&self) -> Vec<u8> {
        let text = std::fs::read(self.folder.path().join("server.key")).expect("the key file");
        text.trim_ascii().to_vec()
    }

    /// Everything the server said, at debug level, over all its lives.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.log()).unwrap_or_default();
            let lines: Vec<&str> = log.lines().rev().take(LAST_LINES).collect();
            lines.iter().rev().for_each(|line| println!("{line}"));
        }
    }
}

impl Host for Daemon {
    fn device(&self) -> TestPlatform {
        TestPlatform::new(&self.tap.url(), TestClock::default())
    }

    /// The server has the machine's clock, and takes the code of this step or
    /// of the one before, each once.
    fn next_code_ms(&self) -> u64 {
        let now = || {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            since.expect("time after 1970").as_millis() as u64
        };
        let step = (now() / STEP_MS - 1).max(self.last_step.get() + 1);
        self.last_step.set(step);
        std::thread::sleep(Duration::from_millis(
            (step * STEP_MS).saturating_sub(now()),
        ));
        step * STEP_MS
    }
}
