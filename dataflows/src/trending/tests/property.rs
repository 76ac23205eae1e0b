//! Random cases: the rows after every tick, and what the updates promise.

use std::collections::BTreeSet;

use crate::random_cases::{Shapes, check_all};
use crate::series::SeriesConfig;
use crate::series::oracle::Oracle;
use crate::series::tests::cases::Run;
use crate::trending::oracle::Inputs;
use crate::trending::{Scope, TrendingConfig};

use super::cases::{Case, cases};
use super::model::Model;
use super::run::{Output, State, run};

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
    hold_to_what_they_are_meant_to_be(&check_all(cases(), check));
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

fn hold_to_what_they_are_meant_to_be(shapes: &Shapes<Shape>) {
    assert!(shapes.median("videos", |shape| shape.videos) >= 4);
    assert!(shapes.share("videos past 50", |shape| shape.videos.saturating_sub(50)) > 0.05);
    assert!(shapes.median("ticks", |shape| shape.ticks) >= 5);
    assert!(shapes.median("restarts", |shape| shape.restarts) >= 1);
    assert!(shapes.median("workers, all runs", |shape| shape.workers) >= 2);
    assert!(shapes.median("trend updates", |shape| shape.trend_updates) >= 8);
    assert!(shapes.median("rank updates", |shape| shape.rank_updates) >= 20);
    assert!(shapes.median("lists cut", |shape| shape.cut) >= 5);
    assert!(shapes.share("cut at a tie", |shape| shape.tied) > 0.1);
    assert!(shapes.median("lists expired", |shape| shape.expired) >= 2);
    assert!(shapes.share("newest went back", |shape| shape.newest_back) > 0.05);
    assert!(shapes.share("trends gone", |shape| shape.trends_gone) > 0.02);
    assert!(shapes.median("ranks gone", |shape| shape.ranks_gone) >= 2);
    assert!(shapes.median("moved", |shape| shape.moved) >= 5);
}
