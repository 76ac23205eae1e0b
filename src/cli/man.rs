//! `viewtide man`: pages of the manual.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, CommandFactory};

use crate::cli::{Cli, Outcome};

/// Where to.
#[derive(Clone, Debug, Args)]
pub struct ManArgs {
    /// Folder to write viewtide.1, viewtide-run.1 and so on into; it is made where there is none
    dir: PathBuf,
}

/// Writes a page for each command.
pub fn execute(args: ManArgs) -> anyhow::Result<Outcome> {
    let dir = &args.dir;
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make the folder {}", dir.display()))?;
    clap_mangen::generate_to(Cli::command(), dir).with_context(|| format!("cannot write into {}", dir.display()))?;
    Ok(Outcome::Done)
}
