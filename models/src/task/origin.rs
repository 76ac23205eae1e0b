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
    pub fn observe<'a>(first: EventTime, time: EventTime, snapshots: impl IntoIterator<Item = &'a Snapshot>) -> Self {
        Self::read(first, time, GAP_US_MAX, snapshots).0
    }

    /// The same over the snapshots that are there, however far apart, for what has too few steps: between any two the counter
    /// is taken to move evenly. Where the only snapshots before the origin lie within the hour before it, the first step is
    /// what that part of an hour makes in a whole one.
    pub fn observe_loosely<'a>(
        first: EventTime,
        time: EventTime,
        snapshots: impl IntoIterator<Item = &'a Snapshot>,
    ) -> Self {
        let (mut origin, oldest) = Self::read(first, time, i64::MAX, snapshots);
        for (counts, oldest) in origin.counts.iter_mut().zip(oldest) {
            let Some((oldest_us, oldest)) = oldest else { continue };
            if counts[1].is_nan() && oldest_us < time {
                counts[1] = counts[0] - (counts[0] - oldest as f64) / ((time - oldest_us) as f64 / HOUR_US as f64);
            }
        }
        origin
    }

    /// Also gives the oldest count that was seen of each counter.
    fn read<'a>(
        first: EventTime,
        time: EventTime,
        gap_us_max: i64,
        snapshots: impl IntoIterator<Item = &'a Snapshot>,
    ) -> (Self, [Option<(EventTime, i64)>; 3]) {
        let memory_start = time - MEMORY_STEPS as i64 * HOUR_US;
        let mut origin = Self {
            time,
            age_hours: (time - first).max(0) as f64 / HOUR_US as f64,
            counts: [[f64::NAN; MEMORY_STEPS + 1]; 3],
        };
        let mut walks = Metric::ALL.map(|metric| Walk::new(metric, memory_start));
        for snapshot in snapshots.into_iter().take_while(|snapshot| snapshot.time <= time) {
            for (walk, counts) in walks.iter_mut().zip(&mut origin.counts) {
                walk.pass(snapshot, gap_us_max, memory_start, counts);
            }
        }
        (origin, walks.map(|walk| walk.oldest))
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

/// The way along one counter's snapshots, past the hours that lie between them.
struct Walk {
    metric: Metric,
    oldest: Option<(EventTime, i64)>,
    last: Option<(EventTime, i64)>,
    zero_is_missing: bool,
    /// The hour that is passed next: one more than the hours from it to the origin.
    hours_left: usize,
    /// Its time.
    hour: EventTime,
}

impl Walk {
    fn new(metric: Metric, memory_start: EventTime) -> Self {
        let hours_left = MEMORY_STEPS + 1;
        Self { metric, oldest: None, last: None, zero_is_missing: false, hours_left, hour: memory_start }
    }

    fn pass(
        &mut self,
        snapshot: &Snapshot,
        gap_us_max: i64,
        memory_start: EventTime,
        counts: &mut [f64; MEMORY_STEPS + 1],
    ) {
        let Some(count) = count(snapshot, self.metric, self.zero_is_missing) else { return };
        let time = snapshot.time;
        while self.hour <= time && self.hours_left > 0 {
            counts[self.hours_left - 1] = match self.last {
                _ if self.hour == time => count as f64,
                Some(last) if time - last.0 <= gap_us_max => count_between(last, (time, count), self.hour),
                _ => f64::NAN,
            };
            self.hours_left -= 1;
            self.hour += HOUR_US;
        }
        self.zero_is_missing |= time >= memory_start && hides_zero(self.metric, count);
        self.last = Some((time, count));
        self.oldest.get_or_insert((time, count));
    }
}
