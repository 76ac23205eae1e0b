//! What both benches drive: the operator in a dataflow, and videos that are polled every ten minutes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use timely::container::CapacityContainerBuilder;
use timely::dataflow::InputHandle;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::progress::Antichain;
use timely::worker::Worker;
use viewtide_dataflows::Tick;
use viewtide_dataflows::retention::Retention;
use viewtide_dataflows::series::{Loaded, SeriesConfig, SeriesStreams, series};
use viewtide_dataflows::snapshot::{EventTime, HOUR_US, Nullable, Place, Record, SECOND_US, Snapshot};
use viewtide_dataflows::video_id::VideoId;

pub const POLL_US: i64 = 600 * SECOND_US;
const T0: EventTime = 1_750_000_000 * SECOND_US;

/// As many records as a reader hands over at once.
const CHUNK_RECORDS: usize = 4_096;

/// The operator alone in a dataflow, and what drives it.
pub struct Driver {
    state: Option<InputHandle<Tick, CapacityContainerBuilder<Vec<Loaded>>>>,
    records: InputHandle<Tick, CapacityContainerBuilder<Vec<Record>>>,
    rows: Rc<Cell<u64>>,
    /// The ticks that the sink may still see.
    frontier: Rc<RefCell<Antichain<Tick>>>,
}

impl Driver {
    pub fn new(worker: &mut Worker, retention: Retention) -> Self {
        let (mut state, mut records) = (InputHandle::new(), InputHandle::new());
        let (rows, frontier) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(Antichain::from_elem(0))));
        let index = worker.index() as u32;
        worker.dataflow(|scope| {
            let config = SeriesConfig { retention, growth: true, hourly: true, trends: false };
            let streams = series(state.to_stream(scope), records.to_stream(scope), config, index);
            sink(streams, rows.clone(), frontier.clone());
        });
        Self { state: Some(state), records, rows, frontier }
    }

    /// Updates of rows of snapshots that came out so far.
    pub fn rows(&self) -> u64 {
        self.rows.get()
    }

    /// Loads a history for each of `videos`, of `points` polls that end just before poll 0.
    pub fn load(&mut self, worker: &mut Worker, videos: u64, points: i64) {
        let mut state = self.state.take().expect("loading comes once and first");
        for video in 0..videos {
            for poll in -points..0 {
                state.send(Loaded { video: video_id(video), snapshot: snapshot(video, poll, 0) });
            }
            worker.step();
        }
        state.close();
        self.tick(worker, []);
    }

    /// A tick of these chunks, until its updates are out. All workers take part in each.
    pub fn tick(&mut self, worker: &mut Worker, chunks: impl IntoIterator<Item = Vec<Record>>) {
        drop(self.state.take());
        for mut chunk in chunks {
            self.records.send_batch(&mut chunk);
        }
        let next = self.records.time() + 1;
        self.records.advance_to(next);
        while self.frontier.borrow().less_than(&next) {
            worker.step();
        }
    }
}

/// Takes the updates like a sink does: in one operator, on the same worker.
fn sink(streams: SeriesStreams<'_>, rows: Rc<Cell<u64>>, frontier: Rc<RefCell<Antichain<Tick>>>) {
    let mut builder = OperatorBuilder::new("Sink".to_owned(), streams.snapshots.scope());
    let mut snapshots = builder.new_input(streams.snapshots, Pipeline);
    let mut hours = builder.new_input(streams.hours, Pipeline);
    builder.build(move |_| {
        move |frontiers| {
            snapshots.for_each(|_, updates| rows.set(rows.get() + updates.len() as u64));
            hours.for_each(|_, updates| updates.clear());
            let mut frontier = frontier.borrow_mut();
            frontier.clear();
            frontier.extend(frontiers.iter().flat_map(|frontier| frontier.frontier().to_owned()));
        }
    });
}

/// Random bits, like those of real ids.
pub fn video_id(video: u64) -> VideoId {
    let mixed = (video + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    VideoId((mixed ^ mixed >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93))
}

/// A video's counts at a poll; `later_us` after it.
pub fn snapshot(video: u64, poll: i64, later_us: i64) -> Snapshot {
    let views = 1_000_000 + poll * (video % 97) as i64 + later_us % 7;
    let jitter_us = (video % 600) as i64 * SECOND_US;
    Snapshot {
        time: T0 + poll * POLL_US + jitter_us + later_us,
        counts: [Nullable::some(views), Nullable::some(views / 30), Nullable::some(views / 400)],
    }
}

/// A record of one of four partitions.
pub fn record(video: u64, offset: u64, snapshot: Snapshot) -> Record {
    let place = Place { partition: (video % 4) as u32, offset, item: 0 };
    Record { video: video_id(video), place, snapshot, file_source: None }
}

/// A worker's share of `polls` of `videos`, in order of time, as chunks; each video has one reader.
pub fn chunks(videos: u64, polls: std::ops::Range<i64>, index: usize, peers: usize) -> Vec<Vec<Record>> {
    let mut chunks = vec![Vec::with_capacity(CHUNK_RECORDS)];
    for poll in polls {
        for video in (0..videos).filter(|video| (video % 4) as usize % peers == index) {
            if chunks.last().is_none_or(|chunk| chunk.len() == CHUNK_RECORDS) {
                chunks.push(Vec::with_capacity(CHUNK_RECORDS));
            }
            let record = record(video, poll as u64 * videos + video, snapshot(video, poll, 0));
            chunks.last_mut().expect("there is one").push(record);
        }
    }
    chunks
}

/// What is done to a video in a tick of its own.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    Append,
    LateInsert,
    Correction,
}

pub const CHANGES: [Change; 3] = [Change::Append, Change::LateInsert, Change::Correction];

/// Applies `updates` single changes to histories of `points`, each in a tick of its own, and gives the time of each.
/// `videos` of them take turns.
pub fn single_updates(change: Change, videos: u64, points: i64, updates: u64) -> Vec<Duration> {
    timely::execute_directly(move |worker| {
        // Nothing is late, and nothing is forgotten.
        let mut driver = Driver::new(worker, Retention { retention_us: 365 * 24 * HOUR_US });
        driver.load(worker, videos, points);
        let one = |number: u64| {
            // A step that visits every video, and no two neighbours after each other.
            let video = number.wrapping_mul(7_919) % videos;
            let round = (number / videos) as i64;
            let somewhere = -1 - (number.wrapping_mul(0x9e37_79b9) % (points as u64 - 1)) as i64;
            let snapshot = match change {
                Change::Append => snapshot(video, round, 0),
                Change::LateInsert => snapshot(video, somewhere, 1 + round),
                Change::Correction => snapshot(video, somewhere, 0),
            };
            let counts = snapshot.counts.map(|count| Nullable::some(count.get().unwrap_or(0) + 1 + round));
            vec![record(video, number, Snapshot { counts, ..snapshot })]
        };
        let times = (0..updates)
            .map(|number| {
                let chunk = one(number);
                let start = Instant::now();
                driver.tick(worker, [chunk]);
                start.elapsed()
            })
            .collect();
        assert!(driver.rows() >= updates, "each update has its row");
        times
    })
}
