//! The snapshots and origins of many videos in memory.

use std::collections::BTreeMap;

use viewtide_dataflows::snapshot::{EventTime, HOUR_US, Snapshot, hour_start};
use viewtide_dataflows::video_id::VideoId;

use super::{Actual, Metric, Origin, REACH_US};

/// Videos by id.
#[derive(Clone, Debug, Default)]
pub struct Videos {
    videos: BTreeMap<u64, Video>,
}

/// One video's snapshots and the origins among them.
#[derive(Clone, Debug)]
pub struct Video {
    /// Which one.
    pub id: VideoId,
    /// In order of time, each time once.
    snapshots: Vec<Snapshot>,
    /// By the start of the hour, the time of its first snapshot to arrive.
    origins: BTreeMap<EventTime, EventTime>,
}

impl Videos {
    /// Takes a snapshot, in order of arrival; over one of the same time, as the latest word on it.
    pub fn observe(&mut self, id: VideoId, snapshot: Snapshot) {
        let new = || Video { id, snapshots: Vec::new(), origins: BTreeMap::new() };
        self.videos.entry(id.text_order()).or_insert_with(new).observe(snapshot);
    }

    /// The videos in the order of their ids as text.
    pub fn iter(&self) -> impl Iterator<Item = &Video> {
        self.videos.values()
    }

    /// Those of which `is_it` says so, and the others.
    pub fn partition(self, is_it: impl Fn(&Video) -> bool) -> (Self, Self) {
        let (these, others) = self.videos.into_iter().partition(|(_, video)| is_it(video));
        (Self { videos: these }, Self { videos: others })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.videos.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.videos.is_empty()
    }
}

impl Video {
    fn observe(&mut self, snapshot: Snapshot) {
        match self.snapshots.last() {
            Some(last) if last.time >= snapshot.time => {
                match self.snapshots.binary_search_by_key(&snapshot.time, |snapshot| snapshot.time) {
                    Ok(place) => self.snapshots[place] = snapshot,
                    Err(place) => self.snapshots.insert(place, snapshot),
                }
            }
            _ => self.snapshots.push(snapshot),
        }
        self.origins.entry(hour_start(snapshot.time)).or_insert(snapshot.time);
    }

    /// All snapshots, in order of time.
    pub fn snapshots(&self) -> &[Snapshot] {
        &self.snapshots
    }

    /// The times of the origins, in order.
    pub fn origins(&self) -> impl Iterator<Item = EventTime> {
        self.origins.values().copied()
    }

    /// What is known at `time`.
    pub fn origin(&self, time: EventTime) -> Origin {
        Origin::observe(self.first(), time, self.reach(time))
    }

    /// The same with too few steps; see [`Origin::observe_loosely`].
    pub fn origin_loosely(&self, time: EventTime) -> Origin {
        Origin::observe_loosely(self.first(), time, self.reach(time))
    }

    /// What came of a forecast of `metric` that was made at `time` for so many hours later.
    pub fn actual(&self, metric: Metric, time: EventTime, horizon_hours: u32) -> Actual {
        let origin = self.snapshots.binary_search_by_key(&time, |snapshot| snapshot.time);
        let at_origin = origin.ok().and_then(|place| self.snapshots[place].counts[metric as usize].get());
        Actual::of(&self.snapshots, metric, time + i64::from(horizon_hours) * HOUR_US, at_origin)
    }

    fn first(&self) -> EventTime {
        self.snapshots.first().map_or(0, |snapshot| snapshot.time)
    }

    /// The snapshots that matter to an origin at `time`, and one more before them.
    fn reach(&self, time: EventTime) -> &[Snapshot] {
        let start = self.snapshots.partition_point(|snapshot| snapshot.time < time - REACH_US);
        let end = self.snapshots.partition_point(|snapshot| snapshot.time <= time);
        &self.snapshots[start.saturating_sub(1)..end]
    }
}
