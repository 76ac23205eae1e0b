//! How good forecasts are: on each video against a fixed naive forecast, and over all of them.
//!
//! A method's *relative error* is, for each video, its mean absolute error over that of the reference on the same origins, and
//! the geometric mean of it over the active videos, so that large ones do not drown the rest.
//!
//! | module | one concept |
//! |---|---|
//! | `target` | what is forecast and scored: one row an origin |
//! | `active` | the videos that count |
//! | `figures` | the figures of one method |
//! | `bootstrap` | how much of a figure is the choice of videos |
//! | [`folds`] | which videos a benchmark trains on, and which it scores |

mod active;
mod bootstrap;
mod figures;
pub mod folds;
mod target;
#[cfg(test)]
mod tests;

pub use active::active_videos;
pub use figures::{Forecast, Scores, score};
pub use target::Target;

use crate::naive::Naive;
use crate::task::Metric;

/// What a method's errors are divided by: for each metric and horizon one of the best naive forecasts, fixed, so that figures of
/// different days can be compared.
pub fn reference(metric: Metric, horizon_hours: u32) -> Naive {
    match (metric, horizon_hours) {
        (Metric::Views, ..=1) => Naive::Ewma3,
        (Metric::Views, _) => Naive::PowerLaw,
        (Metric::Likes, ..=1) => Naive::LastIncrement,
        (Metric::Likes, ..=6) => Naive::Ewma3,
        (Metric::Comments, ..=1) => Naive::Ewma3,
        (Metric::Comments, ..=6) => Naive::Median24,
        (Metric::Likes | Metric::Comments, _) => Naive::Ewma6,
    }
}
