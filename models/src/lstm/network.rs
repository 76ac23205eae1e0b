//! A network: sizes and weights, and what it forecasts.

use super::LstmError;
use super::architecture::{Architecture, HORIZONS, OUTPUTS, QUANTILES};
use super::draws::{Purpose, random};
use super::loss::quantiles;
use super::pass::{BLOCK_ROWS, OUTPUT_STRIDE, Pass};
use super::product::Kernel;
use super::threads::share_out;
use crate::samples::Samples;
use crate::sealed::{Tensor, Tensors};

/// What a network forecasts from, each array row-major.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// [n, steps, inputs].
    pub window: &'a [f32],
    /// [n, context].
    pub context: &'a [f32],
    /// [n, HORIZONS]: what the outputs are added to.
    pub base: &'a [f32],
}

impl<'a> From<&'a Samples> for Inputs<'a> {
    fn from(samples: &'a Samples) -> Self {
        Self { window: &samples.window, context: &samples.context, base: &samples.base }
    }
}

impl Inputs<'_> {
    /// The number of rows, by the base.
    fn rows(&self) -> usize {
        self.base.len() / HORIZONS
    }

    /// # Errors
    /// [`LstmError::Length`] where an array is longer or shorter than that many rows.
    pub(crate) fn check(&self, architecture: &Architecture, rows: usize) -> Result<(), LstmError> {
        let arrays = [
            ("window", self.window.len(), architecture.steps * architecture.inputs),
            ("context", self.context.len(), architecture.context),
            ("base", self.base.len(), HORIZONS),
        ];
        match arrays.into_iter().find(|(_, len, per_row)| *len != rows * per_row) {
            Some((name, len, per_row)) => Err(LstmError::Length { name, len, rows, per_row }),
            None => Ok(()),
        }
    }

    /// Some of the rows.
    fn slice(&self, architecture: &Architecture, first: usize, n: usize) -> Self {
        let of = |per_row: usize| first * per_row..(first + n) * per_row;
        Self {
            window: &self.window[of(architecture.steps * architecture.inputs)],
            context: &self.context[of(architecture.context)],
            base: &self.base[of(HORIZONS)],
        }
    }
}

/// A network: sizes and weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    architecture: Architecture,
    /// As [`Architecture`] lays them out.
    weights: Vec<f32>,
}

impl Network {
    /// An untrained network. The same seed gives the same bits.
    ///
    /// # Errors
    /// [`LstmError::Architecture`].
    pub fn untrained(architecture: Architecture, seed: u64) -> Result<Self, LstmError> {
        architecture.validate()?;
        Ok(Self { architecture, weights: architecture.draw(&mut random(seed, Purpose::Weights)) })
    }

    pub(crate) fn of_weights(architecture: Architecture, weights: Vec<f32>) -> Self {
        debug_assert_eq!(weights.len(), architecture.padded_weights());
        Self { architecture, weights }
    }

    /// Its sizes.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Its weights under PyTorch's names and shapes, but for the bias of an LSTM layer: `lstm.weight_ih_l0`
    /// [4 hidden, inputs], `lstm.weight_hh_l0` [4 hidden, hidden], `lstm.bias_l0` [4 hidden], which is the sum of
    /// PyTorch's two, `dense.weight` [dense, hidden + context], `dense.bias`, `output.weight` [9, dense], `output.bias`.
    pub fn tensors(&self) -> Tensors {
        self.architecture
            .tensors()
            .into_iter()
            .map(|tensor| {
                let values = tensor.places.iter().map(|place| self.weights[*place]).collect();
                (tensor.name, Tensor { shape: tensor.shape, values })
            })
            .collect()
    }

    /// The network with these sizes and the weights that [`Network::tensors`] gave.
    ///
    /// # Errors
    /// [`LstmError::Architecture`]; [`LstmError::Weights`] where a tensor is missing, is one too many, has another shape
    /// or holds a value that is not finite.
    pub fn from_tensors(architecture: Architecture, mut tensors: Tensors) -> Result<Self, LstmError> {
        architecture.validate()?;
        let mut weights = vec![0.0; architecture.padded_weights()];
        for expected in architecture.tensors() {
            let name = expected.name;
            let found = tensors.remove(&name).ok_or_else(|| LstmError::Weights(format!("{name} is missing")))?;
            if found.shape != expected.shape || found.values.len() != expected.places.len() {
                let message = format!("{name} has the shape {:?} and not {:?}", found.shape, expected.shape);
                return Err(LstmError::Weights(message));
            }
            if let Some(value) = found.values.iter().find(|value| !value.is_finite()) {
                return Err(LstmError::Weights(format!("{name} holds {value}")));
            }
            for (place, value) in expected.places.into_iter().zip(found.values) {
                weights[place] = value;
            }
        }
        match tensors.into_keys().next() {
            Some(name) => Err(LstmError::Weights(format!("{name} belongs to no network with {architecture:?}"))),
            None => Ok(Self { architecture, weights }),
        }
    }

    /// The quantiles 10, 50 and 90 % of each horizon, [n, HORIZONS, QUANTILES], in the unit of the base (asinh of a gain).
    /// They are the same bits in any batch and on any number of threads. A row with an input that is not finite has NaN.
    ///
    /// # Errors
    /// [`LstmError::Length`] where the arrays are not of one number of rows.
    pub fn forecast(&self, inputs: Inputs, threads: usize) -> Result<Vec<f32>, LstmError> {
        self.forecast_with(Kernel::detect(), inputs, threads)
    }

    pub(crate) fn forecast_with(&self, kernel: Kernel, inputs: Inputs, threads: usize) -> Result<Vec<f32>, LstmError> {
        let rows = inputs.rows();
        inputs.check(&self.architecture, rows)?;
        let mut forecasts = vec![0.0; rows * OUTPUTS];
        let mut blocks: Vec<(usize, &mut [f32])> = forecasts.chunks_mut(BLOCK_ROWS * OUTPUTS).enumerate().collect();
        share_out(threads, &mut blocks, |blocks| {
            let mut pass = Pass::forward_only(self.architecture, kernel, BLOCK_ROWS.min(rows));
            for (block, forecasts) in blocks {
                let n = forecasts.len() / OUTPUTS;
                self.forecast_block(&mut pass, inputs.slice(&self.architecture, *block * BLOCK_ROWS, n), forecasts);
            }
        });
        Ok(forecasts)
    }

    fn forecast_block(&self, pass: &mut Pass, inputs: Inputs, forecasts: &mut [f32]) {
        let (n, window) = (inputs.rows(), self.architecture.steps * self.architecture.inputs);
        let outputs = pass.forward(&self.weights, inputs.window, inputs.context, n, None);
        for (row, forecasts) in forecasts.chunks_exact_mut(OUTPUTS).enumerate() {
            let base = &inputs.base[row * HORIZONS..][..HORIZONS];
            let context = &inputs.context[row * self.architecture.context..][..self.architecture.context];
            let mut values = inputs.window[row * window..][..window].iter().chain(context).chain(base);
            if !values.all(|value| value.is_finite()) {
                forecasts.fill(f32::NAN);
                continue;
            }
            let outputs = outputs[row * OUTPUT_STRIDE..][..OUTPUTS].as_chunks::<QUANTILES>().0;
            let of_horizons = forecasts.as_chunks_mut::<QUANTILES>().0.iter_mut();
            for ((forecast, outputs), base) in of_horizons.zip(outputs).zip(base) {
                *forecast = quantiles(*base, *outputs);
            }
        }
    }
}

#[cfg(test)]
mod tests;
