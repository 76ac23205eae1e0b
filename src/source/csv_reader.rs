//! CSV files as one partition of an input, whatever its rows say.
//!
//! A row's place is (partition 0, its number over all files from 0); headers and blank lines have no number. A restart reads
//! past as many rows as are stored, so the files must be those of the first start; their sizes and hashes are the identity.

use tracing::{info, warn};
use viewtide_dataflows::snapshot::Place;

use super::batch::{Filling, ReadAt};
use super::csv_file::CheckedFile;
use super::csv_rows::Row;
use super::fields::Wanted;
use super::{Feed, Input, Partition, Positions, Share, SourceError, SourceEvent, SourceIdentity, Span};
use crate::limits::{CSV_ROWS_BETWEEN_STOPS, OVERSIZED_PAYLOAD_BYTES_MAX};

/// Files that are read one after the other.
#[derive(Debug)]
pub(super) struct CsvReader {
    input: Input,
    files: Vec<CheckedFile>,
    identity: SourceIdentity,
}

impl CsvReader {
    /// Checks every file and takes its size and hash.
    pub(super) fn open(input: Input, paths: &[String]) -> Result<Self, SourceError> {
        let files: Vec<_> = paths.iter().map(|path| CheckedFile::check(path, input)).collect::<Result<_, _>>()?;
        let identity = SourceIdentity::Csv { files: files.iter().map(|file| file.file.clone()).collect() };
        Ok(Self { input, files, identity })
    }

    pub(super) fn identity(&self) -> &SourceIdentity {
        &self.identity
    }

    /// Reads all files from the stored row on, if this is the share of worker 0; files have no more shares.
    pub(super) fn read(
        &self,
        wanted: &Wanted,
        share: Share,
        stored: &Positions,
        feed: &Feed,
    ) -> Result<(), SourceError> {
        if share.index != 0 {
            feed.send(SourceEvent::End);
            return Ok(());
        }
        let partition = Partition { input: self.input, number: 0 };
        let next = stored.get(&partition).map_or(0, |span| span.next);
        let mut reading = Reading { feed, wanted, partition, filling: Filling::default(), row: 0, next };
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
    wanted: &'a Wanted,
    /// All files together.
    partition: Partition,
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
        let place = Place { partition: self.partition.number, offset: self.row, item: 0 };
        self.row += 1;
        if place.offset < self.next {
            return;
        }
        let kept = if row.is_too_large() { OVERSIZED_PAYLOAD_BYTES_MAX } else { row.raw.len() };
        let at = ReadAt {
            arrived_us: None,
            input: self.partition.input,
            place,
            topic: &file.file.path,
            offset: row.line,
            key: None,
            payload: Some(&row.raw[..kept]),
        };
        self.filling.said(&at, file.columns.fields(row).and_then(|fields| fields.judge(self.wanted)));
    }

    fn announce(&mut self) {
        self.filling.batch.positions.insert(self.partition, Span { first: 0, next: self.next });
    }

    /// Hands over what there is; false once the reader shall end.
    fn hand_over(&mut self) -> bool {
        if self.row > self.next {
            self.filling.batch.positions.insert(self.partition, Span { first: 0, next: self.row });
        }
        self.filling.is_empty() || self.feed.send(SourceEvent::Batch(self.filling.take()))
    }
}
