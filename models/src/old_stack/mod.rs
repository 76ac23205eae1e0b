//! The stack that viewtide replaces, rebuilt as it was, so that it is scored beside the rest by the same code.
//!
//! Its trend by growth rates is [`crate::naive::Naive::GrowthTrend`].
//!
//! | module | one concept |
//! |---|---|
//! | `counts` | what it reads of snapshots |
//! | `forest` | its random forest, which forecasts the next count |
//! | `lstm` | its LSTM, which forecasts the next scaled count |
//! | `own_scores` | its errors as it counted them, beside what it said of itself |

mod counts;
mod forest;
mod lstm;
mod own_scores;
#[cfg(test)]
mod sample;

pub use forest::{Errors, Forest, ForestError, Row, forest_errors, forest_method, rows};
pub use lstm::{OldLstm, OldLstmError, ScaledErrors, Sequence, Window, lstm_errors, lstm_methods, sequences};
pub use own_scores::{Claim, OldStackError, OwnScore, own_scores};
