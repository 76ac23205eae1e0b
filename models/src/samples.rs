//! What a network is trained on.

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
