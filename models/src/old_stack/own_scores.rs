//! The old stack's errors as it counted them, beside what it said of itself.
//!
//! They are of counts, or of counts on a scale of 0 to 1, a snapshot ahead: there "no change" looks excellent too, so they say
//! little of what a forecast is worth. What it is worth is what [`crate::evaluate`] says.

use std::sync::atomic::AtomicBool;

use serde::Serialize;

use super::forest::{ForestError, forest_errors};
use super::lstm::{OldLstmError, lstm_errors};
use crate::task::{Metric, Videos};

/// A model of the old stack that fails.
#[derive(Debug, thiserror::Error)]
pub enum OldStackError {
    /// Its random forest.
    #[error(transparent)]
    Forest(#[from] ForestError),
    /// Its LSTM.
    #[error(transparent)]
    Lstm(#[from] OldLstmError),
}

/// What the old stack said of a model of its own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Claim {
    /// Mean absolute error.
    pub mae: f64,
    /// Mean squared error.
    pub mse: f64,
}

/// What it said of its LSTM, by metric.
const LSTM_CLAIMS: [Claim; 3] =
    [Claim { mae: 0.09, mse: 0.01 }, Claim { mae: 0.03, mse: 0.002 }, Claim { mae: 0.36, mse: 0.34 }];

/// The errors of one model for one counter, as the old stack counted them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OwnScore {
    /// Which counter.
    pub metric: Metric,
    /// Which model, and of what its errors are.
    pub model: &'static str,
    /// What the old stack said; `None` where it said nothing.
    pub claimed: Option<Claim>,
    /// Mean absolute error, like those below of the model rebuilt; `None` where there is too little to train on.
    pub mae: Option<f64>,
    /// Mean squared error.
    pub mse: Option<f64>,
    /// 1 less the squared errors over the squared deviations from the mean; only the forest had it.
    pub r2: Option<f64>,
}

/// The errors of the LSTM, a mean over `videos`, and of the forest, by metric. They are the same on any number of threads.
///
/// # Errors
/// A model cannot be trained, or `stop` was set before it was.
pub fn own_scores(
    videos: &Videos,
    seed: u64,
    threads: usize,
    stop: &AtomicBool,
) -> Result<Vec<OwnScore>, OldStackError> {
    let of_lstm = lstm_errors(videos, seed, threads, stop)?;
    let mut scores = Vec::new();
    for (metric, errors) in Metric::ALL.into_iter().zip(of_lstm) {
        scores.push(OwnScore {
            metric,
            model: "LSTM, counts scaled to 0 to 1",
            claimed: Some(LSTM_CLAIMS[metric as usize]),
            mae: errors.map(|errors| errors.mae),
            mse: errors.map(|errors| errors.mse),
            r2: None,
        });
        let errors = forest_errors(videos, metric, seed)?;
        scores.push(OwnScore {
            metric,
            model: "random forest, counts",
            claimed: None,
            mae: errors.map(|errors| errors.mae),
            mse: errors.map(|errors| errors.mse),
            r2: errors.map(|errors| errors.r2).filter(|r2| r2.is_finite()),
        });
    }
    Ok(scores)
}
