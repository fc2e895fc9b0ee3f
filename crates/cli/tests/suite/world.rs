//! A server, homes, and what a command said.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use totp_rs::{Builder, Secret};

pub(crate) const PASSWORD: &str = "correct horse battery";

/// A running server and a folder for everything else.
pub(crate) struct World {
    daemon: Child,
    data: PathBuf,
    pub(crate) url: String,
    pub(crate) dir: TempDir,
}

/// One device of somebody.
pub(crate) struct Home {
    dir: PathBuf,
    cwd: PathBuf,
    /// More variables of every command.
    env: Vec<(String, String)>,
}

/// Somebody, and their first device.
pub(crate) struct Person {
    pub(crate) home: Home,
    pub(crate) totp_secret: String,
    pub(crate) recovery_key: String,
    pub(crate) state_check: String,
    backup_codes: std::cell::RefCell<Vec<String>>,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
}

impl World {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// With more arguments for the server.
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let (daemon, url) = serve(
            &data,
            &dir.path().join("server.key"),
            "127.0.0.1:0",
            arguments,
        );
        Self {
            daemon,
            data,
            url,
            dir,
        }
    }

    /// Runs a command of the server's on its data, while it runs or not.
    pub(crate) fn administer(&self, args: &[&str]) -> Done {
        finish(daemon(&self.data, &self.path("server.key"), args))
    }

    /// Where the server keeps everything.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// The same server on other data, at the same address.
    pub(crate) fn move_to(&mut self, data: &str) {
        self.stop();
        self.data = self.path(data);
    }

    /// Starts it again after [`Self::stop`].
    pub(crate) fn resume(&mut self) {
        let listen = self.url.strip_prefix("http://").unwrap();
        let key = self.path("server.key");
        (self.daemon, self.url) = serve(&self.data, &key, listen, &[]);
    }

    /// Stops the server.
    pub(crate) fn stop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn home(&self, name: &str) -> Home {
        Home {
            dir: self.path(&format!("home-{name}")),
            cwd: self.dir.path().to_owned(),
            env: Vec::new(),
        }
    }

    pub(crate) fn sign_up(&self, user: &str) -> Person {
        self.sign_up_at(self.home(user), user)
    }

    /// On a device that is there already.
    pub(crate) fn sign_up_at(&self, home: Home, user: &str) -> Person {
        let shown = home
            .run(&["signup", "--server", &self.url, "--user", user, "--json"])
            .json();
        let text = |field: &str| shown[field].as_str().unwrap().to_owned();
        assert_eq!(shown["confirmed"], false);
        let code = totp(&text("totp_secret"));
        home.run(&["totp", "confirm", &code]).ok();
        let sheet = self.path(&format!("{user}.txt"));
        let sheet = home
            .run(&["recovery", "sheet", "-o", sheet.to_str().unwrap(), "--json"])
            .json();
        let codes = shown["backup_codes"].as_array().unwrap().iter();
        Person {
            home,
            totp_secret: text("totp_secret"),
            recovery_key: text("recovery_key"),
            state_check: sheet["state_check"].as_str().unwrap().to_owned(),
            backup_codes: codes
                .map(|code| code.as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
                .into(),
        }
    }

    /// Another device of the same person.
    pub(crate) fn log_in(&self, person: &Person, user: &str, name: &str) -> Home {
        let home = self.home(name);
        home.run(&[
            "login",
            "--server",
            &self.url,
            "--user",
            user,
            "--code",
            &person.backup_code(),
        ])
        .ok();
        home
    }

    /// A named pipe.
    pub(crate) fn fifo(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        let made = Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        path
    }

    /// Unfinished files in a folder, by name.
    pub(crate) fn unfinished(&self, folder: &str) -> Vec<PathBuf> {
        let rows = std::fs::read_dir(self.path(folder)).unwrap();
        let paths = rows.map(|row| row.unwrap().path());
        let mut found: Vec<PathBuf> = paths
            .filter(|path| path.to_string_lossy().ends_with(".svpart"))
            .collect();
        found.sort();
        found
    }

    /// Writes a local file.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Person {
    /// A code that works at once, whatever was used in this half minute.
    pub(crate) fn backup_code(&self) -> String {
        self.backup_codes.borrow_mut().pop().unwrap()
    }
}

impl Home {
    /// One that no server knows.
    pub(crate) fn at(dir: &Path) -> Self {
        Self {
            dir: dir.join("home"),
            cwd: dir.to_owned(),
            env: Vec::new(),
        }
    }

    /// With variables that every command gets.
    pub(crate) fn with(mut self, env: &[(&str, &str)]) -> Self {
        let env = env
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()));
        self.env.extend(env);
        self
    }

    /// A copy of the folder, as in a backup of it.
    pub(crate) fn copy(&self, name: &str) -> Self {
        let dir = self.dir.with_file_name(name);
        let copied = Command::new("cp")
            .arg("-a")
            .arg(&self.dir)
            .arg(&dir)
            .status();
        assert!(copied.unwrap().success());
        Self {
            dir,
            cwd: self.cwd.clone(),
            env: self.env.clone(),
        }
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_securevault"));
        command
            .args(args)
            .current_dir(&self.cwd)
            .env("SECUREVAULT_HOME", &self.dir)
            .env("SECUREVAULT_PASSWORD", PASSWORD)
            // Not into the keyring of whoever runs the tests.
            .env("SECUREVAULT_KEYRING", "file")
            .envs(self.env.iter().cloned())
            .env_remove("SECUREVAULT_SERVER")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Done {
        finish(self.command(args))
    }

    pub(crate) fn run_with(&self, args: &[&str], env: &[(&str, &str)]) -> Done {
        let mut command = self.command(args);
        command.envs(env.iter().copied());
        finish(command)
    }

    /// With something on standard input.
    pub(crate) fn feed(&self, args: &[&str], input: &[u8]) -> Done {
        let mut command = self.command(args);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let feeder = std::thread::spawn(move || {
            let _ = stdin.write_all(&input);
        });
        let done = Done::from(child.wait_with_output().unwrap());
        feeder.join().unwrap();
        done
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }
}

impl Done {
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.exits(0)
    }

    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.text(), self.err);
        self
    }

    /// Whatever the reason.
    #[track_caller]
    pub(crate) fn refused(self) {
        assert_ne!(self.code, 0, "{}", self.text());
    }

    #[track_caller]
    pub(crate) fn json(self) -> Value {
        let done = self.ok();
        serde_json::from_slice(&done.out).unwrap()
    }

    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.err.contains(text), "{text:?} not in: {}", self.err);
        self
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }
}

impl From<std::process::Output> for Done {
    fn from(output: std::process::Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: output.stdout,
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

fn daemon(data: &Path, key: &Path, args: &[&str]) -> Command {
    let client = Path::new(env!("CARGO_BIN_EXE_securevault"));
    let server = client.with_file_name("securevaultd");
    assert!(server.exists(), "run `cargo build -p sv-server` first");
    let mut command = Command::new(server);
    command
        .arg("--data")
        .arg(data)
        .arg("--key-file")
        .arg(key)
        .args(args)
        .stdin(Stdio::null());
    command
}

fn serve(data: &Path, key: &Path, listen: &str, more: &[&str]) -> (Child, String) {
    let args = ["serve", "--listen", listen, "--signup", "open"];
    let mut child = daemon(data, key, &args)
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let url = lines
        .find_map(|line| {
            line.unwrap()
                .strip_prefix("listening on ")
                .map(str::to_owned)
        })
        .expect("the server starts");
    (child, url)
}

pub(crate) fn finish(mut command: Command) -> Done {
    Done::from(command.output().unwrap())
}

pub(crate) fn totp(secret: &str) -> String {
    let secret = Secret::try_from_base32(secret).unwrap();
    let totp = Builder::new().with_secret(secret).build_noncompliant();
    let now = std::time::SystemTime::now();
    let seconds = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    totp.generate(seconds).to_string()
}

/// Every file below a folder: its path, bytes, time and whether it may be
/// executed; folders end in a slash.
pub(crate) fn listing(root: &Path) -> Vec<(String, Vec<u8>, u64, bool)> {
    fn walk(root: &Path, at: &Path, rows: &mut Vec<(String, Vec<u8>, u64, bool)>) {
        for row in std::fs::read_dir(at).unwrap() {
            let path = row.unwrap().path();
            let name = path
                .strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            let metadata = std::fs::symlink_metadata(&path).unwrap();
            if metadata.is_dir() {
                rows.push((format!("{name}/"), Vec::new(), 0, false));
                walk(root, &path, rows);
                continue;
            }
            let modified = metadata.modified().unwrap();
            let since = modified.duration_since(std::time::UNIX_EPOCH).unwrap();
            #[cfg(unix)]
            let executable =
                std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 1 == 1;
            #[cfg(not(unix))]
            let executable = false;
            let bytes = std::fs::read(&path).unwrap();
            rows.push((name, bytes, since.as_millis() as u64, executable));
        }
    }
    let mut rows = Vec::new();
    walk(root, root, &mut rows);
    rows.sort();
    rows
}
