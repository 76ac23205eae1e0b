//! The training of one network: epochs of draws, a schedule, a validation, and what stopping and going on take.

use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use super::LstmError;
use super::architecture::Architecture;
use super::batch::{Batches, Dropout, LossSum};
use super::draws::{Purpose, by_video, epoch, random};
use super::loss::{loss_of_forecasts, weight_sum};
use super::network::{Inputs, Network};
use super::optimiser::{AdamW, clip, one_cycle};
use super::product::Kernel;
use super::recipe::Recipe;
use super::{checkpoint, data};
use crate::samples::Samples;

/// The loss after an epoch: the weighted mean over targets, the three quantiles' pinball losses together, in asinh.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochLoss {
    /// Over the epoch's draws, each as it was before its own step.
    pub training: f64,
    /// Over the validation's samples, where there are any.
    pub validation: Option<f64>,
}

/// Where a training stands after a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// The epoch, from 0.
    pub epoch: usize,
    /// Epochs that it has at most.
    pub epochs: usize,
    /// Steps of this epoch that are done.
    pub step: usize,
    /// Steps of an epoch.
    pub steps: usize,
    /// The epoch's loss so far; its validation after its last step.
    pub loss: EpochLoss,
}

/// How a run of the training ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It is done.
    Finished(Trained),
    /// It was told to stop, and can go on from where it stands.
    Stopped,
}

/// A trained network.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// As it was after the best epoch: by the loss in validation where there is one, else the last.
    pub network: Network,
    /// The best epoch, from 0.
    pub epoch: usize,
    /// The losses of all epochs gone.
    pub losses: Vec<EpochLoss>,
}

/// The training of one network.
pub struct Training<'a> {
    pub(super) plan: Plan,
    samples: &'a Samples,
    validation: Option<&'a Samples>,
    kernel: Kernel,
    pub(super) state: State,
}

/// What a training does, apart from its samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Plan {
    pub(super) architecture: Architecture,
    pub(super) recipe: Recipe,
    pub(super) seed: u64,
    /// A checksum of the samples, of the training and of the validation.
    pub(super) samples: String,
}

/// Where a training stands: with its plan and its samples, all that the steps to come depend on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct State {
    pub(super) weights: Vec<f32>,
    pub(super) optimiser: AdamW,
    /// The weights after the best epoch so far; empty before the first has ended.
    pub(super) best_weights: Vec<f32>,
    pub(super) position: Position,
}

/// The part of [`State`] that is no weights.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Position {
    /// Steps of the current epoch that are done.
    pub(super) step: usize,
    /// The weighted sum of their losses.
    pub(super) loss: f64,
    /// What their targets count.
    pub(super) weight: f64,
    /// The losses of the epochs gone.
    pub(super) losses: Vec<EpochLoss>,
    /// The best of them.
    pub(super) best_epoch: usize,
}

impl<'a> Training<'a> {
    /// A training from the beginning. Without a validation it goes through all its epochs.
    ///
    /// The same arguments give the same bits on one machine, on any number of threads.
    ///
    /// # Errors
    /// [`LstmError`] where sizes, settings or samples are without sense, or there is nothing to learn from.
    pub fn begin(
        architecture: Architecture,
        recipe: Recipe,
        samples: &'a Samples,
        validation: Option<&'a Samples>,
        seed: u64,
    ) -> Result<Self, LstmError> {
        architecture.validate()?;
        recipe.validate()?;
        for (purpose, samples) in [("training", Some(samples)), ("validation", validation)] {
            let Some(samples) = samples else { continue };
            data::check(samples, &architecture)?;
            if weight_sum(&samples.target, &samples.weight) == 0.0 {
                return Err(LstmError::NoSamples { purpose });
            }
        }
        let plan = Plan { architecture, recipe, seed, samples: data::fingerprint(samples, validation) };
        let weights = architecture.draw(&mut random(seed, Purpose::Weights));
        let optimiser = AdamW::new(weights.len());
        let state = State { weights, optimiser, best_weights: Vec::new(), position: Position::default() };
        Ok(Self { plan, samples, validation, kernel: Kernel::detect(), state })
    }

    /// A training from where a checkpoint left it: to the bit what it would have been without the stop. The other
    /// arguments are to be those that it was begun with.
    ///
    /// # Errors
    /// As [`Training::begin`]; [`checkpoint::CheckpointError`] where the checkpoint is damaged, of another version or of
    /// another training.
    pub fn resume(
        checkpoint: &[u8],
        architecture: Architecture,
        recipe: Recipe,
        samples: &'a Samples,
        validation: Option<&'a Samples>,
        seed: u64,
    ) -> Result<Self, checkpoint::CheckpointError> {
        let begun = Self::begin(architecture, recipe, samples, validation, seed)?;
        let state = checkpoint::read(checkpoint, &begun.plan)?;
        Ok(Self { state, ..begun })
    }

    /// All that is needed to go on later.
    ///
    /// # Errors
    /// [`crate::sealed::SealError`] where it cannot be written, which no state of a training leads to.
    pub fn checkpoint(&self) -> Result<Vec<u8>, checkpoint::CheckpointError> {
        checkpoint::write(&self.plan, &self.state)
    }

    /// Trains until it is done or `stop` is set, which is looked at before each step. `progress` is called after each.
    ///
    /// # Errors
    /// [`LstmError::Diverged`] where the loss is no finite number any more.
    pub fn run(
        &mut self,
        threads: usize,
        stop: &AtomicBool,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<Outcome, LstmError> {
        let Plan { architecture, recipe, seed, .. } = self.plan.clone();
        let videos = by_video(self.samples);
        let mut batches = Batches::new(architecture, self.kernel, recipe.batch);
        let mut gradient = vec![0.0; self.state.weights.len()];
        let steps = (videos.len() * recipe.draws_per_video).div_ceil(recipe.batch);
        while !self.is_done() {
            let current = self.state.position.losses.len();
            let drawn = epoch(&videos, recipe.draws_per_video, &mut random(seed, Purpose::Epoch(current)));
            for batch in drawn.chunks(recipe.batch).skip(self.state.position.step) {
                if stop.load(Ordering::Relaxed) {
                    return Ok(Outcome::Stopped);
                }
                let step = self.state.optimiser.steps;
                let dropout = (recipe.dropout > 0.0).then_some(Dropout { rate: recipe.dropout, seed, step });
                let weights = &self.state.weights;
                let loss = batches.gradient(weights, self.samples, batch, dropout, threads, &mut gradient);
                self.step(loss, &mut gradient, recipe.epochs * steps)?;
                let position = &self.state.position;
                let loss = EpochLoss { training: position.loss / position.weight, validation: None };
                if position.step < steps {
                    progress(&Progress { epoch: current, epochs: recipe.epochs, step: position.step, steps, loss });
                }
            }
            let loss = self.end_epoch(threads)?;
            progress(&Progress { epoch: current, epochs: recipe.epochs, step: steps, steps, loss });
        }
        let Position { losses, best_epoch: epoch, .. } = self.state.position.clone();
        let network = Network::of_weights(architecture, self.state.best_weights.clone());
        Ok(Outcome::Finished(Trained { network, epoch, losses }))
    }

    fn is_done(&self) -> bool {
        let Position { losses, best_epoch, .. } = &self.state.position;
        let Recipe { epochs, patience_epochs, .. } = self.plan.recipe;
        let waited = losses.len().saturating_sub(best_epoch + 1);
        losses.len() >= epochs || self.validation.is_some() && !losses.is_empty() && waited > patience_epochs
    }

    fn diverged(&self) -> LstmError {
        LstmError::Diverged { epoch: self.state.position.losses.len() }
    }

    /// Moves the weights along a batch's gradient.
    fn step(&mut self, loss: LossSum, gradient: &mut [f32], steps: usize) -> Result<(), LstmError> {
        let Recipe { learning_rate_max, weight_decay, gradient_norm_max, .. } = self.plan.recipe;
        if !(loss.loss.is_finite() && clip(gradient, gradient_norm_max).is_finite()) {
            return Err(self.diverged());
        }
        let State { weights, optimiser, position, .. } = &mut self.state;
        let rate = one_cycle(optimiser.steps as usize, steps, learning_rate_max);
        optimiser.step(weights, gradient, rate, weight_decay);
        position.step += 1;
        position.loss += loss.loss;
        position.weight += loss.weight;
        Ok(())
    }

    /// Validates, and keeps the weights where they are the best so far.
    fn end_epoch(&mut self, threads: usize) -> Result<EpochLoss, LstmError> {
        if !self.state.weights.iter().all(|weight| weight.is_finite()) {
            return Err(self.diverged());
        }
        let validation = self.validation.map(|samples| self.loss_of(samples, threads)).transpose()?;
        if validation.is_some_and(|loss| !loss.is_finite()) {
            return Err(self.diverged());
        }
        let State { weights, best_weights, position, .. } = &mut self.state;
        let loss = EpochLoss { training: position.loss / position.weight, validation };
        let best = position.losses.get(position.best_epoch).and_then(|loss| loss.validation);
        if best.zip(validation).is_none_or(|(best, loss)| loss < best) {
            position.best_epoch = position.losses.len();
            best_weights.clone_from(weights);
        }
        position.losses.push(loss);
        (position.step, position.loss, position.weight) = (0, 0.0, 0.0);
        Ok(loss)
    }

    fn loss_of(&self, samples: &Samples, threads: usize) -> Result<f64, LstmError> {
        let network = Network::of_weights(self.plan.architecture, self.state.weights.clone());
        let forecasts = network.forecast_with(self.kernel, Inputs::from(samples), threads)?;
        let loss = loss_of_forecasts(&forecasts, &samples.target, &samples.weight);
        Ok(loss / weight_sum(&samples.target, &samples.weight))
    }
}

#[cfg(test)]
mod tests;
