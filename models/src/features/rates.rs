//! Mean gains over parts of the past.

use std::ops::Range;

use pulp::Arch;

use super::scale::{ln_1p, scaled};
use crate::task::{DAY_STEPS, MEMORY_STEPS, Metric, Origin, Steps, WINDOW_STEPS};

/// What is needed of a counter whichever one is forecast.
#[derive(Debug)]
pub(super) struct Recent {
    /// ln(1 + the count at the origin); `None` where missing.
    pub(super) size: Option<f64>,
    /// The mean hourly gain over the window; `None` where all of it is missing.
    pub(super) rate: Option<f64>,
    /// The same on the scale of [`scaled`].
    pub(super) level: Option<f64>,
    /// The deviations of the last steps of a day from the level, the newest first; 0 where missing.
    pub(super) deviations: [f64; DAY_STEPS],
}

impl Recent {
    pub(super) fn of(origin: &Origin, counter: Metric) -> Self {
        let steps = std::array::from_fn(|back| origin.count(counter, back) - origin.count(counter, back + 1));
        let there = steps[..WINDOW_STEPS].iter().filter(|step| !step.is_nan());
        let (sum, there) = there.fold((0.0, 0.0), |(sum, there), step| (sum + step, there + 1.0));
        let rate = (there > 0.0).then(|| sum / there);
        let count = origin.count(counter, 0);
        let size = (!count.is_nan()).then(|| ln_1p(count));
        let mut recent = Self { size, rate, level: rate.map(scaled), deviations: [0.0; DAY_STEPS] };
        recent.deviations = recent.deviations(&steps);
        recent
    }

    /// A rate as it deviates from the level; 0 where either is missing.
    #[inline(always)]
    pub(super) fn deviation(&self, rate: f64) -> f64 {
        self.level.map_or(0.0, |level| if rate.is_nan() { 0.0 } else { scaled(rate) - level })
    }

    /// Likewise of many, in registers as wide as the machine has: each operation is rounded by itself, so that the width changes no
    /// bit.
    pub(super) fn deviations<const N: usize>(&self, rates: &[f64; N]) -> [f64; N] {
        Arch::new().dispatch(|| {
            let mut deviations = [0.0; N];
            for (deviation, rate) in deviations.iter_mut().zip(rates) {
                *deviation = self.deviation(*rate);
            }
            deviations
        })
    }
}

/// Sums of the first so many steps of a counter that are there, and how many those are.
pub(super) struct Sums([(f64, f64); MEMORY_STEPS + 1]);

impl Sums {
    pub(super) fn of(steps: &Steps) -> Self {
        let mut sums = [(0.0, 0.0); MEMORY_STEPS + 1];
        let (mut sum, mut there) = (0.0, 0.0);
        for (step, after) in steps.iter().zip(&mut sums[1..]) {
            if !step.is_nan() {
                sum += step;
                there += 1.0;
            }
            *after = (sum, there);
        }
        Self(sums)
    }

    /// The mean of the steps of `hours` back that are there; NaN where none is.
    pub(super) fn mean(&self, hours: Range<usize>) -> f64 {
        let ((from, skipped), (to, passed)) = (self.0[hours.start], self.0[hours.end]);
        (to - from) / (passed - skipped)
    }
}
