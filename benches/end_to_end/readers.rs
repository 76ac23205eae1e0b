//! Fifty who look at the pages of a run with a million snapshots, and what that costs those who wait for a commit.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::extent::Extent;
use crate::harness::kafka;
use crate::harness::pages::address;
use crate::latency::{Load, PARTITIONS, at_share, partition, start};
use crate::polls::{self, BY_CHANCE, VIDEOS};
use crate::table::{row, spread};
use crate::{Server, stop};

const SNAPSHOTS: u64 = 1_000_000;
const READERS: u64 = 50;
/// How long each stays at a page, which comes again each second.
const STAY: Duration = Duration::from_secs(3);
/// Times with and without them, one after the other.
const ROUNDS: u64 = 9;

/// Sends 1,000 records a second for a while, and says the p99 from produce to commit, ms.
fn p99_ms(topic: &str, database: &str, before: &mut u64) -> f64 {
    let first = *before;
    let message = |number| BY_CHANCE.message(first + number);
    let load = Load { topic, before: first, per_second: 1_000, seconds: 20, linger_ms: 0, message: &message };
    let latencies_ms = load.latencies_ms(database);
    *before += load.per_second * load.seconds;
    at_share(&latencies_ms, 0.99).parse().expect("a number")
}

/// Measures and prints.
pub fn measure(server: &Server) {
    let folder = tempfile::tempdir().expect("a folder");
    let topic = kafka::shared().fresh_topic("readers", PARTITIONS as i32);
    let mut before = SNAPSHOTS;
    BY_CHANCE.produce(&topic, before, |number| Some(partition(number) as i32));
    let database = server.fresh_database();
    let flags = Extent::All.args(folder.path());
    let with = |forecasts: &str| {
        let more = ["--forecasts", forecasts, "--retrain", "off", "--http", "0"].map(str::to_owned);
        flags.iter().cloned().chain(more).collect::<Vec<_>>()
    };
    // Pages have forecasts of the past to show. What comes then is past as well, so that none is issued: else the time with
    // readers and the one without would differ by whether an hour begins in it.
    stop(start(&database, &topic, &with("all"), before));
    let mut run = start(&database, &topic, &with("live"), before);
    let address: Arc<str> = address(&mut run).into();
    let mut times = BTreeMap::<&str, Vec<f64>>::new();
    let (mut alone, mut ratios) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let without = p99_ms(&topic, &database, &mut before);
        let is_over = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..READERS)
            .map(|reader| read(Arc::clone(&address), round * READERS + reader, Arc::clone(&is_over)))
            .collect();
        let with = p99_ms(&topic, &database, &mut before);
        is_over.store(true, Ordering::Relaxed);
        for (view, ms) in readers.into_iter().flat_map(|reader| reader.join().expect("a reader")) {
            times.entry(view).or_default().push(ms);
        }
        alone.push(without);
        ratios.push(with / without);
    }
    stop(run);
    server.drop_database(&database);
    row("1 M snapshots; produce to commit, 1,000/s: p99, ms", &spread(alone, 1), "");
    row("with 50 readers, by that without", &spread(ratios, 2), "<= 1.20");
    for (view, mut times_ms) in times {
        times_ms.sort_by(f64::total_cmp);
        row(&format!("50 readers; /{view}, {} times: p95, ms", times_ms.len()), &at_share(&times_ms, 0.95), "<= 200");
    }
}

/// Goes from page to page, each time another one, and says what was asked for and how long it took, ms.
fn read(address: Arc<str>, reader: u64, is_over: Arc<AtomicBool>) -> JoinHandle<Vec<(&'static str, f64)>> {
    std::thread::spawn(move || {
        // Not all in step.
        std::thread::sleep(STAY.mul_f64(reader as f64 % READERS as f64 / READERS as f64));
        let mut times = Vec::new();
        for visit in 0.. {
            let chance = reader.wrapping_mul(1_000_003).wrapping_add(visit).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
            let (view, query) = page(visit + reader, chance);
            let began = Instant::now();
            let mut answer = String::new();
            ask(&address, &format!("/{view}{query}")).read_to_string(&mut answer).expect("a page");
            assert!(answer.starts_with("HTTP/1.1 200"), "/{view}{query}: {answer}");
            times.push((view, began.elapsed().as_secs_f64() * 1_000.0));
            stay(&address, &format!("/live/{view}{query}"));
            if is_over.load(Ordering::Relaxed) {
                break;
            }
        }
        times
    })
}

/// One of the pages, of one of what there is.
fn page(kind: u64, chance: u64) -> (&'static str, String) {
    match kind % 6 {
        0 => ("overview", format!("?window={}", [1, 6, 24, 168][chance as usize % 4])),
        1 => (
            "video",
            format!(
                "?id={}&metric={}",
                polls::video_id(chance % VIDEOS),
                ["views", "likes", "comments"][chance as usize % 3]
            ),
        ),
        2 => ("channel", format!("?id={}", polls::channel_id(chance % polls::CHANNELS))),
        3 => ("category", format!("?id={}", chance % polls::CATEGORIES)),
        4 => ("search", format!("?q=video+{}", chance % VIDEOS)),
        _ => (
            "forecasts",
            format!(
                "?metric={}&span={}",
                ["views", "likes", "comments"][chance as usize % 3],
                ["total", "7d"][chance as usize % 2]
            ),
        ),
    }
}

fn ask(address: &str, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("a connection");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").expect("sent");
    stream
}

/// Takes what comes of a page for a while.
fn stay(address: &str, path: &str) {
    let begin = Instant::now();
    let mut lines = BufReader::new(ask(address, path)).lines();
    while begin.elapsed() < STAY {
        lines.next().expect("it goes on for ever").expect("a line in UTF-8");
    }
}
