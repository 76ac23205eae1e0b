//! The `videos` operator: words on videos in, rows of the table of videos out.
//!
//! Keyed by video, and exchanged as `series` exchanges, so that what is known of a video is where its history is. The
//! contract:
//! - A tick is processed once both inputs have passed it. Of one source the latest word counts, whole; a weaker source never
//!   overwrites a stronger one. So neither ticks nor workers nor the order of arrival show in the rows.
//! - What goes out is the net change of a tick: each video at most once, and only where its row is another than before.
//! - What an earlier run stored is loaded as state, and emits nothing.

use std::collections::{BTreeMap, HashMap};

use differential_dataflow::Hashable;
use foldhash::fast::FixedState;
use timely::dataflow::Stream;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;

use crate::Tick;
use crate::metadata::{Metadata, MetadataRecord, MetadataSource, VideoRow, VideoUpdate};
use crate::video_id::VideoId;

#[cfg(test)]
mod tests;

/// Seed of the index: another than that of the exchange, or the videos of one worker would share bits.
const INDEX_SEED: u64 = 0x6d65_7461_6461_7461;

/// Keeps what is known of every video up to date, and emits what changes.
///
/// `state` are rows of an earlier run; they may come at any ticks, and the input is to be closed once all are there.
/// `records` wait until both inputs have passed their tick. No capability is held between ticks.
pub fn videos<'s>(
    state: Stream<'s, Tick, Vec<VideoRow>>,
    records: Stream<'s, Tick, Vec<MetadataRecord>>,
) -> Stream<'s, Tick, Vec<VideoUpdate>> {
    let mut builder = OperatorBuilder::new("Videos".to_owned(), records.scope());
    let mut state = builder.new_input(state, Exchange::new(|row: &VideoRow| row.video.hashed()));
    let mut records = builder.new_input(records, Exchange::new(|record: &MetadataRecord| record.video.hashed()));
    let (updates, stream) = builder.new_output();
    let mut updates = OutputBuilder::from(updates);
    builder.build(move |capabilities| {
        drop(capabilities);
        let mut known = Known::new();
        let mut pending = BTreeMap::<Tick, (Capability<Tick>, Vec<MetadataRecord>)>::new();
        move |frontiers| {
            state.for_each(|_, rows| rows.drain(..).for_each(|row| known.load(row)));
            records.for_each(|capability, records| {
                let tick = *capability.least().expect("records are sent at a tick");
                let (_, gathered) = pending.entry(tick).or_insert_with(|| (capability.delayed(&tick, 0), Vec::new()));
                gathered.append(records);
            });
            let mut updates = updates.activate();
            while let Some(entry) = pending.first_entry() {
                if frontiers.iter().any(|frontier| frontier.less_equal(entry.key())) {
                    break;
                }
                let (capability, gathered) = entry.remove();
                updates.session(&capability).give_iterator(known.apply(gathered).into_iter());
            }
        }
    });
    stream
}

/// What one worker knows: of each video the word that counts.
struct Known {
    videos: HashMap<VideoId, Word, FixedState>,
}

#[derive(PartialEq, Eq)]
struct Word {
    source: MetadataSource,
    metadata: Metadata,
}

impl Known {
    fn new() -> Self {
        Self { videos: HashMap::with_hasher(FixedState::with_seed(INDEX_SEED)) }
    }

    fn load(&mut self, row: VideoRow) {
        self.videos.insert(row.video, Word { source: row.source, metadata: row.metadata });
    }

    /// Applies the records of a tick.
    fn apply(&mut self, mut records: Vec<MetadataRecord>) -> Vec<VideoUpdate> {
        // The last one of each video is then the latest of its strongest source.
        records.sort_by_key(|record| (record.video, record.source, record.place));
        let mut updates = Vec::new();
        let mut records = records.into_iter().peekable();
        while let Some(record) = records.next() {
            if records.peek().is_some_and(|next| next.video == record.video) {
                continue;
            }
            let MetadataRecord { video, place: _, source, metadata } = record;
            let word = Word { source, metadata };
            let before = self.videos.get(&video);
            if before.is_some_and(|before| before.source > source || *before == word) {
                continue;
            }
            let is_new = before.is_none();
            updates.push(VideoUpdate { is_new, row: VideoRow { video, source, metadata: word.metadata.clone() } });
            self.videos.insert(video, word);
        }
        updates
    }
}
