//! The command line: one file a command, each with its flags and what it does with them.

mod completions;
pub mod database;
mod dead_letters;
mod durations;
mod evaluate;
mod input;
mod kafka;
mod list_format;
mod man;
mod metabase;
mod migrate;
mod models;
mod outcome;
mod rebuild;
mod replay;
mod run;
mod snapshots;
pub mod stop;
pub mod telemetry;
mod told;
mod train;
mod usage;
mod verify;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use outcome::Outcome;
pub use usage::UsageError;

/// Exact, incremental YouTube statistics: Kafka records or CSV files in, tables in Postgres out, exactly once.
#[derive(Debug, Parser)]
#[command(
    name = "viewtide",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 done; 1 failed, or differences found; 2 the command line was not understood.\n\
                  Every flag can be given in the environment as VIEWTIDE_ and its name."
)]
pub struct Cli {
    #[command(flatten)]
    telemetry: TelemetryArgs,
    #[command(subcommand)]
    command: Command,
}

/// How to log.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Logs")]
pub struct TelemetryArgs {
    /// How log lines are written to standard error
    #[arg(long, global = true, env = "VIEWTIDE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Human)]
    pub log_format: LogFormat,
    /// What is logged: a level (error, warn, info, debug, trace), or directives such as `viewtide=debug`
    #[arg(long, global = true, env = "VIEWTIDE_LOG_LEVEL", value_name = "LEVEL", default_value = "info")]
    pub log_level: String,
}

/// Forms of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// See everything work on bundled real data: an in-process broker, replay, the engine, a Postgres of its own
    Demo(crate::demo::DemoArgs),
    /// Send CSV files to Kafka, keyed by video
    Replay(replay::ReplayArgs),
    /// Keep the tables up to date from Kafka or CSV files
    Run(run::RunArgs),
    /// Compute every table again in batch and compare bit by bit
    Verify(verify::VerifyArgs),
    /// Make the derived tables anew from the raw rows
    Rebuild(rebuild::RebuildArgs),
    /// List, export and send again what was no snapshot
    DeadLetters(dead_letters::DeadLettersArgs),
    /// Score forecasts on CSV files, against naive ones
    Evaluate(evaluate::EvaluateArgs),
    /// Train models on what is stored, or on CSV files
    Train(train::TrainArgs),
    /// List, add, promote and roll back what forecasts are made by
    Models(models::ModelsArgs),
    /// Provision a Metabase: its connection to the tables, what they are, and dashboards
    Metabase(metabase::MetabaseArgs),
    /// Apply the database migrations
    Migrate(migrate::MigrateArgs),
    /// Write what a shell completes commands and flags by to standard output
    Completions(completions::CompletionsArgs),
    /// Write pages of the manual
    Man(man::ManArgs),
}

impl Cli {
    /// How to log.
    pub fn telemetry(&self) -> &TelemetryArgs {
        &self.telemetry
    }

    /// Carries out the command.
    pub fn execute(self) -> anyhow::Result<Outcome> {
        match self.command {
            Command::Demo(args) => crate::demo::execute(args),
            Command::Replay(args) => replay::execute(args),
            Command::Run(args) => run::execute(args),
            Command::Verify(args) => verify::execute(args),
            Command::Rebuild(args) => rebuild::execute(args),
            Command::DeadLetters(args) => dead_letters::execute(args),
            Command::Evaluate(args) => evaluate::execute(args),
            Command::Train(args) => train::execute(args),
            Command::Models(args) => models::execute(args),
            Command::Metabase(args) => metabase::execute(args),
            Command::Migrate(args) => migrate::execute(args),
            Command::Completions(args) => completions::execute(args),
            Command::Man(args) => man::execute(args),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn every_flag_has_its_environment_variable() {
        let mut command = super::Cli::command();
        command.build();
        command.clone().debug_assert();
        let flags = check(&command, "viewtide");
        assert!(flags > 50, "{flags} flags were looked at");
    }

    /// Looks at the flags of `command` and of all below it; returns how many there are.
    fn check(command: &clap::Command, path: &str) -> usize {
        let mut flags = 0;
        for flag in command.get_arguments() {
            let Some(long) = flag.get_long().filter(|long| !["help", "version"].contains(long)) else { continue };
            let expected = format!("VIEWTIDE_{}", long.replace('-', "_").to_uppercase());
            let env = flag.get_env().map(|env| env.to_string_lossy().into_owned());
            assert_eq!(env, Some(expected), "{path} --{long}");
            flags += 1;
        }
        let below = command.get_subcommands().filter(|sub| sub.get_name() != "help");
        flags + below.map(|sub| check(sub, &format!("{path} {}", sub.get_name()))).sum::<usize>()
    }
}
