//! The trend of one video: what it gained lately, how fast, and whether it is getting faster.
//!
//! All over its folded-in snapshots with a view count. `as_of` is the newest of them, `c_a` its count, `first` the time
//! of the oldest; there is no row while `as_of` lies more than 30 h before the video's newest snapshot of any kind. For
//! each window of `W` hours, `q` is the later of `as_of - W` and `first`, and `m` is `as_of - W / 2`.
//!
//! The doubles are fixed expressions, so that SQL and Python compute the same bits. Differences in parentheses that
//! hold counts or times (microseconds) are exact integers, made a double; then every operation is rounded once, in the
//! order written (no fused multiply-add). `y(t)` is the view count at `t`, between its neighbours `(s0, c0)` and `(s1,
//! c1)`, however far they are apart:
//!
//! ```text
//! y(t)         = c                                           where a snapshot lies at t
//!              = c0 + (c1 - c0) * ((t - s0) / (s1 - s0))     elsewhere
//! gain         = c_a - y(q)
//! gained       = gain, rounded half to even                  0 with a single snapshot
//! per_hour     = gain / ((as_of - q) / 3600000000.0)         NULL with a single snapshot
//! h            = 0.5, 3.0, 12.0, 84.0                        half of W in hours
//! acceleration = ((c_a - y(m)) / h) - ((y(m) - y(as_of - W)) / h)
//!                                                            NULL where first > as_of - W
//! label        = NULL                                        without the acceleration over 24 h
//!              = spiking  where per_hour over 1 h >= 3.0 * per_hour over 24 h and gained over 1 h >= 100
//!              = rising   where acceleration over 24 h >   0.1 * |per_hour over 24 h|
//!              = falling  where acceleration over 24 h < -(0.1 * |per_hour over 24 h|)
//!              = steady   elsewhere
//! ```

#[cfg(test)]
pub(crate) mod oracle;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::history::History;
use crate::snapshot::{EventTime, HOUR_US, Snapshot, count_between};
use crate::video_id::VideoId;

/// The windows of a trend, hours back from its `as_of`, in the order of [`TrendRow::windows`].
pub const WINDOWS_HOURS: [u32; 4] = [1, 6, 24, 168];

/// A video whose newest view count lies further than this before its newest snapshot has no trend.
pub const TREND_AGE_US_MAX: i64 = 30 * HOUR_US;

/// Spiking is this many times the day's views per hour.
const SPIKE_FACTOR: f64 = 3.0;

/// And at least so many views in the hour: few are noise.
const SPIKE_GAINED_MIN: i64 = 100;

/// An acceleration beyond this share of the day's views per hour is a turn.
const TURN_SHARE: f64 = 0.1;

/// What the views of a video do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Label {
    /// The last hour is far faster than the day.
    Spiking,
    /// The day's second half is faster than its first.
    Rising,
    /// The day's second half is slower than its first.
    Falling,
    /// Neither.
    Steady,
}

impl Label {
    /// As the table of trends has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Spiking => "spiking",
            Self::Rising => "rising",
            Self::Falling => "falling",
            Self::Steady => "steady",
        }
    }
}

/// One window of a trend. Equal are those whose doubles have the same bits.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct TrendWindow {
    /// Views gained (may be negative), half to even.
    pub gained: i64,
    /// Views per hour over the hours that the gain really spans; NULL with a single snapshot.
    pub per_hour: Option<f64>,
    /// Views per hour in the window's second half less that in its first; NULL where the history does not cover it.
    pub acceleration: Option<f64>,
}

impl PartialEq for TrendWindow {
    fn eq(&self, other: &Self) -> bool {
        let bits =
            |window: &Self| (window.gained, window.per_hour.map(f64::to_bits), window.acceleration.map(f64::to_bits));
        bits(self) == bits(other)
    }
}

impl Eq for TrendWindow {}

/// A row of the table of trends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrendRow {
    /// The video.
    pub video: VideoId,
    /// Time of its newest snapshot with a view count.
    pub as_of: EventTime,
    /// NULL without an acceleration over 24 h.
    pub label: Option<Label>,
    /// One for each of [`WINDOWS_HOURS`].
    pub windows: [TrendWindow; 4],
}

impl TrendRow {
    /// The trend of a video with this history; `None` where it has none.
    ///
    /// What memory holds suffices, however short the retention. `as_of` lies at most 30 h before the newest snapshot,
    /// and memory begins at least 7 days and 30 h before that: so `as_of - 168 h` is not before its beginning.
    /// Everything that is asked for lies at or after that, and so do the later neighbours; the earlier neighbour is in
    /// memory, or it is the newest with a view count before memory, which is kept as an anchor. As to `first`: where no
    /// snapshot with a view count lies before memory, the first is in memory. Where one does, the first lies there too,
    /// and with it the oldest that is known; either is before `as_of - 168 h`, so that every window is covered, and the
    /// rows are the same whichever is taken.
    pub fn of(video: VideoId, history: &History) -> Option<Self> {
        let newest = history.newest()?;
        let last = history.last_viewed_at_or_before(newest)?;
        if newest.saturating_sub(last.time) > TREND_AGE_US_MAX {
            return None;
        }
        let (as_of, count) = (last.time, last.views()? as f64);
        let first = history.first_viewed()?.time;
        let windows = WINDOWS_HOURS.map(|hours| window(history, hours, as_of, count, first));
        Some(Self { video, as_of, label: Label::of(&windows), windows })
    }
}

impl Label {
    /// The label of a trend with these windows.
    pub fn of(windows: &[TrendWindow; 4]) -> Option<Self> {
        let [hour, _, day, _] = windows;
        let (per_hour, acceleration) = (day.per_hour?, day.acceleration?);
        let turn = TURN_SHARE * per_hour.abs();
        let spikes = hour.per_hour.is_some_and(|of_hour| of_hour >= SPIKE_FACTOR * per_hour);
        Some(if spikes && hour.gained >= SPIKE_GAINED_MIN {
            Self::Spiking
        } else if acceleration > turn {
            Self::Rising
        } else if acceleration < -turn {
            Self::Falling
        } else {
            Self::Steady
        })
    }
}

/// One window of a video whose newest view count is `count` at `as_of`.
fn window(history: &History, hours: u32, as_of: EventTime, count: f64, first: EventTime) -> TrendWindow {
    let from = as_of - i64::from(hours) * HOUR_US;
    let start = from.max(first);
    if start == as_of {
        return TrendWindow::default();
    }
    let views = views_at(history, start);
    let gain = count - views;
    let acceleration = (first <= from).then(|| {
        let middle = views_at(history, as_of - i64::from(hours) * HOUR_US / 2);
        let half = f64::from(hours) / 2.0;
        (count - middle) / half - (middle - views) / half
    });
    let per_hour = gain / ((as_of - start) as f64 / HOUR_US as f64);
    TrendWindow { gained: gain.round_ties_even() as i64, per_hour: Some(per_hour), acceleration }
}

/// The view count at `time`, which lies between the first and the last that there is.
fn views_at(history: &History, time: EventTime) -> f64 {
    let (Some(before), Some(after)) = history.viewed_around(time) else { unreachable!("{time} has neighbours") };
    let point = |snapshot: &Snapshot| (snapshot.time, snapshot.views().expect("neighbours have a view count"));
    match point(before) {
        (at, views) if at == time => views as f64,
        before => count_between(before, point(after), time),
    }
}

/// The trend of a video that a tick touched, as it is after it; not necessarily another than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trend {
    /// The video.
    pub video: VideoId,
    /// Its trend; `None` where it has none.
    pub row: Option<TrendRow>,
}

/// One row of the table of trends, as it is after a tick in which it changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrendUpdate {
    /// The video had no row before.
    pub is_new: bool,
    /// The video.
    pub video: VideoId,
    /// The row; `None` where it goes, which it only does where there was one.
    pub row: Option<TrendRow>,
}
