//! CSV files of snapshots as a source: one reader, rows counted over all files in the order given.

use std::sync::OnceLock;

use viewtide_dataflows::snapshot::EventTime;

use super::csv_folder::files_in;
use super::csv_reader::CsvReader;
use super::fields::Wanted;
use super::refusal::Clock;
use super::times::Horizon;
use super::{Feed, Input, Positions, Share, Source, SourceError, SourceEvent, SourceIdentity};

/// CSV files, in the order given.
#[derive(Debug)]
pub struct CsvSource {
    reader: CsvReader,
    future_max_us: i64,
    clock: OnceLock<EventTime>,
}

impl CsvSource {
    /// Checks every file and takes its size and hash; a directory stands for the files in it. `future_max_us` is how far
    /// ahead of the clock a row may be.
    ///
    /// # Errors
    /// A file that is missing, empty, no file, given twice, or without the columns that are needed; a directory without any.
    pub fn open(paths: &[String], future_max_us: i64) -> Result<Self, SourceError> {
        if paths.is_empty() {
            return Err(SourceError::new("no CSV file was given"));
        }
        let reader = CsvReader::open(Input::Snapshots, &files_in(paths)?)?;
        Ok(Self { reader, future_max_us, clock: OnceLock::new() })
    }

    fn horizon(&self) -> Result<Horizon, SourceError> {
        let clock = self.clock.get().ok_or_else(|| SourceError::new("CSV was read before its clock was set"))?;
        Ok(Horizon { arrived_us: Some(*clock), future_max_us: self.future_max_us, clock: Clock::FirstStart })
    }
}

impl Source for CsvSource {
    fn identity(&self) -> &SourceIdentity {
        self.reader.identity()
    }

    /// It judges rows, and is stored, so that a restart judges as the first start did. Only the first call counts.
    fn set_clock(&self, first_started_at_us: EventTime) {
        let _ = self.clock.set(first_started_at_us);
    }

    /// Rows are read by worker 0, so the other processes of an engine have no clock and need none.
    fn read(&self, share: Share, stored: &Positions, feed: &Feed) -> Result<(), SourceError> {
        if share.index != 0 {
            feed.send(SourceEvent::End);
            return Ok(());
        }
        self.reader.read(&Wanted::Snapshots(self.horizon()?), share, stored, feed)
    }
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
