//! Models made anew of what is stored, beside a run, and put into use where they are better than what is.
//!
//! Now and then, on a thread of low priority and over a connection of its own: the snapshots of the last two weeks are read, of
//! some of the videos where there are many; for each counter a model is trained on the last seven days' origins but the newest
//! quarter, and judged by that quarter, as is the one in use. Then the row and the figures are written, in one transaction, which
//! does nothing once another process has taken over the tables.
//!
//! | module | one concept |
//! |---|---|
//! | `recent` | the snapshots that are trained on |
//! | `round` | one retraining of one model |
//! | `rest` | training that steps back where the core is wanted |
//! | `register` | what came of it, into the tables |
//! | `schedule` | the thread, and when it works |

mod recent;
mod register;
mod rest;
mod round;
mod schedule;

pub use schedule::{RetrainConfig, Retraining};

use viewtide_models::artifact::ArtifactError;
use viewtide_models::lstm::LstmError;

use crate::registry::RegistryError;
use crate::train::stored_snapshots::StoredSnapshotsError;

/// Why a retraining came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum RetrainError {
    /// What is stored cannot be read.
    #[error(transparent)]
    Snapshots(#[from] StoredSnapshotsError),
    /// The models cannot be read or written.
    #[error(transparent)]
    Models(#[from] RegistryError),
    /// The training does not work.
    #[error("training {model}: {error}")]
    Training {
        /// What was trained.
        model: &'static str,
        /// What is wrong.
        error: LstmError,
    },
    /// What was trained is no model.
    #[error("the new model of {model}: {error}")]
    Artifact {
        /// What was trained.
        model: &'static str,
        /// What is wrong.
        error: ArtifactError,
    },
    /// It takes too long.
    #[error("training {model} took more than {} s and was ended", crate::limits::RETRAIN_SECONDS_MAX)]
    TooLong {
        /// What was trained.
        model: &'static str,
    },
}
