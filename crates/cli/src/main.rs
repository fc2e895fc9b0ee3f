//! `securevault`: the SecureVault command line.

use std::process::ExitCode;

use clap::Parser;
use sv_cli::command::Cli;

/// Threads for files and ciphers. The system's allocator keeps what each
/// thread frees, so many threads would keep many blocks of 4 MiB.
const BLOCKING_THREADS: usize = 4;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let out = cli.output();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
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
