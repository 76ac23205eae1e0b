//! Random cases: the rows after every tick, and what the updates promise.

use std::cell::RefCell;
use std::collections::BTreeSet;

use proptest::test_runner::{Config, TestRunner};

use crate::series::SeriesConfig;
use crate::series::oracle::Oracle;
use crate::series::tests::cases::Run;
use crate::trending::oracle::Inputs;
use crate::trending::{Scope, TrendingConfig};

use super::cases::{Case, cases};
use super::model::Model;
use super::run::{Output, State, run};

const CASES: u32 = 10_000;

/// What one case was made of.
#[derive(Default)]
struct Shape {
    videos: usize,
    ticks: usize,
    restarts: usize,
    workers: usize,
    trend_updates: usize,
    rank_updates: usize,
    /// Lists after a tick that have more candidates than ranks.
    cut: usize,
    /// Of them those in which the first that is not ranked has gained as much as the last that is.
    tied: usize,
    /// Lists after a tick from which the newest of all keeps a video.
    expired: usize,
    /// Ticks in which the newest of all went back.
    newest_back: usize,
    trends_gone: usize,
    ranks_gone: usize,
    /// Videos with a trend whose category changed.
    moved: usize,
}

#[test]
fn tables_are_those_of_the_definition_after_every_tick() {
    let shapes = RefCell::new(Vec::new());
    let config = Config { cases: CASES, failure_persistence: None, max_shrink_iters: 5_000, ..Config::default() };
    let result = TestRunner::new(config).run(&cases(), |case| {
        let shape = check(&case);
        shapes.borrow_mut().push(shape);
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
    report(&shapes.into_inner());
}

fn check(case: &Case) -> Shape {
    let mut shape = Shape { restarts: case.series.runs.len() - 1, ..Shape::default() };
    let (mut oracle, mut inputs, mut model) = (Oracle::default(), Inputs::default(), Model::default());
    let mut series = crate::series::tests::model::Model::default();
    let ranks = case.ranks as usize;
    for (Run { retention, setting, .. }, steps) in case.runs() {
        shape.workers += setting.workers;
        shape.ticks += steps.len();
        let configs = (
            SeriesConfig { retention, growth: true, hourly: true, trends: true },
            TrendingConfig { ranks: case.ranks },
        );
        let state = State {
            snapshots: series.to_load(retention),
            trends: model.trends.values().cloned().collect(),
            videos: model.videos(),
        };
        let mut outputs = run(configs, setting, state, steps.clone());
        for (tick, mut step) in steps {
            let Output { trends, trending } = outputs.remove(&tick).unwrap_or_default();
            let newest_before = inputs.newest();
            step.records.sort_by_key(|record| record.place);
            for record in &step.records {
                oracle.store(record, retention.retention_us);
            }
            for (video, category) in step.words {
                let before = inputs.categories.insert(video, category.clone());
                shape.moved += usize::from(before.flatten() != category && inputs.trends.contains_key(&video));
                model.categories.insert(video, category);
            }
            series.tables = oracle.tables(true, true, true);
            inputs.trends = series.tables.trends.clone();
            model.apply(&trends, &trending);
            assert_eq!(model.trends, inputs.trends, "after tick {tick}");
            assert_eq!(model.ranks, inputs.ranks(ranks), "after tick {tick}");
            shape.newest_back += usize::from(inputs.newest() < newest_before);
            shape.trend_updates += trends.len();
            shape.rank_updates += trending.len();
            shape.trends_gone += trends.iter().filter(|update| update.row.is_none()).count();
            shape.ranks_gone += trending.iter().filter(|update| update.row.is_none()).count();
            shape.count_lists(&inputs, ranks);
        }
        assert!(outputs.is_empty(), "updates at other ticks: {outputs:?}");
    }
    shape.videos = series.tables.snapshots.keys().map(|(video, _)| video).collect::<BTreeSet<_>>().len();
    shape
}

impl Shape {
    fn count_lists(&mut self, inputs: &Inputs, ranks: usize) {
        for scope in inputs.scopes() {
            for hours in [1, 6, 24, 168] {
                let candidates = inputs.candidates(&scope, hours);
                self.cut += usize::from(candidates.len() > ranks);
                let tied = candidates
                    .get(ranks)
                    .is_some_and(|first_out| candidates[ranks - 1].views_gained == first_out.views_gained);
                self.tied += usize::from(tied);
            }
        }
        let window = |hours: usize| [1, 6, 24, 168].iter().position(|&window| window == hours).unwrap_or_default();
        for hours in [1, 6, 24, 168] {
            let gaining = inputs.trends.values().filter(|row| row.windows[window(hours)].gained > 0).count();
            self.expired += usize::from(gaining > inputs.candidates(&Scope::All, hours as u32).len());
        }
    }
}

/// Prints the distribution of the cases, and holds them to what they are meant to be.
fn report(shapes: &[Shape]) {
    println!("{} cases        least    p10 median    p90   most", shapes.len());
    let quantiles = |name: &str, of: fn(&Shape) -> usize| {
        let mut values: Vec<usize> = shapes.iter().map(of).collect();
        values.sort_unstable();
        let at = |percent: usize| values[(values.len() - 1) * percent / 100];
        println!("{name:<16} {:>8} {:>6} {:>6} {:>6} {:>6}", at(0), at(10), at(50), at(90), at(100));
        at(50)
    };
    let share =
        |of: fn(&Shape) -> usize| shapes.iter().filter(|shape| of(shape) > 0).count() as f64 / shapes.len() as f64;
    assert!(quantiles("videos", |shape| shape.videos) >= 4);
    assert!(share(|shape| shape.videos.saturating_sub(50)) > 0.05);
    assert!(quantiles("ticks", |shape| shape.ticks) >= 5);
    assert!(quantiles("restarts", |shape| shape.restarts) >= 1);
    assert!(quantiles("workers, all runs", |shape| shape.workers) >= 2);
    assert!(quantiles("trend updates", |shape| shape.trend_updates) >= 8);
    assert!(quantiles("rank updates", |shape| shape.rank_updates) >= 20);
    assert!(quantiles("lists cut", |shape| shape.cut) >= 5);
    quantiles("cut at a tie", |shape| shape.tied);
    assert!(share(|shape| shape.tied) > 0.1);
    assert!(quantiles("lists expired", |shape| shape.expired) >= 2);
    quantiles("newest went back", |shape| shape.newest_back);
    assert!(share(|shape| shape.newest_back) > 0.05);
    quantiles("trends gone", |shape| shape.trends_gone);
    assert!(share(|shape| shape.trends_gone) > 0.02);
    assert!(quantiles("ranks gone", |shape| shape.ranks_gone) >= 2);
    assert!(quantiles("moved", |shape| shape.moved) >= 5);
}
