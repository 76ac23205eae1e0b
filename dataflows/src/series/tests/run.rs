//! The operator in a real timely dataflow, at any number of workers.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use timely::communication::Config as Communication;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::operators::{Inspect, Probe};
use timely::dataflow::{InputHandle, ProbeHandle, Stream};
use timely::worker::Worker;
use timely::{Config, WorkerConfig};

use crate::Tick;
use crate::series::{HourUpdate, Loaded, SeriesConfig, SnapshotUpdate, Tally, series};
use crate::snapshot::Record;
use crate::trends::Trend;

/// What comes out at one tick.
#[derive(Clone, Debug, Default)]
pub struct Output {
    pub snapshots: Vec<SnapshotUpdate>,
    pub hours: Vec<HourUpdate>,
    pub trends: Vec<Trend>,
    pub tallies: Vec<Tally>,
}

/// How a dataflow is run.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub workers: usize,
    /// Whether what crosses workers is serialised, as it is between processes.
    pub serialised: bool,
    /// Whether the records are there before the state.
    pub state_last: bool,
}

/// Runs `ticks` on top of `loaded`; the workers share the input by partition, like sources do.
pub fn run(
    config: SeriesConfig,
    setting: Setting,
    loaded: Vec<Loaded>,
    ticks: Vec<(Tick, Vec<Record>)>,
) -> BTreeMap<Tick, Output> {
    let mut outputs = BTreeMap::<Tick, Output>::new();
    for (tick, output) in on_workers(setting, move |worker| work(worker, config, setting, &loaded, &ticks)) {
        let sum = outputs.entry(tick).or_default();
        sum.snapshots.extend(output.snapshots);
        sum.hours.extend(output.hours);
        sum.trends.extend(output.trends);
        sum.tallies.extend(output.tallies);
    }
    outputs
}

/// Runs `work` on the workers of a setting, and gives what they put out one after the other.
pub fn on_workers<O: Send + 'static>(
    setting: Setting,
    work: impl Fn(&mut Worker) -> BTreeMap<Tick, O> + Send + Sync + 'static,
) -> impl Iterator<Item = (Tick, O)> {
    let communication = match (setting.workers, setting.serialised) {
        (1, false) => Communication::Thread,
        (workers, false) => Communication::Process(workers),
        (workers, true) => Communication::ProcessBinary(workers),
    };
    let guards = timely::execute(Config { communication, worker: WorkerConfig::default() }, work);
    let outputs = guards.expect("timely starts").join();
    outputs.into_iter().flat_map(|output| output.expect("a worker ends well"))
}

/// What one worker puts out.
pub type Outputs<O> = Rc<RefCell<BTreeMap<Tick, O>>>;

fn work(
    worker: &mut Worker,
    config: SeriesConfig,
    setting: Setting,
    loaded: &[Loaded],
    ticks: &[(Tick, Vec<Record>)],
) -> BTreeMap<Tick, Output> {
    let (index, peers) = (worker.index(), worker.peers());
    let outputs = Outputs::<Output>::default();
    let probe = ProbeHandle::new();
    let (mut state, mut records) = (StateHandle::new(), InputHandle::new());
    worker.dataflow(|scope| {
        let streams = series(state.to_stream(scope), records.to_stream(scope), config, index as u32);
        collect(streams.snapshots, &outputs, &probe, |output| &mut output.snapshots);
        collect(streams.hours, &outputs, &probe, |output| &mut output.hours);
        collect(streams.trends, &outputs, &probe, |output| &mut output.trends);
        collect(streams.tallies, &outputs, &probe, |output| &mut output.tallies);
    });
    // One worker loads; the others' state is complete at once.
    let loaded = if index == peers - 1 { loaded } else { &[] };
    let mut state = Some(state);
    if !setting.state_last {
        load(worker, state.take(), loaded);
    }
    for (tick, of_tick) in ticks {
        records.advance_to(*tick);
        for record in of_tick.iter().filter(|record| record.place.partition as usize % peers == index) {
            records.send(record.clone());
        }
        worker.step();
    }
    records.close();
    if setting.state_last {
        for _ in 0..10 {
            worker.step();
        }
        assert!(outputs.borrow().is_empty(), "updates before the state was complete");
        load(worker, state.take(), loaded);
    }
    worker.step_or_park_while(None, || !probe.done());
    Rc::try_unwrap(outputs).map_or_else(|shared| shared.take(), RefCell::into_inner)
}

pub type StateHandle<D> = InputHandle<Tick, CapacityContainerBuilder<Vec<D>>>;

/// Loads in chunks over a few ticks, and closes the state.
pub fn load<D: Clone + 'static>(worker: &mut Worker, state: Option<StateHandle<D>>, loaded: &[D]) {
    let mut state = state.expect("the state is loaded once");
    for (number, chunk) in loaded.chunks(20).enumerate() {
        state.advance_to(1 + number as Tick / 2);
        state.send_batch(&mut chunk.to_vec());
        worker.step();
    }
    state.close();
}

/// Collects one of the streams.
pub fn collect<'s, D: Clone + 'static, O: Default + 'static>(
    stream: Stream<'s, Tick, Vec<D>>,
    outputs: &Outputs<O>,
    probe: &ProbeHandle<Tick>,
    part: fn(&mut O) -> &mut Vec<D>,
) {
    let outputs = outputs.clone();
    stream
        .inspect_core(move |event| {
            if let Ok((stamp, data)) = event {
                let tick = *stamp.least().expect("updates are sent at a tick");
                part(outputs.borrow_mut().entry(tick).or_default()).extend_from_slice(data);
            }
        })
        .probe_with(probe);
}
