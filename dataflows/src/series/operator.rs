//! The timely operator around [`Videos`]: gathers whole ticks, applies them, sends updates on.

use std::collections::BTreeMap;

use differential_dataflow::Hashable;
use timely::dataflow::Stream;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::operators::{Capability, InputCapability};

use crate::Tick;
use crate::snapshot::Record;
use crate::trends::Trend;

use super::net::Updates;
use super::videos::Videos;
use super::{HourUpdate, Loaded, SeriesConfig, SnapshotUpdate, Tally};

/// Updates that are sent on together; about 100 KiB.
const CONTAINER_UPDATES: usize = 1_024;

/// What [`series`] gives.
pub struct SeriesStreams<'s> {
    /// Rows of snapshots; each key at most once in a tick.
    pub snapshots: Stream<'s, Tick, Vec<SnapshotUpdate>>,
    /// Rows of hours; each key at most once in a tick.
    pub hours: Stream<'s, Tick, Vec<HourUpdate>>,
    /// The trend of each video that a tick touched, at most once in a tick; on the worker that has the video.
    pub trends: Stream<'s, Tick, Vec<Trend>>,
    /// One from each worker that received records in a tick.
    pub tallies: Stream<'s, Tick, Vec<Tally>>,
}

/// The records of a tick that is not complete.
struct Pending {
    chunks: Vec<Vec<Record>>,
    snapshots: Capability<Tick>,
    hours: Capability<Tick>,
    trends: Capability<Tick>,
    tallies: Capability<Tick>,
}

impl Pending {
    fn new(capability: &InputCapability<Tick>, tick: Tick) -> Self {
        let delayed = |port| capability.delayed(&tick, port);
        let [snapshots, hours, trends, tallies] = [0, 1, 2, 3].map(delayed);
        Self { chunks: Vec::new(), snapshots, hours, trends, tallies }
    }
}

/// Keeps every video's series up to date, and emits what changes.
///
/// `state` are rows of an earlier run, those of one video in order of time; they may come at any ticks, and the input
/// is to be closed once all are there. `records` wait until both inputs have passed their tick. Both are exchanged by
/// video. `worker` is this worker's index, for its [`Tally`]. No capability is held between ticks.
pub fn series<'s>(
    state: Stream<'s, Tick, Vec<Loaded>>,
    records: Stream<'s, Tick, Vec<Record>>,
    config: SeriesConfig,
    worker: u32,
) -> SeriesStreams<'s> {
    let mut builder = OperatorBuilder::new("Series".to_owned(), records.scope());
    let mut state = builder.new_input(state, Exchange::new(|loaded: &Loaded| loaded.video.hashed()));
    let mut records = builder.new_input(records, Exchange::new(|record: &Record| record.video.hashed()));
    let (snapshots, snapshot_stream) = builder.new_output();
    let (hours, hour_stream) = builder.new_output();
    let (trends, trend_stream) = builder.new_output();
    let (tallies, tally_stream) = builder.new_output();
    let (mut snapshots, mut hours) = (OutputBuilder::from(snapshots), OutputBuilder::from(hours));
    let (mut trends, mut tallies) = (OutputBuilder::from(trends), OutputBuilder::from(tallies));

    builder.build(move |capabilities| {
        drop(capabilities);
        let mut videos = Videos::new(config, worker);
        let mut pending = BTreeMap::<Tick, Pending>::new();
        move |frontiers| {
            state.for_each(|_, loaded| loaded.drain(..).for_each(|loaded| videos.load(loaded)));
            records.for_each(|capability, records| {
                let tick = *capability.least().expect("records are sent at a tick");
                let pending = pending.entry(tick).or_insert_with(|| Pending::new(&capability, tick));
                pending.chunks.push(std::mem::take(records));
            });
            let (mut snapshots, mut hours) = (snapshots.activate(), hours.activate());
            let (mut trends, mut tallies) = (trends.activate(), tallies.activate());
            while let Some(entry) = pending.first_entry() {
                if frontiers.iter().any(|frontier| frontier.less_equal(entry.key())) {
                    break;
                }
                let pending = entry.remove();
                let mut snapshots = snapshots.session(&pending.snapshots);
                let mut hours = hours.session(&pending.hours);
                let mut trends = trends.session(&pending.trends);
                let mut send = |updates: &mut Updates, at_least: usize| {
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
                };
                let mut updates = Updates::default();
                let tally = videos.apply(pending.chunks, &mut updates, |updates| send(updates, CONTAINER_UPDATES));
                send(&mut updates, 1);
                tallies.session(&pending.tallies).give(tally);
            }
        }
    });
    SeriesStreams { snapshots: snapshot_stream, hours: hour_stream, trends: trend_stream, tallies: tally_stream }
}
