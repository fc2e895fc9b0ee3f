//! Which local files an upload takes: everything that can be stored, and a
//! loud word about everything that cannot.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::path::Path;

use sv_client::transfer::UploadItem;
use sv_core::Name;
use sv_core::record::Kind;
use sv_ledger::limits::TREE_DEPTH;

use super::{is_executable, modified_ms};
use crate::failure::{Failure, Result};
use crate::human::printable;
use crate::output::Output;

/// Goes through local files.
pub struct Collector<'a> {
    out: &'a Output,
    recursive: bool,
    /// Folders above the destination, which count towards the depth.
    depth: usize,
    /// What a local name becomes.
    rename: fn(&str) -> &str,
    seen: BTreeSet<Vec<Name>>,
    collected: Collected,
}

/// What was found.
#[derive(Default)]
pub struct Collected {
    /// What can be stored, folders before what they hold.
    pub items: Vec<UploadItem>,
    /// Files and folders that could not be read or cannot be stored.
    pub refused: u64,
    /// Symlinks, devices, pipes and sockets.
    pub special: u64,
}

impl<'a> Collector<'a> {
    /// For a destination `depth` folders down.
    pub fn new(out: &'a Output, recursive: bool, depth: usize) -> Self {
        Self {
            out,
            recursive,
            depth,
            rename: |name| name,
            seen: BTreeSet::new(),
            collected: Collected::default(),
        }
    }

    /// The same, with files (not folders) under other names than their own.
    #[must_use]
    pub fn renaming(self, rename: fn(&str) -> &str) -> Self {
        Self { rename, ..self }
    }

    /// Takes what was named on the command line, under `name` or its own.
    /// `dir/.`, `.` and `..` mean what is inside.
    ///
    /// # Errors
    /// [`Failure::Local`] if it is not there, [`Failure::Usage`] for a folder
    /// without `-r`.
    pub fn add(&mut self, local: &Path, name: Option<&Name>) -> Result {
        let metadata =
            fs::symlink_metadata(local).map_err(|error| Failure::local(local.display(), error))?;
        if metadata.is_dir() && !self.recursive {
            return Err(Failure::usage(format!(
                "{}: is a folder; use -r to put it with all that is in it",
                local.display()
            )));
        }
        if let Some(name) = name {
            self.take(local, &metadata, vec![name.clone()]);
        } else if metadata.is_dir() && means_inside(local) {
            self.take_children(local, &[]);
        } else if let Some(name) = self.own_name(local) {
            self.take(local, &metadata, vec![name]);
        }
        Ok(())
    }

    /// What there is.
    pub fn finish(self) -> Collected {
        self.collected
    }

    fn take(&mut self, local: &Path, metadata: &Metadata, names: Vec<Name>) {
        let kind = match metadata.file_type() {
            kind if kind.is_dir() => Kind::Folder,
            kind if kind.is_file() => Kind::File,
            kind => {
                self.collected.special += 1;
                let what = if kind.is_symlink() {
                    "a symlink"
                } else {
                    "not a regular file"
                };
                self.out.warn(&format!("skipped {}: {what}", shown(local)));
                return;
            }
        };
        if self.depth + names.len() >= TREE_DEPTH {
            return self.refuse(local, &format!("lies more than {TREE_DEPTH} folders deep"));
        }
        if kind == Kind::File
            && let Err(error) = File::open(local)
        {
            return self.refuse(local, &error.to_string());
        }
        if !self.seen.insert(names.clone()) {
            return self.refuse(local, "something else here has the same name in the vault");
        }
        self.collected.items.push(UploadItem {
            names: names.clone(),
            kind,
            size: (kind == Kind::File).then_some(metadata.len()),
            modified_ms: modified_ms(metadata),
            executable: kind == Kind::File && is_executable(metadata),
            // A relative path would make a resumed upload depend on where it
            // is started.
            local: std::path::absolute(local).unwrap_or_else(|_| local.to_owned()),
        });
        if kind == Kind::Folder {
            self.take_children(local, &names);
        }
    }

    fn take_children(&mut self, folder: &Path, names: &[Name]) {
        let listed = fs::read_dir(folder).and_then(|rows| rows.collect::<Result<Vec<_>, _>>());
        let mut rows = match listed {
            Ok(rows) => rows,
            Err(error) => return self.refuse(folder, &error.to_string()),
        };
        rows.sort_by_key(fs::DirEntry::file_name);
        for row in rows {
            let local = row.path();
            match fs::symlink_metadata(&local) {
                Ok(metadata) => {
                    if let Some(name) = self.own_name(&local) {
                        self.take(&local, &metadata, [names, &[name]].concat());
                    }
                }
                Err(error) => self.refuse(&local, &error.to_string()),
            }
        }
    }

    fn own_name(&mut self, local: &Path) -> Option<Name> {
        let own = local.file_name().map(ToOwned::to_owned).or_else(|| {
            let full = fs::canonicalize(local).ok()?;
            full.file_name().map(ToOwned::to_owned)
        });
        let Some(text) = own.as_ref().and_then(|own| own.to_str()) else {
            self.refuse(local, "its name is not UTF-8; rename it");
            return None;
        };
        let text = if local.is_dir() {
            text
        } else {
            (self.rename)(text)
        };
        match Name::parse(text) {
            Ok(name) => Some(name),
            Err(error) => {
                self.refuse(local, &error.to_string());
                None
            }
        }
    }

    fn refuse(&mut self, local: &Path, why: &str) {
        self.collected.refused += 1;
        self.out
            .warn(&format!("not stored: {}: {why}", shown(local)));
    }
}

/// A path in one line, whatever is in its names.
fn shown(local: &Path) -> String {
    printable(&local.to_string_lossy()).replace(['\n', '\t'], "\u{fffd}")
}

fn means_inside(local: &Path) -> bool {
    local.file_name().is_none() || local.to_string_lossy().ends_with("/.")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUT: Output = Output {
        json: false,
        quiet: true,
    };

    fn paths(collected: &Collected) -> Vec<String> {
        let text = |item: &UploadItem| {
            let names: Vec<&str> = item.names.iter().map(Name::as_str).collect();
            names.join("/")
        };
        collected.items.iter().map(text).collect()
    }

    #[test]
    fn folders_come_before_what_they_hold() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().join("top");
        fs::create_dir_all(top.join("b/c")).unwrap();
        fs::write(top.join("b/c/file"), "x").unwrap();
        fs::write(top.join("a"), "").unwrap();
        let mut collector = Collector::new(&OUT, true, 0);
        collector.add(&top, None).unwrap();
        let collected = collector.finish();
        assert_eq!(
            paths(&collected),
            ["top", "top/a", "top/b", "top/b/c", "top/b/c/file"]
        );

        let mut collector = Collector::new(&OUT, true, 0);
        collector.add(&top.join("."), None).unwrap();
        assert_eq!(paths(&collector.finish()), ["a", "b", "b/c", "b/c/file"]);
        assert!(Collector::new(&OUT, false, 0).add(&top, None).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn what_cannot_be_stored_is_counted_and_does_not_stop_the_rest() {
        use std::os::unix::ffi::OsStrExt;
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &[u8]| dir.path().join(std::ffi::OsStr::from_bytes(name));
        fs::write(at(b"fine"), "x").unwrap();
        fs::write(at(b"not\xffutf8"), "x").unwrap();
        fs::write(at(b"new\nline"), "x").unwrap();
        fs::write(at("e\u{301}".as_bytes()), "x").unwrap();
        fs::write(at("\u{e9}".as_bytes()), "x").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", at(b"link")).unwrap();
        let mut collector = Collector::new(&OUT, true, 0);
        collector.add(&dir.path().join("."), None).unwrap();
        let collected = collector.finish();
        assert_eq!(paths(&collected), ["\u{e9}", "fine"]);
        assert_eq!((collected.refused, collected.special), (3, 1));
    }
}
