//! What is known of one video between ticks.

use viewtide_dataflows::snapshot::EventTime;

use super::row::{ForecastRow, Place};
use crate::blend::Forecaster;
use crate::task::HORIZONS_HOURS;

/// What is known of one video's forecasts.
#[derive(Debug, Default)]
pub struct Known {
    /// The time of its first snapshot; `None` before it.
    pub(super) first: Option<EventTime>,
    /// Only where something was issued that may still change.
    pub(super) forecasts: Option<Box<Forecasts>>,
}

/// The forecasts of one video.
#[derive(Debug, Default)]
pub(super) struct Forecasts {
    /// What was learned.
    pub(super) forecaster: Forecaster,
    /// Origins of forecasts whose actual may still change, in order of time.
    pub(super) origins: Vec<IssuedOrigin>,
    /// Forecasts whose target is ahead, in order.
    pub(super) open: Vec<OpenForecast>,
}

/// An origin, and for which horizons a forecast was issued there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IssuedOrigin {
    pub(super) time: EventTime,
    pub(super) horizons: [bool; HORIZONS_HOURS.len()],
}

/// A forecast whose target is ahead.
#[derive(Debug)]
pub(super) struct OpenForecast {
    pub(super) place: Place,
    pub(super) row: Box<ForecastRow>,
}

impl Known {
    pub(super) fn forecasts_mut(&mut self) -> &mut Forecasts {
        self.forecasts.get_or_insert_default()
    }

    /// Bytes on the heap.
    #[cfg(test)]
    pub(super) fn heap_bytes(&self) -> usize {
        self.forecasts.as_ref().map_or(0, |forecasts| {
            size_of::<Forecasts>()
                + forecasts.origins.capacity() * size_of::<IssuedOrigin>()
                + forecasts.open.capacity() * (size_of::<OpenForecast>() + size_of::<ForecastRow>())
        })
    }
}

impl Forecasts {
    /// Notes that a forecast was issued.
    pub(super) fn note(&mut self, place: Place) {
        let at = self.origins.partition_point(|origin| origin.time < place.issued_at);
        if self.origins.get(at).is_none_or(|origin| origin.time != place.issued_at) {
            self.origins.insert(at, IssuedOrigin { time: place.issued_at, horizons: Default::default() });
        }
        self.origins[at].horizons[usize::from(place.horizon)] = true;
    }

    /// Whether a forecast was issued at an origin.
    pub(super) fn has_origin(&self, time: EventTime) -> bool {
        self.origins.binary_search_by_key(&time, |origin| origin.time).is_ok()
    }

    /// The forecasts whose target lies within these times, both included.
    pub(super) fn with_target(&self, from: EventTime, to: EventTime) -> impl Iterator<Item = Place> {
        (0..HORIZONS_HOURS.len() as u8).flat_map(move |horizon| {
            let ahead_us = Place { issued_at: 0, horizon }.target();
            let start = self.origins.partition_point(|origin| origin.time < from.saturating_sub(ahead_us));
            let origins = self.origins[start..].iter().take_while(move |origin| origin.time <= to - ahead_us);
            let issued = origins.filter(move |origin| origin.horizons[usize::from(horizon)]);
            issued.map(move |origin| Place { issued_at: origin.time, horizon })
        })
    }

    /// Forgets origins before `start`: what came of forecasts there does not change any more.
    pub(super) fn forget_before(&mut self, start: EventTime) {
        let gone = self.origins.partition_point(|origin| origin.time < start);
        self.origins.drain(..gone);
    }

    /// Puts an open forecast in, or another row in its place; the row before.
    pub(super) fn put(&mut self, place: Place, row: Box<ForecastRow>) -> Option<Box<ForecastRow>> {
        match self.open.binary_search_by_key(&place, |open| open.place) {
            Ok(at) => Some(std::mem::replace(&mut self.open[at].row, row)),
            Err(at) => {
                self.open.insert(at, OpenForecast { place, row });
                None
            }
        }
    }

    /// Takes an open forecast out.
    pub(super) fn close(&mut self, place: Place) -> Option<Box<ForecastRow>> {
        let at = self.open.binary_search_by_key(&place, |open| open.place).ok()?;
        Some(self.open.remove(at).row)
    }
}
