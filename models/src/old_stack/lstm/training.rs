//! Epochs, early stopping, and what comes of them.

use candle_core::{Device, Tensor};
use candle_nn::{AdamW, Optimizer, ParamsAdamW, loss};

use super::draws::Draws;
use super::network::{Masks, Network};
use super::scaler::Scaler;
use super::sequences::{INPUTS, Sequence, Window};
use crate::task::{Metric, WINDOW_STEPS};

/// Sequences of a batch.
const BATCH: usize = 32;

/// Epochs at most.
const EPOCHS: usize = 50;

/// Epochs without a better validation loss after which a training stops.
const PATIENCE: usize = 10;

/// Adam (Kingma & Ba 2015) with the constants of Keras.
const ADAM: ParamsAdamW = ParamsAdamW { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-7, weight_decay: 0.0 };

/// Sequences that a training needs at least: the last fifth of fewer is none.
pub(super) const SEQUENCES_MIN: usize = 5;

/// An LSTM that cannot be trained or asked.
#[derive(Debug, thiserror::Error)]
pub enum OldLstmError {
    /// Too little to learn from.
    #[error(
        "the old stack's LSTM cannot be trained on {found} sequence(s) of {WINDOW_STEPS} rows and one more: it needs {SEQUENCES_MIN}"
    )]
    TooFew {
        /// How many there are.
        found: usize,
    },
    /// It was to stop.
    #[error("stopped before the old stack's LSTM was trained")]
    Stopped,
    /// What the library says.
    #[error("the old stack's LSTM: {0}")]
    Tensors(#[from] candle_core::Error),
}

/// Errors on the scale of 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScaledErrors {
    /// Mean absolute error.
    pub mae: f64,
    /// Mean squared error.
    pub mse: f64,
}

/// An LSTM that was trained on the rows of one video.
#[derive(Clone, Debug)]
pub struct OldLstm {
    metric: Metric,
    scaler: Scaler,
    network: Network,
    errors: ScaledErrors,
}

/// Scaled sequences.
struct Scaled {
    /// [n, steps, inputs].
    windows: Tensor,
    /// [n].
    next: Tensor,
}

impl OldLstm {
    /// Trains on the sequences of one video, in order of time: on the first 80 % of them, until the loss of the others does not get
    /// better, and keeps the weights for which it was best. The scaler is fitted on all of them. The same sequences and seed make
    /// the same LSTM.
    ///
    /// # Errors
    /// There are too few sequences.
    pub fn train(sequences: &[Sequence], metric: Metric, seed: u64) -> Result<Self, OldLstmError> {
        if sequences.len() < SEQUENCES_MIN {
            return Err(OldLstmError::TooFew { found: sequences.len() });
        }
        let scaler = Scaler::fit(sequences);
        let (training, validation) = sequences.split_at(sequences.len() * 4 / 5);
        let [training, validation] = [training, validation].map(|part| Scaled::of(part, metric, &scaler));
        let (training, validation) = (training?, validation?);
        let mut draws = Draws::new(seed);
        let (network, variables) = Network::draw(&mut draws)?;
        let mut adam = AdamW::new(variables, ADAM)?;
        let mut best = (f64::INFINITY, network.freeze()?);
        let mut since_best = 0;
        for _ in 0..EPOCHS {
            epoch(&network, &mut adam, &training, &mut draws)?;
            let frozen = network.freeze()?;
            let mse = errors(&frozen, &validation)?.mse;
            since_best += 1;
            if mse < best.0 {
                (best, since_best) = ((mse, frozen), 0);
            }
            if since_best == PATIENCE {
                break;
            }
        }
        let errors = errors(&best.1, &validation)?;
        Ok(Self { metric, scaler, network: best.1, errors })
    }

    /// The errors on the last 20 % of the sequences that it was given.
    pub fn errors(&self) -> ScaledErrors {
        self.errors
    }

    /// The next counts after `windows`.
    ///
    /// # Errors
    /// What candle's operations return.
    pub fn next(&self, windows: &[Window]) -> Result<Vec<f64>, OldLstmError> {
        if windows.is_empty() {
            return Ok(Vec::new());
        }
        let scaled = self.network.next(&tensor(windows.iter(), &self.scaler)?, None)?.to_vec1::<f32>()?;
        Ok(scaled.into_iter().map(|scaled| self.scaler.count(self.metric, scaled)).collect())
    }
}

fn epoch(network: &Network, adam: &mut AdamW, training: &Scaled, draws: &mut Draws) -> Result<(), candle_core::Error> {
    let order: Vec<u32> = draws.order(training.next.dim(0)?).into_iter().map(|index| index as u32).collect();
    for batch in order.chunks(BATCH) {
        let masks = Masks::draw(batch.len(), draws)?;
        let batch = Tensor::new(batch, &Device::Cpu)?;
        let said = network.next(&training.windows.index_select(&batch, 0)?, Some(&masks))?;
        adam.backward_step(&loss::mse(&said, &training.next.index_select(&batch, 0)?)?)?;
    }
    Ok(())
}

fn errors(network: &Network, scaled: &Scaled) -> Result<ScaledErrors, candle_core::Error> {
    let errors = (network.next(&scaled.windows, None)? - &scaled.next)?.to_vec1::<f32>()?;
    let mean = |of: fn(f64) -> f64| errors.iter().map(|error| of(f64::from(*error))).sum::<f64>() / errors.len() as f64;
    Ok(ScaledErrors { mae: mean(f64::abs), mse: mean(|error| error * error) })
}

impl Scaled {
    fn of(sequences: &[Sequence], metric: Metric, scaler: &Scaler) -> Result<Self, candle_core::Error> {
        let next: Vec<f32> = sequences.iter().map(|sequence| scaler.scale_count(metric, &sequence.next)).collect();
        Ok(Self {
            windows: tensor(sequences.iter().map(|sequence| &sequence.window), scaler)?,
            next: Tensor::new(next, &Device::Cpu)?,
        })
    }
}

/// Scaled windows, [n, steps, inputs].
fn tensor<'a>(windows: impl Iterator<Item = &'a Window>, scaler: &Scaler) -> Result<Tensor, candle_core::Error> {
    let values: Vec<f32> = windows.flat_map(|window| scaler.scale_window(window)).collect();
    let count = values.len() / (WINDOW_STEPS * INPUTS);
    Tensor::from_vec(values, (count, WINDOW_STEPS, INPUTS), &Device::Cpu)
}
