//! What the LSTM learns from: rows of counts and growth rates that follow each other.

use viewtide_dataflows::snapshot::{EventTime, Snapshot};

use crate::old_stack::counts::{growth_percent, whole};
use crate::task::{Metric, Origin, Video, WINDOW_STEPS};

/// Values of a row.
pub(super) const INPUTS: usize = 2 * Metric::ALL.len();

/// Counts, then their growth rates in percent, each by [`Metric`].
pub type Row = [f64; INPUTS];

/// The rows that a forecast is made from, the oldest first.
pub type Window = [Row; WINDOW_STEPS];

/// A window, and the row after it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sequence {
    /// What a forecast is made from.
    pub window: Window,
    /// What comes of it.
    pub next: Row,
}

fn row(before: &[f64; 3], now: &[f64; 3]) -> Row {
    let growth = growth_percent(before, now);
    [now[0], now[1], now[2], growth[0], growth[1], growth[2]]
}

/// The sequences of one video, a row being a snapshot that has all counts, however far it is from the one before it. `snapshots`
/// are in order of time. The first row's growth is 0.
pub fn sequences(snapshots: &[Snapshot]) -> Vec<Sequence> {
    let whole = whole(snapshots);
    let first = whole.first().map(|(_, counts)| row(counts, counts));
    let rows: Vec<Row> = first.into_iter().chain(whole.windows(2).map(|pair| row(&pair[0].1, &pair[1].1))).collect();
    let sequence = |rows: &[Row]| Sequence { window: std::array::from_fn(|step| rows[step]), next: rows[WINDOW_STEPS] };
    rows.windows(WINDOW_STEPS + 1).map(sequence).collect()
}

/// An origin with a window whose rows are an hour apart.
#[derive(Clone, Debug)]
pub(super) struct HourlyWindow {
    /// The time of the origin.
    pub(super) time: EventTime,
    pub(super) window: Window,
    /// The row an hour later, and when it is known; `None` where it never is.
    pub(super) next: Option<(Row, EventTime)>,
}

/// The origins of a video that have the window of all counters.
pub(super) fn hourly_windows(video: &Video) -> impl Iterator<Item = HourlyWindow> {
    video.origins().filter_map(|time| {
        let origin: Origin = video.origin(time);
        let counts = |back: usize| Metric::ALL.map(|metric| origin.count(metric, back));
        let is_whole = Metric::ALL.into_iter().all(|metric| origin.has_window(metric));
        is_whole.then(|| HourlyWindow {
            time,
            window: std::array::from_fn(|step| {
                let back = WINDOW_STEPS - 1 - step;
                row(&counts(back + 1), &counts(back))
            }),
            next: next(video, time, &counts(0)),
        })
    })
}

fn next(video: &Video, time: EventTime, now: &[f64; 3]) -> Option<(Row, EventTime)> {
    let [views, likes, comments] = Metric::ALL.map(|metric| video.actual(metric, time, 1));
    let counts = [views.count?, likes.count?, comments.count?];
    let learned_at = views.learned_at?.max(likes.learned_at?).max(comments.learned_at?);
    Some((row(now, &counts), learned_at))
}
