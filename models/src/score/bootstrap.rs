//! How much of a figure is the choice of videos: the mean over videos, drawn anew with replacement many times.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Draws: the ends of the interval then move by less than the figures are printed with.
const DRAWS: usize = 2_000;

/// The share of the draws that lies between the ends.
const SHARE: f64 = 0.95;

/// Any will do; a fixed one makes the same figures every time.
const SEED: u64 = 20;

/// The interval that 95 % of the means of as many draws from `values` lie in; `None` where there is no value.
pub(super) fn mean_interval(values: &[f64]) -> Option<[f64; 2]> {
    if values.is_empty() {
        return None;
    }
    let mut rng = StdRng::seed_from_u64(SEED);
    let mut means: Vec<f64> = (0..DRAWS)
        .map(|_| values.iter().map(|_| values[rng.random_range(0..values.len())]).sum::<f64>() / values.len() as f64)
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    let cut = ((1.0 - SHARE) / 2.0 * DRAWS as f64) as usize;
    Some([means[cut], means[DRAWS - 1 - cut]])
}
