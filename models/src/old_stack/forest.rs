//! The old stack's random forest: from the counts of now, growth rates, the time and lags to the next count.
//!
//! It is scored as it was (R2, MSE and MAE of the next count, on a fifth of the rows), where "no change" would look excellent
//! too; and as a forecaster like any other, out of fold. As a forecaster it sees counts an hour apart, and its gain of the next
//! hour is taken to go on.

use smartcore::ensemble::random_forest_regressor::{RandomForestRegressor, RandomForestRegressorParameters};
use smartcore::linalg::basic::matrix::DenseMatrix;
use viewtide_dataflows::snapshot::{EventTime, HOUR_US, Snapshot};

use super::counts::{growth_percent, whole};
use crate::evaluate::{Given, Method};
use crate::score::Forecast;
use crate::score::folds::{FOLDS, fold_of};
use crate::task::{HORIZONS_HOURS, Metric, Origin, Video, Videos};

/// Trees, as scikit-learn has them where nothing is said.
const TREES: usize = 100;

/// Counts before the one of now that a row looks back at.
const LAGS: usize = 3;

/// Counts of now, their growth rates, hour and weekday, lags.
const INPUTS: usize = 3 + 3 + 2 + LAGS;

/// What the table calls it.
const NAME: &str = "old stack's random forest";

/// What the forest learns from.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    inputs: [f64; INPUTS],
    /// The next count.
    next: f64,
}

/// A forest that cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("the random forest cannot be trained on {rows} row(s): {why}")]
pub struct ForestError {
    /// How many rows there were.
    pub rows: usize,
    /// What the library says.
    pub why: String,
}

/// A trained forest.
#[derive(Debug)]
pub struct Forest(RandomForestRegressor<f64, f64, DenseMatrix<f64>, Vec<f64>>);

/// The errors of next counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Errors {
    /// 1 less the squared errors over the squared deviations from the mean.
    pub r2: f64,
    /// The mean squared error.
    pub mse: f64,
    /// The mean absolute error.
    pub mae: f64,
}

/// The rows of one video for `metric`: of each snapshot that has all counts, as have the three before it, and that another such
/// one follows. `snapshots` are in order of time.
pub fn rows(snapshots: &[Snapshot], metric: Metric) -> Vec<Row> {
    let whole = whole(snapshots);
    let row = |window: &[(EventTime, [f64; 3])]| {
        let newest_first: [[f64; 3]; LAGS + 1] = std::array::from_fn(|back| window[LAGS - back].1);
        Row { inputs: inputs(window[LAGS].0, metric, &newest_first), next: window[LAGS + 1].1[metric as usize] }
    };
    whole.windows(LAGS + 2).map(row).collect()
}

/// Counts of now, growth rates in percent (0 where the count before is 0), hour and weekday (Monday is 0), lags.
fn inputs(time: EventTime, metric: Metric, newest_first: &[[f64; 3]; LAGS + 1]) -> [f64; INPUTS] {
    let [now, before, ..] = newest_first;
    let growth = growth_percent(before, now);
    let hours = time.div_euclid(HOUR_US);
    let (hour, weekday) = (hours.rem_euclid(24), (hours.div_euclid(24) + 3).rem_euclid(7));
    let lag = |back: usize| newest_first[back][metric as usize];
    [now[0], now[1], now[2], growth[0], growth[1], growth[2], hour as f64, weekday as f64, lag(1), lag(2), lag(3)]
}

impl Forest {
    /// Trains on `rows`; the same rows and seed make the same forest.
    ///
    /// # Errors
    /// There are too few rows.
    pub fn train(rows: &[Row], seed: u64) -> Result<Self, ForestError> {
        let failed = |why: String| ForestError { rows: rows.len(), why };
        let inputs = matrix(rows.iter().map(|row| row.inputs)).map_err(failed)?;
        let next: Vec<f64> = rows.iter().map(|row| row.next).collect();
        // As scikit-learn's: every split chooses among all inputs, down to single rows.
        let parameters = RandomForestRegressorParameters::default()
            .with_n_trees(TREES)
            .with_m(INPUTS)
            .with_min_samples_leaf(1)
            .with_min_samples_split(2)
            .with_seed(seed);
        let forest = RandomForestRegressor::fit(&inputs, &next, parameters);
        forest.map(Self).map_err(|error| failed(error.to_string()))
    }

    /// The next counts of rows with these inputs.
    fn next(&self, inputs: impl Iterator<Item = [f64; INPUTS]>) -> Result<Vec<f64>, String> {
        self.0.predict(&matrix(inputs)?).map_err(|error| error.to_string())
    }

    /// The errors on `rows`.
    ///
    /// # Errors
    /// There is no row.
    pub fn errors(&self, rows: &[Row]) -> Result<Errors, ForestError> {
        let said = self.next(rows.iter().map(|row| row.inputs));
        let said = said.map_err(|why| ForestError { rows: rows.len(), why })?;
        let count = rows.len() as f64;
        let mean = rows.iter().map(|row| row.next).sum::<f64>() / count;
        let errors = || said.iter().zip(rows).map(|(said, row)| said - row.next);
        let squares: f64 = errors().map(|error| error * error).sum();
        let deviations: f64 = rows.iter().map(|row| (row.next - mean) * (row.next - mean)).sum();
        Ok(Errors {
            r2: 1.0 - squares / deviations,
            mse: squares / count,
            mae: errors().map(f64::abs).sum::<f64>() / count,
        })
    }
}

/// The errors as the old stack counted them: of each counter's next counts after the snapshots of `videos`, a forest being
/// trained on four of five rows and asked about the fifth. `None` where there are no five rows.
///
/// # Errors
/// What the library says.
pub fn forest_errors(videos: &Videos, metric: Metric, seed: u64) -> Result<Option<Errors>, ForestError> {
    let all = videos.iter().flat_map(|video| rows(video.snapshots(), metric)).enumerate();
    let (asked, trained): (Vec<_>, Vec<_>) = all.partition(|(index, _)| index % 5 == 4);
    let [asked, trained] = [asked, trained].map(|part| part.into_iter().map(|(_, row)| row).collect::<Vec<Row>>());
    if asked.is_empty() {
        return Ok(None);
    }
    Forest::train(&trained, seed)?.errors(&asked).map(Some)
}

fn matrix(rows: impl Iterator<Item = [f64; INPUTS]>) -> Result<DenseMatrix<f64>, String> {
    let rows: Vec<Vec<f64>> = rows.map(|row| row.to_vec()).collect();
    DenseMatrix::from_2d_vec(&rows).map_err(|error| error.to_string())
}

/// Forecasts of forests at every origin of `videos` at which one is scored: of each fold by forests that were trained on the
/// origins of the other four. A forest needs all counters.
///
/// # Errors
/// There are videos of one fold only.
pub fn forest_method(videos: &Videos, seed: u64) -> Result<Method, ForestError> {
    let mut forecasts = Given::new();
    for metric in Metric::ALL {
        let origins: Vec<(&Video, EventTime, Row)> = videos
            .iter()
            .flat_map(|video| of_origins(video, metric).map(move |(time, row)| (video, time, row)))
            .collect();
        for fold in 0..FOLDS {
            let is_held_out = |video: &Video| fold_of(video.id) == fold;
            let held_out: Vec<_> = origins.iter().filter(|(video, ..)| is_held_out(video)).collect();
            if held_out.is_empty() {
                continue;
            }
            let others = origins.iter().filter(|(video, _, row)| !is_held_out(video) && !row.next.is_nan());
            let others: Vec<Row> = others.map(|(.., row)| row.clone()).collect();
            let said = Forest::train(&others, seed)?.next(held_out.iter().map(|(.., row)| row.inputs));
            let said = said.map_err(|why| ForestError { rows: held_out.len(), why })?;
            for ((video, time, row), next) in held_out.into_iter().zip(said) {
                let gain = next - row.inputs[metric as usize];
                let gains = HORIZONS_HOURS.map(|hours| Some(Forecast::of(gain * f64::from(hours))));
                forecasts.insert((video.id, *time, metric), gains);
            }
        }
    }
    Ok(Method { name: NAME.to_owned(), forecasts, is_blended: false })
}

/// The scored origins of a video that have all counts of the last hours, each with a row; its next count is NaN where missing.
fn of_origins(video: &Video, metric: Metric) -> impl Iterator<Item = (EventTime, Row)> {
    video.origins().filter_map(move |time| {
        let origin: Origin = video.origin(time);
        let counts = std::array::from_fn(|back| Metric::ALL.map(|metric| origin.count(metric, back)));
        let is_whole = origin.is_scored(metric) && counts.iter().flatten().all(|count| !count.is_nan());
        let next = video.actual(metric, time, 1).count.unwrap_or(f64::NAN);
        is_whole.then(|| (time, Row { inputs: inputs(time, metric, &counts), next }))
    })
}

#[cfg(test)]
#[path = "forest_tests.rs"]
mod tests;
