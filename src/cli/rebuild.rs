//! `viewtide rebuild`.

use clap::Args;

use crate::cli::Outcome;
use crate::cli::database::{DatabaseArgs, runtime};
use crate::postgres::connect::connect;
use crate::postgres::migrate;
use crate::rebuild::{Changes, rebuild};
use crate::sink::outputs::Outputs;

/// Where to rebuild.
#[derive(Clone, Debug, Args)]
pub struct RebuildArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Tables to compute from now on, where others than before: growth, hourly, rollups, trends
    #[arg(long, env = "VIEWTIDE_OUTPUTS", value_name = "LIST")]
    outputs: Option<Outputs>,
    /// Take back what the file of --videos said, so that the next run may read another one
    #[arg(long, env = "VIEWTIDE_FORGET_VIDEOS_FILE")]
    forget_videos_file: bool,
}

/// Rebuilds every derived table.
pub fn execute(args: RebuildArgs) -> anyhow::Result<Outcome> {
    let database = args.database.open()?;
    let changes = Changes { outputs: args.outputs, forget_videos_file: args.forget_videos_file };
    let rebuilt = runtime()?.block_on(async {
        let mut client = connect(&database.url, "viewtide rebuild").await?;
        if migrate::has_progress(&client).await? {
            // The tables of an output that is new may be missing yet.
            migrate::lock_start(&client).await?;
            migrate::migrate(&mut client).await?;
            migrate::unlock_start(&client).await?;
        }
        anyhow::Ok(rebuild(&mut client, changes).await?)
    })?;
    for (table, rows) in &rebuilt {
        eprintln!("{table}: {rows} row(s) were not as they should be, and are now");
    }
    println!("{}", serde_json::json!({ "rows": rebuilt }));
    Ok(Outcome::Done)
}
