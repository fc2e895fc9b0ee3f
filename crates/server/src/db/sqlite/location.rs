//! Where a database file may lie: SQLite's write-ahead log needs shared
//! memory, which network file systems do not have.

use std::path::Path;

use crate::db::error::{Error, Result};
use crate::mounts;

const NETWORK: &[&str] = &[
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "ncpfs",
    "afs",
    "ceph",
    "glusterfs",
    "9p",
    "fuse.sshfs",
    "fuse.glusterfs",
    "fuse.s3fs",
    "fuse.rclone",
];

/// Refuses a folder on a network file system. Where the system does not tell
/// (no `/proc`), everything is allowed.
pub(super) fn require_local(folder: &Path) -> Result<()> {
    match mounts::mount(&mounts::table(), &folder.canonicalize()?) {
        Some(mount) if NETWORK.contains(&mount.kind.as_str()) => {
            Err(Error::NetworkFileSystem(mount.kind))
        }
        _ => Ok(()),
    }
}
