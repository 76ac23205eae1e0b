//! The line of figures that a running engine logs every few seconds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::Shared;
use crate::limits::REPORT_INTERVAL_SECONDS;

/// Logs figures while anything goes on.
pub struct Report {
    shared: Arc<Shared>,
    last_at: Instant,
    last_records: u64,
    last_crossed: u64,
}

/// Says that records crossed partitions, where more have since the last time.
fn warn_of_crossing(crossed: u64, last_crossed: &mut u64) {
    if crossed > *last_crossed {
        tracing::warn!(
            records = crossed - *last_crossed,
            "records of a video came from another partition than its records before; which of them is the latest is then \
             their order of reading, and another run may store others. Key the topic by video id"
        );
        *last_crossed = crossed;
    }
}

impl Report {
    /// A report whose first line comes after one interval.
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared, last_at: Instant::now(), last_records: 0, last_crossed: 0 }
    }

    /// Says at the end what no line has said yet.
    pub fn finish(mut self) {
        let crossed = self.shared.observed.totals().crossed;
        warn_of_crossing(crossed, &mut self.last_crossed);
    }

    /// Logs the line where it is due.
    pub fn step(&mut self) {
        let elapsed = self.last_at.elapsed();
        if elapsed < Duration::from_secs(REPORT_INTERVAL_SECONDS) {
            return;
        }
        let observed = &self.shared.observed;
        let totals = observed.totals();
        let records = totals.records();
        let rate = (records - self.last_records) as f64 / elapsed.as_secs_f64();
        tracing::info!(
            records,
            records_per_second = rate.round(),
            lag = observed.lag(),
            durable_tick = totals.durable_tick,
            durable_age_ms = observed.durable_age_ms(),
            commits = totals.commits,
            rows = totals.rows_written(),
            dead_letters = totals.dead_letters,
            late_rows = totals.late,
            retries = totals.retries,
            times_gated = observed.times_gated(),
            "progress"
        );
        self.last_at = Instant::now();
        self.last_records = records;
        warn_of_crossing(totals.crossed, &mut self.last_crossed);
    }
}
