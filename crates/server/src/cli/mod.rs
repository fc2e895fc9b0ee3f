//! The commands of `securevaultd`. Results go to stdout, everything else to
//! stderr; exit codes are 0 done, 1 failed, 2 wrong usage, 3 refused, 4 not
//! found, 5 integrity violation, 6 not reachable.

mod admin;
mod audit;
mod doctor;
mod failure;
mod healthcheck;
mod maintenance;
mod migrate_to;
mod serve;
mod unit;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::blocks::BlocksUrl;
use crate::config::{ServeArgs, StorageArgs};
use failure::Failure;
pub(crate) use unit::{parse_duration_ms, parse_size};

#[derive(Parser)]
#[command(name = "securevaultd", version, about = "The SecureVault server")]
struct Cli {
    #[command(flatten)]
    storage: StorageArgs,
    #[command(flatten)]
    serve: ServeArgs,
    /// Print results as JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve (the default)
    Serve(ServeArgs),
    /// Administer people, on the database itself
    #[command(subcommand)]
    Admin(admin::Admin),
    /// Read the audit log, and prove that it is whole
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Copy everything into a new folder, while the server runs
    Backup {
        /// The folder, which must not exist
        dir: PathBuf,
        /// Leave the key out; then its copy must be kept elsewhere
        #[arg(long)]
        without_key: bool,
    },
    /// Bring a backup back, to where there is nothing yet
    Restore {
        /// The backup
        dir: PathBuf,
    },
    /// Read everything that is stored and prove that it is whole
    Check,
    /// Bring the database's schema up to date
    Migrate,
    /// Move everything to another database, while no server runs; interrupted,
    /// the same command goes on
    MigrateTo {
        /// The new database, which must be empty
        #[arg(env = "SECUREVAULT_MIGRATE_TO", hide_env_values = true)]
        #[arg(value_name = "URL", required_unless_present = "give_up")]
        url: Option<String>,
        /// Where the blocks go [default: they stay where they are, or with
        /// db:// go along into the new database]
        #[arg(long, value_name = "URL")]
        new_blocks: Option<BlocksUrl>,
        /// Serve from the old database again, after a move that did not end
        #[arg(long)]
        give_up: bool,
    },
    /// Look for what will hurt: clock, disk, key file, permissions, database,
    /// certificate. Takes the flags that the server is started with
    Doctor(ServeArgs),
    /// Ask a running server whether it can serve
    Healthcheck(ServeArgs),
    /// Print the OpenAPI document
    Openapi,
    /// Write the manual pages into a folder, one for each command
    Man {
        /// The folder, made if it is not there
        dir: PathBuf,
    },
}

/// Everything that can be typed, for what is generated from it and for tests
/// that hold documents against it.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the command line.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(execute(cli)),
        Err(error) => Err(Failure::failed(error)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("securevaultd: {failure}");
            failure.exit_code()
        }
    }
}

async fn execute(cli: Cli) -> Result<(), Failure> {
    let (storage, json) = (cli.storage, cli.json);
    match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(args) => serve::run(args.resolve(storage.resolve()?)?).await,
        Command::Admin(command) => admin::run(command, storage.resolve()?, json).await,
        Command::Audit(command) => audit::run(command, storage.resolve()?, json).await,
        Command::Backup { dir, without_key } => {
            maintenance::backup(storage.resolve()?, &dir, without_key, json).await
        }
        Command::Restore { dir } => maintenance::restore(storage.resolve()?, &dir, json).await,
        Command::Check => maintenance::check(storage.resolve()?, json).await,
        Command::Migrate => maintenance::migrate(storage.resolve()?).await,
        Command::MigrateTo { give_up: true, .. } => migrate_to::give_up(storage.resolve()?).await,
        Command::MigrateTo {
            url, new_blocks, ..
        } => {
            let url = url.unwrap_or_default();
            migrate_to::run(storage.resolve()?, &url, new_blocks, json).await
        }
        Command::Doctor(args) => doctor::run(args.resolve(storage.resolve()?)?, json).await,
        Command::Healthcheck(args) => healthcheck::run(args.resolve(storage.resolve()?)?).await,
        Command::Openapi => {
            println!("{}", sv_api::openapi::document());
            Ok(())
        }
        Command::Man { dir } => std::fs::create_dir_all(&dir)
            .and_then(|()| clap_mangen::generate_to(command(), &dir))
            .map_err(|error| Failure::failed(format!("{}: {error}", dir.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn serve_is_the_default_and_takes_the_same_flags() {
        for line in [
            &[
                "securevaultd",
                "--listen",
                "localhost:0",
                "--signup",
                "open",
            ][..],
            &[
                "securevaultd",
                "serve",
                "--listen",
                "localhost:0",
                "--data",
                "d",
            ],
            &[
                "securevaultd",
                "--data",
                "d",
                "admin",
                "user",
                "list",
                "--json",
            ],
        ] {
            assert!(Cli::try_parse_from(line).is_ok(), "{line:?}");
        }
        assert!(Cli::try_parse_from(["securevaultd", "--rate-limits", "off"]).is_err());
    }
}
