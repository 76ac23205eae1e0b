//! Mean gains over parts of the past.

use std::ops::Range;

use crate::task::{DAY_STEPS, MEMORY_STEPS, Metric, Origin, Steps, WINDOW_STEPS};

/// One counter's steps, and what of them is asked again and again.
#[derive(Debug)]
pub(super) struct Rates {
    /// The count at the origin; NaN where missing.
    pub(super) count: f64,
    /// Gains an hour, the newest first; NaN where missing.
    pub(super) steps: Steps,
    /// The deviations of the last steps of a day from the level, the newest first; 0 where missing.
    pub(super) deviations: [f64; DAY_STEPS],
    /// Sums of the first so many steps that are there, and how many those are.
    sums: [(f64, f64); MEMORY_STEPS + 1],
    /// The mean of the window on the scale of [`scaled`]; `None` where all of it is missing.
    level: Option<f64>,
}

/// The scale of all features.
pub(super) fn scaled(rate: f64) -> f64 {
    let magnitude = 4.0 * rate.abs();
    // As good as the library's asinh to within a rounding of what is added to it, and four times as fast.
    (magnitude + (magnitude * magnitude + 1.0).sqrt()).ln().copysign(rate)
}

impl Rates {
    pub(super) fn of(origin: &Origin, counter: Metric) -> Self {
        let steps = origin.steps(counter);
        let mut sums = [(0.0, 0.0); MEMORY_STEPS + 1];
        let (mut sum, mut there) = (0.0, 0.0);
        for (step, after) in steps.iter().zip(&mut sums[1..]) {
            if !step.is_nan() {
                sum += step;
                there += 1.0;
            }
            *after = (sum, there);
        }
        let mut rates =
            Self { count: origin.count(counter, 0), steps, deviations: [0.0; DAY_STEPS], sums, level: None };
        rates.level = rates.mean(0..WINDOW_STEPS).map(scaled);
        rates.deviations = std::array::from_fn(|back| rates.deviation(Some(rates.steps[back])));
        rates
    }

    /// The mean of the steps of `hours` back that are there.
    pub(super) fn mean(&self, hours: Range<usize>) -> Option<f64> {
        let ((from, skipped), (to, passed)) = (self.sums[hours.start], self.sums[hours.end]);
        let there = passed - skipped;
        (there > 0.0).then(|| (to - from) / there)
    }

    /// The mean of the window; 0 where all of it is missing.
    pub(super) fn window_rate(&self) -> f64 {
        self.mean(0..WINDOW_STEPS).unwrap_or(0.0)
    }

    /// The mean of the window on the scale of features.
    pub(super) fn level(&self) -> Option<f64> {
        self.level
    }

    /// A rate as it deviates from the level; 0 where either is missing.
    pub(super) fn deviation(&self, rate: Option<f64>) -> f64 {
        match (rate, self.level) {
            (Some(rate), Some(level)) if !rate.is_nan() => scaled(rate) - level,
            _ => 0.0,
        }
    }
}
