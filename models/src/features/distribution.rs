//! How steps lie around the level.

use crate::task::{MEMORY_STEPS, WINDOW_STEPS};

/// An hour that gains less than this is quiet.
const QUIET_BELOW: f64 = 0.5;

/// Sums run side by side in so many lanes, which become vector instructions.
const LANES: usize = 4;
const _: () = assert!(WINDOW_STEPS.is_multiple_of(LANES) && MEMORY_STEPS.is_multiple_of(LANES));

/// What is said of the steps that are there.
pub(super) struct Distribution {
    /// Their standard deviation on the scale of features.
    pub(super) spread: f64,
    /// The largest deviation from the level.
    pub(super) maximum: f64,
    /// The share of quiet hours.
    pub(super) quiet: f64,
}

impl Distribution {
    /// Of the steps of a window or of all of memory, NaN where missing, and their deviations, 0 there; at least one is there.
    pub(super) fn of(steps: &[f64], deviations: &[f64]) -> Self {
        let [mut there, mut quiet, mut sum, mut squares] = [[0.0; LANES]; 4];
        let mut maximum = [f64::NEG_INFINITY; LANES];
        for (steps, deviations) in steps.as_chunks::<LANES>().0.iter().zip(deviations.as_chunks::<LANES>().0) {
            for lane in 0..LANES {
                let (step, deviation): (f64, f64) = (steps[lane], deviations[lane]);
                let known = if step.is_nan() { f64::NEG_INFINITY } else { deviation };
                there[lane] += if step.is_nan() { 0.0 } else { 1.0 };
                quiet[lane] += if step.abs() < QUIET_BELOW { 1.0 } else { 0.0 };
                sum[lane] += deviation;
                squares[lane] += deviation * deviation;
                // Not `f64::max`, which takes care of NaN.
                maximum[lane] = if known > maximum[lane] { known } else { maximum[lane] };
            }
        }
        let [there, quiet, sum, squares] = [there, quiet, sum, squares].map(|lanes| lanes.iter().sum::<f64>());
        let mean = sum / there;
        Self {
            spread: (squares / there - mean * mean).max(0.0).sqrt(),
            maximum: maximum.into_iter().fold(f64::NEG_INFINITY, f64::max),
            quiet: quiet / there,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_counts_nowhere() {
        let (gap, level) = (f64::NAN, 10.0);
        let steps = [12.0, gap, 0.25, 6.0, -0.25, 8.0, gap, gap];
        let deviations = steps.map(|step: f64| if step.is_nan() { 0.0 } else { step - level });
        let Distribution { spread, maximum, quiet } = Distribution::of(&steps, &deviations);
        let there = [12.0, 0.25, 6.0, -0.25, 8.0];
        let mean = there.iter().sum::<f64>() / 5.0;
        let variance = there.iter().map(|step| (step - mean) * (step - mean)).sum::<f64>() / 5.0;
        assert!((spread - variance.sqrt()).abs() < 1e-12);
        assert_eq!((maximum, quiet), (2.0, 0.4));
        // All of them below the level: what is missing is not the largest.
        let (steps, deviations) = ([1.0, 1.0, gap, 2.0], [-9.0, -9.0, 0.0, -8.0]);
        assert_eq!(Distribution::of(&steps, &deviations).maximum, -8.0);
    }
}
