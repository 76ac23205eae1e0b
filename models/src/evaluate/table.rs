//! All methods' scores.

use serde::Serialize;

use super::replay::{Replayed, replay};
use super::{Given, Method};
use crate::blend::Issued;
use crate::naive::Naive;
use crate::score::{Forecast, Scores, Target, active_videos, reference, score};
use crate::task::{HORIZONS_HOURS, Metric, Videos};

/// The name of the blend of the naive forecasts alone.
pub const NAIVE_BLEND: &str = "blend of naives";

/// The name of the blend of the method of this name and the naive forecasts.
pub fn blend_name(method: &str) -> String {
    format!("blend of {method} and naives")
}

/// The scores of one method at one metric and horizon.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Which counter.
    pub metric: Metric,
    /// How far ahead, hours.
    pub horizon_hours: u32,
    /// The method.
    pub method: String,
    /// Its figures.
    #[serde(flatten)]
    pub scores: Scores,
    /// The relative error with the blend of the naive forecasts for a reference: what the method adds to it.
    pub over_naive_blend: Option<f64>,
    /// The greatest such ratio of an active video.
    pub over_naive_blend_max: Option<f64>,
}

/// Forecasts of all methods at all scored origins, for one metric and horizon.
#[derive(Clone, Debug, Default)]
struct Cell {
    targets: Vec<Target>,
    naive: [Vec<Option<Forecast>>; Naive::ALL.len()],
    /// For each way of blending.
    blends: Vec<Vec<Option<Forecast>>>,
    /// For each method that was given.
    given: Vec<Vec<Option<Forecast>>>,
}

/// Scores the naive forecasts, their blend, and `methods` on all origins of `videos` at which a forecast is scored. Lines by
/// metric, horizon, method.
pub fn evaluate(videos: &Videos, methods: &[Method]) -> Vec<Line> {
    let blended = || methods.iter().filter(|method| method.is_blended);
    let networks: Vec<Option<&Given>> =
        std::iter::once(None).chain(blended().map(|method| Some(&method.forecasts))).collect();
    // By metric and horizon.
    let cell =
        || Cell { blends: vec![Vec::new(); networks.len()], given: vec![Vec::new(); methods.len()], ..Cell::default() };
    let mut cells = Metric::ALL.map(|_| HORIZONS_HOURS.map(|_| cell()));
    for (index, video) in videos.iter().enumerate() {
        for (way, network) in networks.iter().enumerate() {
            replay(index as u32, video, *network, &mut |replayed| {
                let cell = &mut cells[replayed.metric as usize][replayed.horizon];
                if way == 0 {
                    cell.put(
                        &replayed,
                        methods.iter().map(|method| {
                            let said = method.forecasts.get(&(video.id, replayed.target.issued_at, replayed.metric));
                            said.and_then(|said| said[replayed.horizon])
                        }),
                    );
                }
                let Issued { gain, interval, .. } = replayed.issued;
                cell.blends[way].push(Some(Forecast { gain, interval: Some(interval) }));
            });
        }
    }
    let blends = std::iter::once(NAIVE_BLEND.to_owned());
    let blends: Vec<String> = blends.chain(blended().map(|method| blend_name(&method.name))).collect();
    let mut lines = Vec::new();
    for metric in Metric::ALL {
        for (horizon, horizon_hours) in HORIZONS_HOURS.into_iter().enumerate() {
            let of_metric = &cells[metric as usize];
            let cell = &of_metric[horizon];
            let active = active_videos(metric, &cell.targets, &of_metric[HORIZONS_HOURS.len() - 1].targets);
            let by = &cell.naive[reference(metric, horizon_hours) as usize];
            let naive = Naive::ALL.iter().map(|naive| naive.name().to_owned()).zip(&cell.naive);
            let given = methods.iter().map(|method| method.name.clone()).zip(&cell.given);
            for (method, forecasts) in naive.chain(blends.iter().cloned().zip(&cell.blends)).chain(given) {
                let scores = score(&cell.targets, &active, forecasts, by);
                let beside = score(&cell.targets, &active, forecasts, &cell.blends[0]);
                let (over_naive_blend, over_naive_blend_max) = (beside.relative_error, beside.relative_error_max);
                lines.push(Line { metric, horizon_hours, method, scores, over_naive_blend, over_naive_blend_max });
            }
        }
    }
    lines
}

impl Cell {
    fn put(&mut self, replayed: &Replayed, given: impl Iterator<Item = Option<Forecast>>) {
        self.targets.push(replayed.target);
        for (naive, forecasts) in Naive::ALL.into_iter().zip(&mut self.naive) {
            let gain = replayed.past.gain(naive, HORIZONS_HOURS[replayed.horizon]);
            forecasts.push(gain.map(Forecast::of));
        }
        self.given.iter_mut().zip(given).for_each(|(forecasts, forecast)| forecasts.push(forecast));
    }
}
