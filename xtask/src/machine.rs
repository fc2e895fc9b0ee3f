//! What this machine has of what some tests need.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo::works;
use crate::report::{Done, Lack, Problem, Report};

/// Books what is there; what is not is a skip, or a failure in CI.
pub(crate) fn check(report: &mut Report) {
    let wanted: [(&str, &str, &str, Option<PathBuf>); 5] = [
        (
            "Chromium",
            "the browser's run of the vectors",
            "chromium",
            chromium(),
        ),
        (
            "a keyring",
            "the key of a device in it",
            "dbus-daemon gnome-keyring",
            find("dbus-daemon").and_then(|_| find("gnome-keyring-daemon")),
        ),
        (
            "MariaDB",
            "the tests of the MySQL store",
            "mariadb-server",
            mariadb(),
        ),
        (
            "oathtool",
            "one-time codes from another implementation",
            "oathtool",
            find("oathtool"),
        ),
        (
            "Python's cryptography",
            "Fernet tokens from another implementation",
            "python3-cryptography",
            python_with_cryptography(),
        ),
    ];
    for (what, purpose, package, found) in wanted {
        report.step(&format!("this machine has {what}"), || match found {
            Some(path) => Ok(Done::noted(path.display().to_string())),
            None => Err(missing(&format!("{what}, for {purpose},"), package)),
        });
    }
}

/// The lack of something that a Debian package has and CI must have.
pub(crate) fn missing(what: &str, package: &str) -> Problem {
    Problem::Missing(Lack {
        what: what.to_owned(),
        install: format!("apt-get install {package}"),
        optional_in_ci: false,
    })
}

/// A Chromium, or what `CHROMIUM` names.
pub(crate) fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let usual = ["chromium", "chromium-browser", "google-chrome"];
    named.or_else(|| usual.into_iter().find_map(find))
}

fn mariadb() -> Option<PathBuf> {
    find("mariadbd").or_else(|| find("mysqld"))
}

/// The Python in `PATH`, or the system's own, which is where the package goes.
fn python_with_cryptography() -> Option<PathBuf> {
    let candidates = [find("python3"), Some(PathBuf::from("/usr/bin/python3"))];
    candidates
        .into_iter()
        .flatten()
        .find(|python| works(Command::new(python).args(["-c", "import cryptography"])))
}

/// A program in `PATH`, or among those for administrators.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let administrators = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(administrators)
        .map(|folder| folder.join(program))
        .find(|candidate| is_program(candidate))
}

fn is_program(path: &Path) -> bool {
    path.is_file()
}
