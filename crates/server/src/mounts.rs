//! Which file system a folder is on, by the system's table of mounts.

use std::path::Path;

/// A mounted file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Where it is mounted.
    pub(crate) point: String,
    /// Its kind, as `ext4`.
    pub(crate) kind: String,
}

/// The table; empty where the system does not tell (no `/proc`).
pub(crate) fn table() -> String {
    std::fs::read_to_string("/proc/self/mounts").unwrap_or_default()
}

/// The mount that holds `folder`: the longest that is a prefix, and of equal
/// ones the last, which covers the others.
pub(crate) fn mount(table: &str, folder: &Path) -> Option<Mount> {
    table
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
        let table =
            "/dev/a / ext4 rw 0 0\nhost:/x /data nfs4 rw 0 0\n/dev/b /data/a\\040b xfs rw 0 0\n";
        let kind = |folder| mount(table, Path::new(folder)).map(|mount| mount.kind);
        assert_eq!(kind("/home").as_deref(), Some("ext4"));
        assert_eq!(kind("/data/v").as_deref(), Some("nfs4"));
        assert_eq!(kind("/data/a b/v").as_deref(), Some("xfs"));
        assert_eq!(kind("/database").as_deref(), Some("ext4"));
        assert_eq!(mount("", Path::new("/")), None);
    }
}
