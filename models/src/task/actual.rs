//! What a count came to be, and when that is known.

use viewtide_dataflows::snapshot::{EventTime, Snapshot, count_between};

use super::missing::{count, hides_zero};
use super::{GAP_US_MAX, Metric};

/// What came of a forecast.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Actual {
    /// The count at the target; `None` where it is missing.
    pub count: Option<f64>,
    /// The time of the video's first snapshot at or after the target, if the count was known with it: what learns online
    /// learns then or never.
    pub learned_at: Option<EventTime>,
}

impl Actual {
    /// The count of `metric` at `target`, on the line between the snapshots around it: `snapshots` are the video's in order of
    /// time. `at_origin` is the count at the origin as it stands now.
    pub fn of(snapshots: &[Snapshot], metric: Metric, target: EventTime, at_origin: Option<i64>) -> Self {
        let zero_is_missing = at_origin.is_some_and(|known| hides_zero(metric, known));
        let place = snapshots.partition_point(|snapshot| snapshot.time < target);
        let found = |snapshot: &Snapshot| Some((snapshot.time, count(snapshot, metric, zero_is_missing)?));
        let near = |snapshot: &&Snapshot| snapshot.time.abs_diff(target) <= GAP_US_MAX as u64;
        let after = snapshots[place..].iter().take_while(near).find_map(found);
        let before = snapshots[..place].iter().rev().take_while(near).find_map(found);
        let count = match (before, after) {
            (_, Some((time, count))) if time == target => Some(count as f64),
            (Some(before), Some(after)) if after.0 - before.0 <= GAP_US_MAX => {
                Some(count_between(before, after, target))
            }
            _ => None,
        };
        let first_after = snapshots.get(place).map(|snapshot| snapshot.time);
        let learned_at = first_after.filter(|time| count.is_some() && after.is_some_and(|after| after.0 == *time));
        Self { count, learned_at }
    }
}
