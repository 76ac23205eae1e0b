//! What both benches drive: the operators in a dataflow, and videos that are polled every ten minutes.

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
use viewtide_dataflows::metadata::{Metadata, MetadataSource, VideoRow};
use viewtide_dataflows::retention::Retention;
use viewtide_dataflows::series::{Loaded, SeriesConfig, SeriesStreams, series};
use viewtide_dataflows::snapshot::{EventTime, HOUR_US, Nullable, Place, Record, SECOND_US, Snapshot};
use viewtide_dataflows::trending::{TrendingConfig, TrendingStreams, trending};
use viewtide_dataflows::trends::TrendRow;
use viewtide_dataflows::video_id::VideoId;

pub const POLL_US: i64 = 600 * SECOND_US;
const T0: EventTime = 1_750_000_000 * SECOND_US;

/// As many records as a reader hands over at once.
const CHUNK_RECORDS: usize = 4_096;

type Handle<D> = InputHandle<Tick, CapacityContainerBuilder<Vec<D>>>;

/// Which operators are in the dataflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Series, for growth and hours.
    Series,
    /// Series with trends, and trending after it.
    All,
}

/// The operators alone in a dataflow, and what drives them.
pub struct Driver {
    state: Option<(Handle<Loaded>, Handle<VideoRow>)>,
    records: Handle<Record>,
    words: Handle<VideoRow>,
    rows: Rc<Cell<u64>>,
    /// Updates of ranks.
    ranks: Rc<Cell<u64>>,
    /// The ticks that the sink may still see.
    frontier: Rc<RefCell<Antichain<Tick>>>,
}

impl Driver {
    pub fn new(worker: &mut Worker, retention: Retention, extent: Extent) -> Self {
        let (mut state, mut state_videos) = (Handle::new(), Handle::new());
        let (mut records, mut words) = (Handle::new(), Handle::new());
        let (rows, ranks) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let frontier = Rc::new(RefCell::new(Antichain::from_elem(0)));
        let index = worker.index() as u32;
        worker.dataflow(|scope| {
            let trends = extent == Extent::All;
            let config = SeriesConfig { retention, growth: true, hourly: true, trends };
            let streams = series(state.to_stream(scope), records.to_stream(scope), config, index);
            let (state_videos, words) = (state_videos.to_stream(scope), words.to_stream(scope));
            let of_trends = trends.then(|| {
                // None were stored.
                let mut state_trends = Handle::<TrendRow>::new();
                let (state_trends, trends) = (state_trends.to_stream(scope), streams.trends.clone());
                trending(state_trends, state_videos, trends, words, TrendingConfig::default())
            });
            sink(streams, of_trends, (rows.clone(), ranks.clone()), frontier.clone());
        });
        // What was loaded is told from what comes by its tick.
        records.advance_to(1);
        words.advance_to(1);
        Self { state: Some((state, state_videos)), records, words, rows, ranks, frontier }
    }

    /// Updates of rows of snapshots that came out so far.
    pub fn rows(&self) -> u64 {
        self.rows.get()
    }

    /// Updates of ranks that came out so far.
    pub fn ranks(&self) -> u64 {
        self.ranks.get()
    }

    /// Loads the category of each of `videos`, `in_each` of them in each.
    pub fn load_categories(&mut self, worker: &mut Worker, videos: std::ops::Range<u64>, in_each: u64) {
        let (_, state_videos) = self.state.as_mut().expect("loading comes first");
        for video in videos {
            let metadata = Metadata { category_id: Some((video / in_each).to_string().into()), ..Metadata::default() };
            state_videos.send(VideoRow { video: video_id(video), source: MetadataSource::Snippet, metadata });
        }
        worker.step();
    }

    /// Loads a history for each of `videos`, of `points` polls that end just before poll 0.
    pub fn load(&mut self, worker: &mut Worker, videos: u64, points: i64) {
        let (mut state, _) = self.state.take().expect("loading comes once and first");
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
        self.words.advance_to(next);
        while self.frontier.borrow().less_than(&next) {
            worker.step();
        }
    }
}

/// Takes the updates like a sink does: in one operator, on the same worker.
fn sink<'s>(
    streams: SeriesStreams<'s>,
    of_trends: Option<TrendingStreams<'s>>,
    (rows, ranks): (Rc<Cell<u64>>, Rc<Cell<u64>>),
    frontier: Rc<RefCell<Antichain<Tick>>>,
) {
    let mut builder = OperatorBuilder::new("Sink".to_owned(), streams.snapshots.scope());
    let mut snapshots = builder.new_input(streams.snapshots, Pipeline);
    let mut hours = builder.new_input(streams.hours, Pipeline);
    let mut of_trends = of_trends
        .map(|streams| (builder.new_input(streams.trends, Pipeline), builder.new_input(streams.trending, Pipeline)));
    builder.build(move |_| {
        move |frontiers| {
            snapshots.for_each(|_, updates| rows.set(rows.get() + updates.len() as u64));
            hours.for_each(|_, updates| updates.clear());
            if let Some((trends, trending)) = &mut of_trends {
                trends.for_each(|_, updates| updates.clear());
                trending.for_each(|_, updates| ranks.set(ranks.get() + updates.len() as u64));
            }
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

/// What a video has more at a poll, by chance: so the lists move with every poll, as they do where people watch.
fn chance(video: u64, poll: i64) -> i64 {
    let mixed = (video << 32 ^ poll as u64 ^ 0x5bd1_e995).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33) as i64 % (40 + video as i64 % 4_000)
}

/// A video's counts at a poll; what it gains between two varies by chance.
pub fn restless(video: u64, poll: i64) -> Snapshot {
    let mut snapshot = snapshot(video, poll, 0);
    let views = 1_000_000 + poll * (4_000 + video as i64 % 4_000) + chance(video, poll);
    snapshot.counts[0] = Nullable::some(views);
    snapshot
}

/// A record of one of four partitions.
pub fn record(video: u64, offset: u64, snapshot: Snapshot) -> Record {
    let place = Place { partition: (video % 4) as u32, offset, item: 0 };
    Record { video: video_id(video), place, snapshot, arrived_us: Nullable::NULL, file_source: None }
}

/// A worker's share of `polls` of `videos`, in order of time, as chunks of snapshots that `observe` gives; each video
/// has one reader.
pub fn chunks_of(
    videos: u64,
    polls: std::ops::Range<i64>,
    index: usize,
    peers: usize,
    observe: impl Fn(u64, i64) -> Snapshot,
) -> Vec<Vec<Record>> {
    let mut chunks = vec![Vec::with_capacity(CHUNK_RECORDS)];
    for poll in polls {
        for video in (0..videos).filter(|video| (video % 4) as usize % peers == index) {
            if chunks.last().is_none_or(|chunk| chunk.len() == CHUNK_RECORDS) {
                chunks.push(Vec::with_capacity(CHUNK_RECORDS));
            }
            let record = record(video, poll as u64 * videos + video, observe(video, poll));
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
        let mut driver = Driver::new(worker, Retention { retention_us: 365 * 24 * HOUR_US }, Extent::Series);
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

/// Applies `updates` single appends, each in a tick of its own, to `videos` videos of the whole dataflow, `in_each` of
/// them in each category, and gives the time of each.
pub fn single_updates_in_categories(videos: u64, in_each: u64, updates: u64) -> Vec<Duration> {
    timely::execute_directly(move |worker| {
        let mut driver = Driver::new(worker, Retention::default(), Extent::All);
        driver.load_categories(worker, 0..videos, in_each);
        // Two days of polls, so that there are trends to begin with.
        let days = chunks_of(videos, 0..288, 0, 1, restless);
        driver.tick(worker, days);
        let times = (0..updates)
            .map(|number| {
                let video = number.wrapping_mul(7_919) % videos;
                let poll = 288 + (number / videos) as i64;
                let chunk = vec![record(video, (288 + number) * videos, restless(video, poll))];
                let start = Instant::now();
                driver.tick(worker, [chunk]);
                start.elapsed()
            })
            .collect();
        assert_eq!(driver.rows(), 288 * videos + updates, "each update has its row");
        times
    })
}
