//! What is known of one video's forecasts, and what is issued for it.

use serde::{Deserialize, Serialize};
use viewtide_dataflows::snapshot::{COUNT_MAX, EventTime};

use super::calibration::{Calibration, HALF_WIDTH_MIN};
use super::{GAINS, Guard, Hedge, MEMBERS, NAIVE_MEMBERS};
use crate::lstm::{HORIZONS, QUANTILES};
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

impl Network {
    /// What a network's outputs for one origin, quantiles of asinh of the gain, horizon by horizon, say for the horizon of this
    /// index.
    pub fn of_outputs(outputs: &[f32; HORIZONS * QUANTILES], horizon: usize) -> Self {
        let [low, gain, high] = [0, 1, 2].map(|at| f64::from(outputs[horizon * QUANTILES + at]).sinh());
        Self { gain, quantiles: [low, high] }
    }
}

/// What each member of a blend forecasts: the gain, the network's first, then those of [`NAIVE_MEMBERS`]; NaN where a member says
/// nothing. In single precision, since every forecast that is waited for is kept with them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Members {
    gains: [f32; MEMBERS],
    /// Half widths of the network's interval.
    network_widths: Option<[f64; 2]>,
}

/// A forecast as it is issued.
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

/// What is kept of an issued forecast until it is known what came of it, and what is learned from then. All of it stands in the
/// forecast's row as well, bit for bit, so that a restart learns as if there had been none.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Outstanding {
    /// The gains that were forecast: by the network, the naive members, the blend of all of them, and that of the naive ones; NaN
    /// where there was none.
    pub gains: [f32; GAINS],
    /// What was issued.
    pub gain: i64,
    /// The ends of its interval.
    pub interval: [i64; 2],
}

/// Bit for bit: one that is not there equals one that is not there.
impl PartialEq for Outstanding {
    fn eq(&self, other: &Self) -> bool {
        let of = |it: &Self| (it.gains.map(f32::to_bits), it.gain, it.interval);
        of(self) == of(other)
    }
}

impl Members {
    /// The naive members over `past`; what is not finite is not there.
    pub fn naive(past: &Past, horizon_hours: u32) -> Self {
        let mut gains = [f32::NAN; MEMBERS];
        for (gain, naive) in gains[1..].iter_mut().zip(NAIVE_MEMBERS) {
            *gain = there(past.gain(naive, horizon_hours).unwrap_or(f64::NAN));
        }
        Self { gains, network_widths: None }
    }

    /// The same with a network's word, unless that is not finite.
    pub fn with_network(mut self, network: Option<Network>) -> Self {
        let is_finite = |network: &Network| {
            there(network.gain).is_finite() && network.quantiles.iter().all(|quantile| quantile.is_finite())
        };
        if let Some(Network { gain, quantiles: [low, high] }) = network.filter(is_finite) {
            self.gains[0] = there(gain);
            self.network_widths = Some([gain - low, high - gain].map(|width| width.max(0.0)));
        }
        self
    }

    /// The mean of the gains by these weights, which sum to 1: on the scale of asinh, so that a member that is far off does not
    /// carry the others away.
    fn mean(&self, weights: &[f64; MEMBERS]) -> f64 {
        let scaled = |(weight, gain): (&f64, &f32)| if gain.is_nan() { 0.0 } else { weight * f64::from(*gain).asinh() };
        weights.iter().zip(&self.gains).map(scaled).sum::<f64>().sinh()
    }
}

/// As it is kept; NaN where it is not finite.
fn there(gain: f64) -> f32 {
    let gain = gain as f32;
    if gain.is_finite() { gain } else { f32::NAN }
}

/// How far naive members' gains are from each other: their mean deviation from their mean, and half a count.
fn disagreement(naive: &[f32]) -> f64 {
    let there = || naive.iter().filter(|gain| !gain.is_nan()).map(|gain| f64::from(*gain));
    let count = there().count().max(1) as f64;
    let mean = there().sum::<f64>() / count;
    HALF_WIDTH_MIN + there().map(|gain| (gain - mean).abs()).sum::<f64>() / count
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
        let more = NAIVE_MEMBERS.iter().zip(naive).any(|(member, gain)| *member != Naive::LastValue && !gain.is_nan());
        match (network.is_nan(), more) {
            (false, _) => Basis::Blend,
            (true, true) => Basis::Trend,
            (true, false) => Basis::LastValue,
        }
    }

    /// The counts that are forecast from `base`: the median half to even, and from the first to the last count that lies in the
    /// interval, with the median. Rounded in any other way the ends would let in counts that the interval leaves out.
    pub fn counts(&self, base: f64) -> ForecastCounts {
        let median = (base + self.gain).round_ties_even() as i64;
        let [low, high] = self.interval.map(|end| base + end);
        ForecastCounts { median, low: median.min(low.ceil() as i64), high: median.max(high.floor() as i64) }
    }

    /// What is kept of it; `base` is the count at the origin.
    pub fn outstanding(&self, base: f64) -> Outstanding {
        let ForecastCounts { median, low, high } = self.counts(base);
        let gain = |count: i64| count - base as i64;
        let mut gains = [f32::NAN; GAINS];
        gains[..MEMBERS].copy_from_slice(&self.members.gains);
        gains[MEMBERS..].copy_from_slice(&[self.full as f32, self.naive as f32]);
        Outstanding { gains, gain: gain(median), interval: [low, high].map(gain) }
    }
}

/// One blend: of a metric at a horizon.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Blend {
    pub(super) hedge: Hedge,
    pub(super) guard: Guard,
    pub(super) calibration: Calibration,
}

/// Blends of a video.
pub(super) const BLENDS: usize = Metric::ALL.len() * HORIZONS_HOURS.len();

/// What is known of one video's forecasts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forecaster {
    /// By metric and horizon.
    blends: [[Blend; HORIZONS_HOURS.len()]; 3],
}

impl Forecaster {
    /// By metric, then horizon.
    pub(super) fn blends(&self) -> impl Iterator<Item = &Blend> {
        self.blends.iter().flatten()
    }

    pub(super) fn blends_mut(&mut self) -> impl Iterator<Item = &mut Blend> {
        self.blends.iter_mut().flatten()
    }

    /// The forecast of `metric` from `base` at the horizon of this index.
    pub fn issue(&self, metric: Metric, horizon: usize, base: f64, members: Members) -> Issued {
        self.blends[metric as usize][horizon].issue(metric, base, members)
    }

    /// Learns at a time what came of a forecast.
    pub fn learn(&mut self, metric: Metric, horizon: usize, forecast: &Outstanding, gain: f64, at: EventTime) {
        self.blends[metric as usize][horizon].learn(forecast, gain, at);
    }
}

impl Blend {
    fn issue(&self, metric: Metric, base: f64, members: Members) -> Issued {
        let (least, most) = bounds(metric, base);
        let there = members.gains.map(|gain| !gain.is_nan());
        let weights = self.weights(&there);
        let full = members.mean(&weights).clamp(least, most);
        let share = if there[0] { self.guard.share() } else { 0.0 };
        let naive_there = std::array::from_fn(|member| member > 0 && there[member]);
        let naive = members.mean(&self.weights(&naive_there)).clamp(least, most);
        let gain = (share * full.asinh() + (1.0 - share) * naive.asinh()).sinh().clamp(least, most);
        let of_network = share * weights[0];
        let missed = self.hedge.missed(MISSED_PRIOR, MISSED_PRIOR_TIMES);
        let width = HALF_WIDTH_FACTOR * missed * disagreement(&members.gains[1..]);
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

    fn learn(&mut self, forecast: &Outstanding, gain: f64, at: EventTime) {
        let missed = (forecast.gain as f64 - gain).abs();
        let [members @ .., full, naive] = forecast.gains;
        let loss = |said: f32| (f64::from(said) - gain).abs();
        // What a member that was not there would have missed is not known; it neither gains nor loses by that.
        let losses = members.map(|said| if said.is_nan() { missed } else { loss(said) });
        self.hedge.learn(&losses, (missed / disagreement(&members[1..])).min(MISSED_MAX), at);
        self.guard.learn(loss(full), loss(naive), at);
        self.calibration.learn(forecast.interval.map(|end| end as f64), gain.round_ties_even());
    }
}

/// What a gain is at least and at most: views do not fall, no count is below 0 or above the largest that is accepted.
fn bounds(metric: Metric, base: f64) -> (f64, f64) {
    let least = if metric == Metric::Views { 0.0 } else { -base };
    (least, (COUNT_MAX as f64 - base).max(least))
}
