//! Where files lie: SQLite's write-ahead log needs shared memory, which
//! network file systems do not have, and not every file system lasts.

use std::path::Path;

use super::error::{Error, Result};

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

/// A mounted file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Where it is mounted.
    pub(crate) point: String,
    /// Its kind, as `ext4`.
    pub(crate) kind: String,
}

/// Refuses a folder on a network file system. Where the system does not tell
/// (no `/proc`), everything is allowed.
pub(super) fn require_local(folder: &Path) -> Result<()> {
    match mount(&mounts(), &folder.canonicalize()?) {
        Some(mount) if NETWORK.contains(&mount.kind.as_str()) => {
            Err(Error::NetworkFileSystem(mount.kind))
        }
        _ => Ok(()),
    }
}

/// The system's table of mounts; empty where it does not tell.
pub(crate) fn mounts() -> String {
    std::fs::read_to_string("/proc/self/mounts").unwrap_or_default()
}

/// The mount that holds `folder`: the longest that is a prefix, and of equal
/// ones the last, which covers the others.
pub(crate) fn mount(mounts: &str, folder: &Path) -> Option<Mount> {
    mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            let point = fields.next()?.replace("\\040", " ");
            let kind = fields.next()?.to_owned();
            folder.starts_with(&point).then_some(Mount { point, kind })
        })
        .max_by_key(|mount| mount.point.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_mount_decides() {
        let mounts =
            "/dev/a / ext4 rw 0 0\nhost:/x /data nfs4 rw 0 0\n/dev/b /data/a\\040b xfs rw 0 0\n";
        let kind = |folder| mount(mounts, Path::new(folder)).map(|mount| mount.kind);
        assert_eq!(kind("/home").as_deref(), Some("ext4"));
        assert_eq!(kind("/data/v").as_deref(), Some("nfs4"));
        assert_eq!(kind("/data/a b/v").as_deref(), Some("xfs"));
        assert_eq!(kind("/database").as_deref(), Some("ext4"));
        assert_eq!(mount("", Path::new("/")), None);
    }
}
