//! A training that stopped, as bytes from which it goes on.

use serde::{Deserialize, Serialize};

use super::LstmError;
use super::optimiser::AdamW;
use super::training::{Plan, Position, State};
use crate::sealed::{SealError, Tensor, Tensors, open, seal};

const FORMAT: &str = "viewtide checkpoint";

/// To be raised when what a training does, or how its state is written, changes.
const VERSION: u32 = 1;

/// Why a training does not go on from a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// What is wrong with it as a file.
    #[error(transparent)]
    File(#[from] SealError),
    /// What is wrong with the training.
    #[error(transparent)]
    Training(#[from] LstmError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    plan: Plan,
    position: Position,
    /// Steps that the optimiser has made.
    steps: u64,
}

const WEIGHTS: &str = "weights";
const BEST_WEIGHTS: &str = "best_weights";
const MEAN: &str = "optimiser.mean";
const SQUARE: &str = "optimiser.square";

pub(super) fn write(plan: &Plan, state: &State) -> Result<Vec<u8>, CheckpointError> {
    let State { weights, optimiser: AdamW { steps, mean, square }, best_weights, position } = state;
    let manifest = Manifest { plan: plan.clone(), position: position.clone(), steps: *steps };
    let arrays = [(WEIGHTS, weights), (BEST_WEIGHTS, best_weights), (MEAN, mean), (SQUARE, square)];
    let tensor = |values: &Vec<f32>| Tensor { shape: vec![values.len()], values: values.clone() };
    let tensors: Tensors = arrays.into_iter().map(|(name, values)| (name.into(), tensor(values))).collect();
    Ok(seal(FORMAT, VERSION, &manifest, &tensors)?)
}

/// The state of a training with this plan.
pub(super) fn read(bytes: &[u8], plan: &Plan) -> Result<State, CheckpointError> {
    let (Manifest { plan: stored, position, steps }, mut tensors) = open::<Manifest>(FORMAT, VERSION, bytes)?;
    let differences = [
        ("architecture", stored.architecture != plan.architecture),
        ("recipe", stored.recipe != plan.recipe),
        ("seed", stored.seed != plan.seed),
        ("set of samples", stored.samples != plan.samples),
    ];
    if let Some((what, _)) = differences.into_iter().find(|(_, differs)| *differs) {
        return Err(LstmError::OtherTraining(what).into());
    }
    let content = |detail: &str| SealError::Content { format: FORMAT, detail: detail.into() };
    let len = plan.architecture.padded_weights();
    let mut array = |name: &str, may_be_empty: bool| {
        let values = tensors.remove(name).map(|tensor| tensor.values).unwrap_or_default();
        let is_whole = values.len() == len || may_be_empty && values.is_empty();
        if is_whole && values.iter().all(|value| value.is_finite()) { Ok(values) } else { Err(content(name)) }
    };
    let (weights, best_weights) = (array(WEIGHTS, false)?, array(BEST_WEIGHTS, position.losses.is_empty())?);
    let optimiser = AdamW { steps, mean: array(MEAN, false)?, square: array(SQUARE, false)? };
    if position.best_epoch > position.losses.len() || position.losses.len() > plan.recipe.epochs {
        return Err(content("its position").into());
    }
    Ok(State { weights, optimiser, best_weights, position })
}
