//! What a network is trained on.

use crate::features::WINDOW_LEN;
use crate::task::HORIZONS_HOURS;

/// Samples of one metric, each array row-major.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    /// [n, 20, 6]: the last 20 hourly steps, oldest first.
    pub window: Vec<f32>,
    /// [n, context]: what is joined to the LSTM's last state.
    pub context: Vec<f32>,
    /// [n, 3]: asinh of what the window's mean rate would gain by each horizon; the network's output is added to it.
    pub base: Vec<f32>,
    /// [n, 3]: asinh of the gain by each horizon; NaN where it is missing.
    pub target: Vec<f32>,
    /// [n, 3]: what the loss of each target counts.
    pub weight: Vec<f32>,
    /// [n]: the index of the sample's video, for draws that give every video the same share.
    pub video: Vec<u32>,
}

impl Samples {
    /// Appends a row of `other`; of its targets those that `is_known` names, the rest as missing.
    pub fn push(&mut self, other: &Self, row: usize, is_known: [bool; HORIZONS_HOURS.len()]) {
        let horizons = HORIZONS_HOURS.len();
        self.window.extend_from_slice(row_of(&other.window, row, WINDOW_LEN));
        self.context.extend_from_slice(row_of(&other.context, row, other.context.len() / other.video.len()));
        self.base.extend_from_slice(row_of(&other.base, row, horizons));
        let (targets, weights) = (row_of(&other.target, row, horizons), row_of(&other.weight, row, horizons));
        self.target.extend(targets.iter().zip(is_known).map(|(target, known)| if known { *target } else { f32::NAN }));
        self.weight.extend(weights.iter().zip(is_known).map(|(weight, known)| if known { *weight } else { 0.0 }));
        self.video.push(other.video[row]);
    }
}

fn row_of(values: &[f32], row: usize, len: usize) -> &[f32] {
    &values[row * len..][..len]
}
