//! What a commit changes in forecasts: each place at most once, and what that adds to sums of scores.

use std::collections::BTreeMap;

use viewtide_dataflows::snapshot::{EventTime, Nullable, hour_start};
use viewtide_models::forecasting::terms::{ModelName, Terms};
use viewtide_models::forecasting::{ForecastChange, ForecastRow, ForecastUpdate, LearnedState, Place, Update};
use viewtide_models::task::Metric;

use crate::sink::compose::last_of_each;

/// Rows of forecasts by what is done with them, in order of keys; each key at most once over the first three.
#[derive(Debug, Default)]
pub struct ForecastRows {
    /// The key is not in the table.
    pub new: Vec<ForecastUpdate>,
    /// The row is there, and is written anew.
    pub revised: Vec<ForecastUpdate>,
    /// The row is there, and what came of it may be another.
    pub kept: Vec<ForecastUpdate>,
    /// What was learned of videos, each once.
    pub learned: Vec<LearnedState>,
}

/// What forecasts that are known here add to sums of scores.
pub type ScoreChanges = BTreeMap<ScoreKey, Terms>;

/// A row of sums of scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScoreKey {
    /// Whose forecasts.
    pub model: ModelName,
    /// Of which counter.
    pub metric: Metric,
    /// How far ahead.
    pub horizon_hours: u32,
    /// Whether the last 20 hourly steps were there.
    pub has_20_steps: bool,
    /// The hour of the target.
    pub target_hour: EventTime,
}

/// Composes updates that are in order of ticks for each video.
pub fn compose_forecasts(updates: Vec<Update>) -> ForecastRows {
    let (mut forecasts, mut learned) = (Vec::new(), Vec::new());
    for update in updates {
        match update {
            Update::Forecast(update) => forecasts.push(update),
            Update::Learned(state) => learned.push(state),
        }
    }
    let learned = last_of_each(learned, |state| state.video.0, |_, later| later).collect();
    let mut rows = ForecastRows { learned, ..ForecastRows::default() };
    for update in last_of_each(forecasts, |update| (update.video.0, update.place), compose) {
        match update.change {
            ForecastChange::Issued => rows.new.push(update),
            ForecastChange::Revised => rows.revised.push(update),
            ForecastChange::Kept => rows.kept.push(update),
        }
    }
    rows
}

/// One update of a place after another.
fn compose(earlier: ForecastUpdate, later: ForecastUpdate) -> ForecastUpdate {
    let change = match (earlier.change, later.change) {
        (ForecastChange::Issued, _) => ForecastChange::Issued,
        (ForecastChange::Revised, _) | (_, ForecastChange::Revised) => ForecastChange::Revised,
        _ => ForecastChange::Kept,
    };
    ForecastUpdate {
        change,
        forecast: later.forecast.or(earlier.forecast),
        actual: later.actual.or(earlier.actual),
        ..later
    }
}

/// Adds what a forecast whose counts came to be `actual` adds to sums of scores, or takes it away.
pub fn add_scores(changes: &mut ScoreChanges, place: Place, row: &ForecastRow, actual: &[Nullable; 3], is_added: bool) {
    for ((metric, forecast), actual) in Metric::ALL.into_iter().zip(row).zip(actual) {
        let (Some(forecast), Some(actual)) = (forecast, actual.get()) else { continue };
        for (model, terms) in forecast.terms(actual) {
            let key = ScoreKey {
                model,
                metric,
                horizon_hours: place.horizon_hours(),
                has_20_steps: forecast.has_20_steps,
                target_hour: hour_start(place.target()),
            };
            let sum = changes.entry(key).or_default();
            if is_added { *sum += &terms } else { *sum -= &terms }
        }
    }
}

impl ForecastRows {
    /// What the forecasts add whose target was ahead before this commit: they had no actual.
    pub fn scores(&self) -> ScoreChanges {
        let mut changes = ScoreChanges::new();
        for update in self.new.iter().chain(&self.revised).chain(&self.kept) {
            if let (Some(row), Some(actual)) = (&update.forecast, &update.actual) {
                add_scores(&mut changes, update.place, row, actual, true);
            }
        }
        changes
    }

    /// How many rows of forecasts change.
    pub fn count(&self) -> usize {
        self.new.len() + self.revised.len() + self.kept.len()
    }
}
