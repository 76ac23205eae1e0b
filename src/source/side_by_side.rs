//! Several inputs read as one: snapshots, and beside them what is known of videos.
//!
//! Each worker's reader is then several threads that share a feed. Positions name their input, so each of them goes on where
//! it stood; and the end is said once all are there.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{
    Beside, Feed, Gap, Input, OnLostOffsets, Partition, Positions, Share, Source, SourceError, SourceEvent,
    SourceIdentity, Spans,
};

/// Snapshots and what is read beside them.
pub struct SideBySide {
    snapshots: Arc<dyn Source>,
    beside: Vec<(Input, Arc<dyn Source>)>,
}

impl SideBySide {
    /// Reads `beside`, of which each input is there at most once, beside `snapshots`.
    pub fn new(snapshots: Arc<dyn Source>, beside: Vec<(Input, Arc<dyn Source>)>) -> Self {
        Self { snapshots, beside }
    }

    fn all(&self) -> impl Iterator<Item = &Arc<dyn Source>> {
        std::iter::once(&self.snapshots).chain(self.beside.iter().map(|(_, source)| source))
    }
}

impl Source for SideBySide {
    fn identity(&self) -> &SourceIdentity {
        self.snapshots.identity()
    }

    fn beside(&self) -> Beside {
        self.beside.iter().map(|(input, source)| (*input, source.identity().clone())).collect()
    }

    fn readers(&self) -> usize {
        1 + self.beside.len()
    }

    fn read(&self, share: Share, stored: &Positions, feed: &Feed) -> Result<(), SourceError> {
        let feeds = feed.split(self.readers());
        // What fails is said at once: the other readers end only when they are told to.
        let read = |source: &dyn Source, feed: &Feed| {
            if let Err(error) = source.read(share, stored, feed) {
                feed.send(SourceEvent::Failed(error));
            }
        };
        std::thread::scope(|scope| {
            for ((input, source), feed) in self.beside.iter().zip(&feeds[1..]) {
                let thread = std::thread::Builder::new()
                    .name(format!("reader-{}-{input:?}", share.index))
                    .spawn_scoped(scope, move || read(source.as_ref(), feed));
                if let Err(error) = thread {
                    // From each, since a first word is expected of each.
                    let failed = || SourceEvent::Failed(SourceError::new(format!("cannot start a thread: {error}")));
                    for feed in &feeds {
                        feed.send(failed());
                    }
                    return;
                }
            }
            read(self.snapshots.as_ref(), &feeds[0]);
        });
        Ok(())
    }

    fn on_lost_offsets(&self) -> OnLostOffsets {
        let earliest = self.all().any(|source| source.on_lost_offsets() == OnLostOffsets::Earliest);
        if earliest { OnLostOffsets::Earliest } else { OnLostOffsets::Stop }
    }

    fn begun_anew(&self, input: Input, before: &SourceIdentity, stored: &Spans) -> Result<Vec<Gap>, SourceError> {
        let mut gaps = Vec::new();
        for source in self.all() {
            gaps.append(&mut source.begun_anew(input, before, stored)?);
        }
        Ok(gaps)
    }

    fn set_clock(&self, first_started_at_us: i64) {
        self.all().for_each(|source| source.set_clock(first_started_at_us));
    }

    fn durable(&self, positions: &Positions) {
        self.all().for_each(|source| source.durable(positions));
    }

    /// Those of the sources that know theirs: a file beside a topic does not hide how far the topic is.
    fn lags(&self) -> Option<BTreeMap<Partition, u64>> {
        let known = self.all().filter_map(|source| source.lags());
        known.reduce(|mut lags, more| {
            lags.extend(more);
            lags
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::sync::mpsc::sync_channel;

    use viewtide_dataflows::metadata::MetadataSource;

    use super::super::csv::CsvSource;
    use super::super::videos_file::VideosFile;
    use super::super::{SourceBatch, Span};
    use super::*;

    const SNAPSHOTS: &str = "timestamp,video_id,title,views\n2025-07-01 00:00:44,7tbWmYUZLX4,A,5\n";
    const VIDEOS: &str = "video_id,title\n7tbWmYUZLX4,B\nx_BjvhMW9TE,C\n";

    /// Both files, read side by side as worker `index` of two, up to what ends it.
    fn read(videos: &str, index: u32) -> (SourceBatch, Result<(), String>) {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let snapshots = Arc::new(CsvSource::open(&[file("a.csv", SNAPSHOTS)], 0).unwrap());
        let path = file("videos.csv", videos);
        let beside: Arc<dyn Source> = Arc::new(VideosFile::open(&path).unwrap());
        let source = SideBySide::new(snapshots, vec![(Input::VideosFile, Arc::clone(&beside))]);
        assert_eq!(source.beside(), Beside::from([(Input::VideosFile, beside.identity().clone())]));
        assert_eq!(source.lag(), None, "files do not know theirs");
        source.set_clock(i64::MAX);
        let (events, received) = sync_channel(8);
        let feed = Feed::new(events, Arc::new(AtomicBool::new(false)), Box::new(|| {}));
        let mut all = SourceBatch::default();
        let mut outcome = Err("it said nothing of its end".to_owned());
        std::thread::scope(|scope| {
            scope.spawn(move || source.read(Share { index, peers: 2 }, &Positions::new(), &feed).unwrap());
            for event in received {
                match event {
                    SourceEvent::Batch(batch) => {
                        assert!(outcome.is_err(), "nothing comes after the end of files");
                        all.records.extend(batch.records);
                        all.metadata.extend(batch.metadata);
                        all.positions.extend(batch.positions);
                    }
                    SourceEvent::End => outcome = Ok(()),
                    SourceEvent::Failed(error) => outcome = Err(error.to_string()),
                }
            }
        });
        (all, outcome)
    }

    #[test]
    fn files_are_read_side_by_side_and_end_together() {
        let (read_by_0, outcome) = read(VIDEOS, 0);
        assert_eq!(outcome, Ok(()));
        assert_eq!(read_by_0.records.len(), 1);
        let mut titles: Vec<_> =
            read_by_0.metadata.iter().map(|record| (record.source, record.metadata.title.as_deref())).collect();
        titles.sort_unstable();
        let of_file = MetadataSource::VideosFile;
        let expected = [(of_file, Some("B")), (of_file, Some("C")), (MetadataSource::Snippet, Some("A"))];
        assert_eq!(titles, expected);
        let next = |next| Span { first: 0, next };
        let file = Partition { input: Input::VideosFile, number: 0 };
        assert_eq!(read_by_0.positions, Positions::from([(Partition::of_snapshots(0), next(1)), (file, next(2))]));
        let (read_by_1, outcome) = read(VIDEOS, 1);
        assert_eq!((outcome, read_by_1.positions.is_empty()), (Ok(()), true));
    }
}
