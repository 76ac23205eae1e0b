//! The tables as a sink keeps them from the updates, which checks what the updates promise.

use std::collections::{BTreeMap, BTreeSet};

use crate::metadata::{Metadata, MetadataSource, VideoRow};
use crate::trending::TrendingUpdate;
use crate::trending::oracle::Ranks;
use crate::trends::{TrendRow, TrendUpdate, WINDOWS_HOURS};
use crate::video_id::VideoId;

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Model {
    pub trends: BTreeMap<VideoId, TrendRow>,
    pub ranks: Ranks,
    pub categories: BTreeMap<VideoId, Option<Box<str>>>,
}

impl Model {
    /// Applies a tick's updates, of all workers and in any order.
    pub fn apply(&mut self, trends: &[TrendUpdate], trending: &[TrendingUpdate]) {
        let keys: BTreeSet<_> = trends.iter().map(|update| update.video).collect();
        assert_eq!(keys.len(), trends.len(), "a trend twice in a tick: {trends:?}");
        for TrendUpdate { is_new, video, row } in trends {
            let before = match row {
                Some(row) => self.trends.insert(*video, row.clone()),
                None => self.trends.remove(video),
            };
            assert_eq!(before.is_none(), *is_new, "{row:?}");
            assert_ne!(before, *row, "a trend that did not change");
        }
        let keys: BTreeSet<_> =
            trending.iter().map(|update| (&update.scope, update.window_hours, update.rank)).collect();
        assert_eq!(keys.len(), trending.len(), "a rank twice in a tick: {trending:?}");
        for TrendingUpdate { scope, window_hours, rank, row } in trending {
            assert!(WINDOWS_HOURS.contains(window_hours));
            let key = (scope.clone(), *window_hours, *rank);
            let before = match row {
                Some(row) => self.ranks.insert(key, *row),
                None => self.ranks.remove(&key),
            };
            assert_ne!(before, *row, "a rank that did not change");
        }
    }

    /// What a start loads of videos.
    pub fn videos(&self) -> Vec<VideoRow> {
        self.categories.iter().map(|(&video, category)| video_row(video, category.clone())).collect()
    }
}

/// A row of which but the category counts here.
pub fn video_row(video: VideoId, category_id: Option<Box<str>>) -> VideoRow {
    let metadata = Metadata { title: Some("a".into()), category_id, ..Metadata::default() };
    VideoRow { video, source: MetadataSource::Snippet, metadata }
}
