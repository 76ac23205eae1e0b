//! What the sink has made durable so far, for log lines and the summary.

use std::collections::BTreeMap;
use std::time::Duration;

use viewtide_dataflows::Tick;
use viewtide_dataflows::series::Tally;

use crate::engine::summary::RunSummary;

/// Figures of one run; they move after a commit, never before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SinkTotals {
    /// Transactions.
    pub commits: u64,
    /// Transactions that had to be tried again.
    pub retries: u64,
    /// Rows written, by table.
    pub rows: BTreeMap<&'static str, u64>,
    /// Records by worker.
    pub records_per_worker: BTreeMap<u32, u64>,
    /// Late records.
    pub late: u64,
    /// Records of a video that was last seen in another partition.
    pub crossed: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// Gaps in the input.
    pub gaps: u64,
    /// The last committed tick.
    pub durable_tick: Tick,
    /// How long transactions took, with what went before them.
    pub commit_times: CommitTimes,
    /// Forecasts that were issued.
    pub forecasts_issued: u64,
}

/// How long commits took: how many of them by upper bounds, and all together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitTimes {
    /// How many took at most as long as the bound at the same place, and longer than the one before it.
    pub counts: [u64; CommitTimes::BOUNDS_MS.len()],
    /// All, also those longer than the last bound.
    pub total: Duration,
}

impl CommitTimes {
    /// Milliseconds.
    pub const BOUNDS_MS: [u64; 11] = [2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000];

    /// One more.
    pub fn add(&mut self, elapsed: Duration) {
        self.total += elapsed;
        let bound = Self::BOUNDS_MS.iter().position(|bound_ms| elapsed <= Duration::from_millis(*bound_ms));
        if let Some(bound) = bound {
            self.counts[bound] += 1;
        }
    }
}

impl SinkTotals {
    /// Adds what workers received in a committed tick.
    pub fn add_tallies(&mut self, tallies: &[Tally]) {
        for tally in tallies {
            *self.records_per_worker.entry(tally.worker).or_default() += tally.records;
            self.late += tally.late;
            self.crossed += tally.crossed;
        }
    }

    /// Records of all workers.
    pub fn records(&self) -> u64 {
        self.records_per_worker.values().sum()
    }

    /// Rows of all tables.
    pub fn rows_written(&self) -> u64 {
        self.rows.values().sum()
    }

    /// The same as a run ends with, over `workers` workers.
    pub fn summary(&self, seconds: f64, workers: usize) -> RunSummary {
        let records = self.records();
        RunSummary {
            records,
            records_per_worker: (0..workers as u32)
                .map(|worker| self.records_per_worker.get(&worker).copied().unwrap_or(0))
                .collect(),
            dead_letters: self.dead_letters,
            late_rows: self.late,
            crossed_records: self.crossed,
            gaps: self.gaps,
            commits: self.commits,
            tick: self.durable_tick,
            rows: self.rows.clone(),
            seconds,
            records_per_second: if seconds > 0.0 { (records as f64 / seconds).round() } else { 0.0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_counts_below_the_first_bound_that_it_keeps() {
        let mut times = CommitTimes::default();
        for ms in [0, 2, 3, 5_000, 5_001] {
            times.add(Duration::from_millis(ms));
        }
        assert_eq!(times.counts, [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(times.total, Duration::from_millis(10_006));
    }
}
