//! Samples that a training can work with.

use sha2::{Digest, Sha256};

use super::LstmError;
use super::architecture::{Architecture, HORIZONS};
use super::network::Inputs;
use crate::samples::Samples;
use crate::sealed::{bytes_of, hex};

/// # Errors
/// [`LstmError::Length`] where an array has another number of rows than there are videos, [`LstmError::Value`] for an
/// input that is not finite, a target that is neither finite nor NaN, a weight that is not finite or below 0.
pub(crate) fn check(samples: &Samples, architecture: &Architecture) -> Result<(), LstmError> {
    let Samples { window, context, base, target, weight, video } = samples;
    let rows = video.len();
    Inputs::from(samples).check(architecture, rows)?;
    for (name, len) in [("target", target.len()), ("weight", weight.len())] {
        if len != rows * HORIZONS {
            return Err(LstmError::Length { name, len, rows, per_row: HORIZONS });
        }
    }
    let finite = |value: f32| value.is_finite();
    all(window, "window", architecture.steps * architecture.inputs, "finite number", finite)?;
    all(context, "context", architecture.context, "finite number", finite)?;
    all(base, "base", HORIZONS, "finite number", finite)?;
    all(target, "target", HORIZONS, "finite number, nor NaN for a missing one", |value| !value.is_infinite())?;
    all(weight, "weight", HORIZONS, "finite number of 0 or above", |value| value.is_finite() && value >= 0.0)
}

fn all(
    values: &[f32],
    name: &'static str,
    per_row: usize,
    expected: &'static str,
    is_good: impl Fn(f32) -> bool,
) -> Result<(), LstmError> {
    match values.iter().position(|value| !is_good(*value)) {
        Some(at) => Err(LstmError::Value { name, row: at / per_row, value: values[at], expected }),
        None => Ok(()),
    }
}

/// A checksum that tells whether two trainings have the same samples.
pub(crate) fn fingerprint(training: &Samples, validation: Option<&Samples>) -> String {
    let mut sha256 = Sha256::new();
    for samples in [Some(training), validation].into_iter().flatten() {
        let Samples { window, context, base, target, weight, video } = samples;
        for values in [window, context, base, target, weight] {
            sha256.update((values.len() as u64).to_le_bytes());
            sha256.update(bytes_of(values));
        }
        sha256.update((video.len() as u64).to_le_bytes());
        sha256.update(video.iter().flat_map(|video| video.to_le_bytes()).collect::<Vec<u8>>());
    }
    hex(&sha256.finalize())
}
