//! A database server process with a folder of its own. A shell watches over
//! it and ends it with the test process, however that ends.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::str::FromStr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use sqlx::ConnectOptions;
use sqlx::mysql::MySqlConnectOptions;

use super::engine::{Engine, find, mariadbd, mysqld};
use super::fresh::FreshDatabase;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(90);

/// A running database server that listens on a socket in its folder.
#[derive(Debug)]
pub struct Server {
    url: String,
    folder: PathBuf,
    shell: Mutex<Shell>,
}

#[derive(Debug)]
struct Shell {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Server {
    /// Starts a server of its own: for tests that stop it, or that want other
    /// settings than the one that all tests share ([`Engine::fresh`]).
    ///
    /// # Panics
    /// If the engine is no process or not here, or the server does not start.
    pub async fn start(engine: Engine, settings: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("sv-sql-").tempdir();
        let folder = folder.expect("a folder").keep();
        let program = match engine {
            Engine::MariaDb => mariadbd().expect("MariaDB"),
            Engine::MySql => mysqld().expect("MySQL"),
            Engine::Sqlite | Engine::External => panic!("{engine:?} is no process"),
        };
        make_data(engine, &program, &folder);
        let mut arguments = vec!["--no-defaults".to_owned()];
        arguments.extend(run_arguments(engine, &folder));
        arguments.extend(settings.iter().map(ToString::to_string));
        let mut process = Command::new("sh")
            .args(["-c", include_str!("supervise.sh"), "sh"])
            .arg(&folder)
            .arg(&program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let socket = folder.join("s").display().to_string().replace('/', "%2F");
        let server = Self {
            url: format!("mysql://root@localhost/?socket={socket}"),
            shell: Mutex::new(Shell {
                orders: process.stdin.take(),
                answers: BufReader::new(process.stdout.take().expect("a pipe")),
                process,
            }),
            folder,
        };
        server.resume().await;
        server
    }

    /// The URL of the server, without a database.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// An empty database on it.
    pub async fn fresh(&self) -> FreshDatabase {
        FreshDatabase::on(&self.url).await
    }

    /// Ends the server as a power cut would. Waits until it is gone.
    pub fn kill(&self) {
        self.order("kill");
    }

    /// Ends the server in order. Waits until it is gone.
    pub fn stop(&self) {
        self.order("stop");
    }

    /// Starts the server again, and waits until it answers.
    ///
    /// # Panics
    /// If it does not.
    pub async fn resume(&self) {
        self.order("start");
        let options = MySqlConnectOptions::from_str(&self.url).expect("a URL");
        let since = Instant::now();
        while let Err(error) = options.connect().await {
            if since.elapsed() > PATIENCE {
                let log = std::fs::read_to_string(self.folder.join("log"));
                panic!("the database server does not answer: {error}\n{log:?}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Kills the server and starts it again.
    pub async fn restart(&self) {
        self.kill();
        self.resume().await;
    }

    fn order(&self, order: &str) {
        let mut shell = self.shell.lock().expect("no test panicked here");
        let orders = shell.orders.as_mut().expect("a running shell");
        writeln!(orders, "{order}").expect("the shell takes orders");
        let mut answer = String::new();
        shell.answers.read_line(&mut answer).expect("an answer");
        assert_eq!(answer.trim(), order);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(mut shell) = self.shell.lock() {
            // The end of its orders is the order to end.
            shell.orders = None;
            let _ = shell.process.wait();
        }
    }
}

fn make_data(engine: Engine, program: &Path, folder: &Path) {
    let mut command = match engine {
        Engine::MariaDb => {
            let installer = find("mariadb-install-db").or_else(|| find("mysql_install_db"));
            let mut command = Command::new(installer.expect("mariadb-install-db"));
            command.args([
                "--no-defaults",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ]);
            command
        }
        _ => {
            let mut command = Command::new(program);
            command.args(["--no-defaults", "--initialize-insecure"]);
            command
        }
    };
    command.arg(format!("--datadir={}", folder.join("data").display()));
    command.args(user_argument());
    let output = command.output().expect("the installer runs");
    assert!(output.status.success(), "{output:?}");
}

/// Strict where servers may be, and small. Tests kill the process and not the
/// machine, so what it wrote is there without waiting for the disk.
fn run_arguments(engine: Engine, folder: &Path) -> Vec<String> {
    let place = |option: &str, name: &str| format!("--{option}={}", folder.join(name).display());
    let mut arguments = vec![
        place("datadir", "data"),
        place("socket", "s"),
        place("pid-file", "pid"),
        "--skip-networking".to_owned(),
        "--sql-mode=ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,\
         ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
            .to_owned(),
        "--innodb-buffer-pool-size=64M".to_owned(),
        "--innodb-flush-log-at-trx-commit=2".to_owned(),
        "--innodb-flush-method=nosync".to_owned(),
        "--max-connections=400".to_owned(),
        "--performance-schema=OFF".to_owned(),
    ];
    if engine == Engine::MySql {
        arguments.extend(["--mysqlx=OFF", "--skip-log-bin"].map(str::to_owned));
    }
    arguments.extend(user_argument());
    arguments
}

/// The servers refuse to run as root unless told to.
fn user_argument() -> Option<String> {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    is_root.then(|| "--user=root".to_owned())
}
