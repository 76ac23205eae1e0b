//! Evaluation: every method at every origin, as if it all happened live, and one table of scores.
//!
//! | module | one concept |
//! |---|---|
//! | `fans` | what was forecast of some videos, beside what came of it |
//! | `replay` | one video's origins in order, with what could be known at each |
//! | `networks` | what networks say at every origin |
//! | `out_of_fold` | networks scored on videos that they were not trained on |
//! | `table` | all methods' scores |

mod fans;
#[cfg(test)]
mod network_tests;
mod networks;
mod out_of_fold;
mod replay;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use viewtide_dataflows::snapshot::EventTime;
use viewtide_dataflows::video_id::VideoId;

use crate::score::Forecast;
use crate::task::{HORIZONS_HOURS, Metric};

pub use fans::{Fan, Fans, VideoFans, fans};
pub use networks::foresee;
pub use out_of_fold::{OutOfFold, Step};
pub use table::{Line, NAIVE_BLEND, blend_name, evaluate};

/// Forecasts of a method that is no naive one, by video, origin and counter: for each horizon that it speaks of.
pub type Given = BTreeMap<(VideoId, EventTime, Metric), [Option<Forecast>; HORIZONS_HOURS.len()]>;

/// A method whose forecasts were made before, out of what was known at each origin.
#[derive(Clone, Debug)]
pub struct Method {
    /// As the table names it.
    pub name: String,
    /// What it says; where it says nothing it is not scored.
    pub forecasts: Given,
    /// Whether it is blended with the naive forecasts as well, in a line of its own.
    pub is_blended: bool,
}
