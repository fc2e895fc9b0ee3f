//! Where Fernet keys come from: not only the command line, which others on
//! the same computer can read.

use std::path::{Path, PathBuf};

use clap::Args;
use sv_core::FernetKey;
use sv_core::fernet::FernetKeys;
use zeroize::Zeroizing;

use crate::ask;
use crate::failure::{Failure, Result};

const ENV: &str = "SECUREVAULT_KEY";

/// Which keys are meant.
#[derive(Debug, Args)]
pub(super) struct KeyArgs {
    /// A Fernet key, 44 characters; on the command line other users of this
    /// computer may see it. Several are tried in order
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    key: Vec<String>,
    /// A file with keys, one a line; `-` for standard input. They come after
    /// those of --key (SECUREVAULT_KEY does the same without a file)
    #[arg(long, value_name = "FILE")]
    key_file: Vec<PathBuf>,
}

impl KeyArgs {
    /// Whether a key was given, or stands in the environment.
    pub(super) fn is_given(&self) -> bool {
        !self.key.is_empty() || !self.key_file.is_empty() || std::env::var_os(ENV).is_some()
    }

    /// Whether standard input is where keys come from.
    pub(super) fn uses_stdin(&self) -> bool {
        self.key_file.iter().any(|file| file.as_os_str() == "-")
    }

    /// Every key, in order.
    ///
    /// # Errors
    /// [`Failure::Usage`] if there is none, if one is no key, or if two share
    /// their signing half.
    pub(super) fn keys(&self) -> Result<FernetKeys> {
        FernetKeys::new(self.all()?).map_err(|error| Failure::usage(error.to_string()))
    }

    /// The one to encrypt with: the first.
    ///
    /// # Errors
    /// As [`Self::keys`].
    pub(super) fn first(&self) -> Result<FernetKey> {
        let first = self.all()?.into_iter().next();
        first.ok_or_else(|| Failure::usage("which key?"))
    }

    fn all(&self) -> Result<Vec<FernetKey>> {
        let mut keys = Vec::new();
        for text in &self.key {
            keys.push(parse(text)?);
        }
        for file in &self.key_file {
            let text = read(file)?;
            let lines = text.lines().map(str::trim);
            for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
                keys.push(parse(line)?);
            }
        }
        if keys.is_empty() && self.key_file.is_empty() {
            let text = match std::env::var(ENV) {
                Ok(key) => key,
                Err(_) if ask::is_interactive() => ask::line("Fernet key: ")?,
                Err(_) => {
                    return Err(Failure::usage(
                        "which key? Give it with --key-file, --key or SECUREVAULT_KEY",
                    ));
                }
            };
            keys.push(parse(&Zeroizing::new(text))?);
        }
        Ok(keys)
    }
}

fn read(file: &Path) -> Result<Zeroizing<String>> {
    let text = if file.as_os_str() == "-" {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(file)
    };
    text.map(Zeroizing::new)
        .map_err(|error| Failure::local(file.display(), error))
}

/// The text stays out of the message: it may be a key with one letter wrong.
fn parse(text: &str) -> Result<FernetKey> {
    FernetKey::parse(text).map_err(|error| Failure::usage(error.to_string()))
}
