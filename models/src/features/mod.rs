//! What a network sees of an origin. The only place where that is made: for training, for evaluation, and for live forecasts.
//!
//! All of it is on the scale of asinh(4 x hourly gain), which resolves less than one an hour, handles falling counts, and is
//! inverted exactly by sinh. The level of the last 20 hours is taken out of every step and handed over beside them, so that a
//! small video and a large one that move alike look alike, and the absolute scale is not lost. What is missing is 0: as if it
//! were as it was on average. Everything is computed in doubles, and cast at the end.
//!
//! | module | one concept |
//! |---|---|
//! | `scale` | that scale |
//! | `rates` | mean gains over parts of the past |
//! | `distribution` | how steps lie around the level |
//! | `window` | the last 20 steps of all counters |
//! | `context` | what is joined to the network's last state |

mod context;
mod distribution;
mod rates;
mod scale;
#[cfg(test)]
mod tests;
mod window;

use serde::{Deserialize, Serialize};

use crate::task::{HORIZONS_HOURS, Metric, Origin, WINDOW_STEPS};
use rates::Recent;
use scale::asinh;

/// Numbers of a step: level and deviation of each counter.
pub const CHANNELS: usize = 6;

/// Numbers of a window.
pub const WINDOW_LEN: usize = WINDOW_STEPS * CHANNELS;

/// Which numbers a network is given beside the window. A network is of one set, which its artifact names by the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureSet {
    /// Hour of day, age, levels and counts, and means over a week.
    Levels,
    /// Beside those the steps of a day, the same hours of earlier days, and what a tree would be given of the distribution.
    Lags,
}

impl FeatureSet {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Levels, Self::Lags];

    /// What an artifact names the set by. Another number for every change of what is computed.
    pub const fn version(self) -> u32 {
        match self {
            Self::Levels => 1,
            Self::Lags => 3,
        }
    }

    /// The set of this version.
    pub fn of_version(version: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|set| set.version() == version)
    }

    /// Numbers of a context.
    pub const fn context_len(self) -> usize {
        match self {
            Self::Levels => context::LEVELS_LEN,
            Self::Lags => context::LEVELS_LEN + context::LAGS_LEN,
        }
    }
}

/// Inputs of a network for many origins, each array row-major.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inputs {
    /// [n, 20, 6]: the last 20 hourly steps, oldest first; of each counter, the forecast one first, level and deviation.
    pub window: Vec<f32>,
    /// [n, context]: what is joined to the network's last state.
    pub context: Vec<f32>,
    /// [n, 3]: asinh of what the window's mean rate would gain by each horizon; the network's output is added to it.
    pub base: Vec<f32>,
}

impl Inputs {
    /// Takes all out, and keeps the room.
    pub fn clear(&mut self) {
        self.window.clear();
        self.context.clear();
        self.base.clear();
    }
}

/// All that is made of an origin's steps once, for the networks of all counters.
#[derive(Debug)]
pub struct Seen<'a> {
    origin: &'a Origin,
    moment: [f64; 3],
    counters: [Recent; 3],
}

impl<'a> Seen<'a> {
    /// What can be seen at `origin`.
    pub fn of(origin: &'a Origin) -> Self {
        let counters = Metric::ALL.map(|counter| Recent::of(origin, counter));
        Self { origin, moment: context::moment(origin), counters }
    }

    /// Appends what a network of `metric` sees to `inputs`; false, and nothing, where the window has not all its steps.
    pub fn append(&self, metric: Metric, set: FeatureSet, inputs: &mut Inputs) -> bool {
        if !self.origin.is_scored(metric) {
            return false;
        }
        let counters = metric.first().map(|counter| &self.counters[counter as usize]);
        window::append(counters, &mut inputs.window);
        context::append(self.moment, counters, &self.origin.steps(metric), set, &mut inputs.context);
        let rate = counters[0].rate.unwrap_or(0.0);
        inputs.base.extend(HORIZONS_HOURS.map(|hours| asinh(rate * f64::from(hours)) as f32));
        true
    }
}
