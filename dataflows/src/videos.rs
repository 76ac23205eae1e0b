//! The `videos` operator: words on videos in, rows of the table of videos out.
//!
//! Keyed by video, and exchanged as `series` exchanges, so that what is known of a video is where its history is. The
//! contract:
//! - A tick is processed once both inputs have passed it. Of one source the latest word counts, whole; a weaker source never
//!   overwrites a stronger one. So neither ticks nor workers nor the order of arrival show in the rows.
//! - What goes out is the net change of a tick: each video at most once, and only where its row is another than before.
//! - What an earlier run stored is loaded as state, and emits nothing.
//! - Words of one source that cross partitions are counted: which of them is the latest is then the order of reading.

use std::collections::{BTreeMap, HashMap};

use differential_dataflow::Hashable;
use foldhash::fast::FixedState;
use timely::dataflow::Stream;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;

use crate::Tick;
use crate::metadata::{Metadata, MetadataRecord, MetadataSource, VideoRow};
use crate::series::Tally;
use crate::video_id::VideoId;

#[cfg(test)]
mod tests;

/// Seed of the index: another than that of the exchange, or the videos of one worker would share bits.
const INDEX_SEED: u64 = 0x6d65_7461_6461_7461;

/// What [`videos`] gives.
pub struct VideoStreams<'s> {
    /// Rows of the table of videos; each video at most once in a tick.
    pub rows: Stream<'s, Tick, Vec<VideoRow>>,
    /// Of words that cross partitions.
    pub tallies: Stream<'s, Tick, Vec<Tally>>,
}

/// Keeps what is known of every video up to date, and emits what changes.
///
/// `state` are rows of an earlier run; they may come at any ticks, and the input is to be closed once all are there.
/// `records` wait until both inputs have passed their tick. `worker` is this worker's index, for its [`Tally`]. No capability is
/// held between ticks.
pub fn videos<'s>(
    state: Stream<'s, Tick, Vec<VideoRow>>,
    records: Stream<'s, Tick, Vec<MetadataRecord>>,
    worker: u32,
) -> VideoStreams<'s> {
    let mut builder = OperatorBuilder::new("Videos".to_owned(), records.scope());
    let mut state = builder.new_input(state, Exchange::new(|row: &VideoRow| row.video.hashed()));
    let mut records = builder.new_input(records, Exchange::new(|record: &MetadataRecord| record.video.hashed()));
    let (rows, row_stream) = builder.new_output();
    let (tallies, tally_stream) = builder.new_output();
    let (mut rows, mut tallies) = (OutputBuilder::from(rows), OutputBuilder::from(tallies));
    builder.build(move |capabilities| {
        drop(capabilities);
        let mut known = Known::new();
        let mut pending = BTreeMap::<Tick, ([Capability<Tick>; 2], Vec<MetadataRecord>)>::new();
        move |frontiers| {
            state.for_each(|_, rows| rows.drain(..).for_each(|row| known.load(row)));
            records.for_each(|capability, records| {
                let tick = *capability.least().expect("records are sent at a tick");
                let outputs = || [0, 1].map(|port| capability.delayed(&tick, port));
                pending.entry(tick).or_insert_with(|| (outputs(), Vec::new())).1.append(records);
            });
            let (mut rows, mut tallies) = (rows.activate(), tallies.activate());
            while let Some(entry) = pending.first_entry() {
                if frontiers.iter().any(|frontier| frontier.less_equal(entry.key())) {
                    break;
                }
                let ([of_rows, of_tallies], gathered) = entry.remove();
                let crossed_before = known.crossed;
                rows.session(&of_rows).give_iterator(known.apply(gathered).into_iter());
                if known.crossed > crossed_before {
                    let crossed = known.crossed - crossed_before;
                    tallies.session(&of_tallies).give(Tally { worker, crossed, ..Tally::default() });
                }
            }
        }
    });
    VideoStreams { rows: row_stream, tallies: tally_stream }
}

/// What one worker knows: of each video the word that counts.
struct Known {
    videos: HashMap<VideoId, Word, FixedState>,
    /// Words that came from another partition than the one of their source before them.
    crossed: u64,
}

struct Word {
    source: MetadataSource,
    metadata: Metadata,
    /// Where it came from; one that was only loaded has none.
    partition: Option<u32>,
}

impl Known {
    fn new() -> Self {
        Self { videos: HashMap::with_hasher(FixedState::with_seed(INDEX_SEED)), crossed: 0 }
    }

    fn load(&mut self, row: VideoRow) {
        self.videos.insert(row.video, Word { source: row.source, metadata: row.metadata, partition: None });
    }

    /// Applies the records of a tick.
    fn apply(&mut self, mut records: Vec<MetadataRecord>) -> Vec<VideoRow> {
        // The last one of each video is then the latest of its strongest source.
        records.sort_by_key(|record| (record.video, record.source, record.place));
        let of_videos = records.chunk_by(|one, other| one.video == other.video);
        of_videos.filter_map(|of_video| self.take(of_video)).collect()
    }

    /// Takes a tick's words on a video, in order of sources and then of places; its row where that is another one now.
    fn take(&mut self, words: &[MetadataRecord]) -> Option<VideoRow> {
        let MetadataRecord { video, place, source, metadata } = words.last()?;
        let before = self.videos.get(video);
        if before.is_some_and(|before| before.source > *source) {
            return None;
        }
        let same_source = before.filter(|before| before.source == *source);
        let of_source = words.iter().filter(|word| word.source == *source).map(|word| word.place.partition);
        let partitions = same_source.and_then(|before| before.partition).into_iter().chain(of_source);
        self.crossed += partitions.clone().zip(partitions.skip(1)).filter(|(one, next)| one != next).count() as u64;
        let is_same = same_source.is_some_and(|before| before.metadata == *metadata);
        let word = Word { source: *source, metadata: metadata.clone(), partition: Some(place.partition) };
        self.videos.insert(*video, word);
        (!is_same).then(|| VideoRow { video: *video, source: *source, metadata: metadata.clone() })
    }
}
