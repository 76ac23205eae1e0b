//! The operator against the definition, after every tick.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use proptest::prelude::*;
use timely::communication::Config as Communication;
use timely::dataflow::operators::{Inspect, Probe};
use timely::dataflow::{InputHandleVec, ProbeHandle};
use timely::{Config, WorkerConfig};

use super::*;
use crate::snapshot::Place;

type Table = BTreeMap<VideoId, VideoRow>;

/// The table by definition: of each video the last record of its strongest source, in order of places.
fn define(records: &[MetadataRecord]) -> Table {
    let mut table = Table::new();
    for source in [MetadataSource::VideosFile, MetadataSource::Snippet, MetadataSource::VideosTopic] {
        let mut of_source: Vec<_> = records.iter().filter(|record| record.source == source).collect();
        of_source.sort_by_key(|record| record.place);
        for record in of_source {
            let row = VideoRow { video: record.video, source, metadata: record.metadata.clone() };
            table.insert(record.video, row);
        }
    }
    table
}

/// Runs `ticks` on top of `state`, each worker with its share; gives each tick's updates.
fn run(workers: usize, state: &Table, ticks: &[(Tick, Vec<MetadataRecord>)]) -> BTreeMap<Tick, Vec<VideoRow>> {
    let (state, ticks): (Vec<VideoRow>, Vec<_>) = (state.values().cloned().collect(), ticks.to_vec());
    let communication = if workers == 1 { Communication::Thread } else { Communication::ProcessBinary(workers) };
    let timely = Config { communication, worker: WorkerConfig::default() };
    let guards = timely::execute(timely, move |worker| {
        let (index, peers) = (worker.index(), worker.peers());
        let outputs = Rc::new(RefCell::new(BTreeMap::<Tick, Vec<VideoRow>>::new()));
        let (probe, collected) = (ProbeHandle::new(), outputs.clone());
        let (mut loading, mut input) = (InputHandleVec::new(), InputHandleVec::new());
        worker.dataflow(|scope| {
            videos(loading.to_stream(scope), input.to_stream(scope), index as u32)
                .rows
                .inspect_core(move |event| {
                    if let Ok((stamp, updates)) = event {
                        let tick = *stamp.least().expect("updates are sent at a tick");
                        collected.borrow_mut().entry(tick).or_default().extend_from_slice(updates);
                    }
                })
                .probe_with(&probe);
        });
        // The records are there before the state.
        for (tick, records) in &ticks {
            input.advance_to(*tick);
            let mine = |record: &&MetadataRecord| record.place.partition as usize % peers == index;
            records.iter().filter(mine).for_each(|record| input.send(record.clone()));
            worker.step();
        }
        input.close();
        if index == peers - 1 {
            state.iter().for_each(|row| loading.send(row.clone()));
        }
        loading.close();
        worker.step_or_park_while(None, || !probe.done());
        outputs.take()
    });
    let mut outputs = BTreeMap::<Tick, Vec<VideoRow>>::new();
    for worker in guards.expect("timely starts").join() {
        for (tick, updates) in worker.expect("a worker ends well") {
            outputs.entry(tick).or_default().extend(updates);
        }
    }
    outputs
}

/// A video, whose word it is, title, category, time of publishing.
type Draft = (u64, MetadataSource, Option<&'static str>, Option<&'static str>, Option<i64>);

fn records() -> impl Strategy<Value = Vec<(Tick, Vec<MetadataRecord>)>> {
    let text = || prop::option::of(prop::sample::select(vec!["a", "b", "\u{1f3ac}"]));
    let source = prop::sample::select(vec![
        MetadataSource::VideosFile,
        MetadataSource::Snippet,
        MetadataSource::Snippet,
        MetadataSource::VideosTopic,
    ]);
    let record = (0..4u64, source, text(), text(), prop::option::of(0..2i64));
    prop::collection::vec(prop::collection::vec(record, 0..12), 1..6).prop_map(|ticks| {
        let mut number = 0;
        let mut of_tick = |(tick, records): (usize, Vec<Draft>)| {
            let records = records.into_iter().map(|(video, source, title, category, published_at)| {
                number += 1;
                let metadata = Metadata {
                    title: title.map(Into::into),
                    category_id: category.map(Into::into),
                    published_at,
                    ..Metadata::default()
                };
                // Items of one record share an offset; a video keeps its partition.
                let place = Place { partition: video as u32, offset: number / 3, item: number as u32 % 3 };
                MetadataRecord { video: VideoId(video), place, source, metadata }
            });
            (10 + tick as Tick, records.collect())
        };
        ticks.into_iter().enumerate().map(&mut of_tick).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn rows_are_those_of_the_definition_after_every_tick(
        ticks in records(),
        workers in 1..=3usize,
        restart in any::<prop::sample::Index>(),
    ) {
        let (mut table, mut so_far) = (Table::new(), Vec::new());
        let restart = restart.index(ticks.len());
        for ticks in [&ticks[..restart], &ticks[restart..]] {
            let mut outputs = run(workers, &table, ticks);
            for (tick, records) in ticks {
                so_far.extend(records.iter().cloned());
                for row in outputs.remove(tick).unwrap_or_default() {
                    let before = table.insert(row.video, row.clone());
                    prop_assert_ne!(before, Some(row), "a row that did not change");
                }
                prop_assert_eq!(&table, &define(&so_far));
            }
            prop_assert!(outputs.is_empty(), "updates at no tick: {:?}", outputs);
        }
    }
}
