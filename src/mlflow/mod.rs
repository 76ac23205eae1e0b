//! Retrainings, mirrored to an MLflow tracking server: parameters, metrics and the model's file of each.
//!
//! The tables are what counts; the server has a copy. A thread looks what stands in `model_metrics` and tells the server what it
//! lacks, so there is no queue that could overflow or be lost: where the server is away, or the process ends half-way, the next
//! look goes on. A tag says which retraining a run is, another one that all of it is there, so none is there twice.
//!
//! | module | one concept |
//! |---|---|
//! | `client` | what it is asked, over its REST API |
//! | `retraining` | a retraining as it stands in the tables, and as MLflow takes it |
//! | [`mirror`] | the thread |

mod client;
pub mod mirror;
mod retraining;

use crate::registry::RegistryError;

/// Why a retraining was not mirrored.
#[derive(Debug, thiserror::Error)]
pub enum MlflowError {
    /// What is to be mirrored cannot be read.
    #[error(transparent)]
    Tables(#[from] RegistryError),
    /// Nobody is there, or too slow.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// The server said no.
    #[error("it refuses {call} with status {status}: {message}")]
    Refused {
        /// What was asked.
        call: &'static str,
        /// The status of HTTP.
        status: u16,
        /// MLflow's name of the error, where it is one.
        code: Option<String>,
        /// The server's word.
        message: String,
    },
    /// The server's answer is not what its API promises.
    #[error("it answers {call} with {answer}; is it an MLflow tracking server?")]
    Answer {
        /// What was asked.
        call: &'static str,
        /// What came.
        answer: String,
    },
    /// Runs cannot be added to the experiment.
    #[error("the experiment {0} is deleted there; restore it, or rename it")]
    DeletedExperiment(&'static str),
}

impl MlflowError {
    /// Whether the server said no by this name of MLflow's.
    fn has_code(&self, name: &str) -> bool {
        matches!(self, Self::Refused { code: Some(code), .. } if code == name)
    }

    /// Whether it is about one run, so that others may be taken: not where nobody is let in, or nothing works.
    fn is_of_run(&self) -> bool {
        matches!(self, Self::Refused { status: 400 | 404, .. })
    }
}
