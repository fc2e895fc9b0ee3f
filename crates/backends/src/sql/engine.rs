//! The engines that a test may run on, and which of them are here.

use std::path::{Path, PathBuf};
use std::process::Command;

use tokio::sync::OnceCell;

use super::fresh::FreshDatabase;
use super::server::Server;
use crate::skip;

/// Names the program of a real `MySQL` server.
const MYSQLD: &str = "SECUREVAULT_TEST_MYSQLD";
/// Names a server that is running already, such as TiDB, by its URL without a
/// database. Its user must be allowed to make and drop databases.
const EXTERNAL: &str = "SECUREVAULT_TEST_DATABASE";

/// An engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// In this process, in a file.
    Sqlite,
    /// `MariaDB`, a process.
    MariaDb,
    /// `MySQL`, a process.
    MySql,
    /// Whatever answers at the URL that somebody has set.
    External,
}

static MARIADB: OnceCell<Server> = OnceCell::const_new();
static MYSQL: OnceCell<Server> = OnceCell::const_new();

impl Engine {
    /// Every engine.
    pub const ALL: [Self; 4] = [Self::Sqlite, Self::MariaDb, Self::MySql, Self::External];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::MariaDb => "MariaDB",
            Self::MySql => "MySQL",
            Self::External => "external database",
        }
    }

    /// Whether it can run here.
    ///
    /// # Errors
    /// Why not, and what to do about it.
    pub fn is_here(self) -> Result<(), &'static str> {
        match self {
            Self::Sqlite => Ok(()),
            Self::MariaDb => mariadbd()
                .map(drop)
                .ok_or("MariaDB is not installed: apt-get install mariadb-server"),
            Self::MySql => mysqld().map(drop).ok_or(
                "MySQL is not installed: run cargo xtask mysql and set what it prints",
            ),
            Self::External => external().map(drop).ok_or(
                "no other database is named: set SECUREVAULT_TEST_DATABASE to mysql://USER@HOST:PORT",
            ),
        }
    }

    /// An empty database on it, dropped at the end; none where the engine is
    /// not here, which is said aloud unless nobody has asked for it.
    ///
    /// # Panics
    /// If `MariaDB` is missing where it must not be: in CI.
    pub async fn fresh(self) -> Option<FreshDatabase> {
        if let Err(lack) = self.is_here() {
            let in_ci = std::env::var_os("CI").is_some();
            assert!(!in_ci || self != Self::MariaDb, "{lack}");
            if self != Self::External {
                skip(&format!("the tests on {}: {lack}", self.name()));
            }
            return None;
        }
        Some(match self {
            Self::Sqlite => FreshDatabase::file(),
            Self::External => FreshDatabase::on(&external().expect("checked")).await,
            Self::MariaDb | Self::MySql => FreshDatabase::on(self.shared().await.url()).await,
        })
    }

    /// The server that all tests of this process share.
    async fn shared(self) -> &'static Server {
        let cell = match self {
            Self::MySql => &MYSQL,
            _ => &MARIADB,
        };
        cell.get_or_init(|| Server::start(self, &[])).await
    }
}

pub(super) fn mariadbd() -> Option<PathBuf> {
    find("mariadbd").or_else(|| find("mysqld").filter(|path| is_mariadb(path)))
}

/// Debian's `mysqld` is `MariaDB`.
pub(super) fn mysqld() -> Option<PathBuf> {
    let named = std::env::var_os(MYSQLD).map(PathBuf::from);
    named.or_else(|| find("mysqld").filter(|path| !is_mariadb(path)))
}

fn external() -> Option<String> {
    std::env::var(EXTERNAL).ok().filter(|url| !url.is_empty())
}

fn is_mariadb(program: &Path) -> bool {
    let output = Command::new(program).arg("--version").output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("MariaDB"))
}

/// A program in `PATH`, or among those for administrators.
pub(super) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let administrators = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(administrators)
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}
