//! Places that forget: whether what is kept in a folder is still there after
//! the next restart. Found by the table of mounts and by the variables with
//! which hosting platforms make themselves known.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::config::Storage;
use crate::mounts::{self, Mount};

/// Platforms on which everything but a mounted disk is gone after a restart,
/// by the variable that each sets.
const PLATFORMS: [(&str, &str); 4] = [
    ("RENDER", "Render"),
    ("DYNO", "Heroku"),
    ("K_SERVICE", "Cloud Run"),
    ("FLY_APP_NAME", "Fly.io"),
];
/// File systems in memory.
const IN_MEMORY: [&str; 2] = ["tmpfs", "ramfs"];
/// File systems of a container: gone with it.
const OF_CONTAINER: [&str; 3] = ["overlay", "aufs", "fuse.fuse-overlayfs"];

/// What to do about such places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Ephemeral {
    /// Refuse where a platform is known to forget; elsewhere warn
    #[default]
    Auto,
    /// Refuse
    Refuse,
    /// Keep things there all the same: a trial
    Allow,
}

/// A place that forgets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forgetful {
    /// What would be kept there.
    pub what: &'static str,
    /// Where.
    pub folder: PathBuf,
    /// How it is known.
    pub why: Why,
}

/// How it is known that a place forgets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The platform keeps nothing but mounted disks.
    Platform(&'static str),
    /// A container's own file system.
    Container,
    /// A file system in memory.
    Memory,
}

impl std::fmt::Display for Forgetful {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { what, folder, why } = self;
        write!(f, "{what} would be lost: {} is ", folder.display())?;
        match why {
            Why::Platform(name) => write!(
                f,
                "not on a disk, and {name} throws it away with every restart"
            ),
            Why::Container => write!(f, "in the container, and goes with it"),
            Why::Memory => write!(f, "in memory, and goes with the next restart"),
        }
    }
}

impl Forgetful {
    /// Whether the server must not start.
    pub const fn is_refused(&self, setting: Ephemeral) -> bool {
        match setting {
            Ephemeral::Auto => matches!(self.why, Why::Platform(_)),
            Ephemeral::Refuse => true,
            Ephemeral::Allow => false,
        }
    }

    /// What to do instead.
    pub const fn advice(&self) -> &'static str {
        "Mount a disk or volume there; or use --database mysql://…, --blocks db:// or s3://…, and \
         the key in SECUREVAULT_KEY. For a trial, --ephemeral allow"
    }
}

/// Everything of a server that would be kept in a place that forgets.
pub fn find(storage: &Storage) -> Vec<Forgetful> {
    let platform = PLATFORMS
        .into_iter()
        .find(|(variable, _)| std::env::var_os(variable).is_some_and(|value| !value.is_empty()))
        .map(|(_, name)| name);
    let table = mounts::table();
    let forgetful = |(what, folder): (&'static str, PathBuf)| {
        let mount = mounts::mount(&table, &existing(&folder))?;
        let why = judge(&mount, platform)?;
        Some(Forgetful { what, folder, why })
    };
    storage
        .folders()
        .into_iter()
        .filter_map(forgetful)
        .collect()
}

/// Whether what is written to a mount is lost.
fn judge(mount: &Mount, platform: Option<&'static str>) -> Option<Why> {
    let is_in_memory = IN_MEMORY.contains(&mount.kind.as_str());
    let is_of_container = OF_CONTAINER.contains(&mount.kind.as_str());
    match platform {
        Some(name) if is_in_memory || is_of_container || mount.point == "/" => {
            Some(Why::Platform(name))
        }
        _ if is_in_memory => Some(Why::Memory),
        _ if is_of_container => Some(Why::Container),
        _ => None,
    }
}

/// The folder, or the nearest above it that is there. No name at all is the
/// present folder.
fn existing(folder: &Path) -> PathBuf {
    let named = Path::new(".").join(folder);
    let absolute = std::path::absolute(&named).unwrap_or(named);
    absolute
        .ancestors()
        .find_map(|folder| folder.canonicalize().ok())
        .unwrap_or(absolute)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTAINER: &str = "overlay / overlay rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n\
                             /dev/nvme1 /data ext4 rw 0 0\n/dev/nvme0 /etc/hosts ext4 rw 0 0\n";

    fn why(table: &str, folder: &str, platform: Option<&'static str>) -> Option<Why> {
        judge(&mounts::mount(table, Path::new(folder)).unwrap(), platform)
    }

    #[test]
    fn a_mounted_disk_lasts_everywhere() {
        assert_eq!(why(CONTAINER, "/data/blocks", None), None);
        assert_eq!(why(CONTAINER, "/data/blocks", Some("Render")), None);
        assert_eq!(why("/dev/a / ext4 rw 0 0\n", "/srv", None), None);
    }

    #[test]
    fn containers_and_memory_forget() {
        assert_eq!(why(CONTAINER, "/srv", None), Some(Why::Container));
        assert_eq!(why(CONTAINER, "/tmp/x", None), Some(Why::Memory));
        let render = Some(Why::Platform("Render"));
        assert_eq!(why(CONTAINER, "/srv", Some("Render")), render);
        assert_eq!(why(CONTAINER, "/tmp/x", Some("Render")), render);
    }

    /// Not every platform's root is an overlay.
    #[test]
    fn on_a_platform_only_a_mount_of_its_own_lasts() {
        let mounts = "/dev/root / ext4 rw 0 0\n/dev/b /data ext4 rw 0 0\n";
        let platform = Some("Fly.io");
        assert_eq!(why(mounts, "/srv", platform), Some(Why::Platform("Fly.io")));
        assert_eq!(why(mounts, "/data", platform), None);
    }

    #[test]
    fn the_setting_decides_what_is_refused() {
        let forgetful = |why| Forgetful {
            what: "the database",
            folder: PathBuf::from("/srv"),
            why,
        };
        let refused = |why, setting| forgetful(why).is_refused(setting);
        for why in [Why::Platform("Render"), Why::Container, Why::Memory] {
            assert!(refused(why, Ephemeral::Refuse));
            assert!(!refused(why, Ephemeral::Allow));
        }
        assert!(refused(Why::Platform("Render"), Ephemeral::Auto));
        assert!(!refused(Why::Container, Ephemeral::Auto));
        assert!(!refused(Why::Memory, Ephemeral::Auto));
    }

    #[test]
    fn a_folder_to_come_is_judged_by_the_one_above() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().canonicalize().unwrap();
        assert_eq!(existing(&dir.path().join("a/b")), real);
        assert_eq!(existing(&real), real);
        let here = std::env::current_dir().unwrap().canonicalize().unwrap();
        assert_eq!(existing(Path::new("")), here);
    }
}
