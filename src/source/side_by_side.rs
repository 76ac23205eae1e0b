//! Several inputs read as one: snapshots, and beside them what is known of videos.
//!
//! Each worker's reader is then several threads that share a feed. Positions name their input, so each of them goes on where
//! it stood; and the end is said once all are there.

use std::sync::Arc;

use super::{
    Beside, Feed, Gap, Input, OnLostOffsets, Positions, Share, Source, SourceError, SourceEvent, SourceIdentity, Spans,
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

    fn read(&self, share: Share, stored: &Positions, feed: &Feed) -> Result<(), SourceError> {
        let feed = &feed.shared_by(1 + self.beside.len());
        // What fails is said at once: the other readers end only when they are told to.
        let read = |source: &dyn Source| {
            if let Err(error) = source.read(share, stored, feed) {
                feed.send(SourceEvent::Failed(error));
            }
        };
        std::thread::scope(|scope| {
            for (input, source) in &self.beside {
                std::thread::Builder::new()
                    .name(format!("reader-{}-{input:?}", share.index))
                    .spawn_scoped(scope, move || read(source.as_ref()))
                    .map_err(|error| SourceError::new(format!("cannot start a thread: {error}")))?;
            }
            read(self.snapshots.as_ref());
            Ok(())
        })
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

    fn lag(&self) -> Option<u64> {
        self.all().map(|source| source.lag()).sum()
    }
}
