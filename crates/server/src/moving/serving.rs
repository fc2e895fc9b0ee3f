//! Whether a program is at work on an embedded database: a lock on a file
//! beside it, which the system lets go of however the program ends. A
//! database that is a server of its own has none.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

/// Being at work on a database, until dropped.
#[derive(Debug)]
pub struct Serving {
    /// Holds the lock while it is open.
    _file: File,
}

impl Serving {
    /// Together with others; none if somebody is alone on it.
    ///
    /// # Errors
    /// The system's.
    pub fn shared(database: &Path) -> io::Result<Option<Self>> {
        Self::lock(database, FlockOperation::NonBlockingLockShared)
    }

    /// Alone; none if anybody else is at work.
    ///
    /// # Errors
    /// The system's.
    pub fn alone(database: &Path) -> io::Result<Option<Self>> {
        Self::lock(database, FlockOperation::NonBlockingLockExclusive)
    }

    fn lock(database: &Path, how: FlockOperation) -> io::Result<Option<Self>> {
        let mut name = database.as_os_str().to_owned();
        name.push(".lock");
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(name)?;
        match flock(&file, how) {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
