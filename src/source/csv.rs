//! CSV files as a source: one reader, rows counted over all files in the order given.
//!
//! A row's place is (partition 0, its number over all files from 0); headers and blank lines have no number. A restart reads
//! past as many rows as are stored, so the files must be those of the first start; their sizes and hashes are the identity.

use std::sync::OnceLock;

use tracing::{info, warn};
use viewtide_dataflows::snapshot::{EventTime, Place, Record};

use super::batch::Filling;
use super::csv_file::CheckedFile;
use super::csv_rows::Row;
use super::fields::{Clock, Horizon};
use super::{
    DeadLetter, Feed, Input, Partition, Positions, Share, Source, SourceError, SourceEvent, SourceIdentity, Span,
};
use crate::limits::{CSV_ROWS_BETWEEN_STOPS, OVERSIZED_PAYLOAD_BYTES_MAX};

/// All files together are one partition.
const PARTITION: Partition = Partition::of_snapshots(0);

/// CSV files, in the order given.
#[derive(Debug)]
pub struct CsvSource {
    files: Vec<CheckedFile>,
    identity: SourceIdentity,
    future_max_us: i64,
    clock: OnceLock<EventTime>,
}

impl CsvSource {
    /// Checks every file and takes its size and hash; `future_max_us` is how far ahead of the clock a row may be.
    ///
    /// # Errors
    /// A file that is missing, empty, no file, given twice, or without the columns that are needed.
    pub fn open(paths: &[String], future_max_us: i64) -> Result<Self, SourceError> {
        if paths.is_empty() {
            return Err(SourceError::new("no CSV file was given"));
        }
        for (index, path) in paths.iter().enumerate() {
            if paths[..index].contains(path) {
                return Err(SourceError::new(format!("the CSV file {path} is given twice; name each file once")));
            }
        }
        let files: Vec<_> = paths.iter().map(|path| CheckedFile::check(path)).collect::<Result<_, _>>()?;
        let identity = SourceIdentity::Csv { files: files.iter().map(|file| file.file.clone()).collect() };
        Ok(Self { files, identity, future_max_us, clock: OnceLock::new() })
    }

    fn horizon(&self) -> Result<Horizon, SourceError> {
        let clock = self.clock.get().ok_or_else(|| SourceError::new("CSV was read before its clock was set"))?;
        Ok(Horizon { arrived_us: Some(*clock), future_max_us: self.future_max_us, clock: Clock::FirstStart })
    }
}

impl Source for CsvSource {
    fn identity(&self) -> &SourceIdentity {
        &self.identity
    }

    /// It judges rows, and is stored, so that a restart judges as the first start did. Only the first call counts.
    fn set_clock(&self, first_started_at_us: EventTime) {
        let _ = self.clock.set(first_started_at_us);
    }

    fn read(&self, share: Share, stored: &Positions, feed: &Feed) -> Result<(), SourceError> {
        if share.index != 0 {
            feed.send(SourceEvent::End);
            return Ok(());
        }
        let next = stored.get(&PARTITION).map_or(0, |span| span.next);
        let mut reading = Reading { feed, horizon: self.horizon()?, filling: Filling::default(), row: 0, next };
        reading.announce();
        for file in &self.files {
            if !reading.file(file)? {
                return Ok(());
            }
        }
        if reading.row < next {
            return Err(SourceError::new(format!(
                "{next} rows were read before, but the CSV files have only {} now; give the files of the first start",
                reading.row
            )));
        }
        if reading.hand_over() {
            feed.send(SourceEvent::End);
        }
        Ok(())
    }
}

/// The reader on its way through the files.
struct Reading<'a> {
    feed: &'a Feed,
    horizon: Horizon,
    filling: Filling,
    /// Rows passed, over all files.
    row: u64,
    /// The first row to hand over.
    next: u64,
}

impl Reading<'_> {
    /// Reads one file to its end; false once the reader shall end.
    fn file(&mut self, file: &CheckedFile) -> Result<bool, SourceError> {
        let mut rows = file.rows()?;
        let before = self.row;
        loop {
            let line = rows.line();
            match rows.next_row() {
                Ok(Some(row)) => self.row(file, &row),
                Ok(None) => break,
                Err(error) => {
                    return if self.hand_over() { Err(file.broken_off(line, &error)) } else { Ok(false) };
                }
            }
            if self.filling.is_full() && !self.hand_over() {
                return Ok(false);
            }
            if self.row.is_multiple_of(CSV_ROWS_BETWEEN_STOPS) && self.feed.stopped() {
                return Ok(false);
            }
        }
        match self.row - before {
            0 => warn!(file = file.file.path, "the CSV file has a header and no rows"),
            rows => info!(file = file.file.path, rows, "CSV file read"),
        }
        Ok(true)
    }

    fn row(&mut self, file: &CheckedFile, row: &Row<'_>) {
        let place = Place { partition: 0, offset: self.row, item: 0 };
        self.row += 1;
        if place.offset < self.next {
            return;
        }
        match file.columns.fields(row).and_then(|fields| fields.judge(&self.horizon)) {
            Ok(read) => {
                let record =
                    Record { video: read.video, place, snapshot: read.snapshot, file_source: read.file_source };
                self.filling.record(record, row.raw.len());
            }
            Err(refusal) => {
                let kept = if row.is_too_large() { OVERSIZED_PAYLOAD_BYTES_MAX } else { row.raw.len() };
                self.filling.dead_letter(DeadLetter {
                    input: Input::Snapshots,
                    topic: file.file.path.clone(),
                    partition: 0,
                    offset: row.line,
                    item: 0,
                    position: place.offset,
                    reason: refusal.to_string(),
                    key: None,
                    payload: Some(row.raw[..kept].to_vec()),
                });
            }
        }
    }

    fn announce(&mut self) {
        self.filling.batch.positions.insert(PARTITION, Span { first: 0, next: self.next });
    }

    /// Hands over what there is; false once the reader shall end.
    fn hand_over(&mut self) -> bool {
        if self.row > self.next {
            self.filling.batch.positions.insert(PARTITION, Span { first: 0, next: self.row });
        }
        self.filling.is_empty() || self.feed.send(SourceEvent::Batch(self.filling.take()))
    }
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
