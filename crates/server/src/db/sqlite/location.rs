//! Where a database file may lie: SQLite's write-ahead log needs shared
//! memory, which network file systems do not have.

use std::path::Path;

use crate::db::error::{Error, Result};

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
    let Ok(mounts) = std::fs::read_to_string("/proc/self/mounts") else {
        return Ok(());
    };
    match file_system(&mounts, &folder.canonicalize()?) {
        Some(kind) if NETWORK.contains(&kind) => Err(Error::NetworkFileSystem(kind.to_owned())),
        _ => Ok(()),
    }
}

/// The kind of the mount that holds `folder`: the longest that is a prefix,
/// and of equal ones the last, which covers the others.
fn file_system<'m>(mounts: &'m str, folder: &Path) -> Option<&'m str> {
    mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            let point = fields.next()?.replace("\\040", " ");
            let kind = fields.next()?;
            folder.starts_with(&point).then_some((point.len(), kind))
        })
        .max_by_key(|(len, _)| *len)
        .map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_mount_decides() {
        let mounts =
            "/dev/a / ext4 rw 0 0\nhost:/x /data nfs4 rw 0 0\n/dev/b /data/a\\040b xfs rw 0 0\n";
        assert_eq!(file_system(mounts, Path::new("/home")), Some("ext4"));
        assert_eq!(file_system(mounts, Path::new("/data/v")), Some("nfs4"));
        assert_eq!(file_system(mounts, Path::new("/data/a b/v")), Some("xfs"));
        assert_eq!(file_system(mounts, Path::new("/database")), Some("ext4"));
    }
}
