//! Naive forecasts: the rate of some past, times the hours ahead.
//!
//! Whatever is forecast otherwise is measured against these. All of them are of the gain from the count at the origin.

#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::task::{DAY_STEPS as DAY, MEMORY_STEPS, Metric, Origin, Steps};

/// The steepest decay of a power law; anything steeper is noise of a quiet day.
const DECAY_MAX: f64 = 1.5;

/// A naive forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Naive {
    /// The count stays.
    LastValue,
    /// As in the last hour.
    LastIncrement,
    /// The mean of the last 10 hours.
    Mean10,
    /// The mean of the last 24 hours.
    Mean24,
    /// The mean of the last 72 hours.
    Mean72,
    /// The median of the last 24 hours.
    Median24,
    /// The same hours yesterday.
    SameHoursYesterday,
    /// The mean of all hours, each weighing e^(-1/3) of the one after it.
    Ewma3,
    /// Likewise e^(-1/6).
    Ewma6,
    /// Likewise e^(-1/12).
    Ewma12,
    /// The last day's rate, falling with a power of the video's age: the one that led from the two days before it to it. With
    /// less than one of those days known, it does not fall.
    PowerLaw,
    /// The old stack's trend: the count grows on by the mean of its last 10 growth rates.
    GrowthTrend,
}

impl Naive {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 12] = [
        Self::LastValue,
        Self::LastIncrement,
        Self::Mean10,
        Self::Mean24,
        Self::Mean72,
        Self::Median24,
        Self::SameHoursYesterday,
        Self::Ewma3,
        Self::Ewma6,
        Self::Ewma12,
        Self::PowerLaw,
        Self::GrowthTrend,
    ];

    /// As tables name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::LastValue => "last value",
            Self::LastIncrement => "last increment",
            Self::Mean10 => "mean of last 10",
            Self::Mean24 => "mean of last 24",
            Self::Mean72 => "mean of last 72",
            Self::Median24 => "median of last 24",
            Self::SameHoursYesterday => "same hours yesterday",
            Self::Ewma3 => "EWMA 3",
            Self::Ewma6 => "EWMA 6",
            Self::Ewma12 => "EWMA 12",
            Self::PowerLaw => "power law",
            Self::GrowthTrend => "growth-rate trend",
        }
    }
}

/// What the naive forecasts of one counter are made of.
#[derive(Clone, Debug)]
pub struct Past {
    count: f64,
    age_hours: f64,
    steps: Steps,
}

impl Past {
    /// What is known of `metric` at `origin`; `None` where its count there is missing.
    pub fn of(origin: &Origin, metric: Metric) -> Option<Self> {
        let count = origin.count(metric, 0);
        (!count.is_nan()).then(|| Self { count, age_hours: origin.age_hours, steps: origin.steps(metric) })
    }

    /// With these gains, the newest first; those after them are missing.
    #[cfg(test)]
    pub(crate) fn with(count: f64, age_hours: f64, newest_first: &[f64]) -> Self {
        let mut steps = [f64::NAN; crate::task::MEMORY_STEPS];
        steps[..newest_first.len()].copy_from_slice(newest_first);
        Self { count, age_hours, steps }
    }

    /// The gain over the next `horizon_hours` by a forecast; `None` where the steps that it needs are all missing.
    pub fn gain(&self, naive: Naive, horizon_hours: u32) -> Option<f64> {
        let lead = f64::from(horizon_hours);
        let rate = match naive {
            Naive::LastValue => Some(0.0),
            Naive::LastIncrement => mean(&self.steps[..1]),
            Naive::Mean10 => mean(&self.steps[..10]),
            Naive::Mean24 => mean(&self.steps[..DAY]),
            Naive::Mean72 => mean(&self.steps[..3 * DAY]),
            Naive::Median24 => median(&self.steps[..DAY]),
            Naive::SameHoursYesterday => {
                mean(&self.steps[DAY - horizon_hours as usize..DAY]).or_else(|| mean(&self.steps[..DAY]))
            }
            Naive::Ewma3 => weighted_mean(&self.steps, 3.0),
            Naive::Ewma6 => weighted_mean(&self.steps, 6.0),
            Naive::Ewma12 => weighted_mean(&self.steps, 12.0),
            Naive::PowerLaw => self.power_law_rate(lead),
            Naive::GrowthTrend => self.growth_trend_rate(),
        };
        rate.map(|rate| rate * lead)
    }

    /// The rate of the last day, taken to lie in its middle, by the power of the age that leads to the middle of the hours ahead.
    fn power_law_rate(&self, lead: f64) -> Option<f64> {
        let day = mean(&self.steps[..DAY])?;
        let middle = |hours_back: f64| (self.age_hours - hours_back).max(1.0);
        let (before, ahead) = (middle(DAY as f64 * 2.0), middle(-lead / 2.0));
        let now = middle(DAY as f64 / 2.0);
        let decay = match mean_of_at_least(DAY, &self.steps[DAY..3 * DAY]) {
            Some(rate) if rate > 0.0 && day > 0.0 && before < now => {
                ((rate / day).ln() / (now / before).ln()).clamp(0.0, DECAY_MAX)
            }
            _ => 0.0,
        };
        Some(day * (now / ahead).powf(decay))
    }

    fn growth_trend_rate(&self) -> Option<f64> {
        let mut count = self.count;
        let mut rates = [f64::NAN; 10];
        for (rate, step) in rates.iter_mut().zip(&self.steps) {
            count -= step;
            *rate = if count > 0.0 { step / count } else { f64::NAN };
        }
        Some(self.count * mean(&rates)?)
    }
}

/// The mean of what is there.
fn mean(steps: &[f64]) -> Option<f64> {
    mean_of_at_least(1, steps)
}

/// The mean of what is there, if that are so many steps.
fn mean_of_at_least(count_min: usize, steps: &[f64]) -> Option<f64> {
    let there = steps.iter().filter(|step| !step.is_nan());
    let (sum, count) = there.fold((0.0, 0_usize), |(sum, count), step| (sum + step, count + 1));
    (count >= count_min).then(|| sum / count as f64)
}

/// The median of what is there.
pub(crate) fn median(steps: &[f64]) -> Option<f64> {
    let mut there: Vec<f64> = steps.iter().copied().filter(|step| !step.is_nan()).collect();
    there.sort_unstable_by(f64::total_cmp);
    let middle = there.len() / 2;
    match there.len() {
        0 => None,
        len if len.is_multiple_of(2) => Some((there[middle - 1] + there[middle]) / 2.0),
        _ => Some(there[middle]),
    }
}

/// The mean of what is there, with weights that fall to 1/e over `tau` steps.
pub(crate) fn weighted_mean(steps: &Steps, tau: f64) -> Option<f64> {
    // Four sums side by side, each over every fourth step, become vector instructions.
    const LANES: usize = 4;
    const { assert!(MEMORY_STEPS.is_multiple_of(LANES)) };
    let decay = (-1.0 / tau).exp();
    let mut weight = [1.0, decay, decay * decay, decay * decay * decay];
    let decay = decay * weight[3];
    let (mut sum, mut weights) = ([0.0; LANES], [0.0; LANES]);
    for steps in steps.as_chunks::<LANES>().0 {
        for lane in 0..LANES {
            let is_there = !steps[lane].is_nan();
            sum[lane] += if is_there { weight[lane] * steps[lane] } else { 0.0 };
            weights[lane] += if is_there { weight[lane] } else { 0.0 };
            weight[lane] *= decay;
        }
    }
    let weights: f64 = weights.iter().sum();
    (weights > 0.0).then(|| sum.iter().sum::<f64>() / weights)
}
