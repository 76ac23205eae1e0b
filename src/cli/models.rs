//! `viewtide models`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use tokio_postgres::Transaction;
use viewtide_models::artifact::Artifact;
use viewtide_models::task::Metric;

use crate::cli::Outcome;
use crate::cli::database::{DatabaseArgs, runtime};
use crate::cli::list_format::Format;
use crate::cli::train::parse_metric;
use crate::postgres::connect::connect;
use crate::registry::RegistryError;
use crate::registry::change::{self, Status, Switched};
use crate::registry::list::{list, table};

/// What to do with the models that forecasts are made by. A `run` that is going on takes a change within seconds, all its workers
/// with the same record.
#[derive(Clone, Debug, Args)]
#[command(arg_required_else_help = true)]
pub struct ModelsArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Show every version of every model
    List(ListArgs),
    /// Add files that `viewtide train` wrote; they are not used before they are promoted
    Add(AddArgs),
    /// Forecast by this version from now on
    Promote(PromoteArgs),
    /// Forecast by the version again that was in use before the one that is
    Rollback(RollbackArgs),
}

#[derive(Clone, Debug, Args)]
struct ListArgs {
    /// A table for people, or one JSON object a line
    #[arg(long, env = "VIEWTIDE_FORMAT", value_enum, default_value_t = Format::Table)]
    format: Format,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Clone, Debug, Args)]
struct AddArgs {
    /// The files; all are added, or none
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Forecast by them from now on
    #[arg(long, env = "VIEWTIDE_PROMOTE")]
    promote: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Clone, Debug, Args)]
struct PromoteArgs {
    /// views, likes or comments
    #[arg(value_name = "MODEL", value_parser = parse_metric)]
    model: Metric,
    /// Which version of it
    // Not `version`, which is the name of the program's own flag.
    #[arg(id = "model_version", value_name = "VERSION", value_parser = clap::value_parser!(i32).range(1..))]
    version: i32,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Clone, Debug, Args)]
struct RollbackArgs {
    /// views, likes or comments
    #[arg(value_name = "MODEL", value_parser = parse_metric)]
    model: Metric,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Carries out what is to be done with models.
pub fn execute(args: ModelsArgs) -> anyhow::Result<Outcome> {
    match args.command {
        Command::List(args) => show(&args),
        Command::Add(args) => add(&args),
        Command::Promote(PromoteArgs { model, version, database }) => in_a_change(&database, async |transaction| {
            Ok(vec![in_words(change::promote(transaction, model, version).await?)])
        }),
        Command::Rollback(RollbackArgs { model, database }) => {
            in_a_change(&database, async |transaction| Ok(vec![in_words(change::roll_back(transaction, model).await?)]))
        }
    }
}

fn show(args: &ListArgs) -> anyhow::Result<Outcome> {
    let database = args.database.open()?;
    let models = runtime()?.block_on(async {
        let client = connect(&database.url, "viewtide models").await?;
        anyhow::Ok(list(&client).await?)
    })?;
    match args.format {
        Format::Json => {
            for model in &models {
                println!("{}", serde_json::to_string(model).context("a model as JSON")?);
            }
        }
        Format::Table if models.is_empty() => {
            println!("no model; `viewtide run` puts those there that come with viewtide, `viewtide models add` files");
        }
        Format::Table => println!("{}", table(&models)),
    }
    Ok(Outcome::Done)
}

fn add(args: &AddArgs) -> anyhow::Result<Outcome> {
    let models = args.files.iter().map(|file| read(file)).collect::<anyhow::Result<Vec<_>>>()?;
    in_a_change(&args.database, async |transaction| {
        let (mut added, mut switched) = (Vec::new(), Vec::new());
        for (artifact, bytes) in &models {
            let version = change::add(transaction, artifact, bytes, Status::Candidate, false).await?;
            let metric = artifact.manifest.metric;
            added.push(format!("{}: version {version} is added", metric.name()));
            if args.promote {
                switched.push(in_words(change::promote(transaction, metric, version).await?));
            }
        }
        Ok([added, switched].concat())
    })
}

fn read(file: &Path) -> anyhow::Result<(Artifact, Vec<u8>)> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let refused = |error| RegistryError::File { file: file.display().to_string(), error };
    let artifact = Artifact::from_bytes(&bytes).map_err(refused)?;
    Ok((artifact, bytes))
}

/// Makes a change, and once it is made says what was done.
fn in_a_change(
    database: &DatabaseArgs,
    change: impl AsyncFnOnce(&Transaction<'_>) -> Result<Vec<String>, RegistryError>,
) -> anyhow::Result<Outcome> {
    let database = database.open()?;
    let done = runtime()?.block_on(async {
        let mut client = connect(&database.url, "viewtide models").await?;
        let transaction = change::begin(&mut client).await?;
        let done = change(&transaction).await?;
        change::commit(transaction).await?;
        anyhow::Ok(done)
    })?;
    done.iter().for_each(|line| println!("{line}"));
    Ok(Outcome::Done)
}

fn in_words(Switched { model, version, before }: Switched) -> String {
    match before {
        Some(before) if before == version => format!("{model}: version {version} was in use already"),
        Some(before) => format!("{model}: version {version} is in use, in the place of {before}"),
        None => format!("{model}: version {version} is in use, where none was"),
    }
}
