//! Random cases: the rows after every tick, the tallies, and what the updates promise.

use std::collections::{BTreeSet, HashMap};

use crate::Tick;
use crate::random_cases::{Shapes, check_all};
use crate::series::oracle::Oracle;
use crate::series::{SeriesConfig, SnapshotChange, SnapshotUpdate, Tally};
use crate::snapshot::Record;
use crate::video_id::VideoId;

use super::cases::{Case, Run, cases};
use super::model::Model;
use super::run::{Output, run};

/// What one case was made of.
#[derive(Default)]
struct Shape {
    records: usize,
    snapshots: usize,
    videos: usize,
    ticks: usize,
    restarts: usize,
    workers: usize,
    late: usize,
    upserted: usize,
    regrown: usize,
    forgotten: usize,
    /// Trends with a label, after each tick.
    labels: usize,
    /// Ticks after which fewer videos have a trend.
    trends_gone: usize,
}

#[test]
fn tables_are_those_of_the_definition_after_every_tick() {
    hold_to_what_they_are_meant_to_be(&check_all(cases(), check));
}

fn check(case: &Case) -> Shape {
    let mut shape = Shape { ticks: case.ticks.len(), restarts: case.runs.len() - 1, ..Shape::default() };
    let (mut oracle, mut model) = (Oracle::default(), Model::default());
    for of_run in &case.runs {
        let Run { ticks, retention, setting } = of_run.clone();
        let config = SeriesConfig { retention, growth: case.growth, hourly: case.hourly, trends: case.trends };
        let loaded = model.to_load(retention);
        let folded_in = model.tables.snapshots.values().filter(|row| row.folded_in).count();
        shape.forgotten += folded_in - loaded.len();
        shape.workers += setting.workers;
        let ticks = case.ticks[ticks].to_vec();
        let mut outputs = run(config, setting, loaded, ticks.clone());
        // The operator has seen no partition when it starts.
        let mut partitions = HashMap::new();
        for (tick, records) in ticks {
            let Output { snapshots, hours, trends, tallies } = outputs.remove(&tick).unwrap_or_default();
            let (expected, touched) = store(&mut oracle, &mut partitions, records, config);
            check_tallies(tick, &tallies, expected, setting.workers);
            shape.late += expected.late as usize;
            shape.count(&snapshots);
            model.apply(&snapshots, &hours, &config);
            let rows_before = model.tables.trends.len();
            model.apply_trends(&trends, &touched, &config);
            shape.trends_gone += usize::from(model.tables.trends.len() < rows_before);
            shape.labels += trends.iter().filter_map(|trend| trend.row.as_ref()?.label).count();
            assert_eq!(model.tables, oracle.tables(case.growth, case.hourly, case.trends), "after tick {tick}");
        }
        assert!(outputs.is_empty(), "updates at other ticks: {outputs:?}");
    }
    shape.records = case.ticks.iter().map(|(_, records)| records.len()).sum();
    shape.snapshots = model.tables.snapshots.len();
    let mut videos: Vec<VideoId> = model.tables.snapshots.keys().map(|&(video, _)| video).collect();
    videos.dedup();
    shape.videos = videos.len();
    shape
}

/// Hands a tick's records to the oracle in order of places, and gives the tally that they make and the videos of those
/// that are folded in.
fn store(
    oracle: &mut Oracle,
    partitions: &mut HashMap<VideoId, u32>,
    mut records: Vec<Record>,
    config: SeriesConfig,
) -> (Tally, BTreeSet<VideoId>) {
    records.sort_by_key(|record| record.place);
    let mut tally = Tally { records: records.len() as u64, ..Tally::default() };
    let mut touched = BTreeSet::new();
    for record in records {
        if oracle.store(&record, config.retention.retention_us) {
            tally.late += 1;
        } else {
            touched.insert(record.video);
        }
        let before = partitions.insert(record.video, record.place.partition);
        tally.crossed += u64::from(before.is_some_and(|before| before != record.place.partition));
    }
    (tally, touched)
}

fn check_tallies(tick: Tick, tallies: &[Tally], expected: Tally, workers: usize) {
    let mut of_workers: Vec<u32> = tallies.iter().map(|tally| tally.worker).collect();
    of_workers.sort_unstable();
    of_workers.dedup();
    assert_eq!(of_workers.len(), tallies.len(), "a worker twice at tick {tick}");
    assert!(of_workers.iter().all(|&worker| (worker as usize) < workers));
    assert!(tallies.iter().all(|tally| tally.records > 0));
    let sum = |part: fn(&Tally) -> u64| tallies.iter().map(part).sum::<u64>();
    let sums = (sum(|tally| tally.records), sum(|tally| tally.late), sum(|tally| tally.crossed));
    assert_eq!(sums, (expected.records, expected.late, expected.crossed), "at tick {tick}");
}

impl Shape {
    fn count(&mut self, updates: &[SnapshotUpdate]) {
        let of = |change| updates.iter().filter(|update| update.change == change).count();
        self.upserted += of(SnapshotChange::Upserted);
        self.regrown += of(SnapshotChange::Regrown);
    }
}

fn hold_to_what_they_are_meant_to_be(shapes: &Shapes<Shape>) {
    assert!(shapes.median("records", |shape| shape.records) >= 50);
    assert!(shapes.median("snapshots", |shape| shape.snapshots) >= 50);
    assert!(shapes.median("videos", |shape| shape.videos) >= 3);
    assert!(shapes.median("ticks", |shape| shape.ticks) >= 5);
    assert!(shapes.median("restarts", |shape| shape.restarts) >= 1);
    assert!(shapes.median("workers, all runs", |shape| shape.workers) >= 2);
    assert!(shapes.median("late records", |shape| shape.late) >= 3);
    assert!(shapes.median("upserted rows", |shape| shape.upserted) >= 5);
    assert!(shapes.median("regrown rows", |shape| shape.regrown) >= 2);
    assert!(shapes.share("rows not loaded", |shape| shape.forgotten) > 0.1);
    assert!(shapes.median("labelled trends", |shape| shape.labels) >= 3);
    assert!(shapes.share("trends gone", |shape| shape.trends_gone) > 0.02);
}
