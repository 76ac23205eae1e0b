//! The second pass: what happened to a video's forecasts, gone through in order: what came of them is learned, and they are issued.

use viewtide_dataflows::snapshot::Nullable;
use viewtide_dataflows::video_id::VideoId;

use super::events::{AtOrigin, Event, Events, VideoEvents};
use super::known::{Forecasts, Known};
use super::networks::Networks;
use super::row::{CounterForecast, ForecastChange, ForecastRow, ForecastUpdate, LearnedState, Place, Update};
use crate::blend::Basis;
use crate::task::Metric;

/// What a tick changes of one video's forecasts; used again for the next one.
#[derive(Debug, Default)]
pub(super) struct Changes {
    changed: Vec<Changed>,
}

#[derive(Debug)]
struct Changed {
    place: Place,
    change: ForecastChange,
    /// As it was when the tick began; `None` where it is new.
    before: Option<Box<ForecastRow>>,
    /// Where it was frozen in this tick.
    frozen: Option<Box<ForecastRow>>,
}

impl Changes {
    /// Says what changes for the next of the videos that have settled.
    pub(super) fn finish(
        &mut self,
        id: VideoId,
        known: &mut Known,
        networks: &Networks,
        events: &mut Events,
        updates: &mut Vec<Update>,
    ) {
        let VideoEvents { events, actuals } = events.next();
        let Some(forecasts) = &mut known.forecasts else { return };
        let mut has_learned = false;
        for event in events {
            match event {
                Event::Frozen { place, counts, at } => {
                    let Some(row) = forecasts.close(place) else { continue };
                    for ((metric, forecast), count) in Metric::ALL.into_iter().zip(row.iter()).zip(counts) {
                        if let (Some(forecast), Some(count)) = (forecast, count) {
                            let gain = count - forecast.base as f64;
                            let horizon = usize::from(place.horizon);
                            forecasts.forecaster.learn(metric, horizon, &forecast.outstanding, gain, at);
                            has_learned = true;
                        }
                    }
                    self.of(place).frozen = Some(row);
                }
                Event::Made { issued_at, horizons, known } => {
                    for horizon in (0..).zip(horizons).filter_map(|(horizon, is_made)| is_made.then_some(horizon)) {
                        let place = Place { issued_at, horizon };
                        let row = Box::new(make(forecasts, networks, place, &known));
                        let before = forecasts.put(place, row);
                        let changed = self.of(place);
                        match (changed.change, before) {
                            (ForecastChange::Kept, Some(before)) => {
                                (changed.change, changed.before) = (ForecastChange::Revised, Some(before));
                            }
                            (ForecastChange::Kept, None) => changed.change = ForecastChange::Issued,
                            _ => {}
                        }
                    }
                }
            }
        }
        for (place, _) in &actuals {
            self.of(*place);
        }
        self.emit(id, forecasts, &actuals, updates);
        if has_learned {
            let bytes = forecasts.forecaster.to_bytes();
            updates.push(Update::Learned(LearnedState { video: id, bytes }));
        }
    }

    fn of(&mut self, place: Place) -> &mut Changed {
        let at = match self.changed.binary_search_by_key(&place, |changed| changed.place) {
            Ok(at) => at,
            Err(at) => {
                let new = Changed { place, change: ForecastChange::Kept, before: None, frozen: None };
                self.changed.insert(at, new);
                at
            }
        };
        &mut self.changed[at]
    }

    fn emit(
        &mut self,
        video: VideoId,
        forecasts: &Forecasts,
        actuals: &[(Place, [Nullable; 3])],
        updates: &mut Vec<Update>,
    ) {
        let mut actuals = actuals.iter().peekable();
        for Changed { place, mut change, before, frozen } in self.changed.drain(..) {
            let actual = actuals.next_if(|(of, _)| *of == place).map(|(_, actual)| *actual);
            let is_frozen = frozen.is_some();
            let now = || {
                let at = forecasts.open.binary_search_by_key(&place, |open| open.place).ok()?;
                Some(forecasts.open[at].row.clone())
            };
            let forecast = frozen.or_else(now);
            if change == ForecastChange::Revised && before == forecast {
                change = ForecastChange::Kept;
            }
            // Before it was frozen it had none.
            let actual = actual.filter(|actual| !is_frozen || actual.iter().any(|count| count.get().is_some()));
            let forecast = forecast.filter(|_| is_frozen || change != ForecastChange::Kept);
            if change != ForecastChange::Kept || actual.is_some() {
                updates.push(Update::Forecast(ForecastUpdate { video, place, change, forecast, actual }));
            }
        }
    }
}

/// The forecast of a place, by what was learned so far.
fn make(forecasts: &Forecasts, networks: &Networks, place: Place, known: &AtOrigin) -> ForecastRow {
    let horizon = usize::from(place.horizon);
    let mut row = [None; 3];
    for ((metric, known), forecast) in Metric::ALL.into_iter().zip(known).zip(&mut row) {
        let Some(known) = known else { continue };
        let said = known.question.and_then(|question| networks.answer(metric, question, horizon));
        let members = known.naive[horizon].with_network(said);
        let issued = forecasts.forecaster.issue(metric, horizon, known.base, members);
        let basis = issued.basis();
        let model_version = if basis == Basis::Blend { networks.version(metric) } else { 0 };
        *forecast = Some(CounterForecast {
            base: known.base as i64,
            last_increment: known.last_increments[horizon],
            has_20_steps: known.has_20_steps,
            basis,
            model_version,
            outstanding: issued.outstanding(known.base),
        });
    }
    row
}
