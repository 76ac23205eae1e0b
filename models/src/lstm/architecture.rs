//! How large a network is, and where each weight lies.

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::LstmError;
use super::affine::Affine;
use super::layer::Layer;
use super::product::padded;
use crate::features::CHANNELS;
use crate::task::{HORIZONS_HOURS, MEMORY_STEPS, WINDOW_STEPS};

/// Horizons that are forecast.
pub const HORIZONS: usize = HORIZONS_HOURS.len();

/// What is forecast of each: the quantiles 10, 50 and 90 %.
pub const QUANTILES: usize = 3;

/// Values of a row that comes out.
pub(crate) const OUTPUTS: usize = HORIZONS * QUANTILES;

/// Steps of a window at most: a week of hours.
pub const STEPS_MAX: usize = MEMORY_STEPS;

/// Values of a step, of a context and of any layer at most: far more than a forecast of three counters can use, and few
/// enough that a damaged manifest asks for no absurd memory.
pub const WIDTH_MAX: usize = 1_024;

/// LSTM layers at most: more than two have never been worth it here.
pub const LAYERS_MAX: usize = 8;

/// The sizes of a network: an LSTM over a window [steps, inputs], whose last state is joined by a context, a dense layer
/// with ReLU, and a linear one to [`HORIZONS`] x [`QUANTILES`] outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    /// Steps of a window.
    pub steps: usize,
    /// Values of a step.
    pub inputs: usize,
    /// Values of the context, which may be none.
    pub context: usize,
    /// Values of an LSTM layer's state.
    pub hidden: usize,
    /// LSTM layers.
    pub layers: usize,
    /// Values of the dense layer.
    pub dense: usize,
}

impl Architecture {
    /// The usual network over a window of features, for a context of that many values.
    pub const fn with_context(context: usize) -> Self {
        Self { steps: WINDOW_STEPS, inputs: CHANNELS, context, hidden: 48, layers: 1, dense: 32 }
    }

    /// # Errors
    /// [`LstmError::Architecture`] where a size is 0 (only the context may be) or above its limit.
    pub fn validate(&self) -> Result<(), LstmError> {
        let Self { steps, inputs, context, hidden, layers, dense } = *self;
        let sizes = [
            ("steps", steps, 1, STEPS_MAX),
            ("inputs", inputs, 1, WIDTH_MAX),
            ("context", context, 0, WIDTH_MAX),
            ("hidden", hidden, 1, WIDTH_MAX),
            ("layers", layers, 1, LAYERS_MAX),
            ("dense", dense, 1, WIDTH_MAX),
        ];
        match sizes.into_iter().find(|(_, size, min, max)| size < min || size > max) {
            Some((name, size, min, max)) => Err(LstmError::Architecture { name, size, min, max }),
            None => Ok(()),
        }
    }

    /// The number of weights.
    pub fn weights(&self) -> usize {
        self.tensors().iter().map(|tensor| tensor.places.len()).sum()
    }

    /// An LSTM layer's sizes, and where its weights begin.
    pub(crate) fn layer(&self, index: usize) -> (Layer, usize) {
        let first = Layer { inputs: self.inputs, hidden: self.hidden };
        let later = Layer { inputs: self.hidden, hidden: self.hidden };
        match index {
            0 => (first, 0),
            _ => (later, first.affine().weights() + (index - 1) * later.affine().weights()),
        }
    }

    /// The dense layer's sizes, from [state | context], and where its weights begin.
    pub(crate) fn dense(&self) -> (Affine, usize) {
        let (last, offset) = self.layer(self.layers - 1);
        (Affine { inputs: self.hidden + self.context, width: padded(self.dense) }, offset + last.affine().weights())
    }

    /// The last layer's sizes, and where its weights begin.
    pub(crate) fn output(&self) -> (Affine, usize) {
        let (dense, offset) = self.dense();
        (Affine { inputs: self.dense, width: padded(OUTPUTS) }, offset + dense.weights())
    }

    /// Values that all weights take, with their padding, which is 0.
    pub(crate) fn padded_weights(&self) -> usize {
        let (output, offset) = self.output();
        offset + output.weights()
    }

    /// The weights as tensors with PyTorch's names and shapes, apart from the LSTM's bias, which is the sum of its two.
    pub(crate) fn tensors(&self) -> Vec<NamedTensor> {
        let mut tensors = Vec::new();
        for index in 0..self.layers {
            let (Layer { inputs, hidden }, offset) = self.layer(index);
            let (layer, gates) = (self.layer(index).0, 4 * hidden);
            let place = |gate: usize, row: usize| {
                offset + row * layer.affine().width + gate / hidden * layer.units() + gate % hidden
            };
            let parts =
                [("weight_ih", hidden, Some(inputs)), ("weight_hh", 0, Some(hidden)), ("bias", hidden + inputs, None)];
            for (name, first, columns) in parts {
                tensors.push(NamedTensor::of(format!("lstm.{name}_l{index}"), gates, first, columns, hidden, place));
            }
        }
        for (name, outputs, (affine, offset)) in
            [("dense", self.dense, self.dense()), ("output", OUTPUTS, self.output())]
        {
            let place = |output: usize, row: usize| offset + row * affine.width + output;
            let fan_in = affine.inputs;
            tensors.push(NamedTensor::of(format!("{name}.weight"), outputs, 0, Some(fan_in), fan_in, place));
            tensors.push(NamedTensor::of(format!("{name}.bias"), outputs, fan_in, None, fan_in, place));
        }
        tensors
    }

    /// Weights drawn evenly from +-1 / sqrt(fan in), as PyTorch does (an LSTM's fan in is its hidden size there).
    pub(crate) fn draw(&self, random: &mut impl Rng) -> Vec<f32> {
        let mut weights = vec![0.0; self.padded_weights()];
        for tensor in self.tensors() {
            let max = 1.0 / (tensor.fan_in as f32).sqrt();
            for place in tensor.places {
                weights[place] = max * (2.0 * random.random::<f32>() - 1.0);
            }
        }
        weights
    }
}

/// One tensor of a network's weights.
pub(crate) struct NamedTensor {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    /// What bounds its first values.
    fan_in: usize,
    /// Where each value, row by row, lies among the padded weights.
    pub(crate) places: Vec<usize>,
}

impl NamedTensor {
    /// [outputs, columns] or [outputs], from the padded rows that begin with `first`.
    fn of(
        name: String,
        outputs: usize,
        first: usize,
        columns: Option<usize>,
        fan_in: usize,
        place: impl Fn(usize, usize) -> usize,
    ) -> Self {
        let shape = [Some(outputs), columns].into_iter().flatten().collect();
        let rows = first..first + columns.unwrap_or(1);
        let places = (0..outputs).flat_map(|output| rows.clone().map(move |row| (output, row)));
        Self { name, shape, fan_in, places: places.map(|(output, row)| place(output, row)).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_weight_has_a_place_of_its_own() {
        for layers in 1..4 {
            let architecture = Architecture { steps: 3, inputs: 5, context: 7, hidden: 10, layers, dense: 9 };
            let mut places: Vec<usize> = architecture.tensors().into_iter().flat_map(|tensor| tensor.places).collect();
            let weights = 40 * (5 + 10 + 1) + (layers - 1) * 40 * (10 + 10 + 1) + 9 * (17 + 1) + 9 * (9 + 1);
            assert_eq!((places.len(), architecture.weights()), (weights, weights));
            places.sort_unstable();
            places.dedup();
            assert_eq!(places.len(), weights);
            assert!(places.last() < Some(&architecture.padded_weights()));
        }
    }

    #[test]
    fn sizes_without_sense_are_refused() {
        let good = Architecture::with_context(0);
        assert!(good.validate().is_ok());
        let bad = [
            Architecture { steps: 0, ..good },
            Architecture { steps: STEPS_MAX + 1, ..good },
            Architecture { inputs: 0, ..good },
            Architecture { context: WIDTH_MAX + 1, ..good },
            Architecture { hidden: 0, ..good },
            Architecture { layers: 0, ..good },
            Architecture { layers: LAYERS_MAX + 1, ..good },
            Architecture { dense: usize::MAX, ..good },
        ];
        for architecture in bad {
            assert!(architecture.validate().is_err(), "{architecture:?}");
        }
    }
}
