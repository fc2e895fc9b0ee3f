//! A server process that runs.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A server that listens.
pub(crate) struct Running {
    child: Child,
    port: u16,
    /// Kept open: what the server says must go somewhere.
    _stdout: BufReader<ChildStdout>,
}

impl Running {
    /// Starts a server and waits until it says where it listens.
    pub(crate) fn start(mut command: Command, log: &Path) -> Self {
        let opened = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(opened.expect("the log"))
            .spawn()
            .expect("the server starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("the first line");
        let port = line.trim().rsplit(':').next();
        let Some(port) = port.and_then(|port| port.parse().ok()) else {
            let _ = child.kill();
            let said = std::fs::read_to_string(log).unwrap_or_default();
            panic!("the server did not start: {line}{said}");
        };
        Self {
            child,
            port,
            _stdout: stdout,
        }
    }

    /// Where it listens.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it (`kill -9`).
    pub(crate) fn kill(mut self) {
        let _ = self.child.kill();
        self.child.wait().expect("the server ends");
    }
}
