//! What is known at an origin: each counter at whole hours back from it.

use viewtide_dataflows::snapshot::{EventTime, HOUR_US, Snapshot, count_between};

use super::missing::{count, hides_zero};
use super::{GAP_US_MAX, MEMORY_STEPS, Metric, WINDOW_STEPS};

/// The gains of a counter over hourly steps back from an origin, the newest first; NaN where missing.
pub type Steps = [f64; MEMORY_STEPS];

/// Counts of all counters at an origin and at whole hours back from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    /// When, microseconds.
    pub time: EventTime,
    /// Hours since the video's first snapshot.
    pub age_hours: f64,
    /// By metric, then hours back; NaN where missing.
    counts: [[f64; MEMORY_STEPS + 1]; 3],
}

impl Origin {
    /// What `snapshots` say at `time`: those of a video in order of time, from [`super::REACH_US`] before it at the latest.
    /// What lies after `time` is not looked at. `first` is the time of the video's first snapshot.
    ///
    /// A count at an hour lies on the line between the snapshots around it, and is missing where they are more than
    /// [`GAP_US_MAX`] apart, or where there is none on one side.
    pub fn observe(first: EventTime, time: EventTime, snapshots: &[Snapshot]) -> Self {
        Self::read(first, time, GAP_US_MAX, until(time, snapshots))
    }

    /// The same over the snapshots that are there, however far apart, for what has too few steps: between any two the counter
    /// is taken to move evenly. Where the only snapshots before the origin lie within the hour before it, the first step is
    /// what that part of an hour makes in a whole one.
    pub fn observe_loosely(first: EventTime, time: EventTime, snapshots: &[Snapshot]) -> Self {
        let snapshots = until(time, snapshots);
        let mut origin = Self::read(first, time, i64::MAX, snapshots);
        for (counts, metric) in origin.counts.iter_mut().zip(Metric::ALL) {
            // What hides a 0 comes before it, so that the oldest count says something whatever it is.
            let oldest = snapshots.iter().find_map(|snapshot| Some((snapshot.time, count(snapshot, metric, false)?)));
            let Some((oldest_us, oldest)) = oldest else { continue };
            if counts[1].is_nan() && oldest_us < time {
                counts[1] = counts[0] - (counts[0] - oldest as f64) / ((time - oldest_us) as f64 / HOUR_US as f64);
            }
        }
        origin
    }

    /// Hour by hour, the oldest first. Where both snapshots around an hour speak of all counters, as nearly all do, one look at
    /// the two is enough; else every counter goes its own way.
    fn read(first: EventTime, time: EventTime, gap_us_max: i64, snapshots: &[Snapshot]) -> Self {
        let memory_start = time - MEMORY_STEPS as i64 * HOUR_US;
        let mut origin = Self {
            time,
            age_hours: (time - first).max(0) as f64 / HOUR_US as f64,
            counts: [[f64::NAN; MEMORY_STEPS + 1]; 3],
        };
        let mut walks = Metric::ALL.map(|metric| Walk::new(snapshots, metric, memory_start));
        let mut place = 0;
        for hours_back in (0..=MEMORY_STEPS).rev() {
            let hour = time - hours_back as i64 * HOUR_US;
            while snapshots.get(place).is_some_and(|snapshot| snapshot.time < hour) {
                place += 1;
            }
            match around(snapshots, place) {
                Some((before, after))
                    if after.time - before.time <= gap_us_max
                        && walks.iter().all(|walk| walk.speaks(place - 1, before) && walk.speaks(place, after)) =>
                {
                    origin.put_between(hours_back, hour, before, after);
                }
                _ => {
                    for (walk, counts) in walks.iter_mut().zip(&mut origin.counts) {
                        counts[hours_back] = walk.count(place, hour, gap_us_max);
                    }
                }
            }
        }
        origin
    }

    /// Puts in the counts at `hour`, which lies between two snapshots that say all of them, or at the latter.
    fn put_between(&mut self, hours_back: usize, hour: EventTime, before: &Snapshot, after: &Snapshot) {
        for (counter, counts) in self.counts.iter_mut().enumerate() {
            let said = |snapshot: &Snapshot| (snapshot.time, snapshot.counts[counter].get().unwrap_or_default());
            counts[hours_back] = count_between(said(before), said(after), hour);
        }
    }

    /// The count of `metric` so many hours back, 0 for that at the origin; NaN where missing.
    pub fn count(&self, metric: Metric, hours_back: usize) -> f64 {
        self.counts[metric as usize][hours_back]
    }

    /// The gains of `metric`.
    pub fn steps(&self, metric: Metric) -> Steps {
        let counts = &self.counts[metric as usize];
        std::array::from_fn(|back| counts[back] - counts[back + 1])
    }

    /// Whether `metric` has all steps of a network's window.
    pub fn has_window(&self, metric: Metric) -> bool {
        self.counts[metric as usize][..=WINDOW_STEPS].iter().all(|count| !count.is_nan())
    }

    /// Whether a forecast of `metric` made here is scored: its own window is there, and that of the views.
    pub fn is_scored(&self, metric: Metric) -> bool {
        self.has_window(Metric::Views) && self.has_window(metric)
    }
}

/// Those at or before `time`; few are after it.
fn until(time: EventTime, snapshots: &[Snapshot]) -> &[Snapshot] {
    let last = snapshots.iter().rposition(|snapshot| snapshot.time <= time);
    &snapshots[..last.map_or(0, |last| last + 1)]
}

/// The snapshot at `place` and the one before it.
fn around(snapshots: &[Snapshot], place: usize) -> Option<(&Snapshot, &Snapshot)> {
    Some((snapshots.get(place.checked_sub(1)?)?, snapshots.get(place)?))
}

/// The way along one counter's snapshots, from one hour to the next.
struct Walk<'a> {
    snapshots: &'a [Snapshot],
    metric: Metric,
    /// The place of the first snapshot that hides zeros behind it.
    hides_zeros: usize,
    /// The place of the first snapshot at or after the hour that says something; behind the last one where there is none.
    after_place: usize,
    before: Option<(EventTime, i64)>,
    after: Option<(EventTime, i64)>,
}

impl<'a> Walk<'a> {
    fn new(snapshots: &'a [Snapshot], metric: Metric, memory_start: EventTime) -> Self {
        let hides = |snapshot: &Snapshot| {
            snapshot.time >= memory_start && count(snapshot, metric, false).is_some_and(|it| hides_zero(metric, it))
        };
        let hides_zeros = match metric {
            Metric::Views => snapshots.len(),
            _ => snapshots.iter().position(hides).unwrap_or(snapshots.len()),
        };
        let mut walk = Self { snapshots, metric, hides_zeros, after_place: 0, before: None, after: None };
        walk.move_to(0);
        walk
    }

    /// What `snapshot`, which is the one at `place`, says.
    fn said(&self, place: usize, snapshot: &Snapshot) -> Option<(EventTime, i64)> {
        Some((snapshot.time, count(snapshot, self.metric, place > self.hides_zeros)?))
    }

    fn speaks(&self, place: usize, snapshot: &Snapshot) -> bool {
        self.said(place, snapshot).is_some()
    }

    /// The count at `hour`, where `place` is that of the first snapshot at or after it; NaN where missing.
    fn count(&mut self, place: usize, hour: EventTime, gap_us_max: i64) -> f64 {
        if self.after_place < place {
            self.move_to(place);
        }
        match (self.before, self.after) {
            (_, Some((time, count))) if time == hour => count as f64,
            (Some(before), Some(after)) if after.0 - before.0 <= gap_us_max => count_between(before, after, hour),
            _ => f64::NAN,
        }
    }

    fn move_to(&mut self, place: usize) {
        let said = |place: usize| self.said(place, &self.snapshots[place]);
        let after = (place..self.snapshots.len()).find_map(|place| Some((place, said(place)?)));
        let after_place = after.map_or(self.snapshots.len(), |after| after.0);
        let before = (0..after_place).rev().find_map(said);
        (self.after_place, self.after, self.before) = (after_place, after.map(|after| after.1), before);
    }
}
