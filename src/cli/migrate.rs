//! `viewtide migrate`.

use clap::Args;

use crate::cli::Outcome;
use crate::cli::database::{DatabaseArgs, runtime};
use crate::postgres::{connect, migrate};

/// Which database to migrate.
#[derive(Clone, Debug, Args)]
pub struct MigrateArgs {
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Applies the migrations that are missing.
pub fn execute(args: MigrateArgs) -> anyhow::Result<Outcome> {
    let database = args.database.open()?;
    runtime()?.block_on(async {
        let mut client = connect::connect(&database.url, "viewtide migrate").await?;
        migrate::lock_start(&client).await?;
        let applied = migrate::migrate(&mut client).await?;
        match applied {
            0 => eprintln!("{}: the schema is up to date", database.url),
            applied => eprintln!("{}: {applied} migration(s) applied", database.url),
        }
        anyhow::Ok(())
    })?;
    Ok(Outcome::Done)
}
