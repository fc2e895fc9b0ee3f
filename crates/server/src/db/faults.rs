//! Failures on purpose, for tests: what a server of the MySQL protocol may
//! answer, at every place where it may. Only code can ask for them; no
//! setting of a program does.

use std::fmt::Debug;

use super::error::Error;
use super::mysql;

/// Where something goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point<'a> {
    /// A transaction begins.
    Begin,
    /// A statement, as the stores wrote it, and about how many bytes go with
    /// it.
    Statement(&'a str, usize),
    /// Before a commit: nothing is kept.
    Commit,
    /// After a commit, whose answer is lost. Only a server's can be.
    Committed,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The server answers with an error of this number.
    Number(u16),
    /// The connection breaks.
    Lost,
}

/// Decides what goes wrong.
pub trait Faults: Debug + Send + Sync {
    /// What goes wrong here, if anything.
    fn strike(&self, point: Point<'_>) -> Option<Fault>;
}

impl Fault {
    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Number(number) => {
                let text = format!("on purpose: {number}");
                mysql::by_number(number).unwrap_or(Error::Engine(sqlx::Error::Protocol(text)))
            }
            Self::Lost => Error::Lost(sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into())),
        }
    }
}
