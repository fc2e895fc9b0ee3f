//! Real `securevaultd` in processes of their own, which can be killed: one
//! server, or several on one database.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::actor::Host;
use crate::authenticator::CodeSteps;
use crate::clock::TestClock;
use crate::database::Database;
use crate::dice::Dice;
use crate::platform::TestPlatform;
use crate::process::{Aim, Ambush};
use crate::programs::program;
use crate::running::Running;
use crate::stage::{Backing, Engine, Stage};
use crate::tap::Tap;

/// Lines of the servers' log that a failed test shows.
const LAST_LINES: usize = 40;

/// Server processes with what they keep, behind a wire.
pub struct Daemon {
    folder: TempDir,
    backing: Backing,
    tap: Tap,
    wrapper: Wrapper,
    /// Those that run.
    servers: Vec<Option<Running>>,
    steps: CodeSteps,
}

/// Turns the server's command into the one that is run; the path is that of
/// the data folder.
pub type Wrapper = fn(Command, &Path) -> Command;

/// What `securevaultd check` found.
#[derive(Debug, Clone)]
pub struct Checked {
    /// Its exit code.
    pub code: i32,
    /// Files that no row names, reserved or not.
    pub orphans: u64,
    /// Everything it said.
    pub said: String,
}

impl Daemon {
    /// Starts a server that anybody may sign up at, with all it keeps in one
    /// folder.
    pub async fn start() -> Self {
        Self::start_with(|command, _| command).await
    }

    /// Starts a server in surroundings of its own.
    pub async fn start_with(wrapper: Wrapper) -> Self {
        Self::open(Stage::ONE_FOLDER, false, 1, wrapper).await
    }

    /// Starts so many servers that keep everything together.
    pub async fn start_on(stage: Stage, servers: usize) -> Self {
        Self::open(stage, false, servers, |command, _| command).await
    }

    /// The same on a database server that this test may restart.
    pub async fn start_on_own(stage: Stage, servers: usize) -> Self {
        Self::open(stage, true, servers, |command, _| command).await
    }

    async fn open(stage: Stage, is_own: bool, servers: usize, wrapper: Wrapper) -> Self {
        let folder = TempDir::new().expect("a folder");
        let backing = Backing::open(stage, is_own, &folder.path().join("data")).await;
        let mut daemon = Self {
            folder,
            backing,
            tap: Tap::open().await,
            wrapper,
            servers: (0..servers).map(|_| None).collect(),
            steps: CodeSteps::default(),
        };
        if stage.engine != Engine::Sqlite {
            daemon.migrate();
        }
        daemon.resume();
        daemon
    }

    /// Starts every server that does not run. Clients find them where they
    /// were.
    pub fn resume(&mut self) {
        for server in 0..self.servers.len() {
            if self.servers[server].is_none() {
                let started = Running::start(self.serve(), &self.log());
                self.take_over(server, started);
            }
        }
    }

    /// Starts one server again, while others work.
    pub async fn resume_one(&mut self, server: usize) {
        let (command, log) = (self.serve(), self.log());
        let start = move || Running::start(command, &log);
        let started = tokio::task::spawn_blocking(start).await;
        self.take_over(server, started.expect("a start"));
    }

    fn take_over(&mut self, server: usize, started: Running) {
        self.tap.lead(server, Some(started.port()));
        self.servers[server] = Some(started);
    }

    /// Kills every server (`kill -9`) that is not dead already.
    pub fn kill(&mut self) {
        (0..self.servers.len()).for_each(|server| self.kill_one(server));
    }

    /// Kills one server, unless it is dead already.
    pub fn kill_one(&mut self, server: usize) {
        self.tap.lead(server, None);
        if let Some(running) = self.servers[server].take() {
            running.kill();
        }
    }

    /// Kills the first server at a moment to come; [`Self::kill`] clears it
    /// away.
    pub fn ambush(&self, aim: Aim) -> Ambush {
        Ambush::lay(self.pid(), aim, &self.blocks())
    }

    /// The first server's process.
    pub fn pid(&self) -> u32 {
        self.running(0).pid()
    }

    /// The address of one server, past the wire.
    pub fn url_of(&self, server: usize) -> String {
        format!("http://127.0.0.1:{}", self.running(server).port())
    }

    fn running(&self, server: usize) -> &Running {
        self.servers[server].as_ref().expect("the server runs")
    }

    /// `securevaultd` on what these servers keep.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program("securevaultd");
        command
            .arg("--data")
            .arg(self.data())
            .arg("--key-file")
            .arg(self.folder.path().join("server.key"));
        self.backing.name_to(&mut command);
        command.args(arguments);
        command
    }

    fn serve(&self) -> Command {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0", "--signup", "open"]);
        command.env("SECUREVAULT_LOG", "debug");
        (self.wrapper)(command, &self.data())
    }

    fn migrate(&self) {
        let output = self.command(&["migrate"]).output();
        let output = output.expect("securevaultd migrate");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "migrate: {said}");
    }

    /// Runs `securevaultd check`, which may be done beside the servers.
    pub fn check(&self) -> Checked {
        let output = self.command(&["check", "--json"]).output();
        let output = output.expect("securevaultd check");
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let report: serde_json::Value = serde_json::from_str(&stdout).unwrap_or_default();
        Checked {
            code: output.status.code().unwrap_or(-1),
            orphans: ["orphans", "reserved"]
                .iter()
                .filter_map(|count| report[count].as_u64())
                .sum(),
            said: stdout + &String::from_utf8_lossy(&output.stderr),
        }
    }

    /// What is stored must be whole. Gives how many orphans there are.
    pub fn expect_whole(&self) -> u64 {
        let checked = self.check();
        assert_eq!(checked.code, 0, "{}", checked.said);
        checked.orphans
    }

    /// Where the first server itself listens.
    pub fn port(&self) -> u16 {
        let first = self.servers.first().and_then(Option::as_ref);
        first.expect("the server runs").port()
    }

    /// Leads every client to another server on this machine.
    pub fn divert_to(&self, port: u16) {
        self.tap.lead(0, Some(port));
    }

    /// Restarts the database, as its operator would, in the middle of
    /// everything; says what was done, if this stage allows it.
    pub async fn restart_database(&mut self) -> Option<&'static str> {
        self.backing.restart_database().await
    }

    /// Ends every connection to the database, with the transaction on it.
    pub async fn cut_connections(&mut self) -> Option<&'static str> {
        self.backing.cut_connections().await
    }

    /// Makes the block store fail for a moment.
    pub async fn trouble_blocks(&mut self, dice: &mut Dice) -> Option<&'static str> {
        self.backing.trouble_blocks(dice).await
    }

    /// The wire to them.
    pub const fn tap(&self) -> &Tap {
        &self.tap
    }

    /// What they keep things in.
    pub const fn backing(&self) -> &Backing {
        &self.backing
    }

    /// The data folder: of database and blocks, where these are files.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The folder of the block store, where it is files.
    pub fn blocks(&self) -> PathBuf {
        self.data().join("blocks")
    }

    /// The database, past the server, where it is SQLite.
    pub async fn database(&self) -> Database {
        Database::open(&self.data().join("vault.db")).await
    }

    /// The text of the key file.
    pub fn key_text(&self) -> Vec<u8> {
        let text = std::fs::read(self.folder.path().join("server.key")).expect("the key file");
        text.trim_ascii().to_vec()
    }

    /// Everything the servers said, at debug level, over all their lives.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The same servers to somebody who has used no code yet.
    pub fn newcomer(&self) -> Newcomer<'_> {
        Newcomer {
            daemon: self,
            steps: CodeSteps::default(),
        }
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
        let device = TestPlatform::new(&self.tap.url(), TestClock::default());
        if self.servers.len() > 1 {
            device.network.be_restless();
        }
        device
    }

    fn next_code_ms(&self) -> u64 {
        self.steps.next_ms()
    }
}

/// Servers, as one of many people sees them: each has codes of their own.
pub struct Newcomer<'d> {
    daemon: &'d Daemon,
    steps: CodeSteps,
}

impl Host for Newcomer<'_> {
    fn device(&self) -> TestPlatform {
        self.daemon.device()
    }

    fn next_code_ms(&self) -> u64 {
        self.steps.next_ms()
    }
}
