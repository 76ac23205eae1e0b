//! Hourly aggregates of one video.

use serde::{Deserialize, Serialize};

use crate::growth::Growth;
use crate::snapshot::{EventTime, Nullable, Snapshot};
use crate::video_id::VideoId;

/// One counter over one hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HourStats {
    /// Snapshots that have this count.
    pub count: u32,
    /// Their sum; the average is `sum / count`, both as doubles.
    pub sum: i64,
    /// Smallest; NULL where `count` is 0, as the next three.
    pub min: Nullable,
    /// Largest.
    pub max: Nullable,
    /// Earliest by event time.
    pub first: Nullable,
    /// Latest by event time.
    pub last: Nullable,
    /// Sum of the hour's deltas; NULL where it has none.
    pub gained: Nullable,
}

impl HourStats {
    /// The average of the counts that are there.
    pub fn average(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / f64::from(self.count))
    }

    fn add(&mut self, count: Nullable, delta: Nullable) {
        if let Some(value) = count.get() {
            self.min = Nullable::some(self.min.get().map_or(value, |min| min.min(value)));
            self.max = Nullable::some(self.max.get().map_or(value, |max| max.max(value)));
            if self.count == 0 {
                self.first = count;
            }
            self.last = count;
            self.count += 1;
            self.sum += value;
        }
        if let Some(delta) = delta.get() {
            self.gained = Nullable::some(self.gained.get().unwrap_or(0) + delta);
        }
    }
}

/// One video's hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HourRow {
    /// The video.
    pub video: VideoId,
    /// Start of the UTC hour, microseconds.
    pub hour_start: EventTime,
    /// Snapshots in the hour, after upsert.
    pub records: u32,
    /// Views, likes, comments.
    pub stats: [HourStats; 3],
}

/// What an hour adds to the sums over hours of many videos.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HourTotals {
    /// Views, likes, comments gained; 0 where the hour has no sum.
    pub gained: [i64; 3],
    /// Snapshots in the hour, after upsert.
    pub records: u32,
}

impl HourRow {
    /// What the row adds to sums over hours.
    pub fn totals(&self) -> HourTotals {
        HourTotals { gained: self.stats.map(|stats| stats.gained.get().unwrap_or(0)), records: self.records }
    }

    /// The row of an hour: `snapshots` are all of the hour in order of event time, `previous` the one before them.
    pub fn of<'a>(
        video: VideoId,
        hour_start: EventTime,
        mut previous: Option<&'a Snapshot>,
        snapshots: impl IntoIterator<Item = &'a Snapshot>,
    ) -> Self {
        let mut row = Self { video, hour_start, records: 0, stats: Default::default() };
        for snapshot in snapshots {
            let growth = Growth::between(previous, snapshot);
            for ((stats, &count), &delta) in row.stats.iter_mut().zip(&snapshot.counts).zip(&growth.deltas) {
                stats.add(count, delta);
            }
            row.records += 1;
            previous = Some(snapshot);
        }
        row
    }
}
