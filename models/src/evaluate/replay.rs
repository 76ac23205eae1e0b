//! One video's origins in order, with what could be known at each.

use std::cell::LazyCell;

use viewtide_dataflows::snapshot::EventTime;

use super::Given;
use crate::blend::{Forecaster, Issued, Members, Network, Outstanding};
use crate::naive::Past;
use crate::score::{Forecast, Target};
use crate::task::{HORIZONS_HOURS, Metric, Video};

/// What was issued at a scored origin, and what it is measured by.
#[derive(Clone, Debug)]
pub(super) struct Replayed {
    pub(super) metric: Metric,
    /// The index of the horizon.
    pub(super) horizon: usize,
    pub(super) target: Target,
    pub(super) past: Past,
    pub(super) issued: Issued,
}

/// What was issued and is not learned from yet.
struct Open {
    learned_at: EventTime,
    issued_at: EventTime,
    metric: Metric,
    horizon: usize,
    gain: f64,
    forecast: Outstanding,
}

/// Issues a forecast of every counter at every origin of `video`, which has this index, with a blend that learns online; those
/// at scored origins are handed to `take`. `network` is blended with the naive forecasts where it says something.
pub(super) fn replay(index: u32, video: &Video, network: Option<&Given>, take: &mut dyn FnMut(Replayed)) {
    let mut forecaster = Forecaster::default();
    let mut open: Vec<Open> = Vec::new();
    for time in video.origins() {
        learn(&mut forecaster, &mut open, time);
        let (origin, loose) = (video.origin(time), LazyCell::new(|| video.origin_loosely(time)));
        for metric in Metric::ALL {
            let is_scored = origin.is_scored(metric);
            let Some(past) = Past::of(if is_scored { &origin } else { &loose }, metric) else { continue };
            let said = network.filter(|_| is_scored).and_then(|network| network.get(&(video.id, time, metric)));
            for (horizon, hours) in HORIZONS_HOURS.into_iter().enumerate() {
                let Some(target) = Target::of(index, video, &origin, metric, hours) else { continue };
                let members =
                    Members::naive(&past, hours).with_network(said.and_then(|said| quantiles(said[horizon]?)));
                let issued = forecaster.issue(metric, horizon, target.base, members);
                if let (Some(gain), Some(learned_at)) = (target.gain, target.learned_at) {
                    let forecast = issued.outstanding(target.base);
                    open.push(Open { learned_at, issued_at: time, metric, horizon, gain, forecast });
                }
                if is_scored {
                    take(Replayed { metric, horizon, target, past: past.clone(), issued });
                }
            }
        }
    }
}

/// Learns what is known by `time`, in the order in which it came to be known.
fn learn(forecaster: &mut Forecaster, open: &mut Vec<Open>, time: EventTime) {
    let mut known: Vec<Open> = open.extract_if(.., |open| open.learned_at <= time).collect();
    known.sort_by_key(|open| (open.learned_at, open.issued_at));
    for Open { learned_at, metric, horizon, gain, forecast, .. } in known {
        forecaster.learn(metric, horizon, &forecast, gain, learned_at);
    }
}

fn quantiles(forecast: Forecast) -> Option<Network> {
    Some(Network { gain: forecast.gain, quantiles: forecast.interval? })
}
