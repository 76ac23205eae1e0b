//! Where a command that needs all snapshots in memory finds them: CSV files, or Postgres.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::anyhow;
use clap::Args;
use viewtide_models::task::Videos;

use crate::cli::UsageError;
use crate::cli::database::{DatabaseArgs, runtime};
use crate::cli::durations::parse_duration_us;
use crate::cli::told::Told;
use crate::engine::clock::{Clock as _, SystemClock};
use crate::postgres::connect::connect;
use crate::source::csv_whole::{CsvTally, read_whole};
use crate::source::refusal::Clock;
use crate::source::times::Horizon;
use crate::train::stored_snapshots::read_stored;

/// Flags that name a Postgres.
const DATABASE_FLAGS: [&str; 3] = ["database_url", "database_url_file", "data_dir"];

#[derive(Clone, Debug, Args)]
struct Flags {
    /// CSV files, plain or gzip, read in the order given; a directory stands for its *.csv and *.csv.gz, by name. Without them
    /// what is stored in Postgres is read. What stands on the command line wins over the other's environment variable
    #[arg(long, env = "VIEWTIDE_CSV", value_name = "FILE", num_args = 1.., value_delimiter = ',')]
    csv: Vec<String>,
    /// How far ahead of the clock a row of a CSV file may be
    #[arg(long, env = "VIEWTIDE_FUTURE_MAX", value_name = "DURATION", default_value = "1h", value_parser = parse_duration_us)]
    future_max: i64,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// The flags of the snapshots. What only stands in the environment gives way to the command line.
#[derive(Clone, Debug, Args)]
pub struct SnapshotsArgs {
    #[command(flatten)]
    told: Told<Flags>,
}

impl SnapshotsArgs {
    /// Reads what `command` was given, until the end or until `stop` is set.
    ///
    /// # Errors
    /// Flags that cannot go together; files or tables that cannot be read, or hold no snapshot.
    pub fn read(&self, command: &'static str, stop: &AtomicBool) -> anyhow::Result<Videos> {
        if self.reads_csv().map_err(|wrong| UsageError(wrong, command))? {
            let (videos, tally) = read_csv(&self.told.flags.csv, self.told.flags.future_max)?;
            if tally.snapshots == 0 {
                let first = tally.first_refused.map(|first| format!("; the first row that is none: {first}"));
                return Err(anyhow!("no snapshot is in the CSV files{}", first.unwrap_or_default()));
            }
            return Ok(videos);
        }
        let database = self.told.flags.database.open()?;
        let mut videos = Videos::default();
        let snapshots = runtime()?.block_on(async {
            let mut client = connect(&database.url, &format!("viewtide {command}")).await?;
            let take = &mut |video, snapshot| videos.observe(video, snapshot);
            anyhow::Ok(read_stored(&mut client, stop, take).await?)
        })?;
        if snapshots == 0 && !stop.load(Ordering::Relaxed) {
            return Err(anyhow!("{}: no snapshot is stored yet; let `viewtide run` read some first", database.url));
        }
        Ok(videos)
    }

    fn reads_csv(&self) -> Result<bool, String> {
        let csv_in_environment = self.told.is_in_environment("csv");
        // A variable that is empty is as good as none.
        let is_given = self.told.flags.csv.iter().any(|path| !(csv_in_environment && path.is_empty()));
        match DATABASE_FLAGS.into_iter().find(|flag| self.told.is_on_command_line(flag)) {
            Some(flag) if is_given && !csv_in_environment => Err(format!(
                "--csv cannot be used with --{}: snapshots come from files or from Postgres",
                flag.replace('_', "-")
            )),
            Some(_) => Ok(false),
            None => Ok(is_given),
        }
    }
}

/// All snapshots of CSV files; a warning says of rows that are none. A row may be `future_max_us` microseconds ahead of the clock.
///
/// # Errors
/// As [`read_whole`].
pub fn read_csv(files: &[String], future_max_us: i64) -> anyhow::Result<(Videos, CsvTally)> {
    let now_us = SystemClock.now_us();
    let horizon = Horizon { arrived_us: Some(now_us), future_max_us, clock: Clock::FirstStart };
    let mut videos = Videos::default();
    let tally = read_whole(files, horizon, &mut |video, snapshot| videos.observe(video, snapshot))?;
    if let CsvTally { refused: 1.., first_refused: Some(first), .. } = &tally {
        tracing::warn!(rows = tally.refused, "rows are no snapshots and were left out; the first one is {first}");
    }
    Ok((videos, tally))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        snapshots: SnapshotsArgs,
    }

    fn reads_csv(line: &[&str], csv_in_environment: bool) -> Result<bool, String> {
        let told = <Line as clap::Parser>::try_parse_from(["t"].iter().chain(line)).unwrap();
        let told = told.snapshots.told.in_environment(csv_in_environment.then_some("csv"));
        SnapshotsArgs { told }.reads_csv()
    }

    #[test]
    fn files_are_read_where_they_are_given_and_postgres_else() {
        assert_eq!(reads_csv(&[], false), Ok(false));
        assert_eq!(reads_csv(&["--csv", "a.csv"], false), Ok(true));
        assert_eq!(reads_csv(&["--csv", "a.csv"], true), Ok(true));
        assert_eq!(reads_csv(&["--csv", ""], true), Ok(false), "a variable that is empty");
        for database in [["--database-url", "u"], ["--database-url-file", "f"], ["--data-dir", "d"]] {
            assert_eq!(reads_csv(&database, false), Ok(false));
            let both = [&database[..], &["--csv", "a.csv"]].concat();
            assert_eq!(reads_csv(&both, true), Ok(false), "the command line wins over a variable");
            let wrong = reads_csv(&both, false).unwrap_err();
            assert!(wrong.starts_with(&format!("--csv cannot be used with {}:", database[0])), "{wrong}");
        }
    }
}
