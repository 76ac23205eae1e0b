//! The same tables by definition: everything is looked at anew at every record.

use std::collections::BTreeMap;

use viewtide_dataflows::snapshot::hour_start;

use super::run::{Arrival, Key, ScoreKey, add};
use super::*;
use crate::blend::{Members, Network};
use crate::features::{Inputs, Seen};
use crate::lstm::{self, QUANTILES};
use crate::naive::Past;
use crate::pretrained::pretrained;
use crate::task::{HORIZONS_HOURS, Metric, Origin, REACH_US};

pub struct Oracle {
    pub rows: BTreeMap<Key, (ForecastRow, [Nullable; 3])>,
    pub learned: BTreeMap<VideoId, Box<[u8]>>,
    pub scores: BTreeMap<ScoreKey, terms::Terms>,
}

#[derive(Default)]
struct Video {
    /// In order of time.
    snapshots: Vec<Snapshot>,
    /// By hour.
    origins: BTreeMap<EventTime, EventTime>,
    rows: BTreeMap<Place, ForecastRow>,
    /// Places whose target was reached.
    frozen: Vec<Place>,
    forecaster: Forecaster,
    has_learned: bool,
}

impl Oracle {
    pub fn of(arrivals: &[Arrival], when: When, has_models: bool, is_ended: bool) -> Self {
        let mut videos = BTreeMap::<VideoId, Video>::new();
        for arrival in arrivals {
            videos.entry(arrival.video).or_default().record(arrival, when, has_models);
        }
        if is_ended && when == When::Live {
            videos.values_mut().for_each(|video| video.end(has_models));
        }
        let mut oracle = Self { rows: BTreeMap::new(), learned: BTreeMap::new(), scores: BTreeMap::new() };
        for (id, video) in videos {
            if video.has_learned {
                oracle.learned.insert(id, video.forecaster.to_bytes());
            }
            for (place, row) in &video.rows {
                let actual =
                    video.actual(*place).map(|(count, _)| count.map(|count| count.round_ties_even() as i64).into());
                add(&mut oracle.scores, *place, row, &actual, 1);
                oracle.rows.insert((id, *place), (*row, actual));
            }
        }
        oracle
    }
}

impl Video {
    fn record(&mut self, arrival: &Arrival, when: When, has_models: bool) {
        let Snapshot { time, counts } = arrival.snapshot;
        let newest_before = self.snapshots.last().map(|last| last.time);
        if newest_before.is_some_and(|newest| time < newest - 7 * 24 * HOUR_US) {
            return;
        }
        let place = self.snapshots.partition_point(|snapshot| snapshot.time < time);
        let is_there = self.snapshots.get(place).is_some_and(|snapshot| snapshot.time == time);
        if is_there && self.snapshots[place].counts == counts {
            return;
        }
        match is_there {
            true => self.snapshots[place] = arrival.snapshot,
            false => self.snapshots.insert(place, arrival.snapshot),
        }
        let newest = self.snapshots.last().unwrap().time;
        let is_newest = newest_before.is_none_or(|newest| time > newest);
        self.freeze(newest, time);
        let is_first_of_hour = !self.origins.contains_key(&hour_start(time));
        self.origins.entry(hour_start(time)).or_insert(time);
        let open: Vec<Place> = self.rows.keys().copied().filter(|place| place.target() > newest).collect();
        for place in open {
            if !is_newest && (place.issued_at >= time || place_is_first(&self.snapshots, time)) {
                self.make(place, has_models);
            }
        }
        let after = match when {
            When::All => Some(i64::MIN),
            When::Live => arrival.arrived_us,
            When::Off => None,
        };
        for horizon in 0..3 {
            let place = Place { issued_at: time, horizon };
            if is_first_of_hour && after.is_some_and(|after| place.target() > newest.max(after)) {
                self.make(place, has_models);
            }
        }
    }

    fn end(&mut self, has_models: bool) {
        let newest = self.snapshots.last().unwrap().time;
        if !self.rows.keys().any(|place| place.issued_at == newest) {
            (0..3).for_each(|horizon| self.make(Place { issued_at: newest, horizon }, has_models));
        }
    }

    fn freeze(&mut self, newest: EventTime, at: EventTime) {
        let reached = |place: &Place| place.target() <= newest && !self.frozen.contains(place);
        let mut places: Vec<Place> = self.rows.keys().copied().filter(reached).collect();
        places.sort();
        for place in places {
            for (metric, (count, learned_at)) in Metric::ALL.into_iter().zip(self.actual(place)) {
                if let (Some(count), Some(forecast)) = (count, &self.rows[&place][metric as usize])
                    && learned_at == Some(at)
                {
                    let gain = count - forecast.base as f64;
                    self.forecaster.learn(metric, usize::from(place.horizon), &forecast.outstanding, gain, at);
                    self.has_learned = true;
                }
            }
            self.frozen.push(place);
        }
    }

    fn actual(&self, place: Place) -> [(Option<f64>, Option<EventTime>); 3] {
        let origin = self.snapshots.iter().find(|snapshot| snapshot.time == place.issued_at).unwrap();
        Metric::ALL.map(|metric| {
            let at_origin = origin.counts[metric as usize].get();
            let actual = crate::task::Actual::of(&self.snapshots, metric, place.target(), at_origin);
            (actual.count, actual.learned_at)
        })
    }

    fn make(&mut self, place: Place, has_models: bool) {
        let (time, horizon) = (place.issued_at, usize::from(place.horizon));
        let first = self.snapshots[0].time;
        let start = self.snapshots.partition_point(|snapshot| snapshot.time < time - REACH_US).saturating_sub(1);
        let known: Vec<Snapshot> =
            self.snapshots[start..].iter().copied().filter(|snapshot| snapshot.time <= time).collect();
        let strict = Origin::observe(first, time, &known);
        let loose = Origin::observe_loosely(first, time, &known);
        let row = Metric::ALL.map(|metric| {
            let base = strict.count(metric, 0);
            let has_20_steps = strict.has_window(Metric::Views) && strict.has_window(metric);
            let past = Past::of(if has_20_steps { &strict } else { &loose }, metric)?;
            if base.is_nan() {
                return None;
            }
            let said = if has_models { network(&strict, metric, horizon) } else { None };
            let members = Members::naive(&past, HORIZONS_HOURS[horizon]).with_network(said);
            let issued = self.forecaster.issue(metric, horizon, base, members);
            let gained = base - strict.count(metric, HORIZONS_HOURS[horizon] as usize);
            Some(CounterForecast {
                base: base as i64,
                last_increment: (!gained.is_nan()).then_some(gained.round_ties_even() as i64).into(),
                has_20_steps,
                basis: issued.basis(),
                model_version: u32::from(said.is_some()),
                outstanding: issued.outstanding(base),
            })
        });
        self.rows.insert(place, row);
    }
}

fn place_is_first(snapshots: &[Snapshot], time: EventTime) -> bool {
    snapshots[0].time == time
}

/// One network, asked about one origin.
fn network(origin: &Origin, metric: Metric, horizon: usize) -> Option<Network> {
    static MODELS: std::sync::LazyLock<Vec<crate::artifact::Artifact>> =
        std::sync::LazyLock::new(|| pretrained().unwrap());
    let artifact = MODELS.iter().find(|artifact| artifact.manifest.metric == metric)?;
    let mut inputs = Inputs::default();
    if !Seen::of(origin).append(metric, artifact.manifest.feature_set().unwrap(), &mut inputs) {
        return None;
    }
    let Inputs { window, context, base } = &inputs;
    let said = artifact.ensemble.forecast(lstm::Inputs { window, context, base }, 1).unwrap();
    let [low, gain, high] = [0, 1, 2].map(|at| f64::from(said[horizon * QUANTILES + at]).sinh());
    Some(Network { gain, quantiles: [low, high] })
}
