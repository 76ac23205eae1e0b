//! The input up to the stored positions, read once more through its source.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};

use viewtide_dataflows::metadata::MetadataRecord;
use viewtide_dataflows::snapshot::Record;

use crate::limits::BATCHES_QUEUED_MAX;
use crate::source::{DeadLetter, Feed, Input, Partition, Positions, Share, Source, SourceError, SourceEvent, Span};

/// Everything in the input before the stored positions.
#[derive(Debug, Default)]
pub struct Prefix {
    /// Snapshots, in order along each partition.
    pub records: Vec<Record>,
    /// What is known of videos, in order along each partition.
    pub metadata: Vec<MetadataRecord>,
    /// What is no snapshot.
    pub dead_letters: Vec<DeadLetter>,
    /// Partitions whose beginning is gone from the input, and the first offset that could be read.
    pub gone: BTreeMap<Partition, u64>,
}

impl Prefix {
    /// Inputs of which something is gone.
    pub fn inputs_gone(&self) -> BTreeSet<Input> {
        self.gone.keys().map(|partition| partition.input).collect()
    }
}

/// Reads the input from where the first start began up to `stored`; a partition in `begun_anew` from there on.
///
/// # Errors
/// The source's own; an input that ends before `stored`.
pub fn read_prefix(
    source: Arc<dyn Source>,
    stored: &Positions,
    begun_anew: &BTreeMap<Partition, u64>,
) -> Result<Prefix, SourceError> {
    let (sender, events) = sync_channel(BATCHES_QUEUED_MAX);
    let stop = Arc::new(AtomicBool::new(false));
    let feed = Feed::new(sender, Arc::clone(&stop), Box::new(|| ()));
    let begin = |partition: &Partition, span: &Span| begun_anew.get(partition).copied().unwrap_or(span.first);
    let from: Positions = stored
        .iter()
        .map(|(partition, span)| (*partition, Span { first: span.first, next: begin(partition, span) }))
        .collect();
    let all = Share { index: 0, peers: 1 };
    let reading = from.clone();
    let reader = std::thread::Builder::new()
        .name("reader".to_owned())
        .spawn(move || {
            if let Err(error) = source.read(all, &reading, &feed) {
                feed.send(SourceEvent::Failed(error));
            }
        })
        .map_err(|error| SourceError::new(format!("cannot start a thread: {error}")))?;
    let prefix = gather(&events, stored, &from).map(|mut prefix| {
        for (partition, begin) in begun_anew {
            prefix.gone.entry(*partition).or_insert(*begin);
        }
        prefix
    });
    stop.store(true, Ordering::Relaxed);
    drop(events);
    // A panic of the reader has ended the process before this.
    let _ = reader.join();
    prefix
}

fn gather(events: &Receiver<SourceEvent>, stored: &Positions, from: &Positions) -> Result<Prefix, SourceError> {
    let mut prefix = Prefix::default();
    let mut reached = from.clone();
    let is_before = |input: Input, number: u32, offset: u64| {
        stored.get(&Partition { input, number }).is_some_and(|span| offset < span.next)
    };
    let is_reached = |reached: &Positions| {
        stored.iter().all(|(partition, span)| reached.get(partition).is_some_and(|reached| reached.next >= span.next))
    };
    while !is_reached(&reached) {
        match events.recv() {
            Ok(SourceEvent::Batch(batch)) => {
                prefix.records.extend(
                    batch
                        .records
                        .into_iter()
                        .filter(|record| is_before(Input::Snapshots, record.place.partition, record.place.offset)),
                );
                prefix.metadata.extend(batch.metadata.into_iter().filter(|record| {
                    is_before(Input::of_metadata(record.source), record.place.partition, record.place.offset)
                }));
                prefix.dead_letters.extend(
                    batch
                        .dead_letters
                        .into_iter()
                        .filter(|letter| is_before(letter.input, letter.partition, letter.position)),
                );
                for gap in batch.gaps {
                    let partition = Partition { input: gap.input, number: gap.partition };
                    prefix.gone.extend(gap.next_read.map(|next| (partition, next)));
                }
                reached.extend(batch.positions);
            }
            Ok(SourceEvent::Failed(error)) => return Err(error),
            Ok(SourceEvent::End) | Err(_) => return Err(too_short(&reached, stored)),
        }
    }
    Ok(prefix)
}

fn too_short(reached: &Positions, stored: &Positions) -> SourceError {
    let short = stored.iter().find_map(|(&partition, span)| {
        let end = reached.get(&partition).map_or(0, |reached| reached.next);
        (end < span.next).then(|| format!("partition {partition} ends at offset {end}, and {} is stored", span.next))
    });
    SourceError::new(format!(
        "the input ends before what is stored: {}; it is not the input that the tables were made from",
        short.unwrap_or_else(|| "its reader ended".to_owned())
    ))
}
