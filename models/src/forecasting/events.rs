//! The first pass: what a tick's records do to a video's forecasts.

use std::collections::VecDeque;

use viewtide_dataflows::history::{History, Upsert};
use viewtide_dataflows::retention::Retention;
use viewtide_dataflows::snapshot::{EventTime, Nullable, Snapshot};

use super::history::{actuals, copy_reach, is_alone_in_its_hour, touched_targets, whole};
use super::known::Known;
use super::networks::Networks;
use super::row::Place;
use crate::blend::Members;
use crate::features::Seen;
use crate::naive::Past;
use crate::task::{HORIZONS_HOURS, Metric, Origin};

/// What happens to forecasts at a record.
#[derive(Debug)]
pub(super) enum Event {
    /// The video has reached the target. What the counts came to be, where that is known with this record.
    Frozen { place: Place, counts: [Option<f64>; 3], at: EventTime },
    /// A forecast is made, for the first time or anew.
    Made { issued_at: EventTime, horizons: [bool; HORIZONS_HOURS.len()], known: Box<AtOrigin> },
}

/// What is known at an origin, by metric; `None` where the count is missing.
pub(super) type AtOrigin = [Option<CounterAtOrigin>; 3];

/// What is known of one counter at an origin.
#[derive(Debug)]
pub(super) struct CounterAtOrigin {
    pub(super) base: f64,
    pub(super) has_20_steps: bool,
    /// By horizon: gained over as many hours before.
    pub(super) last_increments: [Nullable; HORIZONS_HOURS.len()],
    /// By horizon.
    pub(super) naive: [Members; HORIZONS_HOURS.len()],
    /// The number of the question to the network.
    pub(super) question: Option<u32>,
}

/// What a tick does to one video's forecasts.
#[derive(Debug, Default)]
pub(super) struct VideoEvents {
    /// In order of records.
    pub(super) events: Vec<Event>,
    /// What came of forecasts whose actual may be another than before, each place once.
    pub(super) actuals: Vec<(Place, [Nullable; 3])>,
}

/// What happens in a tick, video by video.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// Of the video whose records are being folded in.
    current: VideoEvents,
    /// Its forecasts whose target is ahead; valid once it has a record in this tick.
    open: Vec<Place>,
    is_begun: bool,
    /// Targets whose actual may have changed: from, to.
    touched: Vec<(EventTime, EventTime)>,
    /// Origins whose own counts changed.
    recounted: Vec<EventTime>,
    settled: VecDeque<VideoEvents>,
    scratch: Vec<Snapshot>,
}

impl Events {
    /// Follows one record. Only what is forecast for after `after` is issued; nothing where it is `None`.
    pub(super) fn fold(
        &mut self,
        known: &mut Known,
        history: &History,
        time: EventTime,
        upsert: Upsert,
        after: Option<EventTime>,
        networks: &mut Networks,
    ) {
        self.begin(known);
        let counts_now = |position| history.at(position).counts;
        if let Upsert::Replaced(before) = upsert
            && history.seek(time).map(counts_now) == Some(before)
        {
            return;
        }
        let is_older = known.first.is_none_or(|first| time < first);
        if is_older {
            known.first = Some(time);
        }
        let first = known.first.unwrap_or(time);
        if upsert == Upsert::Appended {
            self.freeze(history, time);
        }
        if known.forecasts.is_some() {
            self.touch(history, time, upsert);
        }
        let issued = match after {
            Some(after) if !matches!(upsert, Upsert::Replaced(_)) => {
                self.issue(known, history, first, time, after, networks)
            }
            _ => false,
        };
        if upsert != Upsert::Appended {
            let is_new = |origin: &EventTime| issued && *origin == time;
            let mut origins: Vec<EventTime> = self.open.iter().map(|place| place.issued_at).collect();
            origins.dedup();
            // What an older first snapshot changes is the age.
            origins.retain(|origin| (is_older || *origin >= time) && !is_new(origin));
            for origin in origins {
                let horizons = self.open_horizons(origin);
                self.make(history, first, origin, horizons, networks);
            }
        }
    }

    fn begin(&mut self, known: &Known) {
        if !std::mem::replace(&mut self.is_begun, true) {
            self.open.clear();
            self.open.extend(known.forecasts.iter().flat_map(|forecasts| &forecasts.open).map(|open| open.place));
        }
    }

    /// Notes the forecasts whose target the newest snapshot, at `time`, reaches; in order of their origins.
    fn freeze(&mut self, history: &History, time: EventTime) {
        if !self.open.iter().any(|place| place.target() <= time) {
            return;
        }
        for place in self.open.extract_if(.., |place| place.target() <= time) {
            let actuals = actuals(history, place.issued_at, place.target(), &mut self.scratch);
            // What is not known with this record, the first one at or after the target, is never learned.
            let counts = actuals.map(|actual| actual.count);
            self.current.events.push(Event::Frozen { place, counts, at: time });
        }
    }

    fn touch(&mut self, history: &History, time: EventTime, upsert: Upsert) {
        let before = match upsert {
            Upsert::Replaced(counts) => {
                self.recounted.push(time);
                Some(counts)
            }
            Upsert::Appended | Upsert::Inserted => None,
        };
        let (from, to) = touched_targets(history, time, before);
        match self.touched.last_mut() {
            Some(last) if from <= last.1 && to >= last.0 => *last = (last.0.min(from), last.1.max(to)),
            _ => self.touched.push((from, to)),
        }
    }

    /// Issues what there is to issue at the snapshot at `time`; whether there was something.
    fn issue(
        &mut self,
        known: &mut Known,
        history: &History,
        first: EventTime,
        time: EventTime,
        after: EventTime,
        networks: &mut Networks,
    ) -> bool {
        let newest = history.newest().unwrap_or(time);
        let places = Place::all_of(time).filter(|place| place.target() > newest.max(after));
        let places: Vec<Place> = places.collect();
        if places.is_empty() || !is_alone_in_its_hour(history, time) {
            return false;
        }
        self.open_places(known, places);
        let horizons = self.open_horizons(time);
        self.make(history, first, time, horizons, networks);
        true
    }

    /// Issues what is to come after the newest snapshot, unless something was issued there; whether that was so.
    pub(super) fn end(&mut self, known: &mut Known, history: &History, networks: &mut Networks) -> bool {
        let (Some(time), Some(first)) = (history.newest(), known.first) else { return false };
        if known.forecasts.as_ref().is_some_and(|forecasts| forecasts.has_origin(time)) {
            return false;
        }
        self.begin(known);
        self.open_places(known, Place::all_of(time));
        self.make(history, first, time, [true; HORIZONS_HOURS.len()], networks);
        true
    }

    fn open_places(&mut self, known: &mut Known, places: impl IntoIterator<Item = Place>) {
        for place in places {
            known.forecasts_mut().note(place);
            let at = self.open.partition_point(|open| *open < place);
            self.open.insert(at, place);
        }
    }

    fn open_horizons(&self, origin: EventTime) -> [bool; HORIZONS_HOURS.len()] {
        let is_open = |horizon| self.open.binary_search(&Place { issued_at: origin, horizon }).is_ok();
        std::array::from_fn(|horizon| is_open(horizon as u8))
    }

    fn make(
        &mut self,
        history: &History,
        first: EventTime,
        time: EventTime,
        horizons: [bool; HORIZONS_HOURS.len()],
        networks: &mut Networks,
    ) {
        copy_reach(history, time, &mut self.scratch);
        let known = Box::new(at_origin(first, time, &self.scratch, networks));
        self.current.events.push(Event::Made { issued_at: time, horizons, known });
    }

    /// The video's records of the tick are folded in.
    pub(super) fn settle(&mut self, known: &mut Known, history: &History, retention: Retention) {
        let newest = history.newest().unwrap_or(EventTime::MIN);
        if let Some(forecasts) = &mut known.forecasts {
            let touched = self.touched.iter().flat_map(|(from, to)| forecasts.with_target(*from, (*to).min(newest)));
            let recounted = self.recounted.iter().flat_map(|origin| {
                let at = forecasts.origins.binary_search_by_key(origin, |issued| issued.time);
                let issued = at.ok().map(|at| forecasts.origins[at]);
                let horizons = issued.into_iter().flat_map(|issued| (0..).zip(issued.horizons));
                horizons.filter(|(_, is_issued)| *is_issued).map(|(horizon, _)| Place { issued_at: *origin, horizon })
            });
            let mut places: Vec<Place> = touched.chain(recounted).filter(|place| place.target() <= newest).collect();
            places.sort_unstable();
            places.dedup();
            for place in places {
                let actuals = actuals(history, place.issued_at, place.target(), &mut self.scratch);
                self.current.actuals.push((place, actuals.map(|actual| whole(actual.count))));
            }
            forecasts.forget_before(retention.memory_start(newest));
        }
        self.touched.clear();
        self.recounted.clear();
        self.is_begun = false;
        self.settled.push_back(std::mem::take(&mut self.current));
    }

    /// What happened to the next of the videos that settled.
    pub(super) fn next(&mut self) -> VideoEvents {
        self.settled.pop_front().unwrap_or_default()
    }
}

/// What `snapshots` say at an origin; a video's first one was at `first`.
fn at_origin(first: EventTime, time: EventTime, snapshots: &[Snapshot], networks: &mut Networks) -> AtOrigin {
    let origin = Origin::observe(first, time, snapshots);
    let loose = std::cell::LazyCell::new(|| Origin::observe_loosely(first, time, snapshots));
    let seen = Seen::of(&origin);
    Metric::ALL.map(|metric| {
        let base = origin.count(metric, 0);
        let has_20_steps = origin.is_scored(metric);
        let past = Past::of(if has_20_steps { &origin } else { &loose }, metric).filter(|_| !base.is_nan())?;
        let gained = |hours: u32| base - origin.count(metric, hours as usize);
        Some(CounterAtOrigin {
            base,
            has_20_steps,
            last_increments: HORIZONS_HOURS.map(|hours| whole(Some(gained(hours)).filter(|gained| !gained.is_nan()))),
            naive: HORIZONS_HOURS.map(|hours| Members::naive(&past, hours)),
            question: networks.ask(&seen, metric),
        })
    })
}
