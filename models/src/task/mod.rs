//! The task: what is forecast, from what, and what came of it.
//!
//! A forecast is made at an *origin*, the first snapshot of a video's UTC hour to arrive, from what was observed at or before
//! it. It says which count a counter will have 1, 6 and 24 hours later. What counts is the *gain* from the count at the origin
//! to that one: on the counts themselves "no change" would look excellent.
//!
//! | module | one concept |
//! |---|---|
//! | `missing` | which count of a snapshot says something |
//! | `origin` | what is known at an origin: counts and gains at whole hours back from it |
//! | `actual` | what the count came to be, and when that is known |
//! | `videos` | the snapshots and origins of many videos in memory |

mod actual;
mod missing;
mod origin;
#[cfg(test)]
mod tests;
mod videos;

use serde::{Deserialize, Serialize};
use viewtide_dataflows::snapshot::HOUR_US;

pub use actual::Actual;
pub use origin::{Origin, Steps};
pub use videos::{Video, Videos};

/// How far ahead is forecast, hours.
pub const HORIZONS_HOURS: [u32; 3] = [1, 6, 24];

/// Hourly steps of all counters that a network sees. An origin without them is forecast by the fallback.
pub const WINDOW_STEPS: usize = 20;

/// Hourly steps of a day.
pub const DAY_STEPS: usize = 24;

/// Hourly steps that anything sees: seven days, which memory keeps of every video.
pub const MEMORY_STEPS: usize = 168;

/// Snapshots further apart than this say nothing of the counts between them, microseconds: a day has four parts that differ.
pub const GAP_US_MAX: i64 = 6 * HOUR_US;

/// How far back of an origin a snapshot may matter, microseconds: a neighbour of the oldest step.
pub const REACH_US: i64 = MEMORY_STEPS as i64 * HOUR_US + GAP_US_MAX;

/// A counter that is forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Views.
    Views,
    /// Likes.
    Likes,
    /// Comments.
    Comments,
}

impl Metric {
    /// All of them, in the order of every table.
    pub const ALL: [Self; 3] = [Self::Views, Self::Likes, Self::Comments];

    /// As tables name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Views => "views",
            Self::Likes => "likes",
            Self::Comments => "comments",
        }
    }

    /// This one, then the other two in the order of [`Self::ALL`].
    pub fn first(self) -> [Self; 3] {
        match self {
            Self::Views => [Self::Views, Self::Likes, Self::Comments],
            Self::Likes => [Self::Likes, Self::Views, Self::Comments],
            Self::Comments => [Self::Comments, Self::Views, Self::Likes],
        }
    }
}
