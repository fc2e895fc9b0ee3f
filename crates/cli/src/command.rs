//! The command line: one file per group of commands.

mod accept_restore;
mod account;
mod arrange;
mod decrypt;
mod fernet;
mod get;
mod group;
mod history;
mod import_original;
mod list;
mod log;
mod login;
mod manual;
mod note;
mod password;
mod proof;
mod put;
mod recovery;
mod share;
mod signup;
mod totp;
mod trash;
mod unshare;
mod verify;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::context::Context;
use crate::failure::Result;
use crate::output::Output;
use crate::platform::Home;

/// End-to-end encrypted storage for files and notes
///
/// Remote paths start with a slash: `/contracts/2026.pdf`. Results are written to standard output,
/// everything else to standard error.
#[derive(Debug, Parser)]
#[command(
    name = "securevault",
    version,
    after_help = "\
First steps:
  securevault signup --server https://vault.example.org --user alice
  securevault put -r ~/Documents/contracts /
  securevault ls -l /contracts
  securevault get -r /contracts ./copy

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not logged in or refused, 4 not found, \
5 integrity violation, 6 network, 130 stopped by Ctrl-C."
)]
pub struct Cli {
    /// Results as JSON on standard output, errors as JSON on standard error
    #[arg(long, global = true)]
    json: bool,
    /// No progress and no remarks
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Where this client keeps its state [default: the platform's settings folder]
    #[arg(long, value_name = "DIR", env = "SECUREVAULT_HOME", global = true)]
    home: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Signup(signup::Signup),
    Login(login::Login),
    Logout(login::Logout),
    Whoami(login::Whoami),
    Password(password::Password),
    Sessions(password::Sessions),
    Totp(totp::Totp),
    Recovery(recovery::Recovery),
    Account(account::Account),
    Put(put::Put),
    Get(get::Get),
    Cat(get::Cat),
    Decrypt(decrypt::Decrypt),
    Fernet(fernet::Fernet),
    ImportOriginal(import_original::ImportOriginal),
    Ls(list::Ls),
    Tree(list::Tree),
    Find(list::Find),
    Du(list::Du),
    Mkdir(arrange::Mkdir),
    Mv(arrange::Mv),
    Cp(arrange::Cp),
    Rm(arrange::Rm),
    Trash(trash::Trash),
    History(history::History),
    Restore(history::Restore),
    Note(note::Note),
    Share(share::Share),
    Unshare(unshare::Unshare),
    Shares(share::Shares),
    Accept(share::Accept),
    Decline(share::Decline),
    Leave(share::Leave),
    Transfer(share::Transfer),
    Group(group::Group),
    Mkvault(share::Mkvault),
    Log(log::Log),
    Verify(verify::Verify),
    Export(verify::Export),
    Completions(manual::Completions),
    Man(manual::Man),
    AcceptRestore(accept_restore::AcceptRestore),
}

impl Cli {
    /// How this run speaks.
    pub const fn output(&self) -> Output {
        Output {
            json: self.json,
            quiet: self.quiet,
        }
    }

    /// Runs the command.
    ///
    /// # Errors
    /// Any [`crate::failure::Failure`].
    pub async fn run(self) -> Result {
        let out = self.output();
        let home = match self.home {
            Some(dir) => Home::at(dir),
            None => Home::of_platform()?,
        };
        let context = Context::new(out, home);
        let done = match self.command {
            Command::Signup(command) => command.run(&context).await,
            Command::Login(command) => command.run(&context).await,
            Command::Logout(command) => command.run(&context).await,
            Command::Whoami(command) => command.run(&context).await,
            Command::Password(command) => command.run(&context).await,
            Command::Sessions(command) => command.run(&context).await,
            Command::Totp(command) => command.run(&context).await,
            Command::Recovery(command) => command.run(&context).await,
            Command::Account(command) => command.run(&context).await,
            Command::Put(command) => command.run(&context).await,
            Command::Get(command) => command.run(&context).await,
            Command::Cat(command) => command.run(&context).await,
            Command::Decrypt(command) => command.run(&context).await,
            Command::Fernet(command) => command.run(&context).await,
            Command::ImportOriginal(command) => command.run(&context).await,
            Command::Ls(command) => command.run(&context).await,
            Command::Tree(command) => command.run(&context).await,
            Command::Find(command) => command.run(&context).await,
            Command::Du(command) => command.run(&context).await,
            Command::Mkdir(command) => command.run(&context).await,
            Command::Mv(command) => command.run(&context).await,
            Command::Cp(command) => command.run(&context).await,
            Command::Rm(command) => command.run(&context).await,
            Command::Trash(command) => command.run(&context).await,
            Command::History(command) => command.run(&context).await,
            Command::Restore(command) => command.run(&context).await,
            Command::Note(command) => command.run(&context).await,
            Command::Share(command) => command.run(&context).await,
            Command::Unshare(command) => command.run(&context).await,
            Command::Shares(command) => command.run(&context).await,
            Command::Accept(command) => command.run(&context).await,
            Command::Decline(command) => command.run(&context).await,
            Command::Leave(command) => command.run(&context).await,
            Command::Transfer(command) => command.run(&context).await,
            Command::Group(command) => command.run(&context).await,
            Command::Mkvault(command) => command.run(&context).await,
            Command::Log(command) => command.run(&context).await,
            Command::Verify(command) => command.run(&context).await,
            Command::Export(command) => command.run(&context).await,
            Command::Completions(command) => command.run(),
            Command::Man(command) => command.run(&context.out),
            Command::AcceptRestore(command) => command.run(&context).await,
        };
        match done {
            Err(failure) => Err(context.explain(failure).await),
            done => done,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_says_what_it_is_for() {
        for command in Cli::command().get_subcommands() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
        }
    }
}
