//! What is forecast and scored.

use viewtide_dataflows::snapshot::EventTime;

use crate::task::{Metric, Origin, Video};

/// One forecast's place: a counter of a video at an origin, for one horizon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// The index of the video among those that are scored.
    pub video: u32,
    /// When the forecast is made, microseconds.
    pub issued_at: EventTime,
    /// The count at the origin.
    pub base: f64,
    /// What the counter gained over as many hours before the origin; `None` where missing.
    pub gained_before: Option<f64>,
    /// What it gained by the target; `None` where the count there is missing.
    pub gain: Option<f64>,
    /// When a forecaster that learns online gets to know the gain; `None` where it never does.
    pub learned_at: Option<EventTime>,
}

impl Target {
    /// The target of `metric` at an origin of `video`, which is the one with this index; `None` where the count at the origin is
    /// missing.
    pub fn of(index: u32, video: &Video, origin: &Origin, metric: Metric, horizon_hours: u32) -> Option<Self> {
        let base = origin.count(metric, 0);
        let gained_before = base - origin.count(metric, horizon_hours as usize);
        let actual = video.actual(metric, origin.time, horizon_hours);
        (!base.is_nan()).then(|| Self {
            video: index,
            issued_at: origin.time,
            base,
            gained_before: (!gained_before.is_nan()).then_some(gained_before),
            gain: actual.count.map(|count| count - base),
            learned_at: actual.learned_at,
        })
    }
}
