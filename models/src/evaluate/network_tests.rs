//! Networks as methods: what leaks into their forecasts, and what they make of bad input.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use viewtide_dataflows::snapshot::{HOUR_US, Nullable, Snapshot};

use super::*;
use crate::artifact::Artifact;
use crate::fit::{Fit, Plan};
use crate::lstm::{Architecture, LstmError, Recipe};
use crate::score::folds::fold_of;
use crate::task::Videos;

const START: EventTime = 1_700_000_000_000_000;

/// Small and quick; what is tested does not depend on how good the forecasts are, where nothing else is said.
fn plan(metric: Metric) -> Plan {
    let plan = Plan::of(metric);
    Plan {
        architecture: Architecture { hidden: 8, dense: 8, ..plan.architecture },
        recipe: Recipe { epochs: 2, draws_per_video: 60, batch: 32, ..plan.recipe },
        seeds: vec![1, 2],
        ..plan
    }
}

/// Counts of a video that is polled every hour: gains that decay, go up and down within a day, and are noisy.
fn counts(seed: u64, hours: usize, shuffled: bool) -> Vec<[Option<i64>; 3]> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut gains: Vec<i64> = (0..hours)
        .map(|hour| {
            let day = 1.0 + 0.8 * (hour as f64 / 24.0 * std::f64::consts::TAU).sin();
            (20_000.0 / (20.0 + hour as f64) * day * rng.random_range(0.8..1.2)) as i64
        })
        .collect();
    if shuffled {
        gains.shuffle(&mut rng);
    }
    let mut views = 1_000;
    let count = |gain: &i64| {
        views += gain;
        [Some(views), Some(views / 20), Some(views / 300)]
    };
    gains.iter().map(count).collect()
}

fn observe(videos: &mut Videos, id: u64, counts: &[[Option<i64>; 3]]) {
    for (hour, counts) in counts.iter().enumerate() {
        let snapshot = Snapshot { time: START + hour as i64 * HOUR_US, counts: counts.map(Nullable::from) };
        videos.observe(VideoId(id), snapshot);
    }
}

fn videos(of: impl IntoIterator<Item = (u64, Vec<[Option<i64>; 3]>)>) -> Videos {
    let mut videos = Videos::default();
    of.into_iter().for_each(|(id, counts)| observe(&mut videos, id, &counts));
    videos
}

fn out_of_fold(videos: &Videos, plan: &Plan) -> OutOfFold {
    let mut out = OutOfFold::default();
    assert!(out.add(videos, plan, 2, &AtomicBool::new(false), &mut |_| ()).unwrap());
    out
}

fn model(videos: &Videos, metric: Metric) -> Result<Artifact, LstmError> {
    let fit = Fit::new(videos.iter(), plan(metric))?;
    let networks = fit.train(2, &AtomicBool::new(false), &mut |_, _| ())?.expect("nothing stops it");
    fit.model(networks, BTreeMap::new())
}

fn said(model: &Artifact, videos: &Videos) -> Given {
    let mut given = Given::new();
    let features = model.manifest.feature_set().unwrap();
    foresee(videos.iter(), model.manifest.metric, features, &model.ensemble, 2, &mut given).unwrap();
    given
}

#[test]
fn what_comes_after_an_origin_changes_nothing_of_what_networks_say_there() {
    let known = counts(1, 200, false);
    for metric in Metric::ALL {
        let model = model(&videos((1..4).map(|id| (id, counts(id, 150, false)))), metric).unwrap();
        let before = said(&model, &videos([(7, known.clone())]));
        for changed_after in [30, 77, 198] {
            let mut rng = StdRng::seed_from_u64(changed_after as u64);
            let mut other = known.clone();
            for counts in &mut other[changed_after + 1..] {
                *counts = [(); 3].map(|()| rng.random_bool(0.8).then(|| rng.random_range(0..1_000_000)));
            }
            let after = said(&model, &videos([(7, other)]));
            let until = START + changed_after as i64 * HOUR_US;
            let known = |given: &Given| -> Given {
                given.iter().filter(|((_, time, _), _)| *time <= until).map(|(key, said)| (*key, *said)).collect()
            };
            assert_eq!(known(&before), known(&after), "{metric:?} {changed_after}");
            assert_eq!(known(&before).len(), changed_after - 19);
            assert_ne!(before, after);
        }
    }
}

/// Whoever is in a fold: what is said of it rests on the other folds alone.
#[test]
fn a_fold_is_not_learned_from_by_what_speaks_of_it() {
    let ids: Vec<u64> = (0..12).collect();
    let all = |changed: Option<u64>| {
        videos(ids.iter().map(|id| (*id, counts(if changed == Some(*id) { 99 } else { *id }, 120, false))))
    };
    let plan = plan(Metric::Views);
    let before = out_of_fold(&all(None), &plan);
    assert_eq!(before.seeds.len(), 2);
    assert_ne!(before.seeds[0], before.seeds[1]);
    let changed = ids[3];
    let after = out_of_fold(&all(Some(changed)), &plan);
    let neighbours: Vec<u64> = ids.iter().copied().filter(|id| *id != changed).collect();
    let same_fold = |id: u64| fold_of(VideoId(id)) == fold_of(VideoId(changed));
    assert!(neighbours.iter().any(|id| same_fold(*id)));
    for id in neighbours {
        let of = |out: &OutOfFold| -> Given {
            out.ensemble
                .iter()
                .filter(|((video, ..), _)| *video == VideoId(id))
                .map(|(key, said)| (*key, *said))
                .collect()
        };
        assert!(of(&before).len() > 90);
        assert_eq!(of(&before) == of(&after), same_fold(id), "{id}");
    }
}

/// With its hours in another order a past says no more of the future than a constant does, and networks find no more in it.
#[test]
fn a_shuffled_future_shows_networks_no_skill() {
    let explained = |shuffled: bool| {
        let videos = videos((0..10).map(|id| (id, counts(id, 500, shuffled))));
        let plan = Plan {
            recipe: Recipe { epochs: 6, draws_per_video: 300, ..plan(Metric::Views).recipe },
            ..plan(Metric::Views)
        };
        let forecasts = out_of_fold(&videos, &plan).ensemble;
        let lines = evaluate(&videos, &[Method { name: "LSTM".to_owned(), forecasts, is_blended: false }]);
        let of = |hours| {
            lines
                .iter()
                .find(|line| line.metric == Metric::Views && line.horizon_hours == hours && line.method == "LSTM")
        };
        HORIZONS_HOURS.map(|hours| of(hours).and_then(|line| line.scores.r2).unwrap())
    };
    let (ordered, shuffled) = (explained(false), explained(true));
    assert!(ordered.iter().all(|r2| *r2 > 0.5), "{ordered:?}");
    assert!(shuffled.iter().all(|r2| *r2 < 0.03), "{shuffled:?}");
}

/// Trained on one kind of bad input and asked about another: numbers, or a reason.
#[test]
fn bad_input_gives_numbers_or_a_reason() {
    let steady = |hour: i64| [Some(1_000 + 50 * hour), Some(20 + hour), Some(hour / 4)];
    let hourly = |of: &dyn Fn(i64) -> [Option<i64>; 3]| (0..120).map(of).collect::<Vec<_>>();
    let cases = [
        ("steady", hourly(&steady)),
        ("all equal", hourly(&|_| steady(3))),
        ("all zero", hourly(&|_| [Some(0); 3])),
        ("falling", hourly(&|hour| steady(120 - hour))),
        ("gaps", hourly(&|hour| if hour % 50 < 30 { steady(hour) } else { [None; 3] })),
        ("missing likes", hourly(&|hour| [Some(hour), None, Some(hour)])),
        ("reset to 0", hourly(&|hour| if hour < 60 { steady(hour + 1_000) } else { steady(hour - 60) })),
        ("a jump", hourly(&|hour| if hour < 60 { [Some(0); 3] } else { [Some(1_000_000_000_000); 3] })),
    ];
    for metric in Metric::ALL {
        for (name, counts) in &cases {
            match model(&videos([(1, counts.clone())]), metric) {
                Ok(model) => {
                    let given = said(&model, &videos((2..).zip(cases.iter().map(|(_, counts)| counts.clone()))));
                    assert!(given.len() > 300, "{name}");
                    for forecast in given.values().flatten() {
                        let forecast = forecast.unwrap();
                        let [low, high] = forecast.interval.unwrap();
                        assert!(
                            low <= forecast.gain && forecast.gain <= high && low.is_finite() && high.is_finite(),
                            "{name}"
                        );
                    }
                }
                Err(error) => {
                    assert_eq!((*name, metric), ("missing likes", Metric::Likes), "{error}");
                    assert!(error.to_string().contains("more history is needed"), "{error}");
                }
            }
        }
        for (name, counts) in [("empty", Vec::new()), ("too few steps", hourly(&steady)[..20].to_vec())] {
            let error = model(&videos([(1, counts)]), metric).unwrap_err();
            assert!(error.to_string().contains("more history is needed"), "{name}: {error}");
        }
    }
}
