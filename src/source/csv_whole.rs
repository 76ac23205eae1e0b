//! CSV files read from end to end at once, for commands that need all of their snapshots in memory.

use viewtide_dataflows::snapshot::Snapshot;
use viewtide_dataflows::video_id::VideoId;

use super::csv_file::CheckedFile;
use super::csv_folder::files_in;
use super::fields::{Observation, Wanted};
use super::times::Horizon;
use super::{Input, SourceError};

/// What was in the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CsvTally {
    /// Rows that are snapshots.
    pub snapshots: u64,
    /// Rows that are none.
    pub refused: u64,
    /// Where the first of those is and what is wrong with it.
    pub first_refused: Option<String>,
}

/// Hands every snapshot of the files to `take`, in their order; a directory stands for the files in it.
///
/// # Errors
/// A file that is missing, empty, damaged, given twice, or without the columns that are needed; a directory without any.
pub fn read_whole(
    paths: &[String],
    horizon: Horizon,
    take: &mut dyn FnMut(VideoId, Snapshot),
) -> Result<CsvTally, SourceError> {
    let paths = files_in(paths)?;
    let files: Vec<_> =
        paths.iter().map(|path| CheckedFile::check(path, Input::Snapshots)).collect::<Result<_, _>>()?;
    let wanted = Wanted::Snapshots(horizon);
    let mut tally = CsvTally::default();
    for file in &files {
        let mut rows = file.rows()?;
        loop {
            let line = rows.line();
            let Some(row) = rows.next_row().map_err(|error| file.broken_off(line, &error))? else { break };
            match file.columns.fields(&row).and_then(|fields| fields.judge(&wanted)) {
                Ok(word) => {
                    if let Some(Observation { snapshot, .. }) = word.observation {
                        take(word.video, snapshot);
                        tally.snapshots += 1;
                    }
                }
                Err(refusal) => {
                    tally.refused += 1;
                    let at = || format!("{}, line {}: {refusal}", file.file.path, row.line);
                    tally.first_refused.get_or_insert_with(at);
                }
            }
        }
    }
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::source::refusal::Clock;

    fn read(text: &str) -> Result<(CsvTally, Vec<(VideoId, Snapshot)>), SourceError> {
        let mut file = tempfile::Builder::new().suffix(".csv").tempfile().expect("a file");
        file.write_all(text.as_bytes()).expect("is written");
        let path = file.path().display().to_string();
        let horizon = Horizon { arrived_us: Some(1_700_000_000_000_000), future_max_us: 0, clock: Clock::FirstStart };
        let mut taken = Vec::new();
        let tally = read_whole(&[path], horizon, &mut |video, snapshot| taken.push((video, snapshot)))?;
        Ok((tally, taken))
    }

    #[test]
    fn takes_what_is_a_snapshot_and_says_what_is_none() {
        let (tally, taken) = read(
            "timestamp,video_id,viewCount,likeCount\n2023-01-02T00:00:00Z,dQw4w9WgXcQ,7,\nnever,dQw4w9WgXcQ,8,\n\
             2023-01-01T00:00:00Z,dQw4w9WgXcQ,5,1\n2099-01-01T00:00:00Z,dQw4w9WgXcQ,5,1\n",
        )
        .unwrap();
        assert_eq!((tally.snapshots, tally.refused), (2, 2));
        let first = tally.first_refused.unwrap();
        assert!(first.contains(".csv, line 3: ") && first.contains("never"), "{first}");
        let views: Vec<_> = taken.iter().map(|(_, snapshot)| snapshot.views()).collect();
        assert_eq!(views, [Some(7), Some(5)], "in the order of the file");
        assert_eq!(taken[0].1.counts[1].get(), None);
    }

    #[test]
    fn an_empty_file_and_one_without_columns_are_refused() {
        assert!(read("").unwrap_err().to_string().contains("it is empty"));
        assert!(read("a,b\n1,2\n").unwrap_err().to_string().contains("no column timestamp"));
        assert_eq!(read("timestamp,video_id,viewCount\n").unwrap().0, CsvTally::default());
    }
}
