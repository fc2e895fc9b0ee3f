//! The local side of transfers: which files go up, and where files come down.

mod collect;
mod name;
mod part;
mod run;
mod source;
mod stream;
mod target;
mod token;
mod token_files;
mod unfinished;

pub use collect::{Collected, Collector};
pub use name::{UnsafeName, check_name, part_name};
pub use part::{FileSink, HashList, raw_sink};
pub use run::Kept;
pub use source::{DiskFiles, MemoryFiles, MemorySource, StdinFiles};
pub use stream::{BufferTarget, NullTarget, StdoutSink, StdoutTarget};
pub use target::{FileTarget, Place};
pub use token::{DecryptedToken, TokenFile};
pub use token_files::{TOKEN_ENDING, TokenFiles, TokenTarget, without_token_ending};
pub use unfinished::Unfinished;

use std::fs::Metadata;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sv_client::port::StorageError;

/// Runs blocking file work beside the network.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| StorageError("interrupted".to_owned()))?
}

fn explain(path: &Path, error: &std::io::Error) -> StorageError {
    StorageError(format!("{}: {error}", path.display()))
}

fn modified_ms(metadata: &Metadata) -> u64 {
    metadata
        .modified()
        .ok()
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok())
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}

fn system_time(ms: u64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_millis(ms))
}

#[cfg(unix)]
fn is_executable(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &Metadata) -> bool {
    false
}
