//! The `trending` operators: trends of videos in, changes of the tables of trends and of the ranks out.

use serde::{Deserialize, Serialize};

use crate::video_id::VideoId;

/// Ranks of each list.
pub const RANKS: u32 = 50;

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
