//! The `viewtide` binary: parses the command line, carries it out, and maps the outcome to an exit code.

use std::process::ExitCode;

use clap::Parser;
use viewtide::cli::{Cli, UsageError, telemetry};

fn main() -> ExitCode {
    telemetry::abort_on_panic();
    let cli = Cli::parse();
    match telemetry::start(cli.telemetry()).and_then(|()| cli.execute()) {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            eprintln!("viewtide: {error:#}");
            if error.is::<UsageError>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}
