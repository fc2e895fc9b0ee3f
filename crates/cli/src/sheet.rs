//! The printable emergency sheet: what gets a person back in when every
//! device and the password are gone.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use crate::human;
use crate::platform::now_ms;

/// What stands on the sheet.
#[derive(Debug, Default)]
pub struct Sheet<'a> {
    /// Where the vault is.
    pub server: String,
    /// Who it belongs to.
    pub handle: &'a str,
    /// The 24 words, known at sign-up or when a key is made only.
    pub recovery_key: Option<&'a str>,
    /// The backup codes, likewise.
    pub backup_codes: &'a [String],
    /// What the newest state was when this was printed.
    pub state_check: Option<String>,
}

/// A file for a sheet: made before there is anything to lose.
pub struct SheetFile {
    path: PathBuf,
    file: File,
}

impl SheetFile {
    /// Makes the file, for its owner only. What is there is not replaced.
    ///
    /// # Errors
    /// [`Failure::Local`].
    pub fn create(path: &Path) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options
            .open(path)
            .map_err(|error| Failure::local(path.display(), error))?;
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    /// Writes the sheet, in place of one written before: HTML if the name
    /// says so, else text.
    ///
    /// # Errors
    /// [`Failure::Local`].
    pub fn write(&mut self, sheet: &Sheet<'_>) -> Result {
        let is_html = self
            .path
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("html") || end.eq_ignore_ascii_case("htm"));
        let text = sheet.to_text();
        let text = if is_html { to_html(&text) } else { text };
        self.file
            .set_len(0)
            .and_then(|()| self.file.seek(SeekFrom::Start(0)))
            .and_then(|_| self.file.write_all(text.as_bytes()))
            .and_then(|()| self.file.sync_all())
            .map_err(|error| Failure::local(self.path.display(), error))
    }

    /// Removes a sheet that came to nothing.
    pub fn discard(self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Sheet<'_> {
    fn to_text(&self) -> String {
        let mut text = String::new();
        let mut line = |args: std::fmt::Arguments<'_>| {
            // Writing to a string does not fail.
            let _ = text.write_fmt(args);
            text.push('\n');
        };
        line(format_args!("SecureVault emergency sheet"));
        line(format_args!("printed {}", human::time(now_ms())));
        line(format_args!(""));
        line(format_args!("Server     {}", self.server));
        line(format_args!("User name  {}", self.handle));
        line(format_args!(""));
        line(format_args!(
            "Recovery key. Whoever has it and a code can open the vault: keep this sheet where\n\
             you keep a passport."
        ));
        line(format_args!(""));
        match self.recovery_key {
            Some(words) => {
                let words: Vec<&str> = words.split_whitespace().collect();
                for (index, row) in words.chunks(6).enumerate() {
                    line(format_args!("  {:>2}  {}", index * 6 + 1, row.join("  ")));
                }
            }
            None => (0..4).for_each(|row| {
                line(format_args!(
                    "  {:>2}  {}",
                    row * 6 + 1,
                    "__________  ".repeat(6).trim_end()
                ));
            }),
        }
        line(format_args!(""));
        line(format_args!(
            "Backup codes, in place of the authenticator. Each works once: cross it out."
        ));
        line(format_args!(""));
        if self.backup_codes.is_empty() {
            (0..5).for_each(|_| {
                line(format_args!(
                    "  [ ] ______________________    [ ] ______________________"
                ))
            });
        }
        for pair in self.backup_codes.chunks(2) {
            let row: Vec<String> = pair.iter().map(|code| format!("[ ] {code}")).collect();
            line(format_args!("  {}", row.join("    ")));
        }
        if let Some(code) = &self.state_check {
            line(format_args!(""));
            line(format_args!(
                "State check. A new device can hold the server to what was there when this was\n\
                 printed: securevault login --state-check …"
            ));
            line(format_args!(""));
            line(format_args!("  {code}"));
        }
        line(format_args!(""));
        line(format_args!(
            "Forgot the password: securevault recovery login --server {} --user {}",
            self.server, self.handle
        ));
        text
    }
}

fn to_html(text: &str) -> String {
    let escaped = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <title>SecureVault emergency sheet</title>\
         <style>@page{{margin:2cm}}pre{{font:11pt/1.5 monospace;white-space:pre-wrap;\
         overflow-wrap:anywhere}}</style></head><body><pre>{escaped}</pre></body></html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sheet_has_everything_and_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let words = vec!["abandon"; 24].join(" ");
        let sheet = Sheet {
            server: "https://vault.example.org".to_owned(),
            handle: "<alice>",
            recovery_key: Some(&words),
            backup_codes: &["AAAA-BBBB".to_owned(), "CCCC-DDDD".to_owned()],
            state_check: Some("svh1-xyz".to_owned()),
        };
        for (name, handle) in [("s.txt", "<alice>"), ("s.html", "&lt;alice&gt;")] {
            let path = dir.path().join(name);
            let mut file = SheetFile::create(&path).unwrap();
            file.write(&Sheet::default()).unwrap();
            file.write(&sheet).unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            assert_eq!(text.matches("abandon").count(), 24);
            for part in [handle, "AAAA-BBBB", "svh1-xyz", "https://vault.example.org"] {
                assert!(text.contains(part), "{part}");
            }
            assert!(!text.contains("____"));
            assert!(SheetFile::create(&path).is_err(), "nothing is replaced");
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                let mode = std::fs::metadata(&path).unwrap().permissions().mode();
                assert_eq!(mode & 0o777, 0o600);
            }
        }
    }
}
