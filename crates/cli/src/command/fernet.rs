//! `fernet`: tokens of the Fernet specification, in and out; three commands of
//! it need neither server nor account.

mod export;
mod import;
mod keys;
mod offline;

pub(super) use offline::decrypt_token;

use clap::{Args, Subcommand};

use crate::context::Context;
use crate::failure::Result;

/// Make, open, import and export Fernet tokens
#[derive(Debug, Args)]
#[command(after_help = "\
Fernet is an older format: one token is one file, a third larger than it, with no reading from \
the middle, a 128-bit key, and the time of its making in clear. Use it to exchange files with \
programs that know nothing else; everything else is better kept in the vault as it is.")]
pub(super) struct Fernet {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Genkey(offline::Genkey),
    Encrypt(offline::Encrypt),
    Decrypt(offline::Decrypt),
    Import(import::Import),
    Export(export::Export),
}

impl Fernet {
    pub(super) async fn run(self, context: &Context) -> Result {
        match self.command {
            Command::Genkey(command) => command.run(context),
            Command::Encrypt(command) => command.run(context).await,
            Command::Decrypt(command) => command.run(context).await,
            Command::Import(command) => command.run(context).await,
            Command::Export(command) => command.run(context).await,
        }
    }
}
