//! A million records that lie in Kafka, from the first poll to the last commit; beside it COPY of the final rows. Then a
//! start on what is stored.

use std::pin::pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{SinkExt, TryStreamExt};

use crate::harness::kafka;
use crate::harness::postgres::with_client;
use crate::harness::process::viewtide;
use crate::table::{row, spread};
use crate::{DEADLINE, Server, peak, polls};

const RECORDS: u64 = 1_000_000;
const PARTITIONS: i32 = 4;

/// The machine is rarely quiet, so each run has its COPY right after it, on the same server, and the ratio is that of pairs.
const ROUNDS: usize = 5;

/// In the order in which COPY writes them, with the order of their keys.
const TABLES: [(&str, &str); 2] =
    [("video_stats_processed", "video_id, \"timestamp\""), ("hourly_aggregations", "video_id, hour_start")];

/// In which order COPY gets the final rows.
#[derive(Clone, Copy)]
enum Order {
    /// As the run left them in its tables.
    Stored,
    /// By key, which is as kind to the indexes as it can be.
    Key,
}

/// What the rounds measured.
#[derive(Default)]
struct Figures {
    one: Vec<f64>,
    two: Vec<f64>,
    copy_stored: Vec<f64>,
    copy_key: Vec<f64>,
    peak_mb: Vec<f64>,
    restart: Vec<f64>,
    commits: Vec<f64>,
}

/// Measures and prints.
pub fn measure(server: &Server) {
    let topic = polls::topic(PARTITIONS, RECORDS);
    // Once for nothing: the broker's code gets warm and the topic comes into memory.
    server.drop_database(&run(&topic, server, 1).database);
    let mut figures = Figures::default();
    for _ in 0..ROUNDS {
        let one = run(&topic, server, 1);
        figures.one.push(one.seconds);
        figures.peak_mb.push(one.peak_mb);
        figures.commits.push(one.commits);
        figures.copy_stored.push(copy(server, &one.database, Order::Stored));
        figures.copy_key.push(copy(server, &one.database, Order::Key));
        figures.restart.push(restart(&topic, &one.database));
        server.drop_database(&one.database);
        let two = run(&topic, server, 2);
        figures.two.push(two.seconds);
        server.drop_database(&two.database);
    }
    print(&figures);
}

fn print(figures: &Figures) {
    let rate = |seconds: &[f64]| spread(seconds.iter().map(|seconds| RECORDS as f64 / seconds / 1_000.0), 0);
    let ratio = |copy: &[f64], run: &[f64]| spread(copy.iter().zip(run).map(|(copy, run)| copy / run), 2);
    row("1 M records from Kafka, 4 partitions, -w 1: k records/s", &rate(&figures.one), "");
    row("the same, -w 2", &rate(&figures.two), "");
    row("commits of -w 1", &spread(figures.commits.iter().copied(), 0), "");
    row("COPY of the final rows as they are stored: k records/s", &rate(&figures.copy_stored), "");
    row("COPY of the final rows in order of their keys", &rate(&figures.copy_key), "");
    row("-w 1 by COPY as stored", &ratio(&figures.copy_stored, &figures.one), ">= 0.5");
    row("-w 1 by COPY in order of keys", &ratio(&figures.copy_key, &figures.one), "");
    row("-w 2 by COPY as stored", &ratio(&figures.copy_stored, &figures.two), "");
    row("peak memory of -w 1, MB", &spread(figures.peak_mb.iter().copied(), 0), "");
    row("start on 1 M stored rows: s until the state is loaded", &spread(figures.restart.iter().copied(), 2), "");
}

struct Ran {
    database: String,
    seconds: f64,
    peak_mb: f64,
    commits: f64,
}

/// Runs over the topic into a new database; `seconds` are those from the first poll to the last commit.
fn run(topic: &str, server: &Server, workers: u32) -> Ran {
    let database = server.fresh_database();
    let brokers = kafka::shared().brokers();
    let workers = workers.to_string();
    let args = ["run", "--brokers", &brokers, "--topic", topic, "--database-url", &database, "-w", &workers];
    let run = viewtide(args.into_iter().chain(["--exit-at-end"]));
    let peak = peak::watch(&run);
    let summary = run.wait(DEADLINE).expect_code(0).json();
    assert_eq!(summary["records"], RECORDS);
    let figure = |name: &str| summary[name].as_f64().expect("a number");
    let (seconds, commits) = (figure("seconds"), figure("commits"));
    Ran { database, seconds, peak_mb: peak.join().expect("the watcher does not panic"), commits }
}

/// Seconds for COPY of the rows of `from` into the same tables of an empty database: binary, one connection, one
/// transaction over both tables, and the rows in memory before.
fn copy(server: &Server, from: &str, order: Order) -> f64 {
    let rows = TABLES.map(|(table, key)| {
        let what = match order {
            Order::Stored => table.to_owned(),
            Order::Key => format!("(SELECT * FROM {table} ORDER BY {key})"),
        };
        read_out(from, &what)
    });
    let to = server.fresh_database();
    viewtide(["migrate", "--database-url", &to]).wait(DEADLINE).expect_code(0);
    let seconds = with_client(&to, async |client| {
        let began = Instant::now();
        let transaction = client.transaction().await?;
        for ((table, _), chunks) in TABLES.into_iter().zip(rows) {
            let sink = transaction.copy_in::<_, Bytes>(&format!("COPY {table} FROM STDIN (FORMAT binary)")).await?;
            let mut sink = pin!(sink);
            for chunk in chunks {
                sink.feed(chunk).await?;
            }
            sink.finish().await?;
        }
        transaction.commit().await?;
        Ok(began.elapsed().as_secs_f64())
    })
    .expect("COPY");
    server.drop_database(&to);
    seconds
}

/// What COPY gives for `what`, in chunks as large as those that `run` sends: the server's own are one row each.
fn read_out(database: &str, what: &str) -> Vec<Bytes> {
    const CHUNK_BYTES: usize = 128 * 1_024;
    with_client(database, async |client| {
        let stream = client.copy_out(&format!("COPY {what} TO STDOUT (FORMAT binary)")).await?;
        let mut stream = pin!(stream);
        let mut chunks = Vec::new();
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        while let Some(row) = stream.try_next().await? {
            chunk.extend_from_slice(&row);
            if chunk.len() >= CHUNK_BYTES {
                chunks.push(std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK_BYTES)).into());
            }
        }
        chunks.push(chunk.into());
        Ok(chunks)
    })
    .expect("the final rows")
}

/// Seconds from the start of the process until it has loaded what is stored.
fn restart(topic: &str, database: &str) -> f64 {
    let brokers = kafka::shared().brokers();
    let began = Instant::now();
    let mut run =
        viewtide(["run", "--brokers", &brokers, "--topic", topic, "--database-url", database, "--exit-at-end"]);
    run.wait_for_output("state loaded", Duration::from_secs(60));
    let seconds = began.elapsed().as_secs_f64();
    run.wait(DEADLINE).expect_code(0);
    seconds
}
