//! `viewtide rebuild`.

use clap::Args;

use crate::cli::Outcome;
use crate::cli::database::{DatabaseArgs, runtime};
use crate::postgres::connect::connect;
use crate::rebuild::rebuild;

/// Where to rebuild.
#[derive(Clone, Debug, Args)]
pub struct RebuildArgs {
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Rebuilds every derived table.
pub fn execute(args: RebuildArgs) -> anyhow::Result<Outcome> {
    let database = args.database.open()?;
    let rebuilt = runtime()?.block_on(async {
        let mut client = connect(&database.url, "viewtide rebuild").await?;
        anyhow::Ok(rebuild(&mut client).await?)
    })?;
    for (table, rows) in &rebuilt {
        eprintln!("{table}: {rows} row(s) were not as they should be, and are now");
    }
    println!("{}", serde_json::json!({ "rows": rebuilt }));
    Ok(Outcome::Done)
}
