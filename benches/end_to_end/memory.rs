//! Memory does not grow once it is full: four times as many records of the same videos, in time order, from CSV and with all
//! outputs.

use std::path::Path;

use crate::harness::process::viewtide;
use crate::polls::{Gains, Polls};
use crate::table::row;
use crate::{DEADLINE, Server, peak};

/// A million records are 2,000 polls of each, or 13.9 days: memory, which keeps 198 h (ARCHITECTURE.md), is full after 60 % of
/// them. Few videos, so that what they all keep is little beside what is on its way: else that would hide what grows.
const POLLS: Polls = Polls { videos: 500, poll_s: 600, gains: Gains::ByChance };

/// Runs of each size, of which the median counts: one run's peak hangs on how far the reader got ahead of Postgres.
const RUNS: usize = 3;

/// Measures and prints.
pub fn measure(server: &Server) {
    let folder = tempfile::tempdir().expect("a folder");
    let args = POLLS.args_of_all(folder.path());
    let [one, four] = [1_000_000, 4_000_000].map(|records| {
        let path = folder.path().join("polls.csv");
        POLLS.csv(&path, records).expect("a CSV file");
        let mut peaks: Vec<f64> = (0..RUNS).map(|_| peak_mb(server, &path, &args, records)).collect();
        peaks.sort_by(f64::total_cmp);
        peaks[RUNS / 2]
    });
    row("500 videos, 1 M records from CSV: peak memory, MB", &format!("{one:.0}"), "");
    row("the same, 4 M records", &format!("{four:.0}"), "");
    row("4 M by 1 M", &format!("{:.2}", four / one), "<= 1.1");
}

/// The peak of one run over the polls in `path`, with `args` beside it.
fn peak_mb(server: &Server, path: &Path, args: &[String], records: u64) -> f64 {
    let database = server.fresh_database();
    let path = path.display().to_string();
    let run = ["run", "--csv", &path, "--database-url", &database, "--exit-at-end"];
    let run = viewtide(run.into_iter().chain(args.iter().map(String::as_str)));
    let peak = peak::watch(&run);
    let summary = run.wait(DEADLINE).expect_code(0).json();
    assert_eq!(summary["records"], records);
    server.drop_database(&database);
    peak.join().expect("the watcher does not panic")
}
