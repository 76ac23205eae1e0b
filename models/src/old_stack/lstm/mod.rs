//! The old stack's LSTM: from the last 20 counts and growth rates to the next count, all scaled to 0 to 1 by a video's least and
//! largest values.
//!
//! A training knows the rows of one video. The first 80 % of their sequences are trained on; the rest says after which epoch to
//! stop. It is scored as it was: on that same rest, on the scale of 0 to 1, with a scaler that was fitted on all rows, those that
//! are forecast among them. As a forecaster it is the same training as if it were run after 80 % of a video's hours: it knows
//! nothing later, and is scored on the other 20 %.
//!
//! Layers and their first weights are those of Keras where nothing else is said, on candle's tensors.
//!
//! | module | one concept |
//! |---|---|
//! | `sequences` | what it learns from: rows of counts and growth rates that follow each other |
//! | `scaler` | counts and growth rates as 0 to 1, and back |
//! | `draws` | the random numbers of a training |
//! | `network` | layers, their first weights, dropout |
//! | `training` | epochs, early stopping, and what comes of them |
//! | `forecaster` | forecasts at origins, and errors as the old stack counted them, of many videos |

mod draws;
mod forecaster;
mod network;
mod scaler;
mod sequences;
#[cfg(test)]
mod tests;
mod training;

pub use forecaster::{lstm_errors, lstm_methods};
pub use sequences::{Sequence, Window, sequences};
pub use training::{OldLstm, OldLstmError, ScaledErrors};
