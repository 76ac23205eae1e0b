//! What is wrong with what a network was given.

use super::architecture::HORIZONS;

/// Samples, sizes or weights that a network cannot work with.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LstmError {
    /// A size without sense.
    #[error("a network with {name} = {size}: it has to be from {min} to {max}")]
    Architecture {
        /// Of what.
        name: &'static str,
        /// What it is.
        size: usize,
        /// The least it may be.
        min: usize,
        /// The most it may be.
        max: usize,
    },
    /// An array of another length than its neighbours.
    #[error("{name} holds {len} values where {rows} rows of {per_row} need {}", rows * per_row)]
    Length {
        /// Which array.
        name: &'static str,
        /// How many values it holds.
        len: usize,
        /// Rows that there are, by the videos or by the windows.
        rows: usize,
        /// Values that each row has.
        per_row: usize,
    },
    /// A value that no network can take.
    #[error("{name}, row {row}: {value} is no {expected}")]
    Value {
        /// Of which array.
        name: &'static str,
        /// In which row.
        row: usize,
        /// The value.
        value: f32,
        /// What it should be.
        expected: &'static str,
    },
    /// A setting of the training without sense.
    #[error("a training with {name} = {value}: it has to be {expected}")]
    Setting {
        /// Which.
        name: &'static str,
        /// What it is.
        value: f64,
        /// What it should be.
        expected: &'static str,
    },
    /// Nothing to learn from.
    #[error("no sample for {purpose} has a target with a weight: more history is needed, 24 hours beyond the first 20")]
    NoSamples {
        /// Training or validation.
        purpose: &'static str,
    },
    /// The loss, or a weight, is no finite number any more.
    #[error("the training diverged in epoch {epoch}: a lower learning rate or another seed may help")]
    Diverged {
        /// Which epoch, from 0.
        epoch: usize,
    },
    /// Weights that do not make a network.
    #[error("weights: {0}")]
    Weights(String),
    /// Networks that cannot be averaged.
    #[error("an ensemble of networks with different sizes, or of none")]
    Ensemble,
    /// Bounds that are no intervals.
    #[error("bounds of forecasts that are no intervals of numbers: {0:?}")]
    Bounds([[f32; 2]; HORIZONS]),
    /// A checkpoint of another training.
    #[error("the checkpoint is of a training with another {0}: train afresh, or give what it was begun with")]
    OtherTraining(&'static str),
}
