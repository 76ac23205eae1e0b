//! Sources: records in order, with their positions.
//!
//! A reader runs on a thread of its own beside each worker and sends [`SourceBatch`]es. The contract:
//! - **Place**: a record's place is (partition, offset, item). Along a partition batches are in order, without gaps.
//! - **Positions are data**: a batch carries, for each partition that it read from, the offset after the last one read,
//!   whether that one was a record, a dead letter or nothing. The sink stores it with the rows; a restart reads from there
//!   and from nowhere else.
//! - **Nothing is dropped**: what is not taken is a [`DeadLetter`] in the same batch as the records around it.
//!
//! Snapshots are one input. What is known of videos (titles, channels, categories) comes with them, or from a topic or a file
//! that is read [beside](side_by_side) them by the same rules.

mod batch;
pub mod csv;
pub mod csv_file;
pub mod csv_folder;
mod csv_reader;
pub mod csv_rows;
pub mod csv_whole;
pub mod field;
pub mod fields;
pub mod gaps;
pub mod json;
pub mod kafka;
mod kafka_errors;
mod kafka_keeper;
pub(crate) mod kafka_log;
mod kafka_offsets;
mod kafka_reader;
pub mod kafka_settings;
mod left_out;
pub mod positions;
pub mod refusal;
pub mod side_by_side;
pub mod times;
mod topic_id;
pub mod value;
pub mod videos_file;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use viewtide_dataflows::metadata::{Metadata, MetadataRecord};
use viewtide_dataflows::snapshot::Record;

use crate::limits::{METADATA_IN_FLIGHT_BYTES, RECORD_IN_FLIGHT_BYTES};
pub use gaps::{Gap, LostReason, OnLostOffsets};
pub use positions::{Input, Partition, Positions, Span, Spans, spans_of};

/// Something in the input that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Which input it was in.
    pub input: Input,
    /// The Kafka topic, or the CSV file as it was named.
    pub topic: String,
    /// The Kafka partition; 0 for CSV.
    pub partition: u32,
    /// The Kafka offset; for CSV the line, from 1.
    pub offset: u64,
    /// The item of a response; 0 is the whole record.
    pub item: u32,
    /// By what positions count: the Kafka offset; for CSV the row, over all files.
    pub position: u64,
    /// What is wrong with it, in words.
    pub reason: String,
    /// The record's Kafka timestamp, microseconds since 1970; absent for CSV, and where it is no time of 1970 to 9999.
    pub kafka_timestamp_us: Option<i64>,
    /// The Kafka key.
    pub key: Option<Vec<u8>>,
    /// The bytes as they were read; of one too large the first 64 KiB; NULL where there were none.
    pub payload: Option<Vec<u8>>,
}

/// What a reader hands over at once.
#[derive(Clone, Debug, Default)]
pub struct SourceBatch {
    /// Snapshots, in order along each partition.
    pub records: Vec<Record>,
    /// What is known of videos, in order along each partition.
    pub metadata: Vec<MetadataRecord>,
    /// What was neither.
    pub dead_letters: Vec<DeadLetter>,
    /// What was gone before it was read: it lies before what else is in this batch.
    pub gaps: Vec<Gap>,
    /// Where each partition that this batch read from stands after it. A partition that was newly assigned is named even
    /// when nothing was read from it yet.
    pub positions: Positions,
}

impl SourceBatch {
    /// What the batch counts for against the limits in bytes.
    pub fn bytes(&self) -> usize {
        let records = self
            .records
            .iter()
            .map(|record| RECORD_IN_FLIGHT_BYTES + record.file_source.as_ref().map_or(0, |source| source.len()));
        let metadata = self.metadata.iter().map(|record| {
            let Metadata { title, channel_id, channel_title, category_id, published_at: _ } = &record.metadata;
            let texts = [title, channel_id, channel_title, category_id].into_iter().flatten();
            METADATA_IN_FLIGHT_BYTES + texts.map(|text| text.len()).sum::<usize>()
        });
        let letters = self.dead_letters.iter().map(|letter| {
            let bytes = |part: &Option<Vec<u8>>| part.as_ref().map_or(0, Vec::len);
            RECORD_IN_FLIGHT_BYTES + bytes(&letter.key) + bytes(&letter.payload)
        });
        records.chain(metadata).chain(letters).sum()
    }
}

/// What a reader says to its worker.
#[derive(Debug)]
pub enum SourceEvent {
    /// More input.
    Batch(SourceBatch),
    /// All that was there when the reader started has been handed over.
    End,
    /// Reading cannot go on; what was handed over before is good.
    Failed(SourceError),
}

/// Why a source cannot go on.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    /// What happened, where, and what to do.
    pub message: String,
}

impl SourceError {
    /// An error that says `message`.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

/// Which share of the input a reader takes.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    /// The worker, over all processes.
    pub index: u32,
    /// Workers over all processes. Worker `i` reads the Kafka partitions `p` with `p % peers == i`; CSV is read by worker 0.
    pub peers: u32,
}

/// What the source is, as progress names it; rows of one source never mix with those of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SourceIdentity {
    /// A topic of a Kafka cluster.
    Kafka {
        /// The cluster's own id.
        cluster_id: String,
        /// The topic's name.
        topic: String,
        /// The topic's own id, which a recreated topic does not share; absent where the broker has none.
        topic_id: Option<String>,
    },
    /// CSV files, in the order given.
    Csv {
        /// The files.
        files: Vec<CsvFile>,
    },
}

impl SourceIdentity {
    /// The topic, or the files, as dead letters name them.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Kafka { topic, .. } => vec![topic],
            Self::Csv { files } => files.iter().map(|file| file.path.as_str()).collect(),
        }
    }
}

impl fmt::Display for SourceIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kafka { cluster_id, topic, topic_id } => {
                write!(
                    f,
                    "Kafka topic {topic} (id {}) of cluster {cluster_id}",
                    topic_id.as_deref().unwrap_or("unknown")
                )
            }
            Self::Csv { files } => {
                f.write_str("CSV")?;
                for file in files {
                    write!(f, " {} ({} bytes, SHA-256 {:.12})", file.path, file.bytes, file.sha256)?;
                }
                Ok(())
            }
        }
    }
}

/// Inputs that are read beside the snapshots.
pub type Beside = BTreeMap<Input, SourceIdentity>;

/// One CSV file as it was when it was first read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CsvFile {
    /// As it was named.
    pub path: String,
    /// Its size, compressed if it is.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// Where a reader's batches go: a bounded queue, so that a worker that does not take them makes the reader wait.
#[derive(Clone)]
pub struct Feed {
    events: SyncSender<SourceEvent>,
    stop: Arc<AtomicBool>,
    wake: Arc<dyn Fn() + Send + Sync>,
    /// Readers that share the feed and have not said that they are at the end.
    before_end: Arc<AtomicUsize>,
    /// Readers that share the feed and have not said anything.
    unheard: Arc<AtomicUsize>,
    /// Whether this one has.
    heard: Arc<AtomicBool>,
}

/// How long a reader that waits for room sleeps before it looks again; the queue holds far more than a reader makes in it.
const FULL_QUEUE_POLL: Duration = Duration::from_millis(1);

impl Feed {
    /// A feed into `events`; `wake` wakes the worker that takes them, `stop` tells the reader to end.
    pub fn new(events: SyncSender<SourceEvent>, stop: Arc<AtomicBool>, wake: Box<dyn Fn() + Send + Sync>) -> Self {
        let [before_end, unheard] = [(); 2].map(|()| Arc::new(AtomicUsize::new(1)));
        Self { events, stop, wake: Arc::from(wake), before_end, unheard, heard: Arc::default() }
    }

    /// This feed for so many readers, one for each. The end is said when all have said it, and nobody's second word goes
    /// before everybody's first one, which says where its partitions stand.
    pub fn split(&self, readers: usize) -> Vec<Self> {
        let [before_end, unheard] = [(); 2].map(|()| Arc::new(AtomicUsize::new(readers)));
        let feed = |_| Self {
            before_end: Arc::clone(&before_end),
            unheard: Arc::clone(&unheard),
            heard: Arc::default(),
            ..self.clone()
        };
        (0..readers).map(feed).collect()
    }

    /// Whether the reader shall end.
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Hands over `event`, waiting for room; false once the reader shall end, and the event is then lost (it was never
    /// part of any tick, so a restart reads it again).
    pub fn send(&self, mut event: SourceEvent) -> bool {
        let is_first = !self.heard.load(Ordering::Relaxed);
        if matches!(event, SourceEvent::End) && self.before_end.fetch_sub(1, Ordering::AcqRel) > 1 {
            if !is_first {
                return !self.stopped();
            }
            // A first word all the same: it has nothing to read.
            event = SourceEvent::Batch(SourceBatch::default());
        }
        loop {
            if self.stopped() {
                return false;
            }
            if !is_first && self.unheard.load(Ordering::Acquire) > 0 {
                std::thread::sleep(FULL_QUEUE_POLL);
                continue;
            }
            match self.events.try_send(event) {
                Ok(()) => {
                    if is_first {
                        self.heard.store(true, Ordering::Relaxed);
                        self.unheard.fetch_sub(1, Ordering::AcqRel);
                    }
                    (self.wake)();
                    return true;
                }
                Err(TrySendError::Full(back)) => {
                    event = back;
                    std::thread::sleep(FULL_QUEUE_POLL);
                }
                Err(TrySendError::Disconnected(_)) => return false,
            }
        }
    }
}

/// Something that can be read. One value serves every worker of a process.
pub trait Source: Send + Sync + 'static {
    /// What the source is.
    fn identity(&self) -> &SourceIdentity;

    /// What else is read beside it, by input.
    fn beside(&self) -> Beside {
        Beside::new()
    }

    /// How many readers share a feed, each of which has a first word to say.
    fn readers(&self) -> usize {
        1
    }

    /// Reads `share` of the input from `stored` on into `feed`, until the feed says stop or the input cannot be read any
    /// further. Sends [`SourceEvent::End`] once all that was there at the start is handed over (at once, where the share is
    /// empty) and then goes on with what comes, if anything can.
    fn read(&self, share: Share, stored: &Positions, feed: &Feed) -> Result<(), SourceError>;

    /// What it does where records are gone before they were read.
    fn on_lost_offsets(&self) -> OnLostOffsets {
        OnLostOffsets::Stop
    }

    /// Where the topic of `input` is not the one that was read (`before`, up to `stored`), but was created again since, and
    /// is to be begun anew: for each partition where it was left, and where it is read on. Asked once, before anything is
    /// read.
    fn begun_anew(&self, _input: Input, _before: &SourceIdentity, _stored: &Spans) -> Result<Vec<Gap>, SourceError> {
        Ok(Vec::new())
    }

    /// The clock of the very first start, microseconds, for sources whose records carry no time of arrival. Said once,
    /// before anything is read.
    fn set_clock(&self, _first_started_at_us: i64) {}

    /// Everything before these positions is durable; for sources that tell others so.
    fn durable(&self, _positions: &Positions) {}

    /// Records that wait to be read in each partition of this process's share, where the source knows.
    fn lags(&self) -> Option<BTreeMap<Partition, u64>> {
        None
    }

    /// The same over all partitions.
    fn lag(&self) -> Option<u64> {
        self.lags().map(|lags| lags.values().sum())
    }
}
