//! How a network is trained.

use serde::{Deserialize, Serialize};

use super::LstmError;

/// Rows of a batch at most: dropout's streams of random numbers tell 2^16 blocks of a step apart.
pub const BATCH_MAX: usize = 1 << 16;

/// Epochs at most.
pub const EPOCHS_MAX: usize = 10_000;

/// Samples that an epoch draws of each video at most.
pub const DRAWS_PER_VIDEO_MAX: usize = 1_000_000;

/// How a network is trained.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Epochs, unless the training stops early.
    pub epochs: usize,
    /// Samples that an epoch draws of each video.
    pub draws_per_video: usize,
    /// Samples of a step.
    pub batch: usize,
    /// The learning rate at its highest.
    pub learning_rate_max: f64,
    /// What a weight loses in a step, as a part of it and of the learning rate.
    pub weight_decay: f64,
    /// The norm that a step's gradient is scaled down to.
    pub gradient_norm_max: f64,
    /// The share of states that a step leaves out, between layers and before the dense ones.
    pub dropout: f32,
    /// Epochs without a better loss in validation after which the training stops.
    pub patience_epochs: usize,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            epochs: 20,
            draws_per_video: 400,
            batch: 256,
            learning_rate_max: 4e-3,
            weight_decay: 1e-4,
            gradient_norm_max: 1.0,
            dropout: 0.1,
            patience_epochs: 10,
        }
    }
}

impl Recipe {
    /// # Errors
    /// [`LstmError::Setting`] for the first setting without sense.
    pub fn validate(&self) -> Result<(), LstmError> {
        let Self {
            epochs, draws_per_video, batch, learning_rate_max, weight_decay, gradient_norm_max, dropout, ..
        } = *self;
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let settings = [
            ("epochs", epochs as f64, (1..=EPOCHS_MAX).contains(&epochs), "from 1 to 10,000"),
            (
                "draws_per_video",
                draws_per_video as f64,
                (1..=DRAWS_PER_VIDEO_MAX).contains(&draws_per_video),
                "from 1 to 1,000,000",
            ),
            ("batch", batch as f64, (1..=BATCH_MAX).contains(&batch), "from 1 to 65,536"),
            ("learning_rate_max", learning_rate_max, positive(learning_rate_max), "above 0"),
            ("weight_decay", weight_decay, positive(weight_decay) || weight_decay == 0.0, "0 or above"),
            ("gradient_norm_max", gradient_norm_max, positive(gradient_norm_max), "above 0"),
            ("dropout", f64::from(dropout), (0.0..1.0).contains(&dropout), "at least 0 and below 1"),
        ];
        match settings.into_iter().find(|(.., is_good, _)| !is_good) {
            Some((name, value, _, expected)) => Err(LstmError::Setting { name, value, expected }),
            None => Ok(()),
        }
    }
}
