//! What is known of one video's forecasts, and what is issued for it.

use serde::{Deserialize, Serialize};
use viewtide_dataflows::snapshot::{COUNT_MAX, EventTime};

use super::calibration::{Calibration, HALF_WIDTH_MIN};
use super::{Guard, Hedge, MEMBERS, NAIVE_MEMBERS};
use crate::naive::{Naive, Past};
use crate::task::{HORIZONS_HOURS, Metric};

/// What the network weighs before anything is learned, where there is one; the naive members share the rest.
const NETWORK_PRIOR: f64 = 0.7;

/// The first half widths, in those that the members' disagreement gives; and how many known actuals that counts for.
const MISSED_PRIOR: f64 = 0.4;
const MISSED_PRIOR_TIMES: f64 = 4.0;

/// An error counts for at most so many widths: one jump out of quiet would make every later interval as wide.
const MISSED_MAX: f64 = 1.5;

/// Four in five errors are below this many times their mean, about.
const HALF_WIDTH_FACTOR: f64 = 1.3;

/// What a network says of a gain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Network {
    /// The median.
    pub gain: f64,
    /// The 10 % and the 90 % quantile.
    pub quantiles: [f64; 2],
}

/// What each member of a blend forecasts: the gain, the network's first, then those of [`NAIVE_MEMBERS`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Members {
    gains: [Option<f64>; MEMBERS],
    /// Half widths of the network's interval.
    network_widths: Option<[f64; 2]>,
}

/// A forecast as it is issued, with what is needed to learn from it later.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Issued {
    /// What each member said.
    pub members: Members,
    /// What the blend of all members makes of that.
    pub full: f64,
    /// What the blend of the naive ones makes of it.
    pub naive: f64,
    /// The gain: something between the two.
    pub gain: f64,
    /// The ends of the interval of it.
    pub interval: [f64; 2],
}

impl Members {
    /// The naive members over `past`, and the network's word where there is one; what is not finite is not there.
    pub fn of(past: &Past, horizon_hours: u32, network: Option<Network>) -> Self {
        let network = network.filter(|network| {
            network.gain.is_finite() && network.quantiles.iter().all(|quantile| quantile.is_finite())
        });
        let naive = NAIVE_MEMBERS.iter().map(|naive| past.gain(*naive, horizon_hours));
        let mut gains = [None; MEMBERS];
        let all = std::iter::once(network.map(|network| network.gain)).chain(naive);
        gains.iter_mut().zip(all).for_each(|(gain, said)| *gain = said.filter(|gain| gain.is_finite()));
        let network_widths = network
            .map(|Network { gain, quantiles: [low, high] }| [gain - low, high - gain].map(|width| width.max(0.0)));
        Self { gains, network_widths }
    }

    /// The mean of the gains by these weights, which sum to 1: on the scale of asinh, so that a member that is far off does not
    /// carry the others away.
    fn mean(&self, weights: &[f64; MEMBERS]) -> f64 {
        let scaled = weights.iter().zip(&self.gains).map(|(weight, gain)| weight * gain.unwrap_or(0.0).asinh());
        scaled.sum::<f64>().sinh()
    }

    /// How far the naive members are from each other: their mean deviation from their mean, and half a count.
    fn disagreement(&self) -> f64 {
        let there = || self.gains[1..].iter().flatten();
        let count = there().count().max(1) as f64;
        let mean = there().sum::<f64>() / count;
        HALF_WIDTH_MIN + there().map(|gain| (gain - mean).abs()).sum::<f64>() / count
    }
}

/// What a forecast rests on: the fallback's chain, from the best on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The network and the naive forecasts.
    Blend,
    /// The naive forecasts.
    Trend,
    /// The count at the origin.
    LastValue,
}

/// A forecast as counts: `low <= median <= high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForecastCounts {
    /// The median.
    pub median: i64,
    /// The lower end of the 80 % interval.
    pub low: i64,
    /// The upper end of it.
    pub high: i64,
}

impl Issued {
    /// What the forecast rests on.
    pub fn basis(&self) -> Basis {
        let [network, naive @ ..] = &self.members.gains;
        let more = NAIVE_MEMBERS.iter().zip(naive).any(|(member, gain)| *member != Naive::LastValue && gain.is_some());
        match (network, more) {
            (Some(_), _) => Basis::Blend,
            (None, true) => Basis::Trend,
            (None, false) => Basis::LastValue,
        }
    }

    /// The counts that are forecast from `base`, half to even.
    pub fn counts(&self, base: f64) -> ForecastCounts {
        let count = |gain: f64| (base + gain).round_ties_even() as i64;
        let [low, high] = self.interval.map(count);
        ForecastCounts { median: count(self.gain), low, high }
    }
}

/// One blend: of a metric at a horizon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Blend {
    hedge: Hedge,
    guard: Guard,
    calibration: Calibration,
}

/// What is known of one video's forecasts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Forecaster {
    /// By metric and horizon.
    blends: [[Blend; HORIZONS_HOURS.len()]; 3],
}

impl Forecaster {
    /// The forecast of `metric` from `base` at the horizon of this index.
    pub fn issue(&self, metric: Metric, horizon: usize, base: f64, members: Members) -> Issued {
        self.blends[metric as usize][horizon].issue(metric, base, members)
    }

    /// Learns at a time what came of an issued forecast.
    pub fn learn(&mut self, metric: Metric, horizon: usize, issued: &Issued, gain: f64, at: EventTime) {
        self.blends[metric as usize][horizon].learn(issued, gain, at);
    }
}

impl Blend {
    fn issue(&self, metric: Metric, base: f64, members: Members) -> Issued {
        let (least, most) = bounds(metric, base);
        let there = members.gains.map(|gain| gain.is_some());
        let weights = self.weights(&there);
        let full = members.mean(&weights).clamp(least, most);
        let share = if there[0] { self.guard.share() } else { 0.0 };
        let naive_there = std::array::from_fn(|member| member > 0 && there[member]);
        let naive = members.mean(&self.weights(&naive_there)).clamp(least, most);
        let gain = (share * full.asinh() + (1.0 - share) * naive.asinh()).sinh().clamp(least, most);
        let of_network = share * weights[0];
        let missed = self.hedge.missed(MISSED_PRIOR, MISSED_PRIOR_TIMES);
        let width = HALF_WIDTH_FACTOR * missed * members.disagreement();
        let widths = match members.network_widths {
            Some(widths) => widths.map(|its| of_network * its + (1.0 - of_network) * width),
            None => [width; 2],
        };
        let [below, above] = self.calibration.factors();
        let low = gain - (widths[0] * below).max(HALF_WIDTH_MIN);
        let high = gain + (widths[1] * above).max(HALF_WIDTH_MIN);
        Issued { members, full, naive, gain, interval: [low, high].map(|end| end.clamp(least, most)) }
    }

    /// What the members weigh that are there.
    fn weights(&self, there: &[bool; MEMBERS]) -> [f64; MEMBERS] {
        let naive = (1.0 - NETWORK_PRIOR) / NAIVE_MEMBERS.len() as f64;
        self.hedge.weights(there, &std::array::from_fn(|member| if member == 0 { NETWORK_PRIOR } else { naive }))
    }

    fn learn(&mut self, issued: &Issued, gain: f64, at: EventTime) {
        let missed = (issued.gain - gain).abs();
        // What a member that was not there would have missed is not known; it neither gains nor loses by that.
        let losses = issued.members.gains.map(|member| member.map_or(missed, |member| (member - gain).abs()));
        self.hedge.learn(&losses, (missed / issued.members.disagreement()).min(MISSED_MAX), at);
        self.guard.learn((issued.full - gain).abs(), (issued.naive - gain).abs(), at);
        self.calibration.learn(issued.interval, gain);
    }
}

/// What a gain is at least and at most: views do not fall, no count is below 0 or above the largest that is accepted.
fn bounds(metric: Metric, base: f64) -> (f64, f64) {
    let least = if metric == Metric::Views { 0.0 } else { -base };
    (least, (COUNT_MAX as f64 - base).max(least))
}
