//! `completions` and `man`: what is generated from the command line itself,
//! so that it cannot say anything else.

use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use serde_json::json;

use super::Cli;
use crate::failure::{Failure, Result};
use crate::output::{Output, write_out};

/// The program's name, as it is typed.
const PROGRAM: &str = "securevault";

/// Print what makes a shell complete commands and options
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault completions bash > ~/.local/share/bash-completion/completions/securevault
  securevault completions zsh > ~/.zfunc/_securevault
  securevault completions fish > ~/.config/fish/completions/securevault.fish")]
pub(super) struct Completions {
    /// Whose syntax
    #[arg(value_enum)]
    shell: Shell,
}

/// Write the manual pages into a folder, one for each command
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  securevault man ~/.local/share/man/man1 && man securevault-put")]
pub(super) struct Man {
    /// The folder; it is made if needed
    dir: PathBuf,
}

impl Completions {
    pub(super) fn run(self) -> Result {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), PROGRAM, &mut script);
        write_out(&script)
    }
}

impl Man {
    pub(super) fn run(self, out: &Output) -> Result {
        let dir = self.dir;
        std::fs::create_dir_all(&dir)
            .and_then(|()| clap_mangen::generate_to(Cli::command(), &dir))
            .map_err(|error| Failure::local(dir.display(), error))?;
        out.done(&json!({ "dir": dir }), || {
            format!("Manual pages written to {}.", dir.display())
        })
    }
}
