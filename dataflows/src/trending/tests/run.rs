//! Series and the operators after it in a real timely dataflow, at any number of workers.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use differential_dataflow::Hashable;
use timely::dataflow::operators::Exchange;
use timely::dataflow::{InputHandle, ProbeHandle};
use timely::worker::Worker;

use crate::Tick;
use crate::metadata::VideoRow;
use crate::series::tests::run::{Outputs, Setting, StateHandle, collect, load, on_workers};
use crate::series::{Loaded, SeriesConfig, series};
use crate::trending::{TrendingConfig, TrendingStreams, TrendingUpdate, trending};
use crate::trends::{TrendRow, TrendUpdate};

use super::cases::Step;
use super::model::video_row;

/// What comes out at one tick.
#[derive(Clone, Debug, Default)]
pub struct Output {
    pub trends: Vec<TrendUpdate>,
    pub trending: Vec<TrendingUpdate>,
}

/// What an earlier run stored.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub snapshots: Vec<Loaded>,
    pub trends: Vec<TrendRow>,
    pub videos: Vec<VideoRow>,
}

/// Runs `steps` on top of `state`; the workers share the records by partition, like sources do.
pub fn run(
    configs: (SeriesConfig, TrendingConfig),
    setting: Setting,
    state: State,
    steps: BTreeMap<Tick, Step>,
) -> BTreeMap<Tick, Output> {
    let mut outputs = BTreeMap::<Tick, Output>::new();
    for (tick, output) in on_workers(setting, move |worker| work(worker, configs, setting, &state, &steps)) {
        let sum = outputs.entry(tick).or_default();
        sum.trends.extend(output.trends);
        sum.trending.extend(output.trending);
    }
    outputs
}

fn work(
    worker: &mut Worker,
    (series_config, config): (SeriesConfig, TrendingConfig),
    setting: Setting,
    state: &State,
    steps: &BTreeMap<Tick, Step>,
) -> BTreeMap<Tick, Output> {
    let (index, peers) = (worker.index(), worker.peers());
    let outputs = Outputs::<Output>::default();
    let probe = ProbeHandle::new();
    let mut snapshots_in = StateHandle::<Loaded>::new();
    let (mut trends_in, mut videos_in) = (StateHandle::<TrendRow>::new(), StateHandle::<VideoRow>::new());
    let (mut records, mut words) = (InputHandle::new(), InputHandle::new());
    worker.dataflow(|scope| {
        let series = series(snapshots_in.to_stream(scope), records.to_stream(scope), series_config, index as u32);
        let words = words.to_stream(scope).exchange(|row: &VideoRow| row.video.hashed());
        let (state_trends, state_videos) = (trends_in.to_stream(scope), videos_in.to_stream(scope));
        let TrendingStreams { trends, trending } = trending(state_trends, state_videos, series.trends, words, config);
        collect(trends, &outputs, &probe, |output| &mut output.trends);
        collect(trending, &outputs, &probe, |output| &mut output.trending);
    });
    let load_all = |worker: &mut Worker, snapshots, trends, videos| {
        // One worker loads; the others' state is complete at once.
        let loads = index == peers - 1;
        load(worker, Some(videos), if loads { &state.videos } else { &[] });
        load(worker, Some(snapshots), if loads { &state.snapshots } else { &[] });
        load(worker, Some(trends), if loads { &state.trends } else { &[] });
    };
    let mut state_in = Some((snapshots_in, trends_in, videos_in));
    if let Some((snapshots, trends, videos)) = state_in.take_if(|_| !setting.state_last) {
        load_all(worker, snapshots, trends, videos);
    }
    for (&tick, step) in steps {
        records.advance_to(tick);
        words.advance_to(tick);
        for record in step.records.iter().filter(|record| record.place.partition as usize % peers == index) {
            records.send(record.clone());
        }
        for (number, (video, category)) in step.words.iter().enumerate() {
            if (tick as usize + number) % peers == index {
                words.send(video_row(*video, category.clone()));
            }
        }
        worker.step();
    }
    records.close();
    words.close();
    if let Some((snapshots, trends, videos)) = state_in {
        for _ in 0..10 {
            worker.step();
        }
        assert!(outputs.borrow().is_empty(), "updates before the state was complete");
        load_all(worker, snapshots, trends, videos);
    }
    worker.step_or_park_while(None, || !probe.done());
    Rc::try_unwrap(outputs).map_or_else(|shared| shared.take(), RefCell::into_inner)
}
