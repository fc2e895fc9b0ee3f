//! `securevault`: the SecureVault command line.

use std::process::ExitCode;

use clap::Parser;
use sv_cli::command::Cli;

/// Blocks of 4 MiB come and go on several threads. The system's allocator
/// keeps what each thread freed, and grows with a transfer; this one does not.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let out = cli.output();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            out.warn(&format!("securevault: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(cli.run());
    // A read of standard input may still wait for its other end.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            out.fail(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}
