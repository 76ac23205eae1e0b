//! The `series` operator: records in, rows of growth and of hours out, and each touched video's trend.
//!
//! Keyed by video: each worker keeps the ordered history of its videos in memory, and the cost of an update does not
//! depend on how long that history is. The contract:
//! - A tick is processed once all inputs have passed it. A video's records of a tick are applied in order of their
//!   places, so neither ticks nor workers nor the order of arrival show in the rows.
//! - (video, event time) is the key, the latest record wins. A record is late, judged at its own turn, if it is older
//!   than its video's newest event time less the retention; a late row never replaces one that is folded in.
//! - What goes out is the net change of a tick: each key at most once, in its final form. Where only the growth or
//!   the hour of a row is derived anew, it goes out only if it is another than before the tick. A record always has its
//!   row sent, also when it repeats the counts, since its `file_source` may differ; but a late one never over a row in
//!   memory.
//! - Forgetting what retention no longer needs emits nothing.
//!
//! | module | one concept |
//! |---|---|
//! | `operator` | the timely operator: whole ticks in, updates out |
//! | `videos` | all videos of a worker, and a tick's records brought to them |
//! | `net` | what a tick changes for one video |
//! | `oracle` | the same tables by definition, for the tests |

mod net;
mod operator;
#[cfg(test)]
pub(crate) mod oracle;
#[cfg(test)]
pub(crate) mod tests;
mod videos;

pub use operator::{SeriesInput, SeriesState, SeriesStreams, forecast_series, series};

use serde::{Deserialize, Serialize};

use crate::growth::Growth;
use crate::hourly::{HourRow, HourTotals};
use crate::retention::Retention;
use crate::snapshot::Snapshot;
use crate::video_id::VideoId;

/// What a row update means for the table that holds a video's snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SnapshotChange {
    /// Newer than all that the video has: the key is not in the table.
    Appended,
    /// Folded in elsewhere: the key may be new or hold an older record (also a late one), which this one replaces
    /// whole.
    Upserted,
    /// Only the growth changed, because the predecessor did; `file_source` is absent here and stays as stored.
    Regrown,
    /// Late: stored without growth, never over a row that was folded in.
    Late,
}

/// One row of the table of snapshots, as it is after a tick.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotUpdate {
    /// How the row changes.
    pub change: SnapshotChange,
    /// The video; with the snapshot's time it is the key.
    pub video: VideoId,
    /// Time and counts.
    pub snapshot: Snapshot,
    /// Against the predecessor; all NULL for a late row.
    pub growth: Growth,
    /// As the record gave it.
    pub file_source: Option<Box<str>>,
}

/// One row of the table of hours, as it is after a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourUpdate {
    /// What the hour's row added to sums over hours before the tick; `None` where it had no row.
    pub before: Option<HourTotals>,
    /// The row.
    pub row: HourRow,
}

/// What one worker's operator received in one tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The worker.
    pub worker: u32,
    /// Records received.
    pub records: u64,
    /// Of them late ones.
    pub late: u64,
    /// Of them those whose video came from another partition before.
    pub crossed: u64,
}

/// A folded-in snapshot that an earlier run stored, handed over as state: nothing is emitted or judged for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loaded {
    /// The video.
    pub video: VideoId,
    /// Its snapshot.
    pub snapshot: Snapshot,
}

/// That the input has ended, for some of the videos: those whose id gives `part` by `parts`. All at once would make one tick of any
/// size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndOfInput {
    /// Which part of the videos, from 0.
    pub part: u64,
    /// Of how many.
    pub parts: u64,
}

impl EndOfInput {
    /// Whether it is said of this video.
    pub fn is_of(self, video: VideoId) -> bool {
        video.0 % self.parts.max(1) == self.part
    }
}

/// What `series` computes and how far back.
#[derive(Clone, Copy, Debug)]
pub struct SeriesConfig {
    /// What is late, and what memory keeps.
    pub retention: Retention,
    /// Whether growth is wanted; without it its columns stay NULL, but every snapshot still has its row.
    pub growth: bool,
    /// Whether hours are wanted.
    pub hourly: bool,
    /// Whether trends are wanted.
    pub trends: bool,
}
