//! The timely operator around [`Videos`]: gathers whole ticks, applies them, sends updates on.

use std::collections::BTreeMap;

use differential_dataflow::Hashable;
use timely::dataflow::Stream;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::operators::generic::operator::empty;
use timely::dataflow::operators::vec::Broadcast;
use timely::dataflow::operators::{Capability, InputCapability};

use crate::Tick;
use crate::forecasting::Forecasting;
use crate::snapshot::Record;
use crate::trends::Trend;

use super::net::Updates;
use super::videos::Videos;
use super::{EndOfInput, HourUpdate, Loaded, SeriesConfig, SnapshotUpdate, Tally};

/// Updates that are sent on together; about 100 KiB.
const CONTAINER_UPDATES: usize = 1_024;

/// What [`series`] gives.
pub struct SeriesStreams<'s, U = ()> {
    /// Rows of snapshots; each key at most once in a tick.
    pub snapshots: Stream<'s, Tick, Vec<SnapshotUpdate>>,
    /// Rows of hours; each key at most once in a tick.
    pub hours: Stream<'s, Tick, Vec<HourUpdate>>,
    /// The trend of each video that a tick touched, at most once in a tick; on the worker that has the video.
    pub trends: Stream<'s, Tick, Vec<Trend>>,
    /// What changes in what is forecast.
    pub forecasts: Stream<'s, Tick, Vec<U>>,
    /// One from each worker that received records in a tick.
    pub tallies: Stream<'s, Tick, Vec<Tally>>,
}

/// What came of a tick that is not complete.
struct Pending {
    chunks: Vec<Vec<Record>>,
    ends: Vec<EndOfInput>,
    snapshots: Capability<Tick>,
    hours: Capability<Tick>,
    trends: Capability<Tick>,
    forecasts: Capability<Tick>,
    tallies: Capability<Tick>,
}

impl Pending {
    fn new(capability: &InputCapability<Tick>, tick: Tick) -> Self {
        let delayed = |port| capability.delayed(&tick, port);
        let [snapshots, hours, trends, forecasts, tallies] = [0, 1, 2, 3, 4].map(delayed);
        Self { chunks: Vec::new(), ends: Vec::new(), snapshots, hours, trends, forecasts, tallies }
    }
}

/// [`forecast_series`] without forecasts.
pub fn series<'s>(
    state: Stream<'s, Tick, Vec<Loaded>>,
    records: Stream<'s, Tick, Vec<Record>>,
    config: SeriesConfig,
    worker: u32,
) -> SeriesStreams<'s> {
    let scope = records.scope();
    let state = SeriesState { snapshots: state, forecasts: empty(scope), models: empty(scope) };
    let input = SeriesInput { records, ends: empty(scope) };
    forecast_series(state, input, config, (), worker)
}

/// What [`forecast_series`] begins with.
pub struct SeriesState<'s, F: Forecasting> {
    /// Rows of an earlier run, those of one video in order of time.
    pub snapshots: Stream<'s, Tick, Vec<Loaded>>,
    /// What it knew of each video's forecasts.
    pub forecasts: Stream<'s, Tick, Vec<F::State>>,
    /// What is forecast by, from any worker; a model is in use at its tick and from then on.
    pub models: Stream<'s, Tick, Vec<F::Model>>,
}

/// What [`forecast_series`] reads.
pub struct SeriesInput<'s> {
    /// Snapshots as they were observed.
    pub records: Stream<'s, Tick, Vec<Record>>,
    /// That no record follows those of this tick, from any worker.
    pub ends: Stream<'s, Tick, Vec<EndOfInput>>,
}

/// Keeps every video's series up to date, and emits what changes.
///
/// `state` may come at any ticks, and its inputs are to be closed once all is there; that of models once none changes any more,
/// until when it is to run ahead of `input`, which waits until all inputs have passed its tick. All but the models and ends are
/// exchanged by video. `worker` is this worker's index, for its [`Tally`]. No capability is held between ticks.
pub fn forecast_series<'s, F: Forecasting>(
    state: SeriesState<'s, F>,
    input: SeriesInput<'s>,
    config: SeriesConfig,
    forecasting: F,
    worker: u32,
) -> SeriesStreams<'s, F::Update> {
    let mut builder = OperatorBuilder::new("Series".to_owned(), input.records.scope());
    let mut state_snapshots =
        builder.new_input(state.snapshots, Exchange::new(|loaded: &Loaded| loaded.video.hashed()));
    let mut state_forecasts =
        builder.new_input(state.forecasts, Exchange::new(|state: &F::State| F::video_of(state).hashed()));
    let mut models = builder.new_input(state.models.broadcast(), Pipeline);
    let mut records = builder.new_input(input.records, Exchange::new(|record: &Record| record.video.hashed()));
    let mut ends = builder.new_input(input.ends.broadcast(), Pipeline);
    let (snapshots, snapshot_stream) = builder.new_output();
    let (hours, hour_stream) = builder.new_output();
    let (trends, trend_stream) = builder.new_output();
    let (forecasts, forecast_stream) = builder.new_output();
    let (tallies, tally_stream) = builder.new_output();
    let (mut snapshots, mut hours) = (OutputBuilder::from(snapshots), OutputBuilder::from(hours));
    let (mut trends, mut forecasts) = (OutputBuilder::from(trends), OutputBuilder::from(forecasts));
    let mut tallies = OutputBuilder::from(tallies);

    builder.build(move |capabilities| {
        drop(capabilities);
        let mut videos = Videos::new(config, worker, forecasting);
        let mut pending = BTreeMap::<Tick, Pending>::new();
        let mut pending_models = Vec::<(Tick, F::Model)>::new();
        move |frontiers| {
            state_snapshots.for_each(|_, loaded| loaded.drain(..).for_each(|loaded| videos.load(loaded)));
            state_forecasts.for_each(|_, states| states.drain(..).for_each(|state| videos.load_known(state)));
            models.for_each(|capability, models| {
                let tick = *capability.least().expect("models are sent at a tick");
                pending_models.extend(models.drain(..).map(|model| (tick, model)));
            });
            records.for_each(|capability, records| {
                let tick = *capability.least().expect("records are sent at a tick");
                let pending = pending.entry(tick).or_insert_with(|| Pending::new(&capability, tick));
                pending.chunks.push(std::mem::take(records));
            });
            ends.for_each(|capability, ends| {
                let tick = *capability.least().expect("ends are said at a tick");
                pending.entry(tick).or_insert_with(|| Pending::new(&capability, tick)).ends.append(ends);
            });
            let (mut snapshots, mut hours) = (snapshots.activate(), hours.activate());
            let (mut trends, mut forecasts) = (trends.activate(), forecasts.activate());
            let mut tallies = tallies.activate();
            while let Some(entry) = pending.first_entry() {
                if frontiers.iter().any(|frontier| frontier.less_equal(entry.key())) {
                    break;
                }
                let (tick, pending) = entry.remove_entry();
                let due = pending_models.extract_if(.., |(from, _)| *from <= tick);
                due.for_each(|(_, model)| videos.switch(model));
                let mut snapshots = snapshots.session(&pending.snapshots);
                let mut hours = hours.session(&pending.hours);
                let mut trends = trends.session(&pending.trends);
                let mut forecasts = forecasts.session(&pending.forecasts);
                let mut send = |updates: &mut Updates<F::Update>, at_least: usize| {
                    if updates.snapshots.len() >= at_least {
                        snapshots.give_container(&mut updates.snapshots);
                        updates.snapshots.clear();
                    }
                    if updates.hours.len() >= at_least {
                        hours.give_container(&mut updates.hours);
                        updates.hours.clear();
                    }
                    if updates.trends.len() >= at_least {
                        trends.give_container(&mut updates.trends);
                        updates.trends.clear();
                    }
                    if updates.forecasts.len() >= at_least {
                        forecasts.give_container(&mut updates.forecasts);
                        updates.forecasts.clear();
                    }
                };
                let mut updates = Updates::default();
                if !pending.chunks.is_empty() {
                    let tally = videos.apply(pending.chunks, &mut updates, |updates| send(updates, CONTAINER_UPDATES));
                    tallies.session(&pending.tallies).give(tally);
                }
                for end in pending.ends {
                    videos.end(end, &mut updates, |updates| send(updates, CONTAINER_UPDATES));
                }
                send(&mut updates, 1);
            }
        }
    });
    SeriesStreams {
        snapshots: snapshot_stream,
        hours: hour_stream,
        trends: trend_stream,
        forecasts: forecast_stream,
        tallies: tally_stream,
    }
}
