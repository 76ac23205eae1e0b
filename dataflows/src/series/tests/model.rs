//! The tables as a sink keeps them from the operator's updates, which checks what the updates promise.

use std::collections::{BTreeMap, BTreeSet};

use crate::growth::Growth;
use crate::hourly::HourTotals;
use crate::retention::Retention;
use crate::series::oracle::{SnapshotRow, Tables};
use crate::series::{HourUpdate, Loaded, SeriesConfig, SnapshotChange, SnapshotUpdate};
use crate::snapshot::{EventTime, Nullable, Snapshot};
use crate::trends::Trend;
use crate::video_id::VideoId;

#[derive(Default)]
pub struct Model {
    pub tables: Tables,
}

impl Model {
    /// Applies a tick's updates, of all workers and in any order.
    pub fn apply(&mut self, snapshots: &[SnapshotUpdate], hours: &[HourUpdate], config: &SeriesConfig) {
        let keys: BTreeSet<_> = snapshots.iter().map(|update| (update.video, update.snapshot.time)).collect();
        assert_eq!(keys.len(), snapshots.len(), "a snapshot twice in a tick: {snapshots:?}");
        let keys: BTreeSet<_> = hours.iter().map(|update| (update.row.video, update.row.hour_start)).collect();
        assert_eq!(keys.len(), hours.len(), "an hour twice in a tick: {hours:?}");
        let newest = self.newest();
        // The order of keys within a tick means nothing: an unlucky one would show.
        for update in snapshots.iter().rev() {
            self.apply_snapshot(update, newest.get(&update.video).copied(), config);
        }
        for HourUpdate { before, row } in hours.iter().rev() {
            assert!(config.hourly);
            let row_before = self.tables.hours.insert((row.video, row.hour_start), *row);
            let gained = |metric: usize| row_before?.stats[metric].gained.get();
            let totals = row_before.map(|row| HourTotals {
                gained: [0, 1, 2].map(|metric| gained(metric).unwrap_or(0)),
                records: row.records,
            });
            assert_eq!(totals, *before, "{row:?}");
            assert_ne!(row_before.as_ref(), Some(row), "an hour that did not change");
        }
    }

    /// Takes the trends of the videos that a tick touched, which are to be `touched`.
    pub fn apply_trends(&mut self, trends: &[Trend], touched: &BTreeSet<VideoId>, config: &SeriesConfig) {
        assert!(config.trends || trends.is_empty());
        let videos: BTreeSet<_> = trends.iter().map(|trend| trend.video).collect();
        assert_eq!(videos.len(), trends.len(), "a trend twice in a tick: {trends:?}");
        assert!(!config.trends || videos == *touched, "trends of {videos:?} for records of {touched:?}");
        for Trend { video, row } in trends {
            match row {
                Some(row) => self.tables.trends.insert(*video, row.clone()),
                None => self.tables.trends.remove(video),
            };
        }
    }

    fn apply_snapshot(&mut self, update: &SnapshotUpdate, newest: Option<EventTime>, config: &SeriesConfig) {
        let key = (update.video, update.snapshot.time);
        let stored = self.tables.snapshots.get(&key);
        let is_newer = newest.is_none_or(|newest| key.1 > newest);
        let row = SnapshotRow {
            counts: update.snapshot.counts,
            growth: update.growth,
            folded_in: true,
            file_source: update.file_source.clone(),
        };
        assert!(config.growth || row.growth == Growth::default());
        let row = match update.change {
            SnapshotChange::Appended => {
                assert!(is_newer && stored.is_none(), "{update:?} over {stored:?}");
                row
            }
            SnapshotChange::Upserted => {
                assert!(!is_newer, "{update:?} is appended");
                row
            }
            SnapshotChange::Regrown => {
                let stored = stored.expect("only what is there is regrown");
                assert!(stored.folded_in && stored.counts == row.counts, "{update:?} over {stored:?}");
                assert_ne!(stored.growth, row.growth, "{update:?} is the same");
                assert_eq!(update.file_source, None);
                SnapshotRow { file_source: stored.file_source.clone(), ..row }
            }
            SnapshotChange::Late => {
                assert_eq!(row.growth, Growth::default());
                if stored.is_some_and(|stored| stored.folded_in) {
                    let memory = newest.map(|newest| config.retention.memory_start(newest));
                    assert!(memory.is_some_and(|start| key.1 < start), "{update:?} over {stored:?} in memory");
                    return;
                }
                SnapshotRow { folded_in: false, ..row }
            }
        };
        self.tables.snapshots.insert(key, row);
    }

    /// Each video's newest event time.
    fn newest(&self) -> BTreeMap<VideoId, EventTime> {
        let folded_in = self.tables.snapshots.iter().filter(|(_, row)| row.folded_in);
        folded_in.map(|(&(video, time), _)| (video, time)).collect()
    }

    /// What a start loads: of each video the folded-in rows that memory keeps, the newest before them, and the newest
    /// with a view count before them.
    pub fn to_load(&self, retention: Retention) -> Vec<Loaded> {
        let mut loaded = Vec::new();
        for (video, newest) in self.newest() {
            let start = retention.memory_start(newest);
            let of_video = self.tables.snapshots.range((video, EventTime::MIN)..=(video, EventTime::MAX));
            let rows: Vec<_> = of_video.filter(|(_, row)| row.folded_in).collect();
            let before = rows.iter().filter(|((_, time), _)| *time < start).count();
            let anchor = before.saturating_sub(1);
            let viewed = rows[..before].iter().rposition(|(_, row)| row.counts[0] != Nullable::NULL);
            let viewed = viewed.filter(|&viewed| viewed < anchor);
            loaded.extend(
                viewed
                    .map(|viewed| rows[viewed])
                    .iter()
                    .chain(&rows[anchor..])
                    .map(|&(&(video, time), row)| Loaded { video, snapshot: Snapshot { time, counts: row.counts } }),
            );
        }
        loaded
    }
}
