//! The `trending` operators: trends of videos in, changes of the tables of trends and of the ranks out.
//!
//! A list ranks the videos of a scope (all, or one category) by what they gained over a window: those above 0 whose
//! trend's `as_of` is later than the newest `as_of` of all videos less the window; equal ones by their id as text. The
//! contract:
//! - A tick is processed once the inputs have passed it. Its outcome depends on the rows and categories after it alone.
//! - What goes out is the net change of a tick: each row and each rank at most once, in its final form, and only
//!   where it is another than before.
//! - Loading emits nothing: the stored tables are those of what is loaded.
//!
//! Each worker ranks its own videos and hands on its best of each list; a differential `reduce` ranks those of all
//! workers. The newest `as_of` of all is agreed on within the tick: each worker tells the others its own over a loop,
//! in which no message causes another, so that a tick takes one round.
//!
//! What an update costs does not depend on how many videos there are: an ordered set tells who expires when the newest
//! moves (or is back when it moves back), and of a list's videos only the best are kept in order (see `list`). Memory
//! per video: at most 600 bytes, lists included, of which its row in the table of trends is 184.
//!
//! | module | one concept |
//! |---|---|
//! | `operator` | the timely operator: whole ticks in, updates and each worker's lists out |
//! | `videos` | all videos of a worker, and the lists that rank them |
//! | `list` | one list on one worker |
//! | `ranks` | the lists of all workers made one, and what changes in them |
//! | `oracle` | the same tables by definition, for the tests |

mod list;
mod operator;
#[cfg(test)]
mod oracle;
mod ranks;
#[cfg(test)]
mod tests;
mod videos;

pub use operator::{TrendingStreams, trending};

use serde::{Deserialize, Serialize};

use crate::video_id::VideoId;

/// Ranks of each list.
pub const RANKS: u32 = 50;

/// How far lists go.
#[derive(Clone, Copy, Debug)]
pub struct TrendingConfig {
    /// Ranks of each list, at least 1.
    pub ranks: u32,
}

impl Default for TrendingConfig {
    fn default() -> Self {
        Self { ranks: RANKS }
    }
}

/// The name of the list over all videos; no category may be called so.
pub const SCOPE_ALL: &str = "all";

/// Among which videos a list ranks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// All of them.
    All,
    /// Those of the category with this id.
    Category(Box<str>),
}

/// What stands at a rank.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Ranked {
    /// The video.
    pub video: VideoId,
    /// Its `gained` over the list's window, above 0.
    pub views_gained: i64,
    /// Its `per_hour` over the list's window.
    pub views_per_hour: Option<f64>,
}

impl PartialEq for Ranked {
    /// Doubles are equal where their bits are.
    fn eq(&self, other: &Self) -> bool {
        let bits = |ranked: &Self| (ranked.video, ranked.views_gained, ranked.views_per_hour.map(f64::to_bits));
        bits(self) == bits(other)
    }
}

impl Eq for Ranked {}

/// One rank of one list, as it is after a tick in which it changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrendingUpdate {
    /// Whose list.
    pub scope: Scope,
    /// The list's window, one of [`WINDOWS_HOURS`](crate::trends::WINDOWS_HOURS).
    pub window_hours: u32,
    /// The rank, from 1.
    pub rank: u32,
    /// What stands there; `None` where the list has become shorter than that.
    pub row: Option<Ranked>,
}
