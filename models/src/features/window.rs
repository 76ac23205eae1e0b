//! The last 20 steps of all counters.

use super::CHANNELS;
use super::rates::Recent;
use crate::task::WINDOW_STEPS;

/// Appends [20, 6], oldest first: of each counter its level, the same at every step, and the step's deviation from it.
pub(super) fn append(counters: [&Recent; 3], window: &mut Vec<f32>) {
    let start = window.len();
    window.resize(start + WINDOW_STEPS * CHANNELS, 0.0);
    for (counter, recent) in counters.into_iter().enumerate() {
        let level = recent.level.map_or(0.0, level_channel) as f32;
        let oldest_first = recent.deviations[..WINDOW_STEPS].iter().rev();
        for (row, deviation) in window[start..].chunks_exact_mut(CHANNELS).zip(oldest_first) {
            row[2 * counter] = level;
            row[2 * counter + 1] = *deviation as f32;
        }
    }
}

/// A level within about -1 and 2.
pub(super) fn level_channel(level: f64) -> f64 {
    level / 4.0 - 1.0
}
