//! A CSV file of videos as a source: what is known of them, read beside the snapshots.

use super::csv_reader::CsvReader;
use super::fields::Wanted;
use super::{Feed, Input, Positions, Share, Source, SourceError, SourceIdentity};

/// A file of videos.
#[derive(Debug)]
pub struct VideosFile {
    reader: CsvReader,
}

impl VideosFile {
    /// Checks the file and takes its size and hash.
    ///
    /// # Errors
    /// A file that is missing, empty, no file, or without the columns that are needed.
    pub fn open(path: &str) -> Result<Self, SourceError> {
        Ok(Self { reader: CsvReader::open(Input::VideosFile, &[path.to_owned()])? })
    }
}

impl Source for VideosFile {
    fn identity(&self) -> &SourceIdentity {
        self.reader.identity()
    }

    fn read(&self, share: Share, stored: &Positions, feed: &Feed) -> Result<(), SourceError> {
        self.reader.read(&Wanted::Videos, share, stored, feed)
    }
}

#[cfg(test)]
#[path = "videos_file_tests.rs"]
mod tests;
