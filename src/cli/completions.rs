//! `viewtide completions`: what shells complete commands and flags by.

use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::{Cli, Outcome};
use crate::destination::Destination;

/// For which shell.
#[derive(Clone, Debug, Args)]
pub struct CompletionsArgs {
    /// Shell that they are for
    shell: Shell,
}

/// Writes them to standard output.
pub fn execute(args: CompletionsArgs) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "viewtide", &mut script);
    Destination::Standard.write(&script).context("cannot write to standard output")?;
    Ok(Outcome::Done)
}
