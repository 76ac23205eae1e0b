//! What comes in: counts, snapshots, and records with their place in the input.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::video_id::VideoId;

/// Event time: microseconds since 1970-01-01T00:00:00Z.
pub type EventTime = i64;

/// Microseconds in a second.
pub const SECOND_US: i64 = 1_000_000;
/// Microseconds in an hour.
pub const HOUR_US: i64 = 3_600 * SECOND_US;

/// The largest count that is accepted. No counter of YouTube is near it, and the sums of an hour then fit 64 bits.
pub const COUNT_MAX: i64 = 1_000_000_000_000;

/// The start of the UTC hour that `time` lies in.
pub fn hour_start(time: EventTime) -> EventTime {
    time - time.rem_euclid(HOUR_US)
}

/// The count at `time` on the line between two counts, (time, count), which do not lie at the same time.
///
/// The differences are exact integers made doubles; then every operation is rounded once, in this order.
pub fn count_between((from_us, from): (EventTime, i64), (to_us, to): (EventTime, i64), time: EventTime) -> f64 {
    from as f64 + (to - from) as f64 * ((time - from_us) as f64 / (to_us - from_us) as f64)
}

/// An `i64` or NULL in eight bytes; `i64::MIN`, which no count, difference or duration reaches, stands for NULL.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Nullable(i64);

impl Nullable {
    /// No value.
    pub const NULL: Self = Self(i64::MIN);

    /// A value that is there; must not be `i64::MIN`.
    pub const fn some(value: i64) -> Self {
        debug_assert!(value != i64::MIN);
        Self(value)
    }

    /// The value, if there is one.
    pub const fn get(self) -> Option<i64> {
        if self.0 == i64::MIN { None } else { Some(self.0) }
    }
}

impl Default for Nullable {
    fn default() -> Self {
        Self::NULL
    }
}

impl From<Option<i64>> for Nullable {
    fn from(value: Option<i64>) -> Self {
        value.map_or(Self::NULL, Self::some)
    }
}

impl fmt::Debug for Nullable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.get() {
            Some(value) => fmt::Debug::fmt(&value, f),
            None => f.write_str("NULL"),
        }
    }
}

/// The three public counters, in the order in which every table names them.
pub const METRICS: [&str; 3] = ["view", "like", "comment"];

/// Views, likes and comments; each `0..=COUNT_MAX`, or NULL where the API gave none.
pub type Counts = [Nullable; 3];

/// One observation of one video's public counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Snapshot {
    /// When it was observed.
    pub time: EventTime,
    /// Views, likes, comments.
    pub counts: Counts,
}

impl Snapshot {
    /// The view count, if there is one.
    pub fn views(&self) -> Option<i64> {
        self.counts[0].get()
    }
}

/// Where a record stands in the input. "Before", "first" and "latest" mean the order of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The Kafka partition; 0 for CSV.
    pub partition: u32,
    /// The Kafka offset; for CSV the number of the row, counted over all files in the order given.
    pub offset: u64,
    /// The item of a response; 0 where the record is one snapshot.
    pub item: u32,
}

/// A snapshot as a source read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The video that was observed; its records are handled by one worker.
    pub video: VideoId,
    /// Where the record stands in the input.
    pub place: Place,
    /// What was observed.
    pub snapshot: Snapshot,
    /// When the record reached the source, microseconds; NULL where the source does not say, as a file does not.
    pub arrived_us: Nullable,
    /// The record's own word on where it comes from; stored, never computed with.
    pub file_source: Option<Box<str>>,
}
