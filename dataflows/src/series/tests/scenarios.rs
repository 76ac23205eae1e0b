//! Cases in which the updates are written out by hand.

use std::collections::BTreeMap;

use crate::growth::Growth;
use crate::history::History;
use crate::retention::Retention;
use crate::series::net::Updates;
use crate::series::videos::Videos;
use crate::series::{Loaded, SeriesConfig, SnapshotChange, Tally};
use crate::snapshot::{Counts, EventTime, HOUR_US, Nullable, Place, Record, SECOND_US, Snapshot};
use crate::video_id::VideoId;

use super::run::{Setting, run};
use SnapshotChange::{Appended, Late, Regrown, Upserted};

const MINUTE_US: i64 = 60 * SECOND_US;
const DAY_US: i64 = 24 * HOUR_US;
/// The start of an hour.
const T0: EventTime = 1_750_000_000 / 3_600 * HOUR_US;

/// (change, time from T0, views, gained, file_source)
type Row = (SnapshotChange, EventTime, Option<i64>, Option<i64>, Option<&'static str>);
/// (records and gained before, hours from T0, records, sum, gained)
type Hour = (Option<(u32, i64)>, i64, u32, i64, Option<i64>);

/// One video, and one worker without timely around it.
struct Bench {
    videos: Videos<()>,
    offset: u64,
}

impl Bench {
    fn new() -> Self {
        Self {
            videos: Videos::new(
                SeriesConfig { retention: Retention::default(), growth: true, hourly: true, trends: true },
                0,
                (),
            ),
            offset: 0,
        }
    }

    /// Applies a tick of (time from T0, views, file_source); the updates are to be these.
    fn tick(&mut self, records: &[(EventTime, Option<i64>, Option<&str>)], rows: &[Row], hours: &[Hour]) -> Tally {
        let record = |&(time, views, file_source): &(EventTime, Option<i64>, Option<&str>)| {
            self.offset += 1;
            Record {
                video: VideoId(7),
                place: Place { partition: 0, offset: self.offset, item: 0 },
                snapshot: Snapshot { time: T0 + time, counts: counts(views) },
                arrived_us: Nullable::NULL,
                file_source: file_source.map(Into::into),
            }
        };
        let mut updates = Updates::default();
        let tally = self.videos.apply(vec![records.iter().map(record).collect()], &mut updates, |_| ());
        let made: Vec<_> = updates
            .snapshots
            .iter()
            .map(|update| {
                let Snapshot { time, counts } = update.snapshot;
                (
                    update.change,
                    time - T0,
                    counts[0].get(),
                    update.growth.deltas[0].get(),
                    update.file_source.as_deref(),
                )
            })
            .collect();
        assert_eq!(made, rows);
        let made: Vec<_> = updates
            .hours
            .iter()
            .map(|update| {
                let views = update.row.stats[0];
                let hour = (update.row.hour_start - T0) / HOUR_US;
                let before = update.before.map(|totals| (totals.records, totals.gained[0]));
                (before, hour, update.row.records, views.sum, views.gained.get())
            })
            .collect();
        assert_eq!(made, hours);
        tally
    }
}

fn counts(views: Option<i64>) -> Counts {
    [views.into(), Nullable::NULL, Nullable::NULL]
}

#[test]
fn a_late_insert_changes_its_successor_and_both_hours() {
    let mut bench = Bench::new();
    bench.tick(
        &[(0, Some(10), Some("a")), (70 * MINUTE_US, Some(30), None)],
        &[(Appended, 0, Some(10), None, Some("a")), (Appended, 70 * MINUTE_US, Some(30), Some(20), None)],
        &[(None, 0, 1, 10, None), (None, 1, 1, 30, Some(20))],
    );
    bench.tick(
        &[(50 * MINUTE_US, Some(25), Some("b"))],
        &[
            (Upserted, 50 * MINUTE_US, Some(25), Some(15), Some("b")),
            (Regrown, 70 * MINUTE_US, Some(30), Some(5), None),
        ],
        &[(Some((1, 0)), 0, 2, 35, Some(15)), (Some((1, 20)), 1, 1, 30, Some(5))],
    );
    // A missing count splits the growth, and its hour has no sum of its own.
    bench.tick(
        &[(55 * MINUTE_US, None, None)],
        &[(Upserted, 55 * MINUTE_US, None, None, None), (Regrown, 70 * MINUTE_US, Some(30), None, None)],
        &[(Some((2, 15)), 0, 3, 35, Some(15)), (Some((1, 5)), 1, 1, 30, None)],
    );
}

#[test]
fn a_tick_has_one_update_a_key_and_only_what_changed() {
    let mut bench = Bench::new();
    // Newer than all before stays so, with the final values, however often it is corrected within the tick.
    bench.tick(
        &[(0, Some(10), Some("a")), (MINUTE_US, Some(20), None), (0, Some(12), Some("b"))],
        &[(Appended, 0, Some(12), None, Some("b")), (Appended, MINUTE_US, Some(20), Some(8), None)],
        &[(None, 0, 2, 32, Some(8))],
    );
    // Sent again: the row is written for its file_source, and nothing else is.
    bench.tick(&[(0, Some(12), None)], &[(Upserted, 0, Some(12), None, None)], &[]);
    // Corrected and corrected back.
    bench.tick(&[(0, Some(99), None), (0, Some(12), Some("c"))], &[(Upserted, 0, Some(12), None, Some("c"))], &[]);
    // In between, and a successor that is an update of its own.
    bench.tick(
        &[(MINUTE_US, Some(21), None), (1, Some(12), None)],
        &[(Upserted, 1, Some(12), Some(0), None), (Upserted, MINUTE_US, Some(21), Some(9), None)],
        &[(Some((2, 8)), 0, 3, 45, Some(9))],
    );
}

#[test]
fn a_late_row_never_replaces_one_that_is_folded_in() {
    let mut bench = Bench::new();
    let day = |days: i64| days * DAY_US;
    bench.tick(&[(0, Some(1), None)], &[(Appended, 0, Some(1), None, None)], &[(None, 0, 1, 1, None)]);
    // The newest moves within the tick: what is exactly as old as the retention is folded in, what is older is late.
    let tally = bench.tick(
        &[
            (day(7) + 1, Some(9), None),
            (1, Some(2), None),
            (0, Some(5), None),
            (-5, Some(6), None),
            (-5, Some(7), Some("x")),
        ],
        &[
            (Appended, 1, Some(2), Some(1), None),
            (Appended, day(7) + 1, Some(9), Some(7), None),
            (Late, -5, Some(7), None, Some("x")),
        ],
        &[(Some((1, 0)), 0, 2, 3, Some(1)), (None, 168, 1, 9, Some(7))],
    );
    assert_eq!((tally.records, tally.late), (5, 3));
    // Of a time that memory knows nothing of, the sink may know a folded-in row.
    bench.tick(
        &[(day(40), Some(9), None)],
        &[(Appended, day(40), Some(9), Some(0), None)],
        &[(None, 960, 1, 9, Some(0))],
    );
    bench.tick(&[(2, Some(8), None), (0, Some(8), None)], &[(Late, 2, Some(8), None, None)], &[]);
}

#[test]
fn order_is_that_of_places_and_not_of_arrival() {
    let record = |partition, offset, item, views| Record {
        video: VideoId(1),
        place: Place { partition, offset, item },
        snapshot: Snapshot { time: T0, counts: counts(Some(views)) },
        arrived_us: Nullable::NULL,
        file_source: None,
    };
    let mut videos = Bench::new().videos;
    let mut updates = Updates::default();
    let chunks = vec![vec![record(1, 4, 0, 40)], vec![record(0, 9, 1, 91), record(0, 9, 0, 90), record(1, 3, 7, 37)]];
    let tally = videos.apply(chunks, &mut updates, |_| ());
    assert_eq!(tally, Tally { worker: 0, records: 4, late: 0, crossed: 1 });
    let made: Vec<_> = updates.snapshots.iter().map(|update| update.snapshot.counts[0].get()).collect();
    assert_eq!(made, [Some(40)]);
}

#[test]
fn nothing_is_derived_that_is_not_wanted() {
    for (growth, hourly) in [(false, true), (true, false), (false, false)] {
        let mut videos =
            Videos::new(SeriesConfig { retention: Retention::default(), growth, hourly, trends: false }, 0, ());
        let mut updates = Updates::default();
        for (offset, time) in [0, 2, 1].into_iter().enumerate() {
            let place = Place { partition: 0, offset: offset as u64, item: 0 };
            let snapshot = Snapshot { time: T0 + time, counts: counts(Some(time * time)) };
            let record = Record { video: VideoId(1), place, snapshot, arrived_us: Nullable::NULL, file_source: None };
            videos.apply(vec![vec![record]], &mut updates, |_| ());
        }
        assert_eq!(updates.snapshots.iter().any(|update| update.growth != Growth::default()), growth);
        assert_eq!(updates.snapshots.iter().any(|update| update.change == Regrown), growth);
        assert_eq!(updates.hours.len(), if hourly { 3 } else { 0 });
    }
}

/// A longer retention folds in what an earlier run stored as late, once a record says it again.
#[test]
fn a_start_loads_and_judges_by_the_retention_it_is_given() {
    let days: Vec<i64> = vec![20, 12, 3, 0];
    let loaded: Vec<_> = days
        .iter()
        .map(|days| Loaded {
            video: VideoId(1),
            snapshot: Snapshot { time: T0 - days * DAY_US, counts: counts(Some(100 - days)) },
        })
        .collect();
    let record = Record {
        video: VideoId(1),
        place: Place { partition: 0, offset: 0, item: 0 },
        snapshot: Snapshot { time: T0 - 10 * DAY_US, counts: counts(Some(89)) },
        arrived_us: Nullable::NULL,
        file_source: None,
    };
    for (retention_days, changes) in [(7, vec![Late]), (30, vec![Upserted, Regrown])] {
        let retention = Retention { retention_us: retention_days * DAY_US };
        let config = SeriesConfig { retention, growth: true, hourly: true, trends: true };
        let setting = Setting { workers: 2, serialised: true, state_last: true };
        let outputs = run(config, setting, loaded.clone(), vec![(9, vec![record.clone()])]);
        assert_eq!(outputs.keys().collect::<Vec<_>>(), [&9]);
        let made: Vec<_> = outputs[&9].snapshots.iter().map(|update| update.change).collect();
        assert_eq!(made, changes);
    }
}

#[test]
fn memory_does_not_grow_with_history() {
    let mut history = History::default();
    let retention = Retention::default();
    let mut most = 0;
    for time in (T0..T0 + 365 * DAY_US).step_by(10 * MINUTE_US as usize) {
        history.upsert(Snapshot { time, counts: counts(None) });
        history.forget_before(retention.memory_start(time));
        most = most.max(history.len());
    }
    // 7 days and 30 h more at 144 a day, up to an hour before it, the anchor, and what waits to be dropped.
    assert!(most <= 144 * 33 / 4 + 6 + 1 + 16, "{most}");
}

/// Ids that differ in few bits, as no real ones do, spread over workers as well as random ones.
#[test]
fn workers_have_even_shares() {
    let records: Vec<_> = (0..6_000)
        .map(|number: u64| Record {
            video: VideoId(number << 40 | 64),
            place: Place { partition: 0, offset: number, item: 0 },
            snapshot: Snapshot { time: T0, counts: counts(None) },
            arrived_us: Nullable::NULL,
            file_source: None,
        })
        .collect();
    let config = SeriesConfig { retention: Retention::default(), growth: true, hourly: true, trends: true };
    for workers in [2, 3] {
        let setting = Setting { workers, serialised: false, state_last: false };
        let outputs = run(config, setting, Vec::new(), vec![(1, records.clone())]);
        let shares: BTreeMap<_, _> = outputs[&1].tallies.iter().map(|tally| (tally.worker, tally.records)).collect();
        let mean = 6_000 / workers as u64;
        assert_eq!(shares.len(), workers);
        assert!(shares.values().all(|share| share.abs_diff(mean) < mean / 10), "{shares:?}");
    }
}
