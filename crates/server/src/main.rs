//! The `securevaultd` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    sv_server::cli::run()
}
