//! One list on one worker.
//!
//! Of the videos that the list ranks only the best are kept in order, all down to a bound, several times as many as
//! there are ranks: most updates lie behind the bound before and after, and cost two comparisons. Only once so many
//! have left that fewer than the ranks remain is the list filled anew from all of its videos. What is kept grows with
//! the number of videos, and so does the number of those that must leave: an update's share of the filling does not.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::trends::TrendWindow;
use crate::video_id::VideoId;

use super::Ranked;

/// One in so many of a list's videos is kept in order after filling.
const VIDEOS_PER_KEPT: usize = 16;

/// How a video stands in a list; the better one is the lesser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Standing {
    gained: Reverse<i64>,
    /// The id by [`VideoId::text_order`]; no two videos of a list have the same.
    text: u64,
    /// The bits of views per hour.
    per_hour: Option<u64>,
}

impl Standing {
    /// How a video with this window stands in lists over it; `None` where it does not.
    pub(super) fn of(video: VideoId, window: &TrendWindow) -> Option<Self> {
        (window.gained > 0).then(|| Self {
            gained: Reverse(window.gained),
            text: video.text_order(),
            per_hour: window.per_hour.map(f64::to_bits),
        })
    }

    pub(super) fn ranked(&self) -> Ranked {
        Ranked {
            video: VideoId::from_text_order(self.text),
            views_gained: self.gained.0,
            views_per_hour: self.per_hour.map(f64::from_bits),
        }
    }
}

/// How far the lists of a scope with some number of videos go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub(super) ranks: usize,
    /// Standings kept after filling or trimming; twice as many are trimmed.
    kept: usize,
}

impl Extent {
    pub(super) fn new(ranks: usize, videos: usize) -> Self {
        Self { ranks, kept: (2 * ranks).max(videos / VIDEOS_PER_KEPT) }
    }
}

/// The state of one list.
#[derive(Default)]
pub(super) struct List {
    /// All standings up to the bound.
    best: BTreeSet<Standing>,
    /// `None` where the best are all that there are.
    bound: Option<Standing>,
    /// The first of the best, as they were when they were last handed on.
    listed: Vec<Standing>,
    /// Whether they may be others now.
    is_stale: bool,
}

impl List {
    /// Replaces a video's standing. True where the list has become stale by it.
    pub(super) fn replace(&mut self, before: Option<Standing>, after: Option<Standing>, extent: Extent) -> bool {
        let was_stale = self.is_stale;
        if let Some(before) = before.filter(|before| self.covers(before)) {
            self.best.remove(&before);
            self.is_stale |= self.concerns_listed(&before, extent);
        }
        if let Some(after) = after.filter(|after| self.covers(after)) {
            self.best.insert(after);
            self.is_stale |= self.concerns_listed(&after, extent);
            if self.best.len() > 2 * extent.kept {
                self.trim(extent);
            }
        }
        self.is_stale && !was_stale
    }

    /// Whether standings may be missing among the first.
    pub(super) fn is_to_be_filled(&self, extent: Extent) -> bool {
        self.best.len() < extent.ranks && self.bound.is_some()
    }

    /// Fills the list with the best of all `standings` there are.
    pub(super) fn fill(&mut self, standings: impl Iterator<Item = Standing>, extent: Extent) {
        let mut best = Vec::new();
        self.bound = None;
        for standing in standings {
            if !self.covers(&standing) {
                continue;
            }
            best.push(standing);
            if best.len() == 2 * extent.kept {
                let (_, last, _) = best.select_nth_unstable(extent.kept - 1);
                self.bound = Some(*last);
                best.truncate(extent.kept);
            }
        }
        self.best = best.into_iter().collect();
    }

    /// The first as they were handed on before, and as they are now; `None` where they are the same.
    pub(super) fn hand_on(&mut self, extent: Extent) -> Option<(Vec<Standing>, Vec<Standing>)> {
        self.is_stale = false;
        if self.best.iter().take(extent.ranks).eq(&self.listed) {
            return None;
        }
        let listed: Vec<Standing> = self.best.iter().take(extent.ranks).copied().collect();
        Some((std::mem::replace(&mut self.listed, listed.clone()), listed))
    }

    fn covers(&self, standing: &Standing) -> bool {
        self.bound.is_none_or(|bound| *standing <= bound)
    }

    fn concerns_listed(&self, standing: &Standing, extent: Extent) -> bool {
        self.listed.len() < extent.ranks || self.listed.last().is_some_and(|last| standing <= last)
    }

    fn trim(&mut self, extent: Extent) {
        if let Some(&first_out) = self.best.iter().nth(extent.kept) {
            self.best.split_off(&first_out);
            self.bound = self.best.last().copied();
        }
    }
}
