//! The `series` operator: records in, rows of growth and of hours out.

use serde::{Deserialize, Serialize};

use crate::growth::Growth;
use crate::hourly::HourRow;
use crate::retention::Retention;
use crate::snapshot::Snapshot;
use crate::video_id::VideoId;

/// What a row update means for the table that holds a video's snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SnapshotChange {
    /// Newer than all that the video has: the key is not in the table.
    Appended,
    /// Folded in elsewhere: the key may be new or hold an older record (also a late one), which this one replaces whole.
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
    /// The hour had no row before.
    pub is_new: bool,
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

/// What `series` computes and how far back.
#[derive(Clone, Copy, Debug)]
pub struct SeriesConfig {
    /// What is late, and what memory keeps.
    pub retention: Retention,
    /// Whether growth is wanted; without it its columns stay NULL, but every snapshot still has its row.
    pub growth: bool,
    /// Whether hours are wanted.
    pub hourly: bool,
}
