//! Several ticks as one batch: each key of a table at most once, in its final form, and sorted by what is done with it.

use std::collections::BTreeMap;

use viewtide_dataflows::metadata::VideoRow;
use viewtide_dataflows::series::{HourUpdate, SnapshotChange, SnapshotUpdate};
use viewtide_dataflows::trending::TrendingUpdate;
use viewtide_dataflows::trends::{TrendRow, TrendUpdate};
use viewtide_dataflows::video_id::VideoId;

/// Rows of snapshots by what is done with them, each key at most once over all of them, in order of keys.
#[derive(Debug, Default)]
pub struct SnapshotRows {
    /// The key is not in the table.
    pub appended: Vec<SnapshotUpdate>,
    /// The row is written whole, over an older one of its key; a late one not over one that is folded in.
    pub merged: Vec<SnapshotUpdate>,
    /// The row is there; only its growth changes.
    pub regrown: Vec<SnapshotUpdate>,
}

/// Rows of hours by what is done with them, each key at most once over both, in order of keys.
#[derive(Debug, Default)]
pub struct HourRows {
    /// The key is not in the table.
    pub new: Vec<HourUpdate>,
    /// The row is there.
    pub changed: Vec<HourUpdate>,
}

/// Rows of trends by what is done with them, each video at most once over all of them, in order of videos.
#[derive(Debug, Default)]
pub struct TrendRows {
    /// The video is not in the table.
    pub new: Vec<TrendRow>,
    /// The row is there.
    pub changed: Vec<TrendRow>,
    /// The row is there, and goes.
    pub gone: Vec<VideoId>,
}

/// Composes updates that are in order of ticks for each key.
pub fn compose_snapshots(updates: Vec<SnapshotUpdate>) -> SnapshotRows {
    let mut rows = SnapshotRows::default();
    for update in last_of_each(updates, |update| (update.video.0, update.snapshot.time), compose_snapshot) {
        match update.change {
            SnapshotChange::Appended => rows.appended.push(update),
            SnapshotChange::Upserted | SnapshotChange::Late => rows.merged.push(update),
            SnapshotChange::Regrown => rows.regrown.push(update),
        }
    }
    rows
}

/// Composes updates that are in order of ticks for each key.
pub fn compose_hours(updates: Vec<HourUpdate>) -> HourRows {
    let mut rows = HourRows::default();
    let compose = |earlier: HourUpdate, later: HourUpdate| HourUpdate { before: earlier.before, row: later.row };
    for update in last_of_each(updates, |update| (update.row.video.0, update.row.hour_start), compose) {
        if update.before.is_none() { rows.new.push(update) } else { rows.changed.push(update) }
    }
    rows
}

/// Composes updates that are in order of ticks for each video.
pub fn compose_videos(updates: Vec<VideoRow>) -> Vec<VideoRow> {
    last_of_each(updates, |row| row.video.0, |_, later| later).collect()
}

/// Composes updates that are in order of ticks for each video.
pub fn compose_trends(updates: Vec<TrendUpdate>) -> TrendRows {
    let mut rows = TrendRows::default();
    let compose = |earlier: TrendUpdate, later: TrendUpdate| TrendUpdate { is_new: earlier.is_new, ..later };
    for update in last_of_each(updates, |update| update.video.0, compose) {
        match update.row {
            Some(row) if update.is_new => rows.new.push(row),
            Some(row) => rows.changed.push(row),
            // One that came and went within the batch was never in the table.
            None if update.is_new => {}
            None => rows.gone.push(update.video),
        }
    }
    rows
}

/// Composes updates that are in order of ticks for each rank.
pub fn compose_trending(updates: Vec<TrendingUpdate>) -> Vec<TrendingUpdate> {
    let mut last = BTreeMap::new();
    for update in updates {
        last.insert((update.scope.clone(), update.window_hours, update.rank), update);
    }
    last.into_values().collect()
}

/// One update of a key after another.
fn compose_snapshot(earlier: SnapshotUpdate, later: SnapshotUpdate) -> SnapshotUpdate {
    use SnapshotChange::{Appended, Late, Regrown, Upserted};
    match (earlier.change, later.change) {
        // Never over a row that was folded in.
        (Appended | Upserted | Regrown, Late) => earlier,
        (Late, Late) | (Regrown, Regrown | Upserted | Appended) | (Upserted, Upserted) => later,
        // What grows anew was folded in, so the late row before it changed nothing.
        (Late, Regrown) => later,
        // The key was not in the table before the first of them, so it still is not.
        (Appended, Upserted | Appended) => SnapshotUpdate { change: Appended, ..later },
        // The record is the earlier one's, with its source; its growth is the later one's.
        (Appended | Upserted, Regrown) => SnapshotUpdate { growth: later.growth, ..earlier },
        // A late row stands in the table, or did for a moment: it is replaced.
        (Late | Upserted, Appended) | (Late, Upserted) => SnapshotUpdate { change: Upserted, ..later },
    }
}

/// Sorts by key, and composes the updates of each key in the order in which they came.
pub(super) fn last_of_each<T, K: Ord + Copy>(
    updates: Vec<T>,
    key: impl Fn(&T) -> K,
    compose: impl Fn(T, T) -> T,
) -> impl Iterator<Item = T> {
    // Sorting keys and moving each row once is cheaper than sorting wide rows.
    let mut order: Vec<(K, u32)> = updates.iter().zip(0..).map(|(update, index)| (key(update), index)).collect();
    order.sort_unstable();
    let mut updates: Vec<Option<T>> = updates.into_iter().map(Some).collect();
    let mut order = order.into_iter().peekable();
    std::iter::from_fn(move || {
        let (key, index) = order.next()?;
        let mut composed = updates[index as usize].take()?;
        while let Some((_, index)) = order.next_if(|(next, _)| *next == key) {
            composed = compose(composed, updates[index as usize].take()?);
        }
        Some(composed)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use viewtide_dataflows::growth::Growth;
    use viewtide_dataflows::hourly::{HourRow, HourTotals};
    use viewtide_dataflows::snapshot::{Nullable, Snapshot};
    use viewtide_dataflows::video_id::VideoId;

    use super::*;

    /// A row of the table, as the transaction writes it.
    #[derive(Clone, Debug, PartialEq)]
    struct Stored {
        views: i64,
        delta: i64,
        folded_in: bool,
        source: Option<Box<str>>,
    }

    type Table = BTreeMap<(u64, i64), Stored>;

    fn write(table: &mut Table, update: &SnapshotUpdate) {
        let key = (update.video.0, update.snapshot.time);
        let delta = update.growth.deltas[0].get().unwrap_or(0);
        let row = Stored {
            views: update.snapshot.counts[0].get().unwrap_or(0),
            delta,
            folded_in: update.change != SnapshotChange::Late,
            source: update.file_source.clone(),
        };
        match update.change {
            SnapshotChange::Appended => assert!(table.insert(key, row).is_none(), "appended over a row"),
            SnapshotChange::Upserted => drop(table.insert(key, row)),
            SnapshotChange::Regrown => table.get_mut(&key).expect("a row that grows anew is there").delta = delta,
            SnapshotChange::Late if table.get(&key).is_some_and(|row| row.folded_in) => {}
            SnapshotChange::Late => drop(table.insert(key, row)),
        }
    }

    /// What `series` may say next about a key whose row is `stored`; `first` where the video has nothing newer.
    fn allowed(stored: Option<&Stored>, choice: u8, newest: bool) -> SnapshotChange {
        match (stored, choice % 3) {
            (None, 0) => SnapshotChange::Late,
            (None, _) if newest => SnapshotChange::Appended,
            (Some(row), 0) if row.folded_in => SnapshotChange::Regrown,
            (Some(_), 1) | (None, _) => SnapshotChange::Upserted,
            (Some(_), _) => SnapshotChange::Late,
        }
    }

    proptest! {
        #[test]
        fn one_batch_of_many_ticks_is_many_batches_of_one(
            choices in prop::collection::vec((0..3u64, 0..4i64, any::<u8>(), 0..1_000i64, any::<bool>()), 1..60),
            before in 0..60usize,
        ) {
            let (mut one_by_one, mut at_once) = (Table::new(), Table::new());
            let mut updates = Vec::new();
            for (index, &(video, time, choice, views, sourced)) in choices.iter().enumerate() {
                let newest = !one_by_one.keys().any(|&(other, later)| other == video && later >= time);
                let change = allowed(one_by_one.get(&(video, time)), choice, newest);
                let update = SnapshotUpdate {
                    change,
                    video: VideoId(video),
                    snapshot: Snapshot { time, counts: [Nullable::some(views); 3] },
                    growth: Growth { deltas: [Nullable::some(index as i64); 3], ..Growth::default() },
                    file_source: (sourced && change != SnapshotChange::Regrown).then(|| "x.csv".into()),
                };
                write(&mut one_by_one, &update);
                if index < before { write(&mut at_once, &update) } else { updates.push(update) }
            }
            let rows = compose_snapshots(updates);
            let mut keys: Vec<_> = rows.appended.iter().chain(&rows.merged).chain(&rows.regrown)
                .map(|update| (update.video, update.snapshot.time)).collect();
            keys.sort_unstable();
            prop_assert!(keys.windows(2).all(|pair| pair[0] != pair[1]), "a key twice");
            for update in rows.appended.iter().chain(&rows.merged).chain(&rows.regrown) {
                write(&mut at_once, update);
            }
            prop_assert_eq!(one_by_one, at_once);
        }

        #[test]
        fn trends_that_come_and_go_within_a_batch_leave_what_the_last_says(
            choices in prop::collection::vec((0..3u64, any::<bool>(), 0..5i64), 1..30),
            before in 0..30usize,
        ) {
            let (mut table, mut at_once) = (BTreeMap::new(), BTreeMap::new());
            let mut updates = Vec::new();
            for (index, (video, stays, as_of)) in choices.into_iter().enumerate() {
                let video = VideoId(video);
                let row = stays.then(|| TrendRow { video, as_of, label: None, windows: Default::default() });
                let was = match &row {
                    Some(row) => table.insert(video, row.clone()),
                    None => table.remove(&video),
                };
                // Nothing is said of a video that has no row and gets none.
                if was.is_none() && row.is_none() {
                    continue;
                }
                if index < before {
                    at_once = table.clone();
                } else {
                    updates.push(TrendUpdate { is_new: was.is_none(), video, row });
                }
            }
            let rows = compose_trends(updates);
            for video in rows.gone {
                prop_assert!(at_once.remove(&video).is_some(), "a row goes that is not there");
            }
            for row in rows.changed {
                prop_assert!(at_once.insert(row.video, row).is_some(), "a row changes that is not there");
            }
            for row in rows.new {
                prop_assert!(at_once.insert(row.video, row).is_none(), "a row is new that is there");
            }
            prop_assert_eq!(at_once, table);
        }

        #[test]
        fn hours_stay_new_and_take_the_last_row(choices in prop::collection::vec((0..3u64, 0..3i64), 1..40)) {
            let mut last = BTreeMap::new();
            let updates: Vec<_> = choices.iter().zip(0..).map(|(&(video, hour_start), records)| {
                let row = HourRow { video: VideoId(video), hour_start, records, stats: Default::default() };
                let before = last.insert((video, hour_start), records);
                let totals = |records| HourTotals { records, ..HourTotals::default() };
                HourUpdate { before: before.or((hour_start == 0).then_some(1_000)).map(totals), row }
            }).collect();
            let rows = compose_hours(updates);
            prop_assert!(rows.new.iter().all(|update| update.row.hour_start > 0));
            let as_first = |update: &HourUpdate| update.row.hour_start == 0 && update.before.is_some_and(|before| before.records == 1_000);
            prop_assert!(rows.changed.iter().all(as_first), "what an hour held is what it held before the first update");
            let composed: BTreeMap<_, _> = rows.new.iter().chain(&rows.changed)
                .map(|update| ((update.row.video.0, update.row.hour_start), update.row.records)).collect();
            prop_assert_eq!(composed.len(), rows.new.len() + rows.changed.len());
            prop_assert_eq!(composed, last);
        }
    }
}
