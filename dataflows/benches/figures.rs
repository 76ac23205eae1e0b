//! The figures that the operators are held to, as one table.
#![allow(unsafe_code, reason = "a global allocator that counts cannot be written without")]

mod polls;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use polls::{CHANGES, Driver, Extent, chunks_of, restless, single_updates, single_updates_in_categories, snapshot};
use timely::communication::Config as Communication;
use timely::worker::Worker;
use timely::{Config, WorkerConfig};
use viewtide_dataflows::retention::Retention;

const VIDEOS: u64 = 10_000;
const RECORDS: u64 = 5_000_000;
const BATCH_RECORDS: u64 = 100_000;
/// Each video once.
const SMALL_BATCH_RECORDS: u64 = 10_000;
/// The videos fall into as many.
const CATEGORIES: u64 = 20;
/// The machine is rarely quiet: the median and the best of these.
const ROUNDS: usize = 5;

const UPDATES: u64 = 4_000;
/// Histories of any length share a state of this size, so that the caches hold as much of the one as of the other.
const POINTS_IN_ALL: i64 = 2_000_000;

/// Counts the bytes that live on the heap, with what glibc's allocator adds to each block.
struct Counting;

static LIVE_BYTES: AtomicUsize = AtomicUsize::new(0);

/// The allocator's own word, and rounding up to 16 bytes.
fn block_bytes(layout: Layout) -> usize {
    (layout.size() + 8).next_multiple_of(16).max(32)
}

// SAFETY: every call goes to the system's allocator unchanged; the counter touches no memory but its own.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE_BYTES.fetch_add(block_bytes(layout), Ordering::Relaxed);
        // SAFETY: the caller's own promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE_BYTES.fetch_sub(block_bytes(layout), Ordering::Relaxed);
        // SAFETY: the caller's own promise.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let layout_after = Layout::from_size_align(size, layout.align()).unwrap_or(layout);
        LIVE_BYTES.fetch_add(block_bytes(layout_after), Ordering::Relaxed);
        LIVE_BYTES.fetch_sub(block_bytes(layout), Ordering::Relaxed);
        // SAFETY: the caller's own promise.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    println!("{:<60} {:>20} {:>10}", "figure", "measured", "at least");
    // In turns, so that what disturbs the machine disturbs both.
    let round = |workers, extent| poll_all(workers, extent, BATCH_RECORDS);
    let (one, two): (Vec<_>, Vec<_>) =
        (0..ROUNDS).map(|_| (round(1, Extent::Series), round(2, Extent::Series))).unzip();
    let (whole, small): (Vec<_>, Vec<_>) =
        (0..ROUNDS).map(|_| (round(1, Extent::All), poll_all(1, Extent::All, SMALL_BATCH_RECORDS))).unzip();
    let whole_two: Vec<_> = (0..ROUNDS).map(|_| round(2, Extent::All)).collect();
    let rates = |rounds: &[(Duration, f64)]| {
        let times: Vec<Duration> = rounds.iter().map(|round| round.0).collect();
        [0, 50].map(|percent| RECORDS as f64 / quantile(times.clone(), percent).as_secs_f64() / 1e6)
    };
    let ([one_best, one_median], [two_best, two_median]) = (rates(&one), rates(&two));
    row("growth + hourly, M records/s, 1 worker, best", one_best, "2.2");
    row("growth + hourly, M records/s, 1 worker, median", one_median, "");
    row("growth + hourly, M records/s, -w 2, best", two_best, "");
    row("growth + hourly, M records/s, -w 2, median", two_median, "");
    row("-w 2 by 1 worker, of the best", two_best / one_best, "1.6");
    row("-w 2 by 1 worker, of the medians", two_median / one_median, "");
    for (rounds, of, target) in
        [(&whole, "1 worker", "0.8"), (&small, "1 worker, batches of 10 k", ""), (&whole_two, "-w 2", "")]
    {
        let [best, median] = rates(rounds);
        println!("whole dataflow (growth, hours, trends, trending), M records/s,");
        row(&format!("    {of}, best"), best, target);
        row(&format!("    {of}, median"), median, "");
    }
    let bytes = one.iter().chain(&two).map(|round| round.1).fold(0.0, f64::max);
    println!("{:<60} {:>20} {:>10}", "", "", "at most");
    row("state, bytes per snapshot, all told", bytes, "60");
    let per_video = (RECORDS / VIDEOS) as f64;
    let of_whole = whole.iter().map(|round| round.1).fold(0.0, f64::max);
    row("state of trends and trending, bytes per video", (of_whole - bytes) * per_video, "");
    let [small, large] = [10, VIDEOS].map(|in_each| {
        let p50 = |_| quantile(single_updates_in_categories(VIDEOS, in_each, UPDATES), 50);
        (0..3).map(p50).min().expect("there are rounds").as_nanos() as f64 / 1_000.0
    });
    row("one update of the whole dataflow, us, p50, category of 10", small, "");
    row("one update of the whole dataflow, us, p50, category of 10,000", large, "");
    row("one update of the whole dataflow, 10,000 by 10", large / small, "1.3");
    for change in CHANGES {
        let [short, long] = [100, 10_000].map(|points| {
            let videos = POINTS_IN_ALL / points;
            let p50 = |_| quantile(single_updates(change, videos as u64, points, UPDATES), 50);
            (0..3).map(p50).min().expect("there are rounds")
        });
        let us = |duration: Duration| duration.as_nanos() as f64 / 1_000.0;
        row(&format!("one update, {change:?}, us, p50, history of 100"), us(short), "10");
        row(&format!("one update, {change:?}, us, p50, history of 10,000"), us(long), "10");
        row(&format!("one update, {change:?}, 10,000 by 100"), us(long) / us(short), "1.3");
    }
}

fn row(figure: &str, measured: f64, target: &str) {
    println!("{figure:<60} {measured:>20.2} {target:>10}");
}

fn quantile(mut times: Vec<Duration>, percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}

/// The time of all batches, the records being there before; and the bytes of state per snapshot after them.
fn poll_all(workers: usize, extent: Extent, batch_records: u64) -> (Duration, f64) {
    let before = LIVE_BYTES.load(Ordering::Relaxed);
    let barrier = Arc::new(Barrier::new(workers));
    let results = on_workers(workers, move |worker| {
        let polls = (batch_records / VIDEOS) as i64;
        let chunks = |polls| match extent {
            Extent::Series => chunks_of(VIDEOS, polls, worker.index(), workers, |video, poll| snapshot(video, poll, 0)),
            Extent::All => chunks_of(VIDEOS, polls, worker.index(), workers, restless),
        };
        let batches: Vec<_> =
            (0..(RECORDS / batch_records) as i64).map(|batch| chunks(batch * polls..(batch + 1) * polls)).collect();
        let mut driver = Driver::new(worker, Retention::default(), extent);
        let loads = extent == Extent::All && worker.index() == 0;
        driver.load_categories(worker, 0..if loads { VIDEOS } else { 0 }, VIDEOS / CATEGORIES);
        barrier.wait();
        let start = Instant::now();
        for batch in batches {
            driver.tick(worker, batch);
        }
        let elapsed = start.elapsed();
        barrier.wait();
        let live = LIVE_BYTES.load(Ordering::Relaxed);
        barrier.wait();
        (elapsed, live, driver.rows(), driver.ranks())
    });
    let ranks = results.iter().map(|result| result.3).sum::<u64>();
    assert!((extent == Extent::All) == (ranks > 0), "{ranks} updates of ranks");
    assert_eq!(results.iter().map(|result| result.2).sum::<u64>(), RECORDS, "each record has its row");
    let elapsed = results.iter().map(|result| result.0).max().unwrap_or_default();
    let live = results.iter().map(|result| result.1).max().unwrap_or_default();
    (elapsed, live.saturating_sub(before) as f64 / RECORDS as f64)
}

/// Runs `work` on that many workers of one process, and gives what each returns.
fn on_workers<T: Send + 'static>(workers: usize, work: impl Fn(&mut Worker) -> T + Send + Sync + 'static) -> Vec<T> {
    let communication = if workers == 1 { Communication::Thread } else { Communication::Process(workers) };
    let guards = timely::execute(Config { communication, worker: WorkerConfig::default() }, work);
    let results = guards.expect("timely starts").join();
    results.into_iter().map(|result| result.expect("a worker ends well")).collect()
}
